"""The place of a resource in a sorted result: the oracle of the database's order.

https://hl7.org/fhir/R4/search.html#sort
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import total_ordering
from typing import Any, TypeAlias

from fhir_server.definitions.parameters import CORE, Parameters
from fhir_server.kernel.keys import Key
from fhir_server.kernel.wire import Tree
from fhir_server.search.entries import Entries, Hasher
from fhir_server.search.query import Sort
from fhir_server.search.texts import texts_of

SortKey: TypeAlias = tuple[Any, ...]


def sort_key(
    sort: Sequence[Sort],
    entries: Entries,
    *,
    key: Key,
    updated: int,
    hasher: Hasher,
    tree: Tree | None = None,
    parameters: Parameters = CORE,
) -> SortKey:
    """What `sorted()` puts resources in order by. Among several values the one that comes first counts.

    Dates and numbers count from their start when ascending and from their end when descending; a resource without a
    value is last in both directions. Resources that are equal under every key are for the caller to put in a stable
    order. A text is read from `tree`: without it there is none.
    """
    found = []
    for one in sort:
        values: list[Any]
        if one.name is None:
            values = [key.id if one.kind == "id" else updated]
        elif one.kind == "text":
            values = [] if tree is None else list(texts_of(tree, one.name.code, parameters))
        else:
            seed = hasher.seed(one.name.type, one.name.code)
            values = list(_values(one.kind, entries, seed, descending=one.descending))
        found.append(_place(values, descending=one.descending))
    return tuple(found)


def _place(values: list[Any], *, descending: bool) -> tuple[bool, Any]:
    if not values:
        return True, None
    return False, _Backwards(max(values)) if descending else min(values)


def _values(kind: str, entries: Entries, seed: int, *, descending: bool) -> Iterator[Any]:
    match kind:
        case "string":
            yield from (text for row, text in entries.strings if row == seed)
        case "date":
            yield from (high if descending else low for row, low, high in entries.dates if row == seed)
        case _:  # in the canonical unit where there is one: 5 mg come before 1 g
            rows = [
                (unit, high if descending else low)
                for row, unit, low, high in entries.quantities
                if row == seed
            ]
            yield from [value for unit, value in rows if unit] or [value for _, value in rows]


@total_ordering
class _Backwards:
    """A value that compares the other way round."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Backwards) and bool(self.value == other.value)

    def __lt__(self, other: _Backwards) -> bool:
        return bool(other.value < self.value)

    def __hash__(self) -> int:
        return hash(self.value)
