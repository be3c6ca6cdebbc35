"""Which resource each entry of a transaction is about.

https://hl7.org/fhir/R4/http.html#trules
"""

from __future__ import annotations

from typing import Any

import pytest

from fhir_server.kernel.keys import Key
from tests.builders import SYSTEM, entry, fhirpath_patch, observation, patient, urn
from tests.fhir_server.interactions.performing import Performer, both, key_in, refused, statuses

# Identities ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "entries",
    [
        (entry("PUT", "Patient/a", patient(id="a")), entry("PUT", "Patient/a", patient(id="a"))),
        (entry("PUT", "Patient/a", patient(id="a")), entry("DELETE", "Patient/a")),
        (entry("DELETE", "Patient/a"), entry("DELETE", "Patient/a")),
        (entry("PUT", "Patient/a", patient(id="a")), entry("PUT", "Patient?identifier=1", patient())),
        (
            entry("PUT", "Patient/a", patient(id="a")),
            entry("PATCH", "Patient?identifier=1", fhirpath_patch()),
        ),
        (entry("PUT", "Patient/a", patient(id="a")), entry("DELETE", "Patient?identifier=1")),
        (entry("PUT", "Patient/a", patient(id="a")), entry("DELETE", "Patient?active=true")),
        (entry("DELETE", "Patient?identifier=1"), entry("DELETE", "Patient?active=true")),
        (entry("DELETE", "Patient?active=true"), entry("DELETE", "Patient?active=true,false")),
        (entry("POST", "Patient", patient("new")), entry("PUT", "Patient?identifier=new", patient("new"))),
        (
            entry("PUT", "Patient/c", patient("new", id="c")),
            entry("PUT", "Patient?identifier=new", patient()),
        ),
        (entry("PUT", "Patient?identifier=new", patient("new")),) * 2,
        (
            entry("POST", "Patient", patient("new")),
            entry("PATCH", "Patient?identifier=new", fhirpath_patch()),
        ),
    ],
)
async def test_a_resource_is_named_once(perform: Performer, entries: tuple[dict[str, Any], ...]) -> None:
    for name, value in (("a", "1"), ("b", "2")):
        await perform.put(patient(value, id=name, active=True))

    for ordered in (entries, entries[::-1]):
        with refused(400, "duplicate", "Bundle.entry[1]"):
            await perform.transaction(*ordered)

    assert await perform.count("Patient", "active=true") == 2


async def test_a_full_url_is_there_once(perform: Performer) -> None:
    with refused(400, "duplicate", "Bundle.entry[1].fullUrl"):
        await perform.transaction(*[entry("POST", "Patient", patient(), urn(1))] * 2)


async def test_reads_of_the_same_resource_are_no_matter(perform: Performer) -> None:
    key = await perform.made(patient())

    answers = await perform.transaction(
        *[entry("GET", str(key), None, urn(1))] * 2, entry("DELETE", "Patient/x")
    )

    assert statuses(answers) == ["200", "200", "204"]


# Conditions ------------------------------------------------------------------------------------------------------


@both
@pytest.mark.parametrize("matches", [0, 1, 2])
async def test_a_conditional_create(perform: Performer, matches: int) -> None:
    kept = [await perform.made(patient("1")) for _ in range(matches)]
    entries = [
        entry("POST", "Patient", patient("1"), urn(1), ifNoneExist=f"identifier={SYSTEM}|1"),
        entry("POST", "Observation", observation(urn(1)), urn(2)),
    ]

    if matches == 2:
        with refused(412, "multiple-matches", "Bundle.entry[0].request.ifNoneExist"):
            await perform.transaction(*entries)
        return
    answers = await perform.transaction(*entries)

    assert statuses(answers) == ["200" if matches else "201", "201"]
    assert (await perform.at(key_in(answers[1])))["subject"]["reference"] == str(key_in(answers[0]))
    assert [key_in(answers[0])] == (kept or [key_in(answers[0])])
    assert await perform.count("Patient") == 1


@both
@pytest.mark.parametrize("second", ["identifier=1", f"identifier={SYSTEM}|1", "identifier:not=7"])
async def test_two_conditional_creates_of_the_same_make_one(perform: Performer, second: str) -> None:
    answers = await perform.transaction(
        entry("POST", "Observation", observation(urn(2))),
        entry("POST", "Patient", patient("1"), urn(1), ifNoneExist="identifier=1"),
        entry("POST", "Patient", patient("1", active=True), urn(2), ifNoneExist=second),
        prefer_return="representation",
    )

    assert statuses(answers) == ["201", "201", "200"]
    assert key_in(answers[1]) == key_in(answers[2])
    assert answers[1]["resource"] == answers[2]["resource"]
    assert (await perform.at(key_in(answers[0])))["subject"]["reference"] == str(key_in(answers[1]))
    assert await perform.count("Patient") == 1


async def test_a_conditional_create_that_many_entries_meet_is_refused(perform: Performer) -> None:
    with refused(412, "multiple-matches", "Bundle.entry[2].request.ifNoneExist"):
        await perform.transaction(
            entry("POST", "Patient", patient("1")),
            entry("POST", "Patient", patient("1")),
            entry("POST", "Patient", patient("1"), ifNoneExist="identifier=1"),
        )


async def test_a_conditional_create_does_not_find_what_the_transaction_deletes(perform: Performer) -> None:
    old = await perform.made(patient("1"))

    answers = await perform.transaction(
        entry("POST", "Patient", patient("1"), ifNoneExist="identifier=1"), entry("DELETE", str(old))
    )

    assert statuses(answers) == ["201", "204"]
    assert await perform.count("Patient") == 1


@both
@pytest.mark.parametrize("given", [None, "own"])
async def test_a_conditional_update_of_nothing_creates(perform: Performer, given: str | None) -> None:
    tree = patient("1") if given is None else patient("1", id=given)

    answers = await perform.transaction(
        entry("PUT", "Patient?identifier=1", tree, urn(1)), entry("POST", "Observation", observation(urn(1)))
    )

    assert statuses(answers) == ["201", "201"]
    key = key_in(answers[0])
    assert given in {None, key.id}
    assert (await perform.at(key_in(answers[1])))["subject"]["reference"] == str(key)


async def test_a_conditional_update_revives_what_was_deleted(perform: Performer) -> None:
    await perform.put(patient("1", id="a"))
    await perform.delete(Key("Patient", "a"))

    (answer,) = await perform.transaction(entry("PUT", "Patient?identifier=1", patient("1", id="a")))

    assert (answer["response"]["status"], answer["response"]["etag"]) == ("201 Created", 'W/"3"')


@both
async def test_a_conditional_update_of_one_updates_it(perform: Performer) -> None:
    key = await perform.made(patient("1"))

    answers = await perform.transaction(
        entry("PUT", "Patient?identifier=1", patient("1", active=True), urn(1), ifMatch='W/"1"'),
        entry("POST", "Observation", observation(urn(1))),
    )

    assert statuses(answers) == ["200", "201"]
    assert key_in(answers[0]) == key
    assert (await perform.at(key))["active"] is True


async def test_a_conditional_update_with_another_id_is_refused(perform: Performer) -> None:
    await perform.made(patient("1"))

    with refused(400, "structure", "Bundle.entry[0].resource.id"):
        await perform.transaction(entry("PUT", "Patient?identifier=1", patient("1", id="another")))


@pytest.mark.parametrize(
    "conditional",
    [
        entry("PUT", "Patient?identifier=1", patient()),
        entry("PATCH", "Patient?identifier=1", fhirpath_patch()),
    ],
)
async def test_a_conditional_write_of_many_is_refused(
    perform: Performer, conditional: dict[str, Any]
) -> None:
    for _ in range(2):
        await perform.made(patient("1"))

    with refused(412, "multiple-matches", "Bundle.entry[0].request.url"):
        await perform.transaction(conditional)


@both
@pytest.mark.parametrize("matches", [0, 1, 3])
async def test_a_conditional_delete(perform: Performer, matches: int) -> None:
    kept = [await perform.made(patient("1")) for _ in range(matches)]
    other = await perform.made(patient("2"))

    answers = await perform.transaction(entry("DELETE", "Patient?identifier=1"), entry("GET", str(other)))

    assert statuses(answers) == ["204", "200"]
    assert all([await perform.is_gone(key) for key in kept])


async def test_a_conditional_delete_of_many_may_be_forbidden(perform: Performer) -> None:
    kept = [await perform.made(patient("1")) for _ in range(2)]

    with refused(412, "multiple-matches", "Bundle.entry[0].request.url"):
        await perform.with_settings(conditional_delete="single").transaction(
            entry("DELETE", "Patient?identifier=1")
        )

    assert not await perform.is_gone(kept[0])


async def test_a_server_that_chooses_ids_does_so_in_transactions(perform: Performer) -> None:
    strict = perform.with_settings(client_ids=False)

    (answer,) = await strict.transaction(entry("PUT", "Patient?identifier=1", patient("1")))

    assert statuses([answer]) == ["201"]
    for refusable in (
        entry("PUT", "Patient/mine", patient(id="mine")),
        entry("PUT", "Patient?identifier=2", patient("2", id="mine")),
    ):
        with refused(405, "not-supported", "Bundle.entry[0]"):
            await strict.transaction(refusable)
