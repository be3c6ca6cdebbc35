"""Categories: the first rule that matches, and the types and parts that have cells of their own."""

from __future__ import annotations

from typing import Any

import pytest

from fhir_server.access.categories import category_of
from fhir_server.access.cells import Part
from fhir_server.access.marks import CATEGORY_SYSTEM
from tests.fhir_server.access.stamping import (
    A05,
    CELLS,
    COORDINATOR,
    ICD,
    LOINC,
    OURS,
    R234,
    TABLES,
    asked,
    cell,
    concept,
    document,
    informed,
    national,
    own,
    task,
    tree,
)


def side(*sides: str) -> list[dict[str, Any]]:
    url = f"{OURS}/StructureDefinition/versant-probleme"
    return [{"extension": [{"url": url, "valueCode": one}, {"url": "other"}]} for one in sides]


def plan(code: str) -> dict[str, Any]:
    return tree("CarePlan", category=[concept((f"{OURS}/CodeSystem/categorie-plan", code))])


def needs(*sides: str) -> dict[str, Any]:
    return tree("ServiceRequest", own("ppcs-besoin"), category=side(*sides))


def form(canonical: str) -> dict[str, Any]:
    return tree("QuestionnaireResponse", questionnaire=f"{OURS}/Questionnaire/{canonical}")


METHADONE = {"resourceType": "Medication", "code": concept(("http://www.whocc.no/atc", "N07BC02"))}
CASES = [
    ("trace", tree("AuditEvent", entity=[{"what": {"reference": "Patient/1"}}])),
    ("trace", tree("Provenance", target=[{"reference": "Patient/1"}])),
    ("consentement", tree("Consent", patient={"reference": "Patient/1"})),
    ("consentement", tree("Consent", national("sdo", "esms-consent"), patient={"reference": "Patient/1"})),
    ("consentement", document((A05, "EXPPAT_1"))),
    ("consentement", document((A05, "EXPPAT_3"))),
    ("consentement", document((LOINC, "59284-0"))),
    ("consentement", tree("Basic", code=concept((f"{OURS}/CodeSystem/type-acces", "acces-urgence")))),
    ("identite", tree("Patient")),
    ("identite", tree("RelatedPerson", patient={"reference": "Patient/1"})),
    ("identite", tree("Person", link=[{"target": {"reference": "Patient/1"}}])),
    ("identite", document((A05, "PIECE-IDENTITE"))),
    ("message", tree("Communication")),
    ("message", tree("Media", partOf=[{"reference": "Communication/1"}])),
    ("sante", tree("Media", partOf=[{"reference": "Procedure/1"}])),
    ("mdph", tree("Basic", code=concept(("https://x.example/TDDUIBasicType", "DROITDECISION")))),
    ("mdph", tree("Basic", national("tddui", "tddui-basic-droit-decision"))),
    ("mdph", tree("Task", national("sdo", "sdo-task"))),
    ("mdph", tree("Task", national("sdo", "esms-task|1.0"))),
    ("mdph", task("type-tache", "demande-mdph")),
    ("mdph", tree("ServiceRequest", own("demande-mdph"))),
    ("mdph", tree("ServiceRequest", code=concept(("https://x.example", "demande-mdph")))),
    ("mdph", tree("ServiceRequest", national("tddui", "tddui-service-request-besoin-demande-orientation"))),
    ("mdph", tree("DocumentReference", national("sdo", "sdo-document-reference"))),
    ("mdph", document((LOINC, "57830-2"))),
    ("mdph", plan("plan-accompagnement-global")),
    ("projet", tree("CarePlan", national("tddui", "tddui-careplan-projet-personnalise"))),
    ("projet", tree("Goal", national("tddui", "tddui-goal-objectif"))),
    ("projet", tree("Task", national("tddui", "tddui-task-action"))),
    ("projet", tree("ServiceRequest", national("tddui", "tddui-service-request-besoin"))),
    ("projet", tree("Encounter", national("tddui", "tddui-encounter-sejour"), **{"class": {"code": "HH"}})),
    ("projet", plan("projet-personnalise")),
    ("projet", document((LOINC, "80788-3"))),
    ("projet", document((A05, "EXPORT_DUI"))),
    ("sante", tree("Observation", national("tddui", "tddui-other"))),
    ("plan", tree("CarePlan", own("ppcs"))),
    ("plan", plan("ppcs")),
    ("plan", plan("psi")),
    ("plan", plan("parcours")),
    ("plan", plan("plan-aide")),
    ("sante", plan("projet-soins")),
    ("sante", tree("CarePlan")),
    ("plan", tree("Goal", own("ppcs-objectif"))),
    ("plan", tree("Goal", category=[concept((f"{OURS}/CodeSystem/categorie-objectif", "attente"))])),
    ("sante", tree("Goal")),
    ("plan", tree("Task", own("ppcs-action"))),
    ("plan", task("type-action", "prevention")),
    ("sante", tree("Task")),
    ("plan", needs("sante")),
    ("plan", needs("sante", "social")),
    ("social", needs("social", "environnement")),
    ("plan", tree("ServiceRequest", category=[concept((f"{OURS}/CodeSystem/type-besoin", "besoin-coordination"))])),
    ("sante", tree("ServiceRequest")),
    ("plan", document((LOINC, "18776-5"))),
    ("liaison", document((R234, "GEN"))),
    ("liaison", tree("DocumentReference", national("cdl", "cdl-document-reference"))),
    ("coordination", tree("DocumentReference", own("note-coordination"))),
    ("coordination", document((f"{OURS}/CodeSystem/type-note", "note-evolutive"))),
    ("coordination", tree("CareTeam")),
    ("coordination", tree("EpisodeOfCare", patient={"reference": "Patient/1"})),
    ("coordination", tree("Appointment", participant=[{"actor": {"reference": "Patient/1"}}])),
    ("coordination", tree("Schedule", actor=[{"reference": "Patient/1"}])),
    ("coordination", tree("CommunicationRequest")),
    ("coordination", tree("Encounter", **{"class": {"code": "HH"}})),
    ("sante", tree("Encounter", **{"class": {"code": "IMP"}})),
    ("sante", tree("Encounter")),
    ("coordination", tree("Flag", category=[concept(("f", "admin"))])),
    ("sante", tree("Flag", category=[concept(("f", "clinical"))])),
    ("coordination", task("type-tache", "retour-domicile")),
    ("coordination", document((LOINC, "56446-8"))),
    ("sollicitation", task("type-tache", "sollicitation")),
    ("sollicitation", tree("Task", own("sollicitation"))),
    ("sollicitation", task("type-tache", "rectification")),
    ("administratif", tree("Coverage", beneficiary={"reference": "Patient/1"})),
    ("administratif", tree("Account", subject=[{"reference": "Patient/1"}])),
    ("administratif", document((LOINC, "51851-4"))),
    ("administratif", form("ressources-budget|2")),
    ("social", form("fiche-sociale")),
    ("social", document((LOINC, "28653-4"))),
    ("social", tree("Condition", category=side("social"))),
    ("social", tree("Condition", category=side("environnement", "social"))),
    ("sante", tree("Condition", category=side("social", "sante"))),
    ("sante", tree("Condition")),
    ("autonomie", form("aggir")),
    ("autonomie", tree("Observation", code=concept((f"{OURS}/CodeSystem/evaluation", "gir")))),
    ("autonomie", document((LOINC, "34842-5"))),
    ("sante", form("pathos")),
    ("sante", tree("QuestionnaireResponse")),
    ("sante-sensible", form("geva-7")),
    ("sante-sensible", document((LOINC, "68599-0"))),
    ("sante-sensible", tree("Condition", code=concept((ICD, "F20.0")))),
    ("sante-sensible", tree("Observation", component=[{"code": concept((LOINC, "20447-9"))}])),
    ("sante-sensible", tree("DiagnosticReport", code=concept((LOINC, "51969-4")))),
    ("sante-sensible", tree("MedicationStatement", contained=[METHADONE])),
    ("sante", document((LOINC, "11490-0"))),
    ("sante", document((LOINC, "unknown"))),
    ("sante", tree("DocumentReference")),
    ("sante", tree("Composition", type=concept((LOINC, "60591-5")))),
    ("sante", tree("Observation", code=concept((LOINC, "8480-6")))),
    ("sante", tree("Immunization", patient={"reference": "Patient/1"})),
    ("sante", tree("Device", patient={"reference": "Patient/1"})),
    ("sante", tree("List")),
]  # fmt: skip


@pytest.mark.parametrize(("category", "resource"), CASES)
def test_a_resource_is_of_the_first_category_whose_rule_matches(
    category: str, resource: dict[str, Any]
) -> None:
    found = CELLS.at(cell(resource))

    assert found is not None
    assert found.category == category
    assert category_of(resource, TABLES) == category


@pytest.mark.parametrize("resource", [one for _, one in CASES])
def test_what_a_client_says_of_the_category_is_ignored(resource: dict[str, Any]) -> None:
    meta = {**resource.get("meta", {}), "security": [{"system": CATEGORY_SYSTEM, "code": "coordination"}]}

    assert cell({**resource, "meta": meta}) == cell(resource)


@pytest.mark.parametrize(
    ("resource", "number"),
    [
        (document((LOINC, "34112-3")), CELLS.of("sante", COORDINATOR)),
        (tree("Composition", type=concept((LOINC, "34112-3"))), CELLS.of("sante", COORDINATOR)),
        (document((A05, "BIL_AUTO")), CELLS.of("autonomie", COORDINATOR)),
        (document((LOINC, "34112-3"), (LOINC, "28653-4")), CELLS.of("sante", COORDINATOR)),  # no way around
        (document((LOINC, "68599-0"), (LOINC, "51851-4")), CELLS.of("sante-sensible")),
        (document((LOINC, "51851-4"), (LOINC, "28653-4")), CELLS.of("administratif")),
        (tree("MedicationRequest"), CELLS.of("sante", COORDINATOR)),
        (tree("MedicationRequest", medicationCodeableConcept=concept(("http://www.whocc.no/atc", "J05AR03"))),
         CELLS.of("sante-sensible", COORDINATOR)),
        (tree("MedicationStatement"), CELLS.of("sante")),
    ],
)  # fmt: skip
def test_types_that_are_refused_to_a_role_have_their_cell(resource: dict[str, Any], number: int) -> None:
    assert cell(resource) == number


GOAL = {"reference": "Goal/1"}


@pytest.mark.parametrize(
    ("resource", "category", "part"),
    [
        (task("type-action", "prevention", focus=GOAL), "plan", Part.ACTION),
        (tree("Task", own("ppcs-action"), focus=GOAL), "plan", Part.ACTION),
        (task("type-action", "prevention", focus={"reference": "CarePlan/1"}), "plan", Part.WHOLE),
        (task("type-action", "prevention"), "plan", Part.WHOLE),
        (tree("CarePlan", own("ppcs"), focus=GOAL), "plan", Part.WHOLE),
        (asked(informed("medecin-traitant-informe", True)), "sollicitation", Part.TOLD),
        (asked(informed("medecin-traitant-informe", False)), "sollicitation", Part.WHOLE),
        (asked(informed("personne-informee", True)), "sollicitation", Part.WHOLE),
        (tree("DocumentReference", own("note-coordination")), "coordination", Part.NOTE),
        (document((LOINC, "56446-8")), "coordination", Part.WHOLE),
    ],
)  # fmt: skip
def test_parts_of_a_category_are_told_apart(resource: dict[str, Any], category: str, part: Part) -> None:
    assert cell(resource) == CELLS.of(category, (), part)


def test_operators_and_directories_have_no_category() -> None:
    assert category_of({"resourceType": "Basic"}, TABLES) == ""
    assert category_of({"resourceType": "Practitioner"}, TABLES) == ""
    assert category_of({"resourceType": "Medication"}, TABLES) == ""
