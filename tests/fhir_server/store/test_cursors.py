from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_server.kernel.errors import Malformed
from fhir_server.search.entries import Hasher
from fhir_server.store.cursors import Place, cursor_of, place_of, turned

HASHER = Hasher(b"a secret of sixteen")
INTEGERS = st.integers(-(2**63), 2**63 - 1)


@given(
    st.builds(
        Place,
        st.lists(INTEGERS | st.text() | st.none() | st.floats(allow_nan=False, allow_infinity=False)).map(
            tuple
        ),
        st.booleans(),
        st.none() | INTEGERS,
        INTEGERS,
        INTEGERS,
    )
)
def test_a_place_comes_back_as_it_was(place: Place) -> None:
    cursor = cursor_of(place, "query", HASHER)

    assert place_of(cursor, "query", HASHER) == place
    assert cursor.replace("-", "a").replace("_", "a").isalnum()


def test_no_cursor_is_the_first_page() -> None:
    assert place_of("", "query", HASHER) is None


@given(st.text(max_size=80))
def test_what_was_not_made_here_is_refused(cursor: str) -> None:
    if cursor:
        with pytest.raises(Malformed):
            place_of(cursor, "query", HASHER)


@given(st.integers(0, 200), st.integers(0, 7))
def test_a_cursor_with_one_bit_changed_is_refused(place: int, bit: int) -> None:
    cursor = bytearray(cursor_of(Place((1, "a")), "query", HASHER).encode())
    cursor[place % len(cursor)] ^= 1 << bit
    changed = cursor.decode("latin-1")

    try:
        found = place_of(changed, "query", HASHER)
    except Malformed:
        return
    assert found == Place((1, "a"))  # bits that base64 does not use


def test_cursors_of_other_queries_and_other_databases_are_refused() -> None:
    cursor = cursor_of(Place((1,)), "query", HASHER)

    with pytest.raises(Malformed):
        place_of(cursor, "another", HASHER)
    with pytest.raises(Malformed):
        place_of(cursor, "query", Hasher(b"another secret of it"))


@pytest.mark.parametrize(
    ("rows", "place", "expected"),
    [
        ([1, 2], None, ([1, 2], False, False)),
        ([1, 2, 3], None, ([1, 2], True, False)),
        ([3, 4], Place((2,)), ([3, 4], False, True)),
        ([3, 4, 5], Place((2,)), ([3, 4], True, True)),
        ([2, 1], Place((3,), backward=True), ([1, 2], True, False)),
        ([3, 2, 1], Place((4,), backward=True), ([2, 3], True, True)),
        ([], Place((9,)), ([], False, False)),
    ],
)
def test_a_page_knows_its_neighbours(
    rows: list[int], place: Place | None, expected: tuple[list[int], bool, bool]
) -> None:
    assert turned(rows, 2, place) == expected
