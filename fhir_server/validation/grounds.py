"""What FHIR itself asks of every resource beside structure and constraints: codes, extensions, resources inside.

One walk through the whole tree, by tables that are made of each type when it is first met: a property that needs no
look has no place in its table.

https://hl7.org/fhir/R4/terminologies.html · https://hl7.org/fhir/R4/extensibility.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Final

from fhir_server.definitions.catalogue import structure
from fhir_server.definitions.elements import Child, shape_of
from fhir_server.definitions.model import R4
from fhir_server.fhirpath.values import Element, Node
from fhir_server.validation.bindings import codes_of
from fhir_server.validation.coded import judge_binding, judge_coding
from fhir_server.validation.declared import judge_declared
from fhir_server.validation.extensions import judge_extension
from fhir_server.validation.judging import STEPS_EACH, Judging
from fhir_server.validation.profile_rules import Binding
from fhir_server.validation.reach import target_of

Visit = Callable[[Node, Any, Judging], None]

_MAXIMUM: Final = "http://hl7.org/fhir/StructureDefinition/elementdefinition-maxValueSet"
_CODED: Final = frozenset({"Coding", "Quantity"})


def judge_grounds(node: Node, judging: Judging) -> None:
    """Judge all that is inside a resource; of the resources inside it, their own profiles too."""
    _visit(node, judging)


def _visit(node: Node, judging: Judging) -> None:
    visit_of = _table(node.type).get
    for key, value in node.value.items():
        visit = visit_of(key)
        if visit is not None:
            visit(node, value, judging)


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
                found[key] = _codes(element, binding)
            found[f"_{key}"] = _beside(element)
        elif child.type == "Extension":
            found[key] = _each(element, _extension)
        elif child.type == "Resource":
            found[key] = _each(element, _inner)
        else:
            found[key] = _each(element, _judge_of(child))
    return found


def _each(element: Element, judge: Callable[[Node, Judging], None]) -> Visit:
    type_ = element.type

    def visit(parent: Node, value: Any, judging: Judging) -> None:
        if type(value) is list:
            for index, item in enumerate(value):
                if type(item) is dict:
                    judge(Node(item, type_, parent, element, index), judging)
        elif type(value) is dict:
            judge(Node(value, type_, parent, element), judging)

    return visit


def _judge_of(child: Child) -> Callable[[Node, Judging], None]:
    binding = _binding(child)
    if child.type in _CODED:

        def coded(node: Node, judging: Judging) -> None:
            if binding is not None:
                judge_binding(binding, node, judging)
            judge_coding(node.value, node, judging)
            _visit(node, judging)

        return coded
    if child.type == "Reference":
        return _reference
    if binding is None:
        return _visit

    def bound(node: Node, judging: Judging) -> None:
        judge_binding(binding, node, judging)
        _visit(node, judging)

    return bound


def _codes(element: Element, binding: Binding) -> Visit:
    def visit(parent: Node, value: Any, judging: Judging) -> None:
        if type(value) is list:
            for index, item in enumerate(value):
                judge_binding(binding, Node(item, element.type, parent, element, index), judging)
        else:
            judge_binding(binding, Node(value, element.type, parent, element), judging)

    return visit


def _beside(element: Element) -> Visit:
    """The extensions of a primitive."""

    def one(parent: Node, said: Any, extra: Any, index: int | None, judging: Judging) -> None:
        if type(extra) is dict and "extension" in extra:
            node = Node(said, element.type, parent, element, index, extra)
            _table("Element")["extension"](node, extra["extension"], judging)

    def visit(parent: Node, value: Any, judging: Judging) -> None:
        said = parent.inside.get(element.key)
        if type(value) is list:
            values = said if type(said) is list else []
            for index, item in enumerate(value):
                one(parent, values[index] if index < len(values) else None, item, index, judging)
        else:
            one(parent, said, value, None, judging)

    return visit


def _extension(node: Node, judging: Judging) -> None:
    judge_extension(node, judging)
    _visit(node, judging)


def _inner(node: Node, judging: Judging) -> None:
    """A resource inside another: contained, or in an entry or a parameter."""
    type_ = node.value.get("resourceType")
    if not isinstance(type_, str) or not R4.knows(type_):
        return
    node.type = type_
    judging.allow(STEPS_EACH)
    _visit(node, judging)
    judge_declared(node, judging)


def _reference(node: Node, judging: Judging) -> None:
    _visit(node, judging)
    link = node.value.get("reference")
    if not judging.world.options.references or judging.world.resolve is None or not isinstance(link, str):
        return
    if not link.startswith("#") and target_of(node, judging) is None:
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
