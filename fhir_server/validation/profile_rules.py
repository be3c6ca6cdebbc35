"""What a profile asks beyond FHIR itself, ready to be asked: the compiled form of a snapshot.

A `Rules` says what holds of one item, a `Field` what holds of all items under one name, a `Slicing` how they are told
apart. What the base type asks as well is left out: it is judged once, for all profiles.

https://hl7.org/fhir/R4/elementdefinition.html#interpretation
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from fhir_server.fhirpath.values import Element, Node
from fhir_server.validation.invariants import Constraint

if TYPE_CHECKING:
    from fhir_server.validation.judging import Judging

Strength = Literal["required", "extensible", "preferred", "example"]
Test = Callable[[list[Node], "Judging"], bool]  # of what a discriminator finds in an item
Reach = Callable[[Node, "Judging"], list[Node]]


@dataclass(frozen=True, slots=True)
class Binding:
    strength: Strength
    value_set: str  # canonical
    maximum: str = ""  # canonical of the value set that no code may leave


@dataclass(frozen=True, slots=True)
class Value:
    """A fixed value or a pattern."""

    exact: bool
    fits: Callable[[Any], bool]


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of a value. `lowest` and `highest` are trees of the item's type."""

    length: int | None = None
    lowest: Any = None
    highest: Any = None
    pattern: str = ""  # a regular expression


@dataclass(frozen=True, slots=True)
class Rules:
    """What is asked of one item. `types`: type → profiles of which one must be kept, none: any."""

    path: str  # the element's id: `Patient.identifier:INS-NIR`
    types: Mapping[str, tuple[str, ...]] | None = None  # None: those of the base
    targets: tuple[
        str, ...
    ] = ()  # profiles of which what a reference leads to keeps one; empty: those of the base
    value: Value | None = None
    binding: Binding | None = None
    limits: Limits | None = None
    constraints: tuple[Constraint, ...] = ()
    fields: tuple[Field, ...] = ()


@dataclass(frozen=True, slots=True)
class Field:
    """What is asked of the items under one name."""

    name: str  # as FHIRPath says it: `value`
    path: str
    elements: tuple[Element, ...]
    min: int = 0
    max: int | None = None  # None: no less than the base allows
    range: str = ""  # as a reader knows it: `1..*`
    rules: Rules | None = None
    slicing: Slicing | None = None


@dataclass(frozen=True, slots=True)
class Slice:
    name: str
    path: str
    tests: tuple[Test, ...]  # one for each discriminator; empty: an item that keeps the rules is of the slice
    min: int
    max: int | None
    range: str
    rules: Rules | None
    slicing: Slicing | None  # of the items of this slice


@dataclass(frozen=True, slots=True)
class Slicing:
    closed: bool
    at_end: bool  # what no slice takes comes last
    ordered: bool
    reaches: tuple[Reach, ...]
    slices: tuple[Slice, ...]
    urls: Mapping[str, int] | None  # extensions: url → slice
    rest: Slice | None  # `@default`: what no other slice takes


@dataclass(frozen=True, slots=True)
class Use:
    """Where the extensions of a definition may stand."""

    contexts: tuple[tuple[str, str], ...]  # (kind, expression)
    invariants: tuple[str, ...]  # FHIRPath that holds of the element that is extended
    modifier: bool
    parts: frozenset[str]  # the URLs of the extensions inside


@dataclass(frozen=True, slots=True)
class Profile:
    """A compiled StructureDefinition. `use`: of an extension."""

    canonical: str
    url: str
    type: str  # the type that it constrains
    rules: Rules
    abstract: bool = False
    use: Use | None = None


@dataclass(frozen=True, slots=True)
class Unusable:
    """Why nothing can be judged against a profile. `code` is of the value set IssueType."""

    code: str
    text: str
    french: str
