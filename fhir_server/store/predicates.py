"""Predicates of a query as SQL, in two forms: a condition on a candidate, and a source of candidates.

A candidate has the alias `c`: a row of `resource`, or a row with its `pk` and perhaps its `moment`. A condition is an
`exists`, one index probe for each candidate; `offset 0` keeps the planner from making a join of its own choice out of
it. Values are parameters and alternatives are arrays, so that there are few texts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

import orjson

from fhir_server.kernel.keys import Key
from fhir_server.search.entries import STRING_LENGTH, Hasher
from fhir_server.search.folding import cut
from fhir_server.search.query import (
    Dates,
    DateValue,
    Ids,
    Missing,
    Name,
    Not,
    Nothing,
    Predicate,
    Prefix,
    References,
    Strings,
    Tokens,
    Updated,
)
from fhir_server.store import binary
from fhir_server.store.tables import TYPE_NUMBERS

Kind: TypeAlias = Literal["smallint", "bigint", "text", "float8", "bigint[]", "text[]", "bytea[]"]

_PACK: Final[dict[Kind, tuple[Callable[[Any], bytes], int]]] = {
    "smallint": (binary.pack_int2, binary.INT2),
    "bigint": (binary.pack_int8, binary.INT8),
    "text": (binary.pack_text, binary.TEXT),
    "float8": (binary.pack_float8, binary.FLOAT8),
    "bigint[]": (binary.pack_int8s, binary.INT8_ARRAY),
    "text[]": (binary.pack_texts, binary.TEXT_ARRAY),
    "bytea[]": (binary.pack_byteas, binary.BYTEA_ARRAY),
}

# How `agrees` of `search/spans.py` reads in SQL: {s} to {e} is the resource's span, `v` has the query's.
_AGREES: Final[dict[Prefix, str]] = {
    "eq": "v.low <= {s} and {e} <= v.high",
    "ne": "({s} < v.low or v.high < {e})",
    "gt": "{e} > v.high",
    "lt": "{s} < v.low",
    "ge": "({e} > v.high or v.low <= {s})",
    "le": "({s} < v.low or {e} <= v.high)",
    "sa": "{s} >= v.high",
    "eb": "{e} <= v.low",
    "ap": "{s} < v.high and v.low < {e}",
}
_FIRST: Final = -(2**63)
_LAST: Final = 2**63 - 1
_AFTER_PREFIX: Final = "\U0010ffff"  # sorts behind everything that may follow in a folded text
_AFTER_EQUAL: Final = "\x01"  # sorts before everything that may


class Parameters:
    """The parameters of a statement, numbered as they come."""

    def __init__(self) -> None:
        self.values: list[bytes | None] = []
        self.oids: list[int] = []

    def bind(self, kind: Kind, value: object) -> str:
        """The SQL that stands for `value`; None is null."""
        pack, oid = _PACK[kind]
        self.values.append(None if value is None else pack(value))
        self.oids.append(oid)
        return f"${len(self.oids)}::{kind}"


@dataclass(frozen=True, slots=True)
class Source:
    """Where candidates come from, and what is known of them."""

    sql: str  # follows `from`; gives `c`
    condition: str = "true"
    row: bool = False  # `c` is a row of `resource`
    moment: bool = False  # `c` has the moment
    lists: str = (
        ""  # follows `from`; gives `v`, for each of which `sql` is a list. A candidate may be in several
    )
    order: tuple[str, ...] = ()  # the columns that an index scan comes in the order of, before pk
    descending: bool = True
    complete: bool = True  # its candidates need not be asked about the same predicate again


class Predicates:
    """Writes predicates of queries on one resource type into one statement."""

    def __init__(self, resource_type: str, hasher: Hasher) -> None:
        self.parameters = Parameters()
        self.common: list[str] = []  # common table expressions, which come first
        self._type = resource_type
        self._hasher = hasher
        self._source = Source("")
        self._spaces: dict[Tokens, str] = {}

    # Sources --------------------------------------------------------------------------------------------------------

    def source(self, where: Sequence[Predicate]) -> tuple[Source, list[Predicate]]:
        """Candidates from the most selective predicate, as far as its kind tells, and the predicates that remain."""
        best = min(where, key=rank, default=None)
        found = self._all() if best is None else self._source_of(best)
        rest = [p for p in where if p is not best or not found.complete]
        self._source = found
        return found, rest

    def _source_of(self, predicate: Predicate) -> Source:
        match predicate:
            case Ids(ids):
                return self._rows(f"c.self = any({self._selves(ids)})")
            case Tokens() if rank(predicate) < _SCAN:
                return self._equal(self._pairs(predicate), self._single(predicate))
            case References():
                return self._equal(self._pairs(predicate), self._single(predicate))
            case Strings(name):
                return self._texts(predicate, name)
            case Dates(name, values) if rank(predicate) < _SCAN:
                low, high = _bounds(values, 0)
                seed = self.seed(name)
                condition = f"c.parameter = {seed} and c.low >= {self._bind('bigint', low)}"
                condition += (
                    f" and c.low <= {self._bind('bigint', high)} and {self._spans(values, 'c.low', 'c.high')}"
                )
                return Source(f"(select distinct c.pk from entry_date c where {condition}) c")
            case Updated(values):
                low, high = _bounds(values, 1000)
                condition = (
                    f"c.updated >= {self._bind('bigint', low)} and c.updated <= {self._bind('bigint', high)}"
                )
                # Ascending: a resource that is updated meanwhile comes again at the end, and is never passed over.
                return self._rows(condition, order=("c.updated",), descending=False, complete=False)
            case _:
                return self._all(complete=False)

    def _all(self, *, complete: bool = True) -> Source:
        return self._rows("true", complete=complete)

    def _rows(
        self, condition: str, *, order: tuple[str, ...] = (), descending: bool = True, complete: bool = True
    ) -> Source:
        number = self._bind("smallint", TYPE_NUMBERS[self._type])
        return Source(
            "resource c",
            f"c.type = {number} and not c.deleted and {condition}",
            row=True,
            moment=True,
            order=order,
            descending=descending,
            complete=complete,
        )

    def _equal(self, pairs: str, single: tuple[str, str] | None) -> Source:
        if single:
            return Source(
                "entry c", f"c.key = {single[0]} and c.space = {single[1]}", moment=True, order=("c.moment",)
            )
        return Source(
            "entry c",
            "c.key = v.key and c.space = v.space",
            moment=True,
            lists=f"{pairs} v",
            order=("c.moment",),
        )

    def _texts(self, predicate: Strings, name: Name) -> Source:
        seed = self.seed(name)
        parts = []
        ranges = [
            (_start(v.text, v.mode), _end(v.text, v.mode)) for v in predicate.values if v.mode != "contains"
        ]
        if ranges:
            lows, highs = (self._bind("text[]", list(side)) for side in zip(*ranges, strict=True))
            parts.append(
                f"select s.pk from unnest({lows}, {highs}) v(low, high) cross join lateral (select pk from entry_string"
                f" where parameter = {seed} and value >= v.low and value < v.high offset 0) s"
            )
        pieces = [v.text for v in predicate.values if v.mode == "contains"]
        if pieces:
            parts.append(
                f"select s.pk from entry_string s where s.parameter = {seed} and exists (select 1 from"
                f" unnest({self._bind('text[]', pieces)}) v(text) where position(v.text in s.value) > 0)"
            )
        exact = any(v.mode == "exact" for v in predicate.values)
        return Source(
            f"({' union '.join(parts)}) c"
            if len(parts) > 1
            else f"(select distinct * from ({parts[0]}) c) c",
            complete=not exact,
        )

    # Conditions -----------------------------------------------------------------------------------------------------

    def condition(self, predicate: Predicate) -> str:
        """What must be true of a candidate of the source."""
        match predicate:
            case Tokens(_, values):
                parts = []
                if any(v.code is not None for v in values):
                    parts.append(self._has_pair(predicate))
                systems = [
                    self._hasher.system(self._number(predicate.name), v.system or "")
                    for v in values
                    if v.code is None
                ]
                if systems:
                    parts.append(self._row(f"{{c}}.present && {self._bind('bigint[]', systems)}"))
                return _any_of(parts)
            case References():
                return self._has_pair(predicate)
            case Strings(name, values):
                return self._has_text(predicate, name)
            case Dates(name, values):
                probe = self._own("entry_date", "parameter, low, high")
                return _exists(
                    f"{probe} d where d.parameter = {self.seed(name)} and {self._spans(values, 'd.low', 'd.high')}"
                )
            case Updated(values):
                return self._row(self._spans(values, "{c}.updated", "({c}.updated + 1000)"))
            case Ids(ids):
                return self._row(f"{{c}}.self = any({self._selves(ids)})")
            case Missing(name, missing):
                return self._row(f"{'not ' if missing else ''}{self.seed(name)} = any({{c}}.present)")
            case Not(inner):
                return f"not ({self.condition(inner)})"
            case Nothing():
                return "false"

    def _row(self, condition: str) -> str:
        """A condition on the row of `resource`, which it calls {c}."""
        if self._source.row:
            return condition.format(c="c")
        return _exists(f"resource x where x.pk = c.pk and {condition.format(c='x')}")

    def moment(self) -> str:
        return "c.moment" if self._source.moment else "(select moment from resource where pk = c.pk)"

    def _has_pair(self, predicate: Tokens | References) -> str:
        own = f"t.moment = {self.moment()} and t.pk = c.pk"
        single = self._single(predicate)
        if single:
            return _exists(f"entry t where t.key = {single[0]} and t.space = {single[1]} and {own}")
        return _exists(
            f"{self._pairs(predicate)} v join entry t on t.key = v.key and t.space = v.space and {own}"
        )

    def _has_text(self, predicate: Strings, name: Name) -> str:
        parts = []
        ranges = [v for v in predicate.values if v.mode != "contains"]
        if ranges:
            lows = self._bind("text[]", [_start(v.text, v.mode) for v in ranges])
            highs = self._bind("text[]", [_end(v.text, v.mode) for v in ranges])
            # The index is folded. What was written stands in the body, as a whole JSON string.
            texts = self._bind(
                "bytea[]", [orjson.dumps(v.text) if v.mode == "exact" else None for v in ranges]
            )
            written = _exists("resource x where x.pk = c.pk and position(v.text in x.body) > 0")
            parts.append(
                f"exists (select 1 from unnest({lows}, {highs}, {texts}) v(low, high, text)"
                f" where s.value >= v.low and s.value < v.high and (v.text is null or {written}))"
            )
        pieces = [v.text for v in predicate.values if v.mode == "contains"]
        if pieces:
            parts.append(
                f"exists (select 1 from unnest({self._bind('text[]', pieces)}) v(text)"
                " where position(v.text in s.value) > 0)"
            )
        probe = self._own("entry_string", "parameter, value")
        return _exists(f"{probe} s where s.parameter = {self.seed(name)} and {_any_of(parts)}")

    def _own(self, table: str, columns: str) -> str:
        """The rows of the candidate in an index table, by pk: there are few."""
        return f"(select {columns} from {table} where pk = c.pk offset 0)"

    def _spans(self, values: Sequence[DateValue], start: str, end: str) -> str:
        parts = []
        for prefix in dict.fromkeys(v.prefix for v in values):
            lows = self._bind("bigint[]", [v.low for v in values if v.prefix == prefix])
            highs = self._bind("bigint[]", [v.high for v in values if v.prefix == prefix])
            agrees = _AGREES[prefix].format(s=start, e=end)
            parts.append(f"exists (select 1 from unnest({lows}, {highs}) v(low, high) where {agrees})")
        return _any_of(parts)

    # Values ---------------------------------------------------------------------------------------------------------

    def _single(self, predicate: Tokens | References) -> tuple[str, str] | None:
        """Key and space, if there is one pair and it is known."""
        known, open_keys = self._values(predicate)
        if len(known) != 1 or open_keys:
            return None
        ((key, space),) = known
        return self._bind("bigint", key), self._bind("bigint", space)

    def _pairs(self, predicate: Tokens | References) -> str:
        """A relation of keys and spaces. A code of any system has the spaces that the index knows of."""
        known, open_keys = self._values(predicate)
        keys = self._bind("bigint[]", [key for key, _ in known])
        spaces = self._bind("bigint[]", [space for _, space in known])
        pairs = f"unnest({keys}, {spaces})"
        if not open_keys:
            return f"(select * from {pairs} p(key, space) offset 0)"
        name = f"pairs{len(self.common)}"
        some = self._bind("bigint[]", open_keys)
        # A walk over the distinct spaces of a key: one probe for each.
        self.common.append(
            f"""{name}(key, space) as (
            select p.key, p.space from unnest({some}) o(key) cross join lateral (
                select o.key, (select min(e.space) from entry e where e.key = o.key) as space) p
            union all
            select {name}.key, (select min(e.space) from entry e where e.key = {name}.key and e.space > {name}.space)
            from {name} where {name}.space is not null)"""
        )
        walked = f"select key, space from {name} where space is not null"
        return (
            f"({walked} union select * from {pairs} p(key, space) offset 0)"
            if known
            else f"({walked} offset 0)"
        )

    def _values(self, predicate: Tokens | References) -> tuple[list[tuple[int, int]], list[int]]:
        """Pairs of key and space, and keys of any space."""
        hasher, seed = self._hasher, self._number(predicate.name)
        if isinstance(predicate, References):
            keys = [hasher.reference(seed, hasher.self_of(key)) for key in predicate.keys]
            return [(key, 0) for key in keys + [hasher.code(seed, text) for text in predicate.others]], []
        coded = [(hasher.code(seed, v.code), v.system) for v in predicate.values if v.code is not None]
        known = [(key, hasher.space(system)) for key, system in coded if system is not None]
        return list(dict.fromkeys(known)), list({key for key, system in coded if system is None})

    def _selves(self, ids: Sequence[str]) -> str:
        return self._bind("bigint[]", [self._hasher.self_of(Key(self._type, one)) for one in ids])

    def _number(self, name: Name) -> int:
        return self._hasher.seed(name.type, name.code)

    def seed(self, name: Name) -> str:
        return self._bind("bigint", self._number(name))

    def _bind(self, kind: Kind, value: object) -> str:
        return self.parameters.bind(kind, value)


_SCAN: Final = 90  # predicates ranked from here on are conditions on all resources of the type


def rank(predicate: Predicate) -> int:
    """How few candidates a predicate is expected to give: the fewer, the lower."""
    match predicate:
        case Nothing():
            return 0
        case Ids():
            return 1
        case Tokens(name, values):
            if any(v.code is None for v in values):
                return _SCAN
            return 2 if name.code == "identifier" else 4
        case References():
            return 3
        case Strings(_, values):
            return 7 if any(v.mode == "contains" for v in values) else 5
        case Dates(_, values):
            # What is open towards the past says nothing about where in the index it begins.
            return _SCAN if any(v.prefix in {"gt", "ge", "ne"} for v in values) else 6
        case Updated():
            return 8
        case _:
            return _SCAN


def _start(text: str, mode: str) -> str:
    return cut(text) if mode == "exact" else text[:STRING_LENGTH]


def _end(text: str, mode: str) -> str:
    return _start(text, mode) + (_AFTER_EQUAL if mode == "exact" else _AFTER_PREFIX)


def _bounds(values: Sequence[DateValue], width: int) -> tuple[int, int]:
    """Between which moments, both included, the start of a span lies that agrees with one of `values`.

    `width`: of the spans if they are all alike, else 0.
    """
    lows, highs = [], []
    for value in values:
        match value.prefix:
            case "eq":
                low, high = value.low, value.high
            case "gt" if width:
                low, high = value.high - width, _LAST
            case "ge" if width:
                low, high = min(value.low, value.high - width), _LAST
            case "lt" | "eb":
                low, high = _FIRST, value.low
            case "le":
                low, high = _FIRST, max(value.low, value.high)
            case "sa":
                low, high = value.high, _LAST
            case "ap" if width:
                low, high = value.low - width, value.high
            case "ap":
                low, high = _FIRST, value.high
            case _:
                low, high = _FIRST, _LAST
        lows.append(low)
        highs.append(high)
    return max(min(lows), _FIRST), max(highs)


def _exists(sql: str) -> str:
    return f"exists (select 1 from {sql} offset 0)"


def _any_of(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"({' or '.join(parts)})"
