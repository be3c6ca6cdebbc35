"""Labels as bits, and the rules of the minimal view."""

from __future__ import annotations

from typing import Any

import pytest

from fhir_server.access.marks import (
    CATEGORY_SYSTEM,
    CONFIDENTIALITY_SYSTEM,
    LABEL_SYSTEM,
    VISIBILITY_SPELT_OTHERWISE,
    VISIBILITY_SYSTEM,
    is_shared,
    labels_of,
    said_labels,
)
from fhir_server.access.tables import shipped_tables
from fhir_server.search.sight import Label

TABLES = shipped_tables()
OURS = "https://cordee.example/fhir"


def coding(system: str, code: str) -> dict[str, str]:
    return {"system": system, "code": code}


def concept(system: str, code: str) -> dict[str, Any]:
    return {"coding": [coding(system, code)]}


def tree(type: str, *security: dict[str, str], **elements: Any) -> dict[str, Any]:
    return {"resourceType": type, "id": "x", "meta": {"security": list(security)}, **elements}


@pytest.mark.parametrize(
    ("system", "code", "label"),
    [
        (VISIBILITY_SYSTEM, "MASQUE_PS", Label.MASQUE_PS),
        *((system, "MASQUE_PS", Label.MASQUE_PS) for system in VISIBILITY_SPELT_OTHERWISE),
        (VISIBILITY_SYSTEM, "INVISIBLE_PATIENT", Label.INVISIBLE_PATIENT),
        (VISIBILITY_SYSTEM, "INVISIBLE_REPRESENTANTS_LEGAUX", Label.INVISIBLE_REPRESENTANTS),
        (LABEL_SYSTEM, "interne-structure", Label.INTERNE),
        (LABEL_SYSTEM, "partage-social", Label.PARTAGE_SOCIAL),
        (LABEL_SYSTEM, "audience:aidants", Label.AIDANTS),
        (LABEL_SYSTEM, "urgence", Label.URGENCE),
        (CONFIDENTIALITY_SYSTEM, "R", Label.SENSITIVE),
        (CONFIDENTIALITY_SYSTEM, "V", Label.SENSITIVE),
        (CONFIDENTIALITY_SYSTEM, "N", 0),
        ("https://elsewhere.example", "MASQUE_PS", 0),
        (CATEGORY_SYSTEM, "sante", 0),
    ],
)
def test_a_label_is_read_where_it_stands(system: str, code: str, label: int) -> None:
    assert said_labels(tree("Observation", coding(system, code))) == label
    assert (
        said_labels({"resourceType": "DocumentReference", "securityLabel": [concept(system, code)]}) == label
    )


def test_labels_add_up() -> None:
    labelled = tree("Observation", coding(VISIBILITY_SYSTEM, "MASQUE_PS"), coding(LABEL_SYSTEM, "urgence"))

    assert said_labels(labelled) == Label.MASQUE_PS | Label.URGENCE


def test_a_composition_says_its_confidentiality_itself() -> None:
    assert said_labels({"resourceType": "Composition", "confidentiality": "V"}) == Label.SENSITIVE
    assert said_labels({"resourceType": "Composition", "confidentiality": "N"}) == 0


def test_the_archive_is_a_tag() -> None:
    archived = {"resourceType": "Basic", "meta": {"tag": [coding(LABEL_SYSTEM, "archive")]}}
    tagged = {"resourceType": "Basic", "meta": {"tag": [coding("https://elsewhere.example", "archive")]}}

    assert said_labels(archived) == Label.ARCHIVED
    assert said_labels(tagged) == 0


def event(url: str, code: str) -> dict[str, Any]:
    extension = {"url": url, "valueCodeableConcept": concept("e", code)}
    return {"resourceType": "CommunicationRequest", "extension": [extension]}


EVENT = "https://interop.esante.gouv.fr/ig/fhir/nde/StructureDefinition/event-type"
PROFILE = {"meta": {"profile": [f"{OURS}/StructureDefinition/ppcs-action"]}}
SNOMED = "http://snomed.info/sct"
GOAL = {"meta": {"profile": [f"{OURS}/StructureDefinition/ppcs-objectif"]}}


@pytest.mark.parametrize(
    ("resource", "shared"),
    [
        ({"resourceType": "Patient"}, True),
        ({"resourceType": "RelatedPerson"}, True),
        ({"resourceType": "Flag"}, True),
        ({"resourceType": "Appointment"}, True),
        ({"resourceType": "AllergyIntolerance", "criticality": "high"}, True),
        ({"resourceType": "AllergyIntolerance", "criticality": "low"}, False),
        ({"resourceType": "AllergyIntolerance"}, False),
        ({"resourceType": "Goal", **GOAL}, True),
        ({"resourceType": "Goal", "category": [concept(f"{OURS}/CodeSystem/categorie-objectif", "partage")]}, True),
        ({"resourceType": "Goal"}, False),
        ({"resourceType": "Task", **PROFILE}, True),
        ({"resourceType": "Task", "code": concept(f"{OURS}/CodeSystem/type-action", "prevention")}, True),
        ({"resourceType": "Task", "code": concept(f"{OURS}/CodeSystem/type-tache", "sollicitation")}, False),
        (event(EVENT, "SOR"), True),
        (event(EVENT, "ADM"), False),
        (event("other", "SOR"), False),
        ({"resourceType": "CommunicationRequest"}, False),
        ({"resourceType": "Observation", "code": concept("http://loinc.org", "59460-6")}, True),
        ({"resourceType": "Observation", "code": concept("http://loinc.org", "8480-6")}, False),
        ({"resourceType": "Condition", "code": concept("http://hl7.org/fhir/sid/icd-10", "R29.6")}, True),
        ({"resourceType": "RiskAssessment", "prediction": [{"outcome": concept(SNOMED, "129839007")}]}, True),
        ({"resourceType": "Medication"}, False),
    ],
)  # fmt: skip
def test_rules_put_into_the_minimal_view_what_everyone_must_know(
    resource: dict[str, Any], shared: bool
) -> None:
    assert is_shared(resource, TABLES) is shared
    assert bool(labels_of(resource, TABLES) & Label.PARTAGE_SOCIAL) is shared


def test_what_the_server_has_labelled_is_taken_at_its_word() -> None:
    lifted = tree("Flag", coding(CATEGORY_SYSTEM, "sante"))
    kept = tree("Flag", coding(CATEGORY_SYSTEM, "sante"), coding(LABEL_SYSTEM, "partage-social"))

    assert labels_of(lifted, TABLES) == 0
    assert labels_of(kept, TABLES) == Label.PARTAGE_SOCIAL
