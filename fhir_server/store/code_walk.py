"""One code within a view: its rows by person, instead of the persons and all that is about them.

The order is that of `tied.walked`, and so is what is found. `entry_person` has the rows of a code in this order, hidden
ones too: as many as `MOST` says are gone through. Where a page needs more, or where rows are missing (`by_person.py`),
persons are walked by the same statement. That a candidate has the code is asked all the same, of whoever is seen: a row
may be left over.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from typing import Final

from fhir_server.search.main_codes import MAIN_CODES
from fhir_server.search.query import Name, Query, Tokens
from fhir_server.store import tied
from fhir_server.store.by_person import NOBODY_SQL, TABLE, UNTOLD_SQL
from fhir_server.store.nodes import Leaf, Node
from fhir_server.store.ordering import SortKey, Turn
from fhir_server.store.predicates import Candidate, Predicates
from fhir_server.store.shapes import ONE_PAIR, tokens_form

# Rows of a code: beyond, persons are walked. By how many persons there are: to pass over a row takes a fifth of what a
# person takes, or less.
MOST: Final = (2000, 10_000)
THOUSANDS: Final = 2000  # persons: whoever is tied to more has the second number of rows
UNTIED: Final = 200  # resources of a type that are seen without a tie: beyond, persons are walked


def place_of_code(query: Query, types: tuple[str, ...], nodes: Sequence[Node]) -> int | None:
    """The place of a code whose rows are there by person."""
    if query.sort or not tied.is_narrowed(types, nodes) or types[0] not in MAIN_CODES:
        return None
    name = Name(types[0], MAIN_CODES[types[0]])
    for place, node in enumerate(nodes):
        match node:
            case Leaf(Tokens(one) as tokens) if one == name and tokens_form(tokens) == ONE_PAIR:
                return place
    return None


def reach(predicates: Predicates, types: tuple[str, ...]) -> str:
    """Which number of `MOST` is right, from 1 on. 0: rows are missing, or what needs no tie stands in the way."""
    untied = f"select 1 from {tied.untied_of(predicates, types)} offset {predicates.bind('bigint', UNTIED)}"
    persons = f"select 1 from ({tied.persons_of(predicates)}) a offset {predicates.bind('bigint', THOUSANDS)}"
    return (
        f"case when not {_all_told(predicates, types)} or exists ({untied}) then 0::bigint"
        f" when exists ({persons}) then 2 else 1 end"
    )


def walked_by_code(
    predicates: Predicates,
    types: tuple[str, ...],
    code: tuple[Node, int],
    asked_of: Callable[[Candidate, Container[int]], Sequence[str]],
    turn: Turn,
    actors: int,
    reach: int,
) -> tuple[str, list[SortKey]]:
    """See `tied.walked`. `code`: its node and its place. `asked_of`: the conditions, but for those at some places."""
    node, place = code
    assert isinstance(node, Leaf)
    pair = predicates.single((node,))
    assert pair is not None
    row = tied.a_row(types)
    has_code, others = predicates.condition(node, row), tied.conjunction(asked_of(row, (place,)))
    asked, conditions = f"case when {others} then {has_code} end", f"{others} and {has_code}"
    of_type = tied.of_type(predicates, types)
    direction, sign = tied.way(turn)
    most = predicates.bind("bigint", MOST[reach - 1])
    told = "(select each from told)"
    predicates.common.append(f"told as materialized (select {_all_told(predicates, types)} as each)")

    def persons() -> str:
        behind = ""
        if turn.nulls is not None and not turn.nulls[0]:
            start = ", ".join(predicates.bind_taken("bigint", tied.start(number)) for number in (0, 1))
            behind = f" and (e.person, e.pk) {sign} ({start})"
        rows = f"from {TABLE} e where e.code = {pair[0]} # {pair[1]} and e.person > {NOBODY_SQL}{behind} and {told}"
        order = f"order by e.person {direction}, e.pk {direction}"
        every = f"select e.person, e.pk {rows} {order} limit {most}"
        # To ask for a tie takes half of what it takes to ask who sees it.
        mine = f"select * from ({every}) e where {tied.is_tied(predicates, 'e.person')} {order} offset 0"
        met = f"c.pk = e.pk and c.compartment = e.person and {of_type} and not c.cell = any({predicates.untied})"
        predicates.common += (
            f"near as materialized (select e.person as k0, e.pk as k1 from ({mine}) e"
            f" cross join lateral (select * from resource c where {met} offset 0) c where {asked}"
            f" order by k0 {direction}, k1 {direction} limit {turn.size})",
            f"page as materialized (select case when not {told} then false"
            f" when (select count(*) from near) >= {turn.size} then true"
            f" else (select count(*) from (select 1 {rows} limit {most}) n) < {most} end as whole)",
        )
        far = tied.walk_of_persons(predicates, types, conditions, turn, actors)
        whole = "(select whole from page)"
        return f"select * from near where {whole} union all select * from ({far}) w where not {whole}"

    def untied() -> str:
        behind = ""
        if turn.nulls is not None and turn.nulls[0]:
            behind = f" and e.pk {sign} {predicates.bind_taken('bigint', tied.start(1))}"
        every = (
            f"select e.pk from {TABLE} e where e.code = {pair[0]} # {pair[1]} and e.person = {NOBODY_SQL}{behind}"
            f" and {told} order by e.person {direction}, e.pk {direction} offset 0"
        )
        met = f"c.pk = e.pk and c.compartment is null and {of_type}"
        nobody = (
            f"select e.pk from ({every}) e cross join lateral (select * from resource c where {met} offset 0) c"
            f" where {asked} order by e.pk {direction} limit {turn.size}"
        )
        rest = tied.walk_of_nobody(predicates, types, conditions, turn)
        cells = tied.walk_of_cells(predicates, types, conditions, turn)
        return tied.without_person([nobody, f"select * from ({rest}) w where not {told}", cells], turn)

    return tied.in_turn(persons, untied, turn)


def _all_told(predicates: Predicates, types: tuple[str, ...]) -> str:
    of_type = f"c.type = {predicates.number_of(types)}"
    return f"not exists (select 1 from resource c where {of_type} and {UNTOLD_SQL.format(c='c.')})"
