"""The audit log on a real PostgreSQL: what goes in is durable, and is found again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson
import psycopg
import pytest

from fhir_server.kernel.errors import Malformed, Unavailable
from fhir_server.kernel.keys import Key
from fhir_server.kernel.times import now
from fhir_server.kernel.trace import Trace, TracePage, TraceQuery
from fhir_server.search.entries import Hasher
from fhir_server.store import audit_seal
from fhir_server.store.audit import AuditLog
from fhir_server.store.audit_rows import add
from fhir_server.store.connections import ADAPTERS, Session
from fhir_server.store.ids import Pks, created, pk_of
from fhir_server.store.numbers import TYPE_NUMBERS
from fhir_server.store.pipeline import Row, Statement
from tests.auditing import Auditing, auditing, trace

MAIDA, PAYET = Key("Patient", "maida"), Key("Patient", "payet")
NOTE, PLAN = Key("Observation", "1"), Key("CarePlan", "1")


@pytest.fixture
async def opened(url: str, tmp_path: Path) -> AsyncIterator[Auditing]:
    async with auditing(url, tmp_path) as made:
        yield made


def query(**more: Any) -> TraceQuery:
    return TraceQuery(**{"since": 0, "until": now() + 10_000_000, **more})


def said(page: TracePage) -> list[str]:
    return [orjson.loads(one.data)["note"] for one in page.items]


async def write(opened: Auditing, *traces: Trace) -> list[str]:
    """One after the other, so that their order is known."""
    return [await opened.log.write(one) for one in traces]


async def test_what_was_written_can_be_read(opened: Auditing) -> None:
    before = now()
    (name,) = await write(opened, trace("read", NOTE, MAIDA, outcome=4))

    found = await opened.log.read(name)

    assert found is not None
    recorded, names = found
    assert (recorded.id, recorded.outcome, recorded.data) == (name, 4, b'{"note":"read"}')
    assert before <= recorded.recorded <= now()
    assert names == []


@pytest.mark.parametrize(
    "id", ["", "0", "0000000000000", "zzzzzzzzzzzzz", "unknown-trace", "0sa952rzg0c05.1"]
)
async def test_what_was_never_written_is_not_there(opened: Auditing, id: str) -> None:
    assert await opened.log.read(id) is None


async def test_the_newest_comes_first_and_pages_hold_together(opened: Auditing) -> None:
    await write(opened, *(trace(str(number), NOTE) for number in range(7)))

    first = await opened.log.search(query(count=3, until=2**60))
    await write(opened, trace("later", NOTE))
    second = await opened.log.search(query(count=3, until=2**60, cursor=first.next))
    third = await opened.log.search(query(count=3, until=2**60, cursor=second.next))

    assert [*said(first), *said(second), *said(third)] == list("6543210")
    assert third.next == ""


async def test_a_cursor_is_for_its_own_question(opened: Auditing) -> None:
    await write(opened, trace("a", NOTE), trace("b", NOTE))
    page = await opened.log.search(query(count=1, until=2**60))

    with pytest.raises(Malformed):
        await opened.log.search(query(count=1, until=2**60, within=(MAIDA,), cursor=page.next))


ALL = (
    trace("nurse reads note of maida", NOTE, MAIDA, agents=("Practitioner/n", "issuer|n")),
    trace("nurse reads plan of payet", PLAN, PAYET, agents=("Practitioner/n", "issuer|n")),
    trace("carer is refused plan of maida", PLAN, MAIDA, outcome=8, agents=("RelatedPerson/c",)),
    trace("system fails", outcome=12, agents=("issuer|s",)),
    trace("nurse searches both", MAIDA, PAYET, agents=("Practitioner/n",)),
)
NOTES = [orjson.loads(one.data)["note"] for one in ALL]


@pytest.mark.parametrize(
    ("criteria", "places"),
    [
        ({}, [4, 3, 2, 1, 0]),
        ({"patients": (MAIDA,)}, [4, 2, 0]),
        ({"patients": (MAIDA, PAYET)}, [4, 2, 1, 0]),
        ({"agents": ("Practitioner/n",)}, [4, 1, 0]),
        ({"agents": ("issuer|n", "issuer|s")}, [3, 1, 0]),
        ({"entities": (PLAN,)}, [2, 1]),
        ({"entities": (PLAN, NOTE), "patients": (MAIDA,)}, [2, 0]),
        ({"entities": (PLAN,), "patients": (MAIDA,), "agents": ("Practitioner/n",)}, []),
        ({"outcomes": (8,)}, [2]),
        ({"outcomes": (8, 12)}, [3, 2]),
        ({"outcomes": (0,)}, [4, 1, 0]),
        ({"outcomes": (0, 8), "patients": (MAIDA,)}, [4, 2, 0]),
        ({"within": (PAYET,)}, [4, 1]),
        ({"within": (PAYET,), "patients": (MAIDA,)}, [4]),
        ({"within": ()}, []),
        ({"count": 0}, []),
    ],
)
@pytest.mark.parametrize("sealed", [0, 2, len(ALL)])
async def test_criteria_find_what_meets_all_of_them(
    opened: Auditing,
    criteria: dict[str, Any],
    places: Sequence[int],
    sealed: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """However many of the traces have their seal, with which an index gets their names."""
    monkeypatch.setattr(audit_seal, "LAG_MS", 0)
    await write(opened, *ALL[:sealed])
    await asyncio.sleep(0.003)
    await opened.sealer.seal()
    await write(opened, *ALL[sealed:])

    assert said(await opened.log.search(query(**criteria))) == [NOTES[place] for place in places]
    if criteria.get("count") != 0:
        cursor, found = "", list[list[str]]()
        while not found or cursor:
            page = await opened.log.search(query(**criteria, until=2**60, count=2, cursor=cursor))
            found, cursor = [*found, said(page)], page.next
        assert [note for notes in found for note in notes] == [NOTES[place] for place in places]


async def test_names_that_an_earlier_version_has_written_find_their_trace_once(
    opened: Auditing, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_seal, "LAG_MS", 0)
    (name,) = await write(opened, trace("a", NOTE))
    with psycopg.connect(url, autocommit=True) as connection:
        pair = (opened.hasher.self_of(NOTE), pk_of(name))
        connection.execute("insert into audit_entry (key, pk) values (%s, %s)", pair)

    assert said(await opened.log.search(query(entities=(NOTE,)))) == ["a"]
    await asyncio.sleep(0.003)
    await opened.sealer.seal()
    assert said(await opened.log.search(query(entities=(NOTE,)))) == ["a"]
    assert opened.verify().problems == []


async def test_dates_bound_what_is_found(opened: Auditing) -> None:
    ids = []
    for one in ALL:
        ids += await write(opened, one)
        await asyncio.sleep(0.003)
    moments = [created(pk_of(one) or 0) for one in ids]

    page = await opened.log.search(query(since=moments[1], until=moments[3]))

    assert [one.id for one in page.items] == [ids[2], ids[1]]


async def test_patients_that_only_the_store_knows_get_their_names(opened: Auditing, url: str) -> None:
    number = opened.hasher.self_of(MAIDA)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "insert into resource (pk, self, type, id, version, updated, moment, method, deleted, present, refs)"
            " values (1, %s, %s, 'maida', 1, 0, 0, 1, false, '{}', '{}')",
            (number, TYPE_NUMBERS["Patient"]),
        )
    await write(opened, trace("a", numbers=(number, 17)))

    page = await opened.log.search(query(patients=(MAIDA,)))

    assert said(page) == ["a"]
    assert page.names == ((number, MAIDA),)


async def test_traces_of_one_tick_share_a_statement(opened: Auditing) -> None:
    ran: list[str] = []

    async def run(statement: Statement, params: Sequence[bytes | None]) -> list[Row]:
        ran.append(statement.name)
        return await opened.pipeline.run(statement, params)

    log = AuditLog(run, run, opened.hasher, Pks(4))

    ids = await asyncio.gather(*[log.write(trace(str(number), NOTE)) for number in range(300)])

    assert ran == ["trace", "traces"]  # the first had nobody to wait for
    assert len(set(ids)) == 300
    assert sorted(said(await log.search(query(count=1000)))) == sorted(map(str, range(300)))
    await log.close()


async def test_thousands_at_once_are_all_written(opened: Auditing) -> None:
    ids = await asyncio.gather(*[opened.log.write(trace(str(number), NOTE)) for number in range(3000)])

    assert len(set(ids)) == 3000
    page = await opened.log.search(query(count=5000))
    assert sorted(int(text) for text in said(page)) == list(range(3000))


@pytest.mark.parametrize("times", [1, 100])
async def test_a_number_that_is_taken_is_not_the_end(opened: Auditing, times: int) -> None:
    """Two processes may make the same pk while a lease is renewed: see `ids.py`."""
    left = times

    async def run(statement: Statement, params: Sequence[bytes | None]) -> list[Row]:
        nonlocal left
        left -= 1
        if left >= 0:
            raise psycopg.errors.UniqueViolation
        return await opened.pipeline.run(statement, params)

    log = AuditLog(run, run, opened.hasher, Pks(4))

    if times == 1:
        assert await log.write(trace("a", NOTE))
    else:
        with pytest.raises(Unavailable):
            await log.write(trace("a", NOTE))


async def test_what_is_being_written_is_finished_before_the_end(opened: Auditing) -> None:
    writing = [asyncio.create_task(opened.log.write(trace(str(number)))) for number in range(20)]
    await asyncio.sleep(0)

    await opened.log.close()

    assert all(one.done() for one in writing)
    assert len(set(await asyncio.gather(*writing))) == 20


async def test_whoever_leaves_is_traced_all_the_same(opened: Auditing) -> None:
    leaving = asyncio.create_task(opened.log.write(trace("gone", NOTE)))
    staying = asyncio.create_task(opened.log.write(trace("here", NOTE)))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    leaving.cancel()

    assert await staying
    with suppress(asyncio.CancelledError):
        await leaving
    assert sorted(said(await opened.log.search(query()))) == ["gone", "here"]


async def test_without_a_database_nobody_is_told_that_all_is_well(opened: Auditing) -> None:
    await opened.pipeline.close()

    with pytest.raises(Unavailable):
        await opened.log.write(trace("lost", NOTE))
    results = await asyncio.gather(
        *[opened.log.write(trace("lost")) for _ in range(10)], return_exceptions=True
    )
    assert all(isinstance(one, Unavailable) for one in results)


async def test_a_slow_clock_is_led_past_what_was_sealed(opened: Auditing, url: str) -> None:
    ahead = now() // 1000 + 60_000
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("select setval('audit_fence', %s)", (ahead,))

    (name,) = await write(opened, trace("later than all that was sealed", NOTE))

    assert created(pk_of(name) or 0) // 1000 > ahead


async def test_traces_commit_and_vanish_with_their_transaction(opened: Auditing, url: str) -> None:
    pks, hasher = Pks(9), Hasher(b"sixteen bytes or more")
    for note, keep in (("kept", True), ("undone", False)):
        async with await psycopg.AsyncConnection.connect(url, context=ADAPTERS) as connection:
            await add(Session(connection).run, hasher, pks, [trace(note, NOTE)])
            if not keep:
                await connection.rollback()

    assert said(await opened.log.search(query())) == ["kept"]


async def test_no_statement_changes_a_trace_or_takes_it_away(opened: Auditing, url: str) -> None:
    await write(opened, trace("kept", NOTE))

    with psycopg.connect(url, autocommit=True) as connection:
        for statement in (
            "update audit set data = ''",
            "delete from audit",
            "truncate audit",
            "delete from audit_entry",
            "delete from audit_block",
        ):
            with pytest.raises(psycopg.errors.RaiseException):
                connection.execute(statement)

    assert said(await opened.log.search(query())) == ["kept"]
