"""https://hl7.org/fhir/R4/http.html#patch"""

from __future__ import annotations

from typing import Any

import pytest

from fhir_server.interactions.call import Action
from fhir_server.kernel.keys import Key
from fhir_server.kernel.wire import decode
from tests.builders import SYSTEM, fhirpath_patch, narrative, observation, operation, patient
from tests.fhir_server.interactions.performing import FHIR_JSON, JSON_PATCH, Performer, both, refused

ACTIVE = [{"op": "add", "path": "/active", "value": True}]
A = Key("Patient", "a")


@both
async def test_a_json_patch_makes_the_next_version(perform: Performer) -> None:
    await perform.put(patient("1", id="a"))

    reply = await perform.patch(A, [{"op": "replace", "path": "/identifier/0/value", "value": "2"}])

    assert (reply.status, reply.key, reply.version) == (200, A, 2)
    assert decode(reply.body) == await perform.at(A)
    assert [(change.version, change.method) for change in reply.changes] == [(2, "PATCH")]
    assert await perform.count("Patient", f"identifier={SYSTEM}|1") == 0
    assert await perform.count("Patient", f"identifier={SYSTEM}|2") == 1


@both
async def test_a_fhirpath_patch_does_too(perform: Performer) -> None:
    await perform.put(patient("1", id="a"))
    add = operation("add", "Patient", name="active", value={"valueBoolean": True})

    reply = await perform(Action.PATCH, *A, tree=fhirpath_patch(add))

    assert (reply.status, reply.version) == (200, 2)
    assert (await perform.at(A))["active"] is True


@pytest.mark.parametrize(
    "operations",
    [
        [],
        [{"op": "test", "path": "/id", "value": "a"}],
        [{"op": "add", "path": "/meta/versionId", "value": "9"}],
        [{"op": "remove", "path": "/meta/lastUpdated"}],
        [{"op": "add", "path": "/active", "value": False}, {"op": "remove", "path": "/active"}],
    ],
)
async def test_a_patch_that_changes_nothing_keeps_the_version(
    perform: Performer, operations: list[dict[str, Any]]
) -> None:
    await perform.put(patient("1", id="a"))
    before = await perform.at(A)

    reply = await perform.patch(A, operations)

    assert (reply.status, reply.version, reply.changes) == (200, 1, ())
    assert await perform.at(A) == before


async def test_a_list_that_loses_its_last_item_goes(perform: Performer) -> None:
    await perform.put(patient("1", id="a", name=[{"family": "x", "given": ["y"]}]))

    await perform.patch(
        A, [{"op": "remove", "path": "/identifier/0"}, {"op": "remove", "path": "/name/0/given/0"}]
    )

    kept = await perform.at(A)
    assert "identifier" not in kept
    assert kept["name"] == [{"family": "x"}]


@pytest.mark.parametrize(
    ("operations", "status", "place"),
    [
        ([{"op": "replace", "path": "/id", "value": "b"}], 422, "Patient.id"),
        ([{"op": "remove", "path": "/id"}], 422, "Patient.id"),
        ([{"op": "replace", "path": "/resourceType", "value": "Person"}], 422, "Patient.id"),
        ([{"op": "replace", "path": "", "value": observation(id="a")}], 422, "Patient.id"),
        ([{"op": "replace", "path": "", "value": "Patient"}], 422, ""),
        ([{"op": "add", "path": "/gender", "value": "blue"}], 422, "Patient.gender"),
        ([{"op": "add", "path": "/meta", "value": 7}], 422, "Patient.meta"),
        ([{"op": "add", "path": "/text", "value": 7}], 422, "Patient.text"),
        ([{"op": "test", "path": "/active", "value": True}], 422, ""),
        ({"op": "add"}, 400, ""),
        (
            [{"op": "add", "path": "/managingOrganization", "value": {"reference": "Organization/x"}}],
            422,
            "Patient.managingOrganization.reference",
        ),
        (
            [{"op": "add", "path": "/managingOrganization", "value": {"reference": "Organization?name=x"}}],
            422,
            "Patient.managingOrganization.reference",
        ),
    ],
)
async def test_a_patch_that_cannot_be_done_changes_nothing(
    perform: Performer, operations: Any, status: int, place: str
) -> None:
    await perform.put(patient("1", id="a"))

    with refused(status, "", place):
        await perform.patch(A, operations)

    assert (await perform.at(A))["meta"]["versionId"] == "1"


async def test_a_patch_is_of_a_known_form(perform: Performer) -> None:
    await perform.put(patient(id="a"))

    with refused(415, "not-supported"):
        await perform(Action.PATCH, *A, body=b"[]", media_type="application/json")
    with refused(400, "structure", "resourceType"):
        await perform(Action.PATCH, *A, tree=patient(id="a"), media_type=FHIR_JSON)
    with refused(413, "too-long"):
        await perform.with_settings(max_body_bytes=1024)(Action.PATCH, *A, body=b" " * 1025)


async def test_what_is_not_there_cannot_be_patched(perform: Performer) -> None:
    with refused(404, "not-found"):
        await perform.patch(A, ACTIVE)

    await perform.put(patient(id="a"))
    await perform.delete(A)

    with refused(410, "deleted"):
        await perform.patch(A, ACTIVE)


@pytest.mark.parametrize(("tag", "status"), [('W/"1"', 200), ("*", 200), ('W/"2"', 412), ("1", 400)])
async def test_a_patch_may_ask_for_a_version(perform: Performer, tag: str, status: int) -> None:
    await perform.put(patient(id="a"))

    if status == 200:
        assert (await perform.patch(A, ACTIVE, if_match=tag)).version == 2
    else:
        with refused(status):
            await perform.patch(A, ACTIVE, if_match=tag)


@both
@pytest.mark.parametrize(("matches", "status"), [(0, 404), (1, 200), (2, 412)])
async def test_a_conditional_patch(perform: Performer, matches: int, status: int) -> None:
    kept = [await perform.made(patient("1")) for _ in range(matches)]

    async def patch() -> Any:
        operations = b'[{"op":"add","path":"/active","value":true}]'
        return await perform(
            Action.PATCH, "Patient", query="identifier=1", body=operations, media_type=JSON_PATCH
        )

    if status == 200:
        assert (await patch()).key == kept[0]
    else:
        with refused(status, "multiple-matches" if matches else "not-found"):
            await patch()


async def test_criteria_are_understood_or_refused(perform: Performer) -> None:
    await perform.made(patient())

    for query in ("", "nonsense=1"):
        with refused(400):
            await perform(Action.PATCH, "Patient", query=query, body=b"[]", media_type=JSON_PATCH)


# Narratives ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "operations", "stays"),
    [
        ("generated", ACTIVE, False),
        ("extensions", ACTIVE, False),
        ("empty", ACTIVE, True),
        ("generated", [{"op": "add", "path": "/language", "value": "fr"}], True),
        ("generated", [*ACTIVE, {"op": "replace", "path": "/text", "value": narrative("y")}], True),
        (
            "additional",
            [*ACTIVE, {"op": "replace", "path": "/text", "value": narrative("y", "additional")}],
            True,
        ),
        ("additional", [*ACTIVE, {"op": "remove", "path": "/text"}], False),
    ],
)
async def test_no_narrative_tells_what_the_data_no_longer_say(
    perform: Performer, status: str, operations: list[dict[str, Any]], stays: bool
) -> None:
    await perform.put(patient(id="a", text=narrative(status=status)))

    assert (await perform.patch(A, operations)).status == 200

    assert ("text" in await perform.at(A)) == stays


async def test_a_narrative_is_compared_beside_integers_of_any_size(perform: Performer) -> None:
    much = {"value": 10**30}
    await perform.put(observation(id="o", text=narrative(), valueQuantity=much))

    await perform.patch(Key("Observation", "o"), [{"op": "replace", "path": "/status", "value": "amended"}])

    patched = await perform.at(Key("Observation", "o"))
    assert (patched["status"], patched["valueQuantity"], "text" in patched) == ("amended", much, False)


async def test_a_narrative_that_says_more_must_be_patched_too(perform: Performer) -> None:
    await perform.put(patient(id="a", text=narrative(status="additional")))

    with refused(422, "business-rule", "Patient.text"):
        await perform.patch(A, ACTIVE)
