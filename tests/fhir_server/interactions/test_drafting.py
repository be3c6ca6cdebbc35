"""From a judged tree to a Draft."""

from __future__ import annotations

import pytest

from fhir_server.interactions.call import Action, Call
from fhir_server.interactions.drafting import put, tree_in
from fhir_server.kernel.keys import Key
from fhir_server.kernel.wire import MAX_DEPTH_KEPT, Tree, depth_of, encode
from tests.builders import entry, nested, observation, patient
from tests.fhir_server.interactions.performing import BASE, Performer, refused


def call(type: str, tree: Tree | None = None, body: bytes = b"") -> Call:
    return Call(Action.UPDATE, type, "a", tree=tree, body=body, base=BASE)


def test_a_tree_is_taken_from_the_body_or_as_it_is(perform: Performer) -> None:
    tree = patient("1", meta={"tag": [{"code": "x"}]})

    assert tree_in(call("Patient", body=encode(tree)), perform.server) == tree
    assert tree_in(call("Patient", tree), perform.server) == tree


@pytest.mark.parametrize("meta", [{}, {"meta": {"versionId": "9"}}])
async def test_what_is_stamped_is_not_what_was_given(perform: Performer, meta: Tree) -> None:
    given = patient("1", **meta)
    asked = call("Patient", given)

    async with perform.store.begin() as tx:
        await put(tree_in(asked, perform.server), Key("Patient", "a"), "PUT", None, asked, tx, perform.server)

    assert given == patient("1", **meta)


def test_the_type_is_that_of_the_address(perform: Performer) -> None:
    for tree, code, place in (
        (observation(), "structure", "resourceType"),
        ({"resourceType": None}, "required", ""),
        ({}, "required", ""),
    ):
        with refused(400, code, place):
            tree_in(call("Patient", tree), perform.server)


async def test_stamps_of_one_resource_never_go_back(perform: Performer) -> None:
    for value in "123":
        await perform.put(patient(value, id="a"))

    stamps = [
        (await perform.at(Key("Patient", "a"), version))["meta"]["lastUpdated"] for version in (1, 2, 3)
    ]
    assert stamps == sorted(set(stamps))


async def test_a_draft_says_what_the_next_one_needs_to_know(perform: Performer) -> None:
    await perform.put(patient(id="p"))
    await perform.put(observation("Patient/p", id="a"))
    old = await perform.store.read(Key("Observation", "a"))
    asked = call("Observation", observation(id="a"))

    async with perform.store.begin() as tx:
        tree = tree_in(asked, perform.server)
        reply = await put(tree, Key("Observation", "a"), "PUT", old, asked, tx, perform.server)

    assert (reply.status, reply.version) == (200, 2)
    assert await perform.count("Observation", "subject=Patient/p") == 0


async def test_what_is_kept_can_be_read_within_the_answer_of_a_batch(perform: Performer) -> None:
    deepest = patient(id="a", extension=[nested(93, valueCoding={"code": "x"})])
    deeper = patient(id="a", extension=[nested(94, valueString="x")])
    assert (depth_of(deepest), depth_of(deeper)) == (MAX_DEPTH_KEPT, MAX_DEPTH_KEPT + 1)

    await perform.put(deepest)
    with refused(400, "structure", "Patient") as texts:
        await perform.put(deeper)

    assert f"at most {MAX_DEPTH_KEPT} levels" in texts[0]
    [answer] = await perform.batch(entry("GET", "Patient?_id=a"))
    assert answer["resource"]["entry"][0]["resource"]["extension"] == deepest["extension"]
