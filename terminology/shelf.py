"""Where the index of a large code system lies, and which of its sets of places are at hand."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from terminology.indexing import Kind, Term
from terminology.large import Summary
from terminology.systems import Tree

_HELD_BYTES: Final = 16_000_000


@dataclass(frozen=True, slots=True)
class Fetched:
    """Of what was asked for, what there is."""

    terms: Mapping[Term, bytes]
    places: Mapping[str, int]  # by key of a code


class Shelf(Protocol):
    """Where one code system lies. Raises `UnknownDefinition` once it is gone. A key is that of a code (`key_of`)."""

    @property
    def summary(self) -> Summary: ...

    async def fetch(self, terms: Collection[Term], keys: Collection[str]) -> Fetched: ...

    async def stretch(self, kind: Kind, low: str, high: str, most: int) -> Sequence[tuple[str, bytes]]:
        """The terms from `low` to before `high`, in order, `most` of them at most."""

    async def beginning(self, key: str, most: int) -> Sequence[int]:
        """The places of concepts whose key begins with this."""

    async def found(self, keys: Collection[str]) -> Mapping[str, Tree]:
        """Key → concept."""

    async def at(self, places: Sequence[int]) -> Sequence[Tree]:
        """The concepts of these places, in their order."""

    async def parents(self, key: str, *, all: bool) -> Sequence[int]:
        """Of a concept; or these, their parents and so on. Without itself, in order."""


class Held:
    """Sets of places that were asked for lately, of all code systems."""

    def __init__(self, most_bytes: int = _HELD_BYTES) -> None:
        self._most = most_bytes
        self._bits: OrderedDict[Hashable, int] = OrderedDict()
        self._size = 0

    def get(self, key: Hashable) -> int | None:
        found = self._bits.get(key)
        if found is not None:
            self._bits.move_to_end(key)
        return found

    def put(self, key: Hashable, bits: int) -> None:
        self._size += _size(bits) - _size(self._bits.pop(key, 0))
        self._bits[key] = bits
        while self._size > self._most and len(self._bits) > 1:
            self._size -= _size(self._bits.popitem(last=False)[1])


def _size(bits: int) -> int:
    return bits.bit_length() // 8 + 200
