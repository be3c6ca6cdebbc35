"""Categories and stamps."""

from __future__ import annotations

from typing import Any

import pytest

from fhir_server.access.caller import Caller
from fhir_server.access.categories import DEFINITIONS, category_of, stamp_of
from fhir_server.access.cells import PARTIES, Part
from fhir_server.access.marks import CATEGORY_SYSTEM, CONFIDENTIALITY_SYSTEM, LABEL_SYSTEM
from fhir_server.access.tables import shipped_tables, tables_of
from fhir_server.definitions.catalogue import resource_types
from fhir_server.kernel.keys import Key
from fhir_server.search.sight import OPERATORS, PUBLIC, Label, Stamp

TABLES = shipped_tables()
CELLS = TABLES.cells()
COORDINATOR = ("coordonnateur",)
OURS = "https://cordee.example/fhir"
NATIONAL = "https://interop.esante.gouv.fr/ig/fhir"
LOINC = "http://loinc.org"
A05 = "https://mos.esante.gouv.fr/NOS/TRE_A05-TypeDocComplementaire/FHIR/TRE-A05-TypeDocComplementaire"
R234 = "https://mos.esante.gouv.fr/NOS/TRE_R234-TypeNote/FHIR/TRE-R234-TypeNote"
ICD = "http://hl7.org/fhir/sid/icd-10"
PERSON = Key("Patient", "1")
NURSE, TEAM = Key("PractitionerRole", "nurse"), Key("Organization", "team")


def concept(*codings: tuple[str, str]) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code} for system, code in codings]}


def tree(type: str, /, *profiles: str, **elements: Any) -> dict[str, Any]:
    """A resource about the person, unless it says otherwise."""
    where = {"Task": "for", "Slot": "comment", "Appointment": "comment"}.get(type, "subject")
    found = {"resourceType": type, "id": "x", where: {"reference": "Patient/1"}, **elements}
    if profiles:
        found["meta"] = {"profile": list(profiles)}
    return found


def document(*types: tuple[str, str], **elements: Any) -> dict[str, Any]:
    return tree("DocumentReference", type=concept(*types), **elements)


def cell(resource: dict[str, Any]) -> int:
    return stamp_of(resource, CELLS, TABLES).cell


def national(guide: str, name: str) -> str:
    return f"{NATIONAL}/{guide}/StructureDefinition/{name}"


def own(name: str) -> str:
    return f"{OURS}/StructureDefinition/{name}"


def side(*sides: str) -> list[dict[str, Any]]:
    url = f"{OURS}/StructureDefinition/versant-probleme"
    return [{"extension": [{"url": url, "valueCode": one}, {"url": "other"}]} for one in sides]


def task(system: str, code: str, **elements: Any) -> dict[str, Any]:
    return tree("Task", code=concept((f"{OURS}/CodeSystem/{system}", code)), **elements)


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


def informed(code: str, value: Any) -> list[dict[str, Any]]:
    return [{"type": concept((f"{OURS}/CodeSystem/type-entree-sollicitation", code)), "valueBoolean": value}]


def asked(inputs: list[dict[str, Any]]) -> dict[str, Any]:
    return task("type-tache", "sollicitation", input=inputs)


GOAL = {"reference": "Goal/1"}
REQUEST = concept((f"{OURS}/CodeSystem/type-tache", "sollicitation"))


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


def confidential(resource: dict[str, Any], *labels: str) -> dict[str, Any]:
    security = [{"system": CONFIDENTIALITY_SYSTEM, "code": "V"}]
    security += [{"system": LABEL_SYSTEM, "code": label} for label in labels]
    return {**resource, "meta": {**resource.get("meta", {}), "security": security}}


def test_confidential_health_is_sensitive_health() -> None:
    stamp = stamp_of(confidential(tree("Observation")), CELLS, TABLES)

    assert stamp.cell == CELLS.sensitive
    assert not stamp.labels & Label.SENSITIVE
    assert category_of(confidential(tree("Observation")), TABLES) == "sante-sensible"


def test_confidential_data_of_another_category_needs_sensitive_health_as_well() -> None:
    stamp = stamp_of(confidential(tree("CareTeam")), CELLS, TABLES)

    assert stamp.cell == CELLS.of("coordination")
    assert stamp.labels & Label.SENSITIVE


def test_a_confidential_document_stays_refused_to_whom_its_type_is() -> None:
    assert cell(confidential(document((LOINC, "34112-3")))) == CELLS.of("sante-sensible", COORDINATOR)


def test_sensitive_health_may_be_for_emergencies() -> None:
    assert cell(confidential(tree("Observation"), "urgence")) == CELLS.of("sante-sensible", (), Part.URGENT)


@pytest.mark.parametrize(
    ("resource", "number"),
    [
        ({"resourceType": "Basic"}, OPERATORS),
        ({"resourceType": "List"}, OPERATORS),
        ({"resourceType": "Group", "member": [{"entity": {"reference": "Device/1"}}]}, OPERATORS),
        ({"resourceType": "Observation", "subject": {"display": "nobody here"}}, OPERATORS),
        ({"resourceType": "DocumentReference", "type": concept((LOINC, "34112-3"))}, OPERATORS),
        (task("type-tache", "gel"), OPERATORS),
        ({"resourceType": "Slot"}, CELLS.of("coordination", (), Part.AGENDA)),
        ({"resourceType": "Schedule"}, CELLS.of("coordination", (), Part.AGENDA)),
        ({"resourceType": "Slot", "meta": {"profile": [national("tddui", "tddui-slot-presence-absence")]}}, PARTIES),
        ({"resourceType": "Appointment"}, PARTIES),
        ({"resourceType": "Subscription"}, PARTIES),
        ({"resourceType": "MeasureReport"}, PARTIES),
        ({"resourceType": "Binary"}, PARTIES),
        ({"resourceType": "Communication"}, CELLS.of("message")),
        ({"resourceType": "Task", "code": REQUEST}, CELLS.of("sollicitation")),
        ({"resourceType": "AuditEvent"}, CELLS.of("trace")),
        ({"resourceType": "CareTeam"}, CELLS.of("coordination")),  # a rule, yet nobody: nobody sees it
        *(({"resourceType": name}, PUBLIC) for name in ("Practitioner", "PractitionerRole", "Organization")),
        *(({"resourceType": name}, PUBLIC) for name in ("Location", "HealthcareService", "Endpoint")),
        *(({"resourceType": name}, PUBLIC) for name in ("Questionnaire", "ValueSet")),
        *(({"resourceType": name}, PUBLIC) for name in ("Medication", "Device", "Substance")),
    ],
)  # fmt: skip
def test_what_is_about_nobody_has_a_cell_too(resource: dict[str, Any], number: int) -> None:
    assert cell({"id": "x", **resource}) == number


def test_operators_and_directories_have_no_category() -> None:
    assert category_of({"resourceType": "Basic"}, TABLES) == ""
    assert category_of({"resourceType": "Practitioner"}, TABLES) == ""
    assert category_of({"resourceType": "Medication"}, TABLES) == ""


def test_every_type_has_a_stamp() -> None:
    for name in sorted(resource_types()):
        stamp = stamp_of({"resourceType": name, "id": "x"}, CELLS, TABLES)
        assert (stamp.cell == PUBLIC) == (
            name in DEFINITIONS
            or name
            in {"Practitioner", "PractitionerRole", "Organization", "OrganizationAffiliation", "Location"}
            or name
            in {"HealthcareService", "Endpoint", "Device", "Medication", "MedicationKnowledge", "Substance"}
        )


def test_two_persons_are_several() -> None:
    group = tree("Group", member=[{"entity": {"reference": f"Patient/{number}"}} for number in (1, 2)])

    stamp = stamp_of(group, CELLS, TABLES)

    assert stamp.persons == (PERSON, Key("Patient", "2"))
    assert stamp.labels & Label.SEVERAL


def caller(**fields: Any) -> Caller:
    return Caller(
        "professional", **{"actors": (NURSE, TEAM), "organisation": TEAM, "roles": ("infirmier",), **fields}
    )


def test_what_says_no_author_is_of_who_wrote_it() -> None:
    stamp = stamp_of(tree("List"), CELLS, TABLES, creator=caller())

    assert stamp.authors == stamp.parties == (NURSE,)
    assert stamp.owner == TEAM


def test_what_says_its_author_is_of_nobody_else() -> None:
    said = tree("List", source={"reference": "Practitioner/other"})

    assert stamp_of(said, CELLS, TABLES, creator=caller()).authors == (Key("Practitioner", "other"),)


def test_a_delegate_writes_in_the_name_of_the_delegator() -> None:
    delegator = Key("PractitionerRole", "doctor")

    assert stamp_of(tree("List"), CELLS, TABLES, creator=caller(delegator=delegator)).authors == (delegator,)


def test_the_next_version_keeps_its_author_and_its_owner() -> None:
    first = stamp_of(tree("List"), CELLS, TABLES, creator=caller())

    other = caller(actors=(Key("PractitionerRole", "other"),), organisation=Key("Organization", "other"))
    second = stamp_of(tree("List", title="x"), CELLS, TABLES, creator=other, previous=first)

    assert (second.authors, second.owner) == ((NURSE,), TEAM)


def test_what_nobody_is_known_to_have_written_is_of_the_organisation_it_names() -> None:
    stamp = stamp_of(tree("DocumentReference", custodian={"reference": "Organization/team"}), CELLS, TABLES)

    assert (stamp.authors, stamp.owner) == ((), TEAM)


def test_a_team_follows_a_request_that_one_of_them_has_taken() -> None:
    asked = stamp_of(
        task("type-tache", "sollicitation", owner={"reference": "Organization/team"}), CELLS, TABLES
    )

    taken = task("type-tache", "sollicitation", owner={"reference": "PractitionerRole/nurse"})

    assert stamp_of(taken, CELLS, TABLES, previous=asked).authors == (TEAM, NURSE)


def test_what_is_archived_is_nobodys_own() -> None:
    archived = tree("List", source={"reference": "PractitionerRole/nurse"})
    archived["meta"] = {"tag": [{"system": LABEL_SYSTEM, "code": "archive"}]}

    stamp = stamp_of(archived, CELLS, TABLES)

    assert stamp.labels & Label.ARCHIVED
    assert (stamp.parties, stamp.authors) == ((), ())


@pytest.mark.parametrize(
    ("creator", "previous", "verified"),
    [
        (None, None, True),
        (None, Stamp(PUBLIC, int(Label.VERIFIED)), True),
        (None, Stamp(PUBLIC), False),
        (Caller("anyone"), None, True),
        (Caller("operator"), None, True),
        (Caller("system", roles=("annuaire",)), None, True),
        (Caller("system", roles=("infirmier",)), None, False),
        (caller(), None, False),
        (caller(), Stamp(PUBLIC, int(Label.VERIFIED)), False),
    ],
)
def test_actors_of_the_directory_are_verified(
    creator: Caller | None, previous: Stamp | None, verified: bool
) -> None:
    role = {"resourceType": "PractitionerRole", "id": "x"}

    stamp = stamp_of(role, CELLS, TABLES, creator=creator, previous=previous)

    assert bool(stamp.labels & Label.VERIFIED) is verified


def test_other_directory_entries_are_not_verified_by_their_word() -> None:
    assert stamp_of({"resourceType": "Questionnaire", "id": "x"}, CELLS, TABLES).labels == 0


def bundle(*entries: dict[str, Any], **elements: Any) -> dict[str, Any]:
    return {"resourceType": "Bundle", "id": "b", "type": "document", "entry": list(entries), **elements}


def test_a_bundle_is_as_strict_as_what_it_holds() -> None:
    held = bundle(
        {"resource": tree("Composition", type=concept((LOINC, "34112-3")))},
        {"resource": tree("Observation")},
        {"resource": {"resourceType": "Organization", "id": "team"}},
    )

    stamp = stamp_of(held, CELLS, TABLES)

    assert stamp.cell == CELLS.of("sante", COORDINATOR)
    assert stamp.persons == (PERSON,)


def test_a_bundle_about_nobody_is_for_operators() -> None:
    assert cell(bundle()) == OPERATORS
    assert (
        cell(bundle({"fullUrl": "urn:uuid:1"}, {"resource": {"resourceType": "Organization"}})) == OPERATORS
    )


@pytest.mark.parametrize(
    ("full", "known"),
    [
        ("https://here.example/fhir/Patient/1", True),
        ("https://there.example/Patient/1", False),
        ("urn:uuid:1", False),
    ],
)
def test_a_person_told_in_a_bundle_is_ours_only_by_our_address(full: str, known: bool) -> None:
    held = bundle(
        {"fullUrl": full, "resource": tree("Patient") | {"id": "1"}}, {"resource": tree("Observation")}
    )

    stamp = stamp_of(held, CELLS, TABLES, bases=("https://here.example/fhir",))

    assert (stamp.persons == (PERSON,)) is known
    assert (stamp.cell == OPERATORS) is not known


def test_a_provenance_is_of_the_category_of_its_target() -> None:
    target = stamp_of(tree("CarePlan", own("ppcs")), CELLS, TABLES, creator=caller())

    stamp = stamp_of(tree("Provenance"), CELLS, TABLES, creator=caller(), inherited=(target,))

    assert stamp == target


def test_a_binary_is_as_strict_as_what_refers_to_it() -> None:
    letter = stamp_of(document((LOINC, "11490-0")), CELLS, TABLES)
    stay = stamp_of(document((LOINC, "34112-3")), CELLS, TABLES)

    stamp = stamp_of({"resourceType": "Binary", "id": "x"}, CELLS, TABLES, inherited=(letter, stay))

    assert stamp.cell == CELLS.of("sante", COORDINATOR)


def test_a_photo_of_a_message_is_for_who_takes_part() -> None:
    message = stamp_of(
        tree("Communication", recipient=[{"reference": "PractitionerRole/nurse"}]), CELLS, TABLES
    )
    photo = tree("Media", partOf=[{"reference": "Communication/1"}], operator={"reference": "Practitioner/1"})

    stamp = stamp_of(photo, CELLS, TABLES, inherited=(message,))

    assert stamp.parties == (Key("Practitioner", "1"), NURSE)
    assert stamp.authors == (Key("Practitioner", "1"),)


def test_a_photo_of_a_procedure_is_of_who_took_it() -> None:
    procedure = stamp_of(tree("Procedure", asserter={"reference": "PractitionerRole/nurse"}), CELLS, TABLES)
    photo = tree("Media", partOf=[{"reference": "Procedure/1"}], operator={"reference": "Practitioner/1"})

    assert stamp_of(photo, CELLS, TABLES, inherited=(procedure,)).parties == (Key("Practitioner", "1"),)


def test_a_table_without_prescriptions_refuses_none() -> None:
    tables = tables_of(
        b"code,system,display,category\n", b"questionnaire,category\n", b"system,code,match,meaning,reason\n"
    )

    assert stamp_of(tree("MedicationRequest"), tables.cells(), tables).cell == tables.cells().of("sante")
