"""What a ValueSet says that it holds, read once: components that let codes in, and components that keep them out.

https://hl7.org/fhir/R4/valueset.html#compositions
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

from terminology.errors import NotExpandable
from terminology.large import Filter, Selection
from terminology.systems import Tree

_SUPPLEMENT: Final = "http://hl7.org/fhir/StructureDefinition/valueset-supplement"


@dataclass(frozen=True)
class Component:
    """Of a code system, of other value sets, or what all of them have in common."""

    system: str  # empty: only `sets`
    version: str
    listed: Mapping[str, Tree] | None  # codes that stand there one by one, with what is said of each
    filters: tuple[Filter, ...]
    sets: tuple[str, ...]

    @cached_property
    def selection(self) -> Selection:
        """What it wants of its code system."""
        return Selection(self.filters, None if self.listed is None else frozenset(self.listed))


@dataclass(frozen=True, slots=True)
class Composition:
    url: str
    version: str
    include: tuple[Component, ...]
    exclude: tuple[Component, ...]
    inactive: bool = True  # whether codes that are no longer in use belong to it
    expansion: Tree | None = None  # that it brings along
    composed: bool = True  # False: it has nothing but that expansion
    supplements: tuple[str, ...] = field(default=())

    @property
    def canonical(self) -> str:
        return f"{self.url}|{self.version}" if self.version else self.url


def composition_of(tree: Tree) -> Composition:
    """Raises `NotExpandable` for a definition that says nothing, or contradicts itself."""
    compose = tree.get("compose")
    expansion = tree.get("expansion")
    if compose is None and expansion is None:
        raise NotExpandable(
            "it has neither a definition nor an expansion", "il n'a ni définition ni contenu énuméré"
        )
    parts: Mapping[str, Any] = compose or {}
    return Composition(
        tree.get("url", ""),
        tree.get("version", ""),
        tuple(map(_component, parts.get("include", ()))),
        tuple(map(_component, parts.get("exclude", ()))),
        parts.get("inactive", True) is not False,
        expansion,
        compose is not None,
        tuple(
            one.get("valueCanonical", "")
            for one in tree.get("extension", ())
            if one.get("url") == _SUPPLEMENT
        ),
    )


def _component(tree: Tree) -> Component:
    concepts, filters = tree.get("concept"), tree.get("filter")
    if concepts and filters:
        raise NotExpandable(
            "a component has both codes and filters", "un élément a à la fois des codes et des filtres"
        )
    if "system" not in tree and not tree.get("valueSet"):
        raise NotExpandable(
            "a component has neither a system nor a value set",
            "un élément n'a ni système de codes ni jeu de valeurs",
        )
    if None in tree.get("valueSet", ()):
        raise NotExpandable(
            "a component says a value set by an extension alone",
            "un élément ne désigne un jeu de valeurs que par une extension",
        )
    return Component(
        tree.get("system", ""),
        tree.get("version", ""),
        {one["code"]: one for one in concepts if "code" in one} if concepts else None,
        tuple(
            Filter(one.get("property", ""), one.get("op", ""), one.get("value", "")) for one in filters or ()
        ),
        tuple(tree.get("valueSet", ())),
    )


def contained_in(expansion: Tree) -> Iterator[Tree]:
    """The entries of an expansion that have a code, in order, whatever they are nested in."""
    waiting: list[Tree] = list(expansion.get("contains", ()))[::-1]
    while waiting:
        one = waiting.pop()
        waiting += list(one.get("contains", ()))[::-1]
        if "code" in one:
            yield one


def is_whole(expansion: Tree, found: Iterable[Any]) -> bool:
    """Whether an expansion brings along all of its codes."""
    total = expansion.get("total", 0)
    return not expansion.get("offset") and total <= sum(1 for _ in found)
