"""Predicates of a query as SQL conditions on a candidate.

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
    StringValue,
    Tokens,
    Updated,
)
from fhir_server.store import binary
from fhir_server.store.tables import SEVERAL_VALUES

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
        self.type = resource_type
        self._hasher = hasher

    def condition(self, predicate: Predicate, source: Source) -> str:
        """What must be true of a candidate of `source`."""
        match predicate:
            case Tokens(_, values):
                parts = []
                if any(v.code is not None for v in values):
                    parts.append(self._has_pair(predicate, source))
                systems = [
                    self._hasher.system(self._number(predicate.name), v.system or "")
                    for v in values
                    if v.code is None
                ]
                if systems:
                    parts.append(self._row(f"{{c}}.present && {self.bind('bigint[]', systems)}", source))
                return _any_of(parts)
            case References():
                return self._has_pair(predicate, source)
            case Strings(name, values):
                return self._has_text(predicate, name)
            case Dates(name, values):
                probe = self._own("entry_date", "parameter, low, high")
                return _exists(
                    f"{probe} d where d.parameter = {self.seed(name)} and {self.spans(values, 'd.low', 'd.high')}"
                )
            case Updated(values):
                return self._row(self.spans(values, "{c}.updated", "({c}.updated + 1000)"), source)
            case Ids(ids):
                return self._row(f"{{c}}.self = any({self.selves(ids)})", source)
            case Missing(name, missing):
                return self._row(f"{'not ' if missing else ''}{self.seed(name)} = any({{c}}.present)", source)
            case Not(inner):
                return f"not ({self.condition(inner, source)})"
            case Nothing():
                return "false"

    def _row(self, condition: str, source: Source) -> str:
        """A condition on the row of `resource`, which it calls {c}."""
        if source.row:
            return condition.format(c="c")
        return _exists(f"resource x where x.pk = c.pk and {condition.format(c='x')}")

    def _has_pair(self, predicate: Tokens | References, source: Source) -> str:
        moment = "c.moment" if source.moment else "(select moment from resource where pk = c.pk)"
        own = f"t.moment = {moment} and t.pk = c.pk"
        single = self.single(predicate)
        if single:
            return _exists(f"entry t where t.key = {single[0]} and t.space = {single[1]} and {own}")
        return _exists(
            f"{self.pairs(predicate)} v join entry t on t.key = v.key and t.space = v.space and {own}"
        )

    def _has_text(self, predicate: Strings, name: Name) -> str:
        parts = []
        ranges = [v for v in predicate.values if v.mode != "contains"]
        if ranges:
            lows = self.bind("text[]", [start_of(v) for v in ranges])
            highs = self.bind("text[]", [end_of(v) for v in ranges])
            # The index is folded. What was written stands in the body, as a whole JSON string.
            texts = self.bind(
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
                f"exists (select 1 from unnest({self.bind('text[]', pieces)}) v(text)"
                " where position(v.text in s.value) > 0)"
            )
        probe = self._own("entry_string", "parameter, value")
        return _exists(f"{probe} s where s.parameter = {self.seed(name)} and {_any_of(parts)}")

    def _own(self, table: str, columns: str) -> str:
        """The rows of the candidate in an index table, by pk: there are few."""
        return f"(select {columns} from {table} where pk = c.pk offset 0)"

    def spans(self, values: Sequence[DateValue], start: str, end: str) -> str:
        parts = []
        for prefix in dict.fromkeys(v.prefix for v in values):
            lows = self.bind("bigint[]", [v.low for v in values if v.prefix == prefix])
            highs = self.bind("bigint[]", [v.high for v in values if v.prefix == prefix])
            agrees = _AGREES[prefix].format(s=start, e=end)
            parts.append(f"exists (select 1 from unnest({lows}, {highs}) v(low, high) where {agrees})")
        return _any_of(parts)

    # Values ---------------------------------------------------------------------------------------------------------

    def single(self, predicate: Tokens | References) -> tuple[str, str] | None:
        """Key and space, if there is one pair and it is known."""
        known, open_keys = self._values(predicate)
        if len(known) != 1 or open_keys:
            return None
        ((key, space),) = known
        return self.bind("bigint", key), self.bind("bigint", space)

    def pairs(self, predicate: Tokens | References) -> str:
        """A relation of keys and spaces. A code of any system has the spaces that the index knows of."""
        known, open_keys = self._values(predicate)
        parts = []
        if known:
            keys = self.bind("bigint[]", [key for key, _ in known])
            spaces = self.bind("bigint[]", [space for _, space in known])
            parts.append(f"select * from unnest({keys}, {spaces}) p(key, space)")
        if open_keys:
            name = f"pairs{len(self.common)}"
            some = self.bind("bigint[]", open_keys)
            # A walk over the distinct spaces of a key: one probe for each.
            self.common.append(
                f"""{name}(key, space) as (
                select o.key, (select min(e.space) from entry e where e.key = o.key) from unnest({some}) o(key)
                union all
                select p.key, (select min(e.space) from entry e where e.key = p.key and e.space > p.space)
                from {name} p where p.space is not null)"""
            )
            parts.append(f"select key, space from {name} where space is not null")
        return f"({' union '.join(parts)} offset 0)"

    def _values(self, predicate: Tokens | References) -> tuple[list[tuple[int, int]], list[int]]:
        """Pairs of key and space, and keys of any space."""
        hasher, seed = self._hasher, self._number(predicate.name)
        if isinstance(predicate, References):
            keys = [hasher.reference(seed, hasher.self_of(key)) for key in predicate.keys]
            return [(key, 0) for key in keys + [hasher.code(seed, text) for text in predicate.others]], []
        coded = [(hasher.code(seed, v.code), v.system) for v in predicate.values if v.code is not None]
        known = [(key, hasher.space(system)) for key, system in coded if system is not None]
        return list(dict.fromkeys(known)), list({key for key, system in coded if system is None})

    def selves(self, ids: Sequence[str]) -> str:
        return self.bind("bigint[]", [self._hasher.self_of(Key(self.type, one)) for one in ids])

    def several(self, name: Name) -> int:
        """`key` of the entry that resources with several values of a date parameter have."""
        return self._hasher.reference(self._hasher.seed(*SEVERAL_VALUES), self._number(name))

    def _number(self, name: Name) -> int:
        return self._hasher.seed(name.type, name.code)

    def seed(self, name: Name) -> str:
        return self.bind("bigint", self._number(name))

    def bind(self, kind: Kind, value: object) -> str:
        return self.parameters.bind(kind, value)


def start_of(value: StringValue) -> str:
    """Where the texts that `value` asks for begin in the index."""
    return cut(value.text) if value.mode == "exact" else value.text[:STRING_LENGTH]


def end_of(value: StringValue) -> str:
    """Before which text they end."""
    return start_of(value) + (_AFTER_EQUAL if value.mode == "exact" else _AFTER_PREFIX)


def _exists(sql: str) -> str:
    return f"exists (select 1 from {sql} offset 0)"


def _any_of(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"({' or '.join(parts)})"
