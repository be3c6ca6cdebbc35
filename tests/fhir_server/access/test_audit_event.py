"""Traces as AuditEvents: right by R4 and by the national profile, and no more for a person than is theirs."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fhir_server.access.audit import KINDS, event, fed, trace_of
from fhir_server.access.audit_event import (
    ORGANISATION,
    PROFILE,
    Observer,
    Place,
    event_for,
    event_of,
    persons_of,
    place_of,
)
from fhir_server.access.caller import ANYONE, Caller
from fhir_server.definitions.packaged import SHIPPED
from fhir_server.interactions.call import Action, Call, Change, Reply
from fhir_server.kernel.errors import NotFound
from fhir_server.kernel.keys import Key
from fhir_server.kernel.times import instant_text
from fhir_server.kernel.trace import Recorded, Trace
from fhir_server.kernel.values import immutable
from fhir_server.kernel.wire import Tree, decode, encode
from fhir_server.validation.judge import judge
from fhir_server.validation.validator import check
from fhir_server.validation.world import World
from terminology.codes import codes_of

AT = 1_772_000_000_000_000
OBSERVER = Observer("SSIAD du Nord", "urn:ietf:rfc:3986", "https://fhir.example.org/fhir")
NURSE = Caller(
    "professional",
    issuer="https://auth.example.org",
    subject="899700000001",
    client="dui",
    roles=("infirmier",),
    actors=(Key("PractitionerRole", "ide"),),
    organisation=Key("Organization", "ssiad"),
    purpose="TREAT",
)
SECRETARY = Caller(
    "professional",
    issuer="https://auth.example.org",
    subject="s",
    roles=("secretariat",),
    actors=(Key("Practitioner", "s"),),
    delegator=Key("Practitioner", "d"),
    purpose="COC",
)
SYSTEM = Caller("system", issuer="https://auth.example.org", subject="dui", client="dui")


@immutable
class Refusal:
    gate: int
    rule: str


def recorded(trace: Trace) -> Recorded:
    return Recorded("0sa952rzg0c05", AT + 2000, trace.outcome, trace.data)


def traced(call: Call, result: Any, caller: Caller = NURSE, **more: Any) -> Recorded:
    return recorded(trace_of(call, result, caller, at=AT, address="192.0.2.7", **more))


READ = traced(
    Call(Action.READ, "Observation", "1"),
    Reply(200, b"", Key("Observation", "1"), 3),
    persons=[Key("Patient", "7")],
    categories={Key("Observation", "1"): "sante"},
)
SEARCH = traced(Call(Action.SEARCH, "Condition", query="code=1&_count=5"), Reply(200), numbers=[11, 12, 13])
NAMES = {11: Key("Patient", "7"), 12: Key("Patient", "8")}
CASES: dict[str, Recorded] = {
    "read": READ,
    "search": SEARCH,
    "refusal": traced(
        Call(Action.READ, "Patient", "9"), NotFound("no"), decision=Refusal(2, "no link"), caller=SYSTEM
    ),
    "for another": traced(Call(Action.CREATE, "Slot"), Reply(201, b"", Key("Slot", "s"), 1), SECRETARY),
    "transaction": traced(
        Call(Action.BUNDLE), Reply(200, changes=(Change(Key("Goal", "g"), 1, "POST", {}),))
    ),
    "operation": traced(Call(Action.OPERATION, "Patient", "7", operation="$everything"), Reply(200), ANYONE),
    "history": traced(Call(Action.HISTORY), Reply(200)),
    "emergency": traced(
        Call(Action.OPERATION, "Patient", operation="$emergency-access"),
        Reply(200),
        Caller("professional", actors=(Key("Practitioner", "m"),), purpose="BTG"),
    ),
    "of nobody": recorded(event("logout", NURSE, at=AT)),
    "of a request": traced(Call(Action.READ, "Patient", "7", request="4bf92f35"), Reply(200)),
    "of many": recorded(
        event("login", SYSTEM, at=AT, outcome=8, note="why", until=AT + 59_000_000, count=41)
    ),
    **{
        kind: recorded(
            event(kind, NURSE, at=AT, address="192.0.2.7", note="why", persons=[Key("Patient", "7")])
        )
        for kind in sorted(KINDS - {"feed"})
    },
}


def problems(tree: Tree) -> list[str]:
    """By R4, the profile and the meaning of codes.

    Our categories are labels that no value set of HL7 has, nor has any a code for a request: IHE's stands beside them.
    """
    read = decode(encode(tree))
    issues = judge(read, World(SHIPPED, codes_of(SHIPPED)))
    return [
        f"{issue.expression}: {issue.text}"
        for issue in issues
        if issue.severity != "information"
        and "security-labels" not in issue.text
        and not ("ValueSet/audit-entity-type" in issue.text and '"XrequestId"' in json.dumps(tree))
        and "dom-6" not in issue.text  # a narrative
    ]


@pytest.mark.parametrize("name", CASES)
def test_everything_that_is_known_is_a_national_trace(name: str) -> None:
    tree = event_of(CASES[name], NAMES, OBSERVER)

    assert tree["meta"]["profile"] == [PROFILE]
    assert check(tree) == []
    assert problems(tree) == []


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if persons_of(case, NAMES)])
def test_what_a_person_reads_is_a_national_trace(name: str) -> None:
    tree = event_for(CASES[name], NAMES, 1, OBSERVER)

    assert tree is not None
    assert check(tree) == []
    assert problems(tree) == []


def test_a_person_reads_who_what_kind_and_when_and_nothing_technical() -> None:
    assert event_for(READ, {}, 1, OBSERVER) == {
        "resourceType": "AuditEvent",
        "id": "0sa952rzg0c05.1",
        "meta": {
            "versionId": "1",
            "lastUpdated": "2026-02-25T06:13:20.002Z",
            "profile": [PROFILE],
            "security": [
                {"system": "https://cordee.example/fhir/CodeSystem/categorie-donnee", "code": "trace"}
            ],
        },
        "type": {
            "system": "http://terminology.hl7.org/CodeSystem/audit-event-type",
            "code": "rest",
            "display": "Restful Operation",
        },
        "subtype": [{"system": "http://hl7.org/fhir/restful-interaction", "code": "read"}],
        "action": "R",
        "period": {"start": "2026-02-25T06:13:20.000Z"},
        "recorded": "2026-02-25T06:13:20.002Z",
        "outcome": "0",
        "purposeOfEvent": [
            {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActReason", "code": "TREAT"}]}
        ],
        "agent": [
            {
                "extension": [{"url": ORGANISATION, "valueReference": {"reference": "Organization/ssiad"}}],
                "role": [{"text": "infirmier"}],
                "who": {"reference": "PractitionerRole/ide"},
                "requestor": True,
            }
        ],
        "source": {
            "site": "SSIAD du Nord",
            "observer": {
                "type": "Device",
                "identifier": {"system": "urn:ietf:rfc:3986", "value": "https://fhir.example.org/fhir"},
            },
            "type": [
                {
                    "system": "http://terminology.hl7.org/CodeSystem/security-source-type",
                    "code": "4",
                    "display": "Application Server",
                }
            ],
        },
        "entity": [
            {
                "what": {"reference": "Patient/7"},
                "role": {
                    "system": "http://terminology.hl7.org/CodeSystem/object-role",
                    "code": "1",
                    "display": "Patient",
                },
            },
            {
                "type": {"system": "http://hl7.org/fhir/resource-types", "code": "Observation"},
                "role": {
                    "system": "http://terminology.hl7.org/CodeSystem/object-role",
                    "code": "4",
                    "display": "Domain Resource",
                },
                "securityLabel": [
                    {"system": "https://cordee.example/fhir/CodeSystem/categorie-donnee", "code": "sante"}
                ],
            },
        ],
    }


def test_a_person_never_reads_of_another() -> None:
    first, second = event_for(SEARCH, NAMES, 1, OBSERVER), event_for(SEARCH, NAMES, 2, OBSERVER)

    assert first is not None
    assert second is not None
    assert b"Patient/8" not in encode(first)
    assert b"Patient/7" not in encode(second)
    assert first["id"] != second["id"]


@pytest.mark.parametrize("place", [0, 3, 4, -1])
def test_a_place_without_a_person_has_no_record(place: int) -> None:
    assert event_for(SEARCH, NAMES, place, OBSERVER) is None  # the third was purged


def test_who_was_purged_stays_a_person_in_the_whole_record() -> None:
    entities = event_of(SEARCH, NAMES, OBSERVER)["entity"]

    assert [one.get("what", one.get("name")) for one in entities[:3]] == [
        {"reference": "Patient/7"},
        {"reference": "Patient/8"},
        "purged",
    ]
    assert persons_of(SEARCH, NAMES) == [Key("Patient", "7"), Key("Patient", "8"), None]


def test_a_request_is_named_as_in_its_answer_and_not_to_the_person() -> None:
    """https://profiles.ihe.net/ITI/BALP/content.html"""
    tree = event_of(CASES["of a request"], NAMES, OBSERVER)
    shown = event_for(CASES["of a request"], NAMES, 1, OBSERVER)

    [named] = [one["what"] for one in tree["entity"] if one.get("type", {}).get("code") == "XrequestId"]
    assert named == {"identifier": {"value": "4bf92f35"}}
    assert "4bf92f35" not in str(shown)


def test_several_that_came_to_the_same_say_how_many_and_when() -> None:
    tree = event_of(CASES["of many"], NAMES, OBSERVER)

    assert tree["period"] == {"start": instant_text(AT), "end": instant_text(AT + 59_000_000)}
    assert {"type": "count", "valueString": "41"} in tree["entity"][0]["detail"]


def test_a_delegator_comes_first_and_the_delegate_is_who_asked() -> None:
    agents = event_of(CASES["for another"], {}, OBSERVER)["agent"]

    assert [agent["who"].get("reference") for agent in agents] == ["Practitioner/d", "Practitioner/s"]
    assert [agent["requestor"] for agent in agents] == [False, True]


def test_a_refusal_tells_its_gate() -> None:
    tree = event_of(CASES["refusal"], {}, OBSERVER)

    assert (tree["outcome"], tree["outcomeDesc"]) == ("8", "Gate 2: no link")
    assert {"type": "gate", "valueString": "2"} in tree["entity"][-1]["detail"]


def test_an_event_that_was_fed_comes_back_as_it_was_under_our_id() -> None:
    sent: Tree = {
        "resourceType": "AuditEvent",
        "id": "theirs",
        "meta": {"profile": [PROFILE], "versionId": "9"},
        "type": {"system": "s", "code": "c"},
        "agent": [],
    }

    tree = event_of(recorded(fed(sent, SYSTEM, at=AT)), {}, OBSERVER)

    assert tree == {
        **sent,
        "id": "0sa952rzg0c05",
        "meta": {"profile": [PROFILE], "versionId": "1", "lastUpdated": "2026-02-25T06:13:20.002Z"},
    }


def test_an_event_that_was_fed_with_a_number_beyond_a_float_is_read_by_all() -> None:
    sent = decode(b'{"resourceType": "AuditEvent", "extension": [{"url": "x", "valueDecimal": 1e400}]}')
    kept = recorded(fed(sent, SYSTEM, at=AT))

    assert encode(event_of(kept, {}, OBSERVER)["extension"]) == b'[{"url":"x","valueDecimal":1e400}]'
    assert persons_of(kept, {}) == []
    assert event_for(kept, {}, 1, OBSERVER) is None


@pytest.mark.parametrize(
    ("id", "place"),
    [
        ("0sa952rzg0c05", Place("0sa952rzg0c05")),
        ("0sa952rzg0c05.1", Place("0sa952rzg0c05", 1)),
        ("0sa952rzg0c05.12", Place("0sa952rzg0c05", 12)),
        ("0sa952rzg0c05.0", Place("0sa952rzg0c05.0")),
        ("0sa952rzg0c05.01", Place("0sa952rzg0c05.01")),
        ("0sa952rzg0c05.", Place("0sa952rzg0c05.")),
        ("0sa952rzg0c05.x", Place("0sa952rzg0c05.x")),
    ],
)
def test_an_id_says_whose_record_it_is(id: str, place: Place) -> None:
    assert place_of(id) == place
