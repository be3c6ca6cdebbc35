"""The stores that the contract is tried on: in memory, on the embedded PostgreSQL, and on an external one if given."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from fhir_server.store.contract import ResourceStore
from fhir_server.store.memory import MemoryStore
from fhir_server.store.migrations.migrate import migrate
from fhir_server.store.postgres import PostgresStore
from tests.contracts.writing import Writer

EXTERNAL = os.environ.get("CORDEE_TEST_EXTERNAL_URL", "")
_EXTERNAL = pytest.param("external", marks=pytest.mark.external)


@pytest.fixture
def external_url() -> Iterator[str]:
    name = f"cordee_{uuid4().hex}"
    with psycopg.connect(EXTERNAL, autocommit=True) as connection:
        connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        url = make_conninfo(EXTERNAL, dbname=name)
        migrate(url)
        yield url
        connection.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


@pytest.fixture(params=["memory", "postgres", *([_EXTERNAL] if EXTERNAL else [])])
async def store(request: pytest.FixtureRequest) -> AsyncIterator[ResourceStore]:
    if request.param == "memory":
        yield MemoryStore()
        return
    databases = None
    if request.param == "external":
        url = request.getfixturevalue("external_url")
    else:
        databases = request.getfixturevalue("databases")
        url = databases.create(template=request.getfixturevalue("migrated"))
    opened = await PostgresStore.open(url, pool_size=8)
    yield opened
    await opened.close()
    if databases is not None:
        databases.drop(url)


@pytest.fixture
def writer(store: ResourceStore) -> Writer:
    return Writer(store)
