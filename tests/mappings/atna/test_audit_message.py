"""AuditEvents as DICOM audit messages in lines of syslog."""

from __future__ import annotations

from base64 import b64decode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from mappings.atna.audit_message import message_of
from mappings.atna.syslog import framed, line_of

EVENT: dict[str, Any] = {
    "resourceType": "AuditEvent",
    "type": {"system": "http://terminology.hl7.org/CodeSystem/audit-event-type", "code": "rest"},
    "subtype": [{"system": "http://hl7.org/fhir/restful-interaction", "code": "search-type"}],
    "action": "E",
    "recorded": "2026-02-25T06:13:20.002Z",
    "outcome": "8",
    "outcomeDesc": "Gate 4: matrix",
    "purposeOfEvent": [
        {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActReason", "code": "TREAT"}]}
    ],
    "agent": [
        {
            "role": [{"text": "infirmier"}],
            "who": {"reference": "PractitionerRole/ide", "identifier": {"system": "i", "value": "8997"}},
            "requestor": True,
            "network": {"address": "192.0.2.7", "type": "2"},
        },
        {"who": {"display": "anyone"}, "requestor": False},
    ],
    "source": {
        "site": "SSIAD",
        "observer": {"type": "Device", "identifier": {"value": "https://fhir.example.org"}},
        "type": [{"code": "4"}],
    },
    "entity": [
        {"what": {"reference": "Patient/7"}, "role": {"code": "1"}},
        {
            "what": {"reference": "Observation/1/_history/3"},
            "type": {"system": "http://hl7.org/fhir/resource-types", "code": "Observation"},
            "role": {"code": "4"},
            "securityLabel": [{"code": "sante"}],
        },
        {"type": {"code": "2"}, "role": {"code": "24"}, "query": "T2JzZXJ2YXRpb24/Y29kZT0q"},
        {"type": {"code": "2"}, "name": "search-type", "detail": [{"type": "gate", "valueString": "4"}]},
    ],
}


def parsed(event: dict[str, Any]) -> etree._Element:
    return etree.fromstring(message_of(event))


def test_an_event_keeps_who_what_when_and_how_it_ended() -> None:
    message = parsed(EVENT)

    assert [child.tag for child in message] == [
        "EventIdentification",
        "ActiveParticipant",
        "ActiveParticipant",
        "AuditSourceIdentification",
        *["ParticipantObjectIdentification"] * 4,
    ]
    event = message[0]
    assert dict(event.attrib.items()) == {
        "EventActionCode": "E",
        "EventDateTime": "2026-02-25T06:13:20.002Z",
        "EventOutcomeIndicator": "8",
    }
    assert dict(event[0].attrib.items()) == {
        "csd-code": "110112",
        "codeSystemName": "DCM",
        "originalText": "Query",
    }
    assert event[1].get("csd-code") == "search-type"
    assert event[2].text == "Gate 4: matrix"
    assert event[3].get("csd-code") == "TREAT"


def test_participants_and_source_are_named() -> None:
    message = parsed(EVENT)

    assert dict(message[1].attrib.items()) == {
        "UserID": "PractitionerRole/ide",
        "AlternativeUserID": "8997",
        "UserIsRequestor": "true",
        "NetworkAccessPointID": "192.0.2.7",
        "NetworkAccessPointTypeCode": "2",
    }
    assert message[1][0].get("csd-code") == "infirmier"
    assert dict(message[2].attrib.items()) == {"UserID": "anyone", "UserIsRequestor": "false"}
    assert dict(message[3].attrib.items()) == {
        "AuditSourceID": "https://fhir.example.org",
        "AuditEnterpriseSiteID": "SSIAD",
        "code": "4",
    }


def test_objects_are_persons_resources_queries_and_details() -> None:
    person, resource, query, detail = list(parsed(EVENT))[4:]

    assert (person.get("ParticipantObjectID"), person.get("ParticipantObjectTypeCode")) == ("Patient/7", "1")
    assert resource.get("ParticipantObjectSensitivity") == "sante"
    assert resource[0].get("csd-code") == "Observation"
    assert resource[1].text == "Observation/1/_history/3"
    assert query[1].tag == "ParticipantObjectQuery"
    assert b64decode(query[1].text or "") == b"Observation?code=*"
    assert detail[2].get("type") == "gate"
    assert b64decode(detail[2].get("value") or "") == b"4"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"type": {"system": "http://dicom.nema.org/resources/ontology/DCM", "code": "110114"}}, "110114"),
        ({"subtype": [{"code": "read"}]}, "110110"),
        ({"subtype": [{"code": "capabilities"}]}, "110100"),
        ({"subtype": []}, "110110"),
    ],
)
def test_events_have_the_codes_of_dicom(change: dict[str, Any], code: str) -> None:
    assert parsed({**EVENT, **change})[0][0].get("csd-code") == code


@given(st.text(st.characters()))
def test_no_text_breaks_the_message_or_its_line(text: str) -> None:
    event = {**EVENT, "outcomeDesc": text, "agent": [{"who": {"display": text}, "requestor": True}]}

    message = message_of(event)

    assert etree.fromstring(message).tag == "AuditMessage"
    line = line_of(message, "2026-02-25T06:13:20Z", host="h", application="cordee", process="1")
    assert b"\n" not in line


def test_a_line_is_of_the_security_facility_and_says_that_it_is_ihes() -> None:
    line = line_of(b"<A>\n</A>", "2026-02-25T06:13:20.002Z", host="hôte 1", application="", process="12")

    assert line == b"<85>1 2026-02-25T06:13:20.002Z h_te_1 - 12 IHE+RFC-3881 - \xef\xbb\xbf<A> </A>"
    assert line_of(b"", "t", host="h", application="a", process="p", serious=True).startswith(b"<84>1 ")


def test_a_frame_tells_octets() -> None:
    assert framed("é".encode()) == b"2 \xc3\xa9"
