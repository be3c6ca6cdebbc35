"""What FHIR itself asks of every resource beside structure and constraints: codes, extensions, resources inside.

One walk through the JSON of a resource, by tables that are made of each type when it is first met: a property that
needs no look has no place in its table. What is surely right is done with; whatever may need a word is a `Doubt`, and
only those get nodes, which know their places.

https://hl7.org/fhir/R4/terminologies.html · https://hl7.org/fhir/R4/extensibility.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

from fhir_server.definitions.catalogue import structure
from fhir_server.definitions.elements import Child, shape_of
from fhir_server.definitions.model import R4
from fhir_server.fhirpath.values import Element, Node
from fhir_server.validation.bindings import codes_of
from fhir_server.validation.coded import is_bound, is_known, judge_binding, judge_coding
from fhir_server.validation.declared import judge_declared
from fhir_server.validation.extensions import MODIFIER, is_surely_right, judge_extension
from fhir_server.validation.judging import STEPS_EACH, Judging
from fhir_server.validation.profile_rules import Binding
from fhir_server.validation.reach import target_of

_MAXIMUM: Final = "http://hl7.org/fhir/StructureDefinition/elementdefinition-maxValueSet"
_CODED: Final = frozenset({"Coding", "Quantity"})


@dataclass(slots=True, eq=False)
class Doubt:
    """An item that may need a word, and who says it. `steps` lead to it from the resource, the last one first:
    property, index, value and what stands beside it.
    """

    judge: Callable[[Node, Judging], None]
    steps: list[tuple[Element, int | None, Any, Any]] = field(default_factory=list)

    def node(self, node: Node) -> Node:
        """The item, from the node of the resource."""
        for element, index, value, extra in reversed(self.steps):
            node = Node(value, element.type, node, element, index, extra)
        return node


# Adds what may need a word, of one item (a JSON value that has nothing beside it) or of all under a property of one.
Look = Callable[[Any, Judging, list[Doubt]], None]
Visit = Callable[[Any, Any, Judging, list[Doubt]], None]


def judge_grounds(node: Node, judging: Judging) -> None:
    """Judge all that is inside a resource; of the resources inside it, their own profiles too."""
    doubts: list[Doubt] = []
    _look_inside(node.type)(node.value, judging, doubts)
    for doubt in doubts:
        doubt.judge(doubt.node(node), judging)


@cache
def _look_inside(type: str) -> Look:
    table: Mapping[str, Visit] | None = None

    def look(item: Any, judging: Judging, doubts: list[Doubt]) -> None:
        nonlocal table
        if table is None:
            table = _table(type)  # when it is first met: types are inside one another
        visit_of = table.get
        for key, value in item.items():
            visit = visit_of(key)
            if visit is not None:
                visit(item, value, judging, doubts)

    return look


@cache
def _table(type: str) -> Mapping[str, Visit]:
    """JSON property → what looks at it."""
    if not R4.knows(type):
        return {}
    found: dict[str, Visit] = {}
    for key, child in shape_of(type).children.items():
        element = R4.properties(type).get(key)
        if element is None:
            continue
        if child.primitive:
            binding = _binding(child)
            if binding is not None:
                found[key] = _each(element, _bound(binding, element.type))
            found[f"_{key}"] = _beside(element)
        elif child.type == "Extension":
            found[key] = _extensions(element, type)
        else:
            found[key] = _each(element, _look_of(child))
    return found


def _each(element: Element, look: Look) -> Visit:
    def visit_one(_parent: Any, value: Any, judging: Judging, doubts: list[Doubt]) -> None:
        before = len(doubts)
        look(value, judging, doubts)
        if len(doubts) > before:
            _lead(doubts, before, (element, None, value, None))

    def visit_each(_parent: Any, values: Any, judging: Judging, doubts: list[Doubt]) -> None:
        before = len(doubts)
        for index, item in enumerate(values):
            look(item, judging, doubts)
            if len(doubts) > before:
                before = _lead(doubts, before, (element, index, item, None))

    return visit_each if element.array else visit_one


def _lead(doubts: list[Doubt], before: int, step: tuple[Element, int | None, Any, Any]) -> int:
    """Lead to the doubts from one step further out. Gives their number."""
    for doubt in doubts[before:]:
        doubt.steps.append(step)
    return len(doubts)


def _look_of(child: Child) -> Look:
    """The look at an object."""
    match child.type:
        case "Resource":
            return lambda _item, _judging, doubts: doubts.append(Doubt(_judge_inner))
        case "Reference":
            return _reference
    inside, binding = _look_inside(child.type), _binding(child)
    if binding is None and child.type not in _CODED:
        return inside
    bound = None if binding is None else _bound(binding, child.type)
    coded = child.type in _CODED

    def look(item: Any, judging: Judging, doubts: list[Doubt]) -> None:
        if bound is not None:
            bound(item, judging, doubts)
        if coded and not is_known(item, judging):
            doubts.append(Doubt(_judge_coding))
        inside(item, judging, doubts)

    return look


def _bound(binding: Binding, type: str) -> Look:
    def judge(node: Node, judging: Judging) -> None:
        judge_binding(binding, node, judging)

    def look(item: Any, judging: Judging, doubts: list[Doubt]) -> None:
        if not is_bound(binding, item, type, judging):
            doubts.append(Doubt(judge))

    return look


def _judge_coding(node: Node, judging: Judging) -> None:
    judge_coding(node.value, node, judging)


def _extensions(element: Element, type: str) -> Visit:
    """The extensions in an object of a type."""
    inside, modifier = _look_inside("Extension"), element.name == MODIFIER

    def visit(parent: Any, value: Any, judging: Judging, doubts: list[Doubt]) -> None:
        before = len(doubts)
        for index, item in enumerate(value if isinstance(value, list) else ()):
            if isinstance(item, dict):
                if not is_surely_right(item, parent, type, judging, modifier=modifier):
                    doubts.append(Doubt(judge_extension))
                inside(item, judging, doubts)
                if len(doubts) > before:
                    before = _lead(doubts, before, (element, index, item, None))

    return visit


def _beside(element: Element) -> Visit:
    """The extensions of a primitive."""
    extensions = _look_inside("Element")

    def one(said: Any, extra: Any, index: int | None, judging: Judging, doubts: list[Doubt]) -> None:
        if type(extra) is dict and "extension" in extra:
            before = len(doubts)
            extensions({"extension": extra["extension"]}, judging, doubts)
            _lead(doubts, before, (element, index, said, extra))

    def visit(parent: Any, value: Any, judging: Judging, doubts: list[Doubt]) -> None:
        said = parent.get(element.key)
        if type(value) is list:
            values = said if type(said) is list else []
            for index, item in enumerate(value):
                one(values[index] if index < len(values) else None, item, index, judging, doubts)
        else:
            one(said, value, None, judging, doubts)

    return visit


def _judge_inner(node: Node, judging: Judging) -> None:
    """A resource inside another: contained, or in an entry or a parameter."""
    type_ = node.value.get("resourceType")
    if not isinstance(type_, str) or not R4.knows(type_):
        return
    node.type = type_
    judging.allow(STEPS_EACH)
    judge_grounds(node, judging)
    judge_declared(node, judging)


def _reference(item: Any, judging: Judging, doubts: list[Doubt]) -> None:
    _look_inside("Reference")(item, judging, doubts)
    link = item.get("reference")
    if judging.world.options.references and judging.world.resolve is not None and isinstance(link, str):
        doubts.append(Doubt(_judge_link))


def _judge_link(node: Node, judging: Judging) -> None:
    if not node.value["reference"].startswith("#") and target_of(node, judging) is None:
        judging.say(
            "not-found",
            "This reference leads nowhere",
            "Cette référence ne mène nulle part",
            f"{node.place}.reference",
        )


def _binding(child: Child) -> Binding | None:
    """The binding of an element that structure does not judge."""
    own = _bindings(child.path.partition(".")[0]).get(child.path)
    if own is None:
        return None
    if own.strength == "required" and codes_of(own.value_set) is not None and child.type not in _CODED:
        return None
    # What R4 merely prefers is not worth a word, what it limits besides is.
    if own.strength in {"preferred", "example"}:
        return Binding("required", own.maximum) if own.maximum else None
    return own


@cache
def _bindings(root: str) -> Mapping[str, Binding]:
    found = {}
    for element in structure(root)["snapshot"]["element"]:
        binding = element.get("binding", {})
        if binding.get("valueSet"):
            maximum = [one for one in binding.get("extension", ()) if one["url"] == _MAXIMUM]
            found[element["path"]] = Binding(
                binding["strength"],
                binding["valueSet"].partition("|")[0],
                maximum[0].get("valueCanonical", "") if maximum else "",
            )
    return found
