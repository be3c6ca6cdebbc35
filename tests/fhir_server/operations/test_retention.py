"""The job of retention, on both stores: what is due is done, what is held or needed stays, what is gone is gone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import orjson
import psycopg
import pytest

from fhir_server.access.facts import TASK_TYPES
from fhir_server.access.retention import Verdict, shipped_rules
from fhir_server.access.tables import shipped_tables
from fhir_server.interactions.call import Action
from fhir_server.kernel.errors import NotFound
from fhir_server.kernel.keys import Key
from fhir_server.kernel.times import moment_of
from fhir_server.kernel.wire import Tree
from fhir_server.operations.retention import Report, Retention
from fhir_server.search.sight import Label
from fhir_server.store.contract import Span
from fhir_server.store.memory import MemoryStore
from fhir_server.store.postgres import PostgresStore
from tests.builders import observation, patient
from tests.circles import coding, to
from tests.fhir_server.interactions.performing import BASE, Performer

GUARDED = {"auth": {"mode": "tokens"}}
PERSON = Key("Patient", "payet")
WEIGHT = Key("Observation", "weight")


@pytest.fixture
async def worker(url: str) -> AsyncIterator[Performer]:
    store = await PostgresStore.open(url, pool_size=4)
    yield Performer(store, **GUARDED)
    await store.close()


@pytest.fixture(params=["memory", "postgres"])
def either(request: pytest.FixtureRequest) -> Performer:
    if request.param == "memory":
        return Performer(MemoryStore(), **GUARDED)
    performer: Performer = request.getfixturevalue("worker")
    return performer


def moment(day: str) -> int:
    return moment_of(datetime.fromisoformat(day).replace(tzinfo=UTC))


async def look_after(
    performer: Performer, day: str, *, dry: bool = False, told: list[Verdict] | None = None
) -> Report:
    job = Retention(performer.server, shipped_rules(), shipped_tables(), moment(day), BASE)
    seen = [] if told is None else told
    return await job.run(lambda report: None, seen.append, dry=dry)


async def is_there(performer: Performer, *keys: Key) -> list[bool]:
    return [await performer.store.read(key) is not None for key in keys]


def weight(id: str = "weight", last: str = "2000-01-01", person: Key = PERSON, **more: Any) -> Tree:
    return {**observation(person, effectiveDateTime=last, **more), "id": id}


def appointment(**more: Any) -> Tree:
    return {
        "resourceType": "Appointment",
        "id": "visit",
        "status": "fulfilled",
        "start": "2000-01-01T08:00:00Z",
        "end": "2000-01-01T09:00:00Z",
        "participant": [{"actor": to(PERSON), "status": "accepted"}],
        **more,
    }


async def fill(performer: Performer) -> None:
    """A person with a finding of 2000, in two versions, and one that was deleted."""
    await performer.put(patient(id="payet", birthDate="1939-02-17"))
    await performer.put(weight())
    await performer.put(weight(note=[{"text": "again"}]))
    await performer.put(weight("deleted"))
    await performer.delete(Key("Observation", "deleted"))


async def test_what_is_past_its_time_is_gone_with_all_its_versions(either: Performer) -> None:
    await fill(either)

    assert (await look_after(either, "2019-12-31")).purged == 0
    report = await look_after(either, "2020-01-03")

    assert (report.persons, report.purged) == (1, 2)
    assert await is_there(either, PERSON, WEIGHT, Key("Observation", "deleted")) == [False] * 3
    assert await either.store.read(WEIGHT, 1) is None
    assert (await either.store.history(Span(count=10))).items == ()
    assert await either.count("Observation") == await either.count("Patient") == 0


async def test_a_purged_id_answers_as_if_it_had_never_been(either: Performer) -> None:
    await fill(either)
    await look_after(either, "2021-01-01")

    for action, version in ((Action.READ, None), (Action.VREAD, "1"), (Action.HISTORY, None)):
        with pytest.raises(NotFound):
            await either(action, *WEIGHT, version=version)
    assert (await either.put(patient(id="payet"))).version == 1


async def test_what_was_purged_has_a_tombstone_and_a_trace(worker: Performer, url: str) -> None:
    await fill(worker)

    await look_after(worker, "2021-01-01")

    with psycopg.connect(url) as connection:
        stones = connection.execute(
            "select id, created, updated, reason from tombstone order by id"
        ).fetchall()
        traces = connection.execute("select data from audit").fetchall()
        left = [
            connection.execute(f"select count(*) from {table}").fetchone()
            for table in (
                "resource",
                "version",
                "entry",
                "entry_string",
                "entry_date",
                "entry_text",
                "access",
            )
        ]
    assert [(name, reason) for name, _, _, reason in stones] == [
        ("deleted", "retention: identity"),
        ("payet", "retention: identity"),
        ("weight", "retention: health"),
    ]
    assert all(created <= updated for _, created, updated, _ in stones)
    assert left == [(0,)] * len(left)
    ((data,),) = traces
    said = orjson.loads(bytes(data))
    assert (said["kind"], said["persons"]) == ("purge", ["payet"])
    assert sorted(thing[1] for thing in said["what"]) == ["deleted", "payet", "weight"]


async def test_an_archive_is_a_tag_with_its_day_and_hides(either: Performer) -> None:
    await either.put(patient(id="payet"))
    await either.put(appointment())
    visit = Key("Appointment", "visit")

    report = await look_after(either, "2003-01-01")
    again = await look_after(either, "2003-01-02")

    assert (report.archived, again.archived) == (2, 0)
    (tag,) = (await either.at(visit))["meta"]["tag"]
    assert tag["code"] == "archive"
    assert tag["extension"][0]["valueDate"] == datetime.now(UTC).date().isoformat()
    stamps = await either.store.stamps([visit, PERSON])
    assert all(stamp.labels & Label.ARCHIVED for stamp in stamps.values())
    assert stamps[visit].parties == ()


async def test_a_dry_run_does_nothing(either: Performer) -> None:
    await fill(either)
    await either.put(appointment())
    told: list[Verdict] = []

    report = await look_after(either, "2021-01-01", dry=True, told=told)

    assert (report.archived, report.purged) == (0, 0)
    assert report.fates["health", "purge"] == 1
    assert report.fates["record", "purge"] == 1
    assert len(told) == 3
    assert await is_there(either, PERSON, WEIGHT) == [True, True]
    assert (await either.at(WEIGHT))["meta"]["versionId"] == "2"


async def test_an_open_hold_stops_the_purge_and_a_closed_one_does_not(either: Performer) -> None:
    await fill(either)
    hold = {
        "resourceType": "Task",
        "id": "hold",
        "status": "in-progress",
        "intent": "order",
        "code": coding(TASK_TYPES, "gel"),
        "for": to(PERSON),
        "focus": to(WEIGHT),
    }
    await either.put(hold)

    report = await look_after(either, "2030-01-01")
    assert (report.purged, report.fates["health", "held"]) == (0, 1)

    await either.put({**hold, "status": "completed"})
    assert (await look_after(either, "2030-01-01")).purged == 3


async def test_what_others_refer_to_stays_with_what_it_refers_to(either: Performer) -> None:
    await fill(either)
    await either.put(weight("other"))
    group = {"resourceType": "List", "id": "l", "status": "current", "mode": "working"}
    await either.put({**group, "entry": [{"item": to(WEIGHT)}]})

    report = await look_after(either, "2030-01-01")

    assert report.fates["health", "needed"] == 1
    assert await is_there(either, PERSON, WEIGHT, Key("Observation", "other")) == [True, True, False]


async def test_what_is_about_two_persons_stays(either: Performer) -> None:
    await fill(either)
    await either.put(patient(id="hoarau"))
    participants = [{"actor": to(key), "status": "accepted"} for key in (PERSON, "Patient/hoarau")]
    await either.put(appointment(participant=participants))

    await look_after(either, "2090-01-01")

    assert await is_there(either, PERSON, Key("Appointment", "visit"), WEIGHT) == [True, True, False]


async def test_requests_and_messages_of_nobody_go_too(either: Performer) -> None:
    request = {
        "resourceType": "Task",
        "id": "request",
        "status": "completed",
        "intent": "order",
        "code": coding(TASK_TYPES, "sollicitation"),
        "lastModified": "2020-01-01T08:00:00Z",
    }
    conversation = {"resourceType": "Communication", "id": "c", "status": "completed"}
    message = {
        "resourceType": "Communication",
        "id": "m",
        "status": "completed",
        "sent": "2020-01-01T08:00:00Z",
        "partOf": [to("Communication/c")],
    }
    for tree in (request, conversation, message):
        await either.put(tree)
    keys = Key("Task", "request"), Key("Communication", "m"), Key("Communication", "c")

    await look_after(either, "2021-12-31")
    assert await is_there(either, *keys) == [True] * 3  # the conversation was closed when it was last written
    await look_after(either, "2022-01-02")
    assert await is_there(either, *keys) == [False, True, True]
    await look_after(either, "2090-01-01")
    assert await is_there(either, *keys) == [False] * 3


async def test_a_record_that_is_being_written_to_waits(worker: Performer) -> None:
    await fill(worker)
    job = Retention(worker.server, shipped_rules(), shipped_tables(), moment("2030-01-01"), BASE)
    holds = job._holds

    async def meanwhile() -> list[Key]:
        await worker.put(weight(note=[{"text": "still alive"}], last="2029-01-01"))
        return await holds()

    job._holds = meanwhile  # type: ignore[method-assign] # between the look and the deed
    report = await job.run(lambda report: None)

    assert (report.purged, report.later) == (0, 1)
    assert await is_there(worker, PERSON, WEIGHT) == [True, True]


async def test_the_others_are_left_alone(either: Performer) -> None:
    await fill(either)
    await either.put(patient(id="hoarau"))
    await either.put(weight("theirs", "2025-01-01", Key("Patient", "hoarau")))

    report = await look_after(either, "2030-01-01")

    assert (report.persons, report.purged) == (2, 2)
    assert await is_there(either, Key("Patient", "hoarau"), Key("Observation", "theirs")) == [True, True]
