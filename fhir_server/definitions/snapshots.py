"""The snapshot of a profile, made from its differential and the snapshot of what it is derived from.

A definition that carries a snapshot is taken at its word; ours carry none. Elements that the base leaves folded
(`Patient.identifier.type`) are unfolded from their type, or from the profile of their type, when the differential
speaks of what is inside.

https://hl7.org/fhir/R4/profiling.html#snapshot
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

import orjson

import profiles
from fhir_server.definitions.catalogue import structure
from fhir_server.definitions.merging import laid_over
from fhir_server.definitions.outlines import (
    CHOICE,
    MAX_ELEMENTS,
    BadDefinition,
    Definition,
    Outline,
    choice_for,
    elements_of,
    find_slice,
    outline_of,
    steps_of,
    too_large,
    type_in,
)
from profiles.registry import Registry, definition_in

Tree = Mapping[str, Any]

CORE: Final = "http://hl7.org/fhir/StructureDefinition/"
_SYSTEM: Final = "http://hl7.org/fhirpath/"
# The root of all types, which R4 has no definition of, and logical models are derived from.
_BASE: Final[Tree] = {
    "url": CORE + "Base",
    "snapshot": {"element": [{"id": "Base", "path": "Base", "min": 0, "max": "*"}]},
}
_CHAIN: Final = 40  # profiles of profiles, and the profiles of their types
_EXTENSIONS: Final = frozenset({"extension", "modifierExtension"})
_BY_URL: Final = {"discriminator": [{"type": "value", "path": "url"}], "ordered": False, "rules": "open"}
_BY_TYPE: Final = {"discriminator": [{"type": "type", "path": "$this"}], "ordered": False, "rules": "open"}


def snapshot_of(definition: Tree, registry: Registry) -> list[dict[str, Any]]:
    """The ElementDefinitions of a StructureDefinition: its own snapshot, or the one that its differential makes.

    Raises `BadDefinition` where it cannot be made: a base that is not known, a circle of definitions, an element that
    the base does not have, too many elements.
    """
    return elements_of(whole(definition, registry))


def whole(definition: Tree, registry: Registry) -> Outline:
    """As `snapshot_of`, the elements as a tree."""
    return _Maker(registry, ()).whole(definition)


@lru_cache(maxsize=1024)
def is_type(name: str) -> bool:
    """Whether FHIR itself has a type of this name; profiles of its own (`vitalsigns`) are none."""
    try:
        definition = structure(name)
    except KeyError:
        return False
    return definition["kind"] != "logical" and definition.get("derivation") != "constraint"


def pinned(canonical: str, version: str, registry: Registry, kind: str = "StructureDefinition") -> str:
    """What a definition of this version means by a canonical that names none.

    A guide means itself: definitions of one release share its version. Others mean what is newest, as ever.
    """
    if "|" in canonical or not version or version not in registry.versions(kind, canonical):
        return canonical
    return f"{canonical}|{version}"


def definition_of(canonical: str, registry: Registry) -> Tree | None:
    """The StructureDefinition of a canonical, parsed anew and kept by nobody; of another version where that is all.

    FHIR's own are always found.
    """
    url = canonical.partition("|")[0]
    entry = registry.entry("StructureDefinition", canonical) or registry.entry("StructureDefinition", url)
    if entry is not None:
        return definition_in(entry.body())
    if url == _BASE["url"]:
        return _BASE
    if url.startswith(CORE):
        try:
            core: Tree = orjson.loads(profiles.member(f"StructureDefinition/{url.removeprefix(CORE)}.json"))
        except KeyError:
            return None
        return core
    return None


class _Maker:
    """Makes one snapshot. `making`: the canonicals that wait for it, so that a circle is seen."""

    def __init__(self, registry: Registry, making: tuple[str, ...]) -> None:
        self._registry = registry
        self._making = making
        self._size = 0
        self._known: dict[str, Outline] = {}  # what was unfolded from, by canonical
        self._type = ""
        self._version = ""
        # Choices that the differential calls by the name of one type (`valueQuantity`), with those names.
        self._renamed: dict[int, tuple[Outline, list[str]]] = {}

    def whole(self, definition: Tree) -> Outline:
        snapshot = definition.get("snapshot")
        if isinstance(snapshot, Mapping) and snapshot.get("element"):
            return outline_of(snapshot["element"])
        base = definition.get("baseDefinition")
        if not isinstance(base, str):
            raise BadDefinition(
                "The definition has neither a snapshot nor a base to make one from",
                "La définition n'a ni snapshot ni définition de base pour en faire un",
            )
        self._making = (*self._making, str(definition.get("url", "")))
        self._version = str(definition.get("version", ""))
        root = self._outline(base)
        derived = definition.get("derivation") == "specialization"
        self._type = root.name
        self._size = root.size()
        if derived:
            root.name = str(definition.get("type", "")).rpartition("/")[2] or root.name
        for steps, said in steps_of(definition.get("differential", {}).get("element", ())):
            if len(steps) == 1:
                if "slicing" in said:
                    raise BadDefinition(
                        "The root of a profile has no slicing", "La racine d'un profil n'est pas découpée"
                    )
                root.own = laid_over(root.own, said)
                continue
            part = root
            for name, sliced in steps[1:]:
                part = self._descend(part, name, sliced, adding=derived)
            self._say(part, said)
        for choice, names in self._renamed.values():
            _narrow(choice, names)
        return root

    def _outline(self, canonical: str) -> Outline:
        """A tree of another definition, the caller's to change."""
        canonical = pinned(canonical, self._version, self._registry)
        found = self._known.get(canonical)
        if found is None:
            definition = definition_of(canonical, self._registry)
            if definition is None:
                raise BadDefinition(
                    f"The definition {canonical}, which this one builds on, is not known here",
                    f"La définition {canonical}, dont celle-ci dérive, n'est pas connue ici",
                    code="not-found",
                )
            url = str(definition.get("url", ""))
            if url in self._making or len(self._making) > _CHAIN:
                raise BadDefinition(
                    f"The definitions go round in a circle: {url} builds on itself",
                    f"Les définitions forment un cycle : {url} dérive d'elle-même",
                )
            found = _Maker(self._registry, self._making).whole(definition)
            _sign(found, url)
            self._known[canonical] = found
        return found.copy()

    def _descend(self, part: Outline, name: str, sliced: str, *, adding: bool) -> Outline:
        self._unfold(part, adding=adding)
        child = part.child(name)
        if child is None:
            child = choice_for(part, name)
            if child is not None:
                sliced = sliced or name
                self._renamed.setdefault(id(child), (child, []))[1].append(name)
        if child is None:
            if not adding:
                raise BadDefinition(
                    f"The profile speaks of '{part.name}.{name}', and its base has no such element",
                    f"Le profil parle de « {part.name}.{name} », que sa base n'a pas",
                    code="structure",
                )
            child = Outline(name, "", {"min": 0, "max": "*"})
            part.children.append(child)
        return self._slice(child, sliced) if sliced else child

    def _slice(self, part: Outline, name: str) -> Outline:
        """The slice of this name; where there is none, a new one: all that its element is, and optional."""
        found = find_slice(part, name)
        if found is not None:
            return found
        holder = (find_slice(part, name.rpartition("/")[0]) if "/" in name else None) or part
        own = {key: value for key, value in holder.own.items() if key != "slicing"}
        found = Outline(
            part.name,
            name,
            own | {"sliceName": name, "min": 0},
            [child.copy() for child in holder.children],
        )
        stem = part.name.removesuffix(CHOICE)
        if stem != part.name:
            one = type_in(part, name.removeprefix(stem))
            if one is not None:
                found.own["type"] = [one]
            holder.own.setdefault("slicing", _BY_TYPE)
        elif part.name in _EXTENSIONS:
            holder.own.setdefault("slicing", _BY_URL)
        holder.slices.append(found)
        self._grow(found.size())
        return found

    def _say(self, part: Outline, said: Definition) -> None:
        """Lay one element of the differential over the tree."""
        before = _only_profile(part.own)
        part.own = laid_over(part.own, said)
        if "type" not in said:
            return
        part.own.pop("contentReference", None)
        profile = _only_profile(part.own)
        if profile is None or profile == before:
            return
        if part.slice:
            part.children = []  # those of the element that is sliced; it keeps asking for them itself
        if part.name in _EXTENSIONS:
            self._take_root(part, profile, said)

    def _take_root(self, part: Outline, profile: str, said: Definition) -> None:
        """What an extension's definition says of its root holds of the element, too."""
        try:
            root = self._outline(profile).own
        except BadDefinition:
            return  # judged, or said to be unknown, where an instance is
        keys = {"constraint", "isModifier", "min", "max"} - said.keys()
        part.own = laid_over(part.own, {key: root[key] for key in keys & root.keys()})

    def _unfold(self, part: Outline, *, adding: bool) -> None:
        """Give an element the children that its type has."""
        if part.children:
            return
        reference = part.own.get("contentReference")
        if reference:
            target = self._target(str(reference))
            part.own = {key: value for key, value in part.own.items() if key != "contentReference"}
            part.own["type"] = target.own.get("type", [])
            part.children = [child.copy() for child in target.children]
        else:
            types = part.own.get("type", ())
            codes = {str(one.get("code", "")) for one in types}
            if len(codes) == 1:
                (code,) = codes
                if not code.startswith(_SYSTEM):
                    part.children = self._inside(_only_profile(part.own), code)
            elif types:
                part.children = self._inside(None, "Element")
        if not part.children and not adding:
            raise BadDefinition(
                f"The profile speaks of what is inside '{part.name}', and there is nothing",
                f"Le profil parle de ce que contient « {part.name} », qui ne contient rien",
                code="structure",
            )
        self._grow(sum(child.size() for child in part.children))

    def _inside(self, profile: str | None, code: str) -> list[Outline]:
        if profile is not None:
            try:
                return self._outline(profile).children
            except BadDefinition as problem:
                if problem.code != "not-found":
                    raise
        return self._outline(code if ":" in code else CORE + code).children

    def _target(self, reference: str) -> Outline:
        """The element that a content reference names. It is that of the base type: a profile's rules are not meant."""
        definition, _, id_ = reference.partition("#")
        root = self._outline(definition or CORE + self._type)
        part: Outline | None = root
        for name in id_.split(".")[1:]:
            part = part.child(name) if part is not None else None
        if part is None or part is root:
            raise BadDefinition("A content reference leads nowhere", "Un contentReference ne mène nulle part")
        return part

    def _grow(self, elements: int) -> None:
        self._size += elements
        if self._size > MAX_ELEMENTS:
            raise too_large()


def _sign(part: Outline, url: str) -> None:
    """Say of constraints that name no source that they come from the definition of this URL."""
    constraints = part.own.get("constraint")
    if constraints:
        part.own["constraint"] = [one if "source" in one else {**one, "source": url} for one in constraints]
    for inner in (*part.children, *part.slices):
        _sign(inner, url)


def _narrow(choice: Outline, names: list[str]) -> None:
    """A choice called by the name of one type, where no slicing is spoken of, has that type and no other.

    https://hl7.org/fhir/R4/profiling.html#resources (shortcut for type slices)
    """
    if choice.own.get("slicing") is not _BY_TYPE:
        return
    stem = choice.name.removesuffix(CHOICE)
    said = [type_in(choice, name.removeprefix(stem)) for name in names]
    choice.own["type"] = [one for one in choice.own.get("type", ()) if one in said]
    choice.own["slicing"] = {**_BY_TYPE, "rules": "closed"}


def _only_profile(own: Definition) -> str | None:
    types = own.get("type", ())
    if len(types) != 1:
        return None
    found = types[0].get("profile", ())
    return found[0] if len(found) == 1 else None
