from __future__ import annotations

import orjson
import pytest

import profiles
from fhir_server.definitions.catalogue import required_codes
from fhir_server.search.cases import is_sensitive


@pytest.mark.parametrize(
    ("system", "expected"),
    [
        ("http://unitsofmeasure.org", True),
        ("http://terminology.hl7.org/CodeSystem/v3-ActCode", True),
        ("http://terminology.hl7.org/CodeSystem/v2-0203", False),
        ("http://hl7.org/fhir/observation-status", True),
        ("http://hl7.org/fhir/sid/icd-10", False),
        ("http://loinc.org", False),
        ("http://snomed.info/sct", False),
        ("https://mos.esante.gouv.fr/NOS/TRE_R38-SpecialiteOrdinale/FHIR/TRE-R38-SpecialiteOrdinale", False),
        ("urn:oid:1.2.250.1.213.1.4.8", False),
        ("", False),
    ],
)
def test_case_matters_where_somebody_has_said_so(system: str, expected: bool) -> None:
    assert is_sensitive(system) == expected


def test_the_systems_of_code_elements_are_sensitive() -> None:
    assert [s for codes in required_codes().values() for s in codes if not is_sensitive(s)] == []


def test_every_code_system_of_r4_is_taken_at_its_word() -> None:
    wrong = []
    for name in profiles.members():
        if name.startswith("CodeSystem/"):
            system = orjson.loads(profiles.member(name))
            if is_sensitive(system["url"]) != system.get("caseSensitive", False):
                wrong.append(system["url"])

    # A supplement, whose codes are another system's.
    assert wrong == ["http://hl7.org/fhir/CodeSystem/example-supplement"]
