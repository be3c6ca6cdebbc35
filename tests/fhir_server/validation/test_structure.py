from __future__ import annotations

from itertools import islice, permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fhir_server.kernel.wire import Tree, number
from fhir_server.validation.structure import is_sound
from fhir_server.validation.validator import check
from fhir_server.validation.walk import walk

ABSENT = {"extension": [{"url": "http://example.org/absent", "valueCode": "unknown"}]}
SEEDS: list[Tree] = [
    {
        "resourceType": "Patient",
        "id": "p",
        "meta": {"tag": [{"code": "x"}]},
        "text": {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">x</div>'},
        "contained": [{"resourceType": "Organization", "id": "o", "name": "x"}],
        "extension": [
            {"url": "u", "extension": [{"url": "v", "valueReference": {"reference": "Patient/1"}}]}
        ],
        "name": [{"given": ["A", None], "_given": [None, ABSENT], "_family": ABSENT}],
        "birthDate": "1940-02-29",
        "_birthDate": {"id": "b"},
        "deceasedBoolean": False,
        "managingOrganization": {"reference": "#o"},
        "link": [{"other": {"reference": "Patient/2"}, "type": "seealso"}],
    },
    {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [
            {
                "fullUrl": "urn:uuid:0f2b2bd0-1a5a-4c3c-9d8e-1f5f5c6d7e8f",
                "resource": {
                    "resourceType": "MedicationRequest",
                    "status": "active",
                    "intent": "order",
                    "medicationCodeableConcept": {"coding": [{"system": "http://s", "code": "c"}]},
                    "subject": {"type": "Patient", "identifier": {"value": "1"}},
                    "dispenseRequest": {"quantity": {"value": number("1.0")}, "numberOfRepeatsAllowed": 3},
                },
            },
            {
                "resource": {
                    "resourceType": "Condition",
                    "clinicalStatus": {
                        "coding": [
                            {
                                "system": "http://terminology.hl7.org/CodeSystem/condition-clinical",
                                "code": "active",
                            }
                        ]
                    },
                    "subject": {"reference": "Group/g"},
                    "onsetAge": {"value": 3},
                }
            },
        ],
    },
]
ODD: list[Any] = [
    None,
    True,
    0,
    -1,
    number("1.5"),
    "",
    "x",
    "#o",
    "#",
    "Device/1",
    "2024-02-30",
    [],
    {},
    [None],
    ["x"],
    [{}],
    {"id": "x"},
    {"extension": []},
    ABSENT,
    [ABSENT],
    [None, ABSENT],
    {"reference": "#o"},
    {"resourceType": "Patient"},
    [{"resourceType": "Patient", "id": "o"}],
]
NAMES = [
    "id",
    "_id",
    "extension",
    "modifierExtension",
    "contained",
    "resourceType",
    "_birthDate",
    "birthDate",
    "_given",
    "given",
    "deceasedDateTime",
    "_deceasedBoolean",
    "valueString",
    "_valueString",
    "_url",
    "url",
    "reference",
    "type",
    "coding",
    "code",
    "meta",
    "security",
    "versionId",
    "text",
    "_div",
    "status",
    "nonsense",
]


def places(tree: Any) -> list[Any]:
    """Every object and array of a tree."""
    inner = tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ()
    found = [place for value in inner for place in places(value)]
    return [tree, *found] if isinstance(tree, dict | list) else found


def copy(tree: Any) -> Any:
    if isinstance(tree, dict):
        return {name: copy(value) for name, value in tree.items()}
    return [copy(value) for value in tree] if isinstance(tree, list) else tree


@st.composite
def damaged(draw: st.DrawFn) -> Tree:
    """A sound resource with up to three things removed, replaced, added or doubled somewhere in it."""
    tree: Tree = copy(draw(st.sampled_from(SEEDS)))
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.sampled_from(places(tree)))
        odd = copy(draw(st.sampled_from(ODD)))
        if isinstance(place, dict):
            name = draw(st.sampled_from([*place, *NAMES]))
            if draw(st.booleans()):
                place[name] = odd
            else:
                place.pop(name, None)
        elif place and draw(st.booleans()):
            place[draw(st.integers(0, len(place) - 1))] = odd
        else:
            place.append(copy(place[0]) if place and draw(st.booleans()) else odd)
    return tree


@pytest.mark.parametrize("tree", SEEDS)
def test_the_seeds_of_the_comparison_are_sound(tree: Tree) -> None:
    assert is_sound(tree)
    assert list(walk(tree)) == []


@settings(max_examples=2500)
@given(damaged())
def test_the_fast_no_and_the_slow_walk_always_agree(tree: Tree) -> None:
    assert is_sound(tree) == (not list(walk(tree)))


@pytest.mark.parametrize("tree", [None, [], "Patient", 7, {"resourceType": {}}, {"resourceType": []}])
def test_what_is_no_resource_is_refused_by_both(tree: Any) -> None:
    assert not is_sound(tree)
    assert len(list(walk(tree))) == 1


def test_a_resource_as_deep_as_the_parser_allows_is_judged() -> None:
    reference: Tree = {"display": "x"}
    for _ in range(98):  # two levels each, of 200
        reference = {"identifier": {"value": "x", "assigner": reference}}
    tree = {"resourceType": "Patient", "managingOrganization": reference}

    assert is_sound(tree)
    assert list(walk(tree)) == []

    reference["nonsense"] = 1

    assert not is_sound(tree)
    assert len(list(walk(tree))) == 1


def test_who_makes_up_more_layouts_than_are_written_at_once_is_judged_by_the_walk() -> None:
    parts: Tree = {
        "use": "usual",
        "text": "a",
        "family": "b",
        "given": ["c"],
        "prefix": ["d"],
        "suffix": ["e"],
    }
    names: list[Tree] = [dict(order) for order in islice(permutations(parts.items()), 300)]
    tree = {"resourceType": "Patient", "name": names}

    assert not is_sound(tree)  # not that it is wrong: nobody was asked yet
    assert check(tree) == []

    names[-1]["nonsense"] = 1

    assert [issue.expression for issue in check(tree)] == ["Patient.name[299]"]
