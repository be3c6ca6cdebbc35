"""Codes of invitations, who may hand them over, and what is shown with them."""

from __future__ import annotations

from typing import Any, Final

import pytest

from fhir_server.access.caller import Caller
from fhir_server.access.invitations import digest_of, may_invite, new_code, shows, traits_of
from fhir_server.access.standing import Case
from fhir_server.kernel.keys import Key
from tests.circles import (
    CELLS,
    CITIZEN,
    GP,
    HELPER,
    NOW,
    NURSE,
    PERSON,
    PHARMACIST,
    ROLE_CLASS,
    circle,
    citizen,
    facts,
    member,
    patient,
    relative,
)

DAUGHTER: Final = Key("RelatedPerson", "daughter")
OPERATOR: Final = Caller("operator", roles=("operateur",))


def test_a_code_is_long_each_time_another_and_read_however_it_is_typed() -> None:
    codes = {new_code() for _ in range(50)}
    assert len(codes) == 50
    for code in codes:
        assert len(code.replace("-", "")) * 5 >= 128
        typed = f"  {code.replace('-', ' ').lower()} "
        assert digest_of(typed) == digest_of(code)
        assert code.encode() not in (digest_of(code) or b"")


@pytest.mark.parametrize("text", ["", "AAAA-BBBB", "1" * 32, "A" * 33, "é" * 32])
def test_what_is_no_code_has_no_digest(text: str) -> None:
    assert digest_of(text) is None


@pytest.mark.parametrize(
    ("who", "invited", "allowed"),
    [
        (GP, PERSON, True),
        (NURSE, PERSON, True),
        (HELPER, PERSON, False),
        (PHARMACIST, PERSON, False),
        (OPERATOR, PERSON, False),  # at their shell, where they see whom they name
        (CITIZEN, PERSON, False),  # they have what they would give themselves
        (CITIZEN, DAUGHTER, True),
        (citizen("daughter", "aidant"), DAUGHTER, False),
        (citizen("daughter", "aidant"), PERSON, False),
        (NURSE, DAUGHTER, True),
        (NURSE, Key("RelatedPerson", "nobody"), False),
        (NURSE, Key("RelatedPerson", "gone"), False),
        (NURSE, Key("CareTeam", "payet"), False),
        (NURSE, Key("PractitionerRole", "gp"), False),
    ],
)
def test_who_may_bring_in_others_may_invite(who: Caller, invited: Key, *, allowed: bool) -> None:
    known = facts(
        circle(
            member("PractitionerRole/gp", pcp=True),
            member("PractitionerRole/nurse"),
            member("PractitionerRole/helper"),
        ),
        relative("daughter", (ROLE_CLASS, "ECON")),
        relative("gone", (ROLE_CLASS, "ECON"), active=False),
    )
    assert may_invite(known, invited, Case(who, known, known, CELLS, NOW)).allowed == allowed


def test_a_relative_of_somebody_else_is_not_invited() -> None:
    known = facts(
        circle(member("PractitionerRole/nurse")), relative("stranger", patient={"reference": "Patient/x"})
    )
    case = Case(NURSE, known, known, CELLS, NOW)
    assert not may_invite(known, Key("RelatedPerson", "stranger"), case).allowed


NAMED: Final = patient(name=[{"family": "PAYET"}, {"use": "maiden", "family": "Hoarau-Técher"}])


@pytest.mark.parametrize(
    ("invited", "shown", "right"),
    [
        (NAMED, ("1939-02-17", "Payet"), True),
        (NAMED, ("1939-02-17", "hoarau techer"), True),
        (NAMED, ("1939-02-17", ""), False),
        (NAMED, ("1939-02-18", "Payet"), False),
        (patient(), ("1939-02-17", ""), True),
        (relative("daughter"), ("1939-02-17", ""), True),  # that of the person
        (relative("daughter", birthDate="1970-01-02"), ("1939-02-17", ""), False),
        (relative("daughter", birthDate="1970-01-02"), ("1970-01-02", ""), True),
    ],
)
def test_the_day_of_birth_and_a_name_that_is_known_are_shown(
    invited: dict[str, Any], shown: tuple[str, str], *, right: bool
) -> None:
    assert shows(invited, patient(), *shown) == right


def test_a_day_that_is_not_known_is_not_shown_by_leaving_it_out() -> None:
    known = patient(birthDate="1939")
    assert traits_of(known, None) == ("", frozenset())
    assert not shows(known, known, "", "")
    assert not shows(known, known, "1939", "")
