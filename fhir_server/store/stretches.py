"""Candidates from the ordered tables: stretches of an index of texts, spans or numbers.

A stretch is given in one of two ways. As a set: each resource once, however many of its rows are in the stretch. Or,
for one value, in the order of the index from the value on, so that a page ends the work; a row then counts only if its
resource has none that comes sooner.

Nearly all spans are short and nearly all numbers are points. So where a row must end at or behind some place, the
stretch begins a little before it, and the few wide rows have indexes of their own (migration 0005).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import pi
from typing import Any, Final, TypeAlias

from fhir_server.search.match import EARTH_METRES
from fhir_server.search.query import Dates, Near, Quantities, Strings
from fhir_server.store.binding import Kind, Parts
from fhir_server.store.comparisons import (
    FIRST,
    LAST,
    RANGES,
    Bound,
    end_of,
    number_bounds,
    span_bounds,
    spans,
    start_of,
)
from fhir_server.store.nodes import Leaf, Node
from fhir_server.store.numbers import SHORT_SPAN
from fhir_server.store.predicates import Candidate, Predicates, Source
from fhir_server.store.shapes import modes_of, prefixes_of
from fhir_server.store.texts import exists, stretches
from fhir_server.store.trigrams import has_trigrams

# By which columns, and which way, rows are gone through so that those nearest to the value come first.
_DATE_ORDERS: Final[dict[str, tuple[str, bool]]] = {
    **dict.fromkeys(("eq", "sa"), ("low, high", False)),
    **dict.fromkeys(("gt", "ge"), ("high, low", False)),
    **dict.fromkeys(("lt", "le"), ("low, high", True)),
    "eb": ("high, low", True),
}
_NUMBER_ORDERS: Final[dict[str, tuple[str, bool]]] = {
    **dict.fromkeys(("eq", "sa", "gt", "ge"), ("low, high", False)),
    **dict.fromkeys(("lt", "le", "eb"), ("low, high", True)),
}


def stretch_of(predicates: Predicates, leaf: Leaf, others: Sequence[Node], *, ordered: bool) -> Source:
    """Of a leaf of texts, spans, numbers or positions. `others`: what is asked of its candidates as well."""
    place, ordered = leaf.place, ordered and has_order(leaf)
    match leaf.predicate:
        case Strings() as strings:
            return (
                _ordered_texts(predicates, strings, place) if ordered else _texts(predicates, strings, place)
            )
        case Near() as near:
            return _around(predicates, near, place)
        case Quantities() as quantities:
            if ordered:
                return _ordered_numbers(predicates, quantities, place)
            return _numbers(predicates, quantities, place)
        case Dates(name) as dates:
            same = [
                one
                for one in others
                if isinstance(one, Leaf) and isinstance(one.predicate, Dates) and one.predicate.name == name
            ]
            if ordered and not same:
                return _ordered_dates(predicates, dates, place)
            return _dates(predicates, leaf, same)
        case other:
            raise ValueError(f"No source of candidates: {type(other).__name__}")


def has_order(leaf: Leaf) -> bool:
    """Whether the stretch of a leaf can be gone through from its value on."""
    match leaf.predicate:
        case Strings() as strings:
            return len(modes := modes_of(strings)) == 1 and modes[0] in RANGES
        case Dates() as dates:
            return len(prefixes := prefixes_of(dates)) == 1 and prefixes[0] in _DATE_ORDERS
        case Quantities() as quantities:
            return len(prefixes := prefixes_of(quantities)) == 1 and prefixes[0] in _NUMBER_ORDERS
        case _:
            return False


def _set(rows: str, settles: tuple[Node, ...] = ()) -> Source:
    """`rows`: a select of pks, perhaps repeated. `offset 0`: that each comes once later is nothing to plan it by."""
    return Source(f"(select distinct c.pk from ({rows} offset 0) c) c", rows=rows, settles=settles)


def bounds_of(
    predicates: Predicates,
    place: int,
    bounds: Mapping[Bound, Callable[[Any], Any]],
    kind: Kind,
    moved: int = 0,
) -> list[str]:
    """The conditions on the row `c`; the bounds, of bigints, `moved` by so much."""

    def bound(limit: Callable[[Any], Any]) -> str:
        if moved:
            return predicates.bind_taken(
                kind, lambda parts: min(LAST, max(FIRST, limit(parts[place]) + moved))
            )
        return predicates.bind_taken(kind, lambda parts: limit(parts[place]))

    return [f"c.{side} {sign} {bound(limit)}" for (side, sign), limit in bounds.items()]


def _sooner(table: str, columns: str, agrees: str, than: str) -> str:
    """That the resource of `c` has another row that agrees as well, and comes before."""
    mine, own = (", ".join(f"{alias}.{column}" for column in columns.split(", ")) for alias in ("c", "e"))
    return exists(
        f"(select * from {table} where pk = c.pk offset 0) e"
        f" where e.parameter = c.parameter and {agrees} and ({own}) {than} ({mine})"
    )


def _order(columns: str, kind: Kind) -> tuple[tuple[str, Kind], ...]:
    return tuple((f"c.{column}", kind) for column in columns.split(", "))


def apart(table: str, condition: str) -> str:
    """Rows that are found first and put in order later: the index to find them by is not to be chosen by the order."""
    return f"(select c.* from {table} c where {condition} offset 0)"


# Texts --------------------------------------------------------------------------------------------------------------


def _texts(predicates: Predicates, strings: Strings, place: int) -> Source:
    seed, modes = predicates.seed(strings.name), modes_of(strings)
    if len(modes) > 1 and RANGES.issuperset(modes[:-1]) and "exact" not in modes:
        ranges = predicates.bind_all(("text[]", "text[]"), stretches(place, start_of, end_of))
        return _set(
            f"select s.pk from unnest({', '.join(ranges)}) v(low, high) cross join lateral (select pk from entry_string"
            f" where parameter = {seed} and value >= v.low and value < v.high offset 0) s"
        )
    if has_trigrams(strings):
        return _set(predicates.inside(strings, place))
    agrees = predicates.text(strings, place).format(s="c", c="c")
    return _set(f"select c.pk from entry_string c where c.parameter = {seed} and {agrees}")


def _ordered_texts(predicates: Predicates, strings: Strings, place: int) -> Source:
    agrees = predicates.text(strings, place)
    condition = f"c.parameter = {predicates.seed(strings.name)} and {agrees.format(s='c', c='c')}"
    once = ""
    if modes_of(strings) == ("starts",):  # else a resource has one such row at most
        once = f"not {_sooner('entry_string', 'value', agrees.format(s='e', c='c'), '<')}"
    return Source("entry_string c", condition, order=(("c.value", "text"),), descending=False, once=once)


# Spans --------------------------------------------------------------------------------------------------------------


def _ordered_dates(predicates: Predicates, dates: Dates, place: int) -> Source:
    prefixes = prefixes_of(dates)
    columns, descending = _DATE_ORDERS[prefixes[0]]

    def agrees(row: str) -> str:
        return spans(predicates.bind_taken, predicates.bind_all, place, prefixes, f"{row}.low", f"{row}.high")

    conditions = [f"c.parameter = {predicates.seed(dates.name)}", agrees("c")]
    conditions += bounds_of(predicates, place, span_bounds(prefixes), "bigint")
    once = f"not {_sooner('entry_date', columns, agrees('e'), '>' if descending else '<')}"
    order = _order(columns, "bigint")
    return Source("entry_date c", " and ".join(conditions), order=order, descending=descending, once=once)


_Placed: TypeAlias = tuple[int, Mapping[Bound, Callable[[Any], Any]]]


def _dates(predicates: Predicates, leaf: Leaf, others: Sequence[Leaf]) -> Source:
    """`others` are about the same parameter: `ge` and `lt`, say, which together are a short stretch."""
    dates = leaf.predicate
    assert isinstance(dates, Dates)
    seed = predicates.seed(dates.name)
    if not others and prefixes_of(dates) == ("eq", "several"):
        place = leaf.place
        low, high = predicates.bind_all(
            ("bigint[]", "bigint[]"),
            lambda parts: ([v.low for v in parts[place].values], [v.high for v in parts[place].values]),
        )
        return _set(
            f"select d.pk from unnest({low}, {high}) v(low, high) cross join lateral (select pk from entry_date where"
            f" parameter = {seed} and low >= v.low and low <= v.high and high <= v.high offset 0) d"
        )
    within: list[str] = [f"c.parameter = {seed}"]
    low_bounds: list[_Placed] = []
    high_bounds: list[_Placed] = []
    kinds: set[Bound] = set()
    for one in (leaf, *others):
        assert isinstance(one.predicate, Dates)
        prefixes = prefixes_of(one.predicate)
        within.append(
            spans(predicates.bind_taken, predicates.bind_all, one.place, prefixes, "c.low", "c.high")
        )
        bounds = span_bounds(prefixes)
        kinds |= set(bounds)
        low_bounds.append((one.place, {bound: limit for bound, limit in bounds.items() if bound[0] == "low"}))
        high_bounds.append(
            (one.place, {bound: limit for bound, limit in bounds.items() if bound[0] == "high"})
        )

    def written(each: Sequence[_Placed], moved: int = 0) -> list[str]:
        return [
            text for place, bounds in each for text in bounds_of(predicates, place, bounds, "bigint", moved)
        ]

    if {("low", "<="), ("high", ">=")} <= kinds and ("low", ">=") not in kinds:
        begun: list[_Placed] = [
            (place, {("low", sign): limit for (_, sign), limit in bounds.items() if sign == ">="})
            for place, bounds in high_bounds
        ]
        short = [*within, *written(low_bounds), *written(begun, -SHORT_SPAN)]
        wide = [*within, *written(low_bounds), *written(high_bounds), f"c.low < c.high - {SHORT_SPAN}"]
        rows = " union all ".join(
            f"select c.pk from entry_date c where {' and '.join(conditions)}" for conditions in (short, wide)
        )
    else:
        conditions = [*within, *written(low_bounds), *written(high_bounds)]
        rows = f"select c.pk from entry_date c where {' and '.join(conditions)}"
    if others:
        # Where there are several values, each condition may be met by another one.
        several = predicates.bind("bigint", predicates.several(dates.name))
        about = Candidate((), moment=True)
        each = " and ".join(predicates.condition(one, about) for one in (leaf, *others))
        rows += f" union all select c.pk from entry c where c.key = {several} and c.space = 0 and {each}"
    return _set(rows, settles=tuple(others))


# Numbers and positions ------------------------------------------------------------------------------------------------


def _ordered_numbers(predicates: Predicates, quantities: Quantities, place: int) -> Source:
    columns, descending = _NUMBER_ORDERS[prefixes_of(quantities)[0]]
    agrees = predicates.numbers(quantities, place).format(q="e")
    once = f"not {_sooner('entry_quantity', columns, agrees, '>' if descending else '<')}"
    straight, *wide = _number_stretches(predicates, quantities, place)
    also = Source(f"{apart('entry_quantity', wide[0])} c", once=once) if wide else None
    order = _order(columns, "float8")
    return Source("entry_quantity c", straight, order=order, descending=descending, once=once, also=also)


def _numbers(predicates: Predicates, quantities: Quantities, place: int) -> Source:
    if prefixes_of(quantities) != ("eq", "several"):
        stretches = _number_stretches(predicates, quantities, place)
        return _set(" union all ".join(f"select c.pk from entry_quantity c where {one}" for one in stretches))
    space, seed = predicates.hasher.space, predicates.seed(quantities.name)
    agrees = predicates.numbers(quantities, place).format(q="c")

    def take(parts: Parts) -> tuple[list[Any], ...]:
        values = parts[place].values
        return [space(v.unit) for v in values], [v.low for v in values], [v.high for v in values]

    arrays = predicates.bind_all(("bigint[]", "float8[]", "float8[]"), take)
    return _set(
        f"select c.pk from unnest({', '.join(arrays)}) v(unit, low, high) cross join lateral (select c.pk"
        f" from entry_quantity c where c.parameter = {seed} and c.unit = v.unit and c.low >= v.low"
        f" and c.low <= v.high and {agrees} offset 0) c"
    )


def _number_stretches(predicates: Predicates, quantities: Quantities, place: int) -> list[str]:
    """Conditions on the row `c`: one, or two that exclude each other."""
    prefixes, space = prefixes_of(quantities), predicates.hasher.space
    within = f"c.parameter = {predicates.seed(quantities.name)}"
    within += f" and {predicates.numbers(quantities, place).format(q='c')}"
    if len(prefixes) > 1:
        units = predicates.bind_taken(
            "bigint[]", lambda parts: list({space(v.unit) for v in parts[place].values})
        )
        within += f" and c.unit = any({units})"
    bounds = number_bounds(prefixes)
    low_bounds: dict[Bound, Callable[[Quantities], float]] = {
        bound: limit for bound, limit in bounds.items() if bound[0] == "low"
    }
    within = " and ".join([within, *bounds_of(predicates, place, low_bounds, "float8")])
    if ("low", ">=") in bounds or ("high", ">=") not in bounds:
        return [within]
    limit = bounds["high", ">="]
    least = predicates.bind_taken("float8", lambda parts: limit(parts[place]))
    return [
        f"{within} and c.low >= {least}",
        f"{within} and c.low < {least} and c.high >= {least} and c.low < c.high",
    ]


def _around(predicates: Predicates, near: Near, place: int) -> Source:
    """Within a band of latitudes."""
    south = predicates.bind_taken(
        "float8", lambda parts: parts[place].latitude - _degrees(parts[place].metres)
    )
    north = predicates.bind_taken(
        "float8", lambda parts: parts[place].latitude + _degrees(parts[place].metres)
    )
    return _set(
        f"select q.pk from entry_quantity q where q.parameter = {predicates.seed(near.name)} and q.unit = 0"
        f" and q.low >= {south} and q.low <= {north} and {predicates.is_near(place)}"
    )


def _degrees(metres: float) -> float:
    """Of latitude; a little more than it is, for what rounding may take away."""
    return metres / EARTH_METRES * (180 / pi) * 1.000001 + 1e-9
