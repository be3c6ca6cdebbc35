"""What retention reads in resources: dates, what is open, what is closed with what, what a hold holds."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from fhir_server.access.facts import TASK_TYPES
from fhir_server.access.retained import archived, held_by, is_archived, record_of
from fhir_server.access.retention import Piece
from fhir_server.access.tables import shipped_tables
from fhir_server.kernel.keys import Key
from fhir_server.kernel.times import moment_of
from fhir_server.kernel.wire import Tree
from tests.circles import PERSON, coding, consent, dossier, patient, request, stay, to

TABLES = shipped_tables()


def day(text: str) -> int:
    return moment_of(datetime.fromisoformat(text).replace(tzinfo=UTC))


def piece(tree: Tree, *others: Tree) -> Piece:
    record = record_of(PERSON, [tree, patient(), *others], TABLES)
    return record.pieces[0]


def communication(id: str, status: str = "completed", **more: Any) -> Tree:
    return {"resourceType": "Communication", "id": id, "status": status, **more}


def observation(**more: Any) -> Tree:
    return {"resourceType": "Observation", "id": "o", "status": "final", "subject": to(PERSON), **more}


@pytest.mark.parametrize(
    ("elements", "last"),
    [
        ({"effectiveDateTime": "2004"}, "2005-01-01"),
        ({"effectiveDateTime": "2004-02"}, "2004-03-01"),
        ({"effectiveDateTime": "2004-02-29"}, "2004-03-01"),
        ({"effectivePeriod": {"start": "2004-01-01", "end": "2004-05-01"}}, "2004-05-02"),
        ({"effectivePeriod": {"start": "2004-01-01"}}, "2004-01-02"),
        (
            {"effectiveDateTime": "2004-01-01", "issued": "2004-03-01T00:00:00.000Z"},
            "2004-03-01T00:00:00.001",
        ),
    ],
)
def test_the_latest_date_counts_to_its_end(elements: Tree, last: str) -> None:
    assert piece(observation(**elements)).last == day(last)


def test_what_says_no_date_has_none() -> None:
    assert piece(observation()).last is None
    assert piece(observation(effectiveDateTime="long ago")).last is None


@pytest.mark.parametrize(
    ("tree", "is_open"),
    [
        (dossier(), True),
        (dossier(status="finished"), False),
        (stay("hospital"), True),
        (stay("hospital", "finished", end="2026-09-30"), False),
        (request("Organization/dac"), True),
        (request("Organization/dac", status="completed"), False),
        ({**request("Organization/dac"), "code": coding(TASK_TYPES, "retour-domicile")}, False),
        (observation(status="preliminary"), False),
    ],
)
def test_dossiers_stays_and_sollicitations_are_open_or_not(tree: Tree, *, is_open: bool) -> None:
    assert piece(tree).is_open is is_open


def test_a_dossier_ends_with_its_period() -> None:
    tree = dossier(status="finished", period={"start": "2020-01-01", "end": "2022-01-01"})

    assert piece(tree).until == day("2022-01-02")


def test_messages_are_closed_with_their_conversation() -> None:
    conversation = communication("c", sent="2020-01-01")
    early = communication("m", sent="2020-02-01", partOf=[to("Communication/c")])
    late = communication("n", sent="2020-03-01", partOf=[to("Communication/c")])

    assert {one.until for one in (piece(early, conversation, late), piece(conversation, early, late))} == {
        day("2020-03-02")
    }
    still = communication("c", "in-progress")
    assert piece(early, still, late).until is None


def test_a_consent_ends_when_it_was_withdrawn_or_has_expired() -> None:
    assert piece(consent("reconnaissance-equipe")).until is None
    assert piece(consent("reconnaissance-equipe", end="2026-12-31")).until == day("2027-01-01")
    withdrawn = consent("reconnaissance-equipe", status="inactive", dated="2025-01-01")
    assert piece({**withdrawn, "meta": {"lastUpdated": "2026-01-01T00:00:00Z"}}).until == day(
        "2026-01-01T00:00:01"
    )


def test_a_resource_refers_to_what_is_in_the_record() -> None:
    file = {"resourceType": "Binary", "id": "f", "contentType": "text/plain"}
    letter: Tree = {
        "resourceType": "DocumentReference",
        "id": "l",
        "status": "current",
        "subject": to(PERSON),
        "author": [to("PractitionerRole/nurse")],
        "content": [{"attachment": {"url": "Binary/f"}}],
    }

    assert piece(letter, file).refers == (Key("Binary", "f"), PERSON)


def test_a_provenance_refers_to_its_targets_alone() -> None:
    tree = {
        "resourceType": "Provenance",
        "id": "s",
        "target": [to("Observation/o")],
        "agent": [{"who": to(PERSON)}],
    }

    assert piece(tree, observation()).refers == (Key("Observation", "o"),)


def test_what_names_another_person_is_shared() -> None:
    both = [{"actor": to(key), "status": "accepted"} for key in (PERSON, "Patient/other")]
    tree = {"resourceType": "Appointment", "id": "a", "status": "booked", "participant": both}

    assert piece(tree).shared
    assert not piece(observation()).shared


def test_the_person_is_born_and_has_died() -> None:
    record = record_of(PERSON, [patient(deceasedDateTime="2020-01-01")], TABLES)

    assert (record.born, record.died) == (day("1939-02-18"), day("2020-01-02"))


@pytest.mark.parametrize(
    ("status", "held"), [("in-progress", (PERSON, Key("Observation", "o"))), ("completed", ())]
)
def test_an_open_hold_holds_whom_it_is_for_and_its_focus(status: str, held: tuple[Key, ...]) -> None:
    tree = request("Organization/dac", "gel", status, focus=to("Observation/o"))

    assert held_by(tree) == held
    assert held_by(request("Organization/dac")) == ()


def test_the_tag_of_the_archive_says_since_when() -> None:
    tree = archived(observation(meta={"tag": [{"code": "x"}]}), "2026-11-22")

    assert is_archived(tree)
    assert not is_archived(observation())
    assert [tag["code"] for tag in tree["meta"]["tag"]] == ["x", "archive"]
    assert tree["meta"]["tag"][1]["extension"][0]["valueDate"] == "2026-11-22"
    assert piece(tree).is_archived
