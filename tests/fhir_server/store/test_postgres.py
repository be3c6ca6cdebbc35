"""What only a database can do wrong: lost connections, waiting, rows left behind, several processes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest

from fhir_server.kernel.errors import Unavailable
from fhir_server.kernel.keys import Key
from fhir_server.search.entries import Entries
from fhir_server.search.query import Query
from fhir_server.store.contract import Draft, Span, Stale
from fhir_server.store.pipeline import Statement
from fhir_server.store.postgres import PostgresStore

KEY = Key("Patient", "1")
TABLES = ("entry", "entry_string", "entry_date", "entry_quantity")


@pytest.fixture
async def store(url: str) -> AsyncIterator[PostgresStore]:
    opened = await PostgresStore.open(url, statement_timeout_seconds=1)
    yield opened
    await opened.close()


async def put(
    store: PostgresStore, key: Key, entries: Entries, old: Entries | None = None, **rest: Any
) -> Draft:
    async with store.begin() as tx:
        current = await tx.lock(key)
        stamp = max(await tx.stamp(), current.updated + 1000 if current else 0)
        version = current.version + 1 if current else 1
        draft = Draft(key, version, stamp, b"{}", "PUT", entries, old=old, **rest)
        await tx.write(draft)
    return draft


def asked(url: str, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url, autocommit=True) as connection:
        return connection.execute(query).fetchall()


def end_sessions(url: str, name: str) -> int:
    query = "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database()"
    return len(asked(url, f"{query} and application_name = '{name}'"))


def rows(moment: int | None, *codes: int) -> Entries:
    return Entries(
        tokens=[(code, 1) for code in codes],
        strings=[(1, f"text {code}") for code in codes],
        dates=[(1, code, code + 1) for code in codes],
        quantities=[(1, 1, code, code) for code in codes],
        moment=moment,
    )


async def test_an_update_touches_only_the_index_rows_that_differ(url: str, store: PostgresStore) -> None:
    await put(store, KEY, rows(5, 1, 2))
    before = {table: set(asked(url, f"select xmin::text, * from {table}")) for table in TABLES}

    await put(store, KEY, rows(5, 2, 3), rows(5, 1, 2))

    after = {table: set(asked(url, f"select xmin::text, * from {table}")) for table in TABLES}
    for table in TABLES[1:]:
        assert len(before[table] & after[table]) == 1, table
        assert len(after[table]) == 2, table


async def test_all_equality_rows_move_with_the_main_date(url: str, store: PostgresStore) -> None:
    await put(store, KEY, rows(5, 1))

    await put(store, KEY, rows(6, 1), rows(5, 1))

    assert [moment for (moment,) in asked(url, "select distinct moment from entry")] == [6]


async def test_a_deletion_leaves_no_index_row_and_no_body(url: str, store: PostgresStore) -> None:
    await put(store, KEY, rows(None, 1, 2))

    await put(store, KEY, Entries(), rows(None, 1, 2), deleted=True)

    for table in TABLES:
        assert asked(url, f"select count(*) from {table}") == [(0,)], table
    assert asked(url, "select deleted, body, present, refs from resource") == [(True, None, [], [])]
    assert asked(url, "select version, deleted, body from version") == [(1, False, b"{}")]


async def test_a_draft_that_supersedes_must_bring_the_old_entries(store: PostgresStore) -> None:
    await put(store, KEY, rows(None, 1))

    with pytest.raises(ValueError, match="entries of that version"):
        await put(store, KEY, rows(None, 2))


async def test_a_stamp_that_a_history_has_passed_is_refused_and_the_next_is_later(
    store: PostgresStore,
) -> None:
    with pytest.raises(Stale):
        async with store.begin() as tx:
            stamp = await tx.stamp()
            await asyncio.sleep(0.003)
            mark = (await store.history(Span())).watermark
            await tx.write(Draft(KEY, 1, stamp, b"{}", "PUT"))

    async with store.begin() as tx:
        assert await tx.stamp() >= mark > stamp
    assert await store.read(KEY) is None


async def test_another_process_sees_at_once_what_one_has_answered(url: str, store: PostgresStore) -> None:
    other = await PostgresStore.open(url)
    try:
        for number in range(20):
            key = Key("Patient", str(number))
            await put(store, key, Entries())
            page = await other.history(Span("Patient", count=1))
            assert [stored.key for stored in page.items] == [key]
            await put(other, key, Entries(), Entries())
            page = await store.history(Span("Patient", count=1))
            assert [stored.version for stored in page.items] == [2]
    finally:
        await other.close()


async def test_a_transaction_whose_connection_is_lost_writes_nothing(url: str, store: PostgresStore) -> None:
    with pytest.raises(Unavailable):
        async with store.begin(interactive=True) as tx:
            await tx.write(Draft(KEY, 1, await tx.stamp(), b"{}", "PUT"))
            assert end_sessions(url, "cordee transaction") == 1

    assert await store.read(KEY) is None
    async with store.begin(interactive=True) as tx:
        await tx.write(Draft(KEY, 1, await tx.stamp(), b"{}", "PUT"))
    assert await store.read(KEY)


async def test_connections_that_died_idle_are_not_met_by_a_transaction(
    url: str, store: PostgresStore
) -> None:
    async def one() -> None:
        async with store.begin(interactive=True) as tx:
            await tx.read(KEY)
            await asyncio.sleep(0.05)

    await asyncio.gather(*(one() for _ in range(4)))
    assert end_sessions(url, "cordee transaction") >= 1

    await asyncio.gather(*(one() for _ in range(4)))


async def test_who_waits_too_long_for_a_lock_is_told_to_try_later(store: PostgresStore) -> None:
    async with store.begin(interactive=True) as tx:
        await tx.guard(["a"])
        with pytest.raises(Unavailable):
            async with store.begin(interactive=True) as other:
                await other.guard(["a"])


async def test_deadlocks_are_lost_races(store: PostgresStore) -> None:
    two = Key("Patient", "2")
    await put(store, KEY, Entries())
    await put(store, two, Entries())
    both = asyncio.Barrier(2)

    async def lock(first: Key, second: Key) -> None:
        async with store.begin(interactive=True) as tx:
            await tx.lock(first)
            await both.wait()
            await tx.lock(second)

    outcomes = await asyncio.gather(lock(KEY, two), lock(two, KEY), return_exceptions=True)

    # A busy machine may be slow to find the deadlock; then both have waited too long.
    assert any(isinstance(outcome, Stale | Unavailable) for outcome in outcomes)
    async with store.begin(interactive=True) as tx:
        assert await tx.lock(KEY)


async def test_a_store_without_its_database_is_not_ready(
    databases: Any, url: str, store: PostgresStore
) -> None:
    assert await store.ready()

    databases.drop(url)

    assert not await store.ready()


async def test_a_reopened_store_goes_on_with_greater_keys(url: str, store: PostgresStore) -> None:
    future = 2**62
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "insert into resource (pk, self, type, id, version, updated, moment, method, deleted, present, refs)"
            " values (%s, 1, 1, 'x', 1, 1, 1, 1, true, '{}', '{}')",
            (future,),
        )
    other = await PostgresStore.open(url)
    try:
        await put(other, KEY, Entries())
    finally:
        await other.close()

    assert asked(url, "select count(*) from resource where pk > 4611686018427387904") == [(1,)]


async def test_readers_wait_for_no_writer(store: PostgresStore) -> None:
    await put(store, KEY, Entries())

    async with store.begin(interactive=True) as tx:
        await tx.lock(KEY)
        await tx.referrers(KEY, (), 1)
        async with asyncio.timeout(0.5):
            assert await store.read(KEY)
            assert (await store.search(Query(("Patient",)))).total == 1
            assert (await store.history(Span("Patient", "1"))).total == 1
            await store.history(Span())


async def test_what_reads_and_searches_cannot_write(store: PostgresStore) -> None:
    """They share transactions: what one of them wrote, the failure of another would take back."""
    ways = store._ways
    remove = Statement("remove", "delete from resource", ())

    for run in (ways.read, ways.search, ways.search_alone):
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            await run(remove, ())
