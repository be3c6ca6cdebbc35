"""Servers with default settings, over a store in memory or one database; and one that knows who may see what."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from fhir_server.store.memory import MemoryStore
from fhir_server.store.postgres import PostgresStore
from tests.fhir_server.interactions.performing import Performer
from tests.fhir_server.operations.asking import Operator
from tests.fhir_server.operations.indexing import Open
from tests.guarded import guarded, on_postgres

__all__ = ["guarded", "on_postgres"]


@pytest.fixture
def server() -> Operator:
    return Operator(MemoryStore())


@pytest.fixture
async def open_worker(url: str) -> AsyncIterator[Open]:
    """Opens one more worker on the same database."""
    stores: list[PostgresStore] = []

    async def one_more() -> Performer:
        stores.append(await PostgresStore.open(url, pool_size=4))
        return Performer(stores[-1])

    yield one_more
    for store in stores:
        await store.close()


@pytest.fixture
async def worker(open_worker: Open) -> Performer:
    return await open_worker()


@pytest.fixture(params=["memory", "postgres"])
def either(request: pytest.FixtureRequest) -> Performer:
    """A worker on each kind of store."""
    if request.param == "memory":
        return Performer(MemoryStore())
    performer: Performer = request.getfixturevalue("worker")
    return performer
