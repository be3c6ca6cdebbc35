from __future__ import annotations

from typing import Any

import pytest

from terminology.systems import System
from tests.terminology.care import TREE

SYSTEM = System(TREE)


def test_the_concepts_are_those_at_every_depth_in_their_order() -> None:
    assert list(SYSTEM.concepts) == ["care", "nursing", "dressing", "rehab", "walking", "sport", "old"]


@pytest.mark.parametrize(
    ("code", "below", "above"),
    [
        ("care", {"nursing", "dressing", "rehab", "walking"}, set()),
        ("dressing", set(), {"nursing", "care"}),
        ("walking", set(), {"rehab", "sport", "care"}),
        ("sport", {"rehab", "walking"}, set()),
        ("unknown", set(), set()),
    ],
)
def test_nesting_and_properties_make_one_hierarchy(code: str, below: set[str], above: set[str]) -> None:
    assert SYSTEM.below(code)[0] == SYSTEM.above(code)[0] == code
    assert set(SYSTEM.below(code)) == {code, *below}
    assert set(SYSTEM.above(code)) == {code, *above}


def test_a_hierarchy_that_bites_its_tail_ends() -> None:
    system = System(
        {
            "concept": [
                {"code": "a", "property": [{"code": "subsumedBy", "valueCode": "b"}]},
                {"code": "b", "property": [{"code": "subsumedBy", "valueCode": "a"}]},
            ]
        }
    )

    assert system.below("a") == ["a", "b"]


def test_concepts_know_whether_they_are_to_be_chosen_and_in_use() -> None:
    assert [code for code, concept in SYSTEM.concepts.items() if concept.abstract] == ["care"]
    assert [code for code, concept in SYSTEM.concepts.items() if concept.inactive] == ["old"]


@pytest.mark.parametrize(("sensitive", "found"), [(True, None), (False, "Aa"), (None, "Aa")])
def test_case_matters_where_the_system_says_so(sensitive: bool | None, found: str | None) -> None:
    tree: dict[str, Any] = {"concept": [{"code": "Aa"}, {"code": "b"}]}
    concept = System(tree if sensitive is None else {**tree, "caseSensitive": sensitive}).find("aA")

    assert (concept and concept.code) == found


def test_only_a_whole_system_is_complete() -> None:
    assert SYSTEM.complete
    assert not System({**TREE, "content": "fragment"}).complete
