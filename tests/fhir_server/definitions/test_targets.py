from __future__ import annotations

from typing import Any

import pytest

from fhir_server.definitions.targets import local_key, points_to, type_in
from fhir_server.kernel.keys import Key

BASES = ("https://here.example/fhir", "http://localhost/fhir")


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("Patient/1", Key("Patient", "1")),
        ("Patient/1/_history/2", Key("Patient", "1")),
        ("Patient/1#part", Key("Patient", "1")),
        ("https://here.example/fhir/Patient/1", Key("Patient", "1")),
        ("http://localhost/fhir/Patient/a-b.c/_history/9", Key("Patient", "a-b.c")),
        ("https://here.example/fhirPatient/1", None),
        ("https://there.example/fhir/Patient/1", None),
        ("Elephant/1", None),
        ("Patient", None),
        ("Patient/", None),
        ("Patient/" + "x" * 65, None),
        ("Patient/1\n", None),
        ("urn:uuid:b6a8c1f0-0b0e-4a0e-8f10-000000000000", None),
        ("#contained", None),
        ("", None),
    ],
)
def test_a_reference_is_local_when_relative_or_below_a_base(text: str, key: Key | None) -> None:
    assert local_key(text, BASES) == key


@pytest.mark.parametrize(
    ("text", "type"),
    [
        ("Patient/1", "Patient"),
        ("https://x.example/a/b/Group/7/_history/1", "Group"),
        ("https://x.example/Elephant/7", ""),
        ("urn:oid:1.2.3", ""),
        ("#a", ""),
    ],
)
def test_the_text_of_a_reference_may_name_a_type(text: str, type: str) -> None:
    assert type_in(text) == type


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ({"reference": "Patient/1"}, True),
        ({"reference": "https://x.example/Patient/1"}, True),
        ({"reference": "Group/1"}, False),
        ({"reference": "https://x.example/Group/1", "type": "Patient"}, False),
        ({"reference": "urn:uuid:1", "type": "Patient"}, True),
        ({"type": "http://hl7.org/fhir/StructureDefinition/Patient", "identifier": {"value": "1"}}, True),
        ({"identifier": {"value": "1"}}, False),
        ({"reference": "#p"}, True),
        ({"reference": "#g"}, False),
    ],
)
def test_resolve_is_decided_from_what_the_reference_says(reference: dict[str, Any], expected: bool) -> None:
    root = {"contained": [{"resourceType": "Patient", "id": "p"}, {"resourceType": "Group", "id": "g"}]}

    assert points_to(reference, "Patient", root) is expected
