from __future__ import annotations

import pytest

from fhir_server.definitions.catalogue import resource_types
from fhir_server.definitions.parameters import Parameters, fallback, parameters_of, routes


def test_a_type_has_its_own_parameters_and_those_of_its_bases() -> None:
    codes = set(parameters_of("Patient"))

    assert {"_id", "_lastUpdated", "_tag", "_profile", "_security", "_source", "_text"} <= codes
    assert {"family", "birthdate", "identifier", "general-practitioner"} <= codes


def test_a_bundle_is_no_domain_resource() -> None:
    assert "_text" not in parameters_of("Bundle")
    assert "_id" in parameters_of("Bundle")


@pytest.mark.parametrize("code", ["_count", "_sort", "_include", "_has", "_list", "_query", "_summary"])
def test_what_shapes_a_result_is_no_parameter(code: str) -> None:
    assert code not in parameters_of("Patient")


def test_the_examples_of_the_specification_do_not_replace_the_real_ones() -> None:
    assert (
        parameters_of("Condition")["subject"].url == "http://hl7.org/fhir/SearchParameter/Condition-subject"
    )
    assert parameters_of("Patient")["_id"].url == "http://hl7.org/fhir/SearchParameter/Resource-id"
    assert "part-agree" not in parameters_of("DocumentReference")


def test_every_type_has_parameters_and_no_other_name_has() -> None:
    assert sum(len(parameters_of(name)) for name in resource_types()) == 3062
    with pytest.raises(KeyError):
        parameters_of("Elephant")


def test_a_parameter_that_r4_gives_no_expression_is_there_without() -> None:
    assert parameters_of("Patient")["age"].expression == ""


def test_every_reference_has_targets() -> None:
    assert parameters_of("Observation")["patient"].targets == ("Patient",)
    assert set(parameters_of("DiagnosticReport")["assessed-condition"].targets) <= set(resource_types())
    for name in resource_types():
        assert all(p.targets for p in parameters_of(name).values() if p.kind == "reference")


@pytest.mark.parametrize(
    ("resource_type", "code", "rows", "only"),
    [
        ("Observation", "patient", "subject", "Patient"),
        ("Encounter", "practitioner", "participant", "Practitioner"),
        ("Patient", "phonetic", "name", ""),
        ("Observation", "subject", "subject", ""),
        ("Observation", "code", "code", ""),
        ("AllergyIntolerance", "patient", "patient", ""),  # has no subject to share with
        ("Observation", "code-value-quantity", "code-value-quantity", ""),  # composites share nothing
        ("Patient", "email", "email", ""),
    ],
)
def test_parameters_that_say_the_same_share_rows(resource_type: str, code: str, rows: str, only: str) -> None:
    parameter = parameters_of(resource_type)[code]

    assert (parameter.rows, parameter.only) == (rows, only)


@pytest.mark.parametrize(
    ("code", "parts"),
    [
        ("combo-code", ("code", "component-code")),
        ("combo-value-quantity", ("component-value-quantity", "value-quantity")),
        ("combo-value-concept", ("component-value-concept", "value-concept")),
        ("combo-data-absent-reason", ("component-data-absent-reason", "data-absent-reason")),
        ("combo-code-value-quantity", ("code-value-quantity", "component-code-value-quantity")),
        ("combo-code-value-concept", ("code-value-concept", "component-code-value-concept")),
        ("code", ()),
        ("value-date", ()),  # two types of one element are no parts
    ],
)
def test_a_parameter_that_unites_others_has_parts(code: str, parts: tuple[str, ...]) -> None:
    assert parameters_of("Observation")[code].parts == parts


def test_only_observations_have_parameters_with_parts() -> None:
    found = {p.type for name in resource_types() for p in parameters_of(name).values() if p.parts}

    assert found == {"Observation"}


@pytest.mark.parametrize(
    ("resource_type", "code", "components"),
    [
        (
            "Observation",
            "code-value-date",  # R4 writes DateTime
            [("code", "token", "code"), ("value-date", "date", "value.as(dateTime) | value.as(Period)")],
        ),
        (
            "DocumentReference",
            "relationship",  # R4 has the expressions the other way round
            [("relatesto", "reference", "target"), ("relation", "token", "code")],
        ),
        (
            "MolecularSequence",
            "chromosome-variant-coordinate",
            [
                ("chromosome", "token", "%resource.referenceSeq.chromosome"),
                ("variant-start", "number", "start"),
                ("variant-end", "number", "end"),
            ],
        ),
        ("Observation", "code", []),
    ],
)
def test_a_composite_has_components(
    resource_type: str, code: str, components: list[tuple[str, str, str]]
) -> None:
    found = parameters_of(resource_type)[code].components

    assert [(one.code, one.kind, one.expression) for one in found] == components


def test_the_first_resource_of_a_bundle_is_two_parameters() -> None:
    bundle = parameters_of("Bundle")

    assert (bundle["composition"].rows, bundle["message"].rows) == ("composition", "message")


@pytest.mark.parametrize(
    ("expression", "evaluated"),
    [
        ("Patient.name.first().family", True),
        ("Patient.name.family", False),
        ("Patient.nothing", False),  # nobody could find anything
        ("Patient.name.", False),
    ],
)
def test_an_expression_outside_the_subset_is_left_to_fhirpath(expression: str, evaluated: bool) -> None:
    definition = {
        "url": "urn:x",
        "code": "x",
        "type": "string",
        "base": ["Patient"],
        "expression": expression,
    }
    parameter = Parameters([definition]).of("Patient")["x"]

    assert (fallback(parameter) is not None) == evaluated
    assert bool(routes(parameter)) == (expression == "Patient.name.family")
