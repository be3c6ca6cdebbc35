"""Values into trees, at paths as caret rules and instances write them: `title.extension[+].valueCode`.

`[0]` is the first of a list, and what is meant without brackets; `[+]` is a new one, `[=]` the last there is.

https://hl7.org/fhir/uv/shorthand/reference.html#paths
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from fhir_server.definitions.elements import Child, shape_of
from fhir_server.kernel.wire import number
from tools.fsh.model import CanonicalOf, Coded, Place, Quantified, Referred, Text, Value, Word

Tree = dict[str, Any]
# A name as a canonical URL, of a code system or of anything
Canonical = Callable[[Place, str], str]

_STEP: Final = re.compile(r"([A-Za-z]+)(?:\[(\d+|\+|=)\])?(?:\.|$)")
_WORDS: Final = frozenset({"string", "markdown", "code", "id", "base64Binary", "xhtml"})
_URIS: Final = frozenset({"uri", "url", "canonical", "oid", "uuid"})
_INTEGERS: Final = frozenset({"integer", "positiveInt", "unsignedInt"})
_DATED: Final = frozenset({"date", "dateTime", "instant", "time"})
_TEXTS: Final = _WORDS | _URIS | _DATED
_QUANTITIES: Final = frozenset({"Quantity", "SimpleQuantity", "Age", "Duration", "Count"})


class Assigner:
    """Knows the code systems and canonicals that values name."""

    def __init__(self, system: Canonical, canonical: Canonical) -> None:
        self._system = system
        self._canonical = canonical

    def assign(self, tree: Tree, type: str, path: str, value: Value, place: Place) -> None:
        """Put a value into `tree`, which is of the type or shape `type`. Raises `FshError`."""
        shape = type
        steps = list(_steps(path, place))
        for position, (name, index) in enumerate(steps):
            child = shape_of(shape).children.get(name)
            if child is None:
                place.wrong(f"{shape} has no element '{name}'")
            last = position == len(steps) - 1
            if last:
                _put(tree, child, index, self.converted(value, child.type, place), place)
            elif child.primitive:
                tree = _below(tree, f"_{name}", array=child.array, index=index, place=place)
                shape = "Element"
            else:
                tree = _below(tree, name, array=child.array, index=index, place=place)
                shape = child.type

    def converted(self, value: Value, type: str, place: Place) -> Any:
        """A literal as JSON, in an element of `type`. Raises `FshError`."""
        match value:
            case Text(text) if type in _TEXTS:
                return text
            case Word(text) if type == "boolean" and text in {"true", "false"}:
                return text == "true"
            case Word(text) if type in _INTEGERS and text.lstrip("+-").isdigit():
                return int(text)
            case Word(text) if type == "decimal":
                return number(text)
            case Word(text) if type in _DATED:
                return text
            case Coded() if type == "code":
                return value.code
            case Coded() if type == "Coding":
                return self._coding(value, place)
            case Coded() if type == "CodeableConcept":
                return {"coding": [self._coding(value, place)]}
            case Coded() if type in _QUANTITIES:
                return self._unit(value, place)
            case Quantified(amount, unit) if type in {
                "Quantity",
                "SimpleQuantity",
                "Age",
                "Duration",
                "Count",
            }:
                return {"value": number(amount), **self._unit(unit, place)}
            case Referred(target, display) if type == "Reference":
                return {"reference": target} | ({"display": display} if display else {})
            case CanonicalOf(name) if type in {"canonical", "uri", "url"}:
                return self._canonical(place, name)
        return place.wrong(f"a value of this form does not fit an element of type {type}")

    def _coding(self, coded: Coded, place: Place) -> Tree:
        coding: Tree = {}
        if coded.system:
            system, _, version = self._system(place, coded.system).partition("|")
            coding["system"] = system
            if version:
                coding["version"] = version
        coding["code"] = coded.code
        if coded.display:
            coding["display"] = coded.display
        return coding

    def _unit(self, unit: Coded, place: Place) -> Tree:
        coding = self._coding(unit, place)
        display = coding.pop("display", "")
        return ({"unit": display} if display else {}) | coding


def _steps(path: str, place: Place) -> Iterator[tuple[str, str | None]]:
    at = 0
    while at < len(path):
        found = _STEP.match(path, at)
        if found is None:
            place.wrong(f"'{path}' is no path")
        yield found[1], found[2]
        at = found.end()


def ordered(tree: Tree, type: str) -> Tree:
    """The same with its own properties in the order of the definition."""
    children: Mapping[str, Child] = shape_of(type).children

    def position(name: str) -> tuple[int, int, str]:
        child = children.get(name.removeprefix("_"))
        return (-1, 0, name) if child is None else (child.position, name.startswith("_"), name)

    return {name: tree[name] for name in sorted(tree, key=position)}


def _put(tree: Tree, child: Child, index: str | None, value: Any, place: Place) -> None:
    if not child.array:
        if index not in {None, "0"}:
            place.wrong(f"'{child.property}' is no list")
        tree[child.property] = value
        return
    items = tree.setdefault(child.property, [])
    at = _index(items, index, place)
    if at == len(items):
        items.append(value)
    else:
        items[at] = value


def _below(tree: Tree, name: str, *, array: bool, index: str | None, place: Place) -> Tree:
    if not array:
        found: Tree = tree.setdefault(name, {})
        return found
    items: list[Tree] = tree.setdefault(name, [])
    at = _index(items, index, place)
    if at == len(items):
        items.append({})
    return items[at]


def _index(items: list[Any], index: str | None, place: Place) -> int:
    if index == "+":
        return len(items)
    if index == "=":
        return max(len(items) - 1, 0)
    at = int(index or 0)
    if at > len(items):
        place.wrong(f"[{at}] leaves a gap in a list of {len(items)}")
    return at
