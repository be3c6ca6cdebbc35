"""A `Query` becomes SQL text: candidates, the conditions on them, their order, and the row behind which a page begins.

The order of work is written down here, never left to the planner. One source gives the candidates (`sources.py`), where
possible by an index scan that is already in the order of the result and ends with the page. Any other order is made
from the candidates' own index rows. A page is told from the next by the sort keys of its last row, with the pk in the
end, so what others write meanwhile neither repeats nor hides what stays as it is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Final

from fhir_server.kernel.errors import Malformed
from fhir_server.kernel.values import immutable
from fhir_server.search.entries import Hasher
from fhir_server.search.query import Predicate, Query, Sort
from fhir_server.store.cursors import Value
from fhir_server.store.pipeline import Statement
from fhir_server.store.predicates import Kind, Predicates, Source
from fhir_server.store.rows import VALUES
from fhir_server.store.sources import SCAN, SELECTIVE, all_of, can_lead, rank, sorted_by, source_of

# A plan is where the candidates come from: the place of a predicate in `Query.where`, or one of these.
ALL: Final = -1
BY_SORT_KEY: Final = -2

WIDE: Final = 2000  # candidates; from here on it pays to meet them in the order of the result


@immutable
class Compiled:
    """A statement, its parameters, and the kinds of the sort keys that stand at the end of each row."""

    statement: Statement
    params: list[bytes | None]
    keys: tuple[Kind, ...] = ()


@immutable
class _Order:
    """One sort key: an expression on `c`."""

    sql: str
    kind: Kind
    descending: bool
    nullable: bool = False  # nulls are last, in both directions


# Plans --------------------------------------------------------------------------------------------------------------


def plan_of(query: Query) -> int | None:
    """The plan, if the kinds of the predicates tell; None: ask `probe_of`."""
    places = _sources(query)
    if places and rank(query.where[places[0]]) <= SELECTIVE:
        return places[0]
    if len(places) > 1 or can_lead(query.sort) or (places and _by_column(query)):
        return None
    return places[0] if places else ALL


def probe_of(query: Query, hasher: Hasher) -> Compiled:
    """Counts the candidates of each source that there is, as far as `WIDE`: a row of one column each."""
    predicates = Predicates(query.type, hasher)
    size = predicates.bind("bigint", WIDE)
    counts = []
    for place in _sources(query) or [ALL]:
        source, _ = _source(predicates, query, place)
        inner = f"select 1 from {source.sql} where {source.condition} limit {size}"
        if source.lists:
            inner = f"select 1 from {source.lists} cross join lateral ({inner}) c limit {size}"
        counts.append(f"(select count(*) from ({inner}) c)")
    return _compiled(f"select {', '.join(counts)}", predicates)


def plan_by(query: Query, counts: Sequence[int]) -> int:
    """The plan after `probe_of` has counted."""
    places = _sources(query) or [ALL]
    least, _, place = min(
        (count, rank, place) for rank, (count, place) in enumerate(zip(counts, places, strict=True))
    )
    if least < WIDE:
        return place
    if can_lead(query.sort):
        return BY_SORT_KEY
    return ALL if _by_column(query) else place


def count_plan(query: Query, plan: int) -> int:
    """How to count what `plan` pages through: the order does not matter."""
    return plan if plan != BY_SORT_KEY else next(iter(_sources(query)), ALL)


def _sources(query: Query) -> list[int]:
    """The places of the predicates that can be sources, those with few candidates first."""
    ranked = sorted((rank(predicate), place) for place, predicate in enumerate(query.where))
    return [place for number, place in ranked if number < SCAN]


def _by_column(query: Query) -> bool:
    return bool(query.sort) and query.sort[0].kind == "updated"


def _source(predicates: Predicates, query: Query, plan: int) -> tuple[Source, list[Predicate]]:
    """A source, and the predicates that it does not settle."""
    if plan == ALL:
        return all_of(predicates), list(query.where)
    others = [predicate for place, predicate in enumerate(query.where) if place != plan]
    source = source_of(predicates, query.where[plan], others)
    return source, others if source.complete else list(query.where)


# Statements ---------------------------------------------------------------------------------------------------------


def page_of(
    query: Query, hasher: Hasher, plan: int, *, start: Sequence[Value] | None, backward: bool, limit: int
) -> Compiled:
    """At most `limit` rows behind `start` (`backward`: before it, nearest first): pk, id, `VALUES`, sort keys.

    `start`: the sort keys of a row; None: from the first. All pages of a search have the same plan.
    """
    predicates = Predicates(query.type, hasher)
    page = _Page(predicates, start, backward, predicates.bind("bigint", limit))
    if plan == BY_SORT_KEY:
        present, absent, value = sorted_by(predicates, query.sort[0])
        kind: Kind = "text" if query.sort[0].kind == "string" else "bigint"
        key = _Order(f"null::{kind}", kind, query.sort[0].descending, nullable=True)
        order = [key, *_order_of(replace(query, sort=query.sort[1:]), predicates, present, key)]
        first = page.select(present, query.where, [replace(key, sql=value, nullable=False), *order[1:]])
        last = page.select(absent, query.where, order)
        # One after the other, and the second only if the first does not fill the page.
        lists = (last, first) if backward else (first, last)
        inner = f"select * from (({lists[0]}) union all ({lists[1]})) c limit {page.size}"
    else:
        source, rest = _source(predicates, query, plan)
        order = _order_of(query, predicates, source)
        inner = page.select(source, rest, order)
    names = [f"c.k{number}" for number in range(len(order))]
    values = ", ".join(f"r.{name}" for name in VALUES.split(", "))
    sql = (
        f"select r.pk, r.id, {values}, {', '.join(names)} from ({inner}) c"
        f" join resource r on r.pk = {names[-1]} {page.ordered(order, cut=False)}"
    )
    return _compiled(sql, predicates, tuple(key.kind for key in order))


def count_of(query: Query, hasher: Hasher, plan: int, *, limit: int | None) -> Compiled:
    """How many match, at most `limit` (None: all)."""
    predicates = Predicates(query.type, hasher)
    size = predicates.bind("bigint", limit)
    source, rest = _source(predicates, query, plan)
    inner = f"select c.pk from {source.sql} where {_where(predicates, source, rest)}"
    if source.lists:
        inner = f"select distinct c.pk from {source.lists} cross join lateral ({inner}) c"
    return _compiled(f"select count(*) from ({inner} limit {size}) c", predicates)


@immutable
class _Page:
    """The part of the result that one page is."""

    predicates: Predicates
    start: Sequence[Value] | None
    backward: bool
    size: str

    def select(self, source: Source, where: Sequence[Predicate], order: Sequence[_Order]) -> str:
        """The sort keys `k0`, `k1` … of the candidates that meet `where`."""
        columns = ", ".join(f"{key.sql} as k{number}" for number, key in enumerate(order))
        conditions = f"{_where(self.predicates, source, where)}{self._behind(order)}"
        found = f"select {columns} from {source.sql} where {conditions} {self.ordered(order)}"
        if not source.lists:
            return found
        # The first of all are among the first of each.
        return f"select distinct c.* from {source.lists} cross join lateral ({found}) c {self.ordered(order)}"

    def ordered(self, order: Sequence[_Order], *, cut: bool = True) -> str:
        """By the keys' names; `cut` to the size of the page."""
        keys = []
        for number, key in enumerate(order):
            direction = "desc" if key.descending != self.backward else "asc"
            nulls = f" nulls {'first' if self.backward else 'last'}" if key.nullable else ""
            keys.append(f"k{number} {direction}{nulls}")
        return f"order by {', '.join(keys)}{f' limit {self.size}' if cut else ''}"

    def _behind(self, order: Sequence[_Order]) -> str:
        """What else is true of the rows that come after `start`."""
        if self.start is None:
            return ""
        bind, backward = self.predicates.bind, self.backward
        values = [None if v is None else bind(key.kind, v) for key, v in zip(order, self.start, strict=True)]
        signs = ["<" if key.descending != backward else ">" for key in order]
        if len(set(signs)) == 1 and None not in values and not any(key.nullable for key in order):
            return f" and ({', '.join(key.sql for key in order)}) {signs[0]} ({', '.join(map(str, values))})"
        text = "false"
        for key, value, sign in reversed(list(zip(order, values, signs, strict=True))):
            if value is None:  # nulls come last, or first when the order is turned round
                beyond, same = f"{key.sql} is not null" if backward else "false", f"{key.sql} is null"
            else:
                beyond, same = f"{key.sql} {sign} {value}", f"{key.sql} = {value}"
                if key.nullable and not backward:
                    beyond = f"{beyond} or {key.sql} is null"
            text = f"({beyond} or {same} and {text})"
        if values[0] is not None and not order[0].nullable:  # where an index scan may begin
            text = f"{order[0].sql} {signs[0]}= {values[0]} and {text}"
        return f" and {text}"


def _where(predicates: Predicates, source: Source, where: Sequence[Predicate]) -> str:
    return " and ".join([source.condition, *(predicates.condition(predicate, source) for predicate in where)])


def _order_of(
    query: Query, predicates: Predicates, source: Source, before: _Order | None = None
) -> list[_Order]:
    """The sort keys, and the pk. `before`: the key that comes before those of `query`."""
    if before is not None and not query.sort:
        return [_Order("c.pk", "bigint", before.descending)]
    if not query.sort:
        keys = [_Order(column, "bigint", source.descending) for column in source.order]
        return [*keys, _Order("c.pk", "bigint", source.descending)]
    keys = [_key(sort, predicates, source) for sort in query.sort]
    return [*keys, _Order("c.pk", "bigint", keys[-1].descending)]


def _key(sort: Sort, predicates: Predicates, source: Source) -> _Order:
    """Among several values of a resource, the one that comes first counts."""
    kind: Kind
    descending, best = sort.descending, "max" if sort.descending else "min"
    if sort.name is None:
        kind = "text" if sort.kind == "id" else "bigint"
        column = "id" if sort.kind == "id" else "updated"
        if source.row:
            return _Order(f"c.{column}", kind, descending)
        return _Order(f"(select {column} from resource where pk = c.pk)", kind, descending)
    match sort.kind:
        case "date":
            table, value, kind = "entry_date", "high" if descending else "low", "bigint"
        case "string":
            table, value, kind = "entry_string", "value", "text"
        case "number" | "quantity":
            table, value, kind = "entry_quantity", "high" if descending else "low", "float8"
        case _:  # kept as hashes, which have no order
            raise Malformed("This server does not sort by parameters of this kind", code="not-supported")
    seed = predicates.seed(sort.name)
    rows = f"(select parameter, {value} from {table} where pk = c.pk offset 0) e where e.parameter = {seed}"
    return _Order(f"(select {best}(e.{value}) from {rows})", kind, descending, nullable=True)


def _compiled(sql: str, predicates: Predicates, keys: tuple[Kind, ...] = ()) -> Compiled:
    if predicates.common:
        sql = f"with recursive {', '.join(predicates.common)} {sql}"
    return Compiled(_statement(sql, tuple(predicates.parameters.oids)), predicates.parameters.values, keys)


@lru_cache(maxsize=4096)
def _statement(sql: str, oids: tuple[int, ...]) -> Statement:
    return Statement(f"search_{hashlib.blake2b(sql.encode(), digest_size=16).hexdigest()}", sql, oids)
