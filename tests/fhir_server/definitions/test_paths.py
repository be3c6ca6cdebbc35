from __future__ import annotations

from typing import Any

import pytest

from fhir_server.definitions.catalogue import resource_types
from fhir_server.definitions.parameters import parameters_of, routes
from fhir_server.definitions.paths import Leaf, Route, Uncovered, Unnamed, routes_of, source_of
from fhir_server.definitions.targets import points_to


def found(tree: dict[str, Any], expression: str) -> list[Any]:
    """What the generated code finds for one expression."""
    ways = routes_of(tree["resourceType"], expression)
    leaves: list[tuple[Route, Leaf]] = [(way, lambda value: [f"put({value})"]) for way in ways]
    source = "\n".join(["def walk(r, put):", "    pass", *(f"    {line}" for line in source_of(leaves))])
    names: dict[str, Any] = {"points_to": points_to}
    exec(source, names)
    values: list[Any] = []
    names["walk"](tree, values.append)
    return values


PATIENT = {
    "resourceType": "Patient",
    "name": [{"family": "Payet", "given": ["Marie", None, "Thérèse"]}, {"family": "Hoarau"}],
    "telecom": [{"system": "phone", "value": "1"}, {"system": "email", "value": "2"}],
    "deceasedDateTime": "2024",
    "extension": [{"url": "http://a", "valueString": "x"}, {"url": "http://b", "valueCode": "y"}],
}
OBSERVATION = {
    "resourceType": "Observation",
    "subject": {"reference": "Group/1"},
    "valueQuantity": {"value": 1},
    "component": [{"code": {"text": "a"}, "valueString": "b"}],
}


@pytest.mark.parametrize(
    ("tree", "expression", "expected"),
    [
        (PATIENT, "Patient.name.family", ["Payet", "Hoarau"]),
        (PATIENT, "Patient.name.given", ["Marie", "Thérèse"]),
        (PATIENT, "Patient.telecom.where(system='email').value", ["2"]),
        (PATIENT, "Patient.telecom[0].value", ["1"]),
        (PATIENT, "(Patient.deceased as dateTime)", ["2024"]),
        (PATIENT, "Patient.deceased.as(dateTime)", ["2024"]),
        (PATIENT, "Patient.deceased.ofType(boolean)", []),
        (PATIENT, "Patient.deceased.exists() and Patient.deceased != false", [True]),
        ({"resourceType": "Patient"}, "Patient.deceased.exists() and Patient.deceased != false", [False]),
        (
            {"resourceType": "Patient", "deceasedBoolean": False},
            "Patient.deceased.exists() and Patient.deceased != false",
            [False],
        ),
        (PATIENT, "Patient.extension('http://a').value", ["x"]),
        (PATIENT, "extension('http://a').value as string", ["x"]),
        (PATIENT, "extension('http://a').value.code", []),  # a string has none, a Coding would
        (PATIENT, "Patient.where(hasExtension('http://a')).name.family", ["Payet", "Hoarau"]),
        (PATIENT, "Patient.where(hasExtension('http://c')).name.family", []),
        (PATIENT, "Observation.code | Patient.name.family", ["Payet", "Hoarau"]),
        (OBSERVATION, "Observation.subject.where(resolve() is Patient)", []),
        (OBSERVATION, "Observation.subject.where(resolve() is Group)", [{"reference": "Group/1"}]),
        (
            OBSERVATION,
            "(Observation.value as Quantity) | Observation.component.code",
            [{"value": 1}, {"text": "a"}],
        ),
        (OBSERVATION, "Observation.component.value", ["b"]),
        (OBSERVATION, "Resource.id", []),
    ],
)
def test_the_generated_code_finds_what_the_expression_means(
    tree: dict[str, Any], expression: str, expected: list[Any]
) -> None:
    assert found(tree, expression) == expected


@pytest.mark.parametrize(
    "expression",
    [
        "Patient.name.first()",
        "Patient.name.where(use.exists())",
        "Patient.name.where(family = given)",
        "Patient.name.given.exists() and Patient.active != false",
        "Patient.active[0]",
        "Patient.name.",
        "Patient.name)",
        "Patient.name + 1",
    ],
)
def test_what_is_outside_the_subset_is_said_to_be(expression: str) -> None:
    with pytest.raises(Uncovered):
        routes_of("Patient", expression)


@pytest.mark.parametrize(
    "expression", ["Patient.nothing", "Patient.name.nothing", "Patient.extension('a').value.nothing"]
)
def test_a_name_that_the_type_does_not_have_is_said_to_be_unknown(expression: str) -> None:
    with pytest.raises(Unnamed):
        routes_of("Patient", expression)


def test_routes_may_start_from_a_backbone_or_a_data_type() -> None:
    (way,) = routes_of("Observation.component", "value.as(Quantity)")
    (other,) = routes_of("UsageContext", "code")

    assert (way.type, other.type) == ("Quantity", "Coding")


def test_a_leaf_with_routes_of_its_own_gives_them_another_prefix() -> None:
    inner = routes_of("HumanName", "given")[0]
    nested: Leaf = lambda value: source_of([(inner, lambda given: [f"put({given})"])], value, "r", "n")  # noqa: E731
    lines = source_of([(way, nested) for way in routes_of("Patient", "Patient.name")])
    names: dict[str, Any] = {"points_to": points_to}
    exec("\n".join(["def walk(r, put):", *(f"    {line}" for line in lines)]), names)
    values: list[Any] = []

    names["walk"](PATIENT, values.append)

    assert values == ["Marie", "Thérèse"]


def test_every_expression_of_r4_is_covered() -> None:
    without = [
        f"{parameter.type}.{parameter.code}"
        for resource_type in sorted(resource_types())
        for parameter in parameters_of(resource_type).values()
        if parameter.expression and not routes(parameter)
    ]

    assert without == []
