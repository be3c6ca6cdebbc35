"""Large code systems in memory: the double of `codes.py` in tests."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from fhir_server.store.codes import summary
from terminology.errors import UnknownDefinition
from terminology.hierarchy import Hierarchy
from terminology.indexing import Index, Kind, Term
from terminology.large import LargeSystem, Summary
from terminology.loading.release import Release
from terminology.selecting import Shelved
from terminology.shelf import Fetched, Held
from terminology.systems import Tree
from terminology.versions import matching, newest_first


class MemoryCodes:
    """See `terminology.large.LargeSystems`."""

    def __init__(self) -> None:
        self._shelves: dict[int, _Shelf] = {}
        self._held = Held()
        self._last = 0

    def load(self, release: Release) -> None:
        """Put one release in, in place of another of its version. Raises `Unusable`, `Unloadable`."""
        shelf = _Shelf(release)
        self.remove(release.url, release.version)
        self._last += 1
        self._shelves[self._last] = shelf

    def remove(self, url: str, version: str) -> None:
        for number, shelf in list(self._shelves.items()):
            if (shelf.summary.url, shelf.summary.version) == (url, version):
                shelf.gone = True
                del self._shelves[number]

    async def systems(self) -> list[Summary]:
        return newest_first(shelf.summary for shelf in self._shelves.values())

    async def open(self, url: str, version: str = "") -> LargeSystem | None:
        versions = {
            number: (shelf.summary.version, number)
            for number, shelf in self._shelves.items()
            if shelf.summary.url == url
        }
        number = matching(versions, version)
        return None if number is None else Shelved(self._shelves[number], self._held, number)


class _Shelf:
    def __init__(self, release: Release) -> None:
        index = Index(release.head)
        rows = [index.add(entry) for entry in release.entries()]
        self.gone = False
        self.summary = summary(release.head, release.url, release.version, release.sha256, 0, len(rows))
        self._trees = [row.tree for row in rows]
        self._places = {row.key: row.place for row in rows}
        self._hierarchy: Hierarchy = index.hierarchy()
        self._terms = dict(index.terms(self._hierarchy))

    async def fetch(self, terms: Collection[Term], keys: Collection[str]) -> Fetched:
        self._require_there()
        return Fetched(
            {term: self._terms[term] for term in terms if term in self._terms},
            {key: self._places[key] for key in keys if key in self._places},
        )

    async def stretch(self, kind: Kind, low: str, high: str, most: int) -> Sequence[tuple[str, bytes]]:
        self._require_there()
        keys = sorted(term.key for term in self._terms if term.kind is kind and low <= term.key < high)
        return [(key, self._terms[Term(kind, key)]) for key in keys[:most]]

    async def beginning(self, key: str, most: int) -> Sequence[int]:
        self._require_there()
        return [place for one, place in self._places.items() if one.startswith(key)][:most]

    async def found(self, keys: Collection[str]) -> Mapping[str, Tree]:
        self._require_there()
        return {key: self._trees[self._places[key]] for key in keys if key in self._places}

    async def at(self, places: Sequence[int]) -> Sequence[Tree]:
        self._require_there()
        return [self._trees[place] for place in places]

    async def parents(self, key: str, *, all: bool) -> Sequence[int]:
        self._require_there()
        place = self._places.get(key)
        waiting = [] if place is None else self._hierarchy.parents_of(place)
        found = set(waiting)
        while all and waiting:
            fresh = set(self._hierarchy.parents_of(waiting.pop())) - found
            found |= fresh
            waiting += fresh
        return sorted(found)

    def _require_there(self) -> None:
        if self.gone:
            raise UnknownDefinition("code system", self.summary.url)
