"""The candidates of a source as a select: in order, from where a page begins, as many as it takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from fhir_server.search.query import Sort
from fhir_server.store.bodies import Paths
from fhir_server.store.numbers import UNDATED
from fhir_server.store.ordering import SortKey, Turn, behind, keys_of, ordered
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


def selected_by_moment(
    predicates: Predicates,
    source: Source,
    conditions: Sequence[str],
    sort: Sequence[Sort],
    paths: Paths,
    turn: Turn,
) -> tuple[str, list[SortKey]]:
    """A page of lists that are in the order asked for, those without a date at their end."""
    _, *others = sort
    moment = SortKey("c.moment", "bigint", descending=True)
    if not others:
        keys = [moment, SortKey("c.pk", "bigint", descending=True)]
        return selected(predicates, source, conditions, keys, turn), keys
    # Those without a date are all equal until the next key.
    first = SortKey("null::bigint", "bigint", descending=True, nullable=True)
    keys = [first, *keys_of(others, predicates, source, paths, first)]
    latest_undated = predicates.bind("bigint", UNDATED // 2)

    def select(sign: str, key: SortKey) -> str:
        part = replace(source, condition=f"{source.condition} and c.moment {sign} {latest_undated}")
        return selected(predicates, part, conditions, [key, *keys[1:]], turn)

    return appended([select(">", moment), select("<", first)], turn), keys
