"""What stands under a node of a resource: a primitive and its `_` sibling are one item.

https://hl7.org/fhir/R4/json.html#primitive
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from fhir_server.fhirpath.values import SYSTEM, Budget, Element, Model, Node, TypeInfo, made, system_of
from fhir_server.kernel.wire import Tree

_FEW = 2  # elements that are asked for one by one


def root_of(tree: Tree, model: Model) -> Node:
    """The node of a whole resource."""
    return Node(tree, resource_type(tree, model))


def resource_type(tree: Tree, model: Model) -> str:
    name = tree.get("resourceType")
    return name if isinstance(name, str) and model.knows(name) else "Resource"


def named(
    node: Node, name: str, model: Model, budget: Budget, position: int, *, typed_choices: bool
) -> list[Node]:
    """The children of a node that an element's name finds. `typed_choices`: `valueQuantity` is one, too."""
    if node.type.startswith(SYSTEM):
        return _of_type_info(node.value, name) if isinstance(node.value, TypeInfo) else []
    if name == "value" and node.element is not None and node.element.primitive:
        value = system_of(node)
        return [] if value is None else [made(value)]
    elements = model.alternatives(node.type, name)
    if not elements and typed_choices:
        element = model.properties(node.type).get(name)
        elements = (element,) if element is not None else ()
    return _under(node, elements, model, budget, position)


def children(node: Node, model: Model, budget: Budget, position: int) -> list[Node]:
    """All children of a node, in the order of its type's definition."""
    if node.type.startswith(SYSTEM):
        return []
    return _under(node, model.properties(node.type).values(), model, budget, position)


def _under(
    node: Node, elements: Collection[Element], model: Model, budget: Budget, position: int
) -> list[Node]:
    found: list[Node] = []
    holder = node.inside
    if not holder:
        return found
    if len(elements) > _FEW:
        present = {key[1:] if key.startswith("_") else key for key in holder}
        elements = [element for element in elements if element.key in present]
    for element in elements:
        key = element.key
        value = holder.get(key)
        extra = holder.get(f"_{key}") if element.primitive else None
        if isinstance(value, list) or isinstance(extra, list):
            _listed(node, element, value, extra, model, found)
        elif value is not None or extra is not None:
            found.append(_child(node, element, value, extra, None, model))
    budget.charge(len(found), position)
    return found


def _listed(parent: Node, element: Element, value: Any, extra: Any, model: Model, found: list[Node]) -> None:
    values = value if isinstance(value, list) else []
    extras = extra if isinstance(extra, list) else []
    for index in range(max(len(values), len(extras))):
        value = values[index] if index < len(values) else None
        extra = extras[index] if index < len(extras) else None
        if value is not None or extra is not None:
            found.append(_child(parent, element, value, extra, index, model))


def _child(parent: Node, element: Element, value: Any, extra: Any, index: int | None, model: Model) -> Node:
    contained = isinstance(value, dict) and "resourceType" in value
    type_name = resource_type(value, model) if contained else element.type
    return Node(value, type_name, parent, element, index, extra if isinstance(extra, dict) else None)


def _of_type_info(info: TypeInfo, name: str) -> list[Node]:
    match name:
        case "namespace":
            return [made(info.namespace)]
        case "name":
            return [made(info.name)]
        case "baseType":
            return [made(info.base)]
    return []
