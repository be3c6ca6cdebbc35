"""Joining and leaving a circle, and the INS with its traits."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import fhir_server.demo
from fhir_server.access.joining import circle_of, folded, joined, left, presents, traits_of
from fhir_server.access.links import links_of
from fhir_server.kernel.keys import Key
from fhir_server.kernel.wire import Tree
from tests.circles import CELLS, NOW, PERSON, circle, coding, facts, links, member, moment, ties, to

NURSE = Key("PractitionerRole", "nurse")
BIRTH_NAMES = "https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-patient-birth-list-given-name"
BIRTH_PLACE = "http://hl7.org/fhir/StructureDefinition/patient-birthPlace"
COMMUNE = "https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-address-insee-code"


def someone(**more: object) -> Tree:
    """A Patient with an INS of the tests and the five traits."""
    place = {"extension": [{"url": COMMUNE, "valueCoding": {"code": "76540"}}]}
    return {
        "resourceType": "Patient",
        "id": "shown",
        "identifier": [{"system": "urn:oid:1.2.250.1.213.1.4.10", "value": "239027699900145"}],
        "name": [
            {
                "use": "official",
                "family": "LE BRETON",
                "given": ["MADELEINE"],
                "extension": [{"url": BIRTH_NAMES, "valueString": "MADELEINE JEANNE"}],
            }
        ],
        "gender": "female",
        "birthDate": "1939-02-17",
        "extension": [{"url": BIRTH_PLACE, "valueAddress": place}],
        **more,
    }


def test_joining_starts_now_and_leaving_ends_now() -> None:
    team = joined(circle(), NURSE, NOW, coding("https://x.example", "PROV"))

    assert ties(links(team), str(NURSE), NOW)
    assert not ties(links(team, now=NOW - 1), str(NURSE), NOW - 1)

    gone = left(team, [NURSE], NOW + 60_000_000)

    assert ties(links(gone), str(NURSE), NOW + 59_000_000)
    assert not ties(links(gone), str(NURSE), NOW + 60_000_000)
    assert gone["participant"][0]["role"] == [coding("https://x.example", "PROV")]


def test_who_is_in_already_does_not_join_again() -> None:
    team = circle(member(str(NURSE)))

    assert joined(team, NURSE, NOW) is team
    assert len(joined(circle(member(str(NURSE), end="2026-09-01")), NURSE, NOW)["participant"]) == 2


@pytest.mark.parametrize(
    ("entry", "kept"),
    [
        (member("PractitionerRole/gp"), [member("PractitionerRole/gp")]),
        (member(str(NURSE), end="2026-09-01"), [member(str(NURSE), end="2026-09-01")]),  # was over
        (member(str(NURSE), start="2027-01-01"), []),  # had not begun
        (member(str(NURSE), start="2026-10-01T08:00:00Z"), []),  # began this moment
    ],
)
def test_leaving_changes_only_what_goes_on(entry: Tree, kept: list[Tree]) -> None:
    assert left(circle(entry), [NURSE], NOW).get("participant", []) == kept


def test_joining_and_leaving_do_not_touch_the_circle_that_was_read() -> None:
    team = circle(member(str(NURSE)))
    before = json.dumps(team)

    left(team, [NURSE], NOW)
    joined(team, Key("PractitionerRole", "gp"), NOW)

    assert json.dumps(team) == before


@given(st.integers(0, 10**12))
def test_whoever_leaves_is_gone_at_once(lag: int) -> None:
    now = NOW + lag // 1000 * 1000
    found = links_of(facts(left(circle(member(str(NURSE))), [NURSE], now)), CELLS, 0)

    assert not ties(found, str(NURSE), now)


def test_a_first_circle_is_one_of_the_national_profile() -> None:
    team = circle_of(PERSON, "new", {"value": "1"}, "Cercle de soins", NOW)

    assert team["subject"] == to(PERSON)
    assert team["status"] == "active"
    assert moment(team["period"]["start"]) == NOW


def test_the_ins_and_the_five_traits_are_presented() -> None:
    assert presents(someone(), someone(id="here"))


def test_the_demo_has_the_traits() -> None:
    bundle = json.loads((Path(fhir_server.demo.__file__).parent / "payet.json").read_text(encoding="utf-8"))
    patients = [
        entry["resource"] for entry in bundle["entry"] if entry["resource"]["resourceType"] == "Patient"
    ]

    assert [traits_of(one) is not None for one in patients] == [True]


def test_names_are_compared_without_accents_hyphens_and_case() -> None:
    name = someone()["name"][0]
    written = {
        **name,
        "family": "Le-Bréton",
        "extension": [{"url": BIRTH_NAMES, "valueString": "Madeleine  Jeanne"}],
    }

    assert presents(someone(name=[written]), someone())


@pytest.mark.parametrize(
    "other",
    [
        {"identifier": [{"system": "urn:oid:1.2.250.1.213.1.4.8", "value": "239027699900145"}]},
        {"identifier": [{"system": "urn:oid:1.2.250.1.213.1.4.10", "value": "239027699900146"}]},
        {
            "identifier": [
                {"system": "urn:oid:1.2.250.1.213.1.4.10", "value": "239027699900145", "use": "old"}
            ]
        },
        {"identifier": [{"system": "https://dac.example", "value": "239027699900145"}]},
        {"identifier": []},
        {"name": [{"use": "official", "family": "LEBRETON", "given": ["MADELEINE"]}]},
        {"name": [{"use": "official", "family": "LE BRETON", "given": ["MADELEINE"]}]},  # not all given names
        {"name": [{"use": "usual", "family": "LE BRETON", "given": ["MADELEINE", "JEANNE"]}]},
        {"gender": "male"},
        {"birthDate": "1939-02-18"},
        {"extension": []},
    ],
)
def test_one_trait_that_differs_or_is_missing_presents_nothing(other: Tree) -> None:
    assert not presents(someone(**other), someone())
    assert not presents(someone(), someone(**other))


@pytest.mark.parametrize(
    "other",
    [
        {"name": [{"use": "official", "family": "LE BRETON", "given": [None], "_given": [{"id": "g"}]}]},
        {
            "name": [
                {
                    "use": "official",
                    "family": "LE BRETON",
                    "extension": [{"url": BIRTH_NAMES, "valueInteger": 7}],
                }
            ]
        },
        {"extension": [{"url": BIRTH_PLACE, "valueString": "76540"}]},
        {
            "extension": [
                {
                    "url": BIRTH_PLACE,
                    "valueAddress": {"extension": [{"url": COMMUNE, "valueCode": "76540"}]},
                }
            ]
        },
    ],
)
def test_a_trait_of_another_type_than_it_should_have_is_none(other: Tree) -> None:
    assert traits_of(someone(**other)) is None


def test_given_names_are_those_that_have_a_value() -> None:
    name = {"use": "official", "family": "LE BRETON", "given": [None, "MADELEINE", "JEANNE"]}

    assert presents(someone(name=[name]), someone())


@pytest.mark.parametrize("name", ["identifier", "name", "gender", "birthDate", "extension"])
def test_what_neither_side_has_is_not_the_same(name: str) -> None:
    bare = {key: value for key, value in someone().items() if key != name}

    assert not presents(bare, bare)


@pytest.mark.parametrize(
    ("one", "other"),
    [("Jean-Noël", "JEAN NOEL"), ("d'Œuvre", "D OEUVRE"), ("  Éric ", "eric"), ("MÜLLER", "Muller")],
)
def test_names_are_folded(one: str, other: str) -> None:
    assert folded(one) == folded(other)
