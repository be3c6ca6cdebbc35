"""What may stand in a resource: element by element, under the names that JSON uses.

A `Shape` is the inside of one type or of one backbone element; its children are keyed by JSON property, choices spelled
out (`valueQuantity`, `valueString`). Shapes are made from the snapshots when first asked for, and kept.

https://hl7.org/fhir/R4/json.html · https://hl7.org/fhir/R4/elementdefinition.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from fhir_server.definitions.catalogue import resource_types, structure, type_of_profile

Kind = Literal["resource", "complex", "backbone", "primitive"]

_SYSTEM_TYPES = {"http://hl7.org/fhirpath/System.String": "string"}
_FHIR_TYPE = "http://hl7.org/fhir/StructureDefinition/structuredefinition-fhir-type"


@dataclass(frozen=True, slots=True)
class Child:
    """One JSON property of a shape."""

    property: str  # the JSON name: `birthDate`, `valueQuantity`
    element: str  # the element's name: `birthDate`, `value` (FHIRPath) of a choice
    path: str  # where the definition has it: `Observation.value[x]`
    type: str  # `HumanName`, `date`, `Resource`, or the name of a backbone shape: `Patient.contact`
    choice: bool  # whether it is one alternative of `value[x]`
    array: bool  # whether JSON has a list here
    min: int
    max: int | None  # None: no limit
    position: int  # order of the element in the definition, which XML must follow; alternatives share it
    value_set: str | None  # canonical (without version) of a `required` binding
    targets: tuple[str, ...]  # resource types a Reference may point to; empty: any
    summary: bool  # part of `_summary=true`
    attribute: bool  # written as an attribute in XML (`id`, `Extension.url`)
    primitive: bool  # a value and not an object: may have a `_property` beside it


@dataclass(frozen=True, slots=True)
class Shape:
    """The inside of a type. `children` are in the order of the definition."""

    name: str
    kind: Kind
    children: Mapping[str, Child]


@cache
def shape_of(name: str) -> Shape:
    """The shape of a resource type, a data type (`HumanName`) or a backbone element (`Patient.contact`).

    Raises `KeyError` when R4 has no type of that name.
    """
    root = name.split(".", 1)[0]
    shapes = _shapes_of(root)
    return shapes[name]


def is_primitive(type: str) -> bool:
    """Whether values of `type` are JSON strings, numbers or booleans. Primitive types start in lower case."""
    return type[:1].islower() and "." not in type


@cache
def _shapes_of(root: str) -> dict[str, Shape]:
    definition = structure(root)
    elements = definition["snapshot"]["element"]
    paths = [element["path"] for element in elements]
    parents = {path.rpartition(".")[0] for path in paths} - {""} | {root}
    found = {}
    for parent in parents:
        children: dict[str, Child] = {}
        depth = parent.count(".") + 1
        for position, element in enumerate(elements):
            path = element["path"]
            if path.startswith(parent + ".") and path.count(".") == depth:
                for child in _children_of(element, position, parents):
                    children[child.property] = child
        found[parent] = Shape(parent, _kind_of(definition, parent, root), children)
    return found


def _kind_of(definition: dict[str, Any], name: str, root: str) -> Kind:
    if name != root:
        return "backbone"
    if definition["kind"] == "resource":
        return "resource"
    return "primitive" if definition["kind"] == "primitive-type" else "complex"


def _children_of(element: dict[str, Any], position: int, parents: set[str]) -> list[Child]:
    path: str = element["path"]
    name = path.rpartition(".")[2]
    choice = name.endswith("[x]")
    stem = name.removesuffix("[x]")
    maximum = None if element["max"] == "*" else int(element["max"])
    # In JSON a list is a list although a profile-like base (e.g. `max: 1`) narrows it: `base.max` decides.
    base_max = element.get("base", {}).get("max", element["max"])
    binding = element.get("binding", {})
    value_set = (
        binding.get("valueSet", "").partition("|")[0] if binding.get("strength") == "required" else None
    )
    if maximum == 0:
        return []

    found = []
    for type_name, targets in _types_of(element, path, parents):
        found.append(
            Child(
                property=stem + type_name[:1].upper() + type_name[1:] if choice else name,
                element=stem,
                path=path,
                type=type_name,
                choice=choice,
                array=base_max not in {"0", "1"},
                min=element["min"],
                max=maximum,
                position=position,
                value_set=value_set or None,
                targets=targets,
                summary=element.get("isSummary", False),
                attribute="xmlAttr" in element.get("representation", ()),
                primitive=is_primitive(type_name),
            )
        )
    return found


def _types_of(element: dict[str, Any], path: str, parents: set[str]) -> list[tuple[str, tuple[str, ...]]]:
    if "contentReference" in element:
        return [(element["contentReference"].removeprefix("#"), ())]
    if path in parents:
        return [(path, ())]
    if element.get("base", {}).get("path") == "Resource.id":
        return [("id", ())]  # the snapshots say `string`, the text of the specification says `id`
    found = []
    for type_ in element.get("type", ()):
        code = type_["code"]
        for extension in type_.get("extension", ()):
            if extension["url"] == _FHIR_TYPE:
                code = extension["valueUrl"]
        code = _SYSTEM_TYPES.get(code, code)
        targets = tuple(type_of_profile(url) for url in type_.get("targetProfile", ()))
        found.append((code, () if "Resource" in targets else targets))
    return found


__all__ = ["Child", "Kind", "Shape", "is_primitive", "resource_types", "shape_of"]
