"""The candidates of a source as a select: in order, from where a page begins, as many as it takes."""

from __future__ import annotations

from collections.abc import Sequence

from fhir_server.store.ordering import SortKey, Turn, behind, ordered
from fhir_server.store.predicates import Predicates, Source


def appended(parts: Sequence[str], turn: Turn) -> str:
    """One part after the other; the second only if the first does not fill the page."""
    each = ") union all (".join(reversed(parts) if turn.backward else parts)
    return f"select * from (({each})) c limit {turn.size}"


def all_in(source: Source) -> str:
    """All the candidates."""
    if not source.lists:
        return f"{source.sql} where {source.condition}"
    return f"{source.lists} cross join lateral (select 1 from {source.sql} where {source.condition}) c"


def selected(
    predicates: Predicates,
    source: Source,
    conditions: Sequence[str],
    keys: Sequence[SortKey],
    turn: Turn,
    values: str = "",
    *,
    cut: bool = True,
) -> str:
    """The sort keys `k0`, `k1` … of the candidates that meet the conditions, of one page if they are `cut`.

    `values`: what else is selected, before them.
    """
    columns = ", ".join(f"{key.sql} as k{number}" for number, key in enumerate(keys))
    order = ordered(keys, turn, cut=cut)
    rest = f"{behind(keys, turn, predicates)} {order}"

    def select(one: Source) -> str:
        where = " and ".join([one.condition, *conditions])
        if one.once:
            last = f"case when {' and '.join(conditions)} then {one.once} end" if conditions else one.once
            where = f"{one.condition} and {last}"
        return f"select {values}{columns} from {one.sql} where {where}{rest}"

    found = select(source)
    if source.also:
        return f"select * from (({found}) union all ({select(source.also)})) c {order}"
    if not source.lists:
        return found
    # The first of all are among the first of each.
    return f"select distinct c.* from {source.lists} cross join lateral ({found}) c {order}"
