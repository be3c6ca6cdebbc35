"""An engine over a store: in memory, or where a test asks for it (`both`) also on PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import NamedTuple, Protocol

import psycopg
import pytest
import pytest_asyncio

from fhir_server.engine import Engine
from fhir_server.store.memory import MemoryStore
from fhir_server.store.migrations.migrate import migrate
from fhir_server.store.postgres import PostgresStore
from tests.fhir_server.interactions.performing import Performer
from tests.guarded import guarded, guarded_on_postgres

__all__ = ["guarded", "guarded_on_postgres"]


class Databases(Protocol):
    """See the fixture `databases`."""

    def create(self, template: str = ...) -> str: ...

    def drop(self, url: str) -> None: ...


class Opened(NamedTuple):
    store: PostgresStore
    url: str

    def empty(self) -> None:
        """Forget every resource."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(
                "truncate resource, version, entry, entry_string, entry_date, entry_quantity, import_file"
            )


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def on_postgres(databases: Databases) -> AsyncIterator[Opened]:
    """One store for all the tests of this process, because to open one takes longer than they do."""
    url = databases.create()
    migrate(url)
    store = await PostgresStore.open(url, pool_size=4)
    yield Opened(store, url)
    await store.close()
    databases.drop(url)


@pytest.fixture
def perform(request: pytest.FixtureRequest) -> Performer:
    """A server with default settings and no resources. Indirect parameter: `memory` (the default) or `postgres`."""
    if getattr(request, "param", "memory") == "memory":
        return Performer(MemoryStore())
    opened: Opened = request.getfixturevalue("on_postgres")
    opened.empty()
    return Performer(opened.store)


@pytest.fixture
def engine(perform: Performer) -> Engine:
    return perform.engine
