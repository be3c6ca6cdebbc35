"""Migrations: from nothing to the tables that `schema.py` holds together, once, whoever asks."""

from __future__ import annotations

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from fhir_server.definitions.catalogue import resource_types
from fhir_server.kernel.errors import Unavailable
from fhir_server.store.migrations.migrate import (
    HEAD,
    WrongSchema,
    configuration,
    migrate,
    require_schema,
    require_server,
)
from fhir_server.store.numbers import TYPES
from fhir_server.store.postgres import PostgresStore
from fhir_server.store.schema import METADATA


def test_an_empty_database_is_brought_to_the_tables_of_the_code(database_url: str) -> None:
    assert migrate(database_url)

    engine = create_engine(
        "postgresql+psycopg://", creator=lambda: psycopg.connect(database_url), poolclass=NullPool
    )
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, METADATA) == []


def test_a_second_migration_has_nothing_to_do_and_is_quick(database_url: str) -> None:
    migrate(database_url)
    start = time.perf_counter()

    assert not migrate(database_url)

    assert time.perf_counter() - start < 0.5


def test_looking_at_the_revision_does_not_import_alembic(database_url: str) -> None:
    migrate(database_url)
    code = (
        "import sys; from fhir_server.store.migrations.migrate import migrate; "
        f"migrate({database_url!r}); print('alembic' in sys.modules, 'sqlalchemy' in sys.modules)"
    )

    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout

    assert shown.split() == ["False", "False"]


def test_many_processes_may_migrate_at_once(database_url: str) -> None:
    with ThreadPoolExecutor(4) as threads:
        done = list(threads.map(migrate, [database_url] * 4))

    assert done.count(True) == 1


def test_the_head_is_the_newest_revision() -> None:
    scripts = ScriptDirectory.from_config(configuration())

    assert scripts.get_heads() == [HEAD]


def test_databases_have_secrets_of_their_own(database_url: str) -> None:
    migrate(database_url)

    with psycopg.connect(database_url) as connection:
        row = connection.execute("select value from setting where name = 'secret'").fetchone()

    assert row is not None
    assert len(row[0]) == 32
    assert len(set(row[0])) > 8


async def test_a_store_opens_only_on_the_schema_it_knows(database_url: str) -> None:
    with pytest.raises(WrongSchema, match="cordee migrate"):
        await PostgresStore.open(database_url)
    migrate(database_url)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("update alembic_version set version_num = '9999'")

    with pytest.raises(WrongSchema, match="newer"):
        await PostgresStore.open(database_url)
    with pytest.raises(WrongSchema, match="newer"):
        migrate(database_url)


@pytest.mark.parametrize(
    ("revision", "told"), [(None, "no Cordée schema"), ("0000", "0000"), ("9999", "newer")]
)
def test_a_wrong_schema_is_told_with_what_to_do(revision: str | None, told: str) -> None:
    with pytest.raises(WrongSchema, match=told):
        require_schema(revision)


def test_a_server_before_15_is_refused() -> None:
    require_server(150000)
    with pytest.raises(WrongSchema, match="version 14"):
        require_server(140011)


async def test_a_database_that_does_not_answer_is_unavailable() -> None:
    url = "postgresql://nobody@127.0.0.1:1/nothing?connect_timeout=2"

    with pytest.raises(Unavailable):
        migrate(url)
    with pytest.raises(Unavailable):
        await PostgresStore.open(url)


def test_every_resource_type_has_its_number() -> None:
    assert set(TYPES) == set(resource_types())
    assert len(TYPES) == len(set(TYPES))
