"""The worked decisions of the domain, from facts to what is seen: links, stamps, matrix and labels together."""

from __future__ import annotations

from functools import cache
from typing import Final

import pytest

from fhir_server.access.caller import Caller
from fhir_server.access.cells import Cells
from fhir_server.access.consents import CARER, EXCLUSION, INFORMATION, OPPOSITION
from fhir_server.access.links import links_of
from fhir_server.access.matrix import shipped_matrix
from fhir_server.access.policy import Policy
from fhir_server.access.stamps import stamp_of
from fhir_server.access.tables import shipped_tables
from fhir_server.kernel.wire import Tree
from fhir_server.search.sight import sees
from tests.circles import (
    CITIZEN,
    COORDINATOR,
    GP,
    HELPER,
    NOS,
    NOW,
    NURSE,
    PERSON,
    PHARMACIST,
    caller,
    circle,
    citizen,
    coding,
    consent,
    dossier,
    facts,
    member,
    outside,
    patient,
    recognition,
    relative,
    to,
)

LOINC: Final = "http://loinc.org"
VISIBILITY: Final = f"{NOS}/TRE_A07-StatutVisibiliteDocument/FHIR/TRE-A07-StatutVisibiliteDocument"
LABELS: Final = "https://cordee.example/fhir/CodeSystem/etiquette-acces"
CARDIOLOGIST: Final = caller("cardiologist", "hospital", "medecin")
DAUGHTER: Final = citizen("daughter", "aidant")
SOCIAL_WORKER: Final = caller("worker", "other", "travailleur-social")
GRANT: Final = consent(CARER, "RelatedPerson/daughter", data=["liaison", "plan"], start="2026-07-30")

MEMBERS: Final = (
    member("PractitionerRole/gp", pcp=True),
    *(member(f"PractitionerRole/{one}") for one in ("nurse", "helper", "coordinator", "cardiologist")),
)
# A circle whose members the person recognised, and who was informed.
RECORD: Final = (
    circle(*MEMBERS),
    dossier("dac"),
    consent(INFORMATION),
    recognition("CareTeam/payet", dated="2026-09-01T00:00:00Z"),
    relative("daughter"),
)


@cache
def policy() -> Policy:
    tables = shipped_tables()
    return Policy(shipped_matrix(), tables.cells(), tables)


def cells() -> Cells:
    return policy().cells


def of_person(kind: str, **more: object) -> Tree:
    return {"resourceType": kind, "id": "1", "subject": to(PERSON), **more}


def document(code: str, *labels: tuple[str, str], author: str = "PractitionerRole/surgeon") -> Tree:
    security = [{"system": system, "code": label} for system, label in labels]
    return of_person(
        "DocumentReference",
        type=coding(LOINC, code),
        author=[to(author)],
        securityLabel=[{"coding": [one]} for one in security],
        meta={"security": security},
    )


def plan(*labels: tuple[str, str]) -> Tree:
    return of_person(
        "CarePlan",
        category=[coding("https://cordee.example/fhir/CodeSystem/categorie-plan", "ppcs")],
        meta={
            "profile": ["https://cordee.example/fhir/StructureDefinition/ppcs"],
            "security": [{"system": system, "code": label} for system, label in labels],
        },
    )


ALLERGY: Final[Tree] = {
    "resourceType": "AllergyIntolerance",
    "id": "1",
    "patient": to(PERSON),
    "criticality": "high",
}
OBSERVATION: Final = of_person("Observation", code=coding(LOINC, "8480-6"))
MASKED: Final = document("34133-9", (VISIBILITY, "MASQUE_PS"))
DRUG: Final = of_person("MedicationStatement")


def is_seen(who: Caller, what: Tree, *record: Tree, now: int = NOW) -> bool:
    sight = policy().sight_of(who, now)
    assert sight is not None
    return sees(sight, stamp_of(what, cells(), policy().tables), links_of(facts(*record), cells(), now))


@pytest.mark.parametrize(
    ("who", "what", "record", "expected"),
    [
        pytest.param(NURSE, OBSERVATION, RECORD, True, id="1 a nurse reads an observation"),
        pytest.param(NURSE, document("68599-0"), RECORD, False, id="1 but not what is sensitive"),
        pytest.param(HELPER, document("11490-0"), RECORD, False, id="2 a home help and a letter"),
        pytest.param(HELPER, ALLERGY, RECORD, True, id="3 a home help and a grave allergy"),
        pytest.param(COORDINATOR, document("34112-3"), RECORD, False, id="4 a type refused to coordinators"),
        pytest.param(COORDINATOR, document("60591-5"), RECORD, True, id="5 a type that is not"),
        pytest.param(PHARMACIST, patient(), RECORD, False, id="6 a pharmacist outside"),
        pytest.param(
            PHARMACIST, DRUG, (*RECORD, outside("Organization/pharmacy")), True, id="7 whom a consent names"
        ),
        pytest.param(
            NURSE,
            document("34133-9", author="PractitionerRole/nurse"),
            (circle(member("PractitionerRole/nurse", end="2026-09-30")), *RECORD[1:]),
            False,
            id="8 a nurse who left, her own note",
        ),
        pytest.param(DAUGHTER, plan((LABELS, "audience:aidants")), (*RECORD, GRANT), True, id="9 a daughter"),
        pytest.param(DAUGHTER, plan(), (*RECORD, GRANT), False, id="9 and what is not for her"),
        pytest.param(DAUGHTER, plan((LABELS, "audience:aidants")), RECORD, False, id="9 without a grant"),
        pytest.param(CARDIOLOGIST, MASKED, RECORD, False, id="10 a specialist and a mask"),
        pytest.param(GP, MASKED, RECORD, True, id="11 the médecin traitant and a mask"),
        pytest.param(
            CITIZEN,
            document("34133-9", (VISIBILITY, "INVISIBLE_PATIENT")),
            RECORD,
            False,
            id="12 not announced yet",
        ),
        pytest.param(CITIZEN, document("34133-9"), RECORD, True, id="12 announced"),
        pytest.param(SOCIAL_WORKER, plan(), RECORD, False, id="13 another team"),
    ],
)
def test_worked_decisions(who: Caller, what: Tree, record: tuple[Tree, ...], expected: bool) -> None:
    assert is_seen(who, what, *record) is expected


def test_an_exclusion_is_stronger_than_being_the_medecin_traitant() -> None:
    excluded = consent(EXCLUSION, "PractitionerRole/gp", type="deny")

    assert not is_seen(GP, OBSERVATION, *RECORD, excluded)
    assert not is_seen(GP, document("34133-9", author="PractitionerRole/gp"), *RECORD, excluded)


def test_an_opposition_spares_the_author() -> None:
    opposed = consent(OPPOSITION, type="deny", data=["sante"])

    assert not is_seen(NURSE, document("34133-9"), *RECORD, opposed)
    assert is_seen(NURSE, document("34133-9", author="PractitionerRole/nurse"), *RECORD, opposed)
    assert is_seen(NURSE, plan(), *RECORD, opposed)


def test_a_home_help_has_no_view_of_health_before_the_person_is_informed() -> None:
    silent = [tree for tree in RECORD if tree["id"] != consent(INFORMATION)["id"]]

    assert not is_seen(HELPER, ALLERGY, *silent)
    assert is_seen(NURSE, OBSERVATION, *silent)


def test_sensitive_health_needs_a_consent_that_names_the_reader() -> None:
    named = outside("PractitionerRole/nurse", data=["sante-sensible"])

    assert is_seen(NURSE, document("68599-0"), *RECORD, named)
    assert is_seen(GP, document("68599-0"), *RECORD)


def test_a_member_whom_the_person_did_not_recognise_sees_no_health() -> None:
    record = [tree for tree in RECORD if tree["resourceType"] != "Consent"]

    assert not is_seen(NURSE, OBSERVATION, *record)
    assert is_seen(NURSE, patient(), *record)
    assert is_seen(NURSE, circle(*MEMBERS), *record)
