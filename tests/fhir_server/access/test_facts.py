"""Gathering what a person's links follow from."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlencode

import pytest

import fhir_server.demo
from fhir_server.access.consents import CARER, INFORMATION, code_of
from fhir_server.access.facts import (
    BY_ACTOR,
    LINKING,
    Facts,
    Question,
    answered,
    chain_of,
    key_of,
    person_of,
    questions,
    stands_as_before,
    written,
)
from fhir_server.kernel.keys import Key
from fhir_server.kernel.wire import Tree
from fhir_server.search.entries import Hasher
from fhir_server.search.extract import entries_of
from fhir_server.search.match import matches
from tests.circles import (
    CATEGORY,
    DIRECTORY,
    IDENTIFIER,
    PERSON,
    affiliation,
    circle,
    coding,
    consent,
    dossier,
    mdph_request,
    member,
    organisation,
    patient,
    practitioner,
    relative,
    request,
    role,
    stay,
    to,
)
from tests.fhir_server.search.asking import parsed

HASHER = Hasher(b"0123456789abcdef")
BASE = "https://here.example/fhir"


def found(question: Question, trees: Iterable[Tree]) -> list[Tree]:
    """What a search answers that understands every parameter, and nothing leniently."""
    text = urlencode(question.criteria)
    query = parsed(question.type, text).query
    return [
        tree
        for tree in trees
        if matches(
            query,
            entries_of(tree, HASHER, (BASE,)),
            key=Key(tree["resourceType"], tree["id"]),
            updated=0,
            hasher=HASHER,
        )
    ]


def gathered(trees: Iterable[Tree], verified: frozenset[Key], person: Key = PERSON) -> tuple[Facts, int]:
    """The facts among some trees, and in how many rounds of questions they were found."""
    known, rounds = list(trees), 0
    facts = Facts(person, (BASE,))
    while asked := questions(facts):
        rounds += 1
        for question in asked:
            facts = answered(
                facts, question, [(tree, key_of(tree) in verified) for tree in found(question, known)]
            )
    return facts, rounds


EVERYTHING = (
    patient(managingOrganization=to("Organization/msp")),
    circle(member("PractitionerRole/nurse"), member("Organization/ssiad"), member("RelatedPerson/daughter")),
    dossier("dac"),
    stay("geriatrics"),
    consent("consentement-hors-equipe", "Organization/pharmacy"),
    relative("daughter"),
    request("PractitionerRole/coordinator"),
    mdph_request("Organization/mdph"),
    affiliation("group", of="dac"),
    affiliation("group", of="saad"),
)
VERIFIED = frozenset(key_of(tree) for tree in (*DIRECTORY, *EVERYTHING[-2:]))


def test_everything_that_makes_links_is_found_and_the_actors_that_it_names() -> None:
    facts, rounds = gathered((*EVERYTHING, *DIRECTORY), VERIFIED)

    assert {key_of(tree) for tree in EVERYTHING} <= facts.trees.keys()
    assert {key.id for key in facts.trees if key.type == "Organization"} == {
        *("msp", "ssiad", "dac", "geriatrics", "hospital", "group", "pharmacy", "mdph", "saad")
    }
    assert {key.id for key in facts.trees if key.type == "Practitioner"} == {"nurse", "gp", "coordinator"}
    assert rounds <= 5


def test_an_actor_that_is_not_verified_is_no_fact() -> None:
    facts, _ = gathered((*EVERYTHING, *DIRECTORY), VERIFIED - {Key("PractitionerRole", "nurse")})

    assert Key("PractitionerRole", "nurse") not in facts.trees
    assert Key("Organization", "ssiad") in facts.trees


@pytest.mark.parametrize(
    "tree",
    [
        circle(status="inactive"),
        dossier(status="finished"),
        stay("hospital", "finished"),
        consent("exclusion-acteur", "Organization/msp") | {"status": "inactive"},
        request("Organization/dac", status="completed"),
        request("Organization/dac", code="rectification"),
        circle() | {"subject": to("Patient/other")},
    ],
    ids=lambda tree: f"{tree['resourceType']} {tree['status']}",
)
def test_what_has_ended_or_makes_no_links_is_not_gathered(tree: Tree) -> None:
    facts, _ = gathered([patient(), tree], frozenset())

    assert facts.trees.keys() == {PERSON}


def test_organisations_that_are_part_of_one_another_end_the_questions() -> None:
    ring = [
        {"resourceType": "Organization", "id": "one", "partOf": to("Organization/two")},
        {"resourceType": "Organization", "id": "two", "partOf": to("Organization/one")},
    ]
    facts, _ = gathered([patient(), stay("one"), *ring], frozenset(key_of(tree) for tree in ring))

    assert chain_of(Key("Organization", "one"), facts) == (
        Key("Organization", "one"),
        Key("Organization", "two"),
    )


def test_references_below_the_servers_own_base_name_its_resources() -> None:
    team = circle(member("PractitionerRole/nurse")) | {"subject": {"reference": f"{BASE}/{PERSON}"}}

    assert person_of(team, (BASE,)) == (PERSON,)
    assert person_of(team) == ()


@pytest.mark.parametrize("tree", EVERYTHING[:-2], ids=lambda tree: str(key_of(tree)))
def test_whatever_makes_links_says_whose(tree: Tree) -> None:
    assert tree["resourceType"] in LINKING
    assert person_of(tree) == (PERSON,)


@pytest.mark.parametrize(
    "tree",
    [
        {"resourceType": "Observation", "id": "1", "subject": to(PERSON)},
        {"resourceType": "Task", "id": "1", "for": to(PERSON), "owner": to("Organization/dac")},
        {"resourceType": "Basic", "id": "1", "subject": to(PERSON), "code": {"text": "anything"}},
        {"resourceType": "Encounter", "id": "1", "subject": to("Group/1")},
        {"resourceType": "Organization", "id": "1"},
    ],
    ids=lambda tree: str(tree["resourceType"]),
)
def test_other_resources_change_nobodys_links(tree: Tree) -> None:
    assert person_of(tree) == ()


@pytest.mark.parametrize("question", BY_ACTOR, ids=lambda question: str(question.type))
def test_the_persons_of_an_actor_are_found_by_searches_that_exist(question: Question) -> None:
    actors = {
        "Patient": "Organization/msp",
        "EpisodeOfCare": "Organization/dac",
        "Encounter": "Organization/geriatrics",
        "Consent": "Organization/pharmacy",
        "CareTeam": "PractitionerRole/nurse",
    }
    actor = actors.get(question.type, "Organization/mdph")
    asked = replace(
        question, criteria=tuple((name, value.replace("{}", actor)) for name, value in question.criteria)
    )

    people = [person for tree in found(asked, EVERYTHING) for person in person_of(tree)]

    assert people == ([] if question.type == "Basic" else [PERSON])


def test_written_replaces_adds_and_takes_away() -> None:
    facts, _ = gathered((*EVERYTHING, *DIRECTORY), VERIFIED)
    team = facts.of("CareTeam")[0]

    assert written(facts, [(team, team | {"status": "inactive"})]).of("CareTeam")[0]["status"] == "inactive"
    assert written(facts, [(team, None)]).of("CareTeam") == []
    assert len(written(facts, [(None, circle(id="second"))]).of("CareTeam")) == 2
    assert written(facts, [(team, team | {"subject": to("Patient/other")})]).of("CareTeam") == []
    assert written(facts, [(None, {"resourceType": "Organization", "id": "new"})]) == facts


def test_the_demo_is_gathered() -> None:
    bundle = json.loads((Path(fhir_server.demo.__file__).parent / "payet.json").read_text(encoding="utf-8"))
    trees = [entry["resource"] for entry in bundle["entry"]]
    facts, _ = gathered(trees, frozenset(key_of(tree) for tree in trees))

    assert [tree["id"] for tree in facts.of("CareTeam")] == ["payet"]
    assert [tree["id"] for tree in facts.of("EpisodeOfCare")] == ["payet"]
    assert {code_of(tree) for tree in facts.of("Consent")} >= {INFORMATION, CARER}
    assert facts.of("Encounter") == []  # all of them are over


@pytest.mark.parametrize(
    ("tree", "changed", "same"),
    [
        (
            organisation("dac", "606"),
            {"name": "Appui", "telecom": [{"value": "0"}], "meta": {"versionId": "2"}},
            True,
        ),
        (organisation("dac", "606"), {"identifier": [{"value": "1"}]}, True),
        (organisation("dac", "606"), {"identifier": [{"type": coding(IDENTIFIER, "FINEG")}]}, False),
        (organisation("dac", "606"), {"type": [coding(CATEGORY, "609")]}, False),
        (organisation("dac", "606"), {"partOf": to("Organization/group")}, False),
        (organisation("dac", "606"), {"active": False}, False),
        (role("gp", "msp", "G15_10"), {"telecom": [{"value": "0"}]}, True),
        (role("gp", "msp", "G15_10"), {"organization": to("Organization/dac")}, False),
        (role("gp", "msp", "G15_10"), {"practitioner": to("Practitioner/nurse")}, False),
        (role("gp", "msp", "G15_10"), {"code": []}, False),
        (role("gp", "msp", "G15_10"), {"period": {"end": "2026-01-01"}}, False),
        (practitioner("gp"), {"name": [{"family": "Hoarau"}]}, True),
        (practitioner("gp"), {"active": False}, False),
        (affiliation("group", of="dac"), {"telecom": [{"value": "0"}]}, False),
    ],
)
def test_ties_stand_on_little_of_an_actor(tree: Tree, changed: Tree, *, same: bool) -> None:
    assert stands_as_before(tree, {**tree, **changed}) == same
    assert not stands_as_before(None, tree)
    assert not stands_as_before(tree, None)
