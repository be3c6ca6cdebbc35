"""The slow half of the validator: every problem of a resource, with its place and what would be right.

It says no exactly where `structure` does. It is written as generators so that a caller may stop after enough problems.
Expressions are FHIRPath from the outermost resource: `Bundle.entry[3].resource.name[0].use`.

https://hl7.org/fhir/R4/json.html · https://hl7.org/fhir/R4/validation.html
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from difflib import get_close_matches
from itertools import groupby, zip_longest
from typing import Any

from fhir_server.definitions.catalogue import resource_types
from fhir_server.definitions.elements import Child, Shape, shape_of
from fhir_server.kernel.issues import Issue
from fhir_server.kernel.wire import Tree
from fhir_server.validation.bindings import codes_of, concepts_of, holds_one_of, outside
from fhir_server.validation.primitives import is_of, may_be_extended, wrong_with
from fhir_server.validation.references import Local, local_of, unused_names, wrong_with_reference

Issues = Iterator[Issue]

# Names of elements are repeated in a sentence; anything else that stands in their place could be personal.
_NAME = re.compile("[A-Za-z_][A-Za-z0-9_]{0,63}")
_ABSENT: Any = object()


def walk(tree: Any) -> Issues:
    """All problems of a resource, in the order of its elements."""
    known = isinstance(tree, dict) and _is_type(tree.get("resourceType"))
    yield from _resource(tree, tree["resourceType"] if known else "")


def _resource(tree: Any, place: str) -> Issues:
    problem = _not_a_resource(tree, place)
    if problem:
        yield problem
        return
    yield from _object(tree, shape_of(tree["resourceType"]), place, local_of(tree))
    contained = tree.get("contained")
    if isinstance(contained, list) and all(isinstance(inner, dict) for inner in contained):
        yield from _names(tree, contained, place)


def _names(tree: Tree, contained: list[Tree], place: str) -> Issues:
    """Contained resources have ids of their own, and are used."""
    seen: set[str] = set()
    for i, inner in enumerate(contained):
        id_ = inner.get("id")
        if not isinstance(id_, str):
            continue
        if id_ in seen:
            text = "Two contained resources have the same id: within a resource it names one"
            yield Issue("invariant", text, f"{place}.contained[{i}].id")
        seen.add(id_)
    for i in unused_names(tree):
        text = "A contained resource is referred to from the resource around it, or refers to it (dom-3)"
        yield Issue("invariant", text, f"{place}.contained[{i}]")


def _contained(tree: Any, place: str, local: Local) -> Issues:
    problem = _not_a_resource(tree, place)
    if problem:
        yield problem
        return
    yield from _object(tree, shape_of(tree["resourceType"]), place, local)
    if "contained" in tree:
        text = "A contained resource contains no other (dom-2): put it into the outermost 'contained'"
        yield Issue("invariant", text, f"{place}.contained")
    if "id" not in tree:
        yield Issue(
            "required", "A contained resource has an id: references find it by '#' and its id", f"{place}.id"
        )
    meta = tree.get("meta")
    if isinstance(meta, dict):
        for name in ("versionId", "lastUpdated"):
            if name in meta or f"_{name}" in meta:
                text = f"A contained resource has no meta.{name} (dom-4): it has no history of its own"
                yield Issue("invariant", text, f"{place}.meta.{name}")
        if "security" in meta:
            text = "A contained resource has no security label (dom-5): that of the resource around it counts"
            yield Issue("invariant", text, f"{place}.meta.security")


def _not_a_resource(tree: Any, place: str) -> Issue | None:
    if not isinstance(tree, dict):
        return Issue("structure", "A resource is a JSON object with a 'resourceType'", place)
    if "resourceType" not in tree:
        return Issue("required", "Element 'resourceType' is required (1..1) and is missing", place)
    type_ = tree["resourceType"]
    if _is_type(type_):
        return None
    near = (
        get_close_matches(type_, sorted(resource_types()), 1)
        if isinstance(type_, str) and _NAME.fullmatch(type_)
        else []
    )
    return Issue("structure", f"'resourceType' is not a resource type of R4 (4.0.1){_perhaps(near)}", place)


def _is_type(type_: Any) -> bool:
    return isinstance(type_, str) and type_ in resource_types()


def _object(node: Any, shape: Shape, place: str, local: Local) -> Issues:
    if not isinstance(node, dict):
        text = (
            "An array is not expected here: the element appears at most once"
            if isinstance(node, list)
            else ("A JSON object is expected here")
        )
        yield Issue("structure", text, place)
        return
    if not node:
        yield Issue("structure", "An object is never empty: leave the element out", place)
    met: dict[str, Child] = {}
    for key in node:
        child = _child(shape, key)
        if child is not None:
            met[child.property] = child
        elif key != "resourceType" or shape.kind != "resource":
            yield _unknown(shape, key, place)
    for child in met.values():
        yield from _property(node, child, place, local)
    yield from _cardinality(shape, met, place)
    if node.keys() == {"id"}:
        yield Issue("invariant", "An element has a value or children besides its id (ele-1)", place)
    if shape.name == "Extension":
        valued = any(child.choice for child in met.values())
        if valued == ("extension" in node):
            yield Issue(
                "extension", "An extension has either value[x] or extensions, one and not both (ext-1)", place
            )


def _child(shape: Shape, key: str) -> Child | None:
    child = shape.children.get(key)
    if child is None and key.startswith("_"):
        child = shape.children.get(key[1:])
        if child is not None and not (child.primitive and may_be_extended(child)):
            return None
    return child


def _unknown(shape: Shape, key: str, place: str) -> Issue:
    if not _NAME.fullmatch(key):
        return Issue(
            "structure", f"{shape.name} has no element of this name (names of elements are letters)", place
        )
    choice = next((child for child in shape.children.values() if child.choice and child.element == key), None)
    near = [choice.property] if choice else get_close_matches(key, shape.children, 1)
    return Issue("structure", f"{shape.name} has no element '{key}'{_perhaps(near)}", f"{place}.{key}")


def _perhaps(near: list[str]) -> str:
    return f". Did you mean '{near[0]}'?" if near else ""


def _cardinality(shape: Shape, met: dict[str, Child], place: str) -> Issues:
    present = Counter(child.position for child in met.values())
    for position, alternatives in groupby(shape.children.values(), lambda child: child.position):
        child = next(alternatives)
        here = f"{place}.{child.element}"
        if present[position] > 1:
            text = f"Only one type of '{child.path}' may be present, and there are {present[position]}"
            yield Issue("structure", text, here)
        elif child.min and not present[position]:
            range_ = f"{child.min}..{child.max or '*'}"
            yield Issue("required", f"Element '{child.path}' is required ({range_}) and is missing", here)


def _property(node: Tree, child: Child, place: str, local: Local) -> Issues:
    value = node.get(child.property, _ABSENT)
    beside = node.get(f"_{child.property}", _ABSENT) if child.primitive else _ABSENT
    here = f"{place}.{child.element}"
    if not child.array:
        if child.primitive:
            yield from _primitive(child, value, beside, here, local)
        else:
            yield from _complex(child, value, here, local)
        return
    for values in (value, beside):
        if values is not _ABSENT and not isinstance(values, list):
            yield Issue("structure", "An array is expected here: the element may repeat", here)
            return
        if values == []:
            yield Issue("structure", "An array is never empty: leave the element out", here)
    if child.primitive:
        yield from _primitives(child, value, beside, here, local)
        return
    for i, item in enumerate(value):
        yield from _complex(child, item, f"{here}[{i}]", local)


def _primitives(child: Child, value: Any, beside: Any, place: str, local: Local) -> Issues:
    values = [] if value is _ABSENT else value
    besides = [] if beside is _ABSENT else beside
    if _ABSENT not in (value, beside) and len(values) != len(besides):
        text = (
            f"'{child.property}' and '_{child.property}' are arrays of the same length, filled up with nulls"
        )
        yield Issue("structure", text, place)
    for i, (one, its) in enumerate(zip_longest(values, besides)):
        here = f"{place}[{i}]"
        if one is None and its is None:
            yield Issue("structure", f"null needs an object in '_{child.property}' at the same index", here)
            continue
        yield from _primitive(
            child, _ABSENT if one is None else one, _ABSENT if its is None else its, here, local
        )


def _primitive(child: Child, value: Any, beside: Any, place: str, local: Local) -> Issues:
    if value is not _ABSENT:
        yield from _value(child, value, place)
    if beside is _ABSENT:
        return
    if value is not _ABSENT and isinstance(beside, dict) and beside.keys() == {"id"}:
        if not is_of("string", beside["id"]):
            yield Issue(*wrong_with("string", beside["id"]), f"{place}.id")
        return
    yield from _object(beside, shape_of("Element"), place, local)


def _value(child: Child, value: Any, place: str) -> Issues:
    if isinstance(value, list):
        yield Issue("structure", "An array is not expected here: the element appears at most once", place)
    elif value is None:
        yield Issue("structure", "null stands only inside arrays of primitives: leave the element out", place)
    elif not is_of(child.type, value):
        yield Issue(*wrong_with(child.type, value), place)
    elif child.value_set and (codes := codes_of(child.value_set)) is not None and value not in codes:
        yield Issue("code-invalid", outside(child.value_set, concept=False), place)


def _complex(child: Child, value: Any, place: str, local: Local) -> Issues:
    if child.type == "Resource":
        yield from (
            _contained(value, place, local) if child.element == "contained" else _resource(value, place)
        )
        return
    sound = True
    for issue in _object(value, shape_of(child.type), place, local):
        sound = False
        yield issue
    if not sound:
        return
    if child.type == "Reference":
        problem = wrong_with_reference(value, child.targets, local)
        if problem:
            yield Issue(*problem, place)
    elif child.value_set:
        concepts = concepts_of(child.value_set)
        if concepts is not None and not holds_one_of(value, concepts):
            yield Issue("code-invalid", outside(child.value_set, concept=True), place)
