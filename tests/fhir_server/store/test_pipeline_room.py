"""Who may send how much: a bounded queue in order, cancelled callers, the end, the least loaded of several."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import psycopg
import pytest

from fhir_server.kernel.errors import Unavailable
from fhir_server.store import pipeline
from fhir_server.store.binary import pack_float8
from fhir_server.store.embedded import Embedded
from fhir_server.store.pipeline import Pipeline, flowing, least_loaded
from tests.fhir_server.store.pipes import NOTE, SLOW_NOTE, echo, outcomes, repeatedly, started, token

# Room


@repeatedly
async def test_a_full_queue_refuses_and_those_in_it_get_their_own_answers(
    database: str, round_: int, together: bool
) -> None:
    opened = await Pipeline.open(database, in_flight=2, waiting=10, shared=together)
    await echo(opened)

    answers = await outcomes([echo(opened, seconds=0.01) for _ in range(40)])
    after = await outcomes([echo(opened) for _ in range(12)])
    await opened.close()

    assert [type(answer) for answer in answers] == [type(None)] * 12 + [Unavailable] * 28
    assert after == [None] * 12


async def test_callers_are_served_in_their_order(database: str, together: bool) -> None:
    opened = await Pipeline.open(database, in_flight=3, shared=together)
    served: list[int] = []

    async def call(i: int) -> None:
        await echo(opened, seconds=0.001)
        served.append(i)

    await asyncio.gather(*(call(i) for i in range(50)))
    await opened.close()

    assert served == list(range(50))


async def test_no_more_statements_are_under_way_than_allowed(
    database: str, admin: psycopg.AsyncConnection[Any]
) -> None:
    """A cancelled statement that was not sent leaves no trace; one that was sent is done all the same."""
    opened = await Pipeline.open(database, in_flight=2)
    first, second, third = token(), token(), token()
    tasks = await started(
        [
            opened.run(SLOW_NOTE, [first, pack_float8(0.1)]),
            opened.run(NOTE, [second]),
            opened.run(NOTE, [third]),
        ]
    )

    for task in tasks:
        task.cancel()
    await outcomes(tasks)
    await echo(opened)
    await opened.close()

    assert await (await admin.execute("select token from noted")).fetchall() == [
        (first.decode(),),
        (second.decode(),),
    ]


@repeatedly
async def test_a_cancelled_caller_shifts_nobodys_answer(database: str, round_: int, together: bool) -> None:
    dice = random.Random(round_)
    opened = await Pipeline.open(database, in_flight=8, shared=together)
    tasks = await started([echo(opened, seconds=dice.choice([0, 0, 0.002])) for _ in range(200)])

    for task in dice.sample(tasks, 60):
        if dice.random() < 0.3:
            await asyncio.sleep(0.001)
        task.cancel()
    answers = await outcomes(tasks)
    await opened.close()

    assert {type(answer) for answer in answers} <= {type(None), asyncio.CancelledError}
    assert sum(answer is None for answer in answers) >= 140


async def test_a_cancelled_caller_gives_its_place_in_the_queue_back(database: str, together: bool) -> None:
    opened = await Pipeline.open(database, in_flight=1, waiting=1, shared=together)
    slow, waiting = await started([echo(opened, seconds=0.2), echo(opened)])

    waiting.cancel()
    await outcomes([waiting])
    await echo(opened)

    await slow
    await opened.close()


# The end


async def test_closing_finishes_what_is_under_way_and_takes_no_more(database: str, together: bool) -> None:
    opened = await Pipeline.open(database, in_flight=2, shared=together)
    tasks = await started([echo(opened, seconds=0.02) for _ in range(6)])

    closing = asyncio.create_task(opened.close())
    await asyncio.sleep(0)
    with pytest.raises(Unavailable):
        await echo(opened)
    await closing

    assert await outcomes(tasks) == [None] * 6


async def test_closing_while_there_is_no_database_refuses_those_who_wait(
    own_server: Embedded, monkeypatch: pytest.MonkeyPatch, together: bool
) -> None:
    monkeypatch.setattr(pipeline, "GRACE_SECONDS", 0.1)
    opened = await Pipeline.open(own_server.url, statement_timeout_seconds=0.1, shared=together)
    await asyncio.to_thread(own_server.stop)
    tasks = await started([echo(opened) for _ in range(3)])

    await opened.close()

    assert [type(answer) for answer in await outcomes(tasks)] == [Unavailable] * 3


# Several


async def test_the_least_loaded_connection_is_picked(database: str) -> None:
    first, second = await Pipeline.open(database), await Pipeline.open(database)
    tasks = await started([echo(first, seconds=0.05), echo(first), echo(second, seconds=0.05)])

    picked = least_loaded([first, second])
    await asyncio.gather(*tasks)
    await asyncio.gather(first.close(), second.close())

    assert picked is second
    assert least_loaded([first]) is first


async def test_the_first_is_picked_while_its_answers_come(database: str) -> None:
    first, second = await Pipeline.open(database), await Pipeline.open(database)

    idle = flowing([first, second])
    tasks = await started([echo(first, seconds=0.2)])
    at_once = flowing([first, second])
    await asyncio.sleep(2 * pipeline.STUCK_SECONDS)
    stuck = flowing([first, second])
    await asyncio.gather(*tasks)
    tasks = await started([echo(first) for _ in range(pipeline.CROWD)])
    crowded = flowing([first, second])
    await asyncio.gather(*tasks)
    again = flowing([first, second])
    await asyncio.gather(first.close(), second.close())

    assert [idle, at_once, stuck, crowded, again] == [first, first, second, second, first]
