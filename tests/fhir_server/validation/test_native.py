"""The Python forms of constraints say what the expressions say."""

from __future__ import annotations

from random import Random
from typing import Any

import orjson
import pytest

import profiles
from fhir_server.definitions.elements import Child, shape_of
from fhir_server.definitions.model import R4
from fhir_server.fhirpath.values import Node
from fhir_server.kernel.wire import Tree, number
from fhir_server.validation.corrections import meant_by
from fhir_server.validation.invariants import Constraint, constraint_of
from fhir_server.validation.native import CERTAIN, FORMS, in_order

UCUM = "http://unitsofmeasure.org"
TERMS = "http://terminology.hl7.org/CodeSystem/"
PRIMITIVES: dict[str, list[Any]] = {
    "boolean": [True, False],
    "date": ["2024", "2024-02-01", "2025-01-01"],
    "dateTime": ["2024", "2024-02", "2024-02-01", "2024-02-01T10:00:00Z", "2024-02-01T10:00:00+02:00"],
    "instant": ["2024-02-01T10:00:00Z", "2025-02-01T10:00:00+02:00"],
    "decimal": [number("-0.5"), 0, number("3.50"), 12],
    "integer": [0, 3],
    "positiveInt": [1, 2],
    "unsignedInt": [0, 2],
    "time": ["10:00:00"],
}
WORDS = [
    "home", "document", "message", "searchset", "history", "batch", "transaction", "batch-response", "cancelled",
    "booked", "entered-in-error", "resolved", "active", "group", "display", "choice", "string", "url", "boolean",
    "changes", "working", "C", "MORN", "something", "patient-privacy", "problem-list-item", "a/_history/1", "b",
]  # fmt: skip
SYSTEMS = [
    UCUM,
    "something",
    *(TERMS + name for name in ("condition-ver-status", "condition-clinical", "condition-category")),
    TERMS + "allergyintolerance-verification",
]
NAMES = {
    "unit": ["kg"],
    "code": ["kg", "g", "entered-in-error", "resolved", "problem-list-item", "patient-privacy"],
}


def value_of(child: Child, depth: int, chance: Random) -> Any:
    if child.primitive:
        if child.element == "system":
            return chance.choice(SYSTEMS)
        return chance.choice(NAMES.get(child.element) or PRIMITIVES.get(child.type) or WORDS)
    if child.type == "Resource":
        name = chance.choice(["Composition", "MessageHeader", "Patient"])
        return {"resourceType": name, "meta": {"versionId": "1"}}
    return node_of(child.type, depth - 1, chance)


def node_of(shape: str, depth: int, chance: Random) -> Tree:
    """An object of a shape: what is required, some of the rest, choices in one type, repetitions where there may be."""
    by_position: dict[int, list[Child]] = {}
    for child in shape_of(shape).children.values():
        if child.type in {"Extension", "Narrative", "Meta"} or (depth <= 0 and not child.primitive):
            continue
        by_position.setdefault(child.position, []).append(child)
    node: Tree = {}
    for alternatives in by_position.values():
        child = chance.choice(alternatives)
        if not child.min and chance.random() < 0.5:
            continue
        if child.primitive and not child.array and not child.min and chance.random() < 0.1:
            node[f"_{child.property}"] = {"id": "a"}
        else:
            some = [value_of(child, depth, chance) for _ in range(chance.randint(1, 3))]
            node[child.property] = some if child.array else some[0]
    return node


def written() -> list[tuple[str, Constraint]]:
    """Every constraint of R4 that has a form, with the shape it stands on."""
    found: dict[tuple[str, str], Constraint] = {}
    for name in profiles.members():
        if not name.startswith("StructureDefinition/"):
            continue
        definition = orjson.loads(profiles.member(name))
        if definition.get("derivation") == "constraint" or definition["kind"] not in {
            "resource",
            "complex-type",
        }:
            continue
        for element in definition["snapshot"]["element"]:
            type_ = element["path"]
            if not R4.knows(type_):
                type_ = element["type"][0]["code"] if element.get("type") else ""
            for one in element.get("constraint", ()):
                if one.get("expression") in FORMS and R4.knows(type_):
                    found.setdefault((type_, one["expression"]), constraint_of(one, definition["type"]))
    return [(type_, constraint) for (type_, _), constraint in sorted(found.items())]


CASES = written()


def test_every_form_is_of_an_expression_of_r4() -> None:
    expressions = {
        constraint["expression"]
        for name in profiles.members()
        if name.startswith("StructureDefinition/")
        for element in orjson.loads(profiles.member(name)).get("snapshot", {}).get("element", ())
        for constraint in element.get("constraint", ())
        if "expression" in constraint
    }

    assert FORMS.keys() <= expressions
    assert CERTAIN.keys() <= {meant_by(expression, "") for expression in expressions}


@pytest.mark.parametrize(
    ("type_", "constraint"), CASES, ids=[f"{type_}-{constraint.key}" for type_, constraint in CASES]
)
def test_a_form_says_what_the_expression_says(type_: str, constraint: Constraint) -> None:
    chance = Random(constraint.key)  # the same every time
    assert constraint.form is not None

    for _ in range(60):
        tree = node_of(type_, 2, chance)
        if shape_of(type_).kind == "resource":
            tree["resourceType"] = type_
        said = constraint.evaluated(Node(tree, type_))

        if said is not None:
            assert constraint.form(tree) is said, tree


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        ("2024-01-01", "2024-01-02", True),
        ("2024-01-02", "2024-01-01", False),
        ("2024-01-01", "2024-01-01", True),
        ("2023", "2024-01-01", True),
        ("2024", "2024-01-01", False),  # it may be after
        ("2024-01-01T23:00:00+00:00", "2024-01-02T00:30:00+02:00", False),
        ("2024-01-01T10:00:00.1Z", "2024-01-01T10:00:00.25Z", True),
        ("not a date", "2024", True),  # told elsewhere
    ],
)
def test_dates_are_in_order_where_their_precision_says_so(start: str, end: str, expected: bool) -> None:
    assert in_order(start, end) is expected
