"""Sets of places, as bits and as bytes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from terminology.postings import all_below, bits_at, bits_of, packed, places_of, runs_of

places = st.sets(st.integers(0, 3000), max_size=400)


@given(places)
def test_what_is_packed_is_the_same_set_again(found: set[int]) -> None:
    data = packed(runs_of(sorted(found)))

    assert places_of(bits_of([data], 3001)) == sorted(found)


@given(places, places, st.integers(0, 50), st.integers(0, 50))
def test_a_page_of_a_union_is_a_slice_of_it(one: set[int], other: set[int], offset: int, count: int) -> None:
    bits = bits_of([packed(runs_of(sorted(part))) for part in (one, other)], 3001)

    assert places_of(bits, offset, count) == sorted(one | other)[offset : offset + count]
    assert bits.bit_count() == len(one | other)


@given(st.lists(st.integers(0, 500)))
def test_places_in_any_order_are_bits(found: list[int]) -> None:
    assert places_of(bits_at(found)) == sorted(set(found))


@pytest.mark.parametrize(
    ("found", "size"),
    [
        ([], 1),
        ([7], 5),
        (range(100_000), 9),  # one run
        ([1, 50, 900], 13),  # three places
        (range(0, 80_000, 2), 10_001),  # bits
    ],
)
def test_the_shortest_form_is_kept(found: list[int], size: int) -> None:
    assert len(packed(runs_of(found))) == size


def test_everything_of_a_code_system_is_every_place() -> None:
    assert places_of(all_below(9)) == list(range(9))
