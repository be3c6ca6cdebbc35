"""What a trace says of an act, and what it keeps to itself."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_server.access.audit import agents_of, event, fed, kind_of, shown, trace_of
from fhir_server.access.caller import ANYONE, Caller
from fhir_server.interactions.call import Action, Call, Change, Reply
from fhir_server.kernel.errors import FhirError, Forbidden, Malformed, NotFound, Throttled, Unavailable
from fhir_server.kernel.keys import Key
from fhir_server.kernel.trace import Trace
from fhir_server.kernel.values import immutable

AT = 1_772_000_000_000_000
NURSE = Caller(
    "professional",
    issuer="https://auth.example",
    subject="899700000001",
    client="dui",
    roles=("infirmier",),
    actors=(Key("PractitionerRole", "ide"), Key("Practitioner", "p")),
    organisation=Key("Organization", "ssiad"),
    level="eidas2",
    purpose="TREAT",
)


@immutable
class Refusal:
    gate: int
    rule: str


def said(trace: Trace) -> Any:
    return orjson.loads(trace.data)


def of(call: Call, result: Reply | FhirError, **more: Any) -> Any:
    return said(trace_of(call, result, NURSE, at=AT, **more))


def test_a_read_says_who_read_which_version_of_what_about_whom() -> None:
    key = Key("Observation", "1")

    trace = trace_of(
        Call(Action.READ, "Observation", "1"),
        Reply(200, b"{}", key, 3),
        NURSE,
        at=AT,
        address="192.0.2.7",
        persons=[Key("Patient", "7")],
        numbers=[-5],
        categories={key: "sante"},
    )

    assert said(trace) == {
        "at": AT,
        "kind": "read",
        "status": 200,
        "agent": {
            "kind": "professional",
            "who": "PractitionerRole/ide",
            "org": "Organization/ssiad",
            "issuer": "https://auth.example",
            "subject": "899700000001",
            "client": "dui",
            "roles": ["infirmier"],
            "level": "eidas2",
            "purpose": "TREAT",
        },
        "what": [["Observation", "1", 3, "sante", "R"]],
        "persons": ["7"],
        "numbers": [-5],
        "address": "192.0.2.7",
    }
    assert trace.outcome == 0
    assert trace.things == (key, Key("Patient", "7"))
    assert trace.numbers == (-5,)
    assert trace.agents == ("PractitionerRole/ide", "https://auth.example|899700000001")


def test_a_delegate_and_who_they_act_for_are_both_found() -> None:
    secretary = Caller("professional", actors=(Key("Practitioner", "s"),), delegator=Key("Practitioner", "d"))

    trace = trace_of(Call(Action.CREATE, "Appointment"), Reply(201), secretary, at=AT)

    assert said(trace)["agent"] == {"kind": "professional", "who": "Practitioner/s", "for": "Practitioner/d"}
    assert trace.agents == ("Practitioner/s", "Practitioner/d")


def test_a_transaction_names_every_version_that_it_wrote() -> None:
    changes = (
        Change(Key("Patient", "7"), 1, "POST", {}),
        Change(Key("CareTeam", "c"), 4, "PATCH", {}),
        Change(Key("Slot", "s"), 2, "DELETE", None),
    )

    trace = trace_of(Call(Action.BUNDLE), Reply(200, changes=changes), NURSE, at=AT)

    assert said(trace)["kind"] == "transaction"
    assert said(trace)["what"] == [
        ["Patient", "7", 1, "", "C"],
        ["CareTeam", "c", 4, "", "U"],
        ["Slot", "s", 2, "", "D"],
    ]
    assert said(trace)["persons"] == ["7"]


@pytest.mark.parametrize(
    ("result", "refusal", "outcome"),
    [
        (Reply(200), None, 0),
        (Reply(304), None, 0),
        (NotFound("no"), None, 4),
        (NotFound("no"), Refusal(2, "link"), 8),
        (Forbidden("no"), None, 8),
        (Throttled("no"), None, 8),
        (Unavailable("no"), None, 12),
    ],
)
def test_the_outcome_tells_mistakes_from_refusals(
    result: Reply | FhirError, refusal: Refusal | None, outcome: int
) -> None:
    trace = trace_of(Call(Action.READ, "Patient", "1"), result, NURSE, at=AT, decision=refusal)

    assert trace.outcome == outcome


def test_a_refusal_names_the_gate_the_rule_and_what_was_asked_for() -> None:
    found = of(Call(Action.VREAD, "Observation", "1", "2"), NotFound("no"), decision=Refusal(4, "matrix"))

    assert (found["gate"], found["rule"]) == (4, "matrix")
    assert found["what"] == [["Observation", "1", 2, "", "R"]]


@pytest.mark.parametrize(
    ("action", "letter"),
    [(Action.UPDATE, "U"), (Action.PATCH, "U"), (Action.DELETE, "D"), (Action.OPERATION, "R")],
)
def test_a_refusal_says_what_was_to_be_done(action: Action, letter: str) -> None:
    assert of(Call(action, "Goal", "1"), Forbidden("no"))["what"] == [["Goal", "1", 0, "", letter]]


@pytest.mark.parametrize(
    ("asked", "kept"),
    [
        ("patient=Patient/1&code=http://loinc.org|8480-6", "patient=Patient/1&code=*"),
        (
            "subject=Patient/1,Patient/2&_count=10&_sort=-date",
            "subject=Patient/1,Patient/2&_count=10&_sort=-date",
        ),
        ("subject=Group/1", "subject=*"),
        ("patient=1", "patient=1"),
        ("patient=Payet", "patient=Payet"),  # could be an id, and is none: nobody has a name that is no id
        ("family=Payet&birthdate=1938-05-02", "family=*&birthdate=*"),
        ("identifier=urn:oid:1.2.250.1.213.1.4.8|238056", "identifier=*"),
        ("_id=abc-1,b", "_id=abc-1,b"),
        ("subject:Patient.name=Payet", "subject:Patient.name=*"),
        ("_has:Observation:patient:code=1234-5", "_has:Observation:patient:code=*"),
        ("code:text=cancer", "code:text=*"),
        ("cancer=yes", "*"),
        ("code:cancer=1", "*"),
        ("%63ode=1", "*"),
        ("_filter=code eq 1", "_filter=*"),
        ("_lastUpdated=ge2026-01-01", "_lastUpdated=ge2026-01-01"),
        ("_count=cancer du sein", "_count=*"),
        ("", ""),
        ("&&", ""),
    ],
)
def test_a_query_keeps_names_and_persons_and_no_health(asked: str, kept: str) -> None:
    assert shown(asked) == kept


@given(st.text())
def test_no_value_of_a_token_is_ever_kept(value: str) -> None:
    assert shown("code=" + value.replace("&", "")) == "code=*"


def test_a_malformed_query_is_not_kept_at_all() -> None:
    assert "query" not in of(Call(Action.SEARCH, "Patient", query="_count=x"), Malformed("no"))


def test_a_search_without_a_hit_says_what_type_was_searched() -> None:
    found = of(Call(Action.SEARCH, "Condition", query="patient=1"), Reply(200), persons=[Key("Patient", "1")])

    assert (found["type"], found["query"], found["persons"]) == ("Condition", "patient=1", ["1"])


def test_a_compartment_is_about_its_patient() -> None:
    assert of(Call(Action.SEARCH, "Condition", compartment=Key("Patient", "7")), Reply(200))["persons"] == [
        "7"
    ]


@pytest.mark.parametrize(
    ("call", "kind"),
    [
        (Call(Action.SEARCH, "Patient"), "search-type"),
        (Call(Action.SEARCH), "search-system"),
        (Call(Action.HISTORY, "Patient", "1"), "history-instance"),
        (Call(Action.HISTORY, "Patient"), "history-type"),
        (Call(Action.HISTORY), "history-system"),
        (Call(Action.BUNDLE), "transaction"),
        (Call(Action.OPERATION, "Patient", "1", operation="$everything"), "operation"),
        (Call(Action.CAPABILITIES), "capabilities"),
    ],
)
def test_kinds_are_the_interactions_of_fhir(call: Call, kind: str) -> None:
    assert kind_of(call) == kind


def test_callers_without_a_token_are_traced_as_anyone() -> None:
    trace = trace_of(Call(Action.READ, "Patient", "1"), Reply(200), ANYONE, at=AT)

    assert said(trace)["agent"] == {"kind": "anyone"}
    assert trace.agents == ()


def test_two_callers_are_never_taken_for_one_another() -> None:
    for number in range(3000):
        caller = Caller("system", issuer="i", subject=str(number))
        trace = trace_of(Call(Action.READ, "Patient", "1"), Reply(200), caller, at=AT)
        assert said(trace)["agent"]["subject"] == str(number)
        assert agents_of(caller) == (f"i|{number}",)


def test_other_acts_are_traced_by_their_kind() -> None:
    trace = event("login", NURSE, at=AT, outcome=8, address="192.0.2.7", note="level too low")

    assert said(trace)["kind"] == "login"
    assert said(trace)["rule"] == "level too low"
    assert trace.outcome == 8
    with pytest.raises(ValueError, match="not a kind"):
        event("dance", NURSE, at=AT)


def test_an_export_names_what_left_and_about_whom() -> None:
    trace = event(
        "export", NURSE, at=AT, persons=[Key("Patient", "7")], things=[("CarePlan", "p", 2, "plan", "R")]
    )

    assert said(trace)["what"] == [["CarePlan", "p", 2, "plan", "R"]]
    assert trace.things == (Key("CarePlan", "p"), Key("Patient", "7"))


def test_an_event_that_was_fed_is_kept_whole_and_found_by_what_it_names() -> None:
    tree = {
        "resourceType": "AuditEvent",
        "outcome": "8",
        "agent": [
            {"who": {"reference": "Practitioner/1"}, "requestor": True},
            {"who": {"identifier": {"system": "urn:oid:1.2", "value": "3"}}, "requestor": False},
            {"who": {"display": "somebody"}},
        ],
        "entity": [
            {"what": {"reference": "Patient/7/_history/2"}},
            {"what": {"reference": "https://elsewhere.example/Patient/8"}},
            {"what": "no"},
            "no",
        ],
    }

    trace = fed(tree, NURSE, at=AT, address="192.0.2.7")

    assert said(trace)["event"] == tree
    assert trace.outcome == 8
    assert set(trace.agents) == {
        "PractitionerRole/ide",
        "https://auth.example|899700000001",
        "Practitioner/1",
        "urn:oid:1.2|3",
    }
    assert trace.things == (Key("Patient", "7"),)
