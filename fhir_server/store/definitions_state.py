"""The definitions in force on PostgreSQL: in step in all processes, though nobody asks for them before a write.

What is in force stands in tables: the SearchParameters among the resources, the generation in `generation`, the jobs in
`reindex`. A transaction that changes them takes the row of the generation, so there is one at a time, and commits all
three together.

What writes are held to is the sequence `gate`, which a statement sees as it is at that moment, unlike a table. It is
raised to the generation after the commit, by whoever knows of it first: the process that committed, or any other, which
is notified; a process that starts, if all were killed in between. So nobody goes by a generation that writes are not
held to.

A write holds the lock of its stamp (`watermark.py`) before it looks at the gate. Whoever raises the gate and *then*
waits until every such lock that it sees is gone, sees all that was written by an older generation.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final

import orjson
import psycopg

from fhir_server.definitions.parameters import CORE, Parameters
from fhir_server.kernel.errors import FhirError
from fhir_server.kernel.keys import Key
from fhir_server.kernel.wire import Tree, decode
from fhir_server.search.custom import in_force, is_active
from fhir_server.search.entries import Hasher
from fhir_server.store import reindex
from fhir_server.store.connections import ADAPTERS, session_conninfo, translated
from fhir_server.store.contract import Draft
from fhir_server.store.definitions import (
    NONE,
    WHOLE,
    Definitions,
    Indexed,
    Job,
    Slice,
)
from fhir_server.store.numbers import TYPE_NUMBERS, TYPES
from fhir_server.store.pipeline import Statement
from fhir_server.store.registry_state import PostgresRegistry, note_published, published
from fhir_server.store.scheduling import begin_generation
from fhir_server.store.shipped import keep_up_with_shipped
from fhir_server.store.telling import CHANNEL, known_everywhere, news_of
from fhir_server.store.watermark import STAMP_LOCKS, Run

_log = logging.getLogger(__name__)

# Of an index table that cannot be asked by pk: from here on an exact job has an index made for it.
LARGE_BYTES: Final = 8_000_000
_GATE_LOCK: Final = 0x4344 << 48
_DRAIN_SECONDS: Final = 0.02

_JOBS: Final = """
    select coalesce(jsonb_agg(to_jsonb(j) order by type), '[]')::text from reindex j"""
# One statement, hence one snapshot.
_LOAD: Final = f"""
    select g.number, ({_JOBS}), array(
        select body from resource where type = %s and not deleted order by id)
    from generation g"""
_PROGRESS: Final = Statement("reindex_progress", _JOBS, ())


class PostgresDefinitions:
    """See `definitions.Keeper`."""

    def __init__(self, url: str, hasher: Hasher, run: Run, look: Run, large_bytes: int = LARGE_BYTES) -> None:
        """`run`: for the statements of jobs, whose commits are durable; `look`: for those that only read."""
        self._url = url
        self._hasher = hasher
        self._run = run
        self._look = look
        self._large_bytes = large_bytes
        self._registry = PostgresRegistry(self._connection, look, hasher)
        self._current = NONE
        self._loading = asyncio.Lock()
        self._news = asyncio.Event()
        self._drained = -1  # writes of generations before this one have ended

    @property
    def current(self) -> Definitions:
        return self._current

    async def open(self, base: str = "") -> None:
        """Load what is searched by. If other definitions are shipped than when the index was made, have it made anew.

        What is judged by comes with the first call of `hear`.
        `base`: the public base URL, if it is known.
        """
        with translated():
            async with await self._connection() as connection:
                await keep_up_with_shipped(connection, base)
        await self.refresh()

    async def hear(self, said: Sequence[str] | None) -> int:
        """Know what was said on the channel; None: everything. Gives the edition that is known then."""
        news = None if said is None else news_of(said)
        if news is None or news.parameters:
            await self.refresh()
        with translated():
            edition = await self._registry.look(news)
        self._take_registry()
        return edition

    async def edited(self, drafts: Collection[Draft], edition: int) -> None:
        """These definitions are committed: know them, and wait until the other processes do."""
        if self._registry.learn(drafts):
            self._take_registry()
        if edition and not await known_everywhere(self._look, edition):
            _log.warning("Another process does not know yet of definitions that were written")

    async def published(self) -> Mapping[Key, str]:
        with translated():
            async with await self._connection() as connection:
                return await published(connection)

    async def note_published(self, digests: Mapping[Key, str | None]) -> None:
        with translated():
            async with await self._connection() as connection:
                await note_published(connection, digests)

    async def refresh(self) -> Definitions:
        async with self._loading:
            return await self._load()

    async def reach(self, generation: int) -> None:
        """Look again, unless this generation is known already."""
        async with self._loading:
            if self._current.generation < generation:
                await self._load()

    async def progress(self) -> Sequence[Job]:
        with translated():
            ((jobs,),) = await self._run(_PROGRESS, ())
        return _jobs_of(jobs or b"[]")

    async def heard(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._news.wait()

    async def request(self, types: Collection[str], base: str) -> None:
        with translated():
            async with await self._connection() as connection, connection.transaction():
                # A type without resources needs nothing: whoever writes the first one writes its rows.
                cursor = await connection.execute(
                    "select type from unnest(%s::smallint[]) t(type)"
                    " where exists (select 1 from resource r where r.type = t.type)",
                    ([TYPE_NUMBERS[name] for name in types],),
                )
                plans = {TYPES[row[0] - 1]: WHOLE for row in await cursor.fetchall()}
                await begin_generation(connection, plans, base)
        await self.refresh()

    async def prepare(self, job: Job) -> Job | None:
        with translated():
            if self._drained < job.since:
                generation = self._current.generation
                await self._drain()
                self._drained = generation
            async with await self._connection() as connection:
                await connection.execute("set statement_timeout = 0")
                if job.exact:
                    for table in reindex.WITHOUT_PK:
                        await self._make_index(connection, table)
                cursor = await connection.execute(
                    "update reindex set total = (select count(*) from resource where type = %s and (%s or not deleted))"
                    " where type = %s and since = %s returning position",
                    (TYPE_NUMBERS[job.type], job.exact, TYPE_NUMBERS[job.type], job.since),
                )
                if await cursor.fetchone() is None:
                    return None
        return next(
            (one for one in await self.progress() if one.type == job.type and one.since == job.since), None
        )

    async def unindexed(self, job: Job, count: int) -> Slice:
        with translated():
            return await reindex.slice_of(self._run, self._hasher, job, self._current.parameters, count)

    async def index(self, job: Job, slice: Slice, rows: Sequence[Indexed]) -> Job | None:
        with translated():
            moved = await reindex.write(self._run, self._hasher, job, slice, rows)
        return None if moved is None else replace(job, position=moved[0], done=moved[1])

    async def finish(self, job: Job) -> None:
        with translated():
            async with await self._connection() as connection:
                # All others that are about types without resources end with it.
                await connection.execute(
                    "delete from reindex j where (type = %s and since = %s and position = %s) or (since <= %s"
                    " and not exists (select 1 from resource r where r.type = j.type))",
                    (TYPE_NUMBERS[job.type], job.since, job.position, self._drained),
                )
                await connection.execute("select pg_notify(%s, '')", (CHANNEL,))
                cursor = await connection.execute("select 1 from reindex where exact limit 1")
                if job.exact and await cursor.fetchone() is None:
                    await connection.execute("set statement_timeout = 0")
                    for table in reindex.WITHOUT_PK:
                        await connection.execute(
                            f"drop index concurrently if exists {table}_reindex".encode()
                        )
        await self.refresh()

    async def _load(self) -> Definitions:
        with translated():
            async with await self._connection() as connection:
                cursor = await connection.execute(_LOAD, (TYPE_NUMBERS["SearchParameter"],))
                row = await cursor.fetchone()
                assert row is not None, "a migration has put it there"
                number, jobs, bodies = row
                await _raise_gate(connection, number)
        if number >= self._current.generation:
            custom = _active(bodies)
            self._publish(number, custom, _jobs_of(jobs.encode()))
        return self._current

    def _publish(self, number: int, custom: dict[str, Tree], jobs: tuple[Job, ...]) -> None:
        old = self._current
        parameters = old.parameters
        indexing = _indexing(jobs)
        if custom != old.custom or indexing != _indexing(old.jobs):
            added = in_force(custom)
            parameters = Parameters(added, indexing) if added or indexing else CORE
        self._current = replace(old, generation=number, custom=custom, jobs=jobs, parameters=parameters)
        self._tell_waiting()

    def _take_registry(self) -> None:
        known = self._registry
        if self._current.registry is not known.registry:
            self._current = replace(self._current, packaged=known.packaged, registry=known.registry)
            self._tell_waiting()

    def _tell_waiting(self) -> None:
        self._news.set()
        self._news = asyncio.Event()

    async def _drain(self) -> None:
        """Wait until every write that is under way now has ended. The gate has been raised before."""
        async with await self._connection() as connection:
            waiting = await _writers(connection)
            while waiting:
                await asyncio.sleep(_DRAIN_SECONDS)
                waiting &= await _writers(connection)

    async def _make_index(self, connection: psycopg.AsyncConnection[Any], table: str) -> None:
        name = f"{table}_reindex"
        cursor = await connection.execute("select pg_relation_size(%s::regclass)", (table,))
        row = await cursor.fetchone()
        if row is None or row[0] < self._large_bytes:
            return
        cursor = await connection.execute(
            "select indisvalid from pg_index where indexrelid = to_regclass(%s)", (name,)
        )
        made = await cursor.fetchone()
        if made is not None and made[0]:
            return
        if made is not None:  # its making was interrupted
            await connection.execute(f"drop index concurrently if exists {name}".encode())
        await connection.execute(f"create index concurrently {name} on {table} ((pk + 0))".encode())

    async def _connection(self) -> psycopg.AsyncConnection[Any]:
        return await psycopg.AsyncConnection.connect(
            session_conninfo(self._url, "cordee definitions", {}), autocommit=True, context=ADAPTERS
        )


async def _raise_gate(connection: psycopg.AsyncConnection[Any], number: int) -> None:
    """Hold writes to a generation that is committed."""
    last = "coalesce(pg_sequence_last_value('gate'::regclass), 0)"
    cursor = await connection.execute(f"select {last} >= %s", (number,))
    if await cursor.fetchone() == (True,):
        return
    async with connection.transaction():
        # One at a time: else a smaller value could follow a greater one.
        await connection.execute("select pg_advisory_xact_lock(%s)", (_GATE_LOCK,))
        await connection.execute(f"select setval('gate'::regclass, %s) where {last} < %s", (number, number))


async def _writers(connection: psycopg.AsyncConnection[Any]) -> set[str]:
    """The transactions that hold the lock of a stamp."""
    cursor = await connection.execute(
        "select virtualtransaction from pg_locks where locktype = 'advisory' and objsubid = 1 and granted"
        " and classid::bigint >> 16 = %s"
        " and database = (select oid from pg_database where datname = current_database())",
        (STAMP_LOCKS >> 48,),
    )
    return {row[0] for row in await cursor.fetchall()}


def _active(bodies: Sequence[bytes]) -> dict[str, Tree]:
    """The SearchParameters that want to be in force, by id."""
    found = {}
    for body in bodies:
        tree = decode(bytes(body))
        with suppress(FhirError):  # a copy of R4's that was changed before this version refused it
            if is_active(tree):
                found[tree["id"]] = tree
    return found


def _jobs_of(text: bytes) -> tuple[Job, ...]:
    return tuple(
        Job(
            TYPES[row["type"] - 1],
            frozenset(_pair(pair) for pair in row["codes"]),
            None if row["holding"] is None else frozenset(row["holding"]),
            row["exact"],
            row["base"],
            row["since"],
            row["position"],
            row["done"],
            row["total"],
        )
        for row in orjson.loads(text)
    )


def _pair(text: str) -> tuple[str, str]:
    owner, _, code = text.partition(".")
    return owner, code


def _indexing(jobs: Sequence[Job]) -> frozenset[tuple[str, str]]:
    return frozenset(pair for job in jobs for pair in job.codes)
