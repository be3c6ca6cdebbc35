"""Who may make a link: the closed table, row by row, and that nobody raises their own rights."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fhir_server.access.announcing import announced
from fhir_server.access.caller import ANYONE, Caller
from fhir_server.access.consents import (
    CARER,
    EXCLUSION,
    INFORMATION,
    OPPOSITION,
    OUTSIDE,
    PROTECTION,
    RECOGNITION,
    statements_of,
)
from fhir_server.access.decisions import Decision
from fhir_server.access.emergency import grant_of
from fhir_server.access.facts import Facts, written
from fhir_server.access.linking import may_link, touched
from fhir_server.access.links import links_of
from fhir_server.access.raising import raised
from fhir_server.access.standing import Case, Write, empowered
from fhir_server.kernel.keys import Key
from fhir_server.kernel.wire import Tree
from fhir_server.search.sight import Link, Tie
from tests.circles import (
    CELLS,
    CITIZEN,
    COORDINATOR,
    GP,
    HELPER,
    MANAGER,
    NOW,
    NURSE,
    PERSON,
    PHARMACIST,
    ROLE_CLASS,
    affiliation,
    caller,
    circle,
    citizen,
    consent,
    dossier,
    facts,
    mdph_request,
    member,
    outside,
    patient,
    recognition,
    relative,
    request,
    role,
    stay,
    to,
)

GP_MEMBER = member("PractitionerRole/gp", pcp=True)
TEAM = (
    GP_MEMBER,
    member("PractitionerRole/nurse"),
    member("PractitionerRole/helper"),
    member("PractitionerRole/coordinator"),
)
TODAY = "2026-10-01"
CARDIOLOGIST = member("PractitionerRole/cardiologist", TODAY)
STRANGER = caller("pharmacist", "pharmacy", "pharmacien")
MOTHER = citizen("mother", "representant-legal")
DAUGHTER = citizen("daughter", "aidant")
CHILD = patient(birthDate="2015-03-01")
FEED = Caller(
    "system",
    client="hospital-adt",
    roles=("secretariat",),
    actors=(Key("Organization", "hospital"),),
    organisation=Key("Organization", "hospital"),
    purpose="TREAT",
)
NATIONAL = Caller("system", roles=("annuaire",), actors=(Key("Organization", "dac"),))


def decide(
    who: Caller, *writes: tuple[Tree | None, Tree | None], on: Facts, presented: bool = False
) -> Decision:
    made = [Write(old, new, "identity" if presented else "") for old, new in writes]
    return may_link(who, made, on, written(on, writes), CELLS, NOW)


def may_change(
    who: Caller, old: Tree | None, new: Tree | None, *others: Tree, presented: bool = False
) -> bool:
    """Whether somebody may write `new` over `old` where the `others` are."""
    on = facts(*(() if old is None else (old,)), *others)
    return decide(who, (old, new), on=on, presented=presented).allowed


# A new person


@pytest.mark.parametrize(
    ("who", "trees", "expected"),
    [
        (GP, [patient(), circle(member("PractitionerRole/gp"))], True),
        (GP, [patient(), circle(member("Organization/msp"))], True),
        (HELPER, [patient(), stay("saad")], True),
        (COORDINATOR, [patient(), dossier("dac", "planned")], True),
        (
            COORDINATOR,
            [patient(), dossier("dac"), circle(GP_MEMBER)],
            True,
        ),  # of another: the declaration is copied
        (MANAGER, [patient(), stay("saad")], True),
        (caller("desk", "hospital", "secretariat"), [patient(), stay("hospital")], True),
        (FEED, [patient(), stay("geriatrics")], True),
        (FEED, [patient(managingOrganization=to("Organization/hospital"))], True),
        (GP, [patient(managingOrganization=to("Organization/msp"))], False),
        (GP, [patient()], False),
        (GP, [patient(), circle(member("PractitionerRole/nurse"))], False),
        (GP, [patient(), circle(member("PractitionerRole/gp", "2027-01-01"))], False),
        (GP, [patient(), circle(GP_MEMBER)], False),  # their own médecin traitant
        (GP, [patient(), outside("PractitionerRole/gp")], False),
        (CITIZEN, [patient(), circle(member("RelatedPerson/daughter"))], False),
        (caller("agent", "mdph", "agent-mdph"), [patient(), stay("mdph")], False),
        (
            caller("guardian", "group", "mjpm"),
            [patient(), circle(member("PractitionerRole/guardian"))],
            False,
        ),
        (Caller("operator", roles=("operateur",)), [patient(), circle(member("PractitionerRole/gp"))], False),
        (Caller("system", roles=("coordonnateur",)), [patient(), stay("dac")], False),
    ],
)
def test_a_new_person_comes_with_what_links_the_caller(
    who: Caller, trees: list[Tree], expected: bool
) -> None:
    nobody = facts(there=False)

    assert decide(who, *((None, tree) for tree in trees), on=nobody).allowed is expected


def test_information_on_a_new_person_is_recorded_with_proof() -> None:
    nobody = facts(there=False)
    start = [(None, patient()), (None, circle(member("PractitionerRole/gp")))]

    assert decide(GP, *start, (None, consent(INFORMATION)), on=nobody)
    assert not decide(GP, *start, (None, consent(INFORMATION, proof=False)), on=nobody)


def test_a_parent_decides_for_a_child_who_is_new() -> None:
    nobody = facts(there=False)
    told = consent(INFORMATION, performer="RelatedPerson/mother")
    start = [(None, CHILD), (None, circle(member("PractitionerRole/gp")))]

    assert decide(GP, *start, (None, relative("mother", (ROLE_CLASS, "GUARD"))), (None, told), on=nobody)
    assert not decide(GP, *start, (None, relative("mother")), (None, told), on=nobody)


# Joining


@pytest.mark.parametrize(
    ("who", "expected"),
    [
        (GP, True),
        (NURSE, True),
        (COORDINATOR, True),
        (MANAGER, False),  # of the helper's organisation
        (CITIZEN, True),
        (HELPER, False),
        (DAUGHTER, False),
        (STRANGER, False),
        (caller("cardiologist", "hospital", "medecin"), False),
        (caller("cardiologist", "hospital", "infirmier", "coordonnateur", "encadrement"), False),
        (ANYONE, True),  # without authentication nobody is asked
    ],
)
def test_members_invite_when_they_may(who: Caller, expected: bool) -> None:
    assert may_change(who, circle(*TEAM), circle(*TEAM, CARDIOLOGIST)) is expected


@pytest.mark.parametrize("old", [None, circle()])
def test_who_is_not_in_the_circle_invites_nobody(old: Tree | None) -> None:
    named = outside("PractitionerRole/nurse")

    assert not may_change(NURSE, old, circle(CARDIOLOGIST), named)


def test_the_management_of_a_member_organisation_invites() -> None:
    team = (*TEAM, member("Organization/saad"))

    assert may_change(MANAGER, circle(*team), circle(*team, CARDIOLOGIST))


def test_a_representative_invites() -> None:
    mother = relative("mother", (ROLE_CLASS, "GUARD"))

    assert may_change(MOTHER, circle(*TEAM), circle(*TEAM, CARDIOLOGIST), CHILD, mother)
    assert not may_change(MOTHER, circle(*TEAM), circle(*TEAM, CARDIOLOGIST), mother)  # of an adult


@pytest.mark.parametrize("presented", [True, False])
@pytest.mark.parametrize(
    ("who", "entry"),
    [
        (PHARMACIST, member("PractitionerRole/pharmacist", TODAY)),
        (PHARMACIST, member("Organization/pharmacy", TODAY)),
        (FEED, member("Organization/hospital", TODAY)),
    ],
)
def test_a_newcomer_joins_by_the_ins_and_the_five_traits(who: Caller, entry: Tree, presented: bool) -> None:
    assert may_change(who, circle(*TEAM), circle(*TEAM, entry), presented=presented) is presented


def test_who_presents_the_ins_brings_nobody_else_and_is_no_citizen() -> None:
    two = circle(*TEAM, member("PractitionerRole/pharmacist", TODAY), CARDIOLOGIST)

    assert not may_change(PHARMACIST, circle(*TEAM), two, presented=True)
    assert not may_change(
        DAUGHTER, circle(*TEAM), circle(*TEAM, member("RelatedPerson/daughter")), presented=True
    )
    agent = caller("agent", "mdph", "agent-mdph")
    assert not may_change(agent, circle(*TEAM), circle(*TEAM, member("Organization/mdph")), presented=True)


def test_a_member_does_not_come_back_or_stay_longer_by_themselves() -> None:
    gone = circle(GP_MEMBER, member("PractitionerRole/nurse", end="2026-12-31"))

    assert not may_change(NURSE, gone, circle(GP_MEMBER, member("PractitionerRole/nurse")))
    assert may_change(GP, gone, circle(GP_MEMBER, member("PractitionerRole/nurse")))
    assert not may_change(NURSE, circle(*TEAM, status="inactive"), circle(*TEAM))


def test_somebody_new_is_not_put_into_the_circle_that_the_person_recognised() -> None:
    known = recognition("CareTeam/payet", dated="2026-09-15T12:00:00Z")
    before_that = circle(*TEAM, member("PractitionerRole/cardiologist", "2026-09-01"))

    assert not may_change(NURSE, circle(*TEAM), before_that, known)
    assert may_change(NURSE, circle(*TEAM), circle(*TEAM, CARDIOLOGIST), known)
    assert may_change(NURSE, circle(*TEAM), before_that)


def test_a_circle_does_not_move_to_another_person() -> None:
    assert not may_change(GP, circle(*TEAM), circle(*TEAM) | {"subject": to("Patient/other")})


def test_what_changes_nobodys_part_is_free() -> None:
    past = member("PractitionerRole/cardiologist", "2026-06-01", "2026-06-30")

    assert may_change(HELPER, circle(*TEAM), circle(*TEAM, name="Cercle de soins"))
    assert may_change(NURSE, circle(*TEAM), circle(*TEAM, past))
    assert not may_change(
        HELPER, circle(*TEAM), circle(*TEAM, past)
    )  # that somebody took part is told as one joins


LATELY = member("PractitionerRole/cardiologist", "2026-09-15")


@pytest.mark.parametrize("code", [RECOGNITION, OUTSIDE])
@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (circle(*TEAM, LATELY), circle(*TEAM, member("PractitionerRole/cardiologist")), False),
        (circle(*TEAM), circle(*TEAM, member("PractitionerRole/cardiologist", end="2026-08-01")), False),
        (circle(*TEAM, CARDIOLOGIST), circle(*TEAM, LATELY), True),  # after the person's day
        (
            circle(*TEAM, member("PractitionerRole/cardiologist"), period={"start": "2026-09-01"}),
            circle(*TEAM, member("PractitionerRole/cardiologist")),
            False,
        ),
        (  # the person meant them too: they come back
            circle(*TEAM, member("PractitionerRole/cardiologist", end="2026-08-01")),
            circle(*TEAM, member("PractitionerRole/cardiologist", end="2026-08-01"), CARDIOLOGIST),
            True,
        ),
    ],
    ids=["earlier", "in the past alone", "later", "the circle earlier", "again"],
)
def test_nobody_is_put_into_the_past_of_a_circle_that_the_person_decided_about(
    code: str, old: Tree, new: Tree, *, expected: bool
) -> None:
    assert may_change(NURSE, old, new, consent(code, "CareTeam/payet")) is expected


def test_who_was_permitted_something_else_is_not_put_into_that_past_either() -> None:
    known = outside("PractitionerRole/cardiologist", data=["liaison"], id="known")
    decisions = outside("CareTeam/payet"), known
    past = member("PractitionerRole/cardiologist", end="2026-08-01")

    assert not may_change(NURSE, circle(*TEAM), circle(*TEAM, past), *decisions)


def test_whom_an_exclusion_of_the_circle_keeps_out_is_not_taken_off_its_list() -> None:
    excluded = consent(EXCLUSION, "CareTeam/payet", type="deny")
    linked = stay("saad")
    who = caller("helper", "saad", "encadrement")
    gone = circle(*TEAM[:3], {**TEAM[3], "period": {"start": "2026-06-01", "end": "2026-09-30"}})

    for person in (CITIZEN, who):
        assert not may_change(person, circle(*TEAM), circle(*TEAM[:3]), excluded, linked)
    assert may_change(CITIZEN, circle(*TEAM), gone, excluded)


# Leaving


@pytest.mark.parametrize(
    ("who", "expected"),
    [
        (HELPER, True),  # oneself
        (GP, True),
        (CITIZEN, True),
        (COORDINATOR, True),  # the référent
        (NURSE, False),
        (MANAGER, False),
        (PHARMACIST, False),
    ],
)
@pytest.mark.parametrize("how", ["taken out", "ended", "circle closed for one"])
def test_oneself_leaves_and_few_others_see_one_out(who: Caller, expected: bool, how: str) -> None:
    others = [one for one in TEAM if one["member"] != to("PractitionerRole/helper")]
    ways = {
        "taken out": circle(*others),
        "ended": circle(*others, member("PractitionerRole/helper", end="2026-09-30")),
        "circle closed for one": circle(*others, member("PractitionerRole/helper", end="2026-10-15")),
    }
    managed = dossier("dac", careManager=to("PractitionerRole/coordinator"))

    assert may_change(who, circle(*TEAM), ways[how], managed) is expected


def test_a_coordinator_whom_the_circle_calls_so_is_a_referent() -> None:
    team = circle(
        GP_MEMBER, member("PractitionerRole/helper"), member("PractitionerRole/coordinator", role="330")
    )
    without = circle(GP_MEMBER, member("PractitionerRole/coordinator", role="330"))

    assert may_change(COORDINATOR, team, without)
    assert not may_change(COORDINATOR, circle(*TEAM), circle(GP_MEMBER, TEAM[1], TEAM[3]))


LED = dossier("dac", careManager=to("PractitionerRole/coordinator"))
LED_BY_NURSE = dossier("dac", careManager=to("PractitionerRole/nurse"))
NOBODYS = {name: value for name, value in LED_BY_NURSE.items() if name != "managingOrganization"}


@pytest.mark.parametrize(
    ("who", "old", "new", "expected"),
    [
        (NURSE, None, NOBODYS, True),  # what no organisation keeps makes nobody a référent
        (NURSE, dossier("dac"), LED_BY_NURSE, False),
        (NURSE, dossier("dac"), LED, True),  # somebody else
        (COORDINATOR, dossier("dac"), LED, False),
        (COORDINATOR, dossier("dac", "planned"), LED, True),  # who opens the record answers for it
        (GP, dossier("dac"), LED, True),
        (
            COORDINATOR,
            circle(*TEAM),
            circle(*TEAM[:3], member("PractitionerRole/coordinator", role="330")),
            False,
        ),
        (
            COORDINATOR,
            circle(*TEAM),
            circle(*TEAM, member("PractitionerRole/coordinator", "2027-01-01", role="330")),
            False,
        ),
        (GP, circle(*TEAM), circle(*TEAM[:3], member("PractitionerRole/coordinator", role="330")), True),
    ],
)
def test_nobody_makes_themselves_the_referent(
    who: Caller, old: Tree | None, new: Tree, *, expected: bool
) -> None:
    team = () if new["resourceType"] == "CareTeam" else (circle(*TEAM),)

    assert may_change(who, old, new, *team, consent(INFORMATION)) is expected


def test_who_answers_for_a_record_that_no_organisation_keeps_sees_nobody_out() -> None:
    without = circle(*TEAM[:2], TEAM[3])

    assert not may_change(NURSE, circle(*TEAM), without, NOBODYS)


@pytest.mark.parametrize("presented", [True, False])
def test_who_joins_by_the_ins_and_the_five_traits_is_no_referent(presented: bool) -> None:
    team, leading = circle(*TEAM[:3]), member("PractitionerRole/coordinator", TODAY, role="330")

    assert not may_change(COORDINATOR, team, circle(*TEAM[:3], leading), presented=presented)


def test_a_stay_in_preparation_does_not_make_a_member_of_whom_a_consent_names() -> None:
    """It would open nothing that the consent does not open, but for bringing others in."""
    named = outside("Organization/hospital")
    nurse = caller("cardiologist", "hospital", "infirmier")

    assert not may_change(nurse, None, stay("hospital", "planned"), named)
    assert may_change(GP, None, stay("hospital", "planned"), named, circle(*TEAM))


# Médecin traitant


@pytest.mark.parametrize(
    ("who", "expected"),
    [(GP, True), (CITIZEN, True), (NATIONAL, True), (NURSE, False), (COORDINATOR, False)],
)
def test_who_names_the_medecin_traitant(who: Caller, expected: bool) -> None:
    team = circle(*TEAM, member("PractitionerRole/cardiologist"))
    other = circle(
        *TEAM[1:], member("PractitionerRole/cardiologist", pcp=True), member("PractitionerRole/gp")
    )

    assert may_change(who, team, other, dossier("dac")) is expected


def test_nobody_names_themselves_medecin_traitant() -> None:
    cardiologist = caller("cardiologist", "hospital", "medecin")
    team = circle(*TEAM, member("PractitionerRole/cardiologist"))
    theirs = circle(*TEAM, member("PractitionerRole/cardiologist", pcp=True))
    unnamed = circle(member("PractitionerRole/gp"))

    assert not may_change(cardiologist, team, theirs, presented=True)
    assert not may_change(GP, unnamed, circle(GP_MEMBER))
    assert may_change(GP, circle(GP_MEMBER), unnamed)  # they may lay it down


# Stays and records


@pytest.mark.parametrize(
    ("who", "tree", "more", "expected"),
    [
        (FEED, stay("hospital"), {"presented": True}, True),
        (FEED, stay("geriatrics"), {"presented": True}, True),
        (FEED, stay("hospital"), {}, False),
        (PHARMACIST, stay("pharmacy"), {}, False),
        (NURSE, stay("hospital"), {}, True),  # a member invites the hospital
        (HELPER, stay("hospital"), {}, False),
        (NURSE, stay("ssiad"), {}, False),  # would be of the team by her own doing
        (HELPER, stay("saad"), {}, False),
        (HELPER, stay("saad", "finished"), {}, True),  # what is over opens nothing
        (COORDINATOR, dossier("dac", "planned"), {}, True),
        (COORDINATOR, dossier("dac"), {}, False),  # nobody was informed
        (HELPER, dossier("saad", "planned"), {}, False),
    ],
)
def test_a_stay_or_a_record_ties_its_organisation(
    who: Caller, tree: Tree, more: dict[str, Any], expected: bool
) -> None:
    assert may_change(who, None, tree, circle(*TEAM), **more) is expected


def test_a_record_is_opened_by_the_coordinating_team_after_information() -> None:
    told = consent(INFORMATION)

    assert may_change(COORDINATOR, None, dossier("dac"), circle(*TEAM), told)
    assert may_change(COORDINATOR, dossier("dac", "planned"), dossier("dac"), told)
    assert not may_change(HELPER, None, dossier("saad"), circle(*TEAM), told)
    assert not may_change(HELPER, dossier("saad", "planned"), dossier("saad"), told)


@pytest.mark.parametrize(
    ("requester", "expected"),
    [
        ("PractitionerRole/gp", True),
        ("PractitionerRole/nurse", True),
        (str(PERSON), True),
        ("PractitionerRole/helper", False),
        ("PractitionerRole/pharmacist", False),
        ("PractitionerRole/coordinator", False),
    ],
)
def test_who_is_asked_for_help_prepares_a_record(requester: str, expected: bool) -> None:
    team = circle(*TEAM[:3])
    asked = request("Organization/dac", requester=to(requester))

    assert may_change(COORDINATOR, None, dossier("dac", "planned"), team, asked) is expected


def test_a_stay_that_was_over_does_not_go_on_by_itself() -> None:
    hospital = caller("cardiologist", "hospital", "medecin")

    assert not may_change(hospital, stay("hospital", end=TODAY), stay("hospital"))
    assert may_change(hospital, stay("hospital"), stay("hospital", "finished"))
    assert may_change(hospital, stay("hospital"), stay("hospital", end="2026-10-12"))


# Requests


def test_a_request_for_help_ties_whom_a_linked_person_asks() -> None:
    asked = request("Organization/dac", requester=to("PractitionerRole/helper"))

    assert may_change(HELPER, None, asked, circle(*TEAM))
    assert may_change(NURSE, None, mdph_request("Organization/mdph"), circle(*TEAM))
    assert not may_change(PHARMACIST, None, request("Organization/dac"), circle(*TEAM))
    assert not may_change(HELPER, None, request("Organization/saad"), circle(*TEAM))  # one's own
    assert not may_change(
        COORDINATOR, request("Organization/dac", status="completed"), request("Organization/dac")
    )


def test_the_team_that_is_asked_hands_the_request_to_one_of_theirs() -> None:
    asked = request("Organization/dac")

    assert may_change(COORDINATOR, asked, request("PractitionerRole/coordinator"))


BY_HELPER = to("PractitionerRole/helper")
BY_GP = to("PractitionerRole/gp")
OF_THREE = circle(*TEAM[:3])  # the DAC takes no part
OF_SOFTWARE = Caller("system", roles=("infirmier",), actors=(Key("Organization", "ssiad"),))


@pytest.mark.parametrize(
    ("who", "old", "new", "expected"),
    [
        (HELPER, None, {"requester": BY_HELPER}, True),
        (HELPER, None, {"requester": BY_GP}, False),
        (HELPER, None, {"requester": to(PERSON)}, False),
        (HELPER, {"requester": BY_HELPER}, {"requester": BY_GP}, False),
        (HELPER, {"requester": BY_GP, "status": "completed"}, {"requester": BY_GP}, False),
        (HELPER, {"requester": BY_GP, "for": None}, {"requester": BY_GP}, False),
        (HELPER, {"requester": BY_GP, "owner": "Organization/mdph"}, {"requester": BY_GP}, False),
        (HELPER, {"requester": BY_GP}, {"requester": BY_GP, "priority": "asap"}, True),
        (HELPER, None, {"requester": BY_GP, "owner": "PractitionerRole/nurse"}, True),  # of the circle
        (NURSE, None, {"requester": BY_GP}, True),  # said on the telephone
        (OF_SOFTWARE, None, {"requester": to("PractitionerRole/nurse")}, True),
        (OF_SOFTWARE, None, {"requester": BY_GP}, False),
    ],
)
def test_a_request_is_made_in_ones_own_name(
    who: Caller, old: dict[str, Any] | None, new: dict[str, Any], *, expected: bool
) -> None:
    before, after = (
        None if one is None else request(**{"owner": "Organization/dac", **one}) for one in (old, new)
    )
    linked = stay("ssiad", "finished"), consent(OUTSIDE, "Organization/ssiad")

    assert may_change(who, before, after, OF_THREE, *linked) is expected


@pytest.mark.parametrize("requester", [str(PERSON), "PractitionerRole/gp", "PractitionerRole/nurse"])
def test_who_is_asked_by_somebody_else_does_not_say_that_they_were_asked_by_a_member(requester: str) -> None:
    asked = request("Organization/dac", requester=BY_HELPER)
    rewritten = {**asked, "requester": to(requester)}
    prepared = dossier("dac", "planned")

    assert may_change(COORDINATOR, asked, {**asked, "priority": "asap"}, OF_THREE)
    assert not may_change(COORDINATOR, asked, rewritten, OF_THREE)
    assert not decide(COORDINATOR, (asked, rewritten), (None, prepared), on=facts(asked, OF_THREE))


# Consents


@pytest.mark.parametrize(
    ("who", "more", "expected"),
    [
        (NURSE, {}, True),
        (NURSE, {"proof": False}, False),
        (NURSE, {"proof": False, "sourceReference": to("DocumentReference/1")}, True),
        (NURSE, {"proof": False, "sourceAttachment": {"title": "Formulaire signé"}}, True),
        (NURSE, {"performer": "PractitionerRole/nurse"}, False),
        (NURSE, {"performer": "RelatedPerson/daughter"}, False),
        (NURSE, {"performer": "Organization/pharmacy"}, False),
        (NURSE, {"dated": "2026-11-15"}, False),
        (NURSE, {"provision": {"dataPeriod": {"start": "2026-01-01"}}}, True),
        (NURSE, {"provision": {"dataPeriod": {"start": "soon"}}}, False),
        (NURSE, {"provision": {"actor": [{"reference": to("Group/1")}]}}, False),
        (NURSE, {"proof": False, "status": "proposed"}, True),  # asked for, not given
        (CITIZEN, {"proof": False}, False),  # a permit without proof is none
        (CITIZEN, {}, True),
        (PHARMACIST, {}, False),  # linked to nobody
    ],
)
def test_a_consent_in_favour_of_somebody_carries_the_proof_of_who_gave_it(
    who: Caller, more: dict[str, Any], expected: bool
) -> None:
    assert may_change(who, None, outside("Organization/pharmacy", **more), circle(*TEAM)) is expected


@pytest.mark.parametrize(
    ("tree", "expected"),
    [
        (recognition("PractitionerRole/nurse"), True),
        (recognition("PractitionerRole/nurse", performer="PractitionerRole/nurse"), False),
        (outside("Organization/ssiad", data=["sante-sensible"]), True),
        (outside("Practitioner/nurse", performer="Practitioner/nurse"), False),
        (consent(INFORMATION), True),
        (consent(INFORMATION, performer="PractitionerRole/nurse"), False),
    ],
)
def test_whom_a_consent_favours_does_not_record_it_alone(tree: Tree, expected: bool) -> None:
    assert may_change(NURSE, None, tree, circle(*TEAM)) is expected


@pytest.mark.parametrize("who", [NURSE, HELPER, CITIZEN])
@pytest.mark.parametrize(
    ("old", "new"),
    [
        (None, consent(OPPOSITION, type="deny", proof=False)),
        (None, consent(EXCLUSION, "PractitionerRole/gp", type="deny", proof=False)),
        (outside("Organization/pharmacy"), outside("Organization/pharmacy", status="inactive")),
        (outside("Organization/pharmacy"), outside("Organization/pharmacy", end="2026-10-05")),
        (outside("Organization/pharmacy"), outside("Organization/pharmacy", data=["plan"])),
        (outside("Organization/pharmacy"), outside("Organization/pharmacy", status="entered-in-error")),
        (consent(INFORMATION), consent(INFORMATION, status="inactive")),
    ],
)
def test_a_withdrawal_or_an_opposition_is_taken_from_anybody_linked(
    who: Caller, old: Tree | None, new: Tree
) -> None:
    new = new if old is None else {**new, "id": old["id"]}

    assert may_change(who, old, new, circle(*TEAM))


@pytest.mark.parametrize("code", [OPPOSITION, EXCLUSION])
@pytest.mark.parametrize(
    "change",
    [
        {"status": "inactive"},
        {"status": "entered-in-error"},
        {"provision": {"type": "permit", "actor": [{"reference": to("PractitionerRole/gp")}]}},
        {
            "provision": {
                "type": "deny",
                "actor": [{"reference": to("PractitionerRole/gp")}],
                "period": {"end": TODAY},
            }
        },
        {"dateTime": "2026-06-30T10:00:00Z"},
    ],
    ids=["inactive", "in error", "permits", "ends", "older"],
)
def test_lifting_a_denial_is_in_favour_of_those_it_kept_out(code: str, change: Tree) -> None:
    old = consent(code, "PractitionerRole/gp", type="deny", id="denial")
    new = {**old, **change}
    anew = {
        **new,
        "verification": [*new["verification"], {**new["verification"][0], "verificationDate": TODAY}],
    }

    assert not may_change(NURSE, old, new, circle(*TEAM))
    assert may_change(NURSE, old, anew, circle(*TEAM))
    assert may_change(CITIZEN, old, new, circle(*TEAM))


def test_a_denial_does_not_vanish() -> None:
    old = consent(OPPOSITION, type="deny")

    assert not may_change(CITIZEN, old, None, circle(*TEAM))
    assert may_change(CITIZEN, outside("Organization/pharmacy"), None, circle(*TEAM))


@pytest.mark.parametrize(
    "wider",
    [
        {"data": ["plan", "sante"]},
        {"data": ["plan"], "end": "2031-12-31"},
        {"data": ["plan"], "end": "2030-12-31", "dated": "2026-07-02T10:00:00Z"},
    ],
    ids=["more", "longer", "later"],
)
def test_what_proved_one_decision_does_not_prove_the_next(wider: dict[str, Any]) -> None:
    old = outside("Organization/pharmacy", id="one", data=["plan"], end="2030-12-31")
    new = outside("Organization/pharmacy", id="one", **wider) | {"verification": old["verification"]}

    assert not may_change(NURSE, old, new, circle(*TEAM))
    assert may_change(CITIZEN, old, new, circle(*TEAM))


def test_an_exclusion_says_whom_it_is_about() -> None:
    assert not may_change(CITIZEN, None, consent(EXCLUSION, type="deny"))
    assert not may_change(CITIZEN, None, consent(EXCLUSION, "Device/1", type="deny"))


def test_a_representative_decides_for_others_and_not_for_themselves() -> None:
    family = (CHILD, relative("mother", (ROLE_CLASS, "GUARD")), relative("aunt"))
    carer = consent(CARER, "RelatedPerson/aunt", data=["plan"], start=TODAY, performer="RelatedPerson/mother")
    herself = consent(
        OUTSIDE, "RelatedPerson/mother", data=["sante-sensible"], performer="RelatedPerson/mother"
    )

    assert may_change(MOTHER, None, carer, *family)
    assert not may_change(MOTHER, None, herself, *family)
    assert not may_change(MOTHER, None, carer, *family[1:])  # an adult decides for themselves


def test_a_measure_of_protection_is_recorded_by_others_with_the_judgment() -> None:
    guardian = caller("guardian", "group", "mjpm")
    judged = consent(
        PROTECTION, "PractitionerRole/guardian", sourceReference=to("DocumentReference/judgment")
    )
    told = consent(PROTECTION, "PractitionerRole/guardian")
    there = circle(*TEAM, member("PractitionerRole/guardian"))

    assert may_change(NURSE, None, judged, there)
    assert not may_change(NURSE, None, told, there)
    assert not may_change(guardian, None, judged, there)


# Relatives, identity, emergencies


def test_a_relative_does_not_make_themselves_a_representative() -> None:
    grant = consent(CARER, "RelatedPerson/daughter", data=["identite"], start="2026-01-01")
    known = (CHILD, grant)
    guard = relative("daughter", (ROLE_CLASS, "GUARD"))

    assert not may_change(DAUGHTER, relative("daughter"), guard, *known)
    assert may_change(GP, relative("daughter"), guard, *known, circle(*TEAM))
    assert may_change(DAUGHTER, relative("daughter"), relative("daughter", telecom=[{"value": "1"}]), *known)


def test_a_relative_does_not_become_anothers() -> None:
    moved = relative("daughter") | {"patient": to("Patient/other")}

    assert not may_change(GP, relative("daughter"), moved, circle(*TEAM))


def test_a_representative_does_not_make_a_person_younger() -> None:
    mother = relative("mother", (ROLE_CLASS, "GUARD"))
    younger = patient(birthDate="2018-03-01")

    assert not may_change(MOTHER, CHILD, younger, mother)
    assert may_change(GP, CHILD, younger, mother, circle(*TEAM))


DESK = caller("desk", "saad", "secretariat")
AUNT = relative("aunt")
GUARD = relative("aunt", (ROLE_CLASS, "GUARD"))
OF_AUNT = consent(CARER, "RelatedPerson/aunt", data=["plan"])


@pytest.mark.parametrize(
    ("old", "new", "others"),
    [
        (AUNT, GUARD, [CHILD]),
        (None, GUARD, [CHILD]),
        (patient(), CHILD, [GUARD]),
        (patient(birthDate=None), CHILD, [GUARD]),
        ({**GUARD, "active": False}, GUARD, [CHILD]),
        ({**AUNT, "period": {"end": "2026-09-30"}}, AUNT, [OF_AUNT]),
    ],
    ids=["guard", "new guard", "younger", "a child", "again", "longer"],
)
def test_a_relative_is_given_rights_by_who_may_bring_in_others(
    old: Tree | None, new: Tree, others: list[Tree]
) -> None:
    team = circle(*TEAM, member("Organization/saad"))

    assert not may_change(DESK, old, new, *others, team)
    assert not may_change(HELPER, old, new, *others, team)
    assert may_change(NURSE, old, new, *others, team)


def test_what_gives_no_relative_rights_is_free() -> None:
    team = circle(*TEAM, member("Organization/saad"))

    assert may_change(DESK, None, GUARD, team)  # of an adult
    assert may_change(DESK, GUARD, AUNT, CHILD, team)
    assert may_change(DESK, CHILD, patient(birthDate="2014-03-01"), GUARD, team)


LIMITED = consent(
    PROTECTION,
    "RelatedPerson/son",
    data=["administratif", "consentement", "identite"],
    sourceReference=to("DocumentReference/judgment"),
)
SON = citizen("son", "representant-legal")
BY_SON: dict[str, Any] = {"performer": "RelatedPerson/son"}


@pytest.mark.parametrize("who", [SON, NURSE])
@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (None, outside("Organization/pharmacy", data=["administratif"], **BY_SON), True),
        (None, outside("Organization/pharmacy", data=["administratif", "sante"], **BY_SON), False),
        (None, outside("Organization/pharmacy", **BY_SON), False),
        (None, consent(INFORMATION, **BY_SON), False),
        (consent(OPPOSITION, type="deny", data=["sante"]), {"status": "inactive"}, False),
        (consent(OPPOSITION, type="deny", data=["identite"]), {"status": "inactive"}, True),
    ],
    ids=["within", "beyond", "everything", "information", "opposition beyond", "opposition within"],
)
def test_who_represents_in_part_decides_about_that_part(
    who: Caller, old: Tree | None, new: Tree, *, expected: bool
) -> None:
    proof = [{"verified": True, "verifiedWith": to("RelatedPerson/son"), "verificationDate": TODAY}]
    decision = (
        new if old is None else {**old, **new, "performer": [to("RelatedPerson/son")], "verification": proof}
    )

    assert may_change(who, old, decision, LIMITED, relative("son"), circle(*TEAM)) is expected


def test_who_represents_in_part_brings_others_into_what_they_represent_in() -> None:
    team, grown = circle(*TEAM), circle(*TEAM, CARDIOLOGIST)
    wider = {**LIMITED, "provision": {**LIMITED["provision"], "code": []}}
    del wider["provision"]["code"]

    assert not may_change(SON, team, grown, LIMITED, relative("son"))
    assert may_change(SON, team, grown, wider, relative("son"))


def test_nobody_makes_an_identity_feed_of_their_own() -> None:
    fed = patient(managingOrganization=to("Organization/hospital"))

    assert not may_change(FEED, patient(), fed)
    assert may_change(FEED, patient(), fed, presented=True)


def test_an_emergency_grant_is_written_by_nobody() -> None:
    grant = grant_of(GP, PERSON, "1", "Chute, personne inconsciente", NOW)

    for old, new in ((None, grant), (grant, None), (grant, {**grant, "author": to("Practitioner/gp")})):
        assert not may_change(GP, old, new, circle(*TEAM))


def told_of(old: Tree | None, new: Tree, *others: Tree) -> bool:
    on = facts(*(() if old is None else (old,)), *others)
    return announced([Write(old, new)], on, written(on, [(old, new)]), CELLS, NOW)


def test_who_joins_what_is_consented_and_who_represents_is_announced() -> None:
    team, aunt, guard = circle(*TEAM), relative("aunt"), relative("aunt", (ROLE_CLASS, "GUARD"))
    grant = consent(CARER, "RelatedPerson/aunt", data=["plan"])

    assert told_of(team, circle(*TEAM, CARDIOLOGIST))
    assert told_of(None, consent(INFORMATION))
    assert told_of(aunt, guard, CHILD)
    assert told_of(None, guard, CHILD)
    assert told_of(patient(), CHILD, guard)
    assert told_of({**aunt, "active": False}, aunt, grant)
    assert not told_of(team, circle(*TEAM[:2]))
    assert not told_of(None, stay("hospital"))
    assert not told_of(aunt, guard)  # of an adult
    assert not told_of(guard, aunt, CHILD)
    assert not told_of(CHILD, patient(), guard)


def test_the_persons_of_a_transaction_are_locked_in_one_order() -> None:
    other = circle() | {"subject": to("Patient/another")}

    assert touched([Write(circle(), other), Write(None, patient())]) == (Key("Patient", "another"), PERSON)


# Nobody raises their own rights, whatever they write in whatever order

CALLERS = [NURSE, HELPER, MANAGER, COORDINATOR, PHARMACIST, FEED, DAUGHTER]
CALLERS += [caller("cardiologist", "hospital", "medecin")]
NAMED = [
    *(
        "PractitionerRole/nurse",
        "PractitionerRole/helper",
        "PractitionerRole/cardiologist",
        "Practitioner/nurse",
    ),
    *(
        "Organization/ssiad",
        "Organization/saad",
        "Organization/dac",
        "Organization/hospital",
        "RelatedPerson/daughter",
    ),
]
DATES = ["2026-06-01", "2026-09-30", "2026-10-01", "2026-12-01"]
NOT_THE_PERSON = ["PractitionerRole/nurse", "RelatedPerson/daughter", "Organization/ssiad"]


@st.composite
def trees(draw: st.DrawFn) -> Tree:
    """Anything that makes links; consents without the proof of the person, which no caller but they can give."""
    named, start = draw(st.sampled_from(NAMED)), draw(st.sampled_from(DATES))
    organisations = st.sampled_from(["ssiad", "saad", "dac", "hospital", "geriatrics"])
    match draw(
        st.sampled_from(["circle", "circle", "stay", "dossier", "task", "consent", "relative", "person"])
    ):
        case "circle":
            entries = draw(st.lists(st.sampled_from(NAMED), max_size=3))
            pcp, role_of_care = draw(st.booleans()), draw(st.sampled_from(["", "330"]))
            end = draw(st.sampled_from(["", "2026-09-15"])) if start < "2026-09" else ""
            more = [member(one, start, end, pcp=pcp, role=role_of_care) for one in entries]
            status = draw(st.sampled_from(["active", "active", "inactive"]))
            return circle(*draw(st.sampled_from([TEAM, TEAM[:2], ()])), *more, status=status)
        case "stay":
            return stay(
                draw(organisations), draw(st.sampled_from(["planned", "in-progress", "finished"])), start
            )
        case "dossier":
            status = draw(st.sampled_from(["planned", "active", "onhold", "finished"]))
            return dossier(draw(organisations), status, careManager=to(draw(st.sampled_from(NAMED))))
        case "task":
            requester = to(draw(st.sampled_from([*NAMED, "PractitionerRole/gp", str(PERSON)])))
            return request(
                named, draw(st.sampled_from(["sollicitation", "demande-mdph"])), requester=requester
            )
        case "relative":
            relation = ROLE_CLASS, draw(st.sampled_from(["GUARD", "CAREGIVER"]))
            return relative(draw(st.sampled_from(["daughter", "aunt"])), relation)
        case "person":
            return patient(
                birthDate=draw(st.sampled_from(["1939-02-17", "2015-03-01"])),
                managingOrganization=to(f"Organization/{draw(organisations)}"),
            )
    return consent(
        draw(st.sampled_from([RECOGNITION, OUTSIDE, INFORMATION, CARER, PROTECTION, EXCLUSION, OPPOSITION])),
        named,
        id=str(draw(st.integers(0, 3))),
        type=draw(st.sampled_from(["permit", "deny"])),
        status=draw(st.sampled_from(["active", "inactive"])),
        data=draw(st.sampled_from([[], ["sante"], ["plan"]])),
        start=start,
        performer=draw(st.sampled_from(NOT_THE_PERSON)),
    )


STARTS = [
    (circle(*TEAM), relative("daughter")),
    (circle(*TEAM), consent(INFORMATION), recognition("PractitionerRole/nurse"), relative("daughter")),
    (circle(*TEAM), stay("geriatrics"), consent(OPPOSITION, type="deny", id="0"), relative("daughter")),
    (dossier("dac", "planned"), request("Organization/saad"), relative("daughter")),
    (circle(*TEAM[:3]), request("PractitionerRole/coordinator", requester=BY_HELPER), consent(INFORMATION)),
    (circle(*TEAM), stay("saad"), outside("CareTeam/payet", id="3")),
    (circle(*TEAM), stay("saad"), consent(EXCLUSION, "CareTeam/payet", type="deny", id="3")),
    (circle(*TEAM), CHILD, AUNT, OF_AUNT, consent(EXCLUSION, "Organization/hospital", type="deny", id="2")),
    (circle(GP_MEMBER), consent(EXCLUSION, "PractitionerRole/nurse", type="deny", id="1"), CHILD),
]


def after(begun: Facts, who: Caller, wanted: list[Tree], *, at_once: bool) -> Facts:
    """The facts after the writes that a caller may do, of those that they try."""
    on = begun
    steps = [wanted] if at_once else [[tree] for tree in wanted]
    for step in steps:
        latest = {(tree["resourceType"], tree["id"]): tree for tree in step}
        writes = [(on.trees.get(Key(*key)), tree) for key, tree in latest.items()]
        if decide(who, *writes, on=on):
            on = written(on, writes)
    return on


# To whom anybody linked may address a request; and who keeps the identity.
OPEN_TO_OTHERS = {Tie.SOLLICITATION, Tie.MDPH, Tie.FEED}


@pytest.mark.parametrize("who", [HELPER, DESK, FEED, COORDINATOR, NURSE])
@settings(max_examples=200)
@given(
    start=st.sampled_from([*STARTS, STARTS[-1]]),
    wanted=st.lists(trees(), min_size=1, max_size=5),
    at_once=st.booleans(),
)
def test_others_are_raised_by_who_may_and_as_far_as_they_may_by_any_sequence_of_writes(
    start: tuple[Tree, ...], who: Caller, wanted: list[Tree], at_once: bool
) -> None:
    begun = facts(*start, *(() if not _is_at_saad(who) else (stay("saad"),)))
    on = after(begun, who, wanted, at_once=at_once)

    first, last = (
        [link for link in links_of(one, CELLS, NOW) if link.tie not in OPEN_TO_OTHERS] for one in (begun, on)
    )
    gained = {link.actor for link in last if raised((link.actor,), first, last, NOW)}
    assert not gained or Case(who, begun, begun, CELLS, NOW).powers()
    # Whoever may bring in others names no médecin traitant.
    had, have = ([link for link in links if link.tie is Tie.PCP] for links in (first, last))
    assert not any(raised((link.actor,), had, have, NOW) for link in have)


@st.composite
def circles(draw: st.DrawFn) -> Tree:
    """The circle as it may be said to be or to have been, without a médecin traitant."""
    kept = draw(st.sampled_from([TEAM[1:], TEAM[1:], TEAM[2:]]))
    starts, ends = st.sampled_from(["2026-05-01", "2026-06-15", *DATES]), st.sampled_from(["", "2026-08-01"])
    start, end = draw(starts), draw(ends)
    added = member(draw(st.sampled_from(NAMED)), start, end if start < end else "")
    status = draw(st.sampled_from(["active", "active", "inactive"]))
    return circle(*kept, added, status=status, period={"start": draw(starts)})


ABOUT_THE_CIRCLE = (
    outside("CareTeam/payet", id="1"),
    recognition("CareTeam/payet", id="2"),
    consent(EXCLUSION, "CareTeam/payet", type="deny", id="3"),
)


@pytest.mark.parametrize("who", [HELPER, NURSE, COORDINATOR, CITIZEN])
@given(st.sampled_from(ABOUT_THE_CIRCLE), st.lists(circles(), min_size=1, max_size=3))
def test_no_sequence_of_circles_changes_whom_the_person_meant_and_kept_out(
    who: Caller, decision: Tree, wanted: list[Tree]
) -> None:
    begun = facts(circle(*TEAM[1:]), stay("saad"), stay("ssiad"), dossier("dac"), decision)
    on = after(begun, who, wanted, at_once=False)

    meant, means = ({*statements_of(decision, one, CELLS)} for one in (begun, on))
    assert not [one for one in means - meant if one.permits]
    assert not [one for one in meant - means if not one.permits]


@given(st.data())
def test_who_represents_in_part_opens_nothing_of_the_rest_by_any_sequence_of_decisions(
    data: st.DataObject,
) -> None:
    opposed = consent(OPPOSITION, type="deny", data=["sante"], id="0", performer="RelatedPerson/son")
    begun = facts(LIMITED, relative("son"), relative("daughter"), circle(*TEAM), opposed)
    wanted = [
        {**tree, "performer": [to("RelatedPerson/son")]}
        for tree in data.draw(st.lists(trees(), min_size=1, max_size=5))
        if tree["resourceType"] == "Consent"
    ]
    on = after(begun, SON, wanted, at_once=False)

    rest = CELLS.all & ~CELLS.bits(("administratif", "consentement", "identite"))
    first, last = ([_among(link, rest) for link in links_of(one, CELLS, NOW)] for one in (begun, on))
    assert not [link.actor for link in last if raised((link.actor,), first, last, NOW)]


def _among(link: Link, cells: int) -> Link:
    return replace(link, allow=link.allow & cells, named=link.named & cells)


def _is_at_saad(who: Caller) -> bool:
    return Key("Organization", "saad") in who.actors


ASKED = (str(PERSON), "PractitionerRole/gp", "PractitionerRole/helper", "PractitionerRole/nurse")


@settings(max_examples=300)
@given(st.sampled_from(STARTS), st.sampled_from(CALLERS), st.lists(trees(), max_size=5), st.booleans())
def test_nobody_raises_their_own_rights_by_any_sequence_of_writes(
    start: tuple[Tree, ...], who: Caller, wanted: list[Tree], at_once: bool
) -> None:
    begun = facts(*start)
    on = after(begun, who, wanted, at_once=at_once)

    entitled = _opened_record(begun, on, who)
    first, last = Case(who, begun, begun, CELLS, NOW), Case(who, on, on, CELLS, NOW)
    assert entitled or not raised(who.actors, first.links, last.links, NOW)
    assert entitled or not empowered(first, last)


@given(st.sampled_from(ASKED), st.sampled_from(ASKED), st.sampled_from(["planned", "active"]))
def test_who_was_not_asked_by_a_member_opens_no_record_whatever_they_say_of_it(
    first: str, second: str, status: str
) -> None:
    begun = facts(
        OF_THREE, request("PractitionerRole/coordinator", requester=BY_HELPER), consent(INFORMATION)
    )
    said = [request("PractitionerRole/coordinator", requester=to(one)) for one in (first, second)]
    on = after(begun, COORDINATOR, [*said, dossier("dac", status)], at_once=False)

    assert not on.of("EpisodeOfCare")


def _opened_record(before: Facts, after: Facts, who: Caller) -> bool:
    """The one thing of the table that is in the reach of these writes: a DAC opens the record that it may open."""
    opens = Case(who, before, before, CELLS, NOW).powers() & {"opens"}
    return bool(opens) and before.of("EpisodeOfCare") != after.of("EpisodeOfCare")


def test_two_writes_that_raise_only_together_are_refused() -> None:
    """The record of one organisation, and a formal team that the writer's organisation shares with it."""
    on = facts(circle(*TEAM), affiliation("dac", of="ssiad"))

    assert not decide(NURSE, (None, dossier("dac")), on=on)
    assert decide(NURSE, (None, dossier("hospital")), on=on)


def test_an_actor_that_a_client_made_grants_nothing() -> None:
    stranger = Key("PractitionerRole", "invented")
    on = facts(circle(*TEAM))
    invited = circle(*TEAM, member(str(stranger)))
    later = written(on, [(None, role("invented", "dac", "330")), (on.of("CareTeam")[0], invited)])

    assert stranger not in {link.actor for link in links_of(later, CELLS, NOW)}


@pytest.mark.parametrize(
    ("tree", "name"),
    [
        (circle(member("PractitionerRole/coordinator"), member("PractitionerRole/gp", pcp=True)), "subject"),
        (consent(EXCLUSION, "PractitionerRole/gp", type="deny"), "patient"),
        (relative("mother"), "patient"),
    ],
)
def test_what_makes_links_keeps_its_person_and_takes_none_later(tree: Tree, name: str) -> None:
    nobody = {**tree, name: {"display": "Mme"}}
    on = facts(
        tree,
        *([] if tree["resourceType"] == "CareTeam" else [circle(member("PractitionerRole/coordinator"))]),
    )

    for write in ((tree, nobody), (nobody, tree)):
        decision = decide(COORDINATOR, write, on=on)
        assert (decision.allowed, decision.rule) == (False, "link: moved to another person")
