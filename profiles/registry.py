"""Definitions by canonical URL, of several packages at once and in several versions of each.

A registry is a value: it is made from layers, of which a later one wins where both have the same canonical and version,
and never changes. What is known besides stands over it in another (`over`), which costs no more than what it adds.
Definitions are kept as they are stored and parsed when first asked for; layers are read when anything is.

https://hl7.org/fhir/R4/references.html#canonical
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from threading import Lock
from typing import Any, Final, NamedTuple, Protocol

import orjson

from profiles import R4_CORE

Tree = Mapping[str, Any]

_NUMBERS: Final = re.compile(r"\d+|[A-Za-z]+")
_KEPT: Final = 128  # parsed definitions


class Body(Protocol):
    def __call__(self) -> bytes:
        """The JSON text."""


class Entry(NamedTuple):
    """One definition of one package."""

    kind: str  # `StructureDefinition`, `ValueSet` …
    url: str
    version: str  # empty: it has none
    id: str
    package: str  # `hl7.fhir.fr.core#2.2.0`; empty: uploaded on its own
    body: Body

    @property
    def canonical(self) -> str:
        return f"{self.url}|{self.version}" if self.version else self.url


class Registry:
    """Of `layers`, from the weakest to the strongest, over what stands `below` them."""

    def __init__(self, layers: Iterable[Iterable[Entry]], below: Registry | None = None) -> None:
        self._layers = layers
        self._reading = Lock()  # a generator runs once, whichever thread comes first
        self._below = below
        self._found: dict[tuple[str, str], tuple[Entry, ...]] | None = None
        # One for all that stand over one another: what is parsed stays parsed when something is added.
        self._parsed: Callable[[Entry], Tree] = (
            lru_cache(maxsize=_KEPT)(_parsed) if below is None else below._parsed
        )

    def over(self, entries: Iterable[Entry]) -> Registry:
        """This registry, and entries that are stronger."""
        return Registry([entries], self)

    def entry(self, kind: str, canonical: str) -> Entry | None:
        """The entry of `url|version`, or the newest of `url`. A version may be given in part: `4.0` finds `4.0.1`.

        R4's own counts as the oldest, whatever its number: the packages that go on with it begin anew.
        """
        url, _, version = canonical.partition("|")
        versions = self._of(kind, url)
        if not version:
            return versions[-1] if versions else None
        return self.exactly(kind, url, version) or next(
            (entry for entry in reversed(versions) if entry.version.startswith(f"{version}.")), None
        )

    def exactly(self, kind: str, url: str, version: str) -> Entry | None:
        """The entry that has this URL and this version; empty: the one that has none."""
        return next((entry for entry in self._of(kind, url) if entry.version == version), None)

    def find(self, kind: str, canonical: str) -> Tree | None:
        """The definition, parsed; None when it is not known. Not the caller's to change."""
        entry = self.entry(kind, canonical)
        return None if entry is None else self.tree(entry)

    def tree(self, entry: Entry) -> Tree:
        """The definition of an entry, parsed. Not the caller's to change."""
        return self._parsed(entry)

    def versions(self, kind: str, url: str) -> tuple[str, ...]:
        """All versions of a URL, oldest first; empty: it is not known."""
        return tuple(entry.version for entry in self._of(kind, url))

    def entries(self, kind: str = "") -> Iterator[Entry]:
        """All of a kind, or all there are: every version, in no order."""
        for (found, _), versions in self._entries.items():
            if kind in {"", found}:
                yield from versions
        if self._below is not None:
            for entry in self._below.entries(kind):
                if (entry.kind, entry.url) not in self._entries:
                    yield entry

    @property
    def _entries(self) -> dict[tuple[str, str], tuple[Entry, ...]]:
        """All versions, oldest first, of what the layers know: those below are among them."""
        if self._found is None:
            with self._reading:
                if self._found is None:
                    self._found = self._read()
                    self._layers = ()
        return self._found

    def _read(self) -> dict[tuple[str, str], tuple[Entry, ...]]:
        found: dict[tuple[str, str], dict[str, Entry]] = {}
        for layer in self._layers:
            for entry in layer:
                key = entry.kind, entry.url
                if key not in found:
                    below = () if self._below is None else self._below._of(*key)
                    found[key] = {one.version: one for one in below}
                found[key][entry.version] = entry
        return {
            key: tuple(versions.values() if len(versions) == 1 else sorted(versions.values(), key=_age))
            for key, versions in found.items()
        }

    def _of(self, kind: str, url: str) -> tuple[Entry, ...]:
        found = (self._found or self._entries).get((kind, url))
        if found is None:
            return () if self._below is None else self._below._of(kind, url)
        return found


def definition_in(body: bytes) -> dict[str, Any]:
    """A definition from its JSON, with its decimals as floats: for one beyond them, the float that is nearest."""
    tree: dict[str, Any]
    try:
        tree = orjson.loads(body)
    except orjson.JSONDecodeError:
        tree = json.loads(body, parse_float=_nearest)
    return tree


def _nearest(text: str) -> float:
    return max(-sys.float_info.max, min(float(text), sys.float_info.max))


def order_of(version: str) -> tuple[tuple[int, int, str], ...]:
    """A key that sorts versions: number by number, a pre-release (`1.0.0-draft`) before its release."""
    main, dash, rest = version.partition("-")
    parts = [_part(one) for one in _NUMBERS.findall(main)]
    return (
        (*parts, (0, 0, ""))
        if not dash
        else (*parts, (-1, 0, ""), *(_part(one) for one in _NUMBERS.findall(rest)))
    )


def _age(entry: Entry) -> tuple[bool, tuple[tuple[int, int, str], ...]]:
    """Sorts the oldest first."""
    return not entry.package.startswith(f"{R4_CORE}#"), order_of(entry.version)


def _part(text: str) -> tuple[int, int, str]:
    return (1, int(text[:18]), "") if text.isdigit() and text.isascii() else (1, -1, text)


def _parsed(entry: Entry) -> Tree:
    return definition_in(entry.body())
