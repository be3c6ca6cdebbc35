"""Reading who takes part: members, institutions, formal teams."""

from __future__ import annotations

import pytest

from fhir_server.access.teams import (
    Participation,
    classes_of,
    coordinates,
    evaluates,
    institution_of,
    organisations_of,
    participations_of,
    practitioner_of,
    support_of,
    there,
)
from fhir_server.kernel.keys import Key
from fhir_server.search.sight import FOREVER
from tests.circles import (
    circle,
    coding,
    dossier,
    facts,
    member,
    moment,
    organisation,
    role,
    stay,
)


def org(id: str) -> Key:
    return Key("Organization", id)


def a_role(id: str) -> Key:
    return Key("PractitionerRole", id)


def test_members_take_part_while_they_and_the_circle_do() -> None:
    team = circle(
        member("PractitionerRole/gp", pcp=True),
        member("CareTeam/other"),
        member("Patient/payet"),
        member("Organization/ssiad", "2026-08-01", "2026-08-31"),
        member("PractitionerRole/nurse", "2026-09-01", "2026-08-31"),
        period={"start": "2026-06-15"},
    )
    key = Key("CareTeam", "payet")

    assert list(participations_of(team, facts())) == [
        Participation(a_role("gp"), True, (moment("2026-06-15"), FOREVER), key),
        Participation(org("ssiad"), False, (moment("2026-08-01"), moment("2026-09-01")), key),
    ]


@pytest.mark.parametrize(
    ("organisation", "institution"),
    [("surgery", "hospital"), ("hospital", "hospital"), ("group", "group"), ("stranger", None)],
)
def test_an_institution_is_the_nearest_establishment(organisation: str, institution: str | None) -> None:
    expected = None if institution is None else org(institution)

    assert institution_of(org(organisation), facts()) == expected


def test_a_unit_without_establishment_stands_for_itself() -> None:
    assert institution_of(org("unit"), facts(organisation("unit", above="group"))) == org("unit")


def test_an_establishment_below_somebody_unverified_is_found() -> None:
    assert institution_of(org("site"), facts(organisation("site", above="stranger", site=True))) == org(
        "site"
    )


def test_who_coordinates_and_who_evaluates_is_told_by_the_kind_of_organisation() -> None:
    by_sector = organisation("other-dac")
    by_sector["type"] = [
        coding("https://mos.esante.gouv.fr/NOS/TRE_R02-SecteurActivite/FHIR/TRE-R02-SecteurActivite", "SA63")
    ]
    known = facts(by_sector, organisation("antenna", above="dac"), role("agent", "mdph", "G15_10"))

    assert coordinates(a_role("coordinator"), known)
    assert coordinates(org("other-dac"), known)
    assert coordinates(org("antenna"), known)
    assert not coordinates(a_role("nurse"), known)
    assert evaluates(org("mdph"), known)
    assert evaluates(a_role("agent"), known)
    assert not evaluates(org("dac"), known)


def test_an_actor_is_there_while_the_directory_says_so() -> None:
    known = facts(
        role("gone", "msp", active=False),
        role("new", "msp", period={"start": "2027-01-01"}),
        organisation("closed") | {"active": False},
    )

    assert there(a_role("nurse"), known) == (0, FOREVER)
    assert there(a_role("new"), known) == (moment("2027-01-01"), FOREVER)
    assert there(a_role("gone"), known) is None
    assert there(a_role("nobody"), known) is None
    assert there(org("closed"), known) is None


def test_what_an_actor_is_part_of() -> None:
    known = facts(role("surgeon", "surgery", "G15_10", "330"))

    assert organisations_of(a_role("surgeon"), known) == (org("surgery"), org("hospital"), org("group"))
    assert organisations_of(org("hospital"), known) == (org("hospital"), org("group"))
    assert organisations_of(Key("Practitioner", "gp"), known) == ()
    assert practitioner_of(a_role("surgeon"), known) == Key("Practitioner", "surgeon")
    assert practitioner_of(org("hospital"), known) is None
    assert classes_of(a_role("surgeon"), known) == (Key("class", "coordonnateur"), Key("class", "medecin"))
    assert classes_of(org("hospital"), known) == ()


def test_a_support_needs_a_verified_owner_and_dates_that_can_be_read() -> None:
    assert support_of(dossier("stranger"), facts()) is None
    assert support_of(dossier("dac", period={"start": "2026-13-45"}), facts()) is None
    assert support_of(stay("hospital") | {"serviceProvider": {"display": "CHU"}}, facts()) is None
