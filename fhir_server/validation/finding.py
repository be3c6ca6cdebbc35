"""The resources inside a resource, each with its place: contained, in the entries of a Bundle, in Parameters.

https://hl7.org/fhir/R4/references.html#contained · https://hl7.org/fhir/R4/bundle.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from fhir_server.definitions.catalogue import resource_types
from fhir_server.definitions.elements import Child, shape_of
from fhir_server.kernel.wire import Tree

# The types of resource that are known by a URL of their own. https://hl7.org/fhir/R4/references.html#canonical
DEFINITIONS: Final = frozenset(
    re.findall(
        r"\w+",
        """
        ActivityDefinition CapabilityStatement ChargeItemDefinition CodeSystem CompartmentDefinition ConceptMap
        EffectEvidenceSynthesis EventDefinition Evidence EvidenceVariable ExampleScenario GraphDefinition
        ImplementationGuide Library Measure MessageDefinition OperationDefinition PlanDefinition Questionnaire
        ResearchDefinition ResearchElementDefinition RiskEvidenceSynthesis SearchParameter StructureDefinition
        StructureMap TerminologyCapabilities TestScript ValueSet
        """,
    )
)
_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:\S")


@dataclass(frozen=True, slots=True)
class Found:
    """A resource, and what is around it."""

    tree: Tree
    place: str
    around: Found | None = None  # the resource that it stands in
    entry: Tree | None = None  # the entry of a Bundle that carries it
    contained: bool = False

    @property
    def type(self) -> str:
        return str(self.tree["resourceType"])

    @property
    def container(self) -> Found:
        """The resource whose contained resources it may name by '#'."""
        return self.around if self.contained and self.around is not None else self


@dataclass(frozen=True, slots=True)
class Element:
    """An element of one resource."""

    value: Any
    type: str
    place: str
    child: Child  # as its parent has it
    beside: Tree | None = None  # `_property` of a primitive


def resources_in(tree: Any, place: str = "") -> Iterator[Found]:
    """The resource itself first, then those inside, in their order. What has no known type is passed over."""
    if _is_resource(tree):
        yield from _from(Found(tree, place or tree["resourceType"]))


def _from(found: Found) -> Iterator[Found]:
    yield found
    for i, inner in enumerate(listed(found.tree, "contained")):
        if _is_resource(inner):
            yield from _from(
                Found(inner, f"{found.place}.contained[{i}]", found, found.entry, contained=True)
            )
    match found.type:
        case "Bundle":
            for i, entry in enumerate(listed(found.tree, "entry")):
                if isinstance(entry, dict) and _is_resource(entry.get("resource")):
                    yield from _from(
                        Found(entry["resource"], f"{found.place}.entry[{i}].resource", found, entry)
                    )
        case "Parameters":
            for resource, where in _parameters(found.tree, "parameter", found.place):
                yield from _from(Found(resource, where, found))


def _parameters(tree: Tree, name: str, place: str) -> Iterator[tuple[Tree, str]]:
    for i, parameter in enumerate(listed(tree, name)):
        if isinstance(parameter, dict):
            here = f"{place}.{name}[{i}]"
            if _is_resource(parameter.get("resource")):
                yield parameter["resource"], f"{here}.resource"
            yield from _parameters(parameter, "part", here)


@dataclass(frozen=True, slots=True)
class Traits:
    """What stands in one resource, without places: enough to see that there is nothing to say."""

    ids: list[str]  # of elements
    divs: list[str]
    references: list[str]


def traits_of(tree: Tree) -> Traits:
    """In one pass over a resource, those of resources inside it aside."""
    found = Traits([], [], [])
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        for key, value in node.items():
            if type(value) is str:
                if key == "reference":
                    found.references.append(value)
                elif key == "div":
                    found.divs.append(value)
                elif key == "id" and node is not tree:
                    found.ids.append(value)
            elif type(value) is dict:
                if "resourceType" not in value:
                    waiting.append(value)
            elif type(value) is list:
                waiting += [item for item in value if type(item) is dict and "resourceType" not in item]
    return found


def elements_of(found: Found) -> Iterator[Element]:
    """The elements of one resource in its own order, those of resources inside it aside."""
    yield from _elements(found.tree, found.type, found.place)


def _elements(tree: Tree, type: str, place: str) -> Iterator[Element]:
    children = shape_of(type).children
    for key, value in tree.items():
        child = children.get(key)
        if child is None:
            child = children.get(key[1:]) if key.startswith("_") else None
            if child is None or not child.primitive:
                continue
            yield from _besides(tree, child, value, f"{place}.{child.element}")
            continue
        here = f"{place}.{child.element}"
        if child.type == "Resource":
            continue
        if child.array:
            for i, item in enumerate(value if isinstance(value, list) else ()):
                yield from _one(item, child, f"{here}[{i}]")
        else:
            yield from _one(value, child, here)


def _one(value: Any, child: Child, place: str) -> Iterator[Element]:
    if child.primitive:
        if value is not None:
            yield Element(value, child.type, place, child)
    elif isinstance(value, dict):
        yield Element(value, child.type, place, child)
        yield from _elements(value, child.type, place)


def _besides(tree: Tree, child: Child, value: Any, place: str) -> Iterator[Element]:
    """What lies beside primitives: their ids and extensions."""
    if not child.array:
        if isinstance(value, dict):
            yield Element(None, child.type, place, child, value)
            yield from _elements(value, "Element", place)
        return
    for i, item in enumerate(value if isinstance(value, list) else ()):
        if isinstance(item, dict):
            yield Element(None, child.type, f"{place}[{i}]", child, item)
            yield from _elements(item, "Element", f"{place}[{i}]")


def listed(tree: Tree, name: str) -> list[Any]:
    """The items of an array, nothing where there is none."""
    value = tree.get(name)
    return value if isinstance(value, list) else []


def objects(tree: Tree, name: str) -> Iterator[tuple[int, Tree]]:
    """The objects of an array with their indexes."""
    for i, item in enumerate(listed(tree, name)):
        if isinstance(item, dict):
            yield i, item


def text_of(tree: Tree, name: str) -> str:
    """A string, empty where there is none."""
    value = tree.get(name)
    return value if isinstance(value, str) else ""


def is_absolute(url: str) -> bool:
    return _SCHEME.match(url) is not None


def _is_resource(tree: Any) -> bool:
    return isinstance(tree, dict) and tree.get("resourceType") in resource_types()
