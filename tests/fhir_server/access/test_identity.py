from __future__ import annotations

import pytest

from fhir_server.access.grants import Grants, grants_of
from fhir_server.access.identity import Identifier, Identity, Practice, citizen, practice_of, professional
from fhir_server.kernel.errors import Forbidden
from fhir_server.kernel.keys import Key

R85 = "https://mos.esante.gouv.fr/NOS/TRE_R85-RolePriseCharge/FHIR/TRE-R85-RolePriseCharge"
G15 = "https://mos.esante.gouv.fr/NOS/TRE_G15-ProfessionSante/FHIR/TRE-G15-ProfessionSante"

NURSE_AT = Practice("60-R1", frozenset({"R1", "750000001"}), roles=("infirmier",))
PHYSIO_AT = Practice("70-R1", frozenset({"R1", "750000001"}), roles=("auxiliaire-medical",))
ELSEWHERE = Practice("60-R2", frozenset({"R2"}), roles=("infirmier",))
PRACTITIONER = Key("Practitioner", "p")
ROLE = Key("PractitionerRole", "r")
ORGANISATION, PARENT = Key("Organization", "o"), Key("Organization", "parent")


def somebody(
    *practices: Practice,
    delegator: tuple[Identifier, ...] = (),
    patient: Key | None = None,
    grants: Grants | None = None,
) -> Identity:
    return Identity(
        "professional", "i", "s", practices=practices, delegator=delegator, patient=patient, grants=grants
    )


@pytest.mark.parametrize(
    ("practices", "asked", "found"),
    [
        ((NURSE_AT,), "", NURSE_AT),
        ((NURSE_AT,), "R1", NURSE_AT),
        ((NURSE_AT, ELSEWHERE), "60-R2", ELSEWHERE),
        ((NURSE_AT, ELSEWHERE), "R2", ELSEWHERE),
        ((NURSE_AT, ELSEWHERE), "750000001", NURSE_AT),
        ((NURSE_AT, PHYSIO_AT), "70-R1", PHYSIO_AT),
        ((Practice(),), "", Practice()),
    ],
)
def test_the_practice_is_the_one_that_is_named(
    practices: tuple[Practice, ...], asked: str, found: Practice
) -> None:
    assert practice_of(somebody(*practices), asked) == found


@pytest.mark.parametrize(
    ("practices", "asked", "choices"),
    [
        ((NURSE_AT, ELSEWHERE), "", 2),
        ((NURSE_AT, ELSEWHERE), "R3", 2),
        ((NURSE_AT, PHYSIO_AT), "R1", 2),  # two professions there
        ((NURSE_AT,), "R2", 1),
        ((Practice(),), "R2", 0),
    ],
)
def test_a_practice_that_is_not_clear_is_refused_with_the_choices(
    practices: tuple[Practice, ...], asked: str, choices: int
) -> None:
    with pytest.raises(Forbidden) as raised:
        practice_of(somebody(*practices), asked)

    assert len(raised.value.issues) == 1 + choices
    assert all(issue.severity == "information" for issue in raised.value.issues[1:])


def test_the_codes_of_the_directory_add_roles() -> None:
    codes = ((R85, "330"), (G15, "G15_60"), ("other", "330"))

    caller = professional(somebody(NURSE_AT), NURSE_AT, (ROLE, PRACTITIONER, ORGANISATION, PARENT), codes)

    assert caller.roles == ("coordonnateur", "infirmier")
    assert caller.organisation == ORGANISATION
    assert caller.actors[-2:] == (Key("class", "coordonnateur"), Key("class", "infirmier"))


def test_whom_the_directory_does_not_know_has_no_ties_not_even_those_of_a_class() -> None:
    caller = professional(somebody(NURSE_AT), NURSE_AT, (), ())

    assert (caller.roles, caller.actors, caller.organisation) == (("infirmier",), (), None)


def test_nobody_is_medecin_traitant_by_a_token() -> None:
    practice = Practice(roles=("medecin", "medecin-traitant"))

    assert professional(somebody(practice), practice, (PRACTITIONER,), ()).roles == ("medecin",)


def test_who_acts_for_a_professional_has_the_row_of_a_secretary_alone() -> None:
    doctor = Key("Practitioner", "doctor")
    identity = somebody(NURSE_AT, delegator=(("s", "v"),))

    caller = professional(identity, NURSE_AT, (PRACTITIONER, ORGANISATION), (), (doctor, ORGANISATION))

    assert caller.roles == ("secretariat",)
    assert caller.actors == (PRACTITIONER, ORGANISATION, doctor, Key("class", "secretariat"))
    assert caller.delegator == doctor
    with pytest.raises(Forbidden, match="not known here"):
        professional(identity, NURSE_AT, (PRACTITIONER,), (), (ORGANISATION,))


def test_scopes_of_a_patient_who_is_not_named_grant_nothing() -> None:
    grants = grants_of("patient/Observation.rs user/Patient.rs")

    unnamed = professional(somebody(NURSE_AT, grants=grants), NURSE_AT, (), ())
    named = professional(somebody(NURSE_AT, grants=grants, patient=Key("Patient", "7")), NURSE_AT, (), ())

    assert unnamed.grants is not None
    assert named.grants is not None
    assert not unnamed.grants.permits("Observation", "r")
    assert unnamed.grants.permits("Patient", "r")
    assert named.grants.permits("Observation", "r")


def test_who_starts_an_application_for_themselves_is_its_patient() -> None:
    payet = Key("Patient", "payet")

    def started(scope: str | None, account: Key) -> Key | None:
        identity = Identity("citizen", "i", "s", grants=None if scope is None else grants_of(scope))
        return citizen(identity, account).patient

    assert started("patient/*.rs", payet) == payet
    assert started("user/*.rs", payet) is None
    assert started(None, payet) is None
    assert started("patient/*.rs", Key("RelatedPerson", "daughter")) is None
