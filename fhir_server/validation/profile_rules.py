"""What a profile asks beyond FHIR itself, ready to be asked: the compiled form of a snapshot.

A `Rules` says what holds of one item, a `Field` what holds of all items under one name, a `Slicing` how they are told
apart. What the base type asks as well is left out: it is judged once, for all profiles.

https://hl7.org/fhir/R4/elementdefinition.html#interpretation
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from fhir_server.fhirpath.values import Element, Node
from fhir_server.validation.invariants import Constraint

if TYPE_CHECKING:
    from fhir_server.validation.judging import Judging
    from fhir_server.validation.surely import Left

Strength = Literal["required", "extensible", "preferred", "example"]
Reach = Callable[[Node, "Judging"], list[Node]]
Look = Callable[[Any, "Judging"], "list[Left] | None"]


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
class Test:
    """Whether an item is of a slice, asked of what a discriminator finds in it.

    `fits`: where values alone decide; each of them has to fit one of the values that are found.
    """

    holds: Callable[[list[Node], Judging], bool]
    fits: tuple[Callable[[Any], bool], ...] | None = None
    coding: tuple[str, str] | None = None  # system and code that a CodeableConcept must have to pass


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
    # Profiles of which what a reference leads to keeps one; empty: those of the base.
    targets: tuple[str, ...] = ()
    value: Value | None = None
    binding: Binding | None = None
    limits: Limits | None = None
    constraints: tuple[Constraint, ...] = ()
    fields: tuple[Field, ...] = ()
    aggregation: frozenset[str] = frozenset()  # how a reference may lead to its target; empty: any way
    itself: bool = field(init=False, compare=False)  # whether anything is asked but of what is inside
    # Type of an item → the function that looks at it, from when the first was met (`surely`).
    looks: dict[str, Look] = field(default_factory=dict, init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        asked = self.types, self.targets, self.value, self.binding, self.limits, self.constraints
        object.__setattr__(self, "itself", any(asked) or bool(self.aggregation))


@dataclass(frozen=True, slots=True)
class Field:
    """What is asked of the items under one name."""

    name: str  # as FHIRPath says it: `value`
    path: str
    keys: Mapping[str, Element]  # the JSON properties that it may stand under
    min: int = 0
    max: int | None = None  # None: no less than the base allows
    range: str = ""  # as a reader knows it: `1..*`
    rules: Rules | None = None
    slicing: Slicing | None = None
    needed: bool = field(init=False, compare=False)  # whether there is anything to say where there is nothing
    bare: bool = field(init=False, compare=False)  # whether all that is asked is how many there are
    alone: bool = field(init=False, compare=False)  # whether there may be one

    def __post_init__(self) -> None:
        needed = self.min > 0 or (self.slicing is not None and self.slicing.needed)
        object.__setattr__(self, "needed", needed)
        object.__setattr__(self, "bare", self.rules is None and self.slicing is None)
        object.__setattr__(self, "alone", self.min <= 1 and (self.max is None or self.max >= 1))


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
    keys: (
        tuple[tuple[str, ...], ...] | None
    )  # the same as JSON properties, where values alone tell the slices apart
    slices: tuple[Slice, ...]
    codings: (
        Mapping[tuple[str, str], tuple[int, ...]] | None
    )  # CodeableConcepts: system and code → slices to try
    urls: Mapping[str, int] | None  # extensions: url → slice
    rest: Slice | None  # `@default`: what no other slice takes
    needed: bool = field(
        init=False, compare=False
    )  # whether there is anything to say where there are no items
    least: tuple[int, ...] = field(init=False, compare=False)  # the slices that need items

    def __post_init__(self) -> None:
        all_ = self.slices if self.rest is None else (*self.slices, self.rest)
        needed = [one.min > 0 or (one.slicing is not None and one.slicing.needed) for one in all_]
        object.__setattr__(self, "needed", any(needed))
        least = tuple(number for number, _ in enumerate(self.slices) if needed[number])
        object.__setattr__(self, "least", least)


@dataclass(frozen=True, slots=True)
class Use:
    """Where the extensions of a definition may stand."""

    contexts: tuple[tuple[str, str], ...]  # (kind, expression)
    invariants: tuple[str, ...]  # FHIRPath that holds of the element that is extended
    modifier: bool
    parts: frozenset[str]  # the URLs of the extensions inside
    types: frozenset[str] = field(init=False, compare=False)  # the elements and types among the contexts

    def __post_init__(self) -> None:
        types = frozenset(element_of(expression) for kind, expression in self.contexts if kind == "element")
        object.__setattr__(self, "types", types)


def element_of(context: str) -> str:
    """The element or type that a context of kind `element` names: `Patient.name`, with or without a URL before it."""
    return context.partition("#")[2] or context.rpartition("/")[2]


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
