from __future__ import annotations

from typing import Any

import pytest

from fhir_server.definitions.catalogue import national_search_parameters
from fhir_server.search.readable import readable


def definition(kind: str, expression: str, *base: str) -> dict[str, Any]:
    found: dict[str, Any] = {"url": "urn:x", "code": "x", "type": kind, "base": list(base or ("Patient",))}
    return {**found, "expression": expression} if expression else found


@pytest.mark.parametrize(
    ("kind", "expression"),
    [
        ("string", "Patient.name.family"),
        ("string", "name.family"),
        ("string", "Patient.name.first().family"),
        ("string", "Patient.name.where(use = 'official' and family.exists()).family"),
        ("token", "Patient.birthDate.exists()"),
        ("token", "extension('urn:y').value"),
        ("string", "extension('urn:y').extension('z').value.code"),
        ("string", "extension('urn:y').value as Address"),
    ],
)
def test_an_expression_is_read_by_a_walk_or_by_fhirpath(kind: str, expression: str) -> None:
    assert readable(definition(kind, expression)) == ()


@pytest.mark.parametrize(
    ("kind", "expression", "base", "problem"),
    [
        ("string", "Patient.name.", "Patient", "character 14"),
        ("string", "Patient.name.nonsense()", "Patient", "no function of this name"),
        ("token", "Patient.gender.memberOf('u')", "Patient", "nothing here can answer this"),
        ("string", "Patient.nothing", "Patient", "on Patient the expression gives no value"),
        ("date", "Patient.active", "Patient", "that a date parameter can have"),
        ("token", "Observation.code", "Patient", "gives no value"),
        ("token", "Patient.active", "Elephant", "no base of it is a resource type"),
        ("token", "", "Patient", "no expression"),
        ("composite", "Patient", "Patient", "only where R4 itself defines it"),
        ("special", "Patient.address", "Patient", "only where R4 itself defines it"),
    ],
)
def test_what_cannot_be_read_is_told(kind: str, expression: str, base: str, problem: str) -> None:
    (found,) = readable(definition(kind, expression, base))

    assert problem in found


def test_a_problem_is_told_for_each_type() -> None:
    assert len(readable(definition("token", "Patient.active", "Patient", "Observation", "Group"))) == 2


@pytest.mark.parametrize("national", national_search_parameters(), ids=lambda definition: definition["id"])
def test_the_national_parameters_are_readable(national: dict[str, Any]) -> None:
    assert readable(national) == ()
