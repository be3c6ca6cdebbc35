"""What is announced of a circle, and to whom."""

from __future__ import annotations

from collections.abc import Iterable

from fhir_server.access.announcing import announcement_of, audience_of
from fhir_server.access.caller import Caller
from fhir_server.access.emergency import grant_of
from fhir_server.access.facts import Facts, written
from fhir_server.access.standing import Write
from fhir_server.kernel.wire import Tree
from fhir_server.validation.validator import check
from tests.circles import (
    CELLS,
    CITIZEN,
    COORDINATOR,
    GP,
    NOW,
    NURSE,
    PERSON,
    circle,
    consent,
    dossier,
    facts,
    member,
    organisation,
    to,
)

GP_MEMBER = member("PractitionerRole/gp", pcp=True)
NURSE_MEMBER = member("PractitionerRole/nurse")
REFERENT = member("PractitionerRole/coordinator", role="330")


def announced(who: Caller, before: Facts, *writes: Write) -> Tree | None:
    later = written(before, [(write.old, write.new) for write in writes])
    return announcement_of(writes, before, later, who, CELLS, "c1", NOW)


def names(references: Iterable[Tree]) -> list[str]:
    return [one["reference"] for one in references]


def test_the_audience_is_the_person_the_referents_and_the_gp() -> None:
    known = facts(circle(GP_MEMBER, NURSE_MEMBER, REFERENT))
    assert [*map(str, audience_of(known, NOW))] == [
        "Patient/payet",
        "PractitionerRole/gp",
        "PractitionerRole/coordinator",
    ]
    managed = facts(circle(NURSE_MEMBER), dossier(careManager=to("PractitionerRole/coordinator")))
    assert [*map(str, audience_of(managed, NOW))] == ["Patient/payet", "PractitionerRole/coordinator"]


def test_whoever_left_or_is_not_verified_hears_nothing() -> None:
    gone = member("PractitionerRole/gp", end="2026-09-01", pcp=True)
    stranger = member("PractitionerRole/stranger", role="330")
    assert audience_of(facts(circle(gone, stranger)), NOW) == (PERSON,)


def test_a_new_member_is_announced_to_all_but_who_brought_them() -> None:
    old = circle(GP_MEMBER, REFERENT)
    new = circle(GP_MEMBER, REFERENT, NURSE_MEMBER)
    tree = announced(COORDINATOR, facts(old), Write(old, new, "circle"))
    assert tree is not None
    assert check(tree) == []
    assert names(tree["recipient"]) == ["Patient/payet", "PractitionerRole/gp"]
    assert tree["note"][0]["authorReference"] == to("Practitioner/coordinator")
    assert "sender" not in tree  # who would see by it to whom it goes
    assert names(tree["about"]) == ["CareTeam/payet"]
    assert tree["category"][1]["coding"][0]["code"] == "CER"


def test_a_consent_is_announced_to_the_person_even_if_it_is_said_to_be_theirs() -> None:
    known = facts(circle(GP_MEMBER))
    tree = announced(GP, known, Write(None, consent("consentement-hors-equipe", "Organization/pharmacy")))
    assert tree is not None
    assert names(tree["recipient"]) == ["Patient/payet"]


def test_who_is_the_only_one_to_be_told_is_told_nothing() -> None:
    assert announced(CITIZEN, facts(), Write(None, consent("information-dossier"))) is None


def test_somebody_who_leaves_is_not_announced() -> None:
    old, new = circle(GP_MEMBER, NURSE_MEMBER), circle(GP_MEMBER)
    assert announced(NURSE, facts(old), Write(old, new)) is None
    assert announced(NURSE, facts(old), Write(None, organisation("elsewhere"))) is None


def test_emergency_access_says_who_and_why() -> None:
    grant = grant_of(NURSE, PERSON, "g1", "Personne inconsciente à domicile", NOW)
    tree = announced(NURSE, facts(circle(GP_MEMBER)), Write(None, grant, "emergency"))
    assert tree is not None
    assert check(tree) == []
    assert tree["category"][1]["coding"][0]["code"] == "ACC"
    [note] = tree["note"]
    assert note["authorReference"] == to("Practitioner/nurse")
    assert note["text"] == "Personne inconsciente à domicile"
    assert names(tree["recipient"]) == ["Patient/payet", "PractitionerRole/gp"]
