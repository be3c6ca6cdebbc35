"""Who has a part in a resource: those who wrote or own it, and those it is addressed to or names as taking part.

What a role reads or updates as *own* is decided by this table. Authors are parties too. An organisation counts as
author of a document or a finding only where no individual is named: otherwise a result that a laboratory signs would be
every employee's own. As owner of a record, a request or an agenda it always counts.
"""

from __future__ import annotations

from typing import Final

from fhir_server.access.reading import keys
from fhir_server.kernel.keys import Key
from fhir_server.kernel.values import immutable
from fhir_server.kernel.wire import Tree

ACTORS: Final = frozenset(
    {"Practitioner", "PractitionerRole", "Organization", "Patient", "RelatedPerson", "Device"}
)


@immutable
class Roles:
    """Paths of elements. `owners`: who answers for it, organisations included; `others`: parties, no authors."""

    authors: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()
    others: tuple[str, ...] = ()


@immutable
class Parties:
    authors: tuple[Key, ...]
    all: tuple[Key, ...]


# Of the types that the table below leaves out.
_USUAL: Final = Roles(
    authors=("author", "performer", "performer.actor", "recorder", "asserter", "requester", "enterer"),
    others=("recipient",),
)
_TABLE: Final = {
    "Account": Roles(owners=("owner",)),
    "AdverseEvent": Roles(authors=("recorder",), others=("contributor",)),
    "Appointment": Roles(owners=("participant.actor",)),
    "AppointmentResponse": Roles(authors=("actor",)),
    "AuditEvent": Roles(),
    "Binary": Roles(),
    "CarePlan": Roles(authors=("author", "contributor")),
    "CareTeam": Roles(owners=("managingOrganization",), others=("participant.member",)),
    "Claim": Roles(authors=("enterer", "provider")),
    "ClinicalImpression": Roles(authors=("assessor",)),
    "Communication": Roles(authors=("sender",), others=("recipient",)),
    "CommunicationRequest": Roles(authors=("requester", "sender"), others=("recipient",)),
    "Composition": Roles(authors=("author", "attester.party")),
    "Consent": Roles(authors=("performer",), owners=("organization",)),
    "CoverageEligibilityRequest": Roles(authors=("enterer", "provider")),
    "DeviceRequest": Roles(authors=("requester",), others=("performer",)),
    "DiagnosticReport": Roles(authors=("performer", "resultsInterpreter")),
    # An organisation, a practitioner in `context.related` is one that the document is addressed to.
    "DocumentReference": Roles(authors=("author", "authenticator"), others=("context.related",)),
    "Encounter": Roles(authors=("participant.individual",), owners=("serviceProvider",)),
    "EpisodeOfCare": Roles(authors=("careManager",), owners=("managingOrganization",)),
    "ExplanationOfBenefit": Roles(authors=("enterer", "provider")),
    "Goal": Roles(others=("expressedBy",)),
    "ImagingStudy": Roles(authors=("interpreter",), others=("referrer",)),
    "Invoice": Roles(authors=("participant.actor",), owners=("issuer",), others=("recipient",)),
    "List": Roles(authors=("source",)),
    "MeasureReport": Roles(owners=("reporter",)),
    "Media": Roles(authors=("operator",)),
    "MedicationDispense": Roles(authors=("performer.actor",), others=("receiver",)),
    "MedicationRequest": Roles(authors=("requester", "recorder"), others=("performer",)),
    "MedicationStatement": Roles(others=("informationSource",)),
    "NutritionOrder": Roles(authors=("orderer",)),
    "Person": Roles(),
    "Provenance": Roles(authors=("agent.who",)),
    "QuestionnaireResponse": Roles(authors=("author", "source")),
    "Schedule": Roles(owners=("actor",)),
    "ServiceRequest": Roles(authors=("requester",), others=("performer",)),
    "Specimen": Roles(authors=("collection.collector",)),
    "SupplyDelivery": Roles(authors=("supplier",), others=("receiver",)),
    "SupplyRequest": Roles(authors=("requester",), others=("supplier",)),
    "Task": Roles(owners=("requester", "owner")),
    "VisionPrescription": Roles(authors=("prescriber",)),
}
_ACTION: Final = Roles(owners=("owner",))  # only the owner moves an action


def parties_of(tree: Tree, bases: tuple[str, ...] = (), *, action: bool = False) -> Parties:
    """Who has a part in a resource, sorted. `action`: it is an action of a plan, which is its owner's alone."""
    if tree["resourceType"] in {"Patient", "RelatedPerson"}:
        itself = (Key(tree["resourceType"], tree["id"]),) if "id" in tree else ()
        return Parties(itself, itself)
    roles = _ACTION if action else _TABLE.get(tree["resourceType"], _USUAL)
    authors = _at(tree, roles.authors, bases)
    if any(key.type != "Organization" for key in authors):
        authors = {key for key in authors if key.type != "Organization"}
    authors |= _at(tree, roles.owners, bases)
    return Parties(tuple(sorted(authors)), tuple(sorted(authors | _at(tree, roles.others, bases))))


def organisation_in(tree: Tree, bases: tuple[str, ...] = ()) -> Key | None:
    """The organisation that a resource says it comes from; None: it names none, or several."""
    roles = _TABLE.get(tree["resourceType"], _USUAL)
    found = _at(tree, (*roles.authors, *roles.owners, "custodian"), bases)
    organisations = [key for key in found if key.type == "Organization"]
    return organisations[0] if len(organisations) == 1 else None


def _at(tree: Tree, paths: tuple[str, ...], bases: tuple[str, ...]) -> set[Key]:
    return {
        key
        for path in paths
        if path.partition(".")[0] in tree
        for key in keys(tree, path, bases)
        if key.type in ACTORS
    }
