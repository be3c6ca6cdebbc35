"""Small resources of all categories, and the cells that they are stamped with."""

from __future__ import annotations

from typing import Any

from fhir_server.access.stamps import stamp_of
from fhir_server.access.tables import shipped_tables
from fhir_server.kernel.keys import Key

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


def task(system: str, code: str, **elements: Any) -> dict[str, Any]:
    return tree("Task", code=concept((f"{OURS}/CodeSystem/{system}", code)), **elements)


def informed(code: str, value: Any) -> list[dict[str, Any]]:
    return [{"type": concept((f"{OURS}/CodeSystem/type-entree-sollicitation", code)), "valueBoolean": value}]


def asked(inputs: list[dict[str, Any]]) -> dict[str, Any]:
    return task("type-tache", "sollicitation", input=inputs)
