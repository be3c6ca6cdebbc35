"""The compiled profiles of a registry, each made when it is first asked for.

A registry never changes, so what was compiled of it holds as long as it does. Definitions are parsed, compiled and
forgotten: a compiled profile is a hundredth of its snapshot.

https://hl7.org/fhir/R4/profiling.html
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final
from weakref import WeakKeyDictionary

from fhir_server.definitions.snapshots import CORE
from fhir_server.validation.compiled import compiled
from fhir_server.validation.profile_rules import Profile, Rules, Unusable
from profiles.registry import Registry

# Of the canonicals of the French guides.
NATIONAL: Final = ("https://hl7.fr/", "https://interop.esante.gouv.fr/")
_KEPT: Final = 1000  # profiles of one registry


class Library:
    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._compiled: dict[str, Profile | Unusable] = {}
        self.meant = lru_cache(maxsize=_KEPT)(self._meant)
        self.rules_for = lru_cache(maxsize=_KEPT)(self._rules_for)
        self.near = lru_cache(maxsize=_KEPT)(self._near)

    def profile(self, canonical: str) -> Profile | Unusable | None:
        """The profile of this canonical, of the newest version where it names none; None: it is not known."""
        found = self._compiled.get(canonical)
        if found is not None:
            return found
        url, _, version = canonical.partition("|")
        entry = self._registry.entry("StructureDefinition", canonical)
        if entry is None and not (url.startswith(CORE) and version in {"", "4.0", "4.0.1"}):
            return None
        found = compiled(canonical, self._registry)
        if found is None:
            return None
        if len(self._compiled) >= _KEPT:
            oldest = next(iter(self._compiled))
            self._compiled.pop(oldest, None)  # by another thread, perhaps
        self._compiled[canonical] = found
        return found

    def versions(self, url: str) -> tuple[str, ...]:
        """All versions, oldest first; empty where it is not known, or has none."""
        return self._registry.versions("StructureDefinition", url)

    def _rules_for(self, canonical: str, type: str) -> Rules | None:
        """The rules of what a canonical means first, where they are for this very type."""
        profile = self.profile(self.meant(canonical)[0])
        return profile.rules if isinstance(profile, Profile) and profile.type == type else None

    def _near(self, canonical: str) -> str:
        """The canonical itself, or without its version where that is not held and another is."""
        if "|" in canonical and self._registry.entry("StructureDefinition", canonical) is None:
            return canonical.partition("|")[0]
        return canonical

    def _meant(self, canonical: str) -> tuple[str, ...]:
        """What a canonical may stand for, the newest first: the national guides live in two generations at once.

        Elsewhere a canonical without version means the newest.
        """
        canonical = self._near(canonical)
        if "|" in canonical or not canonical.startswith(NATIONAL):
            return (canonical,)
        versions = self.versions(canonical)
        if len(versions) < 2:
            return (canonical,)
        return tuple(f"{canonical}|{version}" for version in reversed(versions))


_libraries: WeakKeyDictionary[Registry, Library] = WeakKeyDictionary()


def library_of(registry: Registry) -> Library:
    found = _libraries.get(registry)
    if found is None:
        found = _libraries[registry] = Library(registry)
    return found
