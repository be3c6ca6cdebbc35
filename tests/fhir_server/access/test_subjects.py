"""Which persons a resource is about."""

from __future__ import annotations

from typing import Any

import pytest

from fhir_server.access.subjects import persons_of
from fhir_server.kernel.keys import Key

ONE, TWO = {"reference": "Patient/1"}, {"reference": "Patient/2"}


@pytest.mark.parametrize(
    ("tree", "ids"),
    [
        ({"resourceType": "Patient", "id": "1", "link": [{"other": TWO}]}, "1"),
        ({"resourceType": "Patient"}, ""),
        ({"resourceType": "Observation", "subject": ONE}, "1"),
        ({"resourceType": "Observation", "subject": ONE, "performer": [TWO]}, "12"),
        ({"resourceType": "Observation", "subject": {"reference": "Group/1"}}, ""),
        ({"resourceType": "Observation", "subject": {"display": "somebody"}}, ""),
        ({"resourceType": "Task", "for": ONE, "owner": TWO}, "1"),
        ({"resourceType": "Task", "focus": TWO}, "2"),
        ({"resourceType": "List", "subject": ONE, "entry": [{"item": TWO}]}, "12"),
        ({"resourceType": "Group", "member": [{"entity": ONE}, {"entity": TWO}]}, "12"),
        ({"resourceType": "Appointment", "participant": [{"actor": ONE}, {"actor": TWO}]}, "12"),
        ({"resourceType": "Communication", "subject": ONE, "recipient": [TWO]}, "12"),
        ({"resourceType": "Consent", "patient": ONE}, "1"),
        ({"resourceType": "RelatedPerson", "patient": ONE}, "1"),
        ({"resourceType": "Device", "patient": ONE}, "1"),
        ({"resourceType": "AuditEvent", "entity": [{"what": ONE}]}, "1"),
        ({"resourceType": "Binary", "securityContext": ONE}, "1"),
        ({"resourceType": "Binary", "securityContext": {"reference": "DocumentReference/1"}}, ""),
        ({"resourceType": "Binary", "securityContext": {"display": "it"}}, ""),
        ({"resourceType": "Binary"}, ""),
        ({"resourceType": "Slot", "schedule": {"reference": "Schedule/1"}}, ""),
    ],
)
def test_the_persons_of_a_resource(tree: dict[str, Any], ids: str) -> None:
    assert persons_of(tree) == tuple(Key("Patient", one) for one in ids)


def test_a_person_may_be_named_below_the_servers_own_address() -> None:
    tree = {"resourceType": "Observation", "subject": {"reference": "https://here.example/fhir/Patient/1"}}

    assert persons_of(tree) == ()
    assert persons_of(tree, ("https://here.example/fhir",)) == (Key("Patient", "1"),)
