"""A trace as AuditEvents: one with all that is known of an act, and one for each person it was about.

They are separate records, because access shows or hides whole resources. `AuditEvent/<id>` says everything, for the
data protection officer and operators; `AuditEvent/<id>.1` is what the first person of the trace reads: when, who, for
which organisation, what kind of act on what kind of data. It names no other person, no resource (one may be hidden from
them), and nothing technical.

Both keep the national profile: at most two agents, each of whom is named. https://interop.esante.gouv.fr/ig/fhir/tde
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import Any, Final

from fhir_server.kernel.keys import Key
from fhir_server.kernel.times import instant_text
from fhir_server.kernel.trace import Recorded
from fhir_server.kernel.values import immutable
from fhir_server.kernel.wire import Tree, decode

PROFILE: Final = "https://interop.esante.gouv.fr/ig/fhir/tde/StructureDefinition/tde-auditevent"
CATEGORY: Final = "https://cordee.example/fhir/CodeSystem/categorie-donnee"
ORGANISATION: Final = "https://cordee.example/fhir/StructureDefinition/trace-organisation"
SOFTWARE: Final = "https://cordee.example/fhir/StructureDefinition/trace-logiciel"

_TYPES: Final = "http://terminology.hl7.org/CodeSystem/audit-event-type"
_INTERACTIONS: Final = "http://hl7.org/fhir/restful-interaction"
_DICOM: Final = "http://dicom.nema.org/resources/ontology/DCM"
_REASONS: Final = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
_SOURCES: Final = "http://terminology.hl7.org/CodeSystem/security-source-type"
_ROLES: Final = "http://terminology.hl7.org/CodeSystem/object-role"
_ENTITIES: Final = "http://hl7.org/fhir/resource-types"
_OBJECTS: Final = "http://terminology.hl7.org/CodeSystem/audit-entity-type"

_PATIENT: Final = {"system": _ROLES, "code": "1", "display": "Patient"}
_RESOURCE: Final = {"system": _ROLES, "code": "4", "display": "Domain Resource"}
_QUERY: Final = {"system": _ROLES, "code": "24", "display": "Query"}
# https://profiles.ihe.net/ITI/BALP/StructureDefinition-IHE.BasicAudit.PatientQuery.html
_REQUEST: Final = {
    "system": "https://profiles.ihe.net/ITI/BALP/CodeSystem/BasicAuditEntityType",
    "code": "XrequestId",
}
_REST: Final = {"system": _TYPES, "code": "rest", "display": "Restful Operation"}
# The type and the subtype of acts that are no request for resources.
_ACTS: Final[Mapping[str, tuple[Tree, Tree | None]]] = {
    "login": (
        {"system": _DICOM, "code": "110114", "display": "User Authentication"},
        {"system": _DICOM, "code": "110122", "display": "Login"},
    ),
    "logout": (
        {"system": _DICOM, "code": "110114", "display": "User Authentication"},
        {"system": _DICOM, "code": "110123", "display": "Logout"},
    ),
    "export": ({"system": _DICOM, "code": "110106", "display": "Export"}, None),
    "import": ({"system": _DICOM, "code": "110107", "display": "Import"}, None),
    "print": ({"system": _DICOM, "code": "110106", "display": "Export"}, None),
    "send": ({"system": _DICOM, "code": "110106", "display": "Export"}, None),
    "archive": (_REST, {"system": _INTERACTIONS, "code": "update"}),
    "purge": (_REST, {"system": _INTERACTIONS, "code": "delete"}),
    "rights": (
        {"system": _DICOM, "code": "110113", "display": "Security Alert"},
        {"system": _DICOM, "code": "110136", "display": "Security Roles Changed"},
    ),
    "feed": (_REST, {"system": _INTERACTIONS, "code": "create"}),
}
_ACTIONS: Final[Mapping[str, str]] = {
    "create": "C",
    "feed": "C",
    "import": "C",
    "read": "R",
    "vread": "R",
    "capabilities": "R",
    "export": "R",
    "print": "R",
    "send": "R",
    "history-instance": "R",
    "history-type": "R",
    "history-system": "R",
    "update": "U",
    "patch": "U",
    "archive": "U",
    "rights": "U",
    "delete": "D",
    "purge": "D",
}
_EXECUTE: Final = "E"


@immutable
class Observer:
    """This server, as traces name it."""

    site: str = "cordee"  # whose installation it is
    system: str = "urn:ietf:rfc:3986"
    value: str = "urn:cordee"  # its base URL, where it is known


@immutable
class Place:
    """Which of the records of a trace an id means. `person`: 0 for all that is known, from 1 on for a person's."""

    id: str
    person: int = 0


def place_of(id: str) -> Place:
    """What the id of an AuditEvent says. The id of the trace may be anything."""
    trace, mark, person = id.partition(".")
    if mark and person.isascii() and person.isdecimal() and not person.startswith("0") and len(person) < 6:
        return Place(trace, int(person))
    return Place(id)


def persons_of(recorded: Recorded, names: Mapping[int, Key]) -> list[Key | None]:
    """The Patients of a trace, in the order of their records; None stands for one that was purged."""
    return _persons(decode(recorded.data), names)


def event_of(recorded: Recorded, names: Mapping[int, Key], observer: Observer) -> Tree:
    """All that is known. `names`: the Patients whom the trace has by number (`TracePage.names`)."""
    said = decode(recorded.data)
    if "event" in said:
        return _fed(said["event"], recorded)
    tree = _head(recorded, said, recorded.id)
    if said.get("rule") or said.get("gate"):
        tree["outcomeDesc"] = _reason(said)
    tree["agent"] = _agents(said, technical=True)
    tree["source"] = _source(observer)
    entities: list[Tree] = [
        {"what": {"reference": str(key)}, "role": _PATIENT} if key else {"name": "purged", "role": _PATIENT}
        for key in dict.fromkeys(_persons(said, names))
    ]
    entities += [_thing(thing) for thing in said.get("what", ()) if thing[0] != "Patient"]
    if "query" in said or "type" in said:
        asked = f"{said.get('type', '')}?{said.get('query', '')}".encode()
        entities.append({"type": _object(), "role": _QUERY, "query": b64encode(asked).decode()})
    details = [
        {"type": name, "valueString": str(said[name])}
        for name in ("operation", "status", "gate", "rule", "count")
        if name in said
    ]
    if details:
        entities.append({"type": _object(), "name": said["kind"], "detail": details})
    if request := said.get("request"):
        entities.append({"what": {"identifier": {"value": request}}, "type": _REQUEST})
    if entities:
        tree["entity"] = entities
    return tree


def event_for(recorded: Recorded, names: Mapping[int, Key], person: int, observer: Observer) -> Tree | None:
    """What the person of this place, from 1 on, reads of a trace; None if it has no such person."""
    said = decode(recorded.data)
    persons = _persons(said, names)
    if not 1 <= person <= len(persons) or (key := persons[person - 1]) is None:
        return None
    tree = _head(recorded, said, f"{recorded.id}.{person}")
    tree["agent"] = _agents(said, technical=False)
    tree["source"] = _source(observer)
    kinds = sorted({(thing[0], thing[3]) for thing in said.get("what", ())})
    if not kinds and "type" in said:
        kinds = [(said["type"], "")]
    tree["entity"] = [
        {"what": {"reference": str(key)}, "role": _PATIENT},
        *(_of_kind(*kind) for kind in kinds if kind[0] != "Patient"),
    ]
    return tree


def _head(recorded: Recorded, said: Tree, id: str) -> Tree:
    kind = said["kind"]
    sort, subtype = _ACTS.get(kind, (_REST, {"system": _INTERACTIONS, "code": kind}))
    tree: Tree = {
        "resourceType": "AuditEvent",
        "id": id,
        "meta": {
            "versionId": "1",
            "lastUpdated": instant_text(recorded.recorded),
            "profile": [PROFILE],
            "security": [{"system": CATEGORY, "code": "trace"}],
        },
        "type": sort,
    }
    if subtype is not None:
        tree["subtype"] = [subtype]
    tree["action"] = _ACTIONS.get(kind, _EXECUTE)
    tree["period"] = {"start": instant_text(said["at"])}
    if "until" in said:
        tree["period"]["end"] = instant_text(said["until"])
    tree["recorded"] = instant_text(recorded.recorded)
    tree["outcome"] = str(recorded.outcome)
    purpose = said["agent"].get("purpose")
    if purpose:
        tree["purposeOfEvent"] = [{"coding": [{"system": _REASONS, "code": purpose}]}]
    return tree


def _agents(said: Tree, *, technical: bool) -> list[Tree]:
    """The person acting first: with a delegate, who asked is the second."""
    agent = said["agent"]
    delegator = agent.get("for")
    acting: Tree = {}
    if extensions := _extensions(agent, technical=technical):
        acting["extension"] = extensions
    if roles := agent.get("roles"):
        acting["role"] = [{"text": role} for role in roles]
    acting["who"] = _who(agent, technical=technical)
    acting["requestor"] = True
    if technical and (address := said.get("address")):
        acting["network"] = {"address": address, "type": "2"}
    if not delegator:
        return [acting]
    return [{"who": {"reference": delegator}, "requestor": False}, acting]


def _who(agent: Tree, *, technical: bool) -> Tree:
    who: Tree = {}
    if reference := agent.get("who"):
        who["reference"] = reference
    if (subject := agent.get("subject")) and (technical or not reference):
        who["identifier"] = (
            {"system": agent["issuer"], "value": subject} if agent.get("issuer") else {"value": subject}
        )
    return who or {"display": "anyone" if agent.get("kind") == "anyone" else "unknown"}


def _extensions(agent: Tree, *, technical: bool) -> list[Tree]:
    found: list[Tree] = []
    if organisation := agent.get("org"):
        found.append({"url": ORGANISATION, "valueReference": {"reference": organisation}})
    if technical and (client := agent.get("client")):
        identifier = (
            {"system": agent["issuer"], "value": client} if agent.get("issuer") else {"value": client}
        )
        found.append({"url": SOFTWARE, "valueIdentifier": identifier})
    return found


def _source(observer: Observer) -> Tree:
    return {
        "site": observer.site,
        "observer": {"type": "Device", "identifier": {"system": observer.system, "value": observer.value}},
        "type": [{"system": _SOURCES, "code": "4", "display": "Application Server"}],
    }


def _thing(thing: Sequence[Any]) -> Tree:
    name, number, version, category, action = thing
    reference = f"{name}/{number}/_history/{version}" if version else f"{name}/{number}"
    tree: Tree = {"what": {"reference": reference}, **_of_kind(name, category)}
    if action != "R":
        tree["detail"] = [{"type": "action", "valueString": action}]
    return tree


def _of_kind(type: str, category: str) -> Tree:
    tree: Tree = {"type": {"system": _ENTITIES, "code": type}, "role": _RESOURCE}
    if category:
        tree["securityLabel"] = [{"system": CATEGORY, "code": category}]
    return tree


def _object() -> Tree:
    return {"system": _OBJECTS, "code": "2", "display": "System Object"}


def _persons(said: Tree, names: Mapping[int, Key]) -> list[Key | None]:
    """Those known by name first. The place of each never changes, so a person may be there twice."""
    known: list[Key | None] = [Key("Patient", name) for name in said.get("persons", ())]
    return [*known, *(names.get(number) for number in said.get("numbers", ()))]


def _reason(said: Tree) -> str:
    gate, rule = said.get("gate"), said.get("rule", "")
    return f"Gate {gate}: {rule}" if gate else str(rule)


def _fed(event: Tree, recorded: Recorded) -> Tree:
    """As it was sent, under our id."""
    meta = event.get("meta")
    stamps = {"versionId": "1", "lastUpdated": instant_text(recorded.recorded)}
    given = {name: value for name, value in event.items() if name not in {"resourceType", "id", "meta"}}
    return {
        "resourceType": "AuditEvent",
        "id": recorded.id,
        "meta": {**(meta if isinstance(meta, dict) else {}), **stamps},
        **given,
    }
