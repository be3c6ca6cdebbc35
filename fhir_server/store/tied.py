"""Candidates by the ties of whoever asks: what is about the persons they are tied to, and what is seen without a tie.

A caller sees what is about their persons. A search that goes by these meets no resource of anybody else, however many
there are. Beside it, it meets what is about nobody or about several (`compartment` is null), and the cells that are
seen without a tie: who sees which of all these is asked of each, as everywhere.

In a search without `_sort` that could go several ways, the order is that of the walk: by person, then the latest first,
and last what needs no tie. Any way puts its candidates in this order, so that what is hidden does not show in it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from fhir_server.search.query import Visible
from fhir_server.search.sight import UNSTAMPED
from fhir_server.store.binding import Parts
from fhir_server.store.nodes import Leaf, Node
from fhir_server.store.ordering import SortKey, Turn, ordered
from fhir_server.store.predicates import Candidate, Predicates, Source
from fhir_server.store.texts import exists

PERSONS: Final = 500  # whoever is tied to so many is not asked how much there is about them
WALKED: Final = 100  # nor to so many where persons can be walked: then no more is met than fills a page
# What an index holds: nobody sees what has no stamp, which on a server that knows nobody is everything.
_LIVE: Final = f"not {{c}}deleted and {{c}}cell < {UNSTAMPED.cell}"
SCATTERED: Final = 200  # of a type of which there is no more about persons, nobody's persons are gone through


def is_narrowed(types: tuple[str, ...], nodes: Sequence[Node]) -> bool:
    """Whether a search is of what somebody sees, of one type."""
    return len(types) == 1 and any(map(is_sight, nodes))


def is_sight(node: Node) -> bool:
    return isinstance(node, Leaf) and isinstance(node.predicate, Visible)


def gathered(predicates: Predicates, types: tuple[str, ...]) -> Source:
    """All of them, each once."""
    return Source(f"({' union all '.join(_each(predicates, types, '*'))}) c", row=True, moment=True)


def counted(predicates: Predicates, types: tuple[str, ...], limit: str, *, walks: bool) -> str:
    """How many there are, as far as `limit`; of many persons, so many. `walks`: they can be walked."""
    most = predicates.bind("bigint", min(PERSONS, WALKED) if walks else PERSONS)
    rows = " union all ".join(_each(predicates, types, "1"))
    persons = f"select 1 from ({persons_of(predicates)} limit {most}) a limit {most}"
    return (
        f"(select case when p.n >= {most} then {limit} else (select count(*) from ({rows} limit {limit}) c) end"
        f" from (select count(*) as n from ({persons}) p) p)"
    )


def keys_by_person(predicates: Predicates, source: Source) -> list[SortKey]:
    """The order of the walk, on candidates from anywhere."""
    row = "c." if source.row else ""
    person = f"case when not {row}cell = any({predicates.untied}) then {row}compartment end"
    if not source.row:
        person = f"(select {person} from resource where pk = c.pk)"
    return [SortKey(person, "bigint", descending=True, nullable=True), _PK]


def seen_in_order(
    predicates: Predicates,
    every: str,
    types: tuple[str, ...],
    nodes: Sequence[Node],
    keys: Sequence[SortKey],
    turn: Turn,
) -> str:
    """The keys of `every`, which is in order: who sees a candidate is asked in this order, until the page is full."""
    *others, last = [f"k{number}" for number in range(len(keys))]
    names = ", ".join(others)
    seen = [predicates.condition(node, Candidate(types)) for node in nodes if is_sight(node)]
    return (
        f"select {names}, c.pk as {last} from ({every} offset 0) c({names}, pk)"
        f" where {' and '.join(seen)} {ordered(keys, turn)}"
    )


def walked(
    predicates: Predicates,
    types: tuple[str, ...],
    conditions_on: Callable[[Candidate], Sequence[str]],
    turn: Turn,
    actors: int,
) -> tuple[str, list[SortKey]]:
    """One page: the persons, and what is about them, as an index has them; then what needs no tie.

    `actors`: how many there are, each of whose persons are in order: they are merged.
    """
    conditions = conjunction(conditions_on(a_row(types)))
    return in_turn(
        lambda: walk_of_persons(predicates, types, conditions, turn, actors),
        lambda: without_person(
            [
                walk_of_nobody(predicates, types, conditions, turn),
                walk_of_cells(predicates, types, conditions, turn),
            ],
            turn,
        ),
        turn,
    )


def in_turn(persons: Callable[[], str], untied: Callable[[], str], turn: Turn) -> tuple[str, list[SortKey]]:
    """A page of what is about persons, and then of what needs no tie: of both only what may be on it."""
    parts = []
    # Behind a start without a person, forward, there are none with one; before one with a person, none without.
    untied_start = turn.nulls is not None and turn.nulls[0]
    if turn.backward or not untied_start:
        parts.append(persons())
    if not turn.backward or untied_start:
        parts.append(untied())
    each = ") union all (".join(reversed(parts) if turn.backward else parts)
    keys = [SortKey("null::bigint", "bigint", descending=True, nullable=True), _PK]
    return f"select * from (({each})) c limit {turn.size}", keys


_PK: Final = SortKey("c.pk", "bigint", descending=True)


def walk_of_persons(
    predicates: Predicates, types: tuple[str, ...], conditions: str, turn: Turn, actors: int
) -> str:
    direction, sign = way(turn)
    person_behind = behind = "true"
    if turn.nulls is not None and not turn.nulls[0]:
        person, pk = predicates.bind_taken("bigint", start(0)), predicates.bind_taken("bigint", start(1))
        person_behind = f"a.person {sign}= {person}"
        behind = f"(c.compartment {sign} {person} or c.compartment = {person} and c.pk {sign} {pk})"
    live = of_type(predicates, types)
    about_persons = f"{live} and c.compartment is not null"
    scattered = predicates.bind("bigint", SCATTERED)
    enough = f"exists (select 1 from resource c where {about_persons} offset {scattered})"
    predicates.common.append(f"enough as materialized (select {enough} as many)")
    many = "(select many from enough)"
    met = f"not c.cell = any({predicates.untied}) and {behind} and {conditions}"
    each = ") union all (".join(
        f"select a.person from access a where a.actor = ({predicates.actors})[{number}] and {_lasts(predicates)}"
        f" and {person_behind} order by a.person {direction} offset 0"
        for number in range(1, max(actors, 1) + 1)
    )
    persons = f"select distinct a.person from (({each})) a order by a.person {direction} offset 0"
    rows = (
        f"select c.pk from resource c where c.compartment = a.person and {live} and {met}"
        f" order by c.pk {direction} limit {turn.size}"
    )
    order = f"order by k0 {direction}, k1 {direction} limit {turn.size}"
    return (
        f"(select a.person as k0, c.pk as k1 from ({persons}) a cross join lateral ({rows}) c where {many} {order})"
        f" union all select c.compartment, c.pk from (select 1 where not {many}) o(ne) cross join lateral"
        f" (select * from resource c where {about_persons} and {met} offset 0) c {order}"
    )


def without_person(walks: Sequence[str], turn: Turn) -> str:
    """What has no person in the order, of several walks."""
    direction, _ = way(turn)
    each = ") union all (".join(walks)
    return (
        f"select null::bigint as k0, c.pk as k1 from (({each})) c order by k1 {direction} limit {turn.size}"
    )


def walk_of_nobody(predicates: Predicates, types: tuple[str, ...], conditions: str, turn: Turn) -> str:
    """By their column too, which is the same for all of them: an index has both."""
    direction, _ = way(turn)
    return (
        f"{_untied_rows(predicates, types, turn)} and c.compartment is null and {conditions}"
        f" order by c.compartment {direction}, c.pk {direction} limit {turn.size}"
    )


def walk_of_cells(predicates: Predicates, types: tuple[str, ...], conditions: str, turn: Turn) -> str:
    direction, _ = way(turn)
    cell = (
        f"{_untied_rows(predicates, types, turn)} and c.compartment is not null and c.cell = v.cell"
        f" and {conditions} order by c.pk {direction} limit {turn.size}"
    )
    return f"select c.pk from unnest({predicates.untied}) v(cell) cross join lateral ({cell}) c"


def _untied_rows(predicates: Predicates, types: tuple[str, ...], turn: Turn) -> str:
    behind = "true"
    if turn.nulls is not None and turn.nulls[0]:
        behind = f"c.pk {way(turn)[1]} {predicates.bind_taken('bigint', start(1))}"
    return f"select c.pk from resource c where {of_type(predicates, types)} and {behind}"


def a_row(types: tuple[str, ...]) -> Candidate:
    """What the conditions of a walk are asked of."""
    return Candidate(types, "c", row=True, moment=True)


def conjunction(conditions: Sequence[str]) -> str:
    return " and ".join(["true", *conditions])


def of_type(predicates: Predicates, types: tuple[str, ...]) -> str:
    """On a row that is called c."""
    return f"c.type = {predicates.number_of(types)} and {_LIVE.format(c='c.')}"


def is_tied(predicates: Predicates, person: str) -> str:
    """That a person is one of theirs."""
    actors, now = f"a.actor = any({predicates.actors})", predicates.now
    return exists(f"access a where a.person = {person} and {actors} and a.since <= {now} and {now} < a.until")


def untied_of(predicates: Predicates, types: tuple[str, ...]) -> str:
    """What follows `from`: what is about a person, of cells that need no tie."""
    return (
        f"unnest({predicates.untied}) v(cell) cross join lateral (select * from resource c"
        f" where c.cell = v.cell and c.compartment is not null and {of_type(predicates, types)} offset 0) c"
    )


def _each(predicates: Predicates, types: tuple[str, ...], columns: str) -> tuple[str, str, str]:
    """Selects that have nothing in common: about the persons, about nobody or several, of cells that need no tie."""
    of_type = f"type = {predicates.number_of(types)} and {_LIVE.format(c='')}"
    return (
        f"select c.* from (select distinct a.person from ({persons_of(predicates)}) a offset 0) a cross join lateral"
        f" (select {columns} from resource where compartment = a.person and {of_type}"
        f" and not cell = any({predicates.untied}) offset 0) c",
        f"select {columns} from resource where compartment is null and {of_type}",
        f"select c.* from unnest({predicates.untied}) v(cell) cross join lateral (select {columns} from resource"
        f" where cell = v.cell and compartment is not null and {of_type} offset 0) c",
    )


def persons_of(predicates: Predicates) -> str:
    return f"select a.person from access a where a.actor = any({predicates.actors}) and {_lasts(predicates)}"


def _lasts(predicates: Predicates) -> str:
    """And that the index of actors may be gone by, which the ties of a person are not looked up in."""
    return f"a.since <= {predicates.now} and {predicates.now} < a.until and a.tie <> 0"


def way(turn: Turn) -> tuple[str, str]:
    """The direction, and the sign of what comes later in it."""
    return ("asc", ">") if turn.backward else ("desc", "<")


def start(number: int) -> Callable[[Parts], Any]:
    return lambda parts: parts[0].start[number]
