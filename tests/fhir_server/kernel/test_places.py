from __future__ import annotations

import pytest

from fhir_server.kernel.errors import Malformed
from fhir_server.kernel.wire import decode


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ('// x\n{"resourceType": "Patient"}', "Patient"),
        ('{resourceType: "Patient"}', "Patient"),
        ('{"resourceType": "Patient",\n // x\n "id": "a"}', "Patient.id"),
        ('{"resourceType": "Patient", /* x */ /* y */ "active": true}', "Patient.active"),
        ('{"resourceType": "Patient", "name": [{"given": ["A", B]}]}', "Patient.name[0].given[1]"),
        ('{"resourceType": "Patient", "name": [{"given": ["A",]}]}', "Patient.name[0].given"),
        ('{"resourceType": "Patient", "name": [{}, {"family": x}]}', "Patient.name[1].family"),
        ('{"resourceType": "Patient", "a b": x}', ""),  # no name of an element
        ('{"resourceType": "Patient", "name": [{"given": ["A" "B"]}]}', ""),  # what was meant is not known
        ('{"name": x}', ""),
        ("x", ""),
    ],
)
def test_a_mistake_in_json_is_told_at_its_element(body: str, place: str) -> None:
    with pytest.raises(Malformed) as refusal:
        decode(body.encode())

    assert refusal.value.issues[0].expression == place


def test_a_mistake_far_into_a_large_body_is_told_by_line_and_column_only() -> None:
    with pytest.raises(Malformed) as refusal:
        decode(b'{"resourceType": "Patient", "a": "' + b"x" * 1_100_000 + b'", b: 1}')

    assert refusal.value.issues[0].expression == ""
