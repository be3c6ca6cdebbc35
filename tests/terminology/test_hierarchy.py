"""Who stands below whom, in any hierarchy without circles."""

from __future__ import annotations

from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from terminology.hierarchy import Circle, Hierarchy

SIZE = 30
pairs = st.lists(st.tuples(st.integers(0, SIZE - 1), st.integers(0, SIZE - 1)), max_size=80)


def hierarchy(listed: list[tuple[int, int]], size: int = SIZE) -> Hierarchy:
    """Of (child, parent)."""
    return Hierarchy(size, array("I", [child for child, _ in listed]), array("I", [one for _, one in listed]))


def reached(place: int, listed: list[tuple[int, int]]) -> set[int]:
    found, waiting = {place}, [place]
    while waiting:
        one = waiting.pop()
        fresh = {child for child, parent in listed if parent == one} - found
        found |= fresh
        waiting += fresh
    return found


@given(pairs)
def test_below_is_all_that_can_be_reached(listed: list[tuple[int, int]]) -> None:
    listed = [(max(pair), min(pair)) for pair in listed if pair[0] != pair[1]]

    found = {
        place: {one for start, end in runs for one in range(start, end)}
        for place, runs in hierarchy(listed).below()
    }

    assert found == {parent: reached(parent, listed) for _, parent in listed}


@given(pairs)
def test_the_order_has_every_place_once(listed: list[tuple[int, int]]) -> None:
    listed = [(max(pair), min(pair)) for pair in listed if pair[0] != pair[1]]

    assert sorted(hierarchy(listed).order()) == list(range(SIZE))


def test_in_order_what_stands_below_a_concept_follows_it() -> None:
    assert list(hierarchy([(3, 0), (1, 3), (2, 0), (4, 2)], 5).order()) == [0, 3, 1, 2, 4]


def test_who_has_parents_and_children_is_known() -> None:
    made = hierarchy([(1, 0), (2, 0), (2, 1), (2, 1)], 4)

    assert made.with_children() == [0, 1]
    assert made.with_parents() == [1, 2]
    assert (made.parents_of(2), made.children_of(0)) == ([0, 1], [1, 2])


@pytest.mark.parametrize("listed", [[(1, 1)], [(1, 0), (2, 1), (1, 2)]])
def test_a_circle_is_found_and_one_of_it_named(listed: list[tuple[int, int]]) -> None:
    with pytest.raises(Circle) as found:
        list(hierarchy(listed, 3).below())

    assert found.value.place in {1, 2}
