"""The constraints of R4's own types, and the rules of their values, asked of everything inside a resource.

As structure is judged: a compiled walk says yes to sound traffic, fast; only after a no does a second walk look for
the places. What structure itself says (`walk`: ele-1, ext-1, ref-1, the rules of contained resources and narratives)
is not asked again.

https://hl7.org/fhir/R4/conformance-rules.html#constraints
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any, Final

from fhir_server.definitions.catalogue import structure
from fhir_server.definitions.elements import Child, Shape, shape_of
from fhir_server.definitions.model import R4
from fhir_server.fhirpath.surroundings import ConformsTo, Surroundings
from fhir_server.fhirpath.tree import children, root_of
from fhir_server.fhirpath.values import Budget, Node
from fhir_server.kernel.issues import Issue
from fhir_server.kernel.wire import Tree
from fhir_server.validation.elements import OF_TYPE
from fhir_server.validation.invariants import Constraint, constraint_of, surroundings_of
from fhir_server.validation.native import CERTAIN, Form
from fhir_server.validation.world import World

_OF_STRUCTURE: Final = frozenset(
    {"ele-1", "ext-1", "ref-1", "txt-1", "txt-2", "dom-2", "dom-3", "dom-4", "dom-5"}
)
_SIMPLE_QUANTITY: Final = "http://hl7.org/fhir/StructureDefinition/SimpleQuantity"
# What asks beyond its own element is left to the walk that knows where it stands.
_BEYOND: Final = ("%resource", "%rootResource", "resolve()", "memberOf(", "conformsTo(", "subsume")
_UNSOUND: Final = (TypeError, AttributeError, KeyError, IndexError, ValueError)
_PATIENCE: Final = 10_000_000  # elements of one resource

Judge = Callable[[Any], bool]


def base_issues(tree: Tree, world: World, conforms_to: ConformsTo | None = None) -> Iterator[Issue]:
    """The constraints of R4 that a resource breaks, in the order of its elements.

    Meant for resources of sound structure; of what is not sound, whatever can be judged is judged.
    """
    if not keeps_them(tree):
        yield from _walk(root_of(tree, R4), world, surroundings_of(world, conforms_to), Budget(_PATIENCE))
    if world.options.best_practice != "ignore":
        yield from _without_narrative(tree, world)


def keeps_them(tree: Tree) -> bool:
    """The fast half: whether every constraint holds that is no mere advice."""
    try:
        return _resource(tree)
    except _UNSOUND:
        return False


def constraints_at(type: str, parent: str, element: str) -> tuple[Constraint, ...]:
    """Those of an element: of its type, and of its place in the type around it."""
    return _own(type) + _at(parent).get(element, ())


def _walk(node: Node, world: World, around: Surroundings, budget: Budget) -> Iterator[Issue]:
    parent = node.parent
    here = () if parent is None or node.element is None else _at(parent.type).get(node.element.key, ())
    for constraint in (*_own(node.type), *here):
        if _fails(constraint, node, world, around):
            yield Issue(
                "invariant",
                constraint.text,
                node.place,
                constraint.severity,
                french=constraint.french,
            )
    yield from _of_values(node, world)
    for child in children(node, R4, budget, 0):
        if node.type == "Bundle.entry" and _is_resource(child) and keeps_them(child.value):
            continue  # of thousands of entries, few are wrong
        yield from _walk(child, world, around, budget)


def _is_resource(node: Node) -> bool:
    return isinstance(node.value, dict) and "resourceType" in node.value


def _of_values(node: Node, world: World) -> Iterator[Issue]:
    if node.value is None:
        return
    for rule in OF_TYPE.get(node.type, ()):
        try:
            broken = not rule.test(node.value) and (rule.sure is None or rule.sure(node.value, world))
        except _UNSOUND:
            continue
        if broken:
            yield rule.issue(node.place)


def _fails(constraint: Constraint, node: Node, world: World, around: Surroundings) -> bool:
    try:
        return constraint.holds(node, world, around) is False
    except _UNSOUND:  # an element of the wrong kind, which structure has told
        return False


@cache
def _of_type(root: str) -> Mapping[str, tuple[Constraint, ...]]:
    """Path → the constraints that stand there in the definition of a type."""
    found: dict[str, tuple[Constraint, ...]] = {}
    simple = structure("SimpleQuantity")["snapshot"]["element"][0]["constraint"]
    for element in structure(root)["snapshot"]["element"]:
        written = list(element.get("constraint", ()))
        if any(_SIMPLE_QUANTITY in one.get("profile", ()) for one in element.get("type", ())):
            written += [one for one in simple if one["key"] == "sqty-1"]
        constraints = tuple(constraint_of(one, root) for one in written if one["key"] not in _OF_STRUCTURE)
        asked = tuple(one for one in constraints if not one.best_practice)
        if asked:
            found[element["path"]] = asked
    return found


def _root(name: str) -> str:
    return name.partition(".")[0]


@cache
def _own(type: str) -> tuple[Constraint, ...]:
    """The constraints of a resource type, a data type or a backbone element."""
    try:
        return _of_type(_root(type)).get(type, ())
    except KeyError:
        return ()


@cache
def _at(type: str) -> Mapping[str, tuple[Constraint, ...]]:
    """JSON property → the constraints of a place within a type, those of backbone elements aside."""
    try:
        shape, constraints = shape_of(type), _of_type(_root(type))
    except KeyError:
        return {}
    return {
        child.property: constraints[child.path]
        for child in shape.children.values()
        if child.path in constraints and child.type != child.path
    }


def _resource(tree: Tree) -> bool:
    return _judge(tree["resourceType"])(tree)


@cache
def _judge(name: str) -> Judge:
    """The fast judge of a resource type, a data type or a backbone element."""
    shape = shape_of(name)
    rules = tuple(rule.test for rule in OF_TYPE.get(name, ()))
    forms = tuple(_form(constraint, shape) for constraint in _own(name)) + rules
    parts: dict[str, Judge] = {}
    for child in shape.children.values():
        _enter(child, shape, parts)
    part_of = parts.get

    def judge(node: Any) -> bool:
        for form in forms:
            if not form(node):
                return False
        for key, value in node.items():
            if (part := part_of(key)) is not None:
                if type(value) is list:
                    for item in value:
                        if not part(item):
                            return False
                elif not part(value):
                    return False
        return True

    return judge


def _enter(child: Child, shape: Shape, parts: dict[str, Judge]) -> None:
    here = tuple(_form(constraint, shape) for constraint in _at(shape.name).get(child.property, ()))
    if child.primitive:
        if here:
            parts[child.property] = lambda _value: False  # rare: the slow walk knows
        elif rules := OF_TYPE.get(child.type):
            parts[child.property] = _all_of(tuple(rule.test for rule in rules))
        parts[f"_{child.property}"] = _extras
    elif child.type == "Resource":
        parts[child.property] = _resource
    else:
        parts[child.property] = _when_met(parts, child, here)


def _when_met(parts: dict[str, Judge], child: Child, here: tuple[Form, ...]) -> Judge:
    """A judge that puts the real one in its own place when it is first asked."""

    def first(value: Any) -> bool:
        inside = _judge(child.type)
        parts[child.property] = (
            inside if not here else lambda node: all(form(node) for form in here) and inside(node)
        )
        return parts[child.property](value)

    return first


def _all_of(tests: tuple[Judge, ...]) -> Judge:
    """Of a primitive, or of the null in its place."""
    if len(tests) == 1:
        (test,) = tests
        return lambda value: value is None or test(value)
    return lambda value: value is None or all(test(value) for test in tests)


def _extras(value: Any) -> bool:
    """The object beside a primitive, or the null in its place."""
    return value is None or _judge("Element")(value)


def _form(constraint: Constraint, shape: Shape) -> Form:
    """A constraint as a function of the JSON object; one that needs its surroundings says no, to be asked again."""
    if constraint.form is not None:
        return constraint.form
    beyond = [word for word in _BEYOND if word in constraint.expression]
    if beyond and not (shape.kind == "resource" and beyond == ["%resource"]):
        return CERTAIN.get(constraint.expression, lambda _node: False)
    return lambda node: constraint.evaluated(Node(node, shape.name)) is not False


def _without_narrative(tree: Tree, world: World) -> Iterator[Issue]:
    """dom-6, which is advice: of the resource and of those in the entries of a Bundle."""
    yield from _silent(tree, str(tree.get("resourceType")), world)
    entries = tree.get("entry") if tree.get("resourceType") == "Bundle" else None
    for i, entry in enumerate(entries if isinstance(entries, list) else ()):
        resource = entry.get("resource") if isinstance(entry, dict) else None
        if isinstance(resource, dict):
            yield from _silent(resource, f"Bundle.entry[{i}].resource", world)


def _silent(tree: Tree, place: str, world: World) -> Iterator[Issue]:
    type_ = tree.get("resourceType")
    text = tree.get("text")
    if isinstance(text, dict) and "div" in text:
        return
    if isinstance(type_, str) and R4.knows(type_) and R4.supertype(type_) == "DomainResource":
        yield Issue(
            "invariant",
            "A resource should have narrative for robust management (dom-6)",
            place,
            "error" if world.options.best_practice == "error" else "warning",
            french="Une ressource devrait avoir un texte lisible, pour être maniée sans risque (dom-6)",
        )
