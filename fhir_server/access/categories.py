"""Which category of data a resource is, and what part of it: a pure function of what the resource itself says.

The rules stand in the order of the domain's table and the first that matches wins: declared profiles and fields, then
codes by table, then health.

Types of documents refused to a role have cells of their own (`access/cells.py`), for the DocumentReference, the
Composition and, as prescriptions, the MedicationRequest.
"""

from __future__ import annotations

from typing import Final

from fhir_server.access.cells import Cell, Part
from fhir_server.access.marks import SENSITIVE, labels_of
from fhir_server.access.reading import codes_of, codings, ours, profiles, values
from fhir_server.access.subjects import persons_of
from fhir_server.access.tables import DocumentType, Tables
from fhir_server.kernel.wire import Tree

ACTORS: Final = frozenset(
    {"Practitioner", "PractitionerRole", "Organization", "OrganizationAffiliation", "Location"}
    | {"HealthcareService", "Endpoint"}
)
# What describes products, and no person: a Device that has a patient is none of them.
PRODUCTS: Final = frozenset({"Device", "Medication", "MedicationKnowledge", "Substance"})
DEFINITIONS: Final = frozenset(
    {
        "ActivityDefinition",
        "CapabilityStatement",
        "ChargeItemDefinition",
        "CodeSystem",
        "CompartmentDefinition",
    }
    | {"ConceptMap", "DeviceDefinition", "EffectEvidenceSynthesis", "EventDefinition", "Evidence"}
    | {"EvidenceVariable", "ExampleScenario", "GraphDefinition", "ImplementationGuide", "Library", "Measure"}
    | {"MessageDefinition", "NamingSystem", "ObservationDefinition", "OperationDefinition", "PlanDefinition"}
    | {"Questionnaire", "ResearchDefinition", "ResearchElementDefinition", "RiskEvidenceSynthesis"}
    | {"SearchParameter", "SpecimenDefinition", "StructureDefinition", "StructureMap"}
    | {"TerminologyCapabilities", "TestScript", "ValueSet"}
)

_BY_TYPE: Final = {
    **dict.fromkeys(("AuditEvent", "Provenance"), "trace"),
    "Consent": "consentement",
    **dict.fromkeys(("Patient", "RelatedPerson", "Person"), "identite"),
    "Communication": "message",
}
_LATE: Final = {  # after the rules of mdph, projet and plan
    **dict.fromkeys(("CareTeam", "EpisodeOfCare", "Appointment", "AppointmentResponse"), "coordination"),
    **dict.fromkeys(("Schedule", "Slot", "CommunicationRequest", "Subscription"), "coordination"),
    **dict.fromkeys(
        ("Coverage", "Account", "Claim", "ClaimResponse", "ExplanationOfBenefit"), "administratif"
    ),
    **dict.fromkeys(("CoverageEligibilityRequest", "CoverageEligibilityResponse"), "administratif"),
    **dict.fromkeys(("EnrollmentRequest", "EnrollmentResponse", "Invoice", "ChargeItem"), "administratif"),
    **dict.fromkeys(("PaymentNotice", "PaymentReconciliation"), "administratif"),
}
_DOCUMENTS: Final = frozenset({"DocumentReference", "Composition", "DocumentManifest"})
_IN_PROJECT: Final = frozenset(
    {"CarePlan", "Goal", "Task", "ServiceRequest", "Encounter", "Schedule", "Slot", "Appointment"}
)
_TASKS: Final = {
    "sollicitation": "sollicitation",
    "rectification": "sollicitation",  # asked by anybody, followed by who asked and who is asked
    "retour-domicile": "coordination",
    "demande-mdph": "mdph",
}
_PLANS: Final = {
    **dict.fromkeys(("ppcs", "psi", "parcours", "plan-aide", "plan-sante-paerpa"), "plan"),
    "projet-personnalise": "projet",
    **dict.fromkeys(("plan-accompagnement-global", "plan-compensation", "projet-scolarisation"), "mdph"),
}
_OUT_OF_HOSPITAL: Final = frozenset({"HH", "VR", "FLD"})  # at home, from afar, elsewhere
_SOCIAL_SIDES: Final = frozenset({"social", "environnement"})
_SIDE: Final = "https://cordee.example/fhir/StructureDefinition/versant-probleme"
_LIAISON: Final = "https://mos.esante.gouv.fr/NOS/TRE_R234-TypeNote/FHIR/TRE-R234-TypeNote"
_MDPH_REQUEST: Final = "demande-mdph"
_GRANT: Final = "acces-urgence"
# Where a type says what it is about, by the element that begins the path; sensitive codes are looked for in each.
_CONCEPTS: Final = {
    **{name: (name,) for name in ("code", "type", "category", "reasonCode", "medicationCodeableConcept")},
    **{name: (name,) for name in ("vaccineCode", "serviceType", "valueCodeableConcept", "conclusionCode")},
    "component": ("component.code", "component.valueCodeableConcept"),
    "context": ("context.event",),
    "prediction": ("prediction.outcome",),
    "condition": ("condition.code",),
    "substance": ("substance",),
}
# The order in which rules win where a document has types of several.
_RULES: Final = (
    *("consentement", "identite", "message", "mdph", "projet", "plan", "liaison", "coordination"),
    *("administratif", "social", "autonomie", "sante-sensible", "sante", "sollicitation", "trace"),
)
_RANK: Final = {category: rank for rank, category in enumerate(_RULES)}


def category_of(tree: Tree, tables: Tables, bases: tuple[str, ...] = ()) -> str:
    """The category that the server writes into `meta.security`; empty: none (directories, what is for operators)."""
    if tree["resourceType"] in ACTORS | DEFINITIONS or is_product(tree):
        return ""
    cell = cell_of(tree, tables)
    if cell is not None and cell.category != "sante":
        return cell.category
    if not persons_of(tree, bases):
        return ""
    return "sante-sensible" if labels_of(tree, tables) & SENSITIVE or is_sensitive(tree, tables) else "sante"


def cell_of(tree: Tree, tables: Tables) -> Cell | None:
    """The category of a resource by rule, and what part of it; None: no rule of its own, so health."""
    resource_type, declared = tree["resourceType"], profiles(tree)
    if resource_type in _BY_TYPE:
        return Cell(_BY_TYPE[resource_type])
    if resource_type in _DOCUMENTS:
        return _document(tree, declared, tables)
    if resource_type == "Media" and any(
        str(value.get("reference", "")).startswith("Communication/") for value in values(tree, "partOf")
    ):
        return Cell("message")
    category = _by_profile(resource_type, declared) or _by_field(tree, declared, tables)
    if category in {"plan", "sollicitation"}:
        return Cell(category, _part(tree, category))
    return Cell(category) if category else None


def is_product(tree: Tree) -> bool:
    return tree["resourceType"] in PRODUCTS and "patient" not in tree


def is_sensitive(tree: Tree, tables: Tables) -> bool:
    """Whether a code, here or in what it contains, says sensitive health."""
    if tree["resourceType"] == "QuestionnaireResponse":
        form = str(tree.get("questionnaire", "")).partition("|")[0]
        if tables.forms.get(form) == "sante-sensible":
            return True
    for one in (tree, *tree.get("contained", ())):
        for name in one:
            for path in _CONCEPTS.get(name, ()):
                for said in codings(one, path):
                    if "sante-sensible" in tables.meanings(*said) or _sensitive_type(
                        tables.documents.get(said)
                    ):
                        return True
    return False


def _sensitive_type(known: DocumentType | None) -> bool:
    return known is not None and known.category == "sante-sensible"


def _document(tree: Tree, declared: frozenset[str], tables: Tables) -> Cell | None:
    found = [tables.documents[said] for said in codings(tree, "type") if said in tables.documents]
    # A type that is refused to somebody, or sensitive, decides alone: no second code takes it back.
    strict = max(found, key=lambda one: (one.category == "sante-sensible", len(one.refused)), default=None)
    if strict is not None and (strict.refused or strict.category == "sante-sensible"):
        return Cell(strict.category, Part.WHOLE, strict.refused)
    said = {document.category for document in found}
    if any(name.startswith(("sdo-", "esms-")) for name in declared):
        said.add("mdph")
    if "cdl-document-reference" in declared or codes_of(tree, "type", _LIAISON):
        said.add("liaison")
    is_note = "note-coordination" in declared or bool(codes_of(tree, "type", ours("type-note")))
    if is_note:
        said.add("coordination")
    category = min(said, key=_RANK.__getitem__, default="")
    if category in {"", "sante"}:
        return None
    return Cell(category, Part.NOTE if is_note and category == "coordination" else Part.WHOLE)


def _by_profile(resource_type: str, declared: frozenset[str]) -> str:
    if resource_type == "Basic" and "tddui-basic-droit-decision" in declared:
        return "mdph"
    if resource_type == "ServiceRequest" and any(
        name.endswith(("demande-orientation", _MDPH_REQUEST)) for name in declared
    ):
        return "mdph"
    if resource_type == "Task" and not declared.isdisjoint({"sdo-task", "esms-task"}):
        return "mdph"
    if resource_type in _IN_PROJECT and any(name.startswith("tddui-") for name in declared):
        return "projet"
    return ""


def _by_field(tree: Tree, declared: frozenset[str], tables: Tables) -> str:
    match tree["resourceType"]:
        case "Basic":
            return _basic(tree)
        case "CarePlan":
            codes = sorted(codes_of(tree, "category", ours("categorie-plan")))
            known = [_PLANS[code] for code in codes if code in _PLANS]
            return "plan" if "ppcs" in declared else min(known, key=_RANK.__getitem__, default="")
        case "Goal":
            is_plan = "ppcs-objectif" in declared or codes_of(tree, "category", ours("categorie-objectif"))
            return "plan" if is_plan else ""
        case "Task":
            return _task(tree, declared)
        case "ServiceRequest":
            return _request(tree, declared)
        case "Condition":
            return "social" if _is_social(tree) else ""
        case "Encounter":
            code = tree.get("class", {}).get("code")
            return "coordination" if code in _OUT_OF_HOSPITAL else ""
        case "Flag":
            kinds = {code for _, code in codings(tree, "category")}
            return "" if kinds.isdisjoint({"admin", "contact"}) else "coordination"
        case "QuestionnaireResponse":
            category = tables.forms.get(str(tree.get("questionnaire", "")).partition("|")[0], "")
            return "" if category.startswith("sante") else category
        case "Observation":
            meanings = {meaning for said in codings(tree, "code") for meaning in tables.meanings(*said)}
            known = [
                category for category in ("administratif", "social", "autonomie") if category in meanings
            ]
            return known[0] if known else ""
        case other:
            return _LATE.get(other, "")


def _basic(tree: Tree) -> str:
    if any(code == "DROITDECISION" for _, code in codings(tree, "code")):
        return "mdph"
    return "consentement" if _GRANT in codes_of(tree, "code", ours("type-acces")) else ""


def _task(tree: Tree, declared: frozenset[str]) -> str:
    codes = codes_of(tree, "code", ours("type-tache"))
    for code, category in _TASKS.items():
        if code in codes or code in declared:
            return category
    return "plan" if "ppcs-action" in declared or codes_of(tree, "code", ours("type-action")) else ""


def _request(tree: Tree, declared: frozenset[str]) -> str:
    if any(code == _MDPH_REQUEST for path in ("code", "category") for _, code in codings(tree, path)):
        return "mdph"
    if "ppcs-besoin" not in declared and not codes_of(tree, "category", ours("type-besoin")):
        return ""
    return "social" if _is_social(tree) else "plan"


def _is_social(tree: Tree) -> bool:
    """Whether a problem says a side of life, and only social ones: what is of health as well is health."""
    sides = {
        extension.get("valueCode")
        for extension in values(tree, "category.extension")
        if extension.get("url") == _SIDE
    }
    return bool(sides) and sides <= _SOCIAL_SIDES


def _part(tree: Tree, category: str) -> Part:
    if category == "sollicitation":
        informed = any(
            one.get("valueBoolean") is True
            and "medecin-traitant-informe" in codes_of(one, "type", ours("type-entree-sollicitation"))
            for one in values(tree, "input")
        )
        return Part.TOLD if informed else Part.WHOLE
    under_goal = str(tree.get("focus", {}).get("reference", "")).startswith("Goal/")
    return Part.ACTION if tree["resourceType"] == "Task" and under_goal else Part.WHOLE
