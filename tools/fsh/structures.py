"""Profiles and extensions as StructureDefinitions with a differential.

https://hl7.org/fhir/R4/structuredefinition.html · https://hl7.org/fhir/R4/elementdefinition.html
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from tools.fsh.assigning import Assigner, Tree, ordered
from tools.fsh.guides import Definition
from tools.fsh.model import (
    Assignment,
    Binding,
    CanonicalOf,
    Cardinality,
    Caret,
    Coded,
    Concept,
    Contains,
    Flags,
    Obeys,
    Only,
    Place,
    Quantified,
    Referred,
    Rule,
    Slice,
    Text,
    Value,
    Word,
)
from tools.fsh.names import R4, Scope, r4_structure
from tools.fsh.paths import Path, Paths, Segment, Where

_FLAGS: Final = {"MS": "mustSupport", "SU": "isSummary", "?!": "isModifier"}
_COMPLEX: Final = frozenset({"Coding", "CodeableConcept", "Quantity"})


class Structure:
    """One StructureDefinition in the making."""

    def __init__(self, scope: Scope, paths: Paths, assigner: Assigner, definition: Definition) -> None:
        self._scope = scope
        self._paths = paths
        self._assigner = assigner
        self._definition = definition
        self._type = paths.type_of(definition)
        self._elements: dict[Path, Tree] = {}
        self._keys: dict[Path, tuple[int, ...]] = {}
        self._slices: dict[tuple[Path, tuple[str, ...]], int] = {}

    def made(self, head: Tree) -> Tree:
        """The resource, upon what all definitions have. Raises `FshError`."""
        parent = self._paths.parent_of(self._definition)
        kind = "complex-type" if self._is_data_type() else "resource"
        tree = head | {
            "fhirVersion": "4.0.1",
            "kind": kind,
            "abstract": False,
            "type": self._type,
            "baseDefinition": parent.canonical,
            "derivation": "constraint",
        }
        if self._type == "Extension":
            self._contexts(tree)
        self._root()
        for rule in self._scope.rules(self._definition):
            self._apply(rule, tree)
        if self._type == "Extension":
            self._complete_extension(tree["url"])
        elements = (self._elements[path] for path in sorted(self._elements, key=self._order))
        tree["differential"] = {"element": [ordered(element, "ElementDefinition") for element in elements]}
        return ordered(tree, "StructureDefinition")

    # --- elements

    def _root(self) -> Tree:
        return self._elements.setdefault((), {"id": self._type, "path": self._type})

    def _element(self, path: str, place: Place) -> tuple[Tree, Where]:
        where = self._paths.at(self._definition, path, place)
        return self._of(where), where

    def _of(self, where: Where) -> Tree:
        if not where.path:
            return self._root()
        for at, segment in enumerate(where.path):
            for number in range(1, len(segment.slices) + 1):
                key = ((*where.path[:at], Segment(segment.name)), segment.slices[:number])
                self._slices.setdefault(key, len(self._slices) + 1)
            self._keys[where.path[: at + 1]] = where.positions[: at + 1]
        if where.path not in self._elements:
            last = where.path[-1]
            element = {
                "id": ".".join((self._type, *(segment.id for segment in where.path))),
                "path": ".".join((self._type, *(segment.name for segment in where.path))),
            }
            if last.slices:
                element["sliceName"] = "/".join(last.slices)
            self._elements[where.path] = element
        return self._elements[where.path]

    def _order(self, path: Path) -> tuple[tuple[int, tuple[int, ...]], ...]:
        """R4's order of elements; after an element its slices, in the order in which they were named."""
        positions = self._keys[path] if path else ()
        return tuple(
            (position, self._slice_order(path[:at], path[at])) for at, position in enumerate(positions)
        )

    def _slice_order(self, above: Path, segment: Segment) -> tuple[int, ...]:
        place = (*above, Segment(segment.name))
        return tuple(
            self._slices[place, segment.slices[:number]] for number in range(1, len(segment.slices) + 1)
        )

    # --- rules

    def _apply(self, rule: Rule, tree: Tree) -> None:
        match rule:
            case Cardinality(place, path, min, max, flags):
                element, _ = self._element(path, place)
                if min:
                    element["min"] = int(min)
                if max:
                    element["max"] = max
                _flag(element, flags)
            case Flags(place, paths, flags):
                for path in paths:
                    _flag(self._element(path, place)[0], flags)
            case Only():
                element, where = self._element(rule.path, rule.place)
                element["type"] = self._types(rule, where)
                if where.path[-1].name.endswith("[x]") and where.path[-1].slices:
                    self._slice_by_type(where)
            case Binding(place, path, value_set, strength):
                element, where = self._element(path, place)
                self._slice_by_type(where)
                named = self._scope.find(place, value_set, "ValueSet")
                element["binding"] = {"strength": strength, "valueSet": named.canonical}
            case Assignment(place, path, value, exactly):
                element, where = self._element(path, place)
                self._slice_by_type(where)
                code = self._type_for(value, where, place)
                key = ("fixed" if exactly else "pattern") + code[0].upper() + code[1:]
                element[key] = self._assigner.converted(value, code, place)
            case Contains(place, path, slices):
                for one in slices:
                    self._slice(place, path, one)
            case Obeys(place, path, names):
                element, _ = self._element(path, place)
                for name in names:
                    element.setdefault("constraint", []).append(self._constraint(place, name))
            case Caret(place, path, (), caret, value):
                if path:
                    element, where = self._element(path, place)
                    self._assigner.assign(element, "ElementDefinition", caret, value, place)
                elif caret.partition(".")[0] not in {"snapshot", "differential"}:
                    self._assigner.assign(tree, "StructureDefinition", caret, value, place)
            case Caret(place) | Concept(place):
                place.wrong("codes are said of code systems and value sets")
            case _:
                rule.place.wrong("this rule does not stand in a profile")

    def _types(self, rule: Only, where: Where) -> list[Tree]:
        types: dict[str, Tree] = {}
        for choice, typed in zip(rule.choices, self._paths.chosen(rule, where, self._scope), strict=True):
            if not _holds(where, typed.code):
                rule.place.wrong(f"the element does not hold a {typed.code}")
            found = types.setdefault(typed.code, {"code": typed.code})
            if choice.kind != "type":
                targets = found.setdefault("targetProfile", [])
                targets += [self._target(rule.place, name) for name in choice.names]
            for profile in typed.profiles:
                found.setdefault("profile", []).append(profile.canonical)
        return list(types.values())

    def _target(self, place: Place, name: str) -> str:
        """Of a name without version: either generation of a profile will do."""
        return self._scope.find(place, name).url + self._scope.version(name)

    def _slice_by_type(self, where: Where) -> None:
        """`valueQuantity` of several types is a slice of `value[x]`."""
        last = where.path[-1]
        if not (last.name.endswith("[x]") and last.slices):
            return
        base = replace(where, path=(*where.path[:-1], Segment(last.name)))
        element = self._of(base)
        element.setdefault(
            "slicing",
            {"discriminator": [{"type": "type", "path": "$this"}], "ordered": False, "rules": "open"},
        )

    def _slice(self, place: Place, path: str, one: Slice) -> None:
        element, where = self._element(path, place)
        name = where.path[-1].name
        extension = name in {"extension", "modifierExtension"}
        if extension and "slicing" not in element:
            element["slicing"] = _by_url()
        elif not extension and not self._paths.is_sliced(self._definition, where.path):
            place.wrong(f"'{path}' is not sliced: say by what (^slicing) first")
        sliced = replace(where, path=(*where.path[:-1], Segment(name, (*where.path[-1].slices, one.name))))
        found = self._of(sliced)
        found["min"], found["max"] = int(one.min), one.max
        _flag(found, one.flags)
        if one.definition:
            profile = self._scope.find(place, one.definition)
            found["type"] = [{"code": where.types[0].code, "profile": [profile.canonical]}]
        elif extension:
            url, _ = self._element(f"{path}[{one.name}].url", place)
            url["fixedUri"] = one.name

    def _constraint(self, place: Place, name: str) -> Tree:
        invariant = self._scope.item(place, name, "Invariant")
        item = invariant.item
        severity = item.keyword("Severity")
        if severity not in {"#error", "#warning"} or not item.keyword("Description"):
            item.place.wrong("an invariant has a Description, and as Severity #error or #warning")
        tree: Tree = {"key": item.name, "severity": severity[1:], "human": item.keyword("Description")}
        if item.keyword("Expression"):
            tree["expression"] = item.keyword("Expression")
        tree["source"] = self._definition.url
        for rule in self._scope.rules(invariant):
            if not isinstance(rule, Assignment):
                rule.place.wrong("of an invariant only values are said")
            self._assigner.assign(tree, "ElementDefinition.constraint", rule.path, rule.value, rule.place)
        return ordered(tree, "ElementDefinition.constraint")

    # --- values

    def _type_for(self, value: Value, where: Where, place: Place) -> str:
        codes = [typed.code for typed in where.types]
        if len(codes) == 1:
            return codes[0]
        fitting = [code for code in codes if _fits(value, code)]
        if len(fitting) != 1:
            place.wrong(f"the element has several types, {', '.join(codes)}: say which")
        return fitting[0]

    # --- extensions

    def _is_data_type(self) -> bool:
        structure = r4_structure(R4 + self._type)
        return structure is not None and structure["kind"] == "complex-type"

    def _contexts(self, tree: Tree) -> None:
        place, words = self._definition.item.keywords.get("Context", (self._definition.item.place, ()))
        contexts = []
        for word in words:
            text = word.rstrip(",")
            if text.startswith('"'):
                contexts.append({"type": "fhirpath", "expression": text.strip('"')})
                continue
            url = self._scope.plain(text)
            if url.startswith("http"):
                contexts.append({"type": "extension", "expression": url})
                continue
            if r4_structure(R4 + url.partition(".")[0]) is None:
                url = self._scope.find(place, url).url
                contexts.append({"type": "extension", "expression": url})
            else:
                contexts.append({"type": "element", "expression": url})
        if contexts:
            tree["context"] = contexts

    def _complete_extension(self, url: str) -> None:
        """What FSH leaves unsaid: the `url`, and that an extension has parts or a value."""
        place = self._definition.item.place
        self._element("url", place)[0].setdefault("fixedUri", url)
        self._parts_or_value("", place)
        for path, element in list(self._elements.items()):
            if (
                path
                and all(part.name == "extension" and part.slices for part in path)
                and "type" not in element
            ):
                self._parts_or_value(".".join(f"extension[{part.slices[0]}]" for part in path), place)

    def _parts_or_value(self, path: str, place: Place) -> None:
        above = self._paths.at(self._definition, path, place).path
        dot = "." if path else ""
        below = [
            other for other in self._elements if other[: len(above)] == above and len(other) > len(above)
        ]
        parts = [
            self._elements[o] for o in below if o[len(above)].name == "extension" and o[len(above)].slices
        ]
        values = [self._elements[o] for o in below if o[len(above)].name == "value[x]"]
        if parts and not values:
            self._element(f"{path}{dot}value[x]", place)[0]["max"] = "0"
        elif values and not parts and not all(value.get("max") == "0" for value in values):
            self._element(f"{path}{dot}extension", place)[0].setdefault("max", "0")


def _flag(element: Tree, flags: tuple[str, ...]) -> None:
    for flag in flags:
        element[_FLAGS[flag]] = True


def _by_url() -> dict[str, Any]:
    return {"discriminator": [{"type": "value", "path": "url"}], "ordered": False, "rules": "open"}


def _fits(value: Value, type: str) -> bool:
    match value:
        case Text():
            return type == "string"
        case Coded():
            return type in _COMPLEX - {"Quantity"} if value.system else type == "code"
        case Quantified():
            return type == "Quantity"
        case Word(text):
            return type == (
                "boolean" if text in {"true", "false"} else "integer" if text.isdigit() else "date"
            )
        case Referred():
            return type == "Reference"
        case CanonicalOf():
            return type == "canonical"


def _holds(where: Where, code: str) -> bool:
    """Whether R4 lets an element have values of a type; an abstract one takes in others."""
    return any(typed.code in {code, "Resource", "DomainResource", "Element"} for typed in where.every)
