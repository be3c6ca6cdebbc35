"""What one client waits for inside the server, without HTTP: the handler's time, and that of its statements alone.

A request is performed by the product's own handlers in this process, one at a time, over one pipelined connection.
`server` is from the call to the reply. `database` is the part of it from sending a statement to having its rows, summed
over the statements of the request. Both are medians.
"""

from __future__ import annotations

import asyncio
import gc
import random
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from statistics import median

import uvloop

from bench.asking import Pools, Workload, requests_of
from bench.samples import Sample
from bench.server import Running
from fhir_server.app import server_of
from fhir_server.engine import Engine
from fhir_server.interactions.address import entry_call_of
from fhir_server.interactions.call import Action, Call
from fhir_server.kernel.keys import Key
from fhir_server.search.query import Query
from fhir_server.settings import DatabaseSettings, Settings
from fhir_server.store import rows
from fhir_server.store.connections import PLANNER
from fhir_server.store.contract import Page, Span, Stored
from fhir_server.store.history import history
from fhir_server.store.pages import search
from fhir_server.store.pipeline import Pipeline, Row, Statement
from fhir_server.store.postgres import PostgresStore
from fhir_server.store.statements import Compiler
from fhir_server.store.watermark import Clock

_BASE = "http://127.0.0.1/fhir"
_OUTER = Call(Action.BUNDLE, base=_BASE)
_WARM = 3  # requests, at least, before the first that counts
_LEAST = 15  # requests that count, however long they take
_MOST = 2000


class Timed(PostgresStore):
    """A store that is open, but for its reads: they go over one connection, which keeps the time they take."""

    def __init__(self, store: PostgresStore, pipeline: Pipeline) -> None:
        vars(self).update(vars(store))
        self.seconds = 0.0
        self._pipeline = pipeline
        self._compiler = Compiler(store.hasher)
        self._clock = Clock()

    async def run(self, statement: Statement, params: Sequence[bytes | None]) -> list[Row]:
        began = time.perf_counter()
        found = await self._pipeline.run(statement, params)
        self.seconds += time.perf_counter() - began
        return found

    async def read(self, key: Key, version: int | None = None) -> Stored | None:
        if version is not None:
            return await rows.version(self.run, self.hasher, key, version)
        found = await rows.current(self.run, self.hasher, key)
        return found.stored if found else None

    async def search(self, query: Query) -> Page:
        return await search(self.run, self._compiler, query, self.definitions.current.parameters)

    async def history(self, span: Span) -> Page:
        return await history(self.run, self.hasher, self._clock, span, fence=self.run)


def measured(server: Running, workload: Workload, pools: Pools, seconds: float, sample: Sample) -> None:
    """Write the times of `workload` into `sample`."""
    collected = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)  # as a worker does
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_measured(server, workload, pools, seconds, sample))
    finally:
        gc.set_threshold(*collected)
        gc.unfreeze()


def is_reading(workload: Workload) -> bool:
    """Whether it can be measured here."""
    return all(ask.method == "GET" and not ask.headers for ask in workload.asks)


async def _measured(
    server: Running, workload: Workload, pools: Pools, seconds: float, sample: Sample
) -> None:
    settings = Settings(database=DatabaseSettings(url=server.url))
    async with _opened(settings) as store:
        engine = Engine(replace(server_of(store, settings), store=store))
        requests = requests_of(workload, pools, random.Random(1))

        async def perform() -> tuple[float, float]:
            call = entry_call_of("GET", _BASE + next(requests).path.removeprefix("/fhir"), _OUTER)
            store.seconds = 0.0
            began = time.perf_counter()
            await engine.perform(call)
            return time.perf_counter() - began, store.seconds

        # The pages that this workload needs are in memory by then, and its statements prepared.
        until = time.perf_counter() + seconds
        for number in range(_MOST):
            await perform()
            if number >= _WARM and time.perf_counter() > until:
                break
        times: list[tuple[float, float]] = []
        until = time.perf_counter() + seconds
        while len(times) < _LEAST or (len(times) < _MOST and time.perf_counter() < until):
            times.append(await perform())
    sample.server_ms = 1e3 * median(server for server, _ in times)
    sample.database_ms = 1e3 * median(database for _, database in times)


@asynccontextmanager
async def _opened(settings: Settings) -> AsyncIterator[Timed]:
    store = await PostgresStore.open(settings.database.url)
    try:
        pipeline = await Pipeline.open(
            settings.database.url, options={**PLANNER, "synchronous_commit": "off"}
        )
        try:
            yield Timed(store, pipeline)
        finally:
            await pipeline.close()
    finally:
        await store.close()
