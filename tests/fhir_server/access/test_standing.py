"""What a caller is to a person before they write: tied when, asked by whom, and speaking for whom."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import pytest

from fhir_server.access.caller import Caller
from fhir_server.access.consents import EXCLUSION
from fhir_server.access.facts import MDPH_REQUEST, OPEN_TASK, Facts
from fhir_server.access.standing import Case, Write
from fhir_server.kernel.keys import Key
from fhir_server.kernel.wire import Tree
from fhir_server.search.sight import Tie
from tests.circles import (
    CELLS,
    CITIZEN,
    COORDINATOR,
    HELPER,
    MANAGER,
    NOW,
    NURSE,
    PERSON,
    PHARMACIST,
    ROLE_CLASS,
    caller,
    circle,
    citizen,
    consent,
    dossier,
    facts,
    member,
    moment,
    patient,
    relative,
    request,
    stay,
    to,
)

TEAM: Final = circle(member("PractitionerRole/gp", pcp=True), member("PractitionerRole/nurse"))
DESK: Final = caller("desk", "msp", "secretariat")
MOTHER: Final = relative("mother", (ROLE_CLASS, "GUARD"))
CHILD: Final = patient(birthDate="2015-03-01")


def case(who: Caller, *trees: Tree, now: int = NOW, later: Facts | None = None) -> Case:
    before = facts(*trees)
    return Case(who, before, later or before, CELLS, now)


def test_a_write_is_of_what_it_leaves_or_of_what_it_took_away() -> None:
    assert Write(None, TEAM).tree == TEAM
    assert Write(CHILD, None).tree == CHILD
    assert Write(patient(), CHILD).tree == CHILD


# Tied when


MONTH: Final[dict[str, Any]] = {"start": "2026-09-01", "end": "2026-09-30"}
BOUNDS: Final = [
    (moment("2026-09-01") - 1, False),
    (moment("2026-09-01"), True),
    (moment("2026-10-01") - 1, True),  # the last day included
    (moment("2026-10-01"), False),
]


@pytest.mark.parametrize(("now", "expected"), BOUNDS)
@pytest.mark.parametrize(
    "tree",
    [
        circle(member("PractitionerRole/nurse", **MONTH)),
        circle(member("PractitionerRole/nurse", start="2026"), period=MONTH),
        circle(member("Organization/ssiad", **MONTH)),
        stay("ssiad", **MONTH),
        dossier("ssiad", period=MONTH),
        dossier("ssiad", "planned", period=MONTH),
    ],
    ids=["member", "circle", "organisation", "stay", "record", "prepared record"],
)
def test_a_member_is_one_from_the_first_to_the_last_day(tree: Tree, now: int, *, expected: bool) -> None:
    assert case(NURSE, tree, now=now).is_member is expected
    assert case(NURSE, tree, now=now).may_invite() is expected


@pytest.mark.parametrize(
    "tree",
    [
        circle(member("PractitionerRole/nurse"), status="suspended"),
        circle(member("PractitionerRole/gp")),
        stay("ssiad", "finished"),
        stay("surgery"),
        dossier("ssiad", "cancelled"),
        dossier("nowhere"),
    ],
)
def test_what_is_over_or_anothers_makes_nobody_a_member(tree: Tree) -> None:
    assert not case(NURSE, tree).is_member


def test_a_denial_is_no_tie() -> None:
    excluded = case(PHARMACIST, TEAM, consent(EXCLUSION, "PractitionerRole/pharmacist", type="deny"))

    assert excluded.tied(Tie.DENIAL)
    assert not excluded.is_linked
    assert case(NURSE, TEAM).is_linked


def test_who_acts_for_a_member_is_tied_as_they_are_and_has_not_their_role() -> None:
    assert not case(DESK, TEAM).is_member

    for_the_gp = case(replace(DESK, delegator=Key("PractitionerRole", "gp")), TEAM)

    assert for_the_gp.own == {*DESK.actors, Key("PractitionerRole", "gp")}
    assert for_the_gp.is_linked
    assert for_the_gp.is_member
    assert not for_the_gp.is_pcp
    assert not for_the_gp.may_invite()


@pytest.mark.parametrize(
    ("link", "expected"), [("replaces", True), ("replaced-by", True), ("seealso", False), ("refer", False)]
)
def test_the_person_of_a_merged_record_is_the_person(link: str, *, expected: bool) -> None:
    other = Caller("citizen", roles=("personne",), actors=(Key("Patient", "other"),))
    record = patient(link=[{"other": to("Patient/other"), "type": link}])

    assert case(CITIZEN, record).is_person
    assert case(other, record).is_person is expected
    assert case(other, record).represents(Key("Patient", "other"), CELLS.all) is expected


# Asked by whom


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        *(({"status": status}, True) for status in OPEN_TASK),
        *(({"status": status}, False) for status in ("draft", "completed", "cancelled", "rejected")),
        ({"code": MDPH_REQUEST}, False),
        ({"owner": "PractitionerRole/coordinator"}, True),
        ({"owner": "Organization/saad"}, False),
        ({"requester": None}, False),
        ({"requester": to("PractitionerRole/nurse")}, True),
        ({"requester": to(PERSON)}, True),
        ({"requester": to("RelatedPerson/mother")}, False),  # of an adult
        ({"requester": to("PractitionerRole/helper")}, False),
        ({"requester": to("PractitionerRole/cardiologist")}, False),  # of no circle
        ({"requester": to("PractitionerRole/coordinator")}, False),  # themselves
    ],
)
def test_a_team_is_asked_while_a_request_of_whoever_may_invite_is_open(
    more: dict[str, Any], *, expected: bool
) -> None:
    members = (
        *TEAM["participant"],
        member("PractitionerRole/helper"),
        member("PractitionerRole/coordinator"),
    )
    task = request(**{"owner": "Organization/dac", **more})

    assert case(COORDINATOR, circle(*members), MOTHER, task).is_asked is expected


COORDINATING: Final = member("PractitionerRole/coordinator", role="330")
GONE: Final = member("PractitionerRole/coordinator", end="2026-09-30", role="330")
MANAGED: Final = dossier("dac", careManager=to("PractitionerRole/coordinator"))
ELSEWHERE: Final = dossier("saad", careManager=to("PractitionerRole/coordinator"))


@pytest.mark.parametrize(
    ("who", "tree", "expected"),
    [
        (COORDINATOR, MANAGED, True),
        (COORDINATOR, ELSEWHERE, False),  # names them, and they take no part
        (MANAGER, ELSEWHERE, False),
        (COORDINATOR, circle(COORDINATING), True),
        (COORDINATOR, circle(GONE), False),
        (COORDINATOR, circle(GONE, member("PractitionerRole/coordinator")), False),  # in another part, by now
        (COORDINATOR, {**circle(COORDINATING), "status": "inactive"}, False),
        (COORDINATOR, circle(member("PractitionerRole/coordinator")), False),
        (caller("coordinator", "dac", "infirmier"), circle(COORDINATING), False),
        (HELPER, circle(COORDINATING, member("PractitionerRole/helper")), False),
    ],
)
def test_a_referent_answers_for_the_record_or_coordinates(who: Caller, tree: Tree, *, expected: bool) -> None:
    assert case(who, tree).is_referent() is expected


# Speaking for whom


@pytest.mark.parametrize(
    ("trees", "expected"),
    [
        ([CHILD, MOTHER], True),
        ([CHILD, relative("mother")], False),
        ([CHILD, relative("mother", (ROLE_CLASS, "GUARD"), active=False)], False),
        ([patient(), MOTHER], False),
    ],
    ids=["of a child", "no guardian", "not any more", "of an adult"],
)
def test_a_guardian_speaks_for_a_child(trees: list[Tree], *, expected: bool) -> None:
    mother = case(citizen("mother", "representant-legal"), *trees)

    assert mother.is_representative is expected
    assert mother.may_invite() is expected
    assert mother.represents(Key("RelatedPerson", "mother"), CELLS.all) is expected
    assert mother.represents(PERSON, CELLS.all)


def test_who_speaks_for_a_new_person_is_known_after_the_writes_alone() -> None:
    nobody, later = facts(there=False), facts(CHILD, MOTHER)
    born = Case(NURSE, nobody, later, CELLS, NOW)
    known = case(NURSE, CHILD, later=later)

    assert born.is_new
    assert born.represents(Key("RelatedPerson", "mother"), CELLS.all)
    assert not known.is_new
    assert not known.represents(Key("RelatedPerson", "mother"), CELLS.all)


@pytest.mark.parametrize(
    ("actor", "write", "expected"),
    [
        ("hospital", Write(None, stay("hospital")), True),
        ("hospital", Write(None, stay("hospital", "finished")), False),
        ("hospital", Write(stay("hospital"), stay("hospital")), False),
        ("hospital", Write(stay("hospital", end="2026-10-05"), stay("hospital")), True),
        ("hospital", Write(stay("hospital"), None), False),
        ("pharmacy", Write(None, stay("hospital")), False),
    ],
)
def test_an_actor_gains_by_a_write_that_shows_them_more_or_for_longer(
    actor: str, write: Write, *, expected: bool
) -> None:
    before = () if write.old is None else (write.old,)

    assert case(NURSE, TEAM, *before).gains(Key("Organization", actor), write) is expected
