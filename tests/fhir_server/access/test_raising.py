"""Comparing links: does somebody see more than before?"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_server.access.raising import raised
from fhir_server.access.spells import covers, cut, meet, spell_of
from fhir_server.kernel.keys import Key
from fhir_server.search.sight import FOREVER, Link, Tie
from tests.circles import NOW, PERSON

NURSE, TEAM = Key("PractitionerRole", "nurse"), Key("Organization", "ssiad")


def link(
    tie: Tie,
    allow: int = 0,
    *,
    actor: Key = NURSE,
    named: int = 0,
    deny: int = 0,
    oppose: int = 0,
    since: int = 0,
    until: int = FOREVER,
    data: tuple[int, int] | None = None,
) -> Link:
    return Link(PERSON, actor, tie, allow, named, deny, oppose, since, until, data)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ([], [link(Tie.TEAM, 2)], True),
        ([], [link(Tie.TEAM, 2, data=(5, 9))], True),
        ([link(Tie.TEAM, 2, data=(5, 9))], [link(Tie.TEAM, 2, data=(5, 9))], False),
        ([link(Tie.TEAM, 2, data=(5, 9))], [link(Tie.TEAM, 2, data=(6, 8))], False),
        ([link(Tie.TEAM, 2, data=(5, 9))], [link(Tie.TEAM, 2, data=(5, 10))], True),
        ([link(Tie.TEAM, 2, data=(5, 9))], [link(Tie.TEAM, 2)], True),
        ([link(Tie.TEAM, 2)], [link(Tie.TEAM, 2, data=(5, 9))], False),
        (
            [link(Tie.TEAM, 2), link(Tie.DENIAL, deny=2)],
            [link(Tie.TEAM, 2), link(Tie.DENIAL, deny=2, data=(5, 9))],
            True,
        ),
        ([link(Tie.TEAM, 2)], [], False),
        ([link(Tie.TEAM, 2)], [link(Tie.TEAM, 2, actor=TEAM)], False),
        (
            [link(Tie.TEAM, 2)],
            [link(Tie.TEAM, 2), link(Tie.TEAM, 4, actor=Key("Organization", "other"))],
            False,
        ),
        ([link(Tie.TEAM, 2)], [link(Tie.TEAM, 6)], True),
        ([link(Tie.TEAM, 2)], [link(Tie.TEAM_INFORMED, 2)], True),
        ([link(Tie.TEAM_INFORMED, 2)], [link(Tie.TEAM, 2)], False),
        ([link(Tie.TEAM_INFORMED, 6)], [link(Tie.OTHER, 2)], False),
        ([link(Tie.OTHER, 2)], [link(Tie.TEAM, 2)], True),
        ([link(Tie.TEAM, 2)], [link(Tie.OTHER_INFORMED, 2)], True),
        ([link(Tie.TEAM, 2)], [link(Tie.PCP, 2)], True),
        ([link(Tie.TEAM, 2)], [link(Tie.TEAM, 2), link(Tie.OTHER, 2, named=2)], True),
        ([link(Tie.TEAM, 2, until=NOW + 5)], [link(Tie.TEAM, 2, until=NOW + 6)], True),
        ([link(Tie.TEAM, 2, until=NOW + 5)], [link(Tie.TEAM, 2, until=NOW)], False),
        ([link(Tie.TEAM, 2, since=NOW + 5)], [link(Tie.TEAM, 2, since=NOW + 4)], True),
        ([link(Tie.TEAM, 2, since=NOW)], [link(Tie.TEAM, 2)], False),  # what is past is past
        ([link(Tie.TEAM, 2), link(Tie.DENIAL, deny=2)], [link(Tie.TEAM, 2)], True),
        ([link(Tie.TEAM, 2), link(Tie.DENIAL, oppose=2)], [link(Tie.TEAM, 2)], True),
        (
            [link(Tie.TEAM, 2), link(Tie.DENIAL, oppose=2)],
            [link(Tie.TEAM, 2), link(Tie.DENIAL, deny=2)],
            False,
        ),
        (
            [link(Tie.TEAM, 2), link(Tie.DENIAL, deny=2)],
            [link(Tie.TEAM, 2), link(Tie.DENIAL, oppose=2)],
            True,
        ),
        ([link(Tie.DENIAL, deny=2)], [], False),  # there was nothing to see
    ],
)
def test_rights_are_raised_by_more_or_longer_or_better(
    before: list[Link], after: list[Link], expected: bool
) -> None:
    assert raised((NURSE, TEAM), before, after, NOW) is expected


LINKS = st.lists(
    st.builds(
        link,
        st.sampled_from(Tie),
        st.integers(0, 7),
        named=st.integers(0, 7),
        since=st.integers(0, 5),
        until=st.integers(6, 9),
    ),
    max_size=4,
)


@given(LINKS, LINKS, LINKS)
def test_not_being_raised_is_an_order(one: list[Link], two: list[Link], three: list[Link]) -> None:
    assert not raised((NURSE,), one, one, 0)
    if not raised((NURSE,), one, two, 0) and not raised((NURSE,), two, three, 0):
        assert not raised((NURSE,), one, three, 0)


# Stretches of time


@pytest.mark.parametrize(
    ("period", "expected"),
    [
        (None, (0, FOREVER)),
        ({}, (0, FOREVER)),
        ({"start": "1970-01-02"}, (86_400_000_000, FOREVER)),
        ({"end": "1970-01-01"}, (0, 86_400_000_000)),
        ({"start": "1960", "end": "1970-01-01T00:00:00.001Z"}, (0, 2000)),
        ({"start": "1970-01-02", "end": "1970-01-01"}, None),
        ({"end": "1960"}, None),
        ({"start": "tomorrow"}, None),
    ],
)
def test_a_period_includes_its_end(period: dict[str, str] | None, expected: tuple[int, int] | None) -> None:
    assert spell_of(period) == expected


SPELLS = st.tuples(st.integers(0, 9), st.integers(1, 9)).map(lambda pair: (pair[0], pair[0] + pair[1]))


@given(SPELLS, st.lists(st.integers(0, 20)))
def test_pieces_are_the_whole(spell: tuple[int, int], moments: list[int]) -> None:
    pieces = list(cut(spell, moments))

    assert pieces[0][0] == spell[0]
    assert pieces[-1][1] == spell[1]
    assert [end for _, end in pieces[:-1]] == [start for start, _ in pieces[1:]]
    assert {moment for moment in moments if spell[0] < moment < spell[1]} == {end for _, end in pieces[:-1]}


@given(st.lists(SPELLS, max_size=4), SPELLS)
def test_spells_cover_what_each_moment_of_is_in_one(
    spells: list[tuple[int, int]], wanted: tuple[int, int]
) -> None:
    each = all(any(since <= moment < until for since, until in spells) for moment in range(*wanted))

    assert covers(spells, wanted) is each


@given(SPELLS, SPELLS)
def test_meeting_is_being_in_both(one: tuple[int, int], other: tuple[int, int]) -> None:
    both = set(range(*one)) & set(range(*other))

    assert set(range(*(meet(one, other) or (0, 0)))) == both
