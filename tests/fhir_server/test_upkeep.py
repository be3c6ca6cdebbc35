"""The background work: steps in turn, in the process that leads."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from fhir_server.kernel.errors import Unavailable
from fhir_server.store.memory import MemoryStore
from fhir_server.upkeep import Step, Upkeep


class Store(MemoryStore):
    """One that leads when it is told to."""

    lead = True

    @property
    def leading(self) -> bool:
        return self.lead


@asynccontextmanager
async def kept_up(store: MemoryStore, *steps: Step) -> AsyncIterator[None]:
    upkeep = Upkeep(store, steps, rest=0)
    upkeep.start()
    try:
        yield
    finally:
        await upkeep.close()


class Work:
    """A step with some pieces of work. `all_done` is set behind the last one."""

    def __init__(self, pieces: int, error: Exception | None = None) -> None:
        self.pieces = pieces
        self.error = error
        self.rounds = 0
        self.all_done = asyncio.Event()

    async def step(self) -> bool:
        self.rounds += 1
        if self.error is not None:
            error, self.error = self.error, None
            raise error
        self.pieces -= 1
        if self.pieces <= 0:
            self.all_done.set()
        return self.pieces >= 0


async def test_steps_take_turns_until_there_is_nothing_to_do() -> None:
    one, other = Work(3), Work(5)

    async with kept_up(Store(), one.step, other.step), asyncio.timeout(5):
        await other.all_done.wait()

    assert one.rounds >= 5


async def test_news_end_the_wait_at_once() -> None:
    store, work = Store(), Work(0)

    async with kept_up(store, work.step), asyncio.timeout(0.5):
        await work.all_done.wait()
        rounds = work.rounds
        await store.definitions.request(["Patient"], "")
        await asyncio.sleep(0.05)

    assert work.rounds > rounds


@pytest.mark.parametrize("error", [Unavailable("away"), ValueError("wrong")])
async def test_a_step_that_fails_is_logged_and_tried_again(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    store, failing, other = Store(), Work(1, error), Work(1)

    with caplog.at_level(logging.WARNING):
        async with kept_up(store, failing.step, other.step), asyncio.timeout(5):
            await other.all_done.wait()
            await failing.all_done.wait()

    assert "step of the background work" in caplog.text


async def test_a_process_that_does_not_lead_does_nothing() -> None:
    store, work = Store(), Work(1)
    store.lead = False

    async with kept_up(store, work.step):
        await asyncio.sleep(0.05)
        assert work.rounds == 0
        store.lead = True
        await store.definitions.request([], "")
        async with asyncio.timeout(5):
            await work.all_done.wait()
