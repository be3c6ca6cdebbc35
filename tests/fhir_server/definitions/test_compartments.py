from __future__ import annotations

from typing import Any

import pytest

from fhir_server.definitions.catalogue import resource_types
from fhir_server.definitions.compartments import compartment_parameters, patient_of
from fhir_server.kernel.keys import Key


@pytest.mark.parametrize(
    ("resource_type", "codes"),
    [
        ("Observation", ("subject", "performer")),
        ("AllergyIntolerance", ("patient", "recorder", "asserter")),
        ("Organization", ()),
        ("Patient", ("link",)),
    ],
)
def test_the_definition_says_which_parameters_count(resource_type: str, codes: tuple[str, ...]) -> None:
    assert compartment_parameters("Patient", resource_type) == codes


def test_other_compartments_are_known_too() -> None:
    assert "encounter" in compartment_parameters("Encounter", "Observation")
    with pytest.raises(KeyError):
        compartment_parameters("Elephant", "Observation")


ONE = Key("Patient", "1")


@pytest.mark.parametrize(
    ("tree", "key"),
    [
        ({"resourceType": "Patient", "id": "1"}, ONE),
        ({"resourceType": "Patient"}, None),
        ({"resourceType": "Observation", "subject": {"reference": "Patient/1"}}, ONE),
        ({"resourceType": "Observation", "subject": {"reference": "https://h.example/fhir/Patient/1"}}, ONE),
        ({"resourceType": "Observation", "subject": {"reference": "https://x.example/Patient/1"}}, None),
        ({"resourceType": "Observation", "subject": {"reference": "Group/1"}}, None),
        (
            {
                "resourceType": "Observation",
                "performer": [{"reference": "Patient/2"}],
                "subject": {"reference": "Patient/1"},
            },
            ONE,
        ),
        ({"resourceType": "Observation", "performer": [{"reference": "Patient/1"}]}, ONE),
        ({"resourceType": "Group", "member": [{"entity": {"reference": "Patient/1"}}]}, ONE),
        (
            {
                "resourceType": "Group",
                "member": [{"entity": {"reference": "Patient/1"}}, {"entity": {"reference": "Patient/2"}}],
            },
            None,
        ),
        ({"resourceType": "Organization"}, None),
    ],
)
def test_a_resource_belongs_to_the_first_single_patient(tree: dict[str, Any], key: Key | None) -> None:
    assert patient_of(tree, "https://h.example/fhir") == key


def test_every_type_can_be_asked() -> None:
    assert all(patient_of({"resourceType": name}) is None for name in resource_types())
