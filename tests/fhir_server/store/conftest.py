"""Databases and connections for the tests of the pipeline, which is tested on both event loops: asyncio's own, and
the one that the server runs on.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psycopg
import pytest
import uvloop

from fhir_server.store.connections import PLANNER
from fhir_server.store.embedded import Embedded
from fhir_server.store.pipeline import Pipeline
from fhir_server.store.postgres import PostgresStore
from tests.databases import Databases
from tests.fhir_server.store.pipes import Noted

LoopFactory = Callable[[], asyncio.AbstractEventLoop]


def pytest_asyncio_loop_factories(item: pytest.Item) -> Mapping[str, LoopFactory]:
    factories: dict[str, LoopFactory] = {"asyncio": asyncio.new_event_loop}
    if item.path.name.startswith("test_pipeline"):
        factories["uvloop"] = uvloop.new_event_loop
    return factories


@pytest.fixture(scope="module")
def database(databases: Databases) -> Iterator[str]:
    """A database for all these tests; `admin` empties its table."""
    url = databases.create()
    yield url
    databases.drop(url)


@pytest.fixture(params=[False, True], ids=["alone", "together"])
def together(request: pytest.FixtureRequest) -> bool:
    """Whether statements of one turn of the loop share a segment."""
    is_together: bool = request.param
    return is_together


@pytest.fixture
async def writers(database: str) -> AsyncIterator[Pipeline]:
    """Where each statement has a transaction of its own."""
    opened = await Pipeline.open(database)
    yield opened
    await opened.close()


@pytest.fixture
async def shared(database: str, together: bool) -> AsyncIterator[Pipeline]:
    opened = await Pipeline.open(database, shared=together)
    yield opened
    await opened.close()


@pytest.fixture
async def admin(database: str) -> AsyncIterator[psycopg.AsyncConnection[Any]]:
    """Another session in the same database, to prepare tables and to break things."""
    async with await psycopg.AsyncConnection.connect(database, autocommit=True) as connection:
        await connection.execute("drop table if exists noted")
        await connection.execute("create table noted (token text)")
        yield connection


@pytest.fixture(scope="module")
def one_server() -> Iterator[Embedded]:
    with TemporaryDirectory(prefix="cordee-test-") as directory:
        Path(directory).chmod(0o711)  # open to the account of PostgreSQL when root runs the tests
        with Embedded(Path(directory), settings={"fsync": "off", "shared_buffers": "16MB"}) as server:
            yield server


@pytest.fixture
def own_server(one_server: Embedded) -> Embedded:
    """A PostgreSQL that a test may stop and kill."""
    one_server.start()
    one_server.watch()
    return one_server


@pytest.fixture
async def noted(url: str, store: PostgresStore) -> AsyncIterator[Noted]:
    """For readers, on the database of the `store` of a test."""
    pipeline = await Pipeline.open(url, shared=True, options=PLANNER)
    yield Noted(pipeline)
    await pipeline.close()
