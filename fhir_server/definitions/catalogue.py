"""The R4 definitions by name, read from their package when first asked for.

Nothing is parsed at import: a server that only ever meets Patients reads the definition of Patient.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import orjson

import profiles

FHIR_VERSION = "4.0.1"
OWN = (
    "https://cordee.example/fhir"  # of our own definitions; `.example` (RFC 2606) is nobody's, now and later
)
_PREFIX = "http://hl7.org/fhir/StructureDefinition/"


@cache
def structure(name: str) -> dict[str, Any]:
    """The StructureDefinition of a base type (`Patient`, `HumanName`, `date`). Raises `KeyError` for an unknown one."""
    definition: dict[str, Any] = orjson.loads(profiles.member(f"StructureDefinition/{name}.json"))
    return definition


@cache
def resource_types() -> frozenset[str]:
    """The 146 resource types that have instances, `Parameters` and `Bundle` among them."""
    found = orjson.loads(profiles.member("resource-types.json"))
    return frozenset(found)


@cache
def search_parameters() -> tuple[dict[str, Any], ...]:
    """Every SearchParameter that is always in force: those of R4, 1 400 of them, then those of the national guides."""
    return (*orjson.loads(profiles.member("SearchParameter.json")), *national_search_parameters())


@cache
def national_search_parameters() -> tuple[dict[str, Any], ...]:
    """The SearchParameters of the French guides, as the package `cordee.fr` restates them."""
    return tuple(orjson.loads(profiles.member("SearchParameter.json", profiles.FRENCH)))


@cache
def compartments() -> dict[str, dict[str, Any]]:
    """CompartmentDefinitions by the type they are about (`Patient`, `Encounter` …)."""
    found = orjson.loads(profiles.member("CompartmentDefinition.json"))
    return {definition["code"]: definition for definition in found if definition["id"] != "example"}


def operation_definition(id: str) -> dict[str, Any]:
    """An OperationDefinition of R4 (`Patient-everything`), the caller's to change. Raises `KeyError`."""
    definition: dict[str, Any] = orjson.loads(profiles.member(f"OperationDefinition/{id}.json"))
    return definition


@cache
def required_codes() -> dict[str, dict[str, frozenset[str]]]:
    """Value set URL → code system URL → codes, for the value sets bound as `required` that R4 can enumerate."""
    found = orjson.loads(profiles.member("required-bindings.json"))["expanded"]
    return {
        url: {system: frozenset(codes) for system, codes in expansion["codes"].items()}
        for url, expansion in found.items()
    }


def type_of_profile(url: str) -> str:
    """`Patient` of `http://hl7.org/fhir/StructureDefinition/Patient`; any other URL as it is."""
    return url.removeprefix(_PREFIX)
