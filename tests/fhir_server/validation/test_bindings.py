from __future__ import annotations

from typing import Any

import pytest

from fhir_server.validation.bindings import codes_of, concepts_of, holds_one_of, outside

GENDER = "http://hl7.org/fhir/ValueSet/administrative-gender"
CLINICAL = "http://hl7.org/fhir/ValueSet/condition-clinical"
CLINICAL_SYSTEM = "http://terminology.hl7.org/CodeSystem/condition-clinical"


def test_a_value_set_gives_its_codes() -> None:
    assert codes_of(GENDER) == frozenset({"male", "female", "other", "unknown"})


def test_a_value_set_that_r4_cannot_list_gives_none() -> None:
    assert codes_of("http://hl7.org/fhir/ValueSet/mimetypes") is None
    assert concepts_of("http://hl7.org/fhir/ValueSet/ucum-units") is None


@pytest.mark.parametrize(
    ("concept", "held"),
    [
        ({"coding": [{"system": CLINICAL_SYSTEM, "code": "active"}]}, True),
        (
            {
                "coding": [
                    {"system": "http://other", "code": "x"},
                    {"system": CLINICAL_SYSTEM, "code": "active"},
                ]
            },
            True,
        ),
        ({"coding": [{"system": "http://other", "code": "active"}]}, False),
        ({"coding": [{"code": "active"}]}, False),
        ({"text": "active"}, False),
    ],
)
def test_one_coding_of_the_set_is_enough_and_its_system_counts(concept: dict[str, Any], held: bool) -> None:
    wanted = concepts_of(CLINICAL)

    assert wanted is not None
    assert holds_one_of(concept, wanted) is held


def test_the_sentence_lists_the_codes_only_where_they_are_few() -> None:
    assert outside(GENDER, concept=False).text == (
        f"The code is not of the required value set {GENDER}: female, male, other, unknown"
    )
    assert outside(CLINICAL, concept=True).text.startswith(
        f"No coding is of the required value set {CLINICAL}: active,"
    )
    types = "http://hl7.org/fhir/ValueSet/resource-types"
    assert outside(types, concept=False).text == f"The code is not of the required value set {types}"
