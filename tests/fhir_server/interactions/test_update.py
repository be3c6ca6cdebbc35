"""https://hl7.org/fhir/R4/http.html#update · https://hl7.org/fhir/R4/http.html#cond-update"""

from __future__ import annotations

from typing import Any

import pytest

from fhir_server.interactions.call import Action
from fhir_server.kernel.keys import Key
from fhir_server.kernel.wire import decode
from tests.builders import SYSTEM, organization, patient
from tests.fhir_server.interactions.performing import Performer, both, refused

A = Key("Patient", "a")


@both
async def test_an_update_of_an_unknown_id_creates_it(perform: Performer) -> None:
    reply = await perform.put(patient("1", id="a"))

    assert (reply.status, reply.key, reply.version) == (201, A, 1)
    assert decode(reply.body) == await perform.at(A)
    assert [(change.key, change.version, change.method) for change in reply.changes] == [(A, 1, "PUT")]


@both
async def test_an_update_makes_the_next_version(perform: Performer) -> None:
    await perform.put(patient("1", id="a"))

    reply = await perform.put(patient("2", id="a"))

    assert (reply.status, reply.version) == (200, 2)
    assert (await perform.at(A, 1))["identifier"][0]["value"] == "1"
    assert await perform.count("Patient", f"identifier={SYSTEM}|1") == 0
    assert await perform.count("Patient", f"identifier={SYSTEM}|2") == 1


@both
async def test_an_update_that_says_nothing_new_keeps_the_version(perform: Performer) -> None:
    first = await perform.put(patient("1", id="a", meta={"tag": [{"code": "x"}]}))

    for tree in (
        patient("1", id="a", meta={"tag": [{"code": "x"}]}),
        await perform.at(A),
        patient(
            "1",
            id="a",
            meta={"tag": [{"code": "x"}], "versionId": "77", "lastUpdated": "2001-01-01T00:00:00Z"},
        ),
    ):
        reply = await perform.put(tree)
        assert (reply.status, reply.version, reply.updated, reply.changes) == (200, 1, first.updated, ())
        assert decode(reply.body) == await perform.at(A)


async def test_an_update_replaces_the_metadata_of_the_client(perform: Performer) -> None:
    await perform.put(patient(id="a", meta={"profile": ["https://example.org/p"], "tag": [{"code": "x"}]}))

    await perform.put(patient(id="a", meta={"tag": [{"code": "y"}]}))

    meta = (await perform.at(A))["meta"]
    assert meta["tag"] == [{"code": "y"}]
    assert "profile" not in meta
    assert meta["versionId"] == "2"


@both
async def test_what_was_deleted_comes_back_with_the_next_version(perform: Performer) -> None:
    await perform.put(patient("1", id="a"))
    await perform.delete(A)

    reply = await perform.put(patient("1", id="a"))

    assert (reply.status, reply.version) == (201, 3)
    assert await perform.count("Patient", "identifier=1") == 1


@pytest.mark.parametrize("tree", [patient(), patient(id="b"), patient(id=7)])
async def test_the_body_has_the_id_of_the_address(perform: Performer, tree: dict[str, Any]) -> None:
    with refused(400, "structure", "Patient.id"):
        await perform.put(tree, "a")


@pytest.mark.parametrize(
    ("tree", "code", "place"),
    [
        (organization(id="a"), "structure", "resourceType"),
        ({"id": "a"}, "required", ""),
        ({"resourceType": ["Patient"], "id": "a"}, "required", ""),
    ],
)
async def test_the_body_is_of_the_type_of_the_address(
    perform: Performer, tree: dict[str, Any], code: str, place: str
) -> None:
    with refused(400, code, place):
        await perform(Action.UPDATE, *A, tree=tree)


async def test_an_invalid_resource_is_refused(perform: Performer) -> None:
    with refused(422, "code-invalid", "Patient.gender"):
        await perform.put(patient(id="a", gender="blue"))


@pytest.mark.parametrize(
    ("state", "condition", "status"),
    [
        ("there", {"if_match": 'W/"1"'}, 200),
        ("there", {"if_match": '"1"'}, 200),
        ("there", {"if_match": 'W/"7", W/"1"'}, 200),
        ("there", {"if_match": "*"}, 200),
        ("there", {"if_match": 'W/"2"'}, 412),
        ("there", {"if_match": 'W/"one"'}, 412),
        ("there", {"if_match": "1"}, 400),
        ("there", {"if_match": ""}, 200),
        ("there", {"if_none_match": "*"}, 412),
        ("there", {"if_none_match": 'W/"1"'}, 412),
        ("there", {"if_none_match": 'W/"2"'}, 200),
        ("never", {"if_match": 'W/"1"'}, 412),
        ("never", {"if_match": "*"}, 412),
        ("never", {"if_none_match": "*"}, 201),
        ("deleted", {"if_match": 'W/"1"'}, 412),
        ("deleted", {"if_match": 'W/"2"'}, 201),
        ("deleted", {"if_match": " * "}, 412),
        ("deleted", {"if_none_match": "*"}, 201),
    ],
)
async def test_preconditions(perform: Performer, state: str, condition: dict[str, str], status: int) -> None:
    if state != "never":
        await perform.put(patient("1", id="a"))
    if state == "deleted":
        await perform.delete(A)

    if status < 400:
        assert (await perform.put(patient("2", id="a"), **condition)).status == status
    else:
        with refused(status):
            await perform.put(patient("2", id="a"), **condition)


@pytest.mark.parametrize("deleted", [False, True])
async def test_a_server_may_keep_the_choice_of_ids_to_itself(perform: Performer, deleted: bool) -> None:
    strict = perform.with_settings(client_ids=False)
    if deleted:
        await perform.put(patient(id="a"))
        await perform.delete(A)

    with refused(405, "not-supported") as texts:
        await strict.put(patient(id="a"))

    assert "POST to Patient" in texts[0]
    key = await strict.made(patient())
    assert (await strict.put(patient("1", id=key.id))).status == 200


# Conditional -----------------------------------------------------------------------------------------------------


@both
@pytest.mark.parametrize("given", [None, "a"])
async def test_a_conditional_update_without_a_match_creates(perform: Performer, given: str | None) -> None:
    await perform.made(patient("0"))
    tree = patient("1") if given is None else patient("1", id=given)

    reply = await perform.put(tree, query="identifier=1")

    assert (reply.status, reply.version) == (201, 1)
    assert reply.key is not None
    assert given in {None, reply.key.id}
    assert await perform.count("Patient", "identifier=1") == 1


@both
@pytest.mark.parametrize("given", [False, True])
async def test_a_conditional_update_with_a_match_updates_it(perform: Performer, given: bool) -> None:
    key = await perform.made(patient("1"))
    tree = patient("1", active=True)

    if given:
        tree = {"resourceType": "Patient", "id": key.id, **tree}

    reply = await perform.put(tree, query=f"identifier={SYSTEM}|1")

    assert (reply.status, reply.key, reply.version) == (200, key, 2)
    again = await perform.put(tree, query=f"identifier={SYSTEM}|1")
    assert (again.status, again.version) == (200, 2)


@pytest.mark.parametrize(
    ("kept", "given", "conditions", "status", "code"),
    [
        (["1"], "another", {}, 400, "structure"),
        (["1", "1"], None, {}, 412, "multiple-matches"),
        (["0"], "x0", {}, 409, "conflict"),
        ([], None, {"if_match": 'W/"1"'}, 412, "conflict"),
        (["1"], None, {"if_match": 'W/"9"'}, 412, "conflict"),
        (["1"], None, {"if_none_match": "*"}, 412, "conflict"),
    ],
)
async def test_a_conditional_update_that_cannot_be_done(
    perform: Performer, kept: list[str], given: str | None, conditions: dict[str, str], status: int, code: str
) -> None:
    for number, value in enumerate(kept):
        await perform.put(patient(value, id=f"x{number}"))
    tree = patient("1") if given is None else patient("1", id=given)

    with refused(status, code):
        await perform.put(tree, query="identifier=1", **conditions)

    assert await perform.count("Patient") == len(kept)


async def test_a_conditional_update_revives_what_its_body_names(perform: Performer) -> None:
    await perform.put(patient("1", id="a"))
    await perform.delete(A)

    reply = await perform.put(patient("1", id="a"), query="identifier=1")

    assert (reply.status, reply.key, reply.version) == (201, A, 3)


@pytest.mark.parametrize("query", ["", "nonsense=1", "identifier:nonsense=1", "_count=1", "identifier="])
async def test_criteria_are_understood_or_refused(perform: Performer, query: str) -> None:
    with refused(400):
        await perform.put(patient("1"), query=query, prefer_handling="lenient")

    assert await perform.count("Patient") == 0


async def test_a_conditional_update_makes_ids_where_clients_may_not(perform: Performer) -> None:
    strict = perform.with_settings(client_ids=False)

    assert (await strict.put(patient("1"), query="identifier=1")).status == 201
    with refused(405):
        await strict.put(patient("2", id="a"), query="identifier=2")
