"""Ways to ask PostgreSQL for one body by key: the product's, and those that it could have taken.

Every way sends the statement of the product's own read, over the floors' table. The client is this process alone, on
uvloop. https://www.psycopg.org/psycopg3/docs/advanced/pipeline.html
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import psycopg
import uvloop
from psycopg_pool import AsyncConnectionPool

from bench.samples import Sample, spending
from bench.seeding import FLOOR_ROWS
from bench.server import Running
from fhir_server.store.binary import INT2, INT8, INT8_ARRAY, TEXT, pack_int2, pack_int8, pack_int8s, pack_text
from fhir_server.store.connections import ADAPTERS, PLANNER, Session, session_conninfo
from fhir_server.store.pipeline import Pipeline, Statement
from fhir_server.store.rows import VALUES

Ask: TypeAlias = Callable[[Sequence[int]], Awaitable[object]]  # takes the keys of one question
Open: TypeAlias = Callable[[str], AbstractAsyncContextManager[Ask]]

_READ: Final = Statement(
    "bench read",
    f"select pk, {VALUES} from floor where self = $1 and type = $2 and id = $3",
    (INT8, INT2, TEXT),
)
_MANY: Final = Statement("bench many", f"select pk, {VALUES} from floor where self = any($1)", (INT8_ARRAY,))
_PLAIN: Final = f"select pk, {VALUES} from floor where self = %s and type = 1 and id = %s"


@dataclass(frozen=True, slots=True)
class Way:
    """`in_flight` callers ask at the same time, each for `rows` bodies at once."""

    name: str
    open: Open
    in_flight: int = 1
    rows: int = 1


def measured(server: Running, way: Way, seconds: float) -> Sample:
    """Rates and CPU are per row."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_measured(server, way, seconds))


async def _measured(server: Running, way: Way, seconds: float) -> Sample:
    sample = Sample()
    async with way.open(server.superuser_url) as ask:
        await _asked(way, ask, 0.1)  # prepared by then
        with spending(server, os.getpid()) as spent:
            began, used = time.perf_counter(), time.process_time()
            rows = await _asked(way, ask, seconds)
            lasted, used = time.perf_counter() - began, time.process_time() - used
    spent.share(sample, rows)
    # The accounting of Linux has ticks of 10 ms and counts the children too; a process knows its own time better.
    sample.python_us, sample.wal_bytes = used * 1e6 / max(rows, 1), None
    sample.rate = rows / lasted
    return sample


async def _asked(way: Way, ask: Ask, seconds: float) -> int:
    """The number of rows that all callers got."""
    end = time.perf_counter() + seconds
    draw = random.Random(1).randrange

    async def caller() -> int:
        questions = 0
        while time.perf_counter() < end:
            await ask([draw(1, FLOOR_ROWS + 1) for _ in range(way.rows)])
            questions += 1
        return questions * way.rows

    return sum(await asyncio.gather(*(caller() for _ in range(way.in_flight))))


def _params(key: int) -> tuple[bytes, bytes, bytes]:
    return pack_int8(key), pack_int2(1), pack_text(f"x{key}")


@asynccontextmanager
async def _pipelined(url: str) -> AsyncIterator[Ask]:
    """The product's reads."""
    pipeline = await Pipeline.open(url, options=PLANNER)

    async def ask(keys: Sequence[int]) -> object:
        if len(keys) == 1:
            return await pipeline.run(_READ, _params(keys[0]))
        return await asyncio.gather(*(pipeline.run(_READ, _params(key)) for key in keys))

    try:
        yield ask
    finally:
        await pipeline.close()


@asynccontextmanager
async def _pipelined_many(url: str) -> AsyncIterator[Ask]:
    pipeline = await Pipeline.open(url, options=PLANNER)
    try:
        yield lambda keys: pipeline.run(_MANY, (pack_int8s(keys),))
    finally:
        await pipeline.close()


@asynccontextmanager
async def _kept(url: str) -> AsyncIterator[Ask]:
    """As in the product's interactive transactions."""
    conninfo = session_conninfo(url, "bench", PLANNER)
    async with await psycopg.AsyncConnection.connect(
        conninfo, autocommit=True, context=ADAPTERS
    ) as connection:
        yield lambda keys: Session(connection).run(_READ, _params(keys[0]))


@asynccontextmanager
async def _pooled(url: str) -> AsyncIterator[Ask]:
    """As the product's interactive transactions begin, without what makes them transactions."""
    pool: AsyncConnectionPool[Any] = AsyncConnectionPool(
        session_conninfo(url, "bench", PLANNER),
        kwargs={"context": ADAPTERS, "autocommit": True},
        min_size=1,
        max_size=4,
        open=False,
    )

    async def ask(keys: Sequence[int]) -> object:
        async with pool.connection() as connection:
            return await Session(connection).run(_READ, _params(keys[0]))

    async with pool:
        yield ask


@asynccontextmanager
async def _cursor(url: str) -> AsyncIterator[Ask]:
    """psycopg as its manual shows it."""
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        cursor = connection.cursor(binary=True)

        async def ask(keys: Sequence[int]) -> object:
            await cursor.execute(_PLAIN, (keys[0], f"x{keys[0]}"), prepare=True)
            return await cursor.fetchone()

        yield ask


@asynccontextmanager
async def _pipeline_mode(url: str) -> AsyncIterator[Ask]:
    """psycopg's own pipeline mode."""
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:

        async def ask(keys: Sequence[int]) -> object:
            async with connection.pipeline():
                cursors = [
                    await connection.execute(_PLAIN, (key, f"x{key}"), prepare=True, binary=True)
                    for key in keys
                ]
            return [await cursor.fetchone() for cursor in cursors]

        yield ask


@asynccontextmanager
async def _synchronous(url: str) -> AsyncIterator[Ask]:
    """Blocks the loop while it waits."""
    with psycopg.connect(url, autocommit=True) as connection:
        fetch = _fetching(connection)

        async def ask(keys: Sequence[int]) -> object:
            return fetch(keys[0])

        yield ask


@asynccontextmanager
async def _threaded(url: str) -> AsyncIterator[Ask]:
    with psycopg.connect(url, autocommit=True) as connection:
        fetch = _fetching(connection)
        yield lambda keys: asyncio.to_thread(fetch, keys[0])


def _fetching(connection: psycopg.Connection[Any]) -> Callable[[int], object]:
    cursor = connection.cursor(binary=True)

    def fetch(key: int) -> object:
        cursor.execute(_PLAIN, (key, f"x{key}"), prepare=True)
        return cursor.fetchone()

    return fetch


WAYS: Final = (
    Way("pipelined 32 in flight", _pipelined, in_flight=32),
    Way("pipelined 8 in flight", _pipelined, in_flight=8),
    Way("pipelined 1 in flight", _pipelined),
    Way("pipelined 20 gathered by one caller", _pipelined, rows=20),
    Way("pipelined 20 rows of one statement", _pipelined_many, rows=20),
    Way("psycopg's pipeline() 20 at a time", _pipeline_mode, rows=20),
    Way("one connection awaiting each (Session)", _kept),
    Way("a connection of a pool for each", _pooled),
    Way("psycopg's async cursor awaiting each", _cursor),
    Way("psycopg's sync cursor", _synchronous),
    Way("psycopg's sync cursor in a thread", _threaded),
)
