"""The value of a FHIRPath Patch operation: read from its part, then built for the element it is put into.

A data type comes as `value[x]`, a resource as `resource`, and what has no name of its own (Patient.contact,
Timing.repeat) as parts within the part, each named after an element.

https://hl7.org/fhir/R4/fhirpatch.html#anonymous
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from fhir_server.definitions.model import R4
from fhir_server.fhirpath.values import Element, Node
from fhir_server.interactions.json_patch import copy_of
from fhir_server.interactions.slots import Item, Slot
from fhir_server.kernel.errors import Malformed, Unprocessable
from fhir_server.kernel.wire import Tree

Refusal = Callable[[str], Unprocessable]

_ABSTRACT = frozenset({"Element", "BackboneElement", "Resource"})
# What an element may be given beside its own type: narrative has no `value[x]`, and every date is a dateTime.
_STAND_INS = {"xhtml": "string", "dateTime": "date"}


@dataclass(frozen=True, slots=True)
class DataType:
    """`valueHumanName`, `valueDate`; `extra` is what stands under `_valueDate`."""

    type: str
    value: Any
    extra: Tree | None


@dataclass(frozen=True, slots=True)
class Parts:
    """An element spelled out: name and value of each child, in order, repetitions included."""

    parts: tuple[tuple[str, Given], ...]


@dataclass(frozen=True, slots=True)
class Resource:
    tree: Tree


Given = DataType | Parts | Resource


def given_of(part: Tree, place: str) -> Given:
    """The value that a part carries. Raises `Malformed` when it has none, several, or an unknown type.

    `place` is the part's: `Parameters.parameter[0].part[3]`.
    """
    known = R4.properties("Parameters.parameter")
    keys = {key.removeprefix("_") for key in part if key.removeprefix("_").startswith("value")}
    forms = [*keys, *(key for key in ("resource", "part") if key in part)]
    if len(forms) != 1:
        raise Malformed("A value has exactly one of value[x], resource and part", place)
    if keys:
        (key,) = keys
        if key not in known:
            raise Malformed("There is no value[x] of this type", place)
        return _data_type(part, known[key], place)
    if "resource" in part:
        return Resource(_object(part["resource"], f"{place}.resource"))
    parts = part["part"]
    if not isinstance(parts, list) or not parts:
        raise Malformed("The parts of a value are a list, never empty", place)
    return Parts(tuple(_named(inner, f"{place}.part[{i}]") for i, inner in enumerate(parts)))


def alternatives(type: str, name: str) -> Sequence[Element]:
    """The properties that `name` may mean in a type, none where it has no such element.

    FHIRPath's name of a choice is `deceased`; `deceasedBoolean`, which many senders use, is understood.
    """
    found = R4.alternatives(type, name)
    if found:
        return found
    element = R4.properties(type).get(name)
    return () if element is None else (element,)


def element_for(given: Given, elements: Sequence[Element], refusal: Refusal) -> Element:
    """The one of `elements`, never empty, that a value is for by its type."""
    match given:
        case DataType(type=type):
            found = [element for element in elements if element.type == type]
            found = found or [e for e in elements if not e.choice and _fits(type, e.type)]
        case Resource():
            found = [element for element in elements if element.type == "Resource"]
        case Parts():
            found = [element for element in elements if not element.primitive and element.type != "Resource"]
    if len(found) != 1:
        wanted = ", ".join(element.type for element in elements[:8])
        raise refusal(
            f"the value is of a wrong type; '{elements[0].name}' takes {wanted}{'…' * (len(elements) > 8)}"
        )
    return found[0]


def build(given: Given, element: Element, refusal: Refusal) -> Item:
    """The value as it stands in a tree under `element`. Nothing is shared with the patch."""
    match given:
        case DataType(value=value, extra=extra):
            return copy_of(value), copy_of(extra)
        case Resource(tree=tree):
            return copy_of(tree), None
        case Parts(parts=parts):
            inside: Tree = {}
            parent = Node(inside, element.type)
            for name, inner in parts:
                fill(parent, name, inner, refusal)
            return inside, None


def fill(parent: Node, name: str, given: Given, refusal: Refusal) -> Item:
    """Add a value to `parent` as its element `name`, behind the others of a list, and give back what was added."""
    elements = alternatives(parent.type, name)
    if not elements:
        raise refusal(f"{parent.type} has no element of the name that the patch gives")
    element = element_for(given, elements, refusal)
    item = build(given, element, refusal)
    slot = Slot(parent, element)
    if element.array:
        slot.write([*slot.items, item])
        return item
    # The alternatives of a choice are one element.
    if any(Slot(parent, sibling).items for sibling in R4.alternatives(parent.type, element.name)):
        raise refusal(f"'{element.name}' is there already and does not repeat")
    slot.write([item])
    return item


def _data_type(part: Tree, element: Element, place: str) -> DataType:
    value, extra = part.get(element.key), part.get(f"_{element.key}")
    if isinstance(value, list) or isinstance(value, dict) == element.primitive:
        raise Malformed("The value is not what JSON has for its type", f"{place}.value")
    if not element.primitive and (not value or extra is not None):
        raise Malformed("The value is empty", f"{place}.value")
    return DataType(element.type, value, None if extra is None else _object(extra, f"{place}.value"))


def _named(part: Any, place: str) -> tuple[str, Given]:
    name = _object(part, place).get("name")
    if not isinstance(name, str):
        raise Malformed("A part has a name", f"{place}.name")
    return name, given_of(part, place)


def _object(value: Any, place: str) -> Tree:
    if not isinstance(value, dict) or not value:
        raise Malformed("An object is expected here", place)
    return value


def _fits(given: str, wanted: str) -> bool:
    """Whether a value of one type may stand for another: it is the same, derived from it (`code`), or its base."""
    if _STAND_INS.get(wanted) == given:
        return True
    return given in _line_of(wanted) or wanted in _line_of(given)


def _line_of(type: str) -> list[str]:
    """A type and those it is derived from, the abstract ones left out."""
    line = []
    found: str | None = type
    while found is not None and found not in _ABSTRACT:
        line.append(found)
        found = R4.supertype(found)
    return line
