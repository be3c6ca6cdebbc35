"""Who represents a person, and whom of their family they let read."""

from __future__ import annotations

import pytest

from fhir_server.access.consents import CARER, OUTSIDE, PROTECTION, TRUSTED
from fhir_server.kernel.wire import Tree
from fhir_server.search.sight import FOREVER, Link, Tie
from tests.circles import ALL, NOS, ROLE_CLASS, bits, consent, links, moment, patient, relative, ties, to

DAUGHTER = "RelatedPerson/daughter"
GUARD = (ROLE_CLASS, "GUARD")
CHILD = patient(birthDate="2015-03-01")


def of_daughter(*trees: Tree, **more: str) -> list[Link]:
    return [link for link in links(*trees) if str(link.actor) == DAUGHTER]


@pytest.mark.parametrize(
    "relation",
    [
        GUARD,
        (f"{NOS}/TRE_R216-HL7RoleCode/FHIR/TRE-R216-HL7RoleCode", "RESPRSN"),
        (f"{NOS}/TRE_R217-ProtectionJuridique/FHIR/TRE-R217-ProtectionJuridique", "TUTEUR"),
        ("http://terminology.hl7.org/CodeSystem/v3-RoleCode", "GUARD"),
    ],
)
def test_a_legal_representative_stands_for_a_minor_until_the_majority(relation: tuple[str, str]) -> None:
    [link] = of_daughter(CHILD, relative("daughter", relation))

    assert (link.tie, link.allow, link.named) == (Tie.REPRESENTATIVE, ALL, 0)
    assert (link.since, link.until) == (0, moment("2033-03-01"))


@pytest.mark.parametrize(
    ("born", "majority"),
    [
        ("2015-03-01", "2033-03-01"),
        ("2008-02-29", "2026-03-01"),
        ("2012-02-29", "2030-03-01"),
        ("2015", "2033-01-01"),
        ("2015-03", "2033-03-01"),
    ],
)
def test_the_majority_is_the_eighteenth_birthday_and_rather_early_than_late(born: str, majority: str) -> None:
    found = of_daughter(patient(birthDate=born), relative("daughter", GUARD))

    assert [link.until for link in found] == ([moment(majority)] if majority > "2026-10-01" else [])


@pytest.mark.parametrize("born", ["9982", "9999-12-31"])
def test_who_comes_of_age_when_no_calendar_goes_on_is_represented_for_ever(born: str) -> None:
    [link] = of_daughter(patient(birthDate=born), relative("daughter", GUARD))

    assert (link.since, link.until) == (0, FOREVER)


@pytest.mark.parametrize(
    ("person", "relation", "more"),
    [
        (patient(), GUARD, {}),  # an adult
        (patient(birthDate=None), GUARD, {}),
        (patient(birthDate="soon"), GUARD, {}),
        (CHILD, (f"{NOS}/TRE_R216-HL7RoleCode/FHIR/TRE-R216-HL7RoleCode", "MTH"), {}),
        (CHILD, (ROLE_CLASS, "CAREGIVER"), {}),
        (CHILD, ("https://x.example", "GUARD"), {}),
        (CHILD, GUARD, {"active": False}),
        (CHILD, GUARD, {"period": {"end": "2026-09-30"}}),
        (CHILD, GUARD, {"period": {"start": "never"}}),
        (CHILD, GUARD, {"patient": to("Patient/other")}),
    ],
)
def test_nobody_else_represents_by_themselves(person: Tree, relation: tuple[str, str], more: Tree) -> None:
    assert of_daughter(person, relative("daughter", relation, **more)) == []


def test_a_measure_of_protection_lets_represent_an_adult() -> None:
    measure = consent(
        PROTECTION, DAUGHTER, data=["administratif", "mdph"], start="2026-01-01", end="2030-12-31"
    )

    [link] = of_daughter(relative("daughter"), measure)

    assert (link.tie, link.allow) == (Tie.REPRESENTATIVE, bits("administratif", "mdph"))
    assert (link.since, link.until) == (moment("2026-01-01"), moment("2031-01-01"))


def test_a_consent_names_a_representative_for_what_needs_one() -> None:
    [link] = [
        link
        for link in of_daughter(
            CHILD, relative("daughter", GUARD), consent(OUTSIDE, DAUGHTER, data=["sante-sensible"])
        )
        if link.until > moment("2026-10-01") and link.since >= moment("2026-07-01")
    ]

    assert (link.tie, link.allow, link.named) == (Tie.REPRESENTATIVE, ALL, bits("sante-sensible"))


@pytest.mark.parametrize(("code", "tie"), [(CARER, Tie.CARER), (TRUSTED, Tie.TRUSTED)])
def test_a_grant_opens_what_it_lists_and_nothing_without(code: str, tie: Tie) -> None:
    daughter = relative("daughter", (ROLE_CLASS, "CAREGIVER"))
    grant = consent(code, DAUGHTER, data=["liaison", "plan"], start="2026-07-30")

    [link] = of_daughter(daughter, grant)

    assert (link.tie, link.allow, link.named) == (tie, bits("liaison", "plan"), bits("liaison", "plan"))
    assert (link.since, link.until) == (moment("2026-07-30"), FOREVER)
    assert of_daughter(daughter) == []
    assert of_daughter(daughter, grant | {"status": "inactive"}) == []
    assert of_daughter(grant) == []  # of somebody who is no relative of this person


def test_a_relation_that_ends_ends_the_grant() -> None:
    grant = consent(CARER, DAUGHTER, data=["plan"], start="2026-07-30")

    [link] = of_daughter(relative("daughter", period={"end": "2026-12-31"}), grant)

    assert (link.since, link.until) == (moment("2026-07-30"), moment("2027-01-01"))


def test_a_consent_outside_the_team_is_not_for_the_family() -> None:
    assert ties(links(relative("daughter"), consent(OUTSIDE, DAUGHTER)), DAUGHTER) == {}
