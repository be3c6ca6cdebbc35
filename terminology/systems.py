"""One code system at hand: its concepts, what they say of themselves, and which subsumes which.

A concept subsumes those nested in it, those that name it as a parent (properties `parent`, `subsumedBy`) and those it
names itself (`child`). There may be several parents. Whether a property says so is told by its URI or its usual name.

https://hl7.org/fhir/R4/codesystem.html#hierarchy · https://hl7.org/fhir/R4/codesystem-concept-properties.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from terminology.errors import NotExpandable
from terminology.patterns import BadPattern, Pattern

Tree = Mapping[str, Any]

_ROLES: Final = "http://hl7.org/fhir/concept-properties#"
_PARENTS: Final = frozenset({"parent", "subsumedBy"})
_ABSTRACT: Final = frozenset({"notSelectable", "abstract"})
_LONGEST_PATTERN: Final = 500  # characters


@dataclass(frozen=True, slots=True)
class Concept:
    """`properties`: code → values as texts, in the order given; a Coding is its code."""

    code: str
    display: str
    tree: Tree  # as in the CodeSystem, with its definition, designations and what is nested in it
    properties: Mapping[str, tuple[str, ...]]
    abstract: bool = False  # not to be chosen, there to group others
    inactive: bool = False


class System:
    """A CodeSystem. Nothing of it changes."""

    def __init__(self, tree: Tree) -> None:
        self.url: str = tree.get("url", "")
        self.version: str = tree.get("version", "")
        self.content: str = tree.get("content", "")
        self.case_sensitive: bool = tree.get("caseSensitive", False) is True
        self.concepts: dict[str, Concept] = {}
        self._parents: dict[str, list[str]] = {}
        self._children: dict[str, list[str]] = {}
        self._roles = {
            one.get("code", ""): one.get("uri", "").removeprefix(_ROLES)
            for one in tree.get("property", ())
            if one.get("uri", "").startswith(_ROLES)
        }
        self._declared = {one.get("code", "") for key in ("property", "filter") for one in tree.get(key, ())}
        self._read(tree.get("concept", ()))
        self._folded = (
            {} if self.case_sensitive else {code.casefold(): code for code in reversed(self.concepts)}
        )

    @property
    def complete(self) -> bool:
        """Whether a code that is not here does not exist."""
        return self.content == "complete"

    def find(self, code: str) -> Concept | None:
        """The concept of a code, however it is written where case does not matter."""
        return self.concepts.get(code) or self.concepts.get(self._folded.get(code.casefold(), ""))

    def below(self, code: str) -> list[str]:
        """The code and those that it subsumes, itself first."""
        return _reached(code, self._children)

    def above(self, code: str) -> list[str]:
        """The code and those that subsume it, itself first."""
        return _reached(code, self._parents)

    def filtered(self, property: str, op: str, value: str) -> Iterator[Concept]:
        """The concepts that a filter of a value set lets through. Raises `NotExpandable`.

        https://hl7.org/fhir/R4/valueset-filter-operator.html
        """
        related = self._related(property, op, value)
        if related is not None:
            return related
        judge = self._judge(property, op, value)
        return (concept for concept in self.concepts.values() if judge(self._values(concept, property)))

    # Filters --------------------------------------------------------------------------------------------------------

    def _related(self, property: str, op: str, value: str) -> Iterator[Concept] | None:
        """Those that stand in a relation to the concept `value`; None for a filter of another kind."""
        if op not in {"is-a", "descendent-of", "is-not-a", "generalizes"}:
            return None
        if property not in {"concept", "code", "parent"}:
            raise NotExpandable(f"'{op}' is not about the property '{property}'")
        concept = self.find(value)
        if concept is None:
            raise NotExpandable(f"'{op}' names a concept that {self.url} does not have")
        found = self.above(concept.code) if op == "generalizes" else self.below(concept.code)
        match op:
            case "descendent-of":
                found = found[1:]
            case "is-not-a":
                below = set(found)
                found = [code for code in self.concepts if code not in below]
        return (self.concepts[code] for code in found)

    def _judge(self, property: str, op: str, value: str) -> Callable[[tuple[str, ...]], bool]:
        """Whether the values of a property are as a filter wants them."""
        if property not in _OWN and property not in self._declared:
            raise NotExpandable(f"{self.url} has no property '{property}'")
        match op:
            case "=":
                return lambda values: value in values
            case "in" | "not-in":
                wanted = {one.strip() for one in value.split(",")}
                return lambda values: wanted.isdisjoint(values) is (op == "not-in")
            case "exists":
                if value not in {"true", "false"}:
                    raise NotExpandable("the value of 'exists' is true or false")
                return lambda values: bool(values) is (value == "true")
            case "regex":
                if len(value) > _LONGEST_PATTERN:
                    raise NotExpandable("a regular expression is too long")
                try:
                    pattern = Pattern(value)
                except BadPattern:
                    raise NotExpandable("a regular expression cannot be understood") from None
                return lambda values: any(map(pattern.matches, values))
            case _:
                raise NotExpandable(f"the filter '{op}' is not one of R4")

    def _values(self, concept: Concept, property: str) -> tuple[str, ...]:
        match property:
            case "code" | "concept":
                return (concept.code,)
            case "display":
                return (concept.display,) if concept.display else ()
            case "definition":
                return (concept.tree["definition"],) if "definition" in concept.tree else ()
            case "parent":
                return tuple(self._parents.get(concept.code, ()))
            case "child":
                return tuple(self._children.get(concept.code, ()))
            case _:
                return concept.properties.get(property, ())

    # Reading --------------------------------------------------------------------------------------------------------

    def _read(self, concepts: Iterable[Tree]) -> None:
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
            concept = self.concepts[code] = self._concept(tree)
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

    def _concept(self, tree: Tree) -> Concept:
        properties: dict[str, tuple[str, ...]] = {}
        for one in tree.get("property", ()):
            values = tuple(_text(value) for key, value in one.items() if key.startswith("value"))
            name = one.get("code", "")
            properties[name] = properties.get(name, ()) + values
        said = {(self._roles.get(name, name), value) for name in properties for value in properties[name]}
        return Concept(
            tree["code"],
            tree.get("display", ""),
            tree,
            properties,
            abstract=any((role, "true") in said for role in _ABSTRACT),
            inactive=("inactive", "true") in said or ("status", "retired") in said,
        )


_OWN: Final = frozenset({"code", "concept", "display", "definition", "parent", "child"})


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
