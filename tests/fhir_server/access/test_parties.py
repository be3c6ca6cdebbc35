"""Who has a part in a resource."""

from __future__ import annotations

from typing import Any

import pytest

from fhir_server.access.parties import organisation_in, parties_of
from fhir_server.definitions.catalogue import resource_types
from fhir_server.kernel.keys import Key


def ref(name: str) -> dict[str, str]:
    return {"reference": name}


NURSE, DOCTOR, TEAM = ref("PractitionerRole/nurse"), ref("PractitionerRole/doctor"), ref("Organization/team")
PERSON, CARER = ref("Patient/person"), ref("RelatedPerson/carer")


def tree(type: str, **elements: Any) -> dict[str, Any]:
    return {"resourceType": type, "id": "x", **elements}


@pytest.mark.parametrize(
    ("resource", "authors", "others"),
    [
        (tree("Patient", generalPractitioner=[DOCTOR]), "x", ""),
        (tree("RelatedPerson", patient=PERSON), "x", ""),
        ({"resourceType": "Patient"}, "", ""),
        (tree("Observation", performer=[NURSE]), "nurse", ""),
        (tree("Observation", performer=[NURSE, TEAM]), "nurse", ""),
        (tree("Observation", performer=[TEAM]), "team", ""),
        (tree("Observation", performer=[ref("CareTeam/1")]), "", ""),
        (tree("Procedure", performer=[{"actor": NURSE}], asserter=DOCTOR), "doctor nurse", ""),
        (tree("DocumentReference", author=[NURSE], custodian=TEAM), "nurse", ""),
        (tree("DocumentReference", author=[NURSE], context={"related": [TEAM]}), "nurse", "team"),
        (tree("Communication", sender=NURSE, recipient=[DOCTOR, CARER]), "nurse", "doctor carer"),
        (tree("Task", requester=DOCTOR, owner=TEAM), "team doctor", ""),
        (tree("CareTeam", managingOrganization=[TEAM], participant=[{"member": NURSE}]), "team", "nurse"),
        (tree("EpisodeOfCare", managingOrganization=TEAM, careManager=ref("Practitioner/c")), "team c", ""),
        (tree("Encounter", serviceProvider=TEAM, participant=[{"individual": NURSE}]), "team nurse", ""),
        (tree("Appointment", participant=[{"actor": NURSE}, {"actor": PERSON}]), "person nurse", ""),
        (tree("Schedule", actor=[NURSE]), "nurse", ""),
        (tree("ServiceRequest", requester=NURSE, performer=[TEAM]), "nurse", "team"),
        (tree("Consent", performer=[PERSON], organization=[TEAM]), "team person", ""),
        (tree("Goal", expressedBy=PERSON), "", "person"),
        (tree("AuditEvent", agent=[{"who": NURSE}]), "", ""),
        (tree("Binary"), "", ""),
        (tree("Basic", author=NURSE), "nurse", ""),
    ],
)  # fmt: skip
def test_the_parties_of_a_resource(resource: dict[str, Any], authors: str, others: str) -> None:
    found = parties_of(resource)

    assert [key.id for key in found.authors] == authors.split()
    assert [key.id for key in found.all if key not in found.authors] == others.split()


def test_an_action_of_a_plan_is_its_owners_alone() -> None:
    action = tree("Task", requester=DOCTOR, owner=NURSE)

    assert parties_of(action, action=True).all == (Key("PractitionerRole", "nurse"),)


def test_references_may_be_below_the_servers_own_address() -> None:
    note = tree("Basic", author=ref("https://here.example/fhir/Practitioner/1"))

    assert parties_of(note).authors == ()
    assert parties_of(note, ("https://here.example/fhir",)).authors == (Key("Practitioner", "1"),)


def test_every_type_has_parties() -> None:
    for name in resource_types():
        assert parties_of({"resourceType": name}).all == ()


@pytest.mark.parametrize(
    ("resource", "organisation"),
    [
        (tree("DocumentReference", author=[NURSE, TEAM]), Key("Organization", "team")),
        (tree("DocumentReference", author=[NURSE], custodian=TEAM), Key("Organization", "team")),
        (tree("DocumentReference", author=[TEAM], custodian=ref("Organization/other")), None),
        (tree("DocumentReference", author=[NURSE]), None),
    ],
)
def test_the_organisation_that_a_resource_comes_from(
    resource: dict[str, Any], organisation: Key | None
) -> None:
    assert organisation_in(resource) == organisation
