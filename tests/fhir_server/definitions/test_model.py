from __future__ import annotations

import pytest

from fhir_server.definitions.model import R4


def test_an_element_of_a_choice_has_its_alternatives() -> None:
    assert [(e.key, e.type) for e in R4.alternatives("Patient", "deceased")] == [
        ("deceasedBoolean", "boolean"),
        ("deceasedDateTime", "dateTime"),
    ]
    assert R4.alternatives("Patient", "deceasedBoolean") == ()


@pytest.mark.parametrize(
    ("type", "above"),
    [
        ("Patient", "DomainResource"),
        ("DomainResource", "Resource"),
        ("Resource", None),
        ("code", "string"),
        ("Age", "Quantity"),
        ("Patient.contact", "BackboneElement"),
        ("Timing.repeat", "Element"),
        ("Nonsense", None),
    ],
)
def test_a_type_has_the_supertype_of_its_definition(type: str, above: str | None) -> None:
    assert R4.supertype(type) == above


def test_the_value_of_a_primitive_is_no_property() -> None:
    assert list(R4.properties("date")) == ["id", "extension"]


def test_an_unknown_type_has_nothing_inside() -> None:
    assert not R4.knows("../Patient")
    assert not R4.properties("Nonsense")
    assert not R4.alternatives("Patient.nonsense", "name")
