"""What a source file says, before anything is looked up: items, their keywords and rules, and literal values.

Paths and names stand as they were written; whoever compiles knows what they mean.

https://hl7.org/fhir/uv/shorthand/reference.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NoReturn, TypeAlias


@dataclass(frozen=True, slots=True)
class Place:
    """Where something was written."""

    file: str
    line: int

    def wrong(self, message: str) -> NoReturn:
        raise FshError(self, message)


class FshError(Exception):
    """A source that cannot be compiled; its text names file and line."""

    def __init__(self, place: Place, message: str) -> None:
        super().__init__(f"{place.file}:{place.line}: {message}")
        self.place = place


# --- literal values


@dataclass(frozen=True, slots=True)
class Text:
    text: str


@dataclass(frozen=True, slots=True)
class Word:
    """`true`, a number, a date: what it is depends on the element."""

    text: str


@dataclass(frozen=True, slots=True)
class Coded:
    system: str  # a URL, an alias or a name; empty: none
    code: str
    display: str = ""


@dataclass(frozen=True, slots=True)
class Quantified:
    number: str
    unit: Coded


@dataclass(frozen=True, slots=True)
class Referred:
    target: str
    display: str = ""


@dataclass(frozen=True, slots=True)
class CanonicalOf:
    name: str


Value: TypeAlias = Text | Word | Coded | Quantified | Referred | CanonicalOf

# --- rules; `path` empty: the definition itself


@dataclass(frozen=True, slots=True)
class Cardinality:
    place: Place
    path: str
    min: str  # empty: as inherited
    max: str
    flags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Flags:
    place: Place
    paths: tuple[str, ...]
    flags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TypeChoice:
    """`CodeableConcept`, a profile, or what a `Reference(…)` or `Canonical(…)` may lead to."""

    kind: Literal["type", "Reference", "canonical"]
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Only:
    place: Place
    path: str
    choices: tuple[TypeChoice, ...]


@dataclass(frozen=True, slots=True)
class Binding:
    place: Place
    path: str
    value_set: str
    strength: str


@dataclass(frozen=True, slots=True)
class Assignment:
    place: Place
    path: str
    value: Value
    exactly: bool


@dataclass(frozen=True, slots=True)
class Slice:
    definition: str  # of an extension; empty: none
    name: str
    min: str
    max: str
    flags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Contains:
    place: Place
    path: str
    slices: tuple[Slice, ...]


@dataclass(frozen=True, slots=True)
class Obeys:
    place: Place
    path: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Caret:
    """`codes` not empty: about a concept of a code system or value set, not about an element."""

    place: Place
    path: str
    codes: tuple[Coded, ...]
    caret: str
    value: Value


@dataclass(frozen=True, slots=True)
class Insert:
    place: Place
    path: str
    codes: tuple[Coded, ...]
    rule_set: str
    arguments: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Filter:
    property: str
    operator: str
    value: Value | None


@dataclass(frozen=True, slots=True)
class Codes:
    """Codes of a system, or those that several value sets have in common."""

    place: Place
    include: bool
    system: str
    value_sets: tuple[str, ...]
    filters: tuple[Filter, ...]


@dataclass(frozen=True, slots=True)
class Concept:
    """One code of a value set, or of a code system, then with the codes above it before it."""

    place: Place
    include: bool
    codes: tuple[Coded, ...]
    definition: str


Rule: TypeAlias = (
    Cardinality | Flags | Only | Binding | Assignment | Contains | Obeys | Caret | Insert | Codes | Concept
)

Kind = Literal["Profile", "Extension", "Invariant", "ValueSet", "CodeSystem", "Instance"]


@dataclass(frozen=True, slots=True)
class Item:
    """A definition as it was written. `keywords`: `Parent`, `Title` … → its texts, with the place."""

    kind: Kind
    name: str
    place: Place
    keywords: Mapping[str, tuple[Place, tuple[str, ...]]]
    rules: tuple[Rule, ...]

    @property
    def id(self) -> str:
        return self.keyword("Id") or self.name

    def keyword(self, name: str) -> str:
        """Its text; empty: it is not there."""
        return " ".join(self.keywords[name][1]) if name in self.keywords else ""


@dataclass(frozen=True, slots=True)
class RuleSet:
    """Rules to be inserted elsewhere, as text: parameters are replaced before it is read."""

    name: str
    parameters: tuple[str, ...]
    text: str
    place: Place  # of the first line of `text`


@dataclass(frozen=True, slots=True)
class Source:
    """What one file says."""

    aliases: Mapping[str, str]
    items: tuple[Item, ...]
    rule_sets: tuple[RuleSet, ...]
