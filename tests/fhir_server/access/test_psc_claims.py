from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_server.access.psc_claims import (
    ADELI,
    FINESS,
    IDNPS,
    IDNST,
    RPPS,
    SIRET,
    identity_of,
    practices_of,
    require_same,
)
from fhir_server.kernel.errors import Unauthenticated
from fhir_server.settings import IssuerSettings
from tests.simulators.psc import NURSE, activity, exercise, userinfo

ISSUER = IssuerSettings.model_validate(
    {
        "issuer": "https://psc.example",
        "kind": "psc",
        "jwks_url": "https://psc.example/certs",
        "introspection_url": "https://psc.example/introspect",
        "userinfo_url": "https://psc.example/userinfo",
        "client_id": "cordee",
        "client_secret": "secret",
        "azp": ["dui"],
    }
)
NUMBER = "899700000052"


def names(*exercises: dict[str, Any], **more: Any) -> list[str]:
    return [practice.name for practice in practices_of(userinfo(NUMBER, *exercises, **more))]


def test_a_professional_is_read_with_all_that_identifies_them() -> None:
    introspected = {"sub": NURSE["sub"], "azp": "dui", "acr": "eidas2"}

    found = identity_of(ISSUER, introspected, NURSE, 5)

    assert found.kind == "professional"
    assert found.person == ((IDNPS, "899700000021"), (RPPS, "99700000021"))
    assert (found.client, found.level, found.expires) == ("dui", "eidas2", 5)
    (practice,) = found.practices
    assert practice.name == "60-R10000000000021"
    assert practice.organisation == ((IDNST, "R10000000000021"), (FINESS, "750000021"))
    assert practice.roles == ("infirmier",)


@pytest.mark.parametrize(
    ("number", "others"),
    [
        ("899700000021", ((RPPS, "99700000021"),)),
        ("0759700021", ((ADELI, "759700021"),)),
        ("3750000021/123", ()),  # an employee, numbered by their structure
        ("", None),
    ],
)
def test_a_national_number_is_known_in_both_its_forms(
    number: str, others: tuple[tuple[str, str], ...] | None
) -> None:
    found = identity_of(ISSUER, {"sub": "a"}, {"SubjectNameID": number}, 0).person

    assert found == (() if others is None else ((IDNPS, number), *others))


@pytest.mark.parametrize(
    ("exercises", "expected"),
    [
        ([], [""]),
        ([exercise("10")], ["10"]),
        ([exercise("10", activity())], ["10"]),
        ([exercise("10", activity("R1"))], ["10-R1"]),
        ([exercise("10", activity("R1"), activity("R2"))], ["10-R1", "10-R2"]),
        ([exercise("10", activity("R1"), activity("R1"))], ["10-R1"]),  # two activities at one place
        ([exercise("60", activity("R1")), exercise("70", activity("R1"))], ["60-R1", "70-R1"]),
        ([exercise("10", activity(finess="750000001"))], ["10-750000001"]),
        ([exercise("10", activity(numeroSiretSite="12345678900011"))], ["10-12345678900011"]),
        ([exercise("10", activity(numeroFinessetablissementJuridique="750000002"))], ["10-750000002"]),
        ([exercise("10"), exercise("60", activity("R1"))], ["10", "60-R1"]),
    ],
)
def test_a_practice_is_a_profession_at_a_place(exercises: list[dict[str, Any]], expected: list[str]) -> None:
    assert names(*exercises) == expected


def test_the_legal_entity_counts_only_where_the_site_has_no_identifier() -> None:
    site = activity("R1", finess="750000001", numeroFinessetablissementJuridique="750000002")

    (practice,) = practices_of(userinfo(NUMBER, exercise("10", site)))

    assert practice.organisation == ((IDNST, "R1"), (FINESS, "750000001"))
    assert SIRET not in dict(practice.organisation)


def test_the_structure_of_the_card_is_the_place_of_the_only_practice() -> None:
    told = {"SubjectOrganizationID": "R9"}

    assert names(exercise("10"), **told) == ["10-R9"]
    assert names(exercise("10", activity("R1")), **told) == ["10-R1"]
    assert names(exercise("10"), exercise("60"), **told) == ["10", "60"]


@pytest.mark.parametrize(
    ("profession", "roles"),
    [("10", ("medecin",)), ("60", ("infirmier",)), ("21", ("pharmacien",)), ("999", ()), ("", ())],
)
def test_a_profession_gives_the_roles_of_the_table(profession: str, roles: tuple[str, ...]) -> None:
    (practice,) = practices_of(userinfo(NUMBER, exercise(profession, activity("R1"))))

    assert practice.roles == roles


def test_each_practice_has_the_roles_of_its_own_profession() -> None:
    found = practices_of(userinfo(NUMBER, exercise("60", activity("R1")), exercise("10", activity("R2"))))

    assert [practice.roles for practice in found] == [("infirmier",), ("medecin",)]


def test_a_student_has_none_of_the_rights_of_the_profession() -> None:
    (practice,) = practices_of(userinfo(NUMBER, exercise("10", activity("R1"), category="E")))

    assert practice.roles == ()


def test_a_regulator_is_one_in_every_practice() -> None:
    found = practices_of(
        userinfo(NUMBER, exercise("10", activity("R1"), activity("R2")), Acces_Regulation_Medicale="VRAI")
    )

    assert [practice.roles for practice in found] == [("medecin", "regulateur")] * 2


def test_without_a_record_the_role_of_the_login_counts() -> None:
    told = userinfo(NUMBER, SubjectRole=["60^1.2.250.1.213.1.1.5.5"], SubjectOrganizationID="R1")

    (practice,) = practices_of(told)

    assert (practice.roles, practice.organisation) == (("infirmier",), ((IDNST, "R1"),))


@pytest.mark.parametrize(
    ("introspected", "told"),
    [
        ({"sub": "a"}, {"sub": "b"}),
        ({"sub": "a"}, {}),
        ({}, {}),
        ({"sub": ""}, {"sub": ""}),
        ({"sub": "a", "SubjectNameID": "1"}, {"sub": "a", "SubjectNameID": "2"}),
    ],
)
def test_userinfo_must_speak_of_whom_the_token_speaks(
    introspected: dict[str, Any], told: dict[str, Any]
) -> None:
    with pytest.raises(Unauthenticated, match="somebody else"):
        require_same(introspected, told)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
EXERCISES = st.fixed_dictionaries(
    {},
    optional={
        "codeProfession": JSON,
        "codeCategorieProfessionnelle": JSON,
        "activities": JSON
        | st.lists(
            st.fixed_dictionaries(
                {}, optional={"identifiantTechniqueDeLaStructure": JSON, "numeroFinessSite": JSON}
            )
        ),
    },
)


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "SubjectNameID": JSON,
            "SubjectRole": JSON,
            "SubjectOrganizationID": JSON,
            "Acces_Regulation_Medicale": JSON,
            "SubjectRefPro": JSON
            | st.fixed_dictionaries({"exercices": JSON | st.lists(EXERCISES | JSON, max_size=3)}),
        },
    )
)
def test_a_record_of_any_shape_is_read_and_gives_nothing_that_it_does_not_say(told: dict[str, Any]) -> None:
    found = identity_of(ISSUER, {"sub": "a"}, told, 0)

    assert found.practices
    assert len({practice.name for practice in found.practices}) == len(found.practices)
