"""The definitions of a registry, as terminology needs them: code systems compiled, and found by what supplements them.

A stock is made once for a registry. What it compiles it keeps, within bounds. Definitions that were uploaded come
before those of packages: whoever stores a value set means it.

https://hl7.org/fhir/R4/codesystem.html#supplements · https://hl7.org/fhir/R4/codesystem-definitions.html#CodeSystem.valueSet
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from threading import Lock
from typing import Any, Final
from weakref import WeakKeyDictionary

from profiles.registry import Entry, Registry, definition_in, order_of
from terminology.systems import System, Tree

MOST_CONCEPTS: Final = 200_000  # of compiled code systems, in all stocks; one alone may have more
_SETS: Final = 1024  # compiled value sets of one stock


@dataclass(slots=True)
class _Survey:
    """What the definitions of code systems tell of others. To make one reads them all: a tenth of a second, once."""

    supplements: dict[str, list[tuple[str, Entry]]] = field(
        default_factory=dict
    )  # by URL: version wanted, entry
    wholes: dict[str, tuple[str, str]] = field(
        default_factory=dict
    )  # value set → URL and version of its code system


class Stock:
    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self._kept: OrderedDict[str, Any] = OrderedDict()

    def entry(self, kind: str, canonical: str) -> Entry | None:
        """Of what was uploaded, the one in use, then the newest; else what the registry finds among the packages."""
        url, _, version = canonical.partition("|")
        versions = self.registry.versions(kind, url)
        if len(versions) <= 1:
            return self.registry.entry(kind, canonical)
        found = [self.registry.exactly(kind, url, one) for one in versions]
        uploaded = [
            one for one in found if one is not None and not one.package and version in {"", one.version}
        ]
        return max(uploaded, key=self._newness, default=None) or self.registry.entry(kind, canonical)

    def _newness(self, entry: Entry) -> tuple[object, ...]:
        tree = self.registry.tree(entry)
        return tree.get("status") == "active", order_of(entry.version), tree.get("date", "")

    def find(self, kind: str, canonical: str) -> Tree | None:
        entry = self.entry(kind, canonical)
        return None if entry is None else self.registry.tree(entry)

    def system(self, canonical: str) -> System | None:
        """The code system of `url` or `url|version`, with what supplements add to it."""
        entry = self.entry("CodeSystem", canonical)
        return None if entry is None else _SYSTEMS.of(entry, self._supplementing(entry.url, entry.version))

    def supplements(self, url: str, version: str) -> list[Tree]:
        """Those of a code system, in this version or in any."""
        return [self.registry.tree(entry) for entry in self._supplementing(url, version)]

    def _supplementing(self, url: str, version: str) -> tuple[Entry, ...]:
        found = self._survey.supplements.get(url, ())
        return tuple(entry for wanted, entry in found if wanted in {"", version})

    def whole(self, url: str) -> tuple[str, str] | None:
        """URL and version of the code system that names this value set as that of all its codes."""
        return self._survey.wholes.get(url)

    def maps(self, systems: Collection[str], *, reverse: bool) -> list[Tree]:
        """The newest of each ConceptMap that has a group from one of `systems`; `reverse`: to one of them."""
        return [
            self.registry.tree(entry)
            for entry in self.registry.entries("ConceptMap")
            if not _sides(entry)[reverse].isdisjoint(systems) and self.entry("ConceptMap", entry.url) is entry
        ]

    def keep(self, name: str, made: Any) -> None:
        """Keep what was made of a value set, in place of what was not used for longest."""
        self._kept[name] = made
        if len(self._kept) > _SETS:
            self._kept.popitem(last=False)

    def kept(self, name: str) -> Any:
        """What was kept under a name, else None."""
        return self._kept.get(name)

    @cached_property
    def _survey(self) -> _Survey:
        found = _Survey()
        for entry in self.registry.entries("CodeSystem"):
            supplemented, whole = _facts(entry)
            if supplemented:
                url, _, version = supplemented.partition("|")
                found.supplements.setdefault(url, []).append((version, entry))
            elif whole:
                found.wholes[whole] = entry.url, entry.version
        return found


class Systems:
    """Compiled code systems: those asked for last, as far as `most` concepts go."""

    def __init__(self, most: int = MOST_CONCEPTS) -> None:
        self._most = most
        self._kept: OrderedDict[tuple[Entry, tuple[Entry, ...]], System | None] = OrderedDict()
        self._concepts = 0
        self._changing = Lock()

    def of(self, entry: Entry, supplements: tuple[Entry, ...]) -> System | None:
        """None for what is only a supplement itself. Registries that share an entry share what comes of it."""
        key = entry, supplements
        with self._changing:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        made = _system(entry, supplements)
        with self._changing:
            if key not in self._kept:  # else another thread was faster
                self._kept[key] = made
                self._concepts += _size(made)
            while self._concepts > self._most and len(self._kept) > 1:
                _, gone = self._kept.popitem(last=False)
                self._concepts -= _size(gone)
            return self._kept[key]


_SYSTEMS: Final = Systems()


def _size(system: System | None) -> int:
    return 1 if system is None else 1 + len(system.concepts)


def _system(entry: Entry, supplements: tuple[Entry, ...]) -> System | None:
    tree = definition_in(entry.body())
    if tree.get("content") == "supplement":
        return None
    return System(tree, [definition_in(one.body()) for one in supplements])


@lru_cache(maxsize=8192)
def _facts(entry: Entry) -> tuple[str, str]:
    """The code system that one supplements, and the value set of all its codes; empty: none."""
    body = entry.body()
    if b'"supplement' not in body and b'"valueSet"' not in body:
        return "", ""
    tree = definition_in(body)
    supplemented = tree.get("supplements", "") if tree.get("content") == "supplement" else ""
    return supplemented, tree.get("valueSet", "").partition("|")[0]


@lru_cache(maxsize=2048)
def _sides(entry: Entry) -> tuple[frozenset[str], frozenset[str]]:
    """The code systems that a ConceptMap leads from, and those that it leads to."""
    groups = definition_in(entry.body()).get("group", ())
    return (
        frozenset(one.get("source", "") for one in groups),
        frozenset(one.get("target", "") for one in groups),
    )


_stocks: WeakKeyDictionary[Registry, Stock] = WeakKeyDictionary()


def stock_of(registry: Registry) -> Stock:
    """The one stock of a registry."""
    found = _stocks.get(registry)
    if found is None:
        found = _stocks[registry] = Stock(registry)
    return found
