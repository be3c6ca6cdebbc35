"""A `Query` becomes SQL text: candidates, the conditions on them, their order, and the row behind which a page begins.

The order of work is written down here, never left to the planner. One predicate gives the candidates (`predicates.py`),
where possible by an index scan that is already in the order of the result and ends with the page. Any other order is
made from the candidates' own index rows. A page is told from the next by the sort keys of its last row, with the pk in
the end, so what others write meanwhile neither repeats nor hides what stays as it is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from fhir_server.kernel.errors import Malformed
from fhir_server.search.entries import Hasher
from fhir_server.search.query import Query, Sort
from fhir_server.store.cursors import Value
from fhir_server.store.pipeline import Statement
from fhir_server.store.predicates import Kind, Predicates, Source
from fhir_server.store.rows import VALUES


@dataclass(frozen=True, slots=True)
class Compiled:
    """A statement, its parameters, and the kinds of the sort keys that stand at the end of each row."""

    statement: Statement
    params: list[bytes | None]
    keys: tuple[Kind, ...] = ()


@dataclass(frozen=True, slots=True)
class _Order:
    """One sort key: an expression on `c`."""

    sql: str
    kind: Kind
    descending: bool
    nullable: bool = False  # nulls are last, in both directions
    column: bool = True  # of the candidate: an index may be in its order

    def backwards(self) -> _Order:
        return replace(self, descending=not self.descending)

    def text(self, *, backward: bool) -> str:
        direction = "desc" if self.descending else "asc"
        nulls = f" nulls {'first' if backward else 'last'}" if self.nullable else ""
        return f"{self.sql} {direction}{nulls}"


def page_of(
    query: Query, hasher: Hasher, *, start: Sequence[Value] | None, backward: bool, limit: int
) -> Compiled:
    """At most `limit` rows behind `start` (`backward`: before it, nearest first): pk, id, `VALUES`, sort keys.

    `start`: the sort keys of a row; None: from the first.
    """
    predicates, source, where = _candidates(query, hasher)
    order = _order_of(query, predicates, source)
    if backward:
        order = [key.backwards() for key in order]
    inside = all(key.column for key in order)
    named = [replace(key, sql=f"c.k{number}") for number, key in enumerate(order)]
    columns = ", ".join(f"{key.sql} as k{number}" for number, key in enumerate(order))
    size = predicates.parameters.bind("bigint", limit)

    def cut(keys: Sequence[_Order]) -> tuple[str, str]:
        behind = "true" if start is None else _behind(keys, start, predicates, backward=backward)
        return behind, f" order by {', '.join(key.text(backward=backward) for key in keys)} limit {size}"

    if inside:
        behind, ordered = cut(order)
        inner = f"select {columns} from {source.sql} where {where} and {behind}{ordered}"
        if source.lists:
            # The first of all are among the first of each.
            _, ordered = cut(named)
            inner = f"select distinct c.* from {source.lists} cross join lateral ({inner}) c{ordered}"
    else:
        inner = f"select {columns} from {source.sql} where {where}"
        if source.lists:
            inner = f"select distinct c.* from {source.lists} cross join lateral ({inner}) c"
        behind, ordered = cut(named)
        inner = f"select * from ({inner} offset 0) c where {behind}{ordered}"
    last = named[-1].sql  # the pk
    values = ", ".join(f"r.{name}" for name in VALUES.split(", "))
    keys = ", ".join(key.sql for key in named)
    sequence = ", ".join(key.text(backward=backward) for key in named)
    sql = f"select r.pk, r.id, {values}, {keys} from ({inner}) c join resource r on r.pk = {last} order by {sequence}"
    return _compiled(sql, predicates, tuple(key.kind for key in order))


def count_of(query: Query, hasher: Hasher, *, limit: int | None) -> Compiled:
    """How many match, at most `limit` (None: all)."""
    predicates, source, where = _candidates(query, hasher)
    size = predicates.parameters.bind("bigint", limit)
    inner = f"select c.pk from {source.sql} where {where}"
    if source.lists:
        inner = f"select distinct c.pk from {source.lists} cross join lateral ({inner}) c"
    return _compiled(f"select count(*) from ({inner} limit {size}) c", predicates)


def _candidates(query: Query, hasher: Hasher) -> tuple[Predicates, Source, str]:
    predicates = Predicates(query.type, hasher)
    source, rest = predicates.source(query.where)
    return predicates, source, " and ".join([source.condition, *map(predicates.condition, rest)])


def _order_of(query: Query, predicates: Predicates, source: Source) -> list[_Order]:
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
        return _Order(f"(select {column} from resource where pk = c.pk)", kind, descending, column=False)
    seed = predicates.seed(sort.name)
    value: str
    match sort.kind:
        case "date":
            table, value, kind = "entry_date", "high" if descending else "low", "bigint"
        case "string":
            table, value, kind = "entry_string", "value", "text"
        case "number" | "quantity":
            table, value, kind = "entry_quantity", "high" if descending else "low", "float8"
        case _:  # kept as hashes, which have no order
            raise Malformed("This server does not sort by parameters of this kind", code="not-supported")
    rows = f"(select parameter, {value} from {table} where pk = c.pk offset 0) e where e.parameter = {seed}"
    return _Order(f"(select {best}(e.{value}) from {rows})", kind, descending, nullable=True, column=False)


def _behind(keys: Sequence[_Order], start: Sequence[Value], predicates: Predicates, *, backward: bool) -> str:
    """What is true of the rows that come after `start` in the order of `keys`."""
    bind = predicates.parameters.bind
    values = [
        None if value is None else bind(key.kind, value) for key, value in zip(keys, start, strict=True)
    ]
    descending = {key.descending for key in keys}
    if len(descending) == 1 and not any(key.nullable for key in keys):
        row, than = ", ".join(key.sql for key in keys), "<" if descending.pop() else ">"
        return f"({row}) {than} ({', '.join(map(str, values))})"
    text = "false"
    for key, value in reversed(list(zip(keys, values, strict=True))):
        if value is None:  # nulls come last, or first when the order is turned round
            beyond, same = f"{key.sql} is not null" if backward else "false", f"{key.sql} is null"
        else:
            beyond, same = f"{key.sql} {'<' if key.descending else '>'} {value}", f"{key.sql} = {value}"
            if key.nullable and not backward:
                beyond = f"({beyond} or {key.sql} is null)"
        text = f"({beyond} or {same} and {text})"
    return text


def _compiled(sql: str, predicates: Predicates, keys: tuple[Kind, ...] = ()) -> Compiled:
    if predicates.common:
        sql = f"with recursive {', '.join(predicates.common)} {sql}"
    return Compiled(_statement(sql, tuple(predicates.parameters.oids)), predicates.parameters.values, keys)


@lru_cache(maxsize=4096)
def _statement(sql: str, oids: tuple[int, ...]) -> Statement:
    return Statement(f"search_{hashlib.blake2b(sql.encode(), digest_size=16).hexdigest()}", sql, oids)
