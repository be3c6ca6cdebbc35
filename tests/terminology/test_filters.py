from __future__ import annotations

import time
from contextlib import suppress

import pytest

from terminology.errors import NotExpandable
from terminology.filters import filtered, passing
from terminology.large import Filter
from terminology.systems import System
from tests.terminology.care import TREE

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
