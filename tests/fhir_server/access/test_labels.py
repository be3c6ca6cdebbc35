"""Labels as they are written, and who may set and lift them."""

from __future__ import annotations

from typing import Any

import pytest

from fhir_server.access.caller import Caller
from fhir_server.access.labels import judge, judge_authors, stamped
from fhir_server.access.marks import (
    CATEGORY_SYSTEM,
    CODES,
    CONFIDENTIALITY_SYSTEM,
    LABEL_SYSTEM,
    VISIBILITY_SPELT_OTHERWISE,
    VISIBILITY_SYSTEM,
    said_labels,
)
from fhir_server.access.tables import shipped_tables
from fhir_server.kernel.keys import Key
from fhir_server.search.sight import Label, Link, Stamp, Tie

TABLES = shipped_tables()
PERSON = Key("Patient", "1")
NURSE, DOCTOR = Key("PractitionerRole", "nurse"), Key("PractitionerRole", "doctor")
TEAM, OTHER = Key("Organization", "team"), Key("Organization", "other")
MASK = {"system": VISIBILITY_SYSTEM, "code": "MASQUE_PS"}
HIDDEN = {"system": VISIBILITY_SYSTEM, "code": "INVISIBLE_PATIENT"}
SHARED = {"system": LABEL_SYSTEM, "code": "partage-social"}
URGENT = {"system": LABEL_SYSTEM, "code": "urgence"}
SECRET = {"system": CONFIDENTIALITY_SYSTEM, "code": "V"}
NORMAL = {"system": CONFIDENTIALITY_SYSTEM, "code": "N"}
FOREIGN = {"system": "https://elsewhere.example", "code": "x"}
ARCHIVE = {"system": LABEL_SYSTEM, "code": "archive"}
HEALTH = {"system": CATEGORY_SYSTEM, "code": "sante"}
CITIZEN = Caller("citizen", roles=("personne",), actors=(PERSON,))


def tree(type: str, *security: dict[str, Any], **elements: Any) -> dict[str, Any]:
    found = {"resourceType": type, "id": "x", "subject": {"reference": "Patient/1"}, **elements}
    return {**found, "meta": {"security": list(security)}} if security else found


def security(resource: dict[str, Any]) -> list[Any]:
    found: list[Any] = resource.get("meta", {}).get("security", [])
    return found


def test_the_server_writes_the_category_and_ignores_a_clients() -> None:
    new = tree("Observation", {"system": CATEGORY_SYSTEM, "code": "coordination"}, FOREIGN)

    assert security(stamped(new, TABLES)) == [FOREIGN, HEALTH]
    assert security(new)[0]["code"] == "coordination"  # what came in is not changed


def test_what_has_no_category_gets_none() -> None:
    role = {"resourceType": "PractitionerRole", "id": "x", "meta": {"security": [HEALTH]}}

    assert stamped(role, TABLES) == {"resourceType": "PractitionerRole", "id": "x"}
    assert stamped({"resourceType": "Basic"}, TABLES) == {"resourceType": "Basic"}


def test_the_rest_of_meta_stays() -> None:
    new = tree("Observation") | {"meta": {"profile": ["https://x.example"], "tag": [FOREIGN]}}

    assert stamped(new, TABLES)["meta"] == {
        "profile": ["https://x.example"],
        "tag": [FOREIGN],
        "security": [HEALTH],
    }


def test_labels_stay_when_a_client_leaves_them_out() -> None:
    old = stamped(tree("Observation", MASK, URGENT), TABLES)

    new = stamped(tree("Observation", SECRET), TABLES, old=old)

    category = {"system": CATEGORY_SYSTEM, "code": "sante-sensible"}
    assert security(new) == [category, MASK, URGENT, SECRET]


def test_a_label_goes_when_it_is_lifted() -> None:
    old = stamped(tree("Observation", MASK, URGENT), TABLES)

    assert security(stamped(tree("Observation", URGENT), TABLES, old=old, lifting=True)) == [HEALTH, URGENT]


def test_the_category_follows_a_label_that_stays() -> None:
    old = stamped(tree("Observation", SECRET), TABLES)

    new = stamped(tree("Observation"), TABLES, old=old)

    assert security(new) == [{"system": CATEGORY_SYSTEM, "code": "sante-sensible"}, SECRET]


@pytest.mark.parametrize("system", VISIBILITY_SPELT_OTHERWISE)
def test_a_label_is_written_by_its_right_system(system: str) -> None:
    new = tree("Observation", {"system": system, "code": "MASQUE_PS"})

    assert security(stamped(new, TABLES)) == [HEALTH, MASK]


def test_a_label_is_written_once() -> None:
    assert security(stamped(tree("Observation", MASK, MASK), TABLES)) == [HEALTH, MASK]


def test_a_document_says_its_visibility_twice() -> None:
    new = stamped(tree("DocumentReference", MASK, URGENT), TABLES)

    assert security(new) == [HEALTH, MASK, URGENT]
    assert new["securityLabel"] == [{"coding": [MASK]}]


def test_a_document_may_say_its_visibility_in_its_own_element() -> None:
    new = stamped(tree("DocumentReference", securityLabel=[{"coding": [HIDDEN]}, {"text": "why"}]), TABLES)

    assert security(new) == [HEALTH, HIDDEN]
    assert new["securityLabel"] == [{"coding": [HIDDEN]}, {"text": "why"}]


def test_several_visibilities_stand_in_one_concept_and_none_is_normal() -> None:
    new = tree("DocumentReference", MASK, securityLabel=[{"coding": [NORMAL]}, {"coding": [HIDDEN]}])

    assert stamped(new, TABLES)["securityLabel"] == [{"coding": [MASK, HIDDEN]}]


def test_a_document_without_visibility_stays_normal() -> None:
    labels = [{"coding": [NORMAL]}]

    assert stamped(tree("DocumentReference", securityLabel=labels), TABLES)["securityLabel"] == labels


def test_confidentiality_stays_where_the_author_wrote_it() -> None:
    new = stamped(tree("DocumentReference", securityLabel=[{"coding": [SECRET]}]), TABLES)

    assert security(new) == [{"system": CATEGORY_SYSTEM, "code": "sante-sensible"}, SECRET]
    assert new["securityLabel"] == [{"coding": [SECRET]}]


def test_what_is_lifted_goes_from_both_places() -> None:
    old = stamped(tree("DocumentReference", MASK, securityLabel=[{"coding": [SECRET]}]), TABLES)
    lifted = {**old, "meta": {"security": [HEALTH]}}

    new = stamped(lifted, TABLES, old=old, lifting=True)

    assert security(new) == [HEALTH]
    assert "securityLabel" not in new


def test_what_is_not_lifted_stays_in_both_places() -> None:
    old = stamped(tree("DocumentReference", MASK, securityLabel=[{"coding": [SECRET]}]), TABLES)
    lifted = {**old, "meta": {"security": [SECRET]}}

    assert stamped(lifted, TABLES, old=old, lifting=True)["securityLabel"] == [{"coding": [SECRET]}]


def test_a_rule_labels_what_begins_to_meet_it() -> None:
    low, high = tree("AllergyIntolerance"), tree("AllergyIntolerance", criticality="high")
    for one in (low, high):
        one["patient"] = one["subject"]

    assert SHARED in security(stamped(high, TABLES))
    assert SHARED not in security(stamped(low, TABLES))
    assert SHARED in security(stamped(high, TABLES, old=stamped(low, TABLES)))


def test_a_lifted_label_does_not_come_back() -> None:
    old = stamped(tree("Flag"), TABLES)
    lifted = stamped({**old, "meta": {"security": [HEALTH]}}, TABLES, old=old, lifting=True)

    assert SHARED in security(old)
    assert SHARED not in security(lifted)
    assert SHARED not in security(stamped(tree("Flag", title="edited"), TABLES, old=lifted))


def test_what_nobody_has_labelled_yet_gets_its_rule() -> None:
    assert SHARED in security(stamped(tree("Flag"), TABLES, old=tree("Flag")))


def test_the_archive_stays() -> None:
    old = tree("Observation") | {"meta": {"tag": [ARCHIVE]}}

    assert stamped(tree("Observation"), TABLES, old=old)["meta"]["tag"] == [ARCHIVE]
    assert stamped(old, TABLES, old=old)["meta"]["tag"] == [ARCHIVE]
    assert "tag" not in stamped(tree("Observation"), TABLES, old=old, lifting=True)["meta"]


def mask_of(resource: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = next(one for one in security(resource) if one["code"] == "MASQUE_PS")
    return found


def test_a_mask_says_whether_the_person_set_it() -> None:
    theirs = stamped(tree("Observation", MASK), TABLES, old=tree("Observation"), caller=CITIZEN)
    others = stamped(
        tree("Observation", {**MASK, "userSelected": True}), TABLES, caller=Caller("professional")
    )
    neighbours = stamped(
        tree("Observation", MASK), TABLES, caller=Caller("citizen", actors=(Key("Patient", "2"),))
    )

    assert mask_of(theirs)["userSelected"] is True
    assert "userSelected" not in mask_of(others)
    assert "userSelected" not in mask_of(neighbours)


def test_who_set_a_mask_stays_said() -> None:
    theirs = stamped(tree("Observation", MASK), TABLES, caller=CITIZEN)
    authors = stamped(tree("Observation", MASK), TABLES)

    assert mask_of(stamped(tree("Observation", MASK), TABLES, old=theirs))["userSelected"] is True
    assert "userSelected" not in mask_of(
        stamped(tree("Observation", MASK), TABLES, old=authors, caller=CITIZEN)
    )


AUTHOR = Caller("professional", roles=("infirmier",), actors=(NURSE, TEAM), organisation=TEAM)
COLLEAGUE = Caller("professional", roles=("infirmier",), actors=(Key("PractitionerRole", "x"), TEAM))
STRANGER = Caller("professional", roles=("infirmier",), actors=(Key("PractitionerRole", "y"), OTHER))
PCP = Caller("professional", roles=("medecin",), actors=(DOCTOR,))
NOT_A_DOCTOR = Caller("professional", roles=("infirmier",), actors=(DOCTOR,))
REFERENT = Caller("professional", roles=("coordonnateur",), actors=(Key("PractitionerRole", "c"),))
SECRETARY = Caller(
    "professional", roles=("secretariat",), actors=(Key("PractitionerRole", "s"),), delegator=NURSE
)
OPERATOR = Caller("operator")
CALLERS = {
    "author": AUTHOR,
    "colleague": COLLEAGUE,
    "stranger": STRANGER,
    "pcp": PCP,
    "not a doctor": NOT_A_DOCTOR,
    "referent": REFERENT,
    "secretary": SECRETARY,
    "person": CITIZEN,
    "operator": OPERATOR,
}
LINKS = [
    Link(PERSON, PERSON, Tie.PERSON),
    Link(PERSON, DOCTOR, Tie.PCP),
    Link(PERSON, Key("PractitionerRole", "c"), Tie.TEAM_INFORMED),
    Link(PERSON, Key("PractitionerRole", "x"), Tie.TEAM),
    Link(PERSON, Key("PractitionerRole", "y"), Tie.PERSON, until=5),
    Link(Key("Patient", "2"), Key("PractitionerRole", "y"), Tie.PCP),
]
STAMP = Stamp(4, 0, (PERSON,), (NURSE,), (NURSE,), TEAM)
TABLE = {
    "MASQUE_PS": ("author secretary person", "author secretary person"),
    "INVISIBLE_PATIENT": ("author secretary", "author secretary"),
    "INVISIBLE_REPRESENTANTS_LEGAUX": ("author secretary person", "author secretary person"),
    "interne-structure": ("author colleague", "author colleague"),
    "partage-social": ("author secretary pcp", "author secretary pcp"),
    "audience:aidants": ("author secretary referent person", "author secretary referent person"),
    "urgence": ("author secretary pcp", "author secretary pcp"),
    "V": ("author secretary", "author secretary"),
    "R": ("author secretary", "author secretary"),
}
PLACES = {code: {"system": system, "code": code} for system, code in CODES}


@pytest.mark.parametrize("code", TABLE)
@pytest.mark.parametrize("name", CALLERS)
def test_who_may_set_and_lift_a_label(code: str, name: str) -> None:
    plain, labelled = tree("Observation"), tree("Observation", PLACES[code])
    sets, lifts = (name in who.replace("not a doctor", "").split() for who in TABLE[code])

    setting = judge(plain, labelled, CALLERS[name], STAMP, LINKS, 10, TABLES)
    lifting = judge(labelled, plain, CALLERS[name], STAMP, LINKS, 10, TABLES)

    assert (setting.allowed, lifting.allowed) == (sets, lifts)
    assert judge(labelled, labelled, CALLERS[name], STAMP, LINKS, 10, TABLES)


@pytest.mark.parametrize("code", ["", *TABLE])
@pytest.mark.parametrize(
    ("name", "actor"), [("stranger", "y"), ("pcp", "doctor"), ("author", "nurse"), ("secretary", "nurse")]
)
def test_nobody_becomes_the_author_of_what_another_hides(code: str, name: str, actor: str) -> None:
    old = tree("Observation", PLACES[code]) if code else tree("Observation")
    mine = Key("PractitionerRole", actor)
    shared = Stamp(4, 0, (PERSON,), (mine, NURSE), (mine, NURSE), TEAM)
    opens = code in {"", "partage-social", "audience:aidants", "urgence"}

    assert judge_authors(old, CALLERS[name], STAMP, shared).allowed is (opens or mine == NURSE)
    assert judge_authors(old, CALLERS[name], STAMP, STAMP)


@pytest.mark.parametrize("name", CALLERS)
def test_only_an_operator_archives(name: str) -> None:
    archived = tree("Observation") | {"meta": {"tag": [ARCHIVE]}}

    decision = judge(tree("Observation"), archived, CALLERS[name], STAMP, LINKS, 10, TABLES)

    assert decision.allowed is (name == "operator")


def test_the_author_does_not_lift_what_the_person_set() -> None:
    masked = stamped(tree("Observation", MASK), TABLES, caller=CITIZEN)

    assert not judge(masked, tree("Observation"), AUTHOR, STAMP, LINKS, 10, TABLES)
    assert judge(masked, tree("Observation"), CITIZEN, STAMP, LINKS, 10, TABLES)


def test_whoever_creates_counts_as_the_author() -> None:
    new = Stamp(4, 0, (PERSON,), (DOCTOR,), (DOCTOR,), OTHER)
    labels = tree("Observation", MASK, SHARED, URGENT, SECRET, PLACES["interne-structure"])

    assert judge(None, labels, AUTHOR, new, LINKS, 10, TABLES)


def test_somebody_of_no_organisation_keeps_nothing_inside_one() -> None:
    new = Stamp(4, 0, (PERSON,), (DOCTOR,), (DOCTOR,))

    decision = judge(None, tree("Observation", PLACES["interne-structure"]), AUTHOR, new, LINKS, 10, TABLES)

    assert (decision.allowed, decision.gate) == (False, 5)
    assert decision.rule == "interne-structure is set by the author's organisation"


def test_what_a_rule_labels_is_not_asked_of_the_caller() -> None:
    assert judge(tree("Flag"), tree("Flag", SHARED), STRANGER, STAMP, LINKS, 10, TABLES)
    assert not judge(tree("Flag", SHARED), tree("Flag"), STRANGER, STAMP, LINKS, 10, TABLES)


def test_without_authentication_everybody_labels() -> None:
    assert judge(None, tree("Observation", MASK), Caller("anyone"), STAMP, (), 10, TABLES)


def test_every_label_of_the_table_is_written_somewhere() -> None:
    assert {said_labels(tree("Observation", place)) for place in PLACES.values()} == {
        int(label) for label in Label if label not in {Label.SEVERAL, Label.ARCHIVED, Label.VERIFIED}
    }
