"""Emergency access: who, why, and what it leaves."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fhir_server.access.caller import Caller
from fhir_server.access.consents import EXCLUSION, NO_EMERGENCY, OPPOSITION
from fhir_server.access.emergency import DURATION, grant_of, may_break_glass, reason_in
from fhir_server.access.facts import person_of
from fhir_server.access.links import consents_of
from fhir_server.definitions.packaged import SHIPPED
from fhir_server.kernel.keys import Key
from fhir_server.kernel.wire import Tree
from fhir_server.validation.judge import judge
from fhir_server.validation.world import World
from terminology.codes import codes_of
from tests.circles import (
    CELLS,
    CITIZEN,
    COORDINATOR,
    GP,
    HELPER,
    NOW,
    NURSE,
    PERSON,
    caller,
    consent,
    facts,
    links,
    patient,
    ties,
)

REASON = "Chute, personne inconsciente"


def gate(who: Caller, *trees: Tree, reason: str = REASON) -> tuple[bool, int]:
    known = facts(*trees)
    decision = may_break_glass(who, known, consents_of(known, CELLS), reason, NOW)
    return decision.allowed, decision.gate


@pytest.mark.parametrize(
    ("who", "expected"),
    [
        (GP, (True, 6)),
        (NURSE, (True, 6)),
        (caller("midwife", "msp", "maieutique-dentaire"), (True, 6)),
        (caller("sas", "hospital", "regulateur"), (True, 6)),
        (replace(GP, level="eidas3"), (True, 6)),
        (replace(GP, level="eidas1"), (False, 1)),
        (replace(GP, level=""), (False, 1)),
        (COORDINATOR, (False, 6)),
        (HELPER, (False, 6)),
        (CITIZEN, (False, 6)),
        (replace(GP, kind="system"), (False, 6)),
        (replace(GP, delegator=Key("PractitionerRole", "nurse")), (False, 6)),
        (replace(GP, actors=()), (False, 6)),
    ],
)
def test_who_may_break_the_glass(who: Caller, expected: tuple[bool, int]) -> None:
    assert gate(who) == expected


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        (REASON, True),
        ("Urgence vitale.", True),
        ("Urgence vitale", False),
        ("          urgence           ", False),
        ("", False),
    ],
)
def test_a_reason_is_told(reason: str, expected: bool) -> None:
    assert gate(GP, reason=reason)[0] is expected


@pytest.mark.parametrize(
    ("denial", "expected"),
    [
        (consent(NO_EMERGENCY, type="deny"), (False, 3)),
        (consent(NO_EMERGENCY, type="deny", status="inactive"), (True, 6)),
        (consent(NO_EMERGENCY, type="deny", end="2026-09-30"), (True, 6)),
        (consent(EXCLUSION, "PractitionerRole/gp", type="deny"), (False, 3)),
        (consent(EXCLUSION, "Organization/msp", type="deny"), (False, 3)),
        (consent(EXCLUSION, "Organization/ssiad", type="deny"), (True, 6)),
        (consent(OPPOSITION, type="deny"), (True, 6)),
    ],
)
def test_the_person_may_oppose_it(denial: Tree, expected: tuple[bool, int]) -> None:
    assert gate(GP, denial) == expected


def test_the_same_reason_does_not_serve_twice() -> None:
    earlier = grant_of(GP, PERSON, "1", REASON, NOW - 2 * DURATION)

    assert gate(GP, earlier) == (False, 6)
    assert gate(GP, earlier, reason="  CHUTE, personne   inconsciente") == (False, 6)
    assert gate(GP, earlier, reason="Détresse respiratoire ce matin") == (True, 6)
    assert gate(NURSE, earlier) == (True, 6)  # another's reason


@pytest.mark.parametrize(
    "details",
    [
        [{"url": "periode", "valueString": "2026-10-01"}, {"url": "motif", "valueInteger": 7}],
        [{"url": "periode", "valuePeriod": {"start": "2026-10-01"}}, {"url": "motif"}],
        [],
    ],
)
def test_a_grant_without_its_period_gives_nothing(details: list[Tree]) -> None:
    grant = grant_of(GP, PERSON, "1", REASON, NOW)
    grant["extension"][0]["extension"] = details

    assert not ties(links(patient(), grant), "PractitionerRole/gp")
    assert reason_in(grant) == ""


def test_a_grant_is_about_the_person_and_by_who_acts() -> None:
    grant = grant_of(GP, PERSON, "1", f"  {REASON} ", NOW)

    assert person_of(grant) == (PERSON,)
    assert grant["author"] == {"reference": "PractitionerRole/gp"}
    assert grant["created"] == "2026-10-01"
    assert grant["extension"][0]["extension"] == [
        {
            "url": "periode",
            "valuePeriod": {"start": "2026-10-01T08:00:00.000Z", "end": "2026-10-01T12:00:00.000Z"},
        },
        {"url": "motif", "valueString": REASON},
    ]


def test_a_grant_is_a_resource_that_conforms() -> None:
    issues = judge(grant_of(GP, PERSON, "1", REASON, NOW), World(SHIPPED, codes_of(SHIPPED), None))

    assert [issue.text for issue in issues if "(dom-6)" not in issue.text] == []  # it has no narrative
