"""The fast half of the validator: R4's shapes compiled to functions that only say yes or no.

Which properties an object has decides much: whether all that are required are there, that no two alternatives of a
choice are, what each value has to be. So objects are judged by their *layout*, the names of their properties in their
order: when it is first met a function is written for it, straight down its properties, and only the values are left to
be looked at. Strings are gathered, to be judged together (`gathered`); *leaves* judge a value by itself, *parts* an
object or each object of an array, and *knots* must see a neighbour too (`_property`, arrays of primitives that have
one).

Whatever is said here is said again by `walk`, which also tells why; `validator.check` runs that one after a no.

https://hl7.org/fhir/R4/json.html
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Any, Final, cast

from fhir_server.definitions.catalogue import resource_types
from fhir_server.definitions.elements import Child, Shape, shape_of
from fhir_server.kernel.wire import Tree
from fhir_server.validation.bindings import codes_of, concepts_of, holds_one_of
from fhir_server.validation.gathered import GATHERED, Gathered
from fhir_server.validation.narrative import is_narrative
from fhir_server.validation.primitives import LEAVES, Leaf, may_be_extended
from fhir_server.validation.references import local_of, unused_among, wrong_with_reference

Part = Callable[[Any, Gathered], bool]
Knot = Callable[[Tree, Any, Gathered], bool]

# Properties that a contained resource may not have in its meta (dom-4, dom-5).
_SERVERS_META = frozenset({"versionId", "_versionId", "lastUpdated", "_lastUpdated", "security"})
_NAMES: Final = frozenset({str, type(None)})
_MOST_LAYOUTS: Final = 128  # of one shape: senders write few, and whoever makes them up fills no memory
_MOST_NEW: Final = 200  # in one resource, all inside it included


# How a property is judged, as the function of a layout says it. `{key}`: of R4's own names, never the sender's.
_GATHERED: Final = """
    gathered.{into}.append(node["{key}"])"""
_LEAF: Final = """
    if not {judge}(node["{key}"]): return False"""
_KNOT: Final = """
    if not {judge}(node, node["{key}"], gathered): return False"""
_PART: Final = """
    if not {judge}(node["{key}"], gathered): return False"""
_PARTS: Final = """
    values = node["{key}"]
    if type(values) is not list or not values: return False
    for value in values:
        if not {judge}(value, gathered): return False"""
_OBJECT: Final = """
    value = node["{key}"]
    if type(value) is not dict or not {judge}[tuple(value)](value, gathered): return False"""
_OBJECTS: Final = """
    values = node["{key}"]
    if type(values) is not list or not values: return False
    for value in values:
        if type(value) is not dict or not {judge}[tuple(value)](value, gathered): return False"""


class Layouts(dict[tuple[str, ...], Part]):
    """The layouts of a resource type, a data type or a backbone element, each with its judge."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name

    def __missing__(self, keys: tuple[str, ...]) -> Part:
        def first(node: Any, gathered: Gathered) -> bool:
            # Writing takes its time. Who has made up more layouts than this is left to the walk, which writes none.
            if next(gathered.room, None) is None or (judge := _layout(self._name, keys)) is None:
                return False
            if len(self) >= _MOST_LAYOUTS:
                self.clear()
            self[keys] = judge
            return judge(node, gathered)

        return first


def is_sound(tree: Any) -> bool:
    """Whether a resource keeps every rule that this validator knows."""
    try:
        return _resource(tree, None)
    except TypeError:  # a pattern met a number, or a set was asked for a list: a value of the wrong kind
        return False


def _resource(tree: Any, outer: Gathered | None) -> bool:
    if type(tree) is not dict or (type_ := tree.get("resourceType")) not in resource_types():
        return False
    contained = tree.get("contained")
    local = {"#": type_} if contained is None else local_of(tree)
    gathered = Gathered(local, iter(range(_MOST_NEW)) if outer is None else outer.room)
    if not _layouts(type_)[tuple(tree)](tree, gathered) or not gathered.are_right():
        return False
    if contained is None:
        return True
    # Fewer names than resources: two contained resources have the same id.
    return len(local) == len(contained) + 1 and not unused_among(contained, gathered.named())


def _contained(tree: Any, gathered: Gathered) -> bool:
    if type(tree) is not dict or (type_ := tree.get("resourceType")) not in resource_types():
        return False
    if "contained" in tree or "id" not in tree or not _layouts(type_)[tuple(tree)](tree, gathered):
        return False
    return _SERVERS_META.isdisjoint(tree.get("meta", ()))


@cache
def _layouts(name: str) -> Layouts:
    return Layouts(name)


def _is_object(name: str, node: Any, gathered: Gathered) -> bool:
    return type(node) is dict and _layouts(name)[tuple(node)](node, gathered)


def _layout(name: str, keys: tuple[str, ...]) -> Part | None:
    """The judge of these properties; None: no object of the shape may have them, or may have no more than them."""
    shape = shape_of(name)
    if not _may_be(shape, frozenset(keys)):
        return None
    lines: list[str] = []
    judges: dict[str, Any] = {}
    for key in keys:
        if shape.kind == "resource" and key == "resourceType":
            continue  # by which the shape was chosen
        found = _judged(shape, key)
        if found is None:
            return None
        line, judge = found
        lines.append(line.format(key=key, into=judge, judge=f"judge{len(lines)}"))
        judges[f"judge{len(lines) - 1}"] = judge
    exec(f"def judge(node, gathered):{''.join(lines)}\n    return True", judges)  # noqa: S102  # R4's names only
    return cast(Part, judges["judge"])


def _judged(shape: Shape, key: str) -> tuple[str, Any] | None:
    """How a property is judged, and by what; None: the shape has no such property."""
    child = shape.children.get(key)
    if child is None:
        child = shape.children.get(key[1:]) if key[:1] == "_" else None
        if child is None or not child.primitive or not may_be_extended(child):
            return None
        return _KNOT, _beside_each(child.property) if child.array else _beside(child.property)
    if not child.primitive:
        part = _part(child)
        if part is None:
            return _OBJECTS if child.array else _OBJECT, _layouts(child.type)
        return _PARTS if child.array else _PART, part
    if child.array:
        return _KNOT, _primitives(child)
    if child.type == "xhtml":
        return _KNOT, _narrative
    gatherer = _gatherer(child)
    return (_LEAF, _leaf(child)) if gatherer is None else (_GATHERED, gatherer)


def _may_be(shape: Shape, keys: frozenset[str]) -> bool:
    """Whether what is required is there, and of each choice no more than one alternative."""
    if not keys:
        return False
    required, choices = _asked(shape.name)
    # An element may also be there for its extensions alone.
    if not all(name in keys or f"_{name}" in keys for name in required):
        return False
    if not required and keys == {"id"}:  # ele-1
        return False
    for alternatives, least in choices:
        there = {key.removeprefix("_") for key in keys & alternatives}
        if not least <= len(there) <= 1:
            return False
    return shape.name != "Extension" or _is_extension(keys)


def _is_extension(keys: frozenset[str]) -> bool:
    """ext-1: an extension has a value or extensions, one and not both."""
    return bool(keys - {"url", "id", "extension"}) != ("extension" in keys)


@cache
def _asked(name: str) -> tuple[tuple[str, ...], tuple[tuple[frozenset[str], int], ...]]:
    """The properties that a shape requires, and its choices: their alternatives, and how many there are at least."""
    children = shape_of(name).children.values()
    choices: dict[int, tuple[frozenset[str], int]] = {}
    for child in children:
        if child.choice:
            names, _ = choices.get(child.position, (frozenset(), 0))
            choices[child.position] = names | {child.property, f"_{child.property}"}, min(child.min, 1)
    required = tuple(child.property for child in children if child.min and not child.choice)
    return required, tuple(choices.values())


def _gatherer(child: Child) -> str | None:
    """Where the values of a property are gathered; None: they are judged by themselves."""
    bound = child.value_set is not None and codes_of(child.value_set) is not None
    return None if bound else GATHERED.get(child.type)


def _part(child: Child) -> Part | None:
    """The judge of one object of a property that is not primitive; None: its layout alone decides."""
    if child.type == "Resource":
        return _contained if child.element == "contained" else _resource
    if child.type == "Reference":
        return _reference(child.targets)
    wanted = concepts_of(child.value_set) if child.type == "CodeableConcept" and child.value_set else None
    return None if wanted is None else _concept(wanted)


@cache
def _reference(targets: tuple[str, ...]) -> Part:
    allowed = frozenset(targets) or resource_types()
    is_uuid = re.compile("urn:uuid:[0-9a-f-]{36}").fullmatch

    def judge(node: Any, gathered: Gathered) -> bool:
        text = node.get("reference") if type(node) is dict else None
        usual = False
        if type(text) is str:
            type_, _, id_ = text.partition("/")
            if type_ in allowed and "/" not in id_:
                gathered.ids.append(id_)
                usual = True
            else:
                usual = is_uuid(text) is not None
        # Nearly all have nothing but their text, and sometimes a display.
        if usual:
            if len(node) == 1:
                return True
            if len(node) == 2 and "display" in node:
                gathered.texts.append(node["display"])
                return True
        if (
            not _is_object("Reference", node, gathered)
            or type(text) not in _NAMES
            or type(node.get("type")) not in _NAMES
        ):
            return False
        return (usual and "type" not in node) or wrong_with_reference(node, targets, gathered.local) is None

    return judge


@cache
def _concept(wanted: frozenset[tuple[str, str]]) -> Part:
    """The judge of a CodeableConcept, of which a coding is among those `wanted`."""
    return lambda node, gathered: _is_object("CodeableConcept", node, gathered) and holds_one_of(node, wanted)


def _leaf(child: Child) -> Leaf:
    codes = codes_of(child.value_set) if child.value_set else None
    return LEAVES[child.type] if codes is None else codes.__contains__


def _narrative(_node: Tree, text: Any, gathered: Gathered) -> bool:
    gathered.divs.append(text)
    return is_narrative(text)


def _primitives(child: Child) -> Knot:
    """The judge of an array of primitives. Where it has a null, `_property` must have the element's extensions."""
    leaf, gatherer, beside = _leaf(child), _gatherer(child), f"_{child.property}"

    def judge(node: Tree, values: Any, gathered: Gathered) -> bool:
        if type(values) is not list or not values:
            return False
        if None in values:
            if beside not in node:
                return False
            values = [value for value in values if value is not None]
        if gatherer is None:
            return all(map(leaf, values))
        getattr(gathered, gatherer).extend(values)
        return True

    return judge


def _beside(name: str) -> Knot:
    """The judge of `_property`: id and extensions of one primitive, which may have no value."""
    return lambda node, value, gathered: _is_element(value, gathered, valued=name in node)


def _beside_each(name: str) -> Knot:
    """The judge of `_property` where the property repeats: an array as long as the values', with nulls as needed."""

    def judge(node: Tree, values: Any, gathered: Gathered) -> bool:
        if type(values) is not list or not values:
            return False
        if name not in node:
            return all(_is_element(value, gathered, valued=False) for value in values)
        beside = node[name]
        if type(beside) is not list or len(beside) != len(values):
            return False
        return all(
            said is not None if value is None else _is_element(value, gathered, valued=said is not None)
            for said, value in zip(beside, values, strict=True)
        )

    return judge


def _is_element(value: Any, gathered: Gathered, *, valued: bool) -> bool:
    if valued and type(value) is dict and value.keys() == {"id"}:
        return bool(LEAVES["string"](value["id"]))
    return _is_object("Element", value, gathered)
