"""Two persons around whom every role of the access matrix has its tie, and resources of every category.

Of the first person everybody knows what the matrix gives. The second has also consented, by name, to each of them.
What each cell should give is read from the CSV, by rules of a few lines that know nothing of the engine.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from random import Random
from typing import Any, Final

from fhir_server.access.caller import Caller
from fhir_server.access.cells import CATEGORIES
from fhir_server.access.marks import LABEL_SYSTEM
from fhir_server.access.matrix import ROLES
from fhir_server.kernel.keys import Key
from fhir_server.kernel.wire import Tree
from tests import circles
from tests.circles import PERSON, coding, to
from tests.guarded import SINCE, decided

Kind = str  # of a resource: own, other, minimal, consented
Row = Mapping[str, str]
Cells = Mapping[tuple[str, str], Row]

KINDS: Final = ("own", "other", "minimal", "consented")
ACTIONS: Final = ("read", "create", "update")
OTHER: Final = Key("Patient", "consenting")
SOMEBODY: Final = Key("Practitioner", "somebody")  # who wrote what is nobody's own

_OURS: Final = "https://cordee.example/fhir/CodeSystem"
_LOINC: Final = "http://loinc.org"
_A05: Final = (
    "https://mos.esante.gouv.fr/NOS/TRE_A05-TypeDocComplementaire/FHIR/TRE-A05-TypeDocComplementaire"
)
_R234: Final = "https://mos.esante.gouv.fr/NOS/TRE_R234-TypeNote/FHIR/TRE-R234-TypeNote"
_SIDE: Final = "https://cordee.example/fhir/StructureDefinition/versant-probleme"
_RELATIVES: Final = ("representant-legal", "aidant", "personne-confiance")
_CITIZENS: Final = ("personne", *_RELATIVES)
PROFESSIONALS: Final = tuple(role for role in ROLES if role not in {*_CITIZENS, "dpo"})
_OF_THE_CIRCLE: Final = tuple(role for role in PROFESSIONALS if role not in {"agent-mdph", "mjpm"})
# Whose tie is itself a consent that names them, or a measure.
_NAMED_ALREADY: Final = frozenset({"aidant", "personne-confiance", "mjpm"})
_KEPT: Final = frozenset({"message", "sollicitation"})  # one's own, whatever the tie


def cells_of(data: bytes) -> Cells:
    """The lines of a matrix by role and category."""
    return {(row["role"], row["category"]): row for row in csv.DictReader(data.decode().splitlines())}


def mutated(data: bytes, seed: int) -> bytes:
    """A matrix of the same shape in which every cell says something else at random."""
    random = Random(seed)
    lines = ["role,category,read,create,update"]
    for role, category in cells_of(data):
        creates = ["no", "yes", "action"] if category == "plan" else ["no", "yes"]
        writes = (random.choice(creates), random.choice(["none", "own", "all"]))
        if category == "trace":  # nobody writes traces, in any matrix
            writes = ("no", "none")
        read = random.choice(["none", "own", "minimal", "consent", "all"])
        lines.append(",".join((role, category, read, *writes)))
    return "\n".join(lines).encode() + b"\n"


def reads(cells: Cells, role: str, category: str, kind: Kind) -> bool:
    """Whether a resource of this kind is seen."""
    own = any(row["read"] != "none" or row["update"] == "own" for row in _rows(cells, role, category))
    said = {row["read"] for row in _rows(cells, role, category)}
    if role == "dpo":  # without a tie: all of a category, or what is theirs of messages and requests
        return "all" in said or (kind == "own" and own and category in _KEPT)
    if kind == "own" and own:
        return True
    named = role in _NAMED_ALREADY or (kind == "consented" and role != "personne")  # nobody names themselves
    return "all" in said or (named and "consent" in said) or (kind == "minimal" and "minimal" in said)


def creates(cells: Cells, role: str, category: str) -> bool:
    return role != "dpo" and any(row["create"] == "yes" for row in _rows(cells, role, category))


def refers(cells: Cells, role: str, kind: Kind) -> bool:
    """Whether the person is seen, so that a new resource may name them: they are in the minimal view."""
    kinds = ("minimal", "own" if role == "personne" else "", "consented" if kind == "consented" else "")
    return any(reads(cells, role, "identite", one) for one in kinds if one)


def acts(cells: Cells, role: str) -> bool:
    """Whether a role adds an action of its own under a goal."""
    return role != "dpo" and any(row["create"] != "no" for row in _rows(cells, role, "plan"))


def updates(cells: Cells, role: str, category: str, kind: Kind) -> bool:
    """Whether what is seen may be changed."""
    said = {row["update"] for row in _rows(cells, role, category)}
    if role == "dpo":
        return kind == "own" and category in _KEPT and said != {"none"}
    return "all" in said or (kind == "own" and "own" in said)


def _rows(cells: Cells, role: str, category: str) -> list[Row]:
    """Several roles are the union of their lines. A médecin traitant is a médecin as well."""
    worn = (role, "medecin") if role == "medecin-traitant" else (role,)
    return [cells[one, category] for one in worn]


def caller_of(role: str, person: Key) -> Caller:
    """Whoever has a role for one of the two persons."""
    if role == "personne":
        return Caller("citizen", roles=(role,), actors=(person,))
    if role in _RELATIVES:
        return Caller("citizen", roles=(role,), actors=(Key("RelatedPerson", f"{role}-{person.id}"),))
    return circles.caller(role, role, "medecin" if role == "medecin-traitant" else role)


def directory() -> Iterator[Tree]:
    for role in (*PROFESSIONALS, "dpo"):
        yield circles.organisation(role, "609" if role == "agent-mdph" else "", site=True)
        yield circles.practitioner(role)
        yield circles.role(role, role, "G15_10")
    yield circles.practitioner(SOMEBODY.id)


def circle_of(person: Key) -> Iterator[Tree]:
    """A person with the ties of every role: team recognised, person informed, grants, measure and request."""
    for tree in (*_ties(), *(_named() if person == OTHER else ())):
        yield json.loads(json.dumps(tree).replace("payet", person.id))


def _ties() -> Iterator[Tree]:
    """All ids, and references to the person, have the name that is replaced."""
    yield circles.patient()
    for role in _RELATIVES:
        yield circles.relative(f"{role}-payet", (circles.ROLE_CLASS, "CAREGIVER"))
    members = [
        circles.member(f"PractitionerRole/{role}", SINCE, pcp=role == "medecin-traitant")
        for role in _OF_THE_CIRCLE
    ]
    yield circles.circle(*members, period={"start": SINCE})
    yield {
        **circles.mdph_request("Organization/agent-mdph", status="requested", intent="order"),
        "id": "request-payet",
        "requester": to(PERSON),
    }
    yield _decided("information-dossier")
    yield _decided("reconnaissance-equipe", "CareTeam/payet", dated="2020-01-02")
    yield _decided("mesure-protection", "RelatedPerson/representant-legal-payet", "PractitionerRole/mjpm")
    for code, role in (("acces-aidant", "aidant"), ("acces-personne-confiance", "personne-confiance")):
        yield _decided(code, f"RelatedPerson/{role}-payet", data=CATEGORIES)


def _named() -> Iterator[Tree]:
    names = [f"PractitionerRole/{role}" for role in PROFESSIONALS]
    names += [f"RelatedPerson/{role}-payet" for role in _RELATIVES]
    yield _decided("consentement-hors-equipe", *names)


def _decided(code: str, *actors: str, **more: Any) -> Tree:
    return decided(code, *actors, **{"id": f"{code}-payet", **more})


def resource(category: str, id: str, author: Key, person: Key, *, minimal: bool = False) -> Tree:
    """A resource of a category that nothing puts into the minimal view but a label."""
    tree: Tree = {**_MAKERS[category], "id": id}
    tree[_WHO[tree["resourceType"]]] = _written_by(tree["resourceType"], author)
    tree["agent" if category == "trace" else "subject"] = to(person)
    if tree["resourceType"] == "Task":
        tree["for"] = tree.pop("subject")
    if category == "trace":
        tree["agent"] = [{"who": to(person), "requestor": True}]
    if minimal:
        tree["meta"] = {"security": [{"system": LABEL_SYSTEM, "code": "partage-social"}]}
    return tree


def action(id: str, owner: Key, person: Key) -> Tree:
    """An action of a plan, under a goal."""
    return {
        "resourceType": "Task",
        "id": id,
        "status": "accepted",
        "intent": "order",
        "code": coding(f"{_OURS}/type-action", "prevention"),
        "focus": to(f"Goal/goal-{person.id}"),
        "for": to(person),
        "owner": to(owner),
    }


def goal(person: Key) -> Tree:
    return {
        "resourceType": "Goal",
        "id": f"goal-{person.id}",
        "lifecycleStatus": "active",
        "category": [coding(f"{_OURS}/categorie-objectif", "attente")],
        "description": {"text": "Marcher sans tomber"},
        "subject": to(person),
    }


def document(system: str, code: str) -> Tree:
    return {
        "resourceType": "DocumentReference",
        "status": "current",
        "type": coding(system, code),
        "content": [{"attachment": {"contentType": "text/plain", "data": "dGV4dGU="}}],
    }


def _observation(system: str, code: str) -> Tree:
    return {"resourceType": "Observation", "status": "final", "code": coding(system, code)}


def _task(code: str) -> Tree:
    tree = {"resourceType": "Task", "status": "completed", "intent": "order"}
    return {**tree, "code": coding(f"{_OURS}/type-tache", code)}


def _written_by(type: str, author: Key) -> Any:
    if type == "AuditEvent":
        return {"observer": to(author)}
    return [to(author)] if type in {"DocumentReference", "Observation"} else to(author)


_WHO: Final = {
    "AuditEvent": "source",
    "CarePlan": "author",
    "Communication": "sender",
    "Condition": "recorder",
    "DocumentReference": "author",
    "Observation": "performer",
    "ServiceRequest": "requester",
    "Task": "requester",
}
_MAKERS: Final[Mapping[str, Tree]] = {
    "identite": document(_A05, "PIECE-IDENTITE"),
    "administratif": document(_A05, "ATTEST-DROITS-AM"),
    "social": {
        "resourceType": "Condition",
        "category": [{"extension": [{"url": _SIDE, "valueCode": "social"}]}],
        "code": {"text": "isolement"},
    },
    "sante": _observation(_LOINC, "29463-7"),
    "sante-sensible": {
        "resourceType": "Condition",
        "code": coding("http://hl7.org/fhir/sid/icd-10", "F20.0"),
    },
    "autonomie": _observation(f"{_OURS}/evaluation", "gir"),
    "coordination": _task("retour-domicile"),
    "plan": {
        "resourceType": "CarePlan",
        "status": "active",
        "intent": "plan",
        "category": [coding(f"{_OURS}/categorie-plan", "ppcs")],
    },
    "liaison": document(_R234, "OBS"),
    "projet": document(_LOINC, "80788-3"),
    "mdph": {
        "resourceType": "ServiceRequest",
        "status": "active",
        "intent": "order",
        "code": coding(f"{_OURS}/type-tache", "demande-mdph"),
    },
    "message": {"resourceType": "Communication", "status": "completed"},
    "consentement": document(_A05, "EXPPAT_3"),
    "trace": {
        "resourceType": "AuditEvent",
        "type": {"system": "http://terminology.hl7.org/CodeSystem/audit-event-type", "code": "rest"},
        "recorded": "2026-09-01T10:00:00Z",
    },
    "sollicitation": _task("rectification"),
}
