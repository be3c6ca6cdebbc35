"""What is sent in one turn of the loop to a pipeline of readers shares a transaction, and nobody's answer."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest

from fhir_server.kernel.errors import Unavailable
from fhir_server.store.binary import INT4, pack_float8, pack_int4, unpack_int
from fhir_server.store.line import TOGETHER
from fhir_server.store.pipeline import Pipeline, Statement
from tests.fhir_server.store.pipes import DIVIDE, ECHO, SLOW_ECHO, outcomes, repeatedly, started

_BEGUN = Statement("begun", "select now()::text", ())
_NEXT = Statement("next", "select nextval('turns')", ())
_OVER = Statement("over", "select 1 / $1::int from pg_sleep(0)", (INT4,))


@pytest.fixture
async def readers(database: str, admin: psycopg.AsyncConnection[Any]) -> AsyncIterator[Pipeline]:
    await admin.execute("drop sequence if exists turns")
    await admin.execute("create sequence turns")
    opened = await Pipeline.open(database, shared=True)
    await outcomes([opened.run(_BEGUN, []), opened.run(DIVIDE, [pack_int4(1)]), opened.run(ECHO, [b""])])
    await opened.run(SLOW_ECHO, [b"", pack_float8(0)])
    yield opened
    await opened.close()


async def test_statements_of_one_turn_share_a_transaction_and_later_ones_do_not(readers: Pipeline) -> None:
    together = await asyncio.gather(*(readers.run(_BEGUN, []) for _ in range(TOGETHER)))
    later = await readers.run(_BEGUN, [])

    assert len({str(rows) for rows in together}) == 1
    assert later not in together


async def test_no_more_than_a_few_share_one(readers: Pipeline) -> None:
    found = await asyncio.gather(*(readers.run(_BEGUN, []) for _ in range(3 * TOGETHER + 1)))

    begun = Counter(str(rows) for rows in found)
    assert sorted(begun.values()) == [1, TOGETHER, TOGETHER, TOGETHER]


async def test_a_statement_that_is_to_be_prepared_shares_none(readers: Pipeline) -> None:
    """Were it passed over, what relies on it would fail."""
    calls = [readers.run(DIVIDE, [pack_int4(0)]), *(readers.run(_OVER, [pack_int4(1)]) for _ in range(3))]

    answers = await outcomes(calls)

    assert type(answers[0]) is psycopg.errors.DivisionByZero
    assert answers[1:] == [[(pack_int4(1),)]] * 3


@repeatedly
async def test_those_behind_a_failure_run_once_all_the_same(readers: Pipeline, round_: int) -> None:
    await readers.run(_NEXT, [])

    calls: list[Any] = []
    for _ in range(4):
        calls += [readers.run(_NEXT, []), readers.run(DIVIDE, [pack_int4(0)]), readers.run(_NEXT, [])]
    answers = await outcomes(calls)

    failed = [type(answer) for answer in answers[1::3]]
    assert failed == [psycopg.errors.DivisionByZero] * 4
    turns = [unpack_int(rows[0][0]) for rows in answers if isinstance(rows, list)]
    assert sorted(turns) == list(range(2, 10))


async def test_those_behind_a_statement_that_ends_the_connection_are_refused(readers: Pipeline) -> None:
    end = Statement("end", "select pg_terminate_backend(pg_backend_pid())", ())

    answers = await outcomes([readers.run(end, []), readers.run(ECHO, [b"a"]), readers.run(ECHO, [b"b"])])

    assert [type(answer) for answer in answers] == [Unavailable] * 3
    assert await readers.run(ECHO, [b"c"]) == [(b"c",)]


async def test_those_sent_again_while_a_segment_is_closed_share_none_with_what_is_prepared_next(
    readers: Pipeline,
) -> None:
    """A large parameter fills the socket, so that the failure is read in the middle of sending."""
    large = b"a" * 8_000_000
    first = [readers.run(DIVIDE, [pack_int4(0)]), *(readers.run(ECHO, [b"%d" % n]) for n in range(3))]
    tasks = await started(first)
    await asyncio.sleep(0)
    time.sleep(0.1)  # noqa: ASYNC251 - the answers are there, and the loop has not read them
    tasks += [
        asyncio.create_task(call) for call in (readers.run(ECHO, [large]), readers.run(_OVER, [pack_int4(1)]))
    ]

    failed, *answers = await outcomes(tasks)

    assert type(failed) is psycopg.errors.DivisionByZero
    assert answers == [[(b"0",)], [(b"1",)], [(b"2",)], [(large,)], [(pack_int4(1),)]]
