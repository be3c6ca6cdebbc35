"""FHIRPath Patch on trees: Parameters with operations add, insert, delete, replace and move.

Operations apply in order, each to the result of the one before, on a copy. The whole patch is read and checked first
(400); an operation that does not fit the resource is refused (422). Under which JSON name something stands, and whether
in a list, follows from the definitions.

https://hl7.org/fhir/R4/fhirpatch.html
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fhir_server.definitions.model import R4
from fhir_server.fhirpath.errors import CannotEvaluate, NotAnExpression
from fhir_server.fhirpath.evaluator import evaluate, root_of
from fhir_server.fhirpath.parser import parse
from fhir_server.fhirpath.syntax import At, Expression, Member, Path
from fhir_server.fhirpath.types import is_a
from fhir_server.fhirpath.values import Budget, Node
from fhir_server.interactions.json_patch import MAX_OPERATIONS, copy_of
from fhir_server.interactions.patch_values import (
    Given,
    alternatives,
    build,
    element_for,
    fill,
    given_of,
)
from fhir_server.interactions.slots import Item, Slot, remove, replace
from fhir_server.kernel.errors import Malformed, TooLarge, Unprocessable
from fhir_server.kernel.wire import MAX_DEPTH, Tree, depth_of

MAX_VISITS = 500_000  # of elements, by all operations of one patch

# kind → the parts it needs beside `type` and `path`
_NEEDED: dict[str, tuple[str, ...]] = {
    "add": ("name", "value"),
    "insert": ("index", "value"),
    "delete": (),
    "replace": ("value",),
    "move": ("source", "destination"),
}
_PARTS = frozenset({"type", "path", "name", "value", "index", "source", "destination"})


@dataclass(frozen=True, slots=True)
class _Operation:
    kind: str
    path: Expression
    name: str
    value: Given | None
    index: int
    source: int
    destination: int
    place: str  # in the patch: `Parameters.parameter[3]`

    def refusal(self, text: str) -> Unprocessable:
        return Unprocessable(f"{self.kind}: {text}", self.place)


def apply(tree: Tree, parameters: Tree) -> Tree:
    """The resource after a FHIRPath Patch; `tree` itself is not changed.

    Raises `Malformed` when `parameters` is no such patch, `Unprocessable` when it does not apply, and `TooLarge`
    when it has too many operations. Whether the result is valid is the caller's question.
    """
    operations = _operations_of(parameters)
    budget = Budget(MAX_VISITS)
    patched: Tree = copy_of(tree)
    for operation in operations:
        try:
            _perform(operation, patched, budget)
        except CannotEvaluate as error:
            raise Unprocessable(str(error), f"{operation.place}.part", code=error.issues[0].code) from None
    return patched


def _perform(operation: _Operation, tree: Tree, budget: Budget) -> None:
    nodes = _nodes_at(operation, tree, budget)
    match operation.kind:
        case "add":
            _add(operation, _the_one(operation, nodes), budget)
        case "insert":
            _insert(operation, _the_list(operation, nodes))
        case "delete":
            if nodes:  # "Except for the delete operation, it is an error if no element matches"
                remove(_below_root(operation, nodes))
        case "replace":
            _replace(operation, _below_root(operation, nodes))
        case "move":
            _move(operation, _the_list(operation, nodes))


def _add(operation: _Operation, parent: Node, budget: Budget) -> None:
    assert operation.value is not None
    # Writing a list again costs as much as looking at it.
    budget.charge(sum(len(v) for v in parent.inside.values() if isinstance(v, list)), 0)
    item = fill(parent, operation.name, operation.value, operation.refusal)
    _require_depth(operation, parent, item)


def _insert(operation: _Operation, slot: Slot) -> None:
    assert operation.value is not None
    items = slot.items
    element = element_for(operation.value, (slot.element,), operation.refusal)
    _require_index(operation, operation.index, len(items) + 1)
    item = build(operation.value, element, operation.refusal)
    _require_depth(operation, slot.parent, item)
    items.insert(operation.index, item)
    slot.write(items)


def _replace(operation: _Operation, node: Node) -> None:
    assert operation.value is not None
    assert node.parent is not None
    assert node.element is not None
    elements = alternatives(node.parent.type, node.element.name)
    element = element_for(operation.value, elements, operation.refusal)
    item = build(operation.value, element, operation.refusal)
    _require_depth(operation, node.parent, item)
    replace(Slot(node.parent, node.element), node.index, item, element)


def _move(operation: _Operation, slot: Slot) -> None:
    items = slot.items
    _require_index(operation, operation.source, len(items))
    _require_index(operation, operation.destination, len(items))
    items.insert(operation.destination, items.pop(operation.source))
    slot.write(items)


# What a path finds


def _nodes_at(operation: _Operation, tree: Tree, budget: Budget) -> list[Node]:
    _require_known_path(operation, root_of(tree, R4))
    nodes = evaluate(operation.path, tree, R4, budget=budget, typed_choices=True)
    if any(node.parent is None and node.value is not tree for node in nodes):
        raise operation.refusal("the path gives a computed value, and not an element of the resource")
    return nodes


def _require_known_path(operation: _Operation, root: Node) -> None:
    """Refuse a plain path that finds nothing in any resource of this type: a typo would delete nothing, silently."""
    path = operation.path
    origin, steps = (path.origin, path.steps) if isinstance(path, Path) else (path, ())
    if not isinstance(origin, Member):
        return
    names = [origin.name]
    for step in steps:
        if isinstance(step, Member):
            names.append(step.name)
        elif not isinstance(step, At):
            break
    if names[0][:1].isupper():
        if not R4.knows(names[0]) or not is_a(root, names[0], R4, 0):
            raise operation.refusal(
                f"the path starts at another type than {root.type}, which the resource is"
            )
        del names[0]
    types = {root.type}
    for name in names:
        if "Resource" in types:  # what is contained is known when it is there
            return
        inside = {element.type for outer in types for element in alternatives(outer, name)}
        if not inside:
            raise operation.refusal(
                f"{' or '.join(sorted(types))} has no element of the name that the path gives"
            )
        types = inside


def _the_one(operation: _Operation, nodes: list[Node]) -> Node:
    if len(nodes) != 1:
        found = "no element is there" if not nodes else f"{len(nodes)} elements are there"
        raise operation.refusal(f"the path must lead to one element, and {found}")
    return nodes[0]


def _below_root(operation: _Operation, nodes: list[Node]) -> Node:
    node = _the_one(operation, nodes)
    if node.parent is None:
        raise operation.refusal("the path leads to the resource itself; this can be done to an element of it")
    return node


def _the_list(operation: _Operation, nodes: list[Node]) -> Slot:
    """The list that the nodes are the whole of."""
    if not nodes:
        raise operation.refusal("the path must lead to a list, and no element is there; 'add' begins one")
    first = nodes[0]
    if first.parent is None or first.element is None or not first.element.array:
        raise operation.refusal("the path must lead to an element that repeats")
    slot = Slot(first.parent, first.element)
    holder = first.parent.inside
    whole = all(
        node.parent is not None
        and node.parent.inside is holder
        and node.element == first.element
        and node.index == index
        for index, node in enumerate(nodes)
    )
    if not whole or len(nodes) != len(slot.items):
        raise operation.refusal("the path must lead to the whole of one list")
    return slot


def _require_index(operation: _Operation, index: int, end: int) -> None:
    if index >= end:
        raise operation.refusal(f"the index must be below {end} here")


def _require_depth(operation: _Operation, parent: Node, item: Item) -> None:
    """Keep the tree within what the parser takes; each step may be an object in a list."""
    steps = parent.place.count(".") + 1
    if 2 * steps + max(map(depth_of, item)) > MAX_DEPTH:
        raise operation.refusal(f"the result would nest more than {MAX_DEPTH} levels deep")


# The patch itself


def _operations_of(parameters: Tree) -> list[_Operation]:
    if parameters.get("resourceType") != "Parameters":
        raise Malformed("A FHIRPath Patch is a Parameters resource", "resourceType")
    given = parameters.get("parameter", [])
    if not isinstance(given, list):
        raise Malformed("The operations are a list", "Parameters.parameter")
    if len(given) > MAX_OPERATIONS:
        raise TooLarge(
            f"The patch has {len(given):,} operations; this server takes at most {MAX_OPERATIONS:,}"
        )
    return [_operation(parameter, f"Parameters.parameter[{i}]") for i, parameter in enumerate(given)]


def _operation(parameter: Any, place: str) -> _Operation:
    if not isinstance(parameter, dict) or parameter.get("name") != "operation":
        raise Malformed("Each parameter of a FHIRPath Patch is named 'operation'", f"{place}.name")
    parts = _parts_of(parameter, place)
    kind = _text(parts, "type", place)
    if kind not in _NEEDED:
        raise Malformed(f"The type of an operation is one of {', '.join(_NEEDED)}", f"{place}.part")
    for name in _NEEDED[kind]:
        if name not in parts:
            raise Malformed(f"The operation '{kind}' needs a part '{name}'", f"{place}.part")
    try:
        path = parse(_text(parts, "path", place))
    except NotAnExpression as error:
        raise Malformed(str(error), f"{place}.part", code="invalid") from None
    needed = _NEEDED[kind]
    return _Operation(
        kind=kind,
        path=path,
        name=_text(parts, "name", place) if "name" in needed else "",
        value=given_of(*parts["value"]) if "value" in needed else None,
        index=_integer(parts, "index") if "index" in needed else 0,
        source=_integer(parts, "source") if "source" in needed else 0,
        destination=_integer(parts, "destination") if "destination" in needed else 0,
        place=place,
    )


def _parts_of(parameter: Tree, place: str) -> dict[str, tuple[Tree, str]]:
    """The parts of an operation by name, each with its place."""
    found: dict[str, tuple[Tree, str]] = {}
    given = parameter.get("part")
    for index, part in enumerate(given if isinstance(given, list) else []):
        here = f"{place}.part[{index}]"
        name = part.get("name") if isinstance(part, dict) else None
        if not isinstance(name, str) or name not in _PARTS:
            raise Malformed(f"The parts of an operation are {', '.join(sorted(_PARTS))}", f"{here}.name")
        if name in found:
            raise Malformed(f"The part '{name}' is there twice", f"{here}.name")
        found[name] = part, here
    return found


def _text(parts: dict[str, tuple[Tree, str]], name: str, place: str) -> str:
    if name not in parts:
        raise Malformed(f"An operation needs a part '{name}'", f"{place}.part")
    part, here = parts[name]
    value = part.get("valueCode", part.get("valueString"))
    if not isinstance(value, str):
        wanted = "valueCode" if name == "type" else "valueString"
        raise Malformed(f"The part '{name}' has a {wanted}", here)
    return value


def _integer(parts: dict[str, tuple[Tree, str]], name: str) -> int:
    part, here = parts[name]
    value = part.get("valueInteger", part.get("valueUnsignedInt"))
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise Malformed(f"The part '{name}' has a valueInteger of 0 or more", here)
    return value
