"""The fast half of the validator: R4's shapes compiled to functions that only say yes or no.

A shape becomes four tables, looked up by JSON property: *leaves* judge a value by itself, *parts* judge an object,
which may hold references, *lists* each object of an array, and *knots* must see the neighbours too (choices,
`_property`, arrays of primitives with nulls). What lies inside a child is compiled when it is first met: a server that
only sees Patients compiles little more.

Whatever is said here is said again by `walk`, which also tells why; `validator.check` runs that one after a no.

https://hl7.org/fhir/R4/json.html
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Any

from fhir_server.definitions.catalogue import resource_types
from fhir_server.definitions.elements import Child, Shape, shape_of
from fhir_server.kernel.wire import Tree
from fhir_server.validation.bindings import codes_of, concepts_of, holds_one_of
from fhir_server.validation.primitives import LEAVES, Leaf, may_be_extended
from fhir_server.validation.references import Local, local_of, unused_names, wrong_with_reference

Part = Callable[[Any, Local], bool]
Knot = Callable[[Tree, Any, Local], bool]

# Properties that a contained resource may not have in its meta (dom-4, dom-5).
_SERVERS_META = frozenset({"versionId", "_versionId", "lastUpdated", "_lastUpdated", "security"})


def is_sound(tree: Any) -> bool:
    """Whether a resource keeps every rule that this validator knows."""
    try:
        return _resource(tree, {})
    except TypeError:  # a pattern met a number, or a set was asked for a list: a value of the wrong kind
        return False


def _resource(tree: Any, _outer: Local) -> bool:
    if type(tree) is not dict or (type_ := tree.get("resourceType")) not in resource_types():
        return False
    if "contained" not in tree:
        return _object(type_)(tree, {"#": type_})
    local = local_of(tree)
    # Fewer names than resources: two contained resources have the same id.
    return _object(type_)(tree, local) and len(local) == len(tree["contained"]) + 1 and not unused_names(tree)


def _contained(tree: Any, local: Local) -> bool:
    if type(tree) is not dict or (type_ := tree.get("resourceType")) not in resource_types():
        return False
    if "contained" in tree or "id" not in tree or not _object(type_)(tree, local):
        return False
    return _SERVERS_META.isdisjoint(tree.get("meta", ()))


@cache
def _object(name: str) -> Part:
    """The judge of a resource type, a data type or a backbone element."""
    shape = shape_of(name)
    leaves: dict[str, Leaf] = {}
    parts: dict[str, Part] = {}
    lists: dict[str, Part] = {}
    knots: dict[str, Knot] = {}
    for child in shape.children.values():
        _enter(child, shape, leaves, lists if child.array else parts, knots)
    if shape.kind == "resource":
        leaves["resourceType"] = {name}.__contains__
    required = frozenset(c.property for c in shape.children.values() if c.min and not c.choice)
    one_of = tuple({_alternatives(shape, c) for c in shape.children.values() if c.min and c.choice})
    leaf_of, part_of, list_of, knot_of = leaves.get, parts.get, lists.get, knots.get

    def judge(node: Any, local: Local) -> bool:
        if type(node) is not dict or not node:
            return False
        for key, value in node.items():
            if leaf := leaf_of(key):
                if not leaf(value):
                    return False
            elif part := part_of(key):
                if not part(value, local):
                    return False
            elif one := list_of(key):
                if type(value) is not list or not value:
                    return False
                for item in value:
                    if not one(item, local):
                        return False
            elif not (knot := knot_of(key)) or not knot(node, value, local):
                return False
        if required:
            # Almost always all are there by name; an element may also be there for its extensions alone.
            if not node.keys() >= required and not all(k in node or f"_{k}" in node for k in required):
                return False
        elif len(node) == 1 and "id" in node:  # ele-1
            return False
        return not one_of or not any(alternatives.isdisjoint(node) for alternatives in one_of)

    return _extension(judge) if name == "Extension" else judge


def _enter(
    child: Child, shape: Shape, leaves: dict[str, Leaf], parts: dict[str, Part], knots: dict[str, Knot]
) -> None:
    """Put the judges of one property, and of the `_property` beside it, into the tables."""
    name, beside = child.property, f"_{child.property}"
    if not child.primitive:
        if child.choice:
            knots[name] = _alone(child, shape, _when_asked(child))
        else:
            parts[name] = _when_met(parts, name, child)
        return
    leaf = _leaf(child)
    if child.choice:
        knots[name] = _alone(child, shape, lambda _node, value, _local: bool(leaf(value)))
        knots[beside] = _alone(child, shape, _beside(name))
    elif child.array:
        knots[name], knots[beside] = _primitives(leaf, beside), _beside_each(name)
    else:
        leaves[name] = leaf
        if may_be_extended(child):
            knots[beside] = _beside(name)


def _alternatives(shape: Shape, child: Child) -> frozenset[str]:
    """Every property that stands for the same choice as `child`."""
    names = [c.property for c in shape.children.values() if c.position == child.position]
    return frozenset(names) | {f"_{name}" for name in names}


def _when_met(parts: dict[str, Part], name: str, child: Child) -> Part:
    """A judge that puts the real one in its own place when it is first asked."""

    def first(value: Any, local: Local) -> bool:
        parts[name] = _part(child)
        return parts[name](value, local)

    return first


def _when_asked(child: Child) -> Knot:
    """The judge of an object in a choice, made when it is first asked: Extension alone has thirty of them."""
    part: Part | None = None

    def judge(_node: Tree, value: Any, local: Local) -> bool:
        nonlocal part
        part = part or _part(child)
        return part(value, local)

    return judge


def _part(child: Child) -> Part:
    """The judge of one object of a property that is not primitive."""
    if child.type == "Resource":
        return _contained if child.element == "contained" else _resource
    if child.type == "Reference":
        return _reference(child.targets)
    concepts = concepts_of(child.value_set) if child.value_set else None
    return _object(child.type) if concepts is None else _concept(concepts)


@cache
def _reference(targets: tuple[str, ...]) -> Part:
    body = _object("Reference")
    # The usual reference, decided by one pattern; whatever else goes the long way.
    usual = re.compile(
        rf"(?:{'|'.join(targets or sorted(resource_types()))})/[A-Za-z0-9\-.]{{1,64}}|urn:uuid:[0-9a-f-]{{36}}"
    ).fullmatch

    string = LEAVES["string"]

    def judge(node: Any, local: Local) -> bool:
        # Nearly all have nothing but their text, and sometimes a display.
        if type(node) is dict and type(text := node.get("reference")) is str and usual(text):
            if len(node) == 1:
                return True
            if len(node) == 2 and type(display := node.get("display")) is str:
                return bool(string(display))
        if not body(node, local):
            return False
        text = node.get("reference")
        if text is not None and "type" not in node and usual(text):
            return True
        return wrong_with_reference(node, targets, local) is None

    return judge


def _concept(concepts: frozenset[tuple[str, str]]) -> Part:
    body = _object("CodeableConcept")
    return lambda node, local: body(node, local) and holds_one_of(node, concepts)


def _extension(body: Part) -> Part:
    """ext-1: an extension has a value or extensions, one and not both."""

    def judge(node: Any, local: Local) -> bool:
        if not body(node, local):
            return False
        nested = "extension" in node
        return (len(node) - ("url" in node) - ("id" in node) - nested > 0) != nested

    return judge


def _leaf(child: Child) -> Leaf:
    codes = codes_of(child.value_set) if child.value_set else None
    return LEAVES[child.type] if codes is None else codes.__contains__


def _alone(child: Child, shape: Shape, knot: Knot) -> Knot:
    """The judge of one alternative of a choice, which refuses any other beside it."""
    alternatives = _alternatives(shape, child)
    mine = {child.property, f"_{child.property}"}

    def judge(node: Tree, value: Any, local: Local) -> bool:
        met = node.keys() & alternatives
        return (len(met) == 1 or met <= mine) and knot(node, value, local)

    return judge


def _primitives(leaf: Leaf, beside: str) -> Knot:
    """The judge of an array of primitives. Where it has a null, `_property` must have the element's extensions."""

    def judge(node: Tree, values: Any, _local: Local) -> bool:
        if type(values) is not list or not values:
            return False
        for value in values:
            if value is None:
                if beside not in node:
                    return False
            elif not leaf(value):
                return False
        return True

    return judge


def _beside(name: str) -> Knot:
    """The judge of `_property`: id and extensions of one primitive, which may have no value."""
    return lambda node, value, local: _is_element(value, local, valued=name in node)


def _beside_each(name: str) -> Knot:
    """The judge of `_property` where the property repeats: an array as long as the values', with nulls as needed."""

    def judge(node: Tree, values: Any, local: Local) -> bool:
        if type(values) is not list or not values:
            return False
        if name not in node:
            return all(_is_element(value, local, valued=False) for value in values)
        beside = node[name]
        if type(beside) is not list or len(beside) != len(values):
            return False
        return all(
            said is not None if value is None else _is_element(value, local, valued=said is not None)
            for said, value in zip(beside, values, strict=True)
        )

    return judge


def _is_element(value: Any, local: Local, *, valued: bool) -> bool:
    if valued and type(value) is dict and value.keys() == {"id"}:
        return bool(LEAVES["string"](value["id"]))
    return _object("Element")(value, local)
