"""What becomes of the index when search parameters come, change and go: on PostgreSQL, with one worker or two."""

from __future__ import annotations

import psycopg
import pytest

from fhir_server.interactions.call import Action
from fhir_server.kernel.wire import Tree, decode
from tests.builders import bundle, entry, observation, organization, patient, search_parameter, urn
from tests.fhir_server.interactions.performing import Performer, refused
from tests.fhir_server.operations.indexing import Open, assert_exact, found, index_all, reindex, single
from tests.indexes import rows_there

# A parameter comes ---------------------------------------------------------------------------------------------------


async def test_a_new_parameter_finds_what_was_written_before_and_after(either: Performer) -> None:
    await either.made(single())
    await either.made(single("S"))

    await either.made(search_parameter("marital"))
    await either.made(single())
    with refused(400, "transient"):
        await either.search("Patient", "marital=M")
    await index_all(either)

    assert await found(either, "marital=M") == 2
    assert await found(either, "marital:missing=true") == 0


async def test_every_kind_of_parameter_is_indexed(either: Performer) -> None:
    await either.made(
        patient(
            id="p",
            contact=[{"name": {"family": "Payet"}, "period": {"start": "2024-03-01"}}],
            multipleBirthInteger=3,
            extension=[
                {"url": "urn:u", "valueUri": "urn:x"},
                {
                    "url": "urn:q",
                    "valueQuantity": {"value": 5, "system": "http://unitsofmeasure.org", "code": "mg"},
                },
                {"url": "urn:r", "valueReference": {"reference": "https://example.org/Patient/1"}},
            ],
        )
    )
    value = "Patient.extension.where(url='urn:{}').value"
    for code, kind, expression in (
        ("c-name", "string", "Patient.contact.name.family"),
        ("c-period", "date", "Patient.contact.period"),
        ("births", "number", "Patient.multipleBirth as integer"),
        ("u", "uri", value.format("u")),
        ("q", "quantity", value.format("q")),
        ("r", "reference", value.format("r")),
    ):
        await either.made(search_parameter(code, type=kind, expression=expression))
    await index_all(either)

    for query in (
        "c-name=pay",
        "c-name:exact=Payet",
        "c-period=ge2024",
        "births=gt2",
        "u=urn:x",
        "q=0.005|http://unitsofmeasure.org|g",
        "r=https://example.org/Patient/1",
        "_sort=c-name&c-name:contains=ye",
    ):
        assert await found(either, query) == 1, query


async def test_a_parameter_of_every_resource_is_indexed_on_all_types(either: Performer) -> None:
    await either.made(patient(language="fr"))
    await either.made(organization(language="fr"))

    await either.made(search_parameter("lang", base=["Resource"], expression="Resource.language"))
    await index_all(either)

    assert [await found(either, "lang=fr", name) for name in ("Patient", "Organization")] == [1, 1]


async def test_an_expression_for_the_fhirpath_engine_is_indexed(either: Performer) -> None:
    await either.made(patient(name=[{"use": "maiden", "family": "Hoarau"}, {"family": "Payet"}]))

    expression = "Patient.name.where(use = 'maiden' and family.exists()).family"
    await either.made(search_parameter("maiden", type="string", expression=expression))
    await index_all(either)

    assert [await found(either, f"maiden={name}") for name in ("hoarau", "payet")] == [1, 0]


async def test_contained_resources_are_indexed_too(either: Performer) -> None:
    team = {"resourceType": "CareTeam", "id": "t", "note": [{"text": "nuits"}]}
    plan = {
        "resourceType": "CarePlan",
        "status": "active",
        "intent": "plan",
        "subject": {"display": "x"},
        "contained": [team],
        "careTeam": [{"reference": "#t"}],
    }
    await either.made(plan)

    definition = search_parameter("note", base=["CareTeam"], type="string", expression="CareTeam.note.text")
    await either.made(definition)
    with refused(400, "transient"):
        await either.search("CarePlan", "care-team.note=nuits")
    await index_all(either)

    assert await found(either, "care-team.note=nuits", "CarePlan") == 1


async def test_a_definition_that_is_not_active_changes_nothing_until_it_is(either: Performer) -> None:
    await either.made(single())
    key = await either.made(search_parameter("marital", status="draft"))
    with refused(400):
        await either.search("Patient", "marital=M", prefer_handling="strict")
    assert either.store.definitions.current.generation == 0

    await either.put(search_parameter("marital", id=key.id))
    await index_all(either)

    assert await found(either, "marital=M") == 1


async def test_definitions_of_one_transaction_know_of_each_other(either: Performer) -> None:
    with refused({409, 422}, "duplicate"):
        await either.transaction(
            entry("POST", "SearchParameter", search_parameter("new"), urn(1)),
            entry("POST", "SearchParameter", search_parameter("new", expression="Patient.active"), urn(2)),
        )

    await either.transaction(
        entry("POST", "SearchParameter", search_parameter("one"), urn(1)),
        entry("POST", "SearchParameter", search_parameter("two", expression="Patient.active"), urn(2)),
        entry("POST", "Patient", single(active=True), urn(3)),
    )
    await index_all(either)

    assert await found(either, "one=M&two=true") == 1
    assert either.store.definitions.current.generation == 1


@pytest.mark.parametrize(
    ("elements", "status"),
    [({"expression": "Patient.("}, 422), ({"code": "family"}, 422), ({"type": "composite"}, 422)],
)
async def test_what_cannot_be_in_force_is_refused(either: Performer, elements: Tree, status: int) -> None:
    with refused(status):
        await either.create(search_parameter("new", **elements))

    assert either.store.definitions.current.generation == 0


async def test_a_second_definition_of_a_code_is_a_conflict(either: Performer) -> None:
    await either.made(search_parameter("new"))

    with refused(409, "duplicate", "SearchParameter.code"):
        await either.create(search_parameter("new", expression="Patient.active"))


# It changes and goes -------------------------------------------------------------------------------------------------


async def test_a_changed_parameter_finds_what_it_says_now(either: Performer) -> None:
    await either.made(single(active=True))
    key = await either.made(search_parameter("new"))
    await index_all(either)

    await either.put(search_parameter("new", id=key.id, expression="Patient.active"))
    await either.made(single(active=False))
    await index_all(either)

    assert [await found(either, f"new={code}") for code in ("M", "true", "false")] == [0, 1, 1]


async def test_a_deleted_parameter_is_unknown_at_once(either: Performer) -> None:
    await either.made(single())
    key = await either.made(search_parameter("marital"))
    await index_all(either)

    await either.delete(key)

    with refused(400):
        await either.search("Patient", "marital=M", prefer_handling="strict")


async def test_the_rows_of_a_deleted_parameter_are_removed(worker: Performer, url: str) -> None:
    kept, changed, deleted = [await worker.made(single()) for _ in range(3)]
    key = await worker.made(search_parameter("marital"))
    await index_all(worker)
    before = len(rows_there(url)["entry"])

    await worker.delete(key)
    await worker.put(single("S", id=changed.id))
    await worker.delete(deleted)
    await index_all(worker)

    assert len(rows_there(url)["entry"]) < before
    assert_exact(url, worker)
    assert await worker.at(kept)


async def test_a_parameter_may_come_back_while_its_rows_are_being_removed(
    worker: Performer, url: str
) -> None:
    keys = [await worker.made(single()) for _ in range(5)]
    key = await worker.made(search_parameter("marital"))
    await index_all(worker)

    await worker.delete(key)
    await worker.put(single("S", id=keys[0].id))
    await worker.delete(keys[1])
    await worker.made(search_parameter("marital"))
    await worker.put(single("M", id=keys[0].id))  # the row is there already, left behind by the one before
    await worker.put(single("M", id=keys[1].id))
    await index_all(worker)

    assert_exact(url, worker)
    assert await found(worker, "marital=M") == 5


async def test_a_resource_that_only_an_added_parameter_points_to_is_protected(
    worker: Performer, url: str
) -> None:
    target = await worker.made(organization())
    holder = await worker.made(
        patient(extension=[{"url": "urn:r", "valueReference": {"reference": str(target)}}])
    )
    expression = "Patient.extension.where(url='urn:r').value"
    key = await worker.made(search_parameter("held-by", type="reference", expression=expression))
    await index_all(worker)
    with refused(409):
        await worker.delete(target)
    await worker.delete(key)
    with refused(409):
        await worker.delete(target)
    await index_all(worker)
    with refused(409):
        await worker.delete(target)

    await worker.put(patient(id=holder.id))
    await worker.delete(target)

    assert_exact(url, worker)


# Other reasons to index ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("large_bytes", [0, 10**12])
async def test_reindex_mends_an_index_that_is_wrong(worker: Performer, url: str, large_bytes: int) -> None:
    worker.store.definitions._large_bytes = large_bytes  # type: ignore[attr-defined]
    target = await worker.made(patient("1", family="Payet", birthDate="1937-05-04"))
    await worker.made(observation(target, effectiveDateTime="2024", valueQuantity={"value": 3, "unit": "kg"}))
    gone = await worker.made(patient("2"))
    await worker.delete(gone)
    with psycopg.connect(url) as connection:
        for table in ("entry", "entry_string", "entry_date", "entry_quantity"):
            connection.execute(f"delete from {table}")
        connection.execute("update resource set present = '{}', refs = '{}', moment = 0")
        connection.execute("insert into entry select 1, 2, 3, pk from resource")
        connection.execute("insert into entry_string select 1, 'x', pk from resource")

    reply = await reindex(worker)
    await index_all(worker)

    assert reply.status == 202
    assert decode(reply.body)["parameter"][0] == {"name": "state", "valueCode": "indexing"}
    assert_exact(url, worker)
    assert await found(worker, f"subject={target}&date=2024&_include=Observation:subject", "Observation") == 1
    with psycopg.connect(url) as connection:
        assert connection.execute("select to_regclass('entry_reindex') is null").fetchone() == (True,)


async def test_other_definitions_that_are_shipped_are_indexed(
    worker: Performer, open_worker: Open, url: str
) -> None:
    await worker.made(
        {
            "resourceType": "CareTeam",
            "period": {"start": "2024-03-01"},
        }
    )
    with psycopg.connect(url) as connection:  # as a version left it that did not ship `start`
        connection.execute(
            "update setting set value = convert_to((convert_from(value, 'UTF8')::jsonb"
            " - 'https://interop.esante.gouv.fr/ig/fhir/cds/SearchParameter/cds-careteam-start')::text, 'UTF8')"
            " where name = 'national'"
        )
        connection.execute("delete from entry_date")

    newer = await open_worker()
    with refused(400, "transient"):
        await newer.search("CareTeam", "start=2024-03")
    await index_all(newer)

    assert await found(newer, "start=2024-03", "CareTeam") == 1
    assert_exact(url, newer)
    assert (await open_worker()).store.definitions.current.jobs == ()


async def test_the_state_of_the_work_is_told(either: Performer) -> None:
    await either.made(single())

    begun = await reindex(either, "Patient")
    under_way = await reindex(either, safe=True)
    await index_all(either)
    done = await reindex(either, safe=True)

    assert (begun.status, under_way.status, done.status) == (202, 200, 200)
    part = decode(under_way.body)["parameter"][1]["part"]
    assert part[0] == {"name": "code", "valueCode": "Patient"}
    assert decode(done.body)["parameter"] == [{"name": "state", "valueCode": "complete"}]


async def test_reindex_is_no_part_of_a_transaction(either: Performer) -> None:
    with refused(400, "not-supported"):
        await either(
            Action.BUNDLE,
            tree=bundle("transaction", entry("POST", "$reindex", {"resourceType": "Parameters"})),
        )
