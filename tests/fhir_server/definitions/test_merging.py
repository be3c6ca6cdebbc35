"""What a profile says of an element replaces what its base said, adds to it, or narrows it."""

from __future__ import annotations

from copy import deepcopy
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_server.definitions.merging import laid_over, narrower

Element = dict[str, Any]

MAXIMA: Final = st.just("*") | st.integers(0, 5).map(str)
LETTERS: Final = st.sampled_from("abc")
RULES: Final = st.fixed_dictionaries({"key": LETTERS, "human": LETTERS})
MAPPINGS: Final = st.fixed_dictionaries({"identity": LETTERS, "map": LETTERS})
TYPES: Final = [
    [{"code": "string"}],
    [{"code": "Reference", "targetProfile": ["g"]}, {"code": "string"}],
    [{"code": "Reference", "profile": ["p"]}],
]
ELEMENTS: Final = st.fixed_dictionaries(
    {},
    optional={
        "short": st.sampled_from(["one", "other"]),
        "min": st.integers(0, 3),
        "max": MAXIMA,
        "condition": st.lists(LETTERS, unique=True),
        "constraint": st.lists(RULES, unique_by=lambda rule: rule["key"]),
        "mapping": st.lists(MAPPINGS, max_size=3),
        "type": st.sampled_from(TYPES),
        "binding": st.sampled_from([{"strength": "example"}, {"strength": "required", "valueSet": "v"}]),
        "slicing": st.sampled_from([{"rules": "open"}, {"rules": "closed", "ordered": True}]),
        "patternString": st.sampled_from(["x", "y"]),
        "fixedCode": st.sampled_from(["x", "y"]),
    },
)


def rule(key: str, human: str = "") -> Element:
    return {"key": key, "human": human}


@pytest.mark.parametrize(
    ("one", "other", "smaller"),
    [
        ("*", "*", "*"),
        ("1", "*", "1"),
        ("*", "1", "1"),
        ("0", "1", "0"),
        ("10", "9", "9"),  # numbers, not texts
    ],
)
def test_the_narrower_maximum_counts(one: str, other: str, smaller: str) -> None:
    assert narrower(one, other) == smaller


@pytest.mark.parametrize(
    ("base", "said", "found"),
    [
        pytest.param({"short": "a"}, {"short": "b"}, {"short": "b"}, id="a text is replaced"),
        pytest.param(
            {"short": "a"}, {"definition": "b"}, {"short": "a", "definition": "b"}, id="the rest stays"
        ),
        pytest.param({"min": 0, "max": "*"}, {"min": 1, "max": "2"}, {"min": 1, "max": "2"}, id="narrowed"),
        pytest.param(
            {"min": 1, "max": "2"}, {"min": 0, "max": "*"}, {"min": 1, "max": "2"}, id="not widened"
        ),
        pytest.param({"max": "1"}, {"max": "0"}, {"max": "0"}, id="taken out"),
        pytest.param(
            {"condition": ["a", "b"]},
            {"condition": ["b", "c"]},
            {"condition": ["a", "b", "c"]},
            id="conditions add up",
        ),
        pytest.param(
            {"constraint": [rule("a"), rule("b", "old")]},
            {"constraint": [rule("b", "new"), rule("c")]},
            {"constraint": [rule("a"), rule("b", "new"), rule("c")]},
            id="of constraints with one key the later counts",
        ),
        pytest.param(
            {"mapping": [{"identity": "v2", "map": "PID-3"}]},
            {"mapping": [{"identity": "v2", "map": "PID-3"}, {"identity": "v2", "map": "PID-4"}]},
            {"mapping": [{"identity": "v2", "map": "PID-3"}, {"identity": "v2", "map": "PID-4"}]},
            id="mappings with one identity stand side by side",
        ),
        pytest.param(
            {"extension": [{"url": "a", "valueString": "x"}]},
            {"extension": [{"url": "a", "valueString": "y"}, {"url": "b"}]},
            {"extension": [{"url": "a", "valueString": "y"}, {"url": "b"}]},
            id="of extensions with one url the later counts",
        ),
        pytest.param(
            {"binding": {"strength": "preferred", "valueSet": "v", "description": "d"}},
            {"binding": {"strength": "required", "valueSet": "w"}},
            {"binding": {"strength": "required", "valueSet": "w", "description": "d"}},
            id="a binding keeps what is not said again",
        ),
    ],
)
def test_what_is_said_meets_what_was_said(base: Element, said: Element, found: Element) -> None:
    assert laid_over(base, said) == found


@pytest.mark.parametrize(
    ("base", "said"),
    [
        ("patternString", "patternCode"),
        ("fixedUri", "fixedUrl"),
        ("defaultValueString", "defaultValueCode"),
        ("minValueDate", "minValueDateTime"),
        ("maxValueInteger", "maxValueDecimal"),
    ],
)
def test_a_value_of_another_type_takes_the_place_of_the_one_before(base: str, said: str) -> None:
    assert laid_over({base: 1, "short": "a"}, {said: 2}) == {"short": "a", said: 2}


def test_a_smallest_value_leaves_the_largest_one_and_the_cardinality() -> None:
    base = {"min": 1, "max": "3", "minValueInteger": 1, "maxValueInteger": 9, "maxLength": 4}

    assert laid_over(base, {"minValueInteger": 2}) == {**base, "minValueInteger": 2}


def test_an_element_keeps_its_own_place() -> None:
    base = {
        "id": "Patient.contact:next.name",
        "path": "Patient.contact.name",
        "base": {"path": "Patient.contact.name"},
    }
    said = {"id": "HumanName", "path": "HumanName", "sliceName": "x", "base": {"path": "HumanName"}, "min": 1}

    assert laid_over(base, said) == {**base, "min": 1}


REFERENCE: Final = {"code": "Reference", "targetProfile": ["Patient", "Group"], "aggregation": ["referenced"]}


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ([{"code": "Reference"}], [REFERENCE]),
        (
            [{"code": "Reference", "targetProfile": ["Patient"]}],
            [{**REFERENCE, "targetProfile": ["Patient"]}],
        ),
        ([{"code": "integer"}], [{"code": "integer"}]),  # whether the base allows it is not asked here
        ([{"code": "string"}, {"code": "Reference"}], [{"code": "string"}, REFERENCE]),
    ],
)
def test_types_that_are_not_named_again_go_and_those_that_are_keep_what_is_left_open(
    said: list[Element], found: list[Element]
) -> None:
    assert laid_over({"type": [REFERENCE, {"code": "string"}]}, {"type": said}) == {"type": found}


@pytest.mark.parametrize(
    ("base", "said", "found"),
    [
        ({"rules": "closed"}, {"rules": "open"}, {"rules": "closed"}),
        ({"rules": "open"}, {"rules": "closed"}, {"rules": "closed"}),
        ({"ordered": True}, {"ordered": False}, {"ordered": True}),
        ({"ordered": False}, {"ordered": True}, {"ordered": True}),
        ({"description": "a"}, {"rules": "open"}, {"description": "a", "rules": "open"}),
    ],
)
def test_a_slicing_is_never_opened_or_disordered_again(base: Element, said: Element, found: Element) -> None:
    assert laid_over({"slicing": base}, {"slicing": said}) == {"slicing": found}


@given(ELEMENTS)
def test_nothing_said_or_the_same_said_again_changes_nothing(base: Element) -> None:
    assert laid_over(base, {}) == base
    assert laid_over(base, base) == base


@given(ELEMENTS, ELEMENTS)
def test_what_is_said_twice_counts_once(base: Element, said: Element) -> None:
    once = laid_over(base, said)

    assert laid_over(once, said) == once


@given(ELEMENTS, ELEMENTS)
def test_no_profile_allows_more_occurrences_or_drops_a_rule(base: Element, said: Element) -> None:
    found = laid_over(base, said)

    assert found.get("min", 0) >= base.get("min", 0)
    assert narrower(found.get("max", "*"), base.get("max", "*")) == found.get("max", "*")
    assert {one["key"] for one in found.get("constraint", ())} >= {
        one["key"] for one in base.get("constraint", ())
    }
    assert all(one in found["mapping"] for one in base.get("mapping", ()))
    assert set(found.get("condition", ())) >= set(base.get("condition", ()))


@given(ELEMENTS, ELEMENTS)
def test_neither_definition_is_changed(base: Element, said: Element) -> None:
    kept = deepcopy((base, said))

    laid_over(base, said)

    assert (base, said) == kept
