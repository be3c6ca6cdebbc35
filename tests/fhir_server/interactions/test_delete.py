"""https://hl7.org/fhir/R4/http.html#delete"""

from __future__ import annotations

import pytest

from fhir_server.interactions import delete
from fhir_server.interactions.call import Action
from fhir_server.kernel.keys import Key
from tests.builders import extension, observation, organization, patient
from tests.fhir_server.interactions.performing import Performer, both, refused


@both
async def test_a_deletion_is_a_version_of_its_own(perform: Performer) -> None:
    key = await perform.made(patient("1"))

    reply = await perform.delete(key)

    assert (reply.status, reply.body, reply.key, reply.version) == (204, b"", key, 2)
    assert [(change.key, change.version, change.method, change.tree) for change in reply.changes] == [
        (key, 2, "DELETE", None)
    ]
    assert await perform.count("Patient") == 0
    assert (await perform.at(key, 1))["id"] == key.id


async def test_to_delete_again_or_nothing_is_no_error(perform: Performer) -> None:
    key = await perform.made(patient())
    await perform.delete(key)

    again = await perform.delete(key)
    nothing = await perform.delete(Key("Patient", "never"))

    assert (again.status, again.version, again.changes) == (204, 2, ())
    assert (nothing.status, nothing.version, nothing.changes) == (204, None, ())


@pytest.mark.parametrize(("tag", "status"), [('W/"1"', 204), ("*", 204), ('W/"2"', 412), ("1", 400)])
async def test_a_deletion_may_ask_for_a_version(perform: Performer, tag: str, status: int) -> None:
    key = await perform.made(patient())

    if status == 204:
        await perform.delete(key, if_match=tag)
    else:
        with refused(status):
            await perform.delete(key, if_match=tag)
    assert await perform.is_gone(key) == (status == 204)


async def test_a_version_of_nothing_cannot_be_asked_for(perform: Performer) -> None:
    with refused(412, "conflict"):
        await perform.delete(Key("Patient", "never"), if_match='W/"1"')
    with refused(412, "conflict"):
        await perform(Action.DELETE, "Patient", query="identifier=1", if_match='W/"1"')


@both
async def test_what_others_refer_to_stays(perform: Performer) -> None:
    who = await perform.made(patient())
    what = await perform.made(observation(who))

    with refused(409, "conflict") as texts:
        await perform.delete(who)

    assert str(what) in texts[0]
    await perform.delete(what)
    assert (await perform.delete(who)).status == 204


@both
async def test_references_that_no_search_parameter_reaches_count_too(perform: Performer) -> None:
    who = await perform.made(organization())
    pointing = patient(extension=[extension(valueReference={"reference": str(who)})])
    what = await perform.made(pointing)

    with refused(409, "conflict"):
        await perform.delete(who)

    await perform.put(patient(id=what.id))
    assert (await perform.delete(who)).status == 204


@both
async def test_references_of_what_was_deleted_count_no_longer(perform: Performer) -> None:
    who = await perform.made(organization())
    what = await perform.made(patient(extension=[extension(valueReference={"reference": str(who)})]))
    await perform.delete(what)

    assert (await perform.delete(who)).status == 204


async def test_a_reference_to_a_version_counts(perform: Performer) -> None:
    who = await perform.made(patient())
    await perform.made(observation(f"{who}/_history/1"))

    with refused(409, "conflict"):
        await perform.delete(who)


@both
async def test_a_resource_that_refers_to_itself_may_go(perform: Performer) -> None:
    await perform.put(patient(id="a"))
    await perform.put(patient(id="a", link=[{"other": {"reference": "Patient/a"}, "type": "refer"}]))

    assert (await perform.delete(Key("Patient", "a"))).status == 204


async def test_without_integrity_anything_may_go(perform: Performer) -> None:
    loose = perform.with_settings(references="off")
    who = await loose.made(patient())
    what = await loose.made(observation(who))
    await loose.made(observation("Patient?identifier=1"))

    assert (await loose.delete(who)).status == 204
    assert (await perform.put(observation("https://x.example/Patient/1", id=what.id))).status == 200


async def test_a_conditional_reference_at_rest_does_not_keep_its_resource(perform: Performer) -> None:
    loose = perform.with_settings(references="off")
    one, two = [await loose.made(observation("Patient?identifier=1")) for _ in range(2)]

    assert (await perform.put(observation(id=one.id))).status == 200
    assert (await perform.delete(two)).status == 204


# Conditional -----------------------------------------------------------------------------------------------------


@both
@pytest.mark.parametrize("matches", [0, 1, 3])
async def test_a_conditional_delete_takes_what_matches(perform: Performer, matches: int) -> None:
    kept = [await perform.made(patient("1")) for _ in range(matches)]
    other = await perform.made(patient("2"))

    reply = await perform(Action.DELETE, "Patient", query="identifier=1")

    assert reply.status == 204
    assert {change.key for change in reply.changes} == set(kept)
    assert not await perform.is_gone(other)
    assert reply.key == (kept[0] if matches == 1 else None)


async def test_a_server_may_delete_one_at_a_time_only(perform: Performer) -> None:
    single = perform.with_settings(conditional_delete="single")
    kept = [await perform.made(patient(value)) for value in "112"]

    with refused(412, "multiple-matches"):
        await single(Action.DELETE, "Patient", query="identifier=1")

    assert not any([await perform.is_gone(key) for key in kept])
    assert (await single(Action.DELETE, "Patient", query="identifier=2")).status == 204


async def test_there_is_a_most_that_one_request_deletes(
    perform: Performer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delete, "MOST_AT_ONCE", 2)
    for _ in range(3):
        await perform.made(patient("1"))

    with refused(413, "too-long"):
        await perform(Action.DELETE, "Patient", query="identifier=1")

    assert await perform.count("Patient") == 3


@pytest.mark.parametrize("query", ["", "identifer=1", "_count=1", "identifier:x=1", "_format=json"])
async def test_criteria_are_understood_or_refused(perform: Performer, query: str) -> None:
    await perform.made(patient("1"))

    with refused(400):
        await perform(Action.DELETE, "Patient", query=query, prefer_handling="lenient")

    assert await perform.count("Patient") == 1


@both
async def test_resources_that_refer_to_each_other_may_go_together(perform: Performer) -> None:
    a, b = [await perform.made(patient("1")) for _ in range(2)]
    for one, other in ((a, b), (b, a)):
        link = [{"other": {"reference": str(other)}, "type": "refer"}]
        await perform.put(patient("1", id=one.id, link=link))

    assert (await perform(Action.DELETE, "Patient", query="identifier=1")).status == 204
    assert await perform.is_gone(a)
