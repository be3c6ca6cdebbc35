from __future__ import annotations

import time
from contextlib import suppress
from typing import Any

import pytest

from terminology.errors import NotExpandable
from terminology.filters import filtered, passing
from terminology.large import Filter
from terminology.systems import System

ROLE = "http://hl7.org/fhir/concept-properties#"
TREE: dict[str, Any] = {
    "resourceType": "CodeSystem",
    "url": "http://example.org/soins",
    "version": "3",
    "content": "complete",
    "caseSensitive": True,
    "property": [
        {"code": "up", "uri": f"{ROLE}parent", "type": "code"},
        {"code": "state", "uri": f"{ROLE}status", "type": "code"},
        {"code": "weight", "type": "decimal"},
        {"code": "kind", "type": "Coding"},
        {"code": "home", "type": "boolean"},
    ],
    "concept": [
        {
            "code": "care",
            "display": "Care",
            "property": [{"code": "notSelectable", "valueBoolean": True}],
            "concept": [
                {
                    "code": "nursing",
                    "display": "Nursing care",
                    "concept": [{"code": "dressing", "definition": "…"}],
                },
                {"code": "rehab", "property": [{"code": "home", "valueBoolean": True}]},
            ],
        },
        {
            "code": "walking",
            "property": [
                {"code": "up", "valueCode": "rehab"},
                {"code": "up", "valueCode": "sport"},
                {"code": "weight", "valueDecimal": 1.5},
                {"code": "kind", "valueCoding": {"system": "http://example.org/k", "code": "leg"}},
            ],
        },
        {"code": "sport", "property": [{"code": "child", "valueCode": "rehab"}]},
        {"code": "old", "property": [{"code": "state", "valueCode": "retired"}]},
        {"_code": {"extension": [{"url": "http://example.org/none", "valueBoolean": True}]}},
    ],
}
SYSTEM = System(TREE)


@pytest.mark.parametrize(
    ("property", "op", "value", "codes"),
    [
        ("concept", "is-a", "rehab", {"rehab", "walking"}),
        ("concept", "descendent-of", "care", {"nursing", "dressing", "rehab", "walking"}),
        ("concept", "is-not-a", "care", {"sport", "old"}),
        ("concept", "generalizes", "dressing", {"dressing", "nursing", "care"}),
        ("code", "in", "rehab, sport,none", {"rehab", "sport"}),
        ("concept", "not-in", "care,nursing,dressing,rehab", {"walking", "sport", "old"}),
        ("code", "regex", "[a-d].*g", {"dressing"}),
        ("code", "=", "old", {"old"}),
        ("display", "regex", ".*[Cc]are", {"care", "nursing"}),
        ("definition", "exists", "true", {"dressing"}),
        ("home", "=", "true", {"rehab"}),
        ("home", "exists", "false", {"care", "nursing", "dressing", "walking", "sport", "old"}),
        ("weight", "=", "1.5", {"walking"}),
        ("kind", "=", "leg", {"walking"}),
        ("up", "in", "sport,care", {"walking"}),
        ("parent", "=", "care", {"nursing", "rehab"}),
        ("child", "=", "walking", {"rehab", "sport"}),
        ("child", "exists", "true", {"care", "nursing", "rehab", "sport"}),
    ],
)
def test_a_filter_lets_through_what_it_says(property: str, op: str, value: str, codes: set[str]) -> None:
    assert {concept.code for concept in filtered(SYSTEM, [Filter(property, op, value)])} == codes
    assert passing(SYSTEM, (Filter(property, op, value),)) == codes


@pytest.mark.parametrize(
    ("property", "op", "value"),
    [
        ("concept", "is-a", "unknown"),
        ("home", "is-a", "care"),
        ("colour", "=", "red"),
        ("colour", "exists", "true"),
        ("home", "exists", "yes"),
        ("code", "regex", "("),
        ("code", "regex", "a" * 1000),
        ("code", "like", "a"),
    ],
)
def test_a_filter_that_makes_no_sense_here_is_refused(property: str, op: str, value: str) -> None:
    with pytest.raises(NotExpandable):
        filtered(SYSTEM, [Filter(property, op, value)])


def test_all_filters_have_to_let_a_concept_through() -> None:
    both = [Filter("concept", "is-a", "care"), Filter("code", "regex", ".*ing")]

    assert [concept.code for concept in filtered(SYSTEM, both)] == ["nursing", "dressing", "walking"]


@pytest.mark.parametrize("pattern", ["(a+)+", "(a|a)*", "(.*a){10}b"])
def test_no_regular_expression_takes_long(pattern: str) -> None:
    many = System({"url": "urn:a", "concept": [{"code": "a" * 2000 + str(number)} for number in range(200)]})
    start = time.perf_counter()

    with suppress(NotExpandable):
        filtered(many, [Filter("code", "regex", pattern)])

    assert time.perf_counter() - start < 5
