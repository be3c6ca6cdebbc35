from __future__ import annotations

import pytest

from fhir_server.definitions.catalogue import (
    compartments,
    national_search_parameters,
    required_codes,
    resource_types,
    search_parameters,
    structure,
    type_of_profile,
)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("Patient", "resource"),
        ("HumanName", "complex-type"),
        ("date", "primitive-type"),
        ("Element", "complex-type"),
    ],
)
def test_a_base_type_has_its_definition(name: str, kind: str) -> None:
    definition = structure(name)

    assert definition["resourceType"] == "StructureDefinition"
    assert definition["kind"] == kind
    assert definition["fhirVersion"] == "4.0.1"


@pytest.mark.parametrize("name", ["Nothing", "patient", "../Patient", ""])
def test_an_unknown_name_has_none(name: str) -> None:
    with pytest.raises(KeyError):
        structure(name)


def test_the_resource_types_are_those_that_have_instances() -> None:
    assert len(resource_types()) == 146
    assert {"Patient", "Bundle", "Parameters", "Binary"} <= resource_types()
    assert resource_types().isdisjoint({"Resource", "DomainResource", "HumanName", "vitalsigns"})


def test_every_resource_type_has_a_definition_of_its_own() -> None:
    assert all(structure(name)["type"] == name for name in resource_types())


def test_search_parameters_name_code_base_and_type() -> None:
    found = {(base, p["code"]): p["type"] for p in search_parameters() for base in p.get("base", ())}

    assert len(search_parameters()) - len(national_search_parameters()) == 1400
    assert found["Patient", "birthdate"] == "date"
    assert found["Resource", "_id"] == "token"


def test_the_five_compartments_are_there_and_the_example_is_not() -> None:
    assert compartments().keys() == {"Patient", "Encounter", "RelatedPerson", "Practitioner", "Device"}
    assert compartments()["Device"]["url"] == "http://hl7.org/fhir/CompartmentDefinition/device"


def test_required_value_sets_list_codes_by_system() -> None:
    codes = required_codes()["http://hl7.org/fhir/ValueSet/administrative-gender"]

    assert codes == {"http://hl7.org/fhir/administrative-gender": {"male", "female", "other", "unknown"}}


def test_value_sets_that_r4_cannot_list_are_not_there() -> None:
    assert "http://hl7.org/fhir/ValueSet/mimetypes" not in required_codes()


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("http://hl7.org/fhir/StructureDefinition/Patient", "Patient"),
        ("http://example.org/StructureDefinition/Patient", "http://example.org/StructureDefinition/Patient"),
        ("Patient", "Patient"),
    ],
)
def test_only_a_base_profile_is_the_name_of_a_type(url: str, name: str) -> None:
    assert type_of_profile(url) == name
