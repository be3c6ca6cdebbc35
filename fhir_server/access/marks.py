"""The labels that a resource carries, as bits: what `meta.security` says, and what the rules of the minimal view add.

A resource that the server has labelled carries its category, and is taken at its word: who may lift a label has lifted
it. One that was never labelled (written without authentication, or imported) has those that the rules give.
"""

from __future__ import annotations

from typing import Final

from fhir_server.access.reading import codes_of, codings, ours, profiles, values
from fhir_server.access.tables import SHARED, Tables
from fhir_server.kernel.wire import Tree
from fhir_server.search.sight import Label

CATEGORY_SYSTEM: Final = ours("categorie-donnee")
LABEL_SYSTEM: Final = ours("etiquette-acces")
VISIBILITY_SYSTEM: Final = (
    "https://mos.esante.gouv.fr/NOS/TRE_A07-StatutVisibiliteDocument/FHIR/TRE-A07-StatutVisibiliteDocument"
)
# Some published examples spell it so.
VISIBILITY_SPELT_OTHERWISE: Final = (
    "https://mos.esante.gouv.fr/NOS/TRE_A07-StatusVisibiliteDocument/FHIR/TRE-A07-StatusVisibiliteDocument",
    "https://mos.esante.gouv.fr/NOS/TRE_A07-StatusVisibiliteDocument/FHIR/TRE_A07-StatusVisibiliteDocument",
    "https://mos.esante.gouv.fr/NOS/TRE_A07-StatutVisibiliteDocument/FHIR/TRE_A07-StatutVisibiliteDocument",
)
CONFIDENTIALITY_SYSTEM: Final = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"

# Labels as plain numbers: the arithmetic of an `IntFlag` costs more than all the rest of a stamp.
SENSITIVE: Final = int(Label.SENSITIVE)
ARCHIVED: Final = int(Label.ARCHIVED)
SHARING: Final = int(Label.PARTAGE_SOCIAL)

# Where each label stands, in the order in which they are written.
_CODES: Final = {
    (VISIBILITY_SYSTEM, "MASQUE_PS"): Label.MASQUE_PS,
    (VISIBILITY_SYSTEM, "INVISIBLE_PATIENT"): Label.INVISIBLE_PATIENT,
    (VISIBILITY_SYSTEM, "INVISIBLE_REPRESENTANTS_LEGAUX"): Label.INVISIBLE_REPRESENTANTS,
    (LABEL_SYSTEM, "interne-structure"): Label.INTERNE,
    (LABEL_SYSTEM, SHARED): Label.PARTAGE_SOCIAL,
    (LABEL_SYSTEM, "audience:aidants"): Label.AIDANTS,
    (LABEL_SYSTEM, "urgence"): Label.URGENCE,
    (CONFIDENTIALITY_SYSTEM, "R"): Label.SENSITIVE,
    (CONFIDENTIALITY_SYSTEM, "V"): Label.SENSITIVE,
}
CODES: Final = {place: int(label) for place, label in _CODES.items()}
ARCHIVE: Final = "archive"  # in `meta.tag`, of our system of labels

_EMPTY: Final[Tree] = {}
_DISCHARGE: Final = "SOR"
_EVENT_TYPE: Final = "event-type"


def label_of(system: str, code: str) -> int:
    """The bit of `Label` that one coding is; none: 0."""
    if system in VISIBILITY_SPELT_OTHERWISE:
        system = VISIBILITY_SYSTEM
    return CODES.get((system, code), 0)


def said_labels(tree: Tree) -> int:
    """The labels that a resource carries: in `meta`, and those of a document in its own element as well."""
    found = 0
    meta = tree.get("meta", _EMPTY)
    if "security" in meta:
        for system, code in codings(meta, "security"):
            found |= label_of(system, code)
    if "securityLabel" in tree:
        for system, code in codings(tree, "securityLabel"):
            found |= label_of(system, code)
    if tree.get("confidentiality") in {"R", "V"}:  # of a Composition
        found |= SENSITIVE
    if "tag" in meta and ARCHIVE in codes_of(meta, "tag", LABEL_SYSTEM):
        found |= ARCHIVED
    return found


def labels_of(tree: Tree, tables: Tables) -> int:
    """What decides: the labels that a resource carries, or has by rule because nobody labelled it yet."""
    if codes_of(tree, "meta.security", CATEGORY_SYSTEM) or not is_shared(tree, tables):
        return said_labels(tree)
    return said_labels(tree) | SHARING


def is_shared(tree: Tree, tables: Tables) -> bool:
    """Whether a rule puts a resource into the minimal view: what everyone around the person must know."""
    declared = profiles(tree)
    match tree["resourceType"]:
        case "Patient" | "RelatedPerson" | "Flag" | "Appointment":  # whom to call, what to beware of, when
            return True
        case "AllergyIntolerance":
            return bool(tree.get("criticality") == "high")
        case "Goal":
            return "ppcs-objectif" in declared or bool(codes_of(tree, "category", ours("categorie-objectif")))
        case "Task":
            return "ppcs-action" in declared or bool(codes_of(tree, "code", ours("type-action")))
        case "CommunicationRequest":
            return _is_discharge(tree)
        case "Condition" | "Observation" | "RiskAssessment":
            said = [coding for path in ("code", "prediction.outcome") for coding in codings(tree, path)]
            return any(SHARED in tables.meanings(*coding) for coding in said)
        case _:
            return False


def _is_discharge(tree: Tree) -> bool:
    """An event that says a person leaves an institution. https://interop.esante.gouv.fr/ig/fhir/nde"""
    return any(
        code == _DISCHARGE
        for extension in values(tree, "extension")
        if str(extension.get("url", "")).endswith(_EVENT_TYPE)
        for path in ("valueCodeableConcept", "valueCoding")
        for _, code in codings(extension, path)
    )
