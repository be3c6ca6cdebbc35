"""An AuditEvent as DICOM's audit message, which security systems of hospitals collect.

Both descend from RFC 3881, so nearly every element has its counterpart. What AuditEvent says in codes of its own keeps
them. Nothing is told that the AuditEvent does not tell.

https://dicom.nema.org/medical/dicom/current/output/chtml/part15/sect_A.5.html · https://hl7.org/fhir/R4/auditevent-mappings.html
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Mapping
from typing import Any, Final

from lxml import etree

Tree = dict[str, Any]

_DCM: Final = "http://dicom.nema.org/resources/ontology/DCM"
# Of types of entities that say what their identifier is of: a resource, a request.
_NAMING: Final = frozenset(
    {
        "http://hl7.org/fhir/resource-types",
        "https://profiles.ihe.net/ITI/BALP/CodeSystem/BasicAuditEntityType",
    }
)
# What happened, where the AuditEvent has no code of DICOM: by the interaction, else by the action.
_PATIENT_RECORD: Final = ("110110", "Patient Record")
_QUERY: Final = ("110112", "Query")
_ACTIVITY: Final = ("110100", "Application Activity")
_EVENTS: Final[Mapping[str, tuple[str, str]]] = {
    "search-type": _QUERY,
    "search-system": _QUERY,
    "history-type": _QUERY,
    "history-system": _QUERY,
    "capabilities": _ACTIVITY,
}
_NO_DATA: Final = "unknown"  # where DICOM asks for a text that there is not
# What cannot be in a text of XML 1.0. https://www.w3.org/TR/xml/#charsets
_FORBIDDEN: Final = dict.fromkeys(
    (*(n for n in range(32) if n not in {9, 10, 13}), *range(0xD800, 0xE000), 0xFFFE, 0xFFFF)
)


def message_of(event: Tree) -> bytes:
    """The AuditMessage, UTF-8, without an XML declaration: it is to lie within a line of syslog.

    Raises `KeyError` for what is no AuditEvent.
    """
    message = etree.Element("AuditMessage")
    _event(message, event)
    for agent in event.get("agent", ()):
        _participant(message, agent)
    _source(message, event["source"])
    for entity in event.get("entity", ()):
        _object(message, entity)
    return etree.tostring(message, encoding="UTF-8", xml_declaration=False)


def _event(message: etree._Element, event: Tree) -> None:
    identification = _child(
        message,
        "EventIdentification",
        EventActionCode=event.get("action", "E"),
        EventDateTime=event["recorded"],
        EventOutcomeIndicator=event.get("outcome", "0"),
    )
    subtypes = event.get("subtype", [])
    code, name = _event_id(event["type"], subtypes)
    _child(identification, "EventID", **_coded(code, "DCM", name))
    for coding in subtypes:
        _child(identification, "EventTypeCode", **_coding(coding))
    if "outcomeDesc" in event:
        _child(identification, "EventOutcomeDescription", event["outcomeDesc"])
    for purpose in event.get("purposeOfEvent", ()):
        for coding in purpose.get("coding", ())[:1]:
            _child(identification, "PurposeOfUse", **_coding(coding))


def _event_id(sort: Tree, subtypes: list[Tree]) -> tuple[str, str]:
    if sort.get("system") == _DCM:
        return str(sort["code"]), str(sort.get("display", sort["code"]))
    for coding in subtypes:
        if coding.get("code") in _EVENTS:
            return _EVENTS[coding["code"]]
    return _PATIENT_RECORD


def _participant(message: etree._Element, agent: Tree) -> None:
    who = agent.get("who", {})
    identifier = who.get("identifier", {})
    network = agent.get("network", {})
    participant = _child(
        message,
        "ActiveParticipant",
        UserID=_text_of(who),
        AlternativeUserID=agent.get("altId") or (identifier.get("value") if "reference" in who else None),
        UserName=agent.get("name"),
        UserIsRequestor="true" if agent.get("requestor") else "false",
        NetworkAccessPointID=network.get("address"),
        NetworkAccessPointTypeCode=network.get("type"),
    )
    for role in agent.get("role", ()):
        coding = next(iter(role.get("coding", ())), None)
        coded = (
            _coding(coding)
            if coding
            else _coded(role.get("text", _NO_DATA), "text", role.get("text", _NO_DATA))
        )
        _child(participant, "RoleIDCode", **coded)


def _source(message: etree._Element, source: Tree) -> None:
    site = source.get("site")
    kinds = source.get("type", [])
    _child(
        message,
        "AuditSourceIdentification",
        AuditSourceID=_text_of(source["observer"]),
        AuditEnterpriseSiteID=site,
        code=kinds[0].get("code") if kinds else None,
    )


def _object(message: etree._Element, entity: Tree) -> None:
    role = entity.get("role", {}).get("code")
    sort = entity.get("type", {})
    person = role == "1"
    what = entity.get("what", {})
    labels = [label["code"] for label in entity.get("securityLabel", ()) if "code" in label]
    found = _child(
        message,
        "ParticipantObjectIdentification",
        ParticipantObjectID=_text_of(what),
        ParticipantObjectTypeCode="1" if person else "2",
        ParticipantObjectTypeCodeRole=role,
        ParticipantObjectDataLifeCycle=entity.get("lifecycle", {}).get("code"),
        ParticipantObjectSensitivity=" ".join(labels) or None,
    )
    if person:
        kind = _coded("2", "RFC-3881", "Patient Number")
    elif "query" in entity:
        kind = _coded("10", "RFC-3881", "Search Criteria")
    elif sort.get("system") in _NAMING:
        kind = _coding(sort)
    else:
        kind = _coded("12", "RFC-3881", "URI")
    _child(found, "ParticipantObjectIDTypeCode", **kind)
    if "query" in entity:
        _child(found, "ParticipantObjectQuery", entity["query"])
    else:
        _child(found, "ParticipantObjectName", entity.get("name") or _text_of(what))
    for name, value in _details(entity):
        _child(found, "ParticipantObjectDetail", type=name, value=b64encode(value.encode()).decode())


def _details(entity: Tree) -> Iterator[tuple[str, str]]:
    for detail in entity.get("detail", ()):
        value = detail.get("valueString", detail.get("valueBase64Binary"))
        if isinstance(value, str):
            yield detail.get("type", _NO_DATA), value


def _text_of(reference: Tree) -> str:
    """A reference as one text: by its address, else by its identifier."""
    identifier = reference.get("identifier", {})
    return str(reference.get("reference") or identifier.get("value") or reference.get("display") or _NO_DATA)


def _coding(coding: Tree) -> dict[str, str | None]:
    system = coding.get("system", "")
    code = coding.get("code", _NO_DATA)
    return _coded(code, "DCM" if system == _DCM else system, str(coding.get("display", code)))


def _coded(code: str, system: str, name: str) -> dict[str, str | None]:
    return {"csd-code": code, "codeSystemName": system, "originalText": name}


def _child(
    parent: etree._Element, name: str, text: str | None = None, **attributes: str | None
) -> etree._Element:
    """An element with the attributes that are not None."""
    child = etree.SubElement(parent, name)
    for key, value in attributes.items():
        if value is not None:
            child.set(key, str(value).translate(_FORBIDDEN))
    if text is not None:
        child.text = text.translate(_FORBIDDEN)
    return child
