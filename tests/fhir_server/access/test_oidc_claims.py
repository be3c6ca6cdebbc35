from __future__ import annotations

from typing import Any

import pytest

from fhir_server.access.oidc_claims import identity_of
from fhir_server.kernel.errors import Unauthenticated
from fhir_server.kernel.keys import Key
from fhir_server.settings import IssuerSettings

IDNPS = "urn:oid:1.2.250.1.71.4.2.1"
IDNST = "urn:oid:1.2.250.1.71.4.2.2"
R85 = "https://mos.esante.gouv.fr/NOS/TRE_R85-RolePriseCharge/FHIR/TRE-R85-RolePriseCharge"


def issuer(**changed: Any) -> IssuerSettings:
    told = {
        "issuer": "https://id.example",
        "kind": "oidc",
        "jwks_url": "https://id.example/certs",
        "audience": ["us"],
        **changed,
    }
    return IssuerSettings.model_validate(told)


def claims(**changed: Any) -> dict[str, Any]:
    return {"sub": "x", "azp": "app", "SubjectNameID": "899700000021", "acr": "eidas2", **changed}


def roles(found_by: list[dict[str, str]], **told: Any) -> tuple[str, ...]:
    (practice,) = identity_of(issuer(claims={"roles": found_by}), claims(**told), 0).practices
    return practice.roles


def test_the_claims_of_pro_sante_connect_are_the_default_mapping() -> None:
    told = claims(SubjectOrganizationID="R1", SubjectRole=["10^1.2.250.1.213.1.1.5.5"])

    found = identity_of(issuer(), told, 7)

    assert (found.kind, found.subject, found.client, found.level) == ("professional", "x", "app", "eidas2")
    assert found.person == ((IDNPS, "899700000021"),)
    (practice,) = found.practices
    assert (practice.name, practice.organisation, practice.roles) == ("R1", ((IDNST, "R1"),), ("medecin",))


def test_several_organisations_are_several_practices() -> None:
    found = identity_of(issuer(), claims(SubjectOrganizationID=["R1", "R2", "R1"]), 0)

    assert [practice.name for practice in found.practices] == ["R1", "R2"]


def test_roles_are_looked_up_in_the_table_or_named() -> None:
    by_code = [{"claim": "tasks", "source": "role", "system": R85}]
    by_name = [{"claim": "realm_access.roles", "source": "name"}]

    assert roles(by_code, tasks=["330", "318", "0"]) == ("aide-domicile", "coordonnateur")
    assert roles(by_name, realm_access={"roles": ["infirmier", "offline_access"]}) == ("infirmier",)


@pytest.mark.parametrize(
    "name",
    [
        "medecin-traitant",
        "operateur",
        "annuaire",
        "trace-feeder",
        "identitovigilance",
        "personne",
        "representant-legal",
        "aidant",
        "personne-confiance",
    ],
)
def test_no_issuer_names_a_role_that_comes_with_a_registration_or_a_tie(name: str) -> None:
    assert roles([{"claim": "roles", "source": "name"}], roles=[name]) == ()


@pytest.mark.parametrize(
    ("callers", "told", "kind"),
    [
        (["professional"], claims(), "professional"),
        (["professional", "citizen"], claims(), "professional"),
        (["professional", "citizen"], claims(SubjectNameID=None), "citizen"),
        (["citizen"], claims(), "citizen"),
        (["citizen"], {"sub": "x"}, "citizen"),
    ],
)
def test_an_issuer_speaks_of_those_of_whom_it_may(
    callers: list[str], told: dict[str, Any], kind: str
) -> None:
    found = identity_of(issuer(callers=callers), told, 0)

    assert found.kind == kind
    assert bool(found.practices) is (kind == "professional")


@pytest.mark.parametrize("told", [{"sub": "x"}, {"SubjectNameID": "1"}, {"sub": 5, "SubjectNameID": "1"}])
def test_who_is_not_named_is_refused(told: dict[str, Any]) -> None:
    with pytest.raises(Unauthenticated, match="of whom it speaks"):
        identity_of(issuer(), told, 0)


def test_a_token_without_scopes_grants_its_client_nothing() -> None:
    found = identity_of(issuer(), claims(), 0)

    assert found.grants is not None
    assert not found.grants.permits("Patient", "r")


@pytest.mark.parametrize(
    "told", [{"scope": "openid user/Patient.rs"}, {"scp": ["user/Patient.rs", "openid"]}]
)
def test_the_scopes_of_a_token_limit_its_client(told: dict[str, Any]) -> None:
    grants = identity_of(issuer(), claims(**told), 0).grants

    assert grants is not None
    assert grants.permits("Patient", "r")
    assert not grants.permits("Observation", "r")


def test_scopes_of_systems_grant_a_person_nothing() -> None:
    grants = identity_of(issuer(), claims(scope="system/*.cruds"), 0).grants

    assert grants is not None
    assert not grants.permits("Patient", "r")


def test_scopes_may_be_ignored() -> None:
    assert identity_of(issuer(scopes="ignored"), claims(scope="user/Patient.r"), 0).grants is None


@pytest.mark.parametrize("said", ["7", "Patient/7"])
def test_the_patient_of_the_launch_is_read(said: str) -> None:
    assert identity_of(issuer(), claims(patient=said), 0).patient == Key("Patient", "7")


@pytest.mark.parametrize("said", ["", 7, "Patient/", "Observation/7", ["7"], "https://x/Patient/7"])
def test_a_patient_that_cannot_be_read_is_not_everybody(said: Any) -> None:
    with pytest.raises(Unauthenticated, match="patient"):
        identity_of(issuer(), claims(patient=said), 0)


def test_purpose_and_delegator_are_read_where_they_are_mapped() -> None:
    told = claims(purpose="TREAT", for_whom="899700000045")

    found = identity_of(issuer(claims={"purpose": "purpose", "delegator": "for_whom"}), told, 0)

    assert (found.purpose, found.delegator) == ("TREAT", ((IDNPS, "899700000045"),))
    assert identity_of(issuer(), told, 0).delegator == ()
