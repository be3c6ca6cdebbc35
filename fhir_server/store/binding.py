"""The parameters of a composed statement: those that all queries of its shape share, and those taken from each query.

Composing a text costs more than running it. So it is composed once for each shape of query, with a note for every
parameter of where its value comes from, and filled in for every query after that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Literal, TypeAlias

from fhir_server.kernel.values import immutable
from fhir_server.store import binary
from fhir_server.store.pipeline import Statement

Kind: TypeAlias = Literal[
    "smallint",
    "bigint",
    "text",
    "float8",
    "bytea",
    "smallint[]",
    "bigint[]",
    "text[]",
    "float8[]",
    "bytea[]",
]
Pack: TypeAlias = Callable[[Any], bytes]
Parts: TypeAlias = Sequence[Any]
"""What a query holds beside its shape: see `shapes.py`."""
Take: TypeAlias = Callable[[Parts], Any]

PACKS: Final[Mapping[Kind, tuple[Pack, int]]] = {
    "smallint": (binary.pack_int2, binary.INT2),
    "bigint": (binary.pack_int8, binary.INT8),
    "text": (binary.pack_text, binary.TEXT),
    "float8": (binary.pack_float8, binary.FLOAT8),
    "bytea": (bytes, binary.BYTEA),
    "smallint[]": (binary.pack_int2s, binary.INT2_ARRAY),
    "bigint[]": (binary.pack_int8s, binary.INT8_ARRAY),
    "text[]": (binary.pack_texts, binary.TEXT_ARRAY),
    "float8[]": (binary.pack_float8s, binary.FLOAT8_ARRAY),
    "bytea[]": (binary.pack_byteas, binary.BYTEA_ARRAY),
}
"""What packs a value of a kind, and its type."""
ARRAYS: Final[Mapping[Kind, Kind]] = {
    "smallint": "smallint[]",
    "bigint": "bigint[]",
    "text": "text[]",
    "float8": "float8[]",
    "bytea": "bytea[]",
}


class Parameters:
    """The parameters of a statement in the making, numbered as they come."""

    def __init__(self) -> None:
        self.oids: list[int] = []
        self.values: list[bytes | None] = []  # None also where a value is taken
        self.taken_singly: list[tuple[int, Take, Pack]] = []
        self.taken_together: list[tuple[int, Take, tuple[Pack, ...]]] = []
        self.taken_ready: list[tuple[int, int, Callable[[Parts], Sequence[bytes]]]] = []
        self._known: dict[tuple[Kind, bytes], str] = {}

    def constant(self, kind: Kind, value: object) -> str:
        """The SQL for a value that every query of the shape has; None is null."""
        if value is None:
            return self._next(kind, None)
        data = PACKS[kind][0](value)
        known = self._known.get((kind, data))
        if known is None:
            known = self._known[kind, data] = self._next(kind, data)
        return known

    def taken(self, kind: Kind, take: Take) -> str:
        """The SQL for a value of the query."""
        self.taken_singly.append((len(self.oids), take, PACKS[kind][0]))
        return self._next(kind, None)

    def taken_all(self, kinds: Sequence[Kind], take: Take) -> list[str]:
        """The same for several values that are found together."""
        self.taken_together.append((len(self.oids), take, tuple(PACKS[kind][0] for kind in kinds)))
        return [self._next(kind, None) for kind in kinds]

    def taken_packed(self, kinds: Sequence[Kind], take: Callable[[Parts], Sequence[bytes]]) -> list[str]:
        """The same for values that come ready to be sent."""
        self.taken_ready.append((len(self.oids), len(kinds), take))
        return [self._next(kind, None) for kind in kinds]

    def _next(self, kind: Kind, data: bytes | None) -> str:
        self.oids.append(PACKS[kind][1])
        self.values.append(data)
        return f"${len(self.oids)}::{kind}"


@immutable
class Compiled:
    """A statement and its parameters."""

    statement: Statement
    params: list[bytes | None]


class Template:
    """A statement for all queries of a shape."""

    __slots__ = ("_constants", "_ready", "_singly", "_together", "statement")

    def __init__(self, statement: Statement, parameters: Parameters) -> None:
        self.statement = statement
        self._constants = parameters.values
        self._singly = parameters.taken_singly
        self._together = parameters.taken_together
        self._ready = parameters.taken_ready

    def filled(self, parts: Parts) -> Compiled:
        params = self._constants.copy()
        for place, take, pack in self._singly:
            value = take(parts)
            if value is not None:
                params[place] = pack(value)
        for place, take, packs in self._together:
            params[place : place + len(packs)] = [
                pack(value) for pack, value in zip(packs, take(parts), strict=True)
            ]
        for place, size, ready in self._ready:
            params[place : place + size] = ready(parts)
        return Compiled(self.statement, params)
