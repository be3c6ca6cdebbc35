"""Searches for AuditEvents, as questions to the log."""

from __future__ import annotations

from typing import Any

import pytest

from fhir_server.access.audit_search import DAYS, question_of
from fhir_server.interactions.call import Limits
from fhir_server.kernel.errors import Malformed
from fhir_server.kernel.keys import Key
from fhir_server.kernel.trace import TraceQuery

DAY = 86_400_000_000
NOW = 20_500 * DAY + 12 * 3_600_000_000  # noon
MARCH = 20_513 * DAY  # 2026-03-01


def asked(text: str, **more: Any) -> TraceQuery:
    return question_of(text, now=NOW, limits=Limits(), lenient=False, **more).query


@pytest.mark.parametrize(
    ("text", "field", "value"),
    [
        ("patient=Patient/1,2", "patients", (Key("Patient", "1"), Key("Patient", "2"))),
        ("patient:Patient=1", "patients", (Key("Patient", "1"),)),
        ("patient=https://here/fhir/Patient/1", "patients", (Key("Patient", "1"),)),
        ("agent=Practitioner/a", "agents", ("Practitioner/a",)),
        ("agent:Practitioner=a", "agents", ("Practitioner/a",)),
        ("agent:identifier=https://issuer%7Cme", "agents", ("https://issuer|me",)),
        ("entity=CarePlan/p", "entities", (Key("CarePlan", "p"),)),
        ("outcome=8,12", "outcomes", (8, 12)),
        ("outcome=http://terminology.hl7.org/CodeSystem/audit-event-outcome|4", "outcomes", (4,)),
        ("_count=7", "count", 7),
        ("_count=5000", "count", 1000),
        ("_cursor=x", "cursor", "x"),
        ("_sort=-date&_format=json", "count", 20),
    ],
)
def test_parameters_become_criteria(text: str, field: str, value: object) -> None:
    query = asked(text, bases=("https://here/fhir",))

    assert getattr(query, field) == value


@pytest.mark.parametrize(
    ("text", "since", "until"),
    [
        ("date=2026-03", MARCH, MARCH + 31 * DAY),
        ("date=ge2026-03-01&date=lt2026-03-03", MARCH, MARCH + 2 * DAY),
        ("date=gt2026-03-01&date=le2026-03-03", MARCH + DAY, MARCH + 3 * DAY),
        ("date=sa2026-03-01&date=eb2026-03-03", MARCH + DAY, MARCH + 2 * DAY),
        ("date=ge2026-03-01&date=ge2026-03-02&date=lt2026-03-09", MARCH + DAY, MARCH + 8 * DAY),
    ],
)
def test_dates_bound_a_search(text: str, since: int, until: int) -> None:
    query = asked(text)

    assert (query.since, query.until) == (since, until)


def test_without_a_beginning_there_are_thirty_days_and_a_hint_in_two_languages() -> None:
    found = question_of("patient=1", now=NOW, limits=Limits(), lenient=False)

    assert found.query.since == 20_470 * DAY
    assert found.query.until > NOW
    assert [issue.severity for issue in found.issues] == ["information"]
    assert str(DAYS) in found.issues[0].text
    assert str(DAYS) in found.issues[0].french


def test_an_end_alone_bounds_the_thirty_days_before_it() -> None:
    assert asked("date=lt2020-01-01").since == 18_262 * DAY - 30 * DAY


def test_pages_of_one_day_ask_the_same() -> None:
    one = question_of("", now=NOW, limits=Limits(), lenient=False)
    other = question_of("", now=NOW + 3_600_000_000, limits=Limits(), lenient=False)

    assert one.query == other.query


def test_the_self_link_has_what_was_understood() -> None:
    found = question_of(
        "patient=1&_count=5&color=red&date=ge2026-01-01&_cursor=x", now=NOW, limits=Limits(), lenient=True
    )

    assert found.understood == "patient=1&_count=5&date=ge2026-01-01"
    assert [issue.severity for issue in found.issues] == ["warning"]
    assert found.issues[0].french


def test_persons_that_bound_the_asker_go_along() -> None:
    assert asked("", within=(Key("Patient", "1"),)).within == (Key("Patient", "1"),)


@pytest.mark.parametrize(
    "text",
    [
        "patient=Observation/1",
        "patient:missing=true",
        "patient=1&patient=2",
        "patient=,",
        "patient=Patient/1/_history/2",
        "agent=a",
        "agent:identifier=me",
        "agent:missing=true",
        "entity=Nothing/1",
        "entity=CarePlan/a%20b",
        "outcome=1",
        "outcome:not=0",
        "date=ne2026",
        "date=ap2026",
        "date=2026,2027",
        "date=yesterday",
        "date:missing=true",
        "date=2026-13",
        "_count=-1",
        "color=red",
        "_sort=agent",
        "_include=AuditEvent:agent",
    ],
)
def test_what_cannot_be_answered_is_refused(text: str) -> None:
    with pytest.raises(Malformed):
        asked(text)
