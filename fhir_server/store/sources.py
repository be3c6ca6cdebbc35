"""Where the candidates of a search come from: one predicate, the sort key, or all resources of the type.

A good source is an index scan that gives few candidates, or many in the order of the result. Which predicate gives few
is told by its kind or, where that is not enough, by counting as far as a limit (`probe` in `compile.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from fhir_server.search.query import (
    Dates,
    DateValue,
    Ids,
    Nothing,
    Predicate,
    References,
    Sort,
    Strings,
    Tokens,
    Updated,
)
from fhir_server.store.predicates import Predicates, Source, end_of, start_of
from fhir_server.store.tables import TYPE_NUMBERS

SELECTIVE: Final = 3  # up to this rank a predicate gives few candidates for certain
SCAN: Final = 9  # from this rank on it is no source

_FIRST: Final = -(2**63)
_LAST: Final = 2**63 - 1


def rank(predicate: Predicate) -> int:
    """How few candidates a predicate is expected to give: the fewer, the lower."""
    match predicate:
        case Nothing():
            return 0
        case Ids():
            return 1
        case Tokens(name, values):
            if any(v.code is None for v in values):
                return SCAN
            return 2 if name.code == "identifier" else 5
        case References(_, keys, others):
            return 3 if not others and all(key.type == "Patient" for key in keys) else 4
        case Strings(_, values):
            return 8 if any(v.mode == "contains" for v in values) else 6
        case Dates(_, values):
            return SCAN if any(v.prefix == "ne" for v in values) else 7
        case Updated():
            return 7
        case _:
            return SCAN


def source_of(predicates: Predicates, predicate: Predicate, others: Sequence[Predicate] = ()) -> Source:
    """The candidates that `predicate`, of a rank before `SCAN`, gives. `others` must hold of them as well."""
    bind = predicates.bind
    match predicate:
        case Nothing():
            return _rows(predicates, "false")
        case Ids(ids):
            return _rows(predicates, f"c.self = any({predicates.selves(ids)})")
        case Tokens() | References():
            return _equal(predicates, predicate)
        case Strings():
            return _texts(predicates, predicate)
        case Dates(name):
            return _dates(
                predicates, predicate, [p for p in others if isinstance(p, Dates) and p.name == name]
            )
        case Updated(values):
            starts, ends = _bounds(values)
            low = max(starts[0], _FIRST if ends[0] == _FIRST else ends[0] - 1000)
            high = min(starts[1], _LAST if ends[1] == _LAST else ends[1] - 1000)
            condition = f"c.updated >= {bind('bigint', low)} and c.updated <= {bind('bigint', high)}"
            # Ascending: a resource that is updated meanwhile comes again at the end, and is never passed over.
            return _rows(predicates, condition, order=("c.updated",), descending=False, complete=False)
        case _:
            raise ValueError("No source of candidates")


def all_of(predicates: Predicates) -> Source:
    """Every resource of the type."""
    return _rows(predicates, "true")


def can_lead(sort: Sequence[Sort]) -> bool:
    """Whether there is an index in the order of the first sort key."""
    return bool(sort) and sort[0].kind in {"date", "string"}


def sorted_by(predicates: Predicates, sort: Sort) -> tuple[Source, Source, str]:
    """Those that have a value of the sort key, by its index; those that have none; and the name of the value.

    Of several values of a resource the one that comes first counts.
    """
    assert sort.name is not None
    seed, than = predicates.seed(sort.name), ">" if sort.descending else "<"
    columns = {"string": "value", "date": "high, low" if sort.descending else "low, high"}[sort.kind]
    table = f"entry_{sort.kind}"
    mine, own = (", ".join(f"{alias}.{column}" for column in columns.split(", ")) for alias in ("c", "e"))
    better = f"(select parameter, {columns} from {table} where pk = c.pk offset 0) e"
    best = f"not exists (select 1 from {better} where e.parameter = c.parameter and ({own}) {than} ({mine}) offset 0)"
    present = Source(f"{table} c", f"c.parameter = {seed} and {best}")
    return present, _rows(predicates, f"not {seed} = any(c.present)"), mine.split(", ")[0]


def _rows(
    predicates: Predicates,
    condition: str,
    *,
    order: tuple[str, ...] = (),
    descending: bool = True,
    complete: bool = True,
) -> Source:
    number = predicates.bind("smallint", TYPE_NUMBERS[predicates.type])
    return Source(
        "resource c",
        f"c.type = {number} and not c.deleted and {condition}",
        row=True,
        moment=True,
        order=order,
        descending=descending,
        complete=complete,
    )


def _equal(predicates: Predicates, predicate: Tokens | References) -> Source:
    """Rows of one key and space lie in the order of their moments."""
    pair = predicates.single(predicate)
    if pair is not None:
        condition = f"c.key = {pair[0]} and c.space = {pair[1]}"
        return Source("entry c", condition, moment=True, order=("c.moment",))
    lists = f"{predicates.pairs(predicate)} v"
    condition = "c.key = v.key and c.space = v.space"
    return Source("entry c", condition, moment=True, lists=lists, order=("c.moment",))


def _texts(predicates: Predicates, predicate: Strings) -> Source:
    seed, bind = predicates.seed(predicate.name), predicates.bind
    parts = []
    ranges = [value for value in predicate.values if value.mode != "contains"]
    if ranges:
        lows = bind("text[]", [start_of(value) for value in ranges])
        highs = bind("text[]", [end_of(value) for value in ranges])
        parts.append(
            f"select s.pk from unnest({lows}, {highs}) v(low, high) cross join lateral (select pk from entry_string"
            f" where parameter = {seed} and value >= v.low and value < v.high offset 0) s"
        )
    pieces = [value.text for value in predicate.values if value.mode == "contains"]
    if pieces:
        parts.append(
            f"select s.pk from entry_string s where s.parameter = {seed} and exists (select 1 from"
            f" unnest({bind('text[]', pieces)}) v(text) where position(v.text in s.value) > 0)"
        )
    exact = any(value.mode == "exact" for value in predicate.values)
    return Source(f"(select distinct s.pk from ({' union all '.join(parts)}) s) c", complete=not exact)


def _dates(predicates: Predicates, predicate: Dates, others: Sequence[Dates]) -> Source:
    """`others` are about the same parameter: `ge` and `lt`, say, which together are a short way of the index."""
    seed = predicates.seed(predicate.name)
    condition = f"c.parameter = {seed}"
    for one in (predicate, *others):
        condition += f" and {predicates.spans(one.values, 'c.low', 'c.high')}"
        for column, (low, high) in zip(("low", "high"), _bounds(one.values), strict=True):
            if low > _FIRST:
                condition += f" and c.{column} >= {predicates.bind('bigint', low)}"
            if high < _LAST:
                condition += f" and c.{column} <= {predicates.bind('bigint', high)}"
    rows = f"select c.pk from entry_date c where {condition}"
    if others:
        # Where there are several values, each condition may be met by another one.
        several = predicates.bind("bigint", predicates.several(predicate.name))
        rows += f" union all select c.pk from entry c where c.key = {several}"
    return Source(f"(select distinct c.pk from ({rows}) c) c", complete=not others)


def _bounds(values: Sequence[DateValue]) -> tuple[tuple[int, int], tuple[int, int]]:
    """Between which moments, both included, a span that agrees with one of `values` starts, and ends."""
    found = [_bounds_of(value) for value in values]
    start_low, start_high, end_low, end_high = zip(*found, strict=True)
    return (min(start_low), max(start_high)), (min(end_low), max(end_high))


def _bounds_of(value: DateValue) -> tuple[int, int, int, int]:
    low, high = value.low, value.high
    match value.prefix:
        case "eq":
            return low, high, low, high
        case "gt":
            return _FIRST, _LAST, high, _LAST
        case "ge":
            return _FIRST, _LAST, low, _LAST
        case "lt":
            return _FIRST, low, _FIRST, _LAST
        case "le":
            return _FIRST, high, _FIRST, _LAST
        case "sa":
            return high, _LAST, high, _LAST
        case "eb":
            return _FIRST, low, _FIRST, low
        case "ap":
            return _FIRST, high, low, _LAST
        case "ne":
            return _FIRST, _LAST, _FIRST, _LAST
