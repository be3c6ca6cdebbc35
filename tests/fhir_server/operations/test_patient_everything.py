"""https://hl7.org/fhir/R4/patient-operation-everything.html"""

from __future__ import annotations

import asyncio

import pytest

from fhir_server.kernel.keys import Key
from fhir_server.kernel.wire import Tree
from fhir_server.operations import compartment
from fhir_server.search.query import Query
from fhir_server.store.contract import Page
from fhir_server.store.memory import MemoryStore
from tests.builders import observation, organization, patient
from tests.fhir_server.interactions.performing import BASE, refused
from tests.fhir_server.operations.asking import Operator, keys_in, link_in, reference

P = reference("Patient/p")
MATCHES = ["Patient/p", "Encounter/e", *(f"Observation/{n}" for n in range(5)), "Task/t"]
INCLUDED = ["Binary/b", "Organization/o", "Organization/parent", "Practitioner/d", "PractitionerRole/r"]


def practitioner(id: str) -> Tree:
    return {"resourceType": "Practitioner", "id": id}


def encounter(id: str, subject: str = "Patient/p", **elements: object) -> Tree:
    kind = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "HH"}
    return {
        "resourceType": "Encounter",
        "id": id,
        "status": "finished",
        "class": kind,
        "subject": reference(subject),
        **elements,
    }


def task(id: str, **elements: object) -> Tree:
    return {"resourceType": "Task", "id": id, "status": "requested", "intent": "order", **elements}


@pytest.fixture
async def record(server: Operator) -> Operator:
    """The record of patient `p`, and somebody else's."""
    await server.keep(
        organization(id="parent"),
        organization(id="o", partOf=reference("Organization/parent")),
        organization(id="unrelated"),
        practitioner("d"),
        practitioner("unrelated"),
        {"resourceType": "PractitionerRole", "id": "r", "practitioner": reference("Practitioner/d")},
        {"resourceType": "Binary", "id": "b", "contentType": "text/plain", "data": "YQ=="},
        patient(id="p", managingOrganization=reference("Organization/o")),
        patient(id="q"),
        encounter("e", period={"start": "2024-01-03", "end": "2024-01-04"}),
        observation("Patient/q", id="q", effectiveDateTime="2024-01-03"),
    )
    await server.keep(
        *(
            observation(
                "Patient/p",
                id=str(n),
                effectiveDateTime=f"2024-01-0{n + 1}",
                performer=[reference("PractitionerRole/r")],
                derivedFrom=[reference("Observation/q")],
            )
            for n in range(5)
        ),
        task(
            "t",
            **{"for": P},
            input=[{"type": {"text": "x"}, "valueAttachment": {"url": "Binary/b"}}],
            owner=reference("Practitioner/d"),
        ),
        task("q", **{"for": reference("Patient/q")}),
    )
    return server


async def test_the_record_is_the_compartment_and_what_it_refers_to(record: Operator) -> None:
    found = await record.bundle("Patient/p/$everything")

    assert found["type"] == "searchset"
    assert keys_in(found, "match") == MATCHES
    assert keys_in(found, "include") == INCLUDED
    assert found["total"] == len(MATCHES)
    assert found["link"] == [{"relation": "self", "url": f"{BASE}/Patient/p/$everything"}]


async def test_a_short_record_takes_a_few_searches_and_not_one_for_each_type(
    record: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Query] = []
    search = MemoryStore.search

    async def counted(store: MemoryStore, query: Query) -> Page:
        asked.append(query)
        return await search(store, query)

    monkeypatch.setattr(MemoryStore, "search", counted)

    found = await record.bundle("Patient/p/$everything")

    assert keys_in(found) == MATCHES + INCLUDED
    assert len(asked) < 12


async def test_a_record_too_long_for_one_search_is_read_type_by_type(
    record: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compartment, "_AT_ONCE", 3)

    found = await record.bundle("Patient/p/$everything")

    assert keys_in(found) == MATCHES + INCLUDED


@pytest.mark.parametrize("count", [1, 2, 3, 5, 7, 8, 9, 12, 13, 14])
async def test_pages_lead_through_everything_once(record: Operator, count: int) -> None:
    pages = await record.pages(f"Patient/p/$everything?_count={count}")

    assert [key for page in pages for key in keys_in(page)] == MATCHES + INCLUDED
    assert {len(page["entry"]) for page in pages[:-1]} <= {count}
    assert 0 < len(pages[-1]["entry"]) <= count
    assert all("total" not in page for page in pages) or len(pages) == 1


async def test_a_page_stays_as_it_is_when_others_write(record: Operator) -> None:
    first = await record.bundle("Patient/p/$everything?_count=5")
    await record.keep(encounter("new"), observation("Patient/p", id="last"))

    rest = await record.pages(link_in(first, "next"))

    shown = [key for page in [first, *rest] for key in keys_in(page)]
    assert len(shown) == len(set(shown))
    assert set(shown) >= {*MATCHES, *INCLUDED}


async def test_a_page_can_be_asked_for_again(record: Operator) -> None:
    first = await record.bundle("Patient/p/$everything?_count=5")

    once, again = [await record.bundle(link_in(first, "next")) for _ in range(2)]

    assert keys_in(once) == keys_in(again)
    assert link_in(once, "first") == link_in(first, "self")


async def test_nothing_about_another_patient_comes_along(record: Operator) -> None:
    await record.keep(
        {
            "resourceType": "Group",
            "id": "g",
            "type": "person",
            "actual": True,
            "member": [{"entity": reference("Patient/q")}, {"entity": P}],
        },
        {"resourceType": "List", "id": "l", "status": "current", "mode": "working", "subject": P,
         "entry": [{"item": reference("Observation/q")}, {"item": reference("Task/q")}]},
    )  # fmt: skip

    found = keys_in(await record.bundle("Patient/p/$everything"))

    assert {"Group/g", "List/l"} <= set(found)
    assert not {"Patient/q", "Observation/q", "Task/q"} & set(found)


async def test_a_patient_that_the_patient_is_linked_to_comes_along(record: Operator) -> None:
    await record.keep(
        patient(id="old"), patient(id="p", link=[{"other": reference("Patient/old"), "type": "replaces"}])
    )
    await record.keep(patient(id="newer", link=[{"other": P, "type": "replaces"}]))

    found = await record.bundle("Patient/p/$everything")

    assert keys_in(found, "match")[:2] == ["Patient/p", "Patient/newer"]
    assert "Patient/old" in keys_in(found, "include")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("_type=Observation", [f"Observation/{n}" for n in range(5)]),
        ("_type=Observation,Practitioner", [*(f"Observation/{n}" for n in range(5)), "Practitioner/d"]),
        ("_type=Patient&_type=Binary", ["Patient/p", "Binary/b"]),
        ("_type=Practitioner", ["Practitioner/d"]),
        ("_type=Medication", []),
        ("_type=Encounter,Observation&start=2024-01-04", ["Encounter/e", "Observation/3", "Observation/4"]),
        ("_type=Encounter,Observation&end=2024-01-03", ["Encounter/e", *(f"Observation/{n}" for n in range(3))]),
        ("_type=Encounter,Observation&start=2024-01-02&end=2024-01-02", ["Observation/1"]),
        ("_type=Encounter,Observation&start=2024-01&end=2024-01", MATCHES[1:7]),
        ("_type=Encounter,Observation&start=2025", []),
        ("start=2025", ["Patient/p", "Task/t", *INCLUDED[:3], "Practitioner/d"]),
    ],
)  # fmt: skip
@pytest.mark.parametrize("count", ["", "&_count=2"])
async def test_types_and_days_of_care_narrow_it(
    record: Operator, query: str, count: str, expected: list[str]
) -> None:
    pages = await record.pages(f"Patient/p/$everything?{query}{count}")

    assert [key for page in pages for key in keys_in(page)] == expected


async def test_since_gives_what_has_changed_included_resources_too(record: Operator) -> None:
    await asyncio.sleep(0.01)  # what is written from here on has a later stamp
    await record.keep(organization(id="marker"))
    since = (await record.at(Key("Organization", "marker")))["meta"]["lastUpdated"]
    await record.keep(
        practitioner("d") | {"active": True}, observation("Patient/p", id="3", effectiveDateTime="2020")
    )

    found = await record.bundle(f"Patient/p/$everything?_since={since}")

    assert keys_in(found) == ["Observation/3", "Practitioner/d"]


async def test_everything_of_all_patients(record: Operator) -> None:
    await record.keep(
        observation(id="nobody"), observation(id="performed", performer=[reference("Practitioner/d")])
    )

    pages = await record.pages("Patient/$everything?_count=4")

    matched = [key for page in pages for key in keys_in(page, "match")]
    assert len(matched) == len(set(matched))
    assert set(matched) == {*MATCHES, "Patient/q", "Observation/q", "Task/q"}
    assert {key for page in pages for key in keys_in(page, "include")} == set(INCLUDED)


async def test_an_unknown_patient_is_404_and_a_deleted_one_410(server: Operator) -> None:
    await server.keep(patient(id="gone"))
    await server.delete(Key("Patient", "gone"))

    with refused(404, "not-found"):
        await server.ask("Patient/never/$everything")
    with refused(410, "deleted"):
        await server.ask("Patient/gone/$everything")


@pytest.mark.parametrize(
    "query",
    [
        "_count=0", "_count=-1", "_count=x", "_type=Patent", "_type=", "_type=Patient,", "start=x", "end=2024-13",
        "start=2024-02&end=2024-01", "_since=2024", "_since=2024&_since=2024", "code=x", "_cursor=x", "_cursor=x:y",
        "_cursor=Observation:x", "_cursor=included:x", "_cursor=included:Shoe/1", "_cursor=included:Patient/",
    ],
)  # fmt: skip
async def test_what_cannot_be_read_is_400(record: Operator, query: str) -> None:
    with refused(400):
        await record.ask(f"Patient/p/$everything?{query}")


async def test_a_page_is_never_larger_than_the_server_makes_them(record: Operator) -> None:
    small = Operator(record.store, max_page_size=4)

    for query in ("", "?_count=1000000"):
        assert len((await small.bundle(f"Patient/p/$everything{query}"))["entry"]) == 4


async def test_everything_works_inside_a_batch_and_a_transaction(record: Operator) -> None:
    ask = {"request": {"method": "GET", "url": "Patient/p/$everything?_type=Task"}}

    for answers in (await record.batch(ask), await record.transaction(ask)):
        assert answers[0]["response"]["status"] == "200 OK"
        assert keys_in(answers[0]["resource"]) == ["Task/t"]


async def test_where_the_record_comes_from_comes_along(record: Operator) -> None:
    def provenance(key: str, *targets: str) -> Tree:
        agent = [{"who": reference("Practitioner/unrelated")}]
        return {
            "resourceType": "Provenance",
            "id": key,
            "target": [reference(target) for target in targets],
            "recorded": "2024-01-01T00:00:00Z",
            "agent": agent,
        }

    await record.keep(
        provenance("seen", "Observation/1"),
        provenance("other", "Observation/q"),
        provenance("self", "Patient/p"),
    )

    found = await record.bundle("Patient/p/$everything")

    assert "Provenance/self" in keys_in(found, "match")
    assert {"Provenance/seen", "Practitioner/unrelated"} <= set(keys_in(found, "include"))
    assert "Provenance/other" not in keys_in(found)


async def test_what_a_record_refers_to_has_a_limit(record: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fhir_server.operations.supporting.MOST", 2)

    with refused(422, "too-costly"):
        await record.ask("Patient/p/$everything")


async def test_pages_of_all_patients_pass_over_what_is_about_nobody(record: Operator) -> None:
    await record.keep(*(observation(id=f"nobody-{n}") for n in range(12)))

    pages = await record.pages("Patient/$everything?_count=2&_type=Observation")

    assert sorted(key for page in pages for key in keys_in(page)) == [*MATCHES[2:7], "Observation/q"]
