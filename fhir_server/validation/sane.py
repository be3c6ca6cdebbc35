"""What is left of a resource when all that is not built as FHIR asks is taken out, so that the rest can be judged.

https://hl7.org/fhir/R4/json.html
"""

from __future__ import annotations

from typing import Any

from fhir_server.definitions.catalogue import resource_types
from fhir_server.definitions.elements import Child, shape_of
from fhir_server.kernel.wire import Tree


def sane(tree: Tree) -> Tree:
    """A resource with the properties that its type has, each of the right JSON kind; values may still be wrong."""
    return _object(tree, str(tree["resourceType"]))


def _object(node: Tree, type: str) -> Tree:
    shape = shape_of(type)
    found: dict[str, Any] = {}
    for key, value in node.items():
        child = shape.children.get(key)
        if child is not None:
            kept = _property(value, child)
        elif key.startswith("_") and (child := shape.children.get(key[1:])) is not None and child.primitive:
            kept = _beside(value, child)
        else:
            kept = value if key == "resourceType" else None
        if kept is not None:
            found[key] = kept
    return found


def _property(value: Any, child: Child) -> Any:
    if not child.array:
        return _one(value, child)
    if not isinstance(value, list) or not value:
        return None
    items = [_one(item, child) if item is not None else None for item in value]
    # A list keeps its places or goes: what is told of `name[1]` is the second name.
    wrong = any(
        item is None and (said is not None or not child.primitive)
        for item, said in zip(items, value, strict=True)
    )
    return None if wrong else items


def _one(value: Any, child: Child) -> Any:
    if child.primitive:
        return None if value is None or isinstance(value, dict | list) else value
    if not isinstance(value, dict):
        return None
    if child.type != "Resource":
        return _object(value, child.type)
    type_ = value.get("resourceType")
    return _object(value, type_) if isinstance(type_, str) and type_ in resource_types() else None


def _beside(value: Any, child: Child) -> Any:
    if not child.array:
        return _object(value, "Element") if isinstance(value, dict) else None
    if not isinstance(value, list) or not all(item is None or isinstance(item, dict) for item in value):
        return None
    return [None if item is None else _object(item, "Element") for item in value]
