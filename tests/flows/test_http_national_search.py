"""The search parameters of the French guides, on resources as the guides have them."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.flows.serving import JSON

pytestmark = pytest.mark.asyncio(loop_scope="session")

ANS = "https://interop.esante.gouv.fr/ig/fhir"
ANNUAIRE = f"{ANS}/annuaire/StructureDefinition"
MHD = "https://profiles.ihe.net/ITI/MHD/StructureDefinition"
CODE = {"coding": [{"system": "urn:s", "code": "c"}]}


def nested(url: str, **parts: Any) -> dict[str, Any]:
    """A complex extension: its parts by name, each with its value."""
    return {"url": url, "extension": [{"url": name, **value} for name, value in parts.items()]}


TRACE = nested(
    f"{ANNUAIRE}/as-ext-data-trace",
    **{"systeme-information": {"valueCode": "si"}, "autorite-enregistrement": {"valueCode": "ae"}},
)
MAILBOX = {
    "system": "email",
    "value": "a.b@medecin.mssante.fr",
    "extension": [nested(f"{ANNUAIRE}/as-ext-mailbox-mss-metadata", type={"valueCodeableConcept": CODE})],
}
INSEE = {
    "url": "https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-address-insee-code",
    "valueCoding": {"system": "urn:cog", "code": "97411"},
}
ORGANIZATION = {
    "resourceType": "Organization",
    "name": "A",
    "extension": [
        TRACE,
        {
            "url": "http://hl7.org/fhir/StructureDefinition/organization-period",
            "valuePeriod": {"start": "2020"},
        },
        {"url": f"{ANNUAIRE}/as-ext-organization-pharmacy-licence", "valueString": "974#1"},
    ],
    "telecom": [MAILBOX],
    "address": [{"line": ["12 rue des Lilas"], "extension": [INSEE]}],
}
PRACTITIONER = {"resourceType": "Practitioner", "qualification": [{"code": CODE}], "telecom": [MAILBOX]}
ROLE = {
    "resourceType": "PractitionerRole",
    "extension": [
        TRACE,
        nested(
            f"{ANNUAIRE}/as-ext-practitionerrole-smartcard",
            number={"valueString": "2800001"},
            type={"valueCodeableConcept": CODE},
        ),
    ],
}
PATIENT = {
    "resourceType": "Patient",
    "extension": [
        {
            "url": "http://hl7.org/fhir/StructureDefinition/patient-birthPlace",
            "valueAddress": {"city": "Saint-Denis", "country": "FRA"},
        }
    ],
}
TEAM = {
    "resourceType": "CareTeam",
    "period": {"start": "2024-03-01", "end": "2024-06-30"},
    "participant": [{"period": {"start": "2024-04-01", "end": "2024-05-31"}}],
    "managingOrganization": [{"reference": "https://example.org/Organization/1"}],
}
DOCUMENT = {
    "resourceType": "DocumentReference",
    "status": "current",
    "extension": [{"url": f"{ANS}/pdsm/StructureDefinition/pdsm-ext-is-archived", "valueBoolean": True}],
    "content": [{"attachment": {"creation": "2024-02-29"}}],
    "context": {"period": {"start": "2024-02-01", "end": "2024-02-10"}},
}
LIST = {
    "resourceType": "List",
    "status": "current",
    "mode": "working",
    "extension": [
        {"url": f"{ANS}/pdsm/StructureDefinition/pdsm-ext-is-archived", "valueBoolean": False},
        {"url": f"{MHD}/ihe-designationType", "valueCodeableConcept": CODE},
        {"url": f"{MHD}/ihe-sourceId", "valueIdentifier": {"system": "urn:i", "value": "7"}},
    ],
    "source": {
        "display": "x",
        "extension": [
            {
                "url": f"{MHD}/ihe-authorOrg",
                "valueReference": {"reference": "https://example.org/Organization/1"},
            }
        ],
    },
}
APPOINTMENT = {
    "resourceType": "Appointment",
    "status": "booked",
    "created": "2024-01-02",
    "start": "2024-01-03T10:00:00Z",
    "end": "2024-01-03T11:00:00Z",
    "comment": "Premier rendez-vous",
    "priority": 5,
    "participant": [{"actor": {"display": "x"}, "status": "accepted"}],
}
REQUEST = {
    "resourceType": "CommunicationRequest",
    "status": "active",
    "extension": [{"url": f"{ANS}/nde/StructureDefinition/event-type", "valueCodeableConcept": CODE}],
}
EVENT = {
    "resourceType": "AuditEvent",
    "type": {"code": "rest"},
    "period": {"start": "2024-05-05T10:00:00Z"},
    "recorded": "2024-05-05T10:00:00Z",
    "agent": [{"requestor": True}],
    "source": {"observer": {"display": "x"}},
}


@pytest.mark.parametrize(
    ("resource", "queries"),
    [
        (
            ORGANIZATION,
            [
                "mailbox-mss=a.b@medecin",
                "mailbox-mss:exact=a.b@medecin.mssante.fr",
                "mailbox-mss:contains=mssante",
                "mailbox-mss-type=urn:s|c",
                "data-information-system=si",
                "data-registration-authority=ae",
                "address-line=12 rue",
                "address-insee=97411",
                "period=ge2024",
                "pharmacy-licence=974",
            ],
        ),
        (PRACTITIONER, ["mailbox-mss=a.b", "mailbox-mss-type=c", "qualification-code=urn:s|c"]),
        (ROLE, ["number-smartcard=28", "type-smartcard=c", "data-information-system=si"]),
        (PATIENT, ["birthplace=saint-denis", "birthplace=FRA", "birthplace:contains=denis"]),
        (
            TEAM,
            [
                "start=2024-03-01",
                "start=ge2024-03",
                "end=le2024-06-30",
                "participant-start=sa2024-03-31",
                "participant-end=2024-05",
                "managingOrganization=https://example.org/Organization/1",
            ],
        ),
        (
            DOCUMENT,
            ["isArchived=true", "creation=2024-02", "period-start=2024-02-01", "period-end=lt2024-03"],
        ),
        (
            LIST,
            [
                "isArchived=false",
                "designationType=urn:s|c",
                "sourceId=urn:i|7",
                "authorOrg=https://example.org/Organization/1",
            ],
        ),
        (
            APPOINTMENT,
            [
                "created=2024-01-02",
                "start=ge2024-01-03&start=lt2024-01-04",
                "description=premier",
                "priority=5",
            ],
        ),
        (REQUEST, ["event-type=urn:s|c", "event-type=c"]),
        (EVENT, ["period-start=ge2024-05-05"]),
    ],
    ids=lambda value: value["resourceType"] if isinstance(value, dict) else "",
)
async def test_a_national_parameter_finds_what_it_names(
    shared: httpx.AsyncClient, resource: dict[str, Any], queries: list[str]
) -> None:
    name = resource["resourceType"]
    identifier = [{"system": "urn:national", "value": name}]
    if name in {"CommunicationRequest", "AuditEvent"}:
        answer = await shared.post(name, json=resource, headers=JSON)
        mine = f"_id={answer.json()['id']}"
    else:
        answer = await shared.post(name, json={**resource, "identifier": identifier}, headers=JSON)
        mine = f"identifier=urn:national|{name}"
    assert answer.status_code == 201, answer.text

    for query in queries:
        found = await shared.get(f"{name}?{mine}&{query}", headers={"Prefer": "handling=strict"})

        assert found.status_code == 200, (query, found.text)
        assert found.json()["total"] == 1, query
