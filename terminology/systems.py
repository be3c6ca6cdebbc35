"""One code system at hand: its concepts, what they say of themselves, and which subsumes which.

A concept subsumes those nested in it, those that name it as a parent (properties `parent`, `subsumedBy`) and those it
names itself (`child`). There may be several parents. Whether a property says so is told by its URI or its usual name.
Supplements add designations and properties to its concepts, never concepts.

https://hl7.org/fhir/R4/codesystem.html#hierarchy · https://hl7.org/fhir/R4/codesystem-concept-properties.html
https://hl7.org/fhir/R4/codesystem.html#supplements
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

Tree = Mapping[str, Any]

_ROLES: Final = "http://hl7.org/fhir/concept-properties#"
_PARENTS: Final = frozenset({"parent", "subsumedBy"})
_ABSTRACT: Final = frozenset({"notSelectable", "abstract"})
_ADDED: Final = ("designation", "property")


@dataclass(frozen=True, slots=True)
class Concept:
    """`properties`: code → values as texts, in the order given; a Coding is its code."""

    code: str
    display: str
    tree: Tree  # as in the CodeSystem, with its definition, designations and what is nested in it
    properties: Mapping[str, tuple[str, ...]]
    abstract: bool = False  # not to be chosen, there to group others
    inactive: bool = False

    @property
    def designations(self) -> Sequence[Tree]:
        found: Sequence[Tree] = self.tree.get("designation", ())
        return found


class System:
    """A CodeSystem. Nothing of it changes."""

    def __init__(self, tree: Tree, supplements: Iterable[Tree] = ()) -> None:
        self.url: str = tree.get("url", "")
        self.version: str = tree.get("version", "")
        self.content: str = tree.get("content", "")
        self.language: str = tree.get("language", "")
        self.case_sensitive: bool = tree.get("caseSensitive", False) is True
        added = list(supplements)
        self.head: Tree = {
            **{name: value for name, value in tree.items() if name != "concept"},
            "property": [one for part in (tree, *added) for one in part.get("property", ())],
        }
        self.supplements = tuple(_canonical(one) for one in added)
        self.concepts: dict[str, Concept] = {}
        self._parents: dict[str, list[str]] = {}
        self._children: dict[str, list[str]] = {}
        self._roles = {
            one.get("code", ""): one.get("uri", "").removeprefix(_ROLES)
            for one in self.head["property"]
            if one.get("uri", "").startswith(_ROLES)
        }
        self.declared = frozenset(
            one.get("code", "") for key in ("property", "filter") for one in self.head.get(key, ())
        )
        self._read(tree.get("concept", ()), _additions(added))
        self._folded = (
            {} if self.case_sensitive else {code.casefold(): code for code in reversed(self.concepts)}
        )

    @property
    def complete(self) -> bool:
        """Whether a code that is not here does not exist."""
        return self.content == "complete"

    @property
    def nested(self) -> bool:
        """Whether some concepts subsume others."""
        return bool(self._parents)

    def find(self, code: str) -> Concept | None:
        """The concept of a code, however it is written where case does not matter."""
        return self.concepts.get(code) or self.concepts.get(self._folded.get(code.casefold(), ""))

    def below(self, code: str) -> list[str]:
        """The code and those that it subsumes, itself first."""
        return _reached(code, self._children)

    def above(self, code: str) -> list[str]:
        """The code and those that subsume it, itself first."""
        return _reached(code, self._parents)

    def parents(self, code: str) -> Sequence[str]:
        return self._parents.get(code, ())

    def children(self, code: str) -> Sequence[str]:
        return self._children.get(code, ())

    def _read(self, concepts: Iterable[Tree], additions: Mapping[str, Mapping[str, list[Any]]]) -> None:
        waiting = [(tree, "") for tree in concepts][::-1]
        related: list[tuple[str, str]] = []  # parent, child
        while waiting:
            tree, parent = waiting.pop()
            code = tree.get("code", "")
            if parent:
                related.append((parent, code))
            waiting += [(inner, code) for inner in tree.get("concept", ())][::-1]
            if not code or code in self.concepts:  # one of several parents may stand under each of them
                continue
            if code in additions:
                tree = {**tree, **{key: [*tree.get(key, ()), *more] for key, more in additions[code].items()}}
            concept = self.concepts[code] = concept_of(tree, self._roles)
            for name, values in concept.properties.items():
                role = self._roles.get(name, name)
                if role in _PARENTS:
                    related += [(value, code) for value in values]
                elif role == "child":
                    related += [(code, value) for value in values]
        for parent, child in dict.fromkeys(related):
            if parent in self.concepts and child in self.concepts:
                self._children.setdefault(parent, []).append(child)
                self._parents.setdefault(child, []).append(parent)


def concept_of(tree: Tree, roles: Mapping[str, str]) -> Concept:
    """A concept as it says of itself. `roles`: property code → the standard property that it is, where it says so."""
    properties: dict[str, tuple[str, ...]] = {}
    for one in tree.get("property", ()):
        values = tuple(_text(value) for key, value in one.items() if key.startswith("value"))
        name = one.get("code", "")
        properties[name] = properties.get(name, ()) + values
    said = {(roles.get(name, name), value) for name in properties for value in properties[name]}
    return Concept(
        tree["code"],
        tree.get("display", ""),
        tree,
        properties,
        abstract=any((role, "true") in said for role in _ABSTRACT),
        inactive=("inactive", "true") in said or ("status", "retired") in said,
    )


def _additions(supplements: Iterable[Tree]) -> dict[str, dict[str, list[Any]]]:
    """What supplements add, by code."""
    found: dict[str, dict[str, list[Any]]] = {}
    waiting = [concept for tree in supplements for concept in tree.get("concept", ())]
    for concept in waiting:
        waiting += concept.get("concept", ())
        for key in _ADDED:
            if more := concept.get(key):
                found.setdefault(concept.get("code", ""), {}).setdefault(key, []).extend(more)
    return found


def _canonical(tree: Tree) -> str:
    version = tree.get("version")
    return f"{tree.get('url', '')}|{version}" if version else str(tree.get("url", ""))


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return str(value.get("code", ""))
    return str(value)


def _reached(code: str, steps: Mapping[str, list[str]]) -> list[str]:
    """Breadth first; a circle ends where it began."""
    found = {code: None}
    waiting = [code]
    for one in waiting:
        for following in steps.get(one, ()):
            if following not in found:
                found[following] = None
                waiting.append(following)
    return waiting
