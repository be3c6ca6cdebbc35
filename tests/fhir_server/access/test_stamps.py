"""Stamps: cells, labels, persons, parties and owners, by what a resource says and who wrote it."""

from __future__ import annotations

from typing import Any

import pytest

from fhir_server.access.caller import Caller
from fhir_server.access.categories import DEFINITIONS, category_of
from fhir_server.access.cells import PARTIES, Part
from fhir_server.access.marks import CONFIDENTIALITY_SYSTEM, LABEL_SYSTEM
from fhir_server.access.stamps import stamp_of
from fhir_server.access.tables import tables_of
from fhir_server.definitions.catalogue import resource_types
from fhir_server.kernel.keys import Key
from fhir_server.search.sight import OPERATORS, PUBLIC, Label, Stamp
from tests.fhir_server.access.stamping import (
    CELLS,
    COORDINATOR,
    LOINC,
    NURSE,
    OURS,
    PERSON,
    TABLES,
    TEAM,
    cell,
    concept,
    document,
    national,
    own,
    task,
    tree,
)

REQUEST = concept((f"{OURS}/CodeSystem/type-tache", "sollicitation"))


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
