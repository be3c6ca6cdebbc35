"""The search parameters of the French implementation guides, restated by us: a member of `cordee.fr.zip`.

Only facts of the guides are here (canonical URL, code, bases, type, path), not their texts. A definition that says no
more than R4's own is left out: `source` of List, `start` of Slot.

Three are said better than published. PDSm puts the organisation of an author on `List.source` and looks for it on the
List; the annuaire has the period of an Organization on the Organization and looks for it on its addresses: both places
are searched. A commune's code is a Coding, which a string parameter cannot read, so its `code` is named.

`tools/fsh` writes the archive, with the profiles of the guides.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import orjson

ANS: Final = "https://interop.esante.gouv.fr/ig/fhir"
MHD: Final = "https://profiles.ihe.net/ITI/MHD"
VERSIONS: Final = {
    f"{ANS}/annuaire": "1.2.0-snapshot-2",
    f"{ANS}/cds": "2.0.1",
    f"{ANS}/gap": "3.0.0",
    f"{ANS}/nde": "3.0.0",
    f"{ANS}/pdsm": "3.1.1",
    f"{ANS}/tde": "2.0.0",
    MHD: "4.2.x",
}


class Restated(NamedTuple):
    """A SearchParameter: where the guide is, the id there, and what it says."""

    guide: str
    id: str
    code: str
    base: str  # separated by blanks
    type: str
    expression: str
    target: str = ""  # of a reference; empty: any type


def _extension(url: str, *parts: str) -> str:
    """The path to the value of an extension, or of a part of it."""
    steps = "".join(f".extension.where(url='{part}')" for part in parts)
    return f"extension.where(url='{url}'){steps}.value"


_ANNUAIRE: Final = f"{ANS}/annuaire"
_TRACE: Final = f"{_ANNUAIRE}/StructureDefinition/as-ext-data-trace"
_CARD: Final = f"{_ANNUAIRE}/StructureDefinition/as-ext-practitionerrole-smartcard"
_MAILBOX: Final = f"{_ANNUAIRE}/StructureDefinition/as-ext-mailbox-mss-metadata"
_LICENCE: Final = f"{_ANNUAIRE}/StructureDefinition/as-ext-organization-pharmacy-licence"
_INSEE: Final = "https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-address-insee-code"
_USE_PERIOD: Final = "http://hl7.org/fhir/StructureDefinition/organization-period"
_BIRTHPLACE: Final = "http://hl7.org/fhir/StructureDefinition/patient-birthPlace"
_EVENT: Final = f"{ANS}/nde/StructureDefinition/event-type"
_ARCHIVED: Final = f"{ANS}/pdsm/StructureDefinition/pdsm-ext-is-archived"
_AUTHOR_ORG: Final = f"{MHD}/StructureDefinition/ihe-authorOrg"
_DESIGNATION: Final = f"{MHD}/StructureDefinition/ihe-designationType"
_SOURCE_ID: Final = f"{MHD}/StructureDefinition/ihe-sourceId"

_DIRECTORY: Final = "Organization Practitioner PractitionerRole Device HealthcareService"
_MAILBOXES: Final = "Organization Practitioner PractitionerRole"

RESTATED: Final = (
    # The directory of professionals and organisations, and their secure mailboxes
    Restated(_ANNUAIRE, "as-sp-mailbox-mss", "mailbox-mss", _MAILBOXES, "string", "telecom.value"),
    Restated(
        _ANNUAIRE,
        "as-sp-mailbox-mss-type",
        "mailbox-mss-type",
        _MAILBOXES,
        "token",
        f"telecom.{_extension(_MAILBOX, 'type')}",
    ),
    Restated(
        _ANNUAIRE,
        "as-sp-data-information-system",
        "data-information-system",
        _DIRECTORY,
        "token",
        _extension(_TRACE, "systeme-information"),
    ),
    Restated(
        _ANNUAIRE,
        "as-sp-data-registration-authority",
        "data-registration-authority",
        _DIRECTORY,
        "token",
        _extension(_TRACE, "autorite-enregistrement"),
    ),
    Restated(_ANNUAIRE, "as-sp-address-line", "address-line", "Organization", "string", "address.line"),
    Restated(
        _ANNUAIRE,
        "as-sp-insee-code",
        "address-insee",
        "Organization",
        "string",
        f"address.{_extension(_INSEE)}.as(Coding).code",
    ),
    Restated(
        _ANNUAIRE,
        "as-sp-organization-period",
        "period",
        "Organization",
        "date",
        f"{_extension(_USE_PERIOD)} | address.{_extension(_USE_PERIOD)}",
    ),
    Restated(
        _ANNUAIRE,
        "as-sp-pharmacy-licence",
        "pharmacy-licence",
        "Organization",
        "string",
        _extension(_LICENCE),
    ),
    Restated(
        _ANNUAIRE,
        "as-sp-qualification-code",
        "qualification-code",
        "Practitioner",
        "token",
        "qualification.code",
    ),
    Restated(
        _ANNUAIRE,
        "as-sp-number-smartcard",
        "number-smartcard",
        "PractitionerRole",
        "string",
        _extension(_CARD, "number"),
    ),
    Restated(
        _ANNUAIRE,
        "as-sp-type-smartcard",
        "type-smartcard",
        "PractitionerRole",
        "token",
        _extension(_CARD, "type"),
    ),
    # The circle of care
    Restated(f"{ANS}/cds", "cds-careteam-start", "start", "CareTeam", "date", "CareTeam.period.start"),
    Restated(f"{ANS}/cds", "cds-careteam-end", "end", "CareTeam", "date", "CareTeam.period.end"),
    Restated(
        f"{ANS}/cds",
        "cds-careteam-participant-start",
        "participant-start",
        "CareTeam",
        "date",
        "CareTeam.participant.period.start",
    ),
    Restated(
        f"{ANS}/cds",
        "cds-careteam-participant-end",
        "participant-end",
        "CareTeam",
        "date",
        "CareTeam.participant.period.end",
    ),
    Restated(
        f"{ANS}/cds",
        "cds-careteam-managing-organization",
        "managingOrganization",
        "CareTeam",
        "reference",
        "CareTeam.managingOrganization",
        "Organization",
    ),
    Restated(
        f"{ANS}/cds",
        "cds-patient-birthplace",
        "birthplace",
        "Patient",
        "string",
        f"extension('{_BIRTHPLACE}').value as Address",
    ),
    # Shared agendas
    Restated(
        f"{ANS}/gap", "GAP-Appointment-created", "created", "Appointment", "date", "Appointment.created"
    ),
    Restated(
        f"{ANS}/gap",
        "GAP-Appointment-description",
        "description",
        "Appointment",
        "string",
        "Appointment.comment | Appointment.description",
    ),
    Restated(
        f"{ANS}/gap", "GAP-Appointment-priority", "priority", "Appointment", "token", "Appointment.priority"
    ),
    Restated(
        f"{ANS}/gap", "GAP-Appointment-earliestStart", "start", "Appointment", "date", "Appointment.start"
    ),
    Restated(
        f"{ANS}/gap", "GAP-Appointment-latestStart", "start", "Appointment", "date", "Appointment.start"
    ),
    # Notification of events
    Restated(
        f"{ANS}/nde",
        "NdE-CommunicationRequest-EventType",
        "event-type",
        "CommunicationRequest",
        "token",
        _extension(_EVENT),
    ),
    # Sharing of documents
    Restated(
        f"{ANS}/pdsm",
        "PDSm-isArchived",
        "isArchived",
        "DocumentReference List",
        "token",
        _extension(_ARCHIVED),
    ),
    Restated(
        f"{ANS}/pdsm",
        "PDSm-DocumentReference-period-start",
        "period-start",
        "DocumentReference",
        "date",
        "DocumentReference.context.period.start",
    ),
    Restated(
        f"{ANS}/pdsm",
        "PDSm-DocumentReference-period-end",
        "period-end",
        "DocumentReference",
        "date",
        "DocumentReference.context.period.end",
    ),
    Restated(
        f"{ANS}/pdsm",
        "PDSm-List-authorOrg",
        "authorOrg",
        "List",
        "reference",
        f"List.{_extension(_AUTHOR_ORG)} | List.source.{_extension(_AUTHOR_ORG)}",
        "Organization",
    ),
    Restated(
        MHD,
        "DocumentReference-Creation",
        "creation",
        "DocumentReference",
        "date",
        "DocumentReference.content.attachment.creation",
    ),
    Restated(
        MHD, "List-DesignationType", "designationType", "List", "token", f"List.{_extension(_DESIGNATION)}"
    ),
    Restated(MHD, "List-SourceId", "sourceId", "List", "token", f"List.{_extension(_SOURCE_ID)}"),
    # Traces
    Restated(
        f"{ANS}/tde",
        "TDE-AuditEvent-period-start",
        "period-start",
        "AuditEvent",
        "date",
        "AuditEvent.period.start",
    ),
)


def definition_of(restated: Restated) -> dict[str, Any]:
    """The SearchParameter resource."""
    definition: dict[str, Any] = {
        "resourceType": "SearchParameter",
        "id": restated.id,
        "url": f"{restated.guide}/SearchParameter/{restated.id}",
        "version": VERSIONS[restated.guide],
        "name": restated.id.replace("-", "_"),
        "status": "active",
        "description": f"Restated: `{restated.code}` of {restated.base.replace(' ', ', ')}.",
        "code": restated.code,
        "base": restated.base.split(),
        "type": restated.type,
        "expression": restated.expression,
    }
    if restated.target:
        definition["target"] = restated.target.split()
    return definition


def members() -> Iterator[tuple[str, bytes]]:
    yield "SearchParameter.json", orjson.dumps([definition_of(restated) for restated in RESTATED])
