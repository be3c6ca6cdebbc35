"""Value sets and code systems.

https://hl7.org/fhir/R4/valueset.html · https://hl7.org/fhir/R4/codesystem.html
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tools.fsh.assigning import Assigner, Tree, ordered
from tools.fsh.guides import Definition
from tools.fsh.model import Caret, Coded, Codes, Concept, Filter, Place, Text, Word
from tools.fsh.names import Scope


def value_set(scope: Scope, assigner: Assigner, definition: Definition, head: Tree) -> Tree:
    """The ValueSet. Raises `FshError`."""
    tree = dict(head)
    compose: dict[str, list[Tree]] = {"include": [], "exclude": []}
    for rule in scope.rules(definition):
        match rule:
            case Codes(place, include):
                compose["include" if include else "exclude"].append(_codes(scope, rule, place))
            case Concept(place, include, (coded,)) if coded.system:
                part = _of_system(
                    compose["include" if include else "exclude"], scope.system(place, coded.system).canonical
                )
                part.append({"code": coded.code} | ({"display": coded.display} if coded.display else {}))
            case Caret(place, "", (), caret, value):
                assigner.assign(tree, "ValueSet", caret, value, place)
            case Caret(place, "", (coded,), caret, value):
                concept = _concept_of(compose, scope.system(place, coded.system).canonical, coded.code)
                if concept is None:
                    place.wrong("the code is not listed above")
                assigner.assign(concept, "ValueSet.compose.include.concept", caret, value, place)
            case _:
                rule.place.wrong("this rule does not stand in a value set")
    if not compose["include"]:
        definition.item.place.wrong("a value set includes something")
    tree["compose"] = {name: parts for name, parts in compose.items() if parts}
    return ordered(tree, "ValueSet")


def _codes(scope: Scope, rule: Codes, place: Place) -> Tree:
    part: Tree = {}
    if rule.system:
        part |= _system(scope.system(place, rule.system).canonical)
    if rule.filters:
        part["filter"] = [
            {"property": one.property, "op": one.operator, "value": _filter_value(one, place)}
            for one in rule.filters
        ]
    if rule.value_sets:
        part["valueSet"] = [scope.find(place, name, "ValueSet").canonical for name in rule.value_sets]
    return part


def _filter_value(filter: Filter, place: Place) -> str:
    match filter.value:
        case None:
            return "true"
        case Text(text) | Word(text):
            return text
        case Coded(_, code):
            return code
        case _:
            return place.wrong("a filter compares with a code, a text or a regular expression")


def _system(canonical: str) -> Tree:
    url, _, version = canonical.partition("|")
    return {"system": url} | ({"version": version} if version else {})


def _of_system(parts: list[Tree], canonical: str) -> list[Tree]:
    """The concepts of the last part, if that lists codes of the system; else of a new one."""
    system = _system(canonical)
    if (
        not parts
        or "concept" not in parts[-1]
        or {k: v for k, v in parts[-1].items() if k != "concept"} != system
    ):
        parts.append({**system, "concept": []})
    found: list[Tree] = parts[-1]["concept"]
    return found


def _concept_of(compose: dict[str, list[Tree]], canonical: str, code: str) -> Tree | None:
    system = _system(canonical)["system"]
    return next(
        (
            concept
            for part in compose["include"]
            if part.get("system") == system
            for concept in part.get("concept", ())
            if concept["code"] == code
        ),
        None,
    )


def code_system(scope: Scope, assigner: Assigner, definition: Definition, head: Tree) -> Tree:
    """The CodeSystem. Raises `FshError`."""
    tree: dict[str, Any] = head | {"caseSensitive": True, "content": "complete"}
    concepts: list[Tree] = []
    for rule in scope.rules(definition):
        match rule:
            case Concept(place, True, codes, text):
                _add(concepts, codes, text, place)
            case Caret(place, "", (), caret, value):
                assigner.assign(tree, "CodeSystem", caret, value, place)
            case Caret(place, "", codes, caret, value):
                assigner.assign(_found(concepts, codes, place), "CodeSystem.concept", caret, value, place)
            case _:
                rule.place.wrong("this rule does not stand in a code system")
    if concepts:
        tree["concept"] = concepts
        if tree["content"] == "complete":
            tree["count"] = sum(1 for _ in _all(concepts))
    return ordered(tree, "CodeSystem")


def _add(concepts: list[Tree], codes: tuple[Coded, ...], text: str, place: Place) -> None:
    last = codes[-1]
    if any(concept["code"] == last.code for concept in _all(concepts)):
        place.wrong(f"the code '{last.code}' stands twice")
    above = concepts if len(codes) == 1 else _found(concepts, codes[:-1], place).setdefault("concept", [])
    concept: Tree = {"code": last.code}
    if last.display:
        concept["display"] = last.display
    if text:
        concept["definition"] = text
    above.append(concept)


def _found(concepts: list[Tree], codes: tuple[Coded, ...], place: Place) -> Tree:
    wanted = codes[-1].code
    for concept in _all(concepts):
        if concept["code"] == wanted:
            return concept
    return place.wrong(f"the code '{wanted}' is not listed above")


def _all(concepts: list[Tree]) -> Iterator[Tree]:
    for concept in concepts:
        yield concept
        yield from _all(concept.get("concept", []))
