"""What an expression is evaluated on and gives: nodes that know their type and their place in the tree.

A node of a resource keeps its parent and its JSON property, so that a patch can change it where it stands and an issue
can name it. A value that the expression made itself (a literal, a sum) is a node of a `System` type without parent.

http://hl7.org/fhirpath/N1/#data-types · https://hl7.org/fhir/R4/fhirpath.html#types
"""

from __future__ import annotations

import decimal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from time import monotonic
from typing import Any, Protocol

from fhir_server.fhirpath.errors import CannotEvaluate
from fhir_server.fhirpath.temporal import Temporal, day_of, time_of
from fhir_server.kernel.wire import Number, Tree, decimal_of

SYSTEM = "System."
SYSTEM_TYPES = frozenset(
    {"Any", "Boolean", "Date", "DateTime", "Decimal", "Integer", "Quantity", "String", "Time"}
)
_QUANTITIES = frozenset({"Age", "Count", "Distance", "Duration", "Quantity"})
_UCUM = "http://unitsofmeasure.org"
_MAX_EXPONENT = 400
MAX_VISITS = 200_000
_PATIENCE = 1024  # visits between two looks at the clock


@dataclass(frozen=True, slots=True)
class Element:
    """One JSON property of a type."""

    key: str  # JSON's name: `valueQuantity`
    name: str  # FHIRPath's name: `value`
    type: str  # `Quantity`, `date`, `Patient.contact`, `Resource`
    array: bool  # whether JSON has a list here
    choice: bool  # whether it is one alternative of `value[x]`
    primitive: bool  # a value, which may have a `_key` beside it


class Model(Protocol):
    """What the engine must know of the data's types. A type that the model does not know has nothing inside."""

    def properties(self, type: str) -> Mapping[str, Element]:
        """The inside of a type by JSON name, in the order of the definition."""

    def alternatives(self, type: str, element: str) -> Sequence[Element]:
        """The properties an element may stand under: several for a choice, none where there is no such element."""

    def supertype(self, type: str) -> str | None:
        """`DomainResource` of `Patient`; None for a root of the hierarchy or an unknown type."""

    def knows(self, type: str) -> bool: ...


@dataclass(frozen=True, slots=True)
class Quantity:
    """`unit` is a UCUM code, or a calendar word in the singular (`day`) when `calendar`."""

    value: Decimal
    unit: str
    calendar: bool = False


@dataclass(frozen=True, slots=True)
class TypeInfo:
    """What `type()` gives. `base` is qualified (`FHIR.DomainResource`). http://hl7.org/fhirpath/N1/#reflection"""

    namespace: str
    name: str
    base: str


System = bool | int | Decimal | str | Temporal | Quantity | TypeInfo


# Not frozen, though never changed: an evaluation makes thousands, and a frozen one takes three times as long.
@dataclass(slots=True, eq=False)
class Node:
    """One item of a collection."""

    value: Any  # of the tree (None: a primitive that has only extensions), or a `System` value
    type: str  # `Patient`, `HumanName`, `Patient.contact`, `date`, `System.Integer`
    parent: Node | None = None
    element: Element | None = None  # as the parent's definition has it; None for a root
    index: int | None = None  # where JSON has a list
    extra: Tree | None = None  # the object under `_property` beside a primitive

    @property
    def inside(self) -> Tree:
        """The object that holds this node's children; empty for a primitive without extensions."""
        if isinstance(self.value, dict):
            return self.value
        return self.extra if self.extra is not None else {}

    @property
    def place(self) -> str:
        """`Patient.name[0].given[1]`; the type alone for a root or a value that was made."""
        steps: list[str] = []
        node = self
        while node.parent is not None and node.element is not None:
            steps.append(node.element.name if node.index is None else f"{node.element.name}[{node.index}]")
            node = node.parent
        return ".".join([node.type, *reversed(steps)])

    @property
    def resource(self) -> Node:
        """The innermost resource around this node, or itself; the root where there is none."""
        node = self
        while node.parent is not None and not (isinstance(node.value, dict) and "resourceType" in node.value):
            node = node.parent
        return node

    @property
    def container(self) -> Node:
        """The resource that contains the innermost one, which itself is not contained."""
        found = self.resource
        if found.parent is not None and found.element is not None and found.element.name == "contained":
            return found.parent.container
        return found


class Budget:
    """How much an evaluation may still look at, and until when, so that no expression can hold the server."""

    __slots__ = ("_deadline", "_look", "left")

    def __init__(self, visits: int = MAX_VISITS, *, seconds: float | None = None) -> None:
        self.left = visits
        self._deadline = None if seconds is None else monotonic() + seconds
        self._look = visits - _PATIENCE

    def charge(self, visits: int, position: int) -> None:
        self.left -= visits
        if self.left < 0:
            raise CannotEvaluate(
                "the expression visits more elements than allowed", position, code="too-costly"
            )
        if self._deadline is not None and self.left < self._look:
            self._look = self.left - _PATIENCE
            if monotonic() > self._deadline:
                raise CannotEvaluate("the expression takes longer than allowed", position, code="too-costly")


def made(value: System) -> Node:
    """The node of a value that is in no tree."""
    return Node(value, _SYSTEM_NAMES.get(type(value)) or SYSTEM + _system_type(value))


_SYSTEM_NAMES = {
    bool: "System.Boolean",
    int: "System.Integer",
    Decimal: "System.Decimal",
    str: "System.String",
    Quantity: "System.Quantity",
}


def system_of(node: Node) -> System | None:
    """The value of a literal, a FHIR primitive or a FHIR Quantity; None for other types and for an absent value.

    https://hl7.org/fhir/R4/fhirpath.html#types (implicit conversions)
    """
    value = node.value
    if node.type.startswith(SYSTEM):
        made_value: System = value
        return made_value
    if isinstance(value, str):
        match node.type:
            case "date":
                return day_of(value) or value
            case "dateTime" | "instant":
                return day_of(value, kind="DateTime") or value
            case "time":
                return time_of(value) or value
        return value
    if isinstance(value, dict):
        return _quantity(value) if node.type in _QUANTITIES else None
    if isinstance(value, bool):
        return value
    if isinstance(value, int | Number):
        return _number(value, node.type)
    return None


def exact(value: int | Number) -> Decimal | None:
    """The decimal of a number in a tree; None where its exponent is beyond reason (it would be written out)."""
    try:
        found = decimal_of(value)
    except decimal.InvalidOperation:
        return None
    return found if abs(found.adjusted()) <= _MAX_EXPONENT else None


def _number(value: int | Number, type: str) -> System | None:
    if isinstance(value, int) and type != "decimal":
        return value
    return exact(value)


def _quantity(tree: Tree) -> Quantity | None:
    value = tree.get("value")
    if isinstance(value, bool) or not isinstance(value, int | Number):
        return None
    found = exact(value)
    unit = tree.get("code") if tree.get("system") == _UCUM else tree.get("unit")
    return None if found is None else Quantity(found, unit if isinstance(unit, str) else "1")


def _system_type(value: System) -> str:
    match value:
        case Temporal():
            return value.kind
        case TypeInfo():
            return "ClassInfo" if value.namespace == "FHIR" else "SimpleTypeInfo"
    raise AssertionError("every other type has its name in the table")
