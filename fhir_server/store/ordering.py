"""The order of a result as SQL: its sort keys, and the condition that a row comes behind another.

A page is told from the next by the sort keys of its last row, with the pk in the end, so what others write meanwhile
neither repeats nor hides what stays as it is. A key that no index scan has in order is made from the candidate's own
index rows, or for texts from its body. Of several values of a resource the one that comes first counts; what has none
comes last, in both directions.

https://hl7.org/fhir/R4/search.html#sort
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from fhir_server.kernel.errors import Malformed
from fhir_server.kernel.values import immutable
from fhir_server.search.query import Sort
from fhir_server.store.binding import Kind, Parts
from fhir_server.store.bodies import Paths, texts
from fhir_server.store.predicates import Predicates, Source


@immutable
class SortKey:
    """An expression on the candidate `c`."""

    sql: str
    kind: Kind
    descending: bool
    nullable: bool = False  # nulls are last, in both directions


def keys_of(
    sort: Sequence[Sort],
    predicates: Predicates,
    source: Source,
    paths: Paths,
    before: SortKey | None = None,
) -> list[SortKey]:
    """The keys, and the pk. `before`: the key that comes before those of `sort`."""
    if before is not None and not sort:
        return [SortKey("c.pk", "bigint", before.descending)]
    if not sort:
        keys = [SortKey(column, kind, source.descending) for column, kind in source.order]
        return [*keys, SortKey("c.pk", "bigint", source.descending)]
    keys = [_key(one, predicates, source, paths) for one in sort]
    return [*keys, SortKey("c.pk", "bigint", keys[-1].descending)]


def _key(sort: Sort, predicates: Predicates, source: Source, paths: Paths) -> SortKey:
    descending, best = sort.descending, "max" if sort.descending else "min"
    end = "high" if descending else "low"
    if sort.name is None:
        column = "id" if sort.kind == "id" else "updated"
        kind: Kind = "text" if sort.kind == "id" else "bigint"
        if source.row:
            return SortKey(f"c.{column}", kind, descending)
        return SortKey(f"(select {column} from resource where pk = c.pk)", kind, descending)
    if sort.kind == "text":
        return SortKey(_text(paths[sort.name], predicates, source, best), "text", descending, nullable=True)
    seed = predicates.seed(sort.name)

    def value(table: str, columns: str, value: str) -> str:
        rows = f"(select parameter, {columns} from {table} where pk = c.pk offset 0) e"
        return f"(select {value} from {rows} where e.parameter = {seed})"

    match sort.kind:
        case "date":
            return SortKey(value("entry_date", end, f"{best}(e.{end})"), "bigint", descending, nullable=True)
        case "string":
            return SortKey(
                value("entry_string", "value", f"{best}(e.value)"), "text", descending, nullable=True
            )
        case "number":
            # In the canonical unit where there is one: 5 mg come before 1 g.
            found = f"coalesce({best}(e.{end}) filter (where e.unit <> 0), {best}(e.{end}))"
            return SortKey(
                value("entry_quantity", f"unit, {end}", found), "float8", descending, nullable=True
            )
        case _:
            raise Malformed("This server does not sort by parameters of this kind", code="not-supported")


def _text(paths: Sequence[str], predicates: Predicates, source: Source, best: str) -> str:
    body = "c.body" if source.row else "(select body from resource where pk = c.pk)"
    found = texts(body, predicates.bind("text[]", list(paths)))
    return f"(select {best}((x.value #>> '{{}}') collate \"C\") from {found})"


@immutable
class Turn:
    """Which part of an order is asked for: behind the row of `nulls` (of its sort keys; None: from the first row)."""

    nulls: tuple[bool, ...] | None
    backward: bool
    size: str  # how many rows, in SQL


def ordered(keys: Sequence[SortKey], turn: Turn, *, cut: bool = True) -> str:
    """By the names of the keys, `k0`, `k1` …; `cut` to the size of the page."""
    found = []
    for number, key in enumerate(keys):
        direction = "desc" if key.descending != turn.backward else "asc"
        nulls = f" nulls {'first' if turn.backward else 'last'}" if key.nullable else ""
        found.append(f"k{number} {direction}{nulls}")
    return f"order by {', '.join(found)}{f' limit {turn.size}' if cut else ''}"


def behind(keys: Sequence[SortKey], turn: Turn, predicates: Predicates) -> str:
    """What else is true of the rows that come after the start."""
    if turn.nulls is None:
        return ""
    values = [
        None if null else predicates.bind_taken(key.kind, _start(number))
        for number, (key, null) in enumerate(zip(keys, turn.nulls, strict=True))
    ]
    signs = ["<" if key.descending != turn.backward else ">" for key in keys]
    if len(set(signs)) == 1 and None not in values and not any(key.nullable for key in keys):
        return f" and ({', '.join(key.sql for key in keys)}) {signs[0]} ({', '.join(map(str, values))})"
    text = "false"
    for key, value, sign in reversed(list(zip(keys, values, signs, strict=True))):
        if value is None:  # nulls come last, or first when the order is turned round
            beyond, same = f"{key.sql} is not null" if turn.backward else "false", f"{key.sql} is null"
        else:
            beyond, same = f"{key.sql} {sign} {value}", f"{key.sql} = {value}"
            if key.nullable and not turn.backward:
                beyond = f"{beyond} or {key.sql} is null"
        text = f"({beyond} or {same} and {text})"
    if values[0] is not None and not keys[0].nullable:  # where an index scan may begin
        text = f"{keys[0].sql} {signs[0]}= {values[0]} and {text}"
    return f" and {text}"


def _start(number: int) -> Callable[[Parts], Any]:
    return lambda parts: parts[0].start[number]
