"""Whatever happens to the connection or the database, every caller gets its own answer or a clean refusal.

These tests run `CORDEE_FAULT_ROUNDS` times (default 1).
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
from typing import Any

import psycopg
import pytest

from fhir_server.kernel.errors import Unavailable
from fhir_server.store import pipeline
from fhir_server.store.binary import pack_int4
from fhir_server.store.embedded import Embedded
from fhir_server.store.pipeline import Pipeline
from tests.fhir_server.store.pipes import (
    DIVIDE,
    ECHO,
    NOTE,
    SESSIONS,
    echo,
    outcomes,
    pid_of,
    repeatedly,
    started,
    succeeds,
    terminate,
    token,
    until,
)


def postmaster_of(server: Embedded) -> int:
    (file,) = server.directory.glob("postgres-*/postmaster.pid")
    return int(file.read_text().split()[0])


@repeatedly
async def test_a_backend_terminated_mid_flight_refuses_those_under_way(
    shared: Pipeline, admin: psycopg.AsyncConnection[Any], round_: int
) -> None:
    pid = await pid_of(shared)
    tasks = await started([echo(shared), echo(shared, seconds=20), *(echo(shared) for _ in range(50))])
    await tasks[0]

    await terminate(admin, pid)
    answers = await outcomes(tasks)

    assert [type(answer) for answer in answers] == [type(None)] + [Unavailable] * 51
    await asyncio.gather(*(echo(shared) for _ in range(10)))
    assert await pid_of(shared) != pid


@repeatedly
async def test_callers_that_wait_for_room_go_out_on_the_next_connection(
    database: str, admin: psycopg.AsyncConnection[Any], round_: int, together: bool
) -> None:
    opened = await Pipeline.open(database, in_flight=1, shared=together)
    pid = await pid_of(opened)
    tasks = await started([echo(opened, seconds=20), *(echo(opened) for _ in range(20))])

    await terminate(admin, pid)
    answers = await outcomes(tasks)
    await opened.close()

    assert [type(answer) for answer in answers] == [Unavailable] + [type(None)] * 20


@repeatedly
async def test_an_idle_connection_that_was_lost_is_made_anew(
    shared: Pipeline, admin: psycopg.AsyncConnection[Any], round_: int
) -> None:
    await terminate(admin, await pid_of(shared))
    await until(lambda: succeeds(echo(shared)))

    await asyncio.gather(*(echo(shared) for _ in range(10)))


@repeatedly
async def test_nothing_runs_twice_and_what_was_acknowledged_is_there(
    writers: Pipeline, admin: psycopg.AsyncConnection[Any], round_: int
) -> None:
    acknowledged: set[str] = set()
    sent: set[str] = set()
    dice = random.Random(round_)

    async def write() -> None:
        for _ in range(40):
            mine = token()
            sent.add(mine.decode())
            try:
                assert await writers.run(NOTE, [mine]) == [(mine,)]
            except Unavailable:
                continue
            acknowledged.add(mine.decode())

    async def kill() -> None:
        while True:
            await asyncio.sleep(dice.random() * 0.02)
            await admin.execute(f"select pg_terminate_backend(pid) {SESSIONS}")

    killer = asyncio.create_task(kill())
    await asyncio.gather(*(write() for _ in range(20)))
    killer.cancel()
    await outcomes([killer])

    found = [row[0] for row in await (await admin.execute("select token from noted")).fetchall()]
    assert len(found) == len(set(found))
    assert acknowledged <= set(found) <= sent
    assert acknowledged


@repeatedly
async def test_a_storm_of_faults_mixes_up_no_answers(
    database: str, admin: psycopg.AsyncConnection[Any], round_: int, together: bool
) -> None:
    """Terminations, cancelled statements and callers, errors, large values and a full queue, all at once."""
    dice = random.Random(round_)
    opened = await Pipeline.open(database, in_flight=16, waiting=60, shared=together)
    seen: set[str] = set()

    async def call() -> None:
        for _ in range(20):
            try:
                async with asyncio.timeout(dice.choice([0.001, 0.005, 5])):
                    match dice.randrange(6):
                        case 0:
                            await opened.run(DIVIDE, [pack_int4(0)])
                        case 1:
                            await echo(opened, seconds=0.003)
                        case 2:
                            mine = token() * 20_000
                            assert await opened.run(ECHO, [mine]) == [(mine,)]
                        case _:
                            await echo(opened)
                seen.add("answer")
            except (TimeoutError, Unavailable, psycopg.errors.DivisionByZero) as error:
                seen.add(type(error).__name__)

    async def break_things() -> None:
        while True:
            await asyncio.sleep(dice.random() * 0.05)
            act = dice.choice(["pg_terminate_backend", "pg_cancel_backend"])
            await admin.execute(f"select {act}(pid) {SESSIONS}".encode())

    breaker = asyncio.create_task(break_things())
    async with asyncio.timeout(60):
        await asyncio.gather(*(call() for _ in range(90)))
    breaker.cancel()
    await outcomes([breaker])
    await opened.close()

    assert seen == {"answer", "TimeoutError", "Unavailable", "DivisionByZero"}


@repeatedly
@pytest.mark.parametrize("way", ["stopped", "killed"])
async def test_a_database_restarted_under_load_mixes_up_no_answers(
    own_server: Embedded, way: str, round_: int, together: bool
) -> None:
    opened = await Pipeline.open(own_server.url, shared=together)
    answered, refused, running = 0, 0, True

    async def load() -> None:
        nonlocal answered, refused
        while running:
            try:
                await echo(opened)
                answered += 1
            except Unavailable:
                refused += 1

    tasks = await started([load() for _ in range(100)])
    await asyncio.sleep(0.05)
    before = answered
    if way == "stopped":
        await asyncio.to_thread(own_server.stop)
        await asyncio.to_thread(own_server.start)
    else:
        os.kill(postmaster_of(own_server), signal.SIGQUIT)
        await until(lambda: asyncio.to_thread(own_server.watch))
    await asyncio.gather(*(until(lambda: succeeds(echo(opened))) for _ in range(20)))
    running = False
    await asyncio.gather(*tasks)
    await opened.close()

    assert before > 0
    assert refused > 0


async def test_callers_are_refused_while_there_is_no_database_and_served_when_it_is_back(
    own_server: Embedded, monkeypatch: pytest.MonkeyPatch, together: bool
) -> None:
    monkeypatch.setattr(pipeline, "CONNECT_SECONDS", 0.3)
    opened = await Pipeline.open(own_server.url, shared=together)
    url = own_server.url
    await asyncio.to_thread(own_server.stop)

    answers = await outcomes([echo(opened) for _ in range(20)])
    with pytest.raises(Unavailable):
        await Pipeline.open(url)
    await asyncio.to_thread(own_server.start)
    await asyncio.gather(*(echo(opened) for _ in range(20)))
    await opened.close()

    assert [type(answer) for answer in answers] == [Unavailable] * 20


@repeatedly
async def test_a_server_that_falls_silent_is_given_up(
    database: str, monkeypatch: pytest.MonkeyPatch, round_: int, together: bool
) -> None:
    monkeypatch.setattr(pipeline, "GRACE_SECONDS", 0.1)
    opened = await Pipeline.open(database, statement_timeout_seconds=0.1, shared=together)
    pid = await pid_of(opened)
    os.kill(pid, signal.SIGSTOP)
    try:
        answers = await outcomes([echo(opened) for _ in range(5)])
        await echo(opened)
    finally:
        os.kill(pid, signal.SIGCONT)
    await opened.close()

    assert [type(answer) for answer in answers] == [Unavailable] * 5


async def test_a_server_that_answers_slowly_or_has_nothing_to_answer_is_not_given_up(
    database: str, monkeypatch: pytest.MonkeyPatch, together: bool
) -> None:
    monkeypatch.setattr(pipeline, "GRACE_SECONDS", 0.1)
    opened = await Pipeline.open(database, statement_timeout_seconds=0.1, shared=together)
    pid = await pid_of(opened)

    await asyncio.gather(*(echo(opened, seconds=0.05) for _ in range(10)))
    await asyncio.sleep(0.5)

    assert await pid_of(opened) == pid
    await opened.close()
