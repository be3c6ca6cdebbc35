"""Where an element stands and what it may hold: a path of FSH against our own profiles and R4's definitions.

The nearest word counts: a rule of the profile itself, of the profile that a type further up names, of the parent, and
in the end the type in R4.

https://hl7.org/fhir/uv/shorthand/reference.html#fsh-paths · https://hl7.org/fhir/R4/elementdefinition.html#id
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from fhir_server.definitions.catalogue import type_of_profile
from fhir_server.definitions.elements import Child, shape_of
from tools.fsh.guides import Definition
from tools.fsh.model import Caret, Contains, Only, Place
from tools.fsh.names import R4, Named, Scope, r4_structure

_SEGMENT: Final = re.compile(r"([A-Za-z][A-Za-z0-9]*(?:\[x\])?)((?:\[[^\[\]]+\])*)(?:\.|$)")
_SLICE: Final = re.compile(r"\[([^\[\]]+)\]")


@dataclass(frozen=True, slots=True)
class Segment:
    name: str  # `identifier`, `value[x]`
    slices: tuple[str, ...] = ()  # a slice, a slice of that slice …

    @property
    def id(self) -> str:
        return self.name + (f":{'/'.join(self.slices)}" if self.slices else "")


Path: TypeAlias = tuple[Segment, ...]


@dataclass(frozen=True, slots=True)
class Typed:
    """One type of an element, with the profiles that its values conform to."""

    code: str  # `HumanName`, or the name of a backbone element: `Patient.contact`
    profiles: tuple[Named, ...] = ()


@dataclass(frozen=True, slots=True)
class Where:
    """An element of a definition."""

    path: Path
    positions: tuple[int, ...]  # of each segment in R4's definition of its type
    types: tuple[Typed, ...]
    every: tuple[Typed, ...]  # those that R4 lets it have
    array: bool


class Paths:
    """Of one scope."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self._said: dict[Definition, list[tuple[Path, tuple[Typed, ...]]]] = {}

    def type_of(self, definition: Definition) -> str:
        """The type that a profile or extension is about. Raises `FshError`."""
        parent = self.parent_of(definition)
        if parent.definition is not None:
            return self.type_of(parent.definition)
        structure = r4_structure(parent.url)
        if structure is not None:
            found: str = structure["type"]
            return found
        return definition.item.place.wrong(
            "the type of the parent is not known: it is neither of the sources nor of R4"
        )

    def parent_of(self, definition: Definition) -> Named:
        if definition.item.kind == "Extension" and "Parent" not in definition.item.keywords:
            return Named(f"{R4}Extension")
        place, words = definition.item.keywords.get("Parent", (definition.item.place, ()))
        if len(words) != 1:
            place.wrong("a profile has one parent: 'Parent: NAME'")
        return self.scope.of(definition.guide).find(place, words[0])

    def at(self, definition: Definition, path: str, place: Place) -> Where:
        """The element at a path of FSH. Raises `FshError` where there is none."""
        root = self.type_of(definition)
        found = Where((), (), (Typed(root),), (Typed(root),), array=False)
        rest = path
        while rest:
            segment = _SEGMENT.match(rest)
            if segment is None:
                place.wrong(f"'{path}' is no path")
            rest = rest[segment.end() :]
            slices = tuple(_SLICE.findall(segment[2]))
            found = self._step(definition, found, segment[1], slices, place)
        return found

    def _step(
        self, definition: Definition, above: Where, name: str, slices: tuple[str, ...], place: Place
    ) -> Where:
        for typed in above.types:
            for child in _children(typed.code):
                if name in {child.element + "[x]" * child.choice, child.property}:
                    return self._stepped(definition, above, typed.code, child, name, slices)
        types = " or ".join(typed.code for typed in above.types)
        return place.wrong(f"{types} has no element '{name}'")

    def _stepped(
        self,
        definition: Definition,
        above: Where,
        type: str,
        child: Child,
        name: str,
        slices: tuple[str, ...],
    ) -> Where:
        label = child.element + "[x]" * child.choice
        every = tuple(Typed(other.type) for other in _children(type) if other.element == child.element)
        path = (*above.path, Segment(label, slices))
        if child.choice and name == child.property:
            narrowed = self.narrowed(definition, path) or every
            if len(narrowed) > 1:
                path = (*above.path, Segment(label, (child.property, *slices)))
            every = tuple(typed for typed in narrowed if typed.code == child.type) or (Typed(child.type),)
        types = self.narrowed(definition, path) or every
        return Where(path, (*above.positions, child.position), types, every, child.array)

    def is_sliced(self, definition: Definition, path: Path) -> bool:
        """Whether a profile, or what it builds upon, says how an element is sliced."""
        for rule in self.scope.of(definition.guide).rules(definition):
            if isinstance(rule, Caret) and rule.path and rule.caret.startswith("slicing."):
                said = self.at(definition, rule.path, rule.place).path
                if said in set(_variants(path)):
                    return True
        for cut in range(len(path) - 1, 0, -1):
            for typed in self.narrowed(definition, path[:cut]):
                if any(self._is_sliced_in(profile, path[cut:]) for profile in typed.profiles):
                    return True
        return self._is_sliced_in(self.parent_of(definition), path)

    def _is_sliced_in(self, profile: Named, path: Path) -> bool:
        if profile.definition is not None:
            return self.is_sliced(profile.definition, path)
        structure = r4_structure(profile.url)
        if structure is None:
            return True  # nobody here can tell
        ids = _ids(structure, path)
        return any(
            element["id"] in ids and "slicing" in element for element in structure["snapshot"]["element"]
        )

    def narrowed(self, definition: Definition, path: Path) -> tuple[Typed, ...]:
        """The types that profiles leave to an element; nothing: none of them says anything."""
        for candidate in _variants(path):
            for said, types in self._rules(definition):
                if said == candidate:
                    return types
        for cut in range(len(path) - 1, 0, -1):
            for typed in self.narrowed(definition, path[:cut]):
                for profile in typed.profiles:
                    if types := self._below(profile, path[cut:]):
                        return types
        return self._below(self.parent_of(definition), path)

    def _below(self, profile: Named, path: Path) -> tuple[Typed, ...]:
        if profile.definition is not None:
            return self.narrowed(profile.definition, path)
        structure = r4_structure(profile.url)
        if structure is None or structure.get("derivation") != "constraint":
            return ()
        ids = _ids(structure, path)
        for element in structure["snapshot"]["element"]:
            if element["id"] in ids and "type" in element:
                types = tuple(_typed_of(one) for one in element["type"])
                # A backbone element has its own name where its parts are looked for.
                return () if types[0].code in {"BackboneElement", "Element"} else types
        return ()

    def _rules(self, definition: Definition) -> list[tuple[Path, tuple[Typed, ...]]]:
        """What the rules of a definition say about types. The last word on a path comes first."""
        if definition in self._said:
            return self._said[definition]
        found: list[tuple[Path, tuple[Typed, ...]]] = []
        self._said[definition] = found  # rules further down are read with those above them
        scope = self.scope.of(definition.guide)
        for rule in scope.rules(definition):
            if isinstance(rule, Only):
                where = self.at(definition, rule.path, rule.place)
                found.insert(0, (where.path, tuple(self.chosen(rule, where, scope))))
            elif isinstance(rule, Contains):
                where = self.at(definition, rule.path, rule.place)
                for one in rule.slices:
                    if one.definition:
                        profile = scope.find(rule.place, one.definition)
                        last = Segment(where.path[-1].name, (*where.path[-1].slices, one.name))
                        typed = Typed(where.types[0].code, (profile,))
                        found.insert(0, ((*where.path[:-1], last), (typed,)))
        return found

    def chosen(self, rule: Only, where: Where, scope: Scope) -> Iterator[Typed]:
        """The types of an `only`: profiles under the type that they are of."""
        for choice in rule.choices:
            if choice.kind != "type":
                yield Typed(choice.kind)
                continue
            named = scope.find(rule.place, choice.names[0])
            if named.definition is not None:
                yield Typed(self.type_of(named.definition), (named,))
                continue
            structure = r4_structure(named.url)
            if structure is not None and structure.get("derivation") == "constraint":
                yield Typed(structure["type"], (named,))
            elif structure is not None:
                yield Typed(structure["id"])
            elif len(where.types) == 1:
                yield Typed(where.types[0].code, (named,))
            else:
                rule.place.wrong(f"of which type '{choice.names[0]}' is cannot be told")


def _children(type: str) -> list[Child]:
    """The children of a type; those of an abstract resource for `Resource`."""
    try:
        return list(shape_of(type).children.values())
    except KeyError:
        return []


def _variants(path: Path) -> Iterator[Path]:
    """The path, then without the slices of its end, then without all of them."""
    yield path
    yield (*path[:-1], Segment(path[-1].name))
    yield tuple(Segment(segment.name) for segment in path)


def _ids(structure: dict[str, Any], path: Path) -> list[str]:
    return [".".join((structure["type"], *(segment.id for segment in one))) for one in _variants(path)]


def _typed_of(definition: dict[str, Any]) -> Typed:
    profiles = tuple(Named(url) for url in definition.get("profile", ()))
    return Typed(type_of_profile(definition["code"]), profiles)
