"""Statements that send tokens of their own through a pipeline, so that an answer to somebody else would show."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Sequence
from itertools import count
from typing import Any, LiteralString

import psycopg
import pytest

from fhir_server.kernel.errors import Unavailable
from fhir_server.store.binary import FLOAT8, INT4, TEXT, pack_float8, unpack_int
from fhir_server.store.pipeline import Pipeline, Row, Statement

ECHO = Statement("echo", "select $1::text", (TEXT,))
SLOW_ECHO = Statement("slow_echo", "select $1::text from pg_sleep($2)", (TEXT, FLOAT8))
DIVIDE = Statement("divide", "select 1 / $1::int", (INT4,))
LOADED = Statement(
    "loaded",
    "select $1::text, n::int2, n::int8, n / 2.0::float8, n > 0, '\\x00ff'::bytea, null::text"
    " from generate_series(0, 1) n",
    (TEXT,),
    loaded=True,
)
PID = Statement("pid", "select pg_backend_pid()", ())
NOTE = Statement("note", "insert into noted (token) values ($1) returning token", (TEXT,))
SLOW_NOTE = Statement(
    "slow_note",
    "insert into noted (token) select $1 from pg_sleep($2) returning token",
    (TEXT, FLOAT8),
)
SESSIONS: LiteralString = (
    "from pg_stat_activity where application_name = 'cordee' and datname = current_database()"
)

ROUNDS = int(os.environ.get("CORDEE_FAULT_ROUNDS", "1"))
repeatedly = pytest.mark.parametrize("round_", range(ROUNDS))

TOKENS = count()


def token() -> bytes:
    return b"token %d" % next(TOKENS)


async def echo(through: Pipeline, seconds: float = 0.0) -> None:
    """Send a new token; fails if another comes back. Refusals pass through."""
    mine = token()
    if seconds:
        assert await through.run(SLOW_ECHO, [mine, pack_float8(seconds)]) == [(mine,)]
    else:
        assert await through.run(ECHO, [mine]) == [(mine,)]


async def outcomes(calls: Sequence[Awaitable[Any]]) -> list[Any]:
    return await asyncio.gather(*calls, return_exceptions=True)


async def succeeds(call: Awaitable[Any]) -> bool:
    try:
        await call
    except Unavailable:
        return False
    return True


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(30):
        while True:
            if await holds():
                return
            await asyncio.sleep(0.01)


async def started(calls: Sequence[Any]) -> list[asyncio.Task[Any]]:
    """The calls as tasks that have sent their statements."""
    tasks = [asyncio.create_task(call) for call in calls]
    await asyncio.sleep(0)
    return tasks


async def pid_of(through: Pipeline) -> int:
    ((pid,),) = await through.run(PID, [])
    assert pid is not None
    return unpack_int(pid)


async def no_session(admin: psycopg.AsyncConnection[Any]) -> bool:
    """Whether no pipeline is connected to the database of these tests."""
    return (await admin.execute(f"select {SESSIONS}")).rowcount == 0


async def terminate(admin: psycopg.AsyncConnection[Any], pid: int) -> None:
    await admin.execute("select pg_terminate_backend(%s)", [pid])


class Noted:
    """A connection for readers, and the names of the statements that it ran."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline = pipeline
        self.names: list[str] = []

    async def run(self, statement: Statement, params: Sequence[bytes | None]) -> list[Row]:
        self.names.append(statement.name)
        return await self.pipeline.run(statement, params)
