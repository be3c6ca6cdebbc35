"""How values compare, as SQL: spans and numbers by prefix, texts by the range that they are in.

The conditions say what `agrees` of `search/spans.py` and `search/match.py` say. Beside each stands the stretch of an
index in which alone it can be true.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, Literal, TypeAlias

from fhir_server.search.entries import STRING_LENGTH
from fhir_server.search.folding import cut
from fhir_server.search.query import Dates, DateValue, Prefix, Quantities, QuantityValue, StringValue, Updated
from fhir_server.store.binding import Kind, Parts

# {s} to {e} is the resource's span, {low} to {high} the query's.
_SPANS: Final[dict[Prefix, str]] = {
    "eq": "({low} <= {s} and {e} <= {high})",
    "ne": "({s} < {low} or {high} < {e})",
    "gt": "{e} > {high}",
    "lt": "{s} < {low}",
    "ge": "({e} > {high} or {low} <= {s})",
    "le": "({s} < {low} or {e} <= {high})",
    "sa": "{s} >= {high}",
    "eb": "{e} <= {low}",
    "ap": "({s} < {high} and {low} < {e})",
}
# The number is between {s} and {e}, mostly both; the query has {value}, and [{low}, {high}) for equality.
_WITHIN: Final = "({low} <= {s} and ({e} < {high} or {low} = {high} and {e} = {high}))"
_NUMBERS: Final[dict[Prefix, str]] = {
    "eq": _WITHIN,
    "ne": f"not {_WITHIN}",
    "gt": "{e} > {value}",
    "ge": "{e} >= {value}",
    "lt": "{s} < {value}",
    "le": "{s} <= {value}",
    "sa": "{s} > {value}",
    "eb": "{e} < {value}",
    "ap": "({s} <= {high} and {low} <= {e})",
}
Side: TypeAlias = Literal["low", "high"]
Bound: TypeAlias = tuple[Side, Literal[">=", "<="]]

FIRST: Final = -(2**63)
LAST: Final = 2**63 - 1

# Where a row must be for a span to agree: from or up to which number (of a value) its start (low) or end (high) is.
_SPAN_BOUNDS: Final[dict[str, dict[Bound, Callable[[DateValue], int]]]] = {
    "eq": {
        ("low", ">="): lambda v: v.low,
        ("low", "<="): lambda v: v.high,
        ("high", ">="): lambda v: v.low,
        ("high", "<="): lambda v: v.high,
    },
    "gt": {("high", ">="): lambda v: v.high},
    "ge": {("high", ">="): lambda v: v.low},
    "lt": {("low", "<="): lambda v: v.low},
    "le": {("low", "<="): lambda v: v.high},
    "sa": {("low", ">="): lambda v: v.high, ("high", ">="): lambda v: v.high},
    "eb": {("low", "<="): lambda v: v.low, ("high", "<="): lambda v: v.low},
    "ap": {("low", "<="): lambda v: v.high, ("high", ">="): lambda v: v.low},
}
_NUMBER_BOUNDS: Final[dict[str, dict[Bound, Callable[[QuantityValue], float]]]] = {
    "eq": {
        ("low", ">="): lambda v: v.low,
        ("low", "<="): lambda v: v.high,
        ("high", ">="): lambda v: v.low,
        ("high", "<="): lambda v: v.high,
    },
    "gt": {("high", ">="): lambda v: v.value},
    "ge": {("high", ">="): lambda v: v.value},
    "lt": {("low", "<="): lambda v: v.value},
    "le": {("low", "<="): lambda v: v.value},
    "sa": {("low", ">="): lambda v: v.value, ("high", ">="): lambda v: v.value},
    "eb": {("low", "<="): lambda v: v.value, ("high", "<="): lambda v: v.value},
    "ap": {("low", "<="): lambda v: v.high, ("high", ">="): lambda v: v.low},
}

Bind: TypeAlias = Callable[[Kind, Callable[[Parts], Any]], str]
BindAll: TypeAlias = Callable[[Sequence[Kind], Callable[[Parts], Any]], list[str]]


def spans(bind: Bind, bind_all: BindAll, place: int, prefixes: Sequence[str], start: str, end: str) -> str:
    """That the span from `start` to `end` agrees with a value of the Dates or the Updated at `place`."""
    if len(prefixes) == 1:
        agrees = _SPANS[_prefix(prefixes[0])]
        ends = {
            name: bind("bigint", _field(place, name)) for name in ("low", "high") if f"{{{name}}}" in agrees
        }
        return agrees.format(s=start, e=end, **ends)

    def of(prefix: str) -> str:
        def take(parts: Parts) -> tuple[list[int], list[int]]:
            values = [value for value in parts[place].values if value.prefix == prefix]
            return [value.low for value in values], [value.high for value in values]

        lows, highs = bind_all(("bigint[]", "bigint[]"), take)
        agrees = _SPANS[_prefix(prefix)].format(s=start, e=end, low="v.low", high="v.high")
        return f"exists (select 1 from unnest({lows}, {highs}) v(low, high) where {agrees})"

    return any_of(of(prefix) for prefix in prefixes[:-1])


def numbers(
    bind: Bind, bind_all: BindAll, place: int, prefixes: Sequence[str], space: Callable[[str], int]
) -> str:
    """That a row, called {q}, agrees with a value of the Quantities at `place`. `space` numbers a unit."""
    if len(prefixes) == 1:
        prefix = _prefix(prefixes[0])
        unit = bind("bigint", lambda parts: space(parts[place].values[0].unit))
        names = [name for name in ("value", "low", "high") if f"{{{name}}}" in _NUMBERS[prefix]]
        values = {name: bind("float8", _field(place, name)) for name in names}
        return f"{{q}}.unit = {unit} and {_NUMBERS[prefix].format(s='{q}.low', e='{q}.high', **values)}"

    def of(prefix: str) -> str:
        def take(parts: Parts) -> tuple[list[Any], ...]:
            found = [v for v in parts[place].values if v.prefix == prefix]
            return (
                [space(v.unit) for v in found],
                [v.value for v in found],
                [v.low for v in found],
                [v.high for v in found],
            )

        arrays = bind_all(("bigint[]", "float8[]", "float8[]", "float8[]"), take)
        agrees = _NUMBERS[_prefix(prefix)].format(
            s="{q}.low", e="{q}.high", value="v.value", low="v.low", high="v.high"
        )
        return (
            f"exists (select 1 from unnest({', '.join(arrays)}) v(unit, value, low, high)"
            f" where {{q}}.unit = v.unit and {agrees})"
        )

    return any_of(of(prefix) for prefix in prefixes[:-1])


def _field(place: int, name: str) -> Callable[[Parts], Any]:
    return lambda parts: getattr(parts[place].values[0], name)


def span_bounds(prefixes: Sequence[str]) -> dict[Bound, Callable[[Dates | Updated], int]]:
    """For each side of a row that is bounded under all the prefixes: up to where."""
    return {
        bound: _outermost(bound, {prefix: _SPAN_BOUNDS[prefix][bound] for prefix in _real(prefixes)})
        for bound in _common(_SPAN_BOUNDS.get(prefix, {}) for prefix in _real(prefixes))
    }


def number_bounds(prefixes: Sequence[str]) -> dict[Bound, Callable[[Quantities], float]]:
    """The same for quantities."""
    return {
        bound: _outermost(bound, {prefix: _NUMBER_BOUNDS[prefix][bound] for prefix in _real(prefixes)})
        for bound in _common(_NUMBER_BOUNDS.get(prefix, {}) for prefix in _real(prefixes))
    }


def _outermost(bound: Bound, of: dict[str, Callable[[Any], Any]]) -> Callable[[Any], Any]:
    choose = min if bound[1] == ">=" else max
    return lambda predicate: choose([of[value.prefix](value) for value in predicate.values])


def _common(each: Iterable[dict[Bound, Any]]) -> list[Bound]:
    first, *others = map(list, each)
    return [bound for bound in first if all(bound in other for other in others)]


def _real(prefixes: Sequence[str]) -> Sequence[str]:
    return [prefix for prefix in prefixes if prefix != "several"]


def _prefix(text: str) -> Prefix:
    for prefix in _SPANS:
        if prefix == text:
            return prefix
    raise ValueError(text)


# Texts --------------------------------------------------------------------------------------------------------------

_AFTER_PREFIX: Final = "\U0010ffff"  # sorts behind everything that may follow in a folded text
_AFTER_EQUAL: Final = "\x01"  # sorts before everything that may
RANGES: Final = frozenset({"starts", "exact", "is"})  # modes that are a stretch of the index


def start_of(value: StringValue) -> str:
    """Where the texts that `value` asks for begin in the index."""
    return cut(value.text) if value.mode == "exact" else value.text[:STRING_LENGTH]


def end_of(value: StringValue) -> str:
    """Before which text they end."""
    return start_of(value) + (_AFTER_PREFIX if value.mode == "starts" else _AFTER_EQUAL)


def term_start(value: StringValue) -> str:
    """Where the terms that `value` asks for begin in the dictionary, which holds them whole."""
    return value.text


def term_end(value: StringValue) -> str:
    return value.text + (_AFTER_PREFIX if value.mode == "starts" else _AFTER_EQUAL)


def any_of(parts: Iterable[str]) -> str:
    found = list(parts)
    return found[0] if len(found) == 1 else f"({' or '.join(found)})"
