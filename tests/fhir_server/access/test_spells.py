"""Stretches of time at their ends, whatever the precision that a date is written with."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_server.access.spells import ALWAYS, DAY, Spell, after, covers, cut, meet, moment_in, spell_of
from fhir_server.search.sight import FOREVER

SECOND = 1_000_000
SPELLS = st.tuples(st.integers(0, 9), st.integers(1, 9)).map(lambda pair: (pair[0], pair[0] + pair[1]))
MAYBE = st.none() | SPELLS


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("2024", 366 * DAY),
        ("2025", 365 * DAY),
        ("2024-02", 29 * DAY),
        ("2024-02-29", DAY),
        ("2024-02-29T08:00Z", 60 * SECOND),
        ("2024-02-29T08:00:00Z", SECOND),
        ("2024-02-29T08:00:00.5Z", SECOND // 10),
        ("2024-02-29T08:00:00.000001Z", 1),
    ],
)
def test_what_starts_and_ends_on_one_date_holds_for_all_of_it(text: str, length: int) -> None:
    spell = spell_of({"start": text, "end": text})

    assert spell is not None
    assert spell[1] - spell[0] == length
    assert spell[0] == moment_in(text)


@pytest.mark.parametrize(
    ("period", "expected"),
    [
        ({"start": "1970-01-01T12:00:00Z", "end": "1970-01-01"}, (DAY // 2, DAY)),
        ({"start": "1970-01-02", "end": "1970-01-02T00:00:00Z"}, (DAY, DAY + SECOND)),
        ({"start": "1970-01-02", "end": "1970-01-01T23:59:59Z"}, None),  # they touch: nothing is left
        ({"start": "1970-01-02T01:00:00+02:00", "end": "1970-01-01"}, (DAY - 3600 * SECOND, DAY)),
        ({"start": "1969-12-31", "end": "1970-01-01"}, (0, DAY)),
        ({"end": "1969-12-31"}, None),
        ({"start": "1970-01-02", "end": "1970-02-30"}, None),
        ({"start": "1970-13"}, None),
        ({"start": "1970-01-02", "end": "one day"}, None),
    ],
)
def test_a_period_that_ends_before_it_starts_or_cannot_be_read_never_holds(
    period: dict[str, str], expected: Spell | None
) -> None:
    assert spell_of(period) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1970-01-02", DAY),
        ("1970", 0),
        ("1970-01-01T00:00:01Z", SECOND),
        ("1970-01-01T01:00:00+01:00", 0),
        ("1960-05", 0),  # before all time that is counted
        ("1970-02-30", None),
        ("soon", None),
        ("", None),
        (None, None),
        (1970, None),
        (["1970"], None),
    ],
)
def test_the_moment_of_a_date_is_its_first(text: object, expected: int | None) -> None:
    assert moment_in(text) == expected


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ((2, 5), (5, 8), None),
        ((2, 5), (4, 8), (4, 5)),
        ((2, 5), (2, 5), (2, 5)),
        ((2, 9), (4, 5), (4, 5)),
        ((2, 5), ALWAYS, (2, 5)),
        ((2, 5), None, None),
        (None, None, None),
    ],
)
def test_two_hold_together_until_the_first_of_them_ends(
    one: Spell | None, other: Spell | None, expected: Spell | None
) -> None:
    assert meet(one, other) == meet(other, one) == expected


@given(MAYBE, MAYBE, MAYBE)
def test_several_meet_in_any_order(one: Spell | None, two: Spell | None, three: Spell | None) -> None:
    assert meet(meet(one, two), three) == meet(one, meet(two, three))


@pytest.mark.parametrize(
    ("moment", "expected"),
    [(1, (2, 5)), (2, (2, 5)), (3, (3, 5)), (4, (4, 5)), (5, None), (6, None)],
)
def test_what_is_left_of_a_spell_ends_with_it(moment: int, expected: Spell | None) -> None:
    assert after((2, 5), moment) == expected


def test_of_what_never_holds_nothing_is_left_and_of_what_always_does_all() -> None:
    assert after(None, 0) is None
    assert after(ALWAYS, 7) == (7, FOREVER)
    assert after(ALWAYS, FOREVER) is None


@pytest.mark.parametrize(
    ("moments", "pieces"),
    [
        ((), [(2, 8)]),
        ((2, 8), [(2, 8)]),  # its own ends cut nothing
        ((1, 9), [(2, 8)]),
        ((3,), [(2, 3), (3, 8)]),
        ((7, 3, 7), [(2, 3), (3, 7), (7, 8)]),
    ],
)
def test_a_spell_is_cut_where_a_moment_is_inside(moments: tuple[int, ...], pieces: list[Spell]) -> None:
    assert list(cut((2, 8), moments)) == pieces


@pytest.mark.parametrize(
    ("spells", "expected"),
    [
        ([], False),
        ([(2, 8)], True),
        ([(3, 8)], False),
        ([(2, 7)], False),
        ([(2, 5), (5, 8)], True),
        ([(5, 8), (2, 5)], True),
        ([(2, 5), (6, 8)], False),
        ([(0, 9), (3, 4)], True),  # a short one inside takes nothing away
        ([(0, 2), (8, 9)], False),
        ([ALWAYS], True),
    ],
)
def test_spells_that_touch_cover_what_a_gap_does_not(spells: list[Spell], *, expected: bool) -> None:
    assert covers(spells, (2, 8)) is expected


@given(SPELLS, st.lists(st.integers(0, 20)))
def test_the_pieces_of_a_spell_cover_it_and_no_more(spell: Spell, moments: list[int]) -> None:
    pieces = list(cut(spell, moments))

    assert covers(pieces, spell)
    assert not covers(pieces, (spell[0], spell[1] + 1))
    assert not covers(pieces[1:], spell)
