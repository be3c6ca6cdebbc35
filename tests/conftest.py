"""Fixtures for everybody: an embedded PostgreSQL per test process, fresh databases on it, seeded hypothesis runs.

`postgres_url` is the server (as its superuser), `database_url` a new empty database (as the role that owns it, like the
real server's), `databases` makes several, also from a template. `data_dir` is an empty directory for an embedded
PostgreSQL of one's own.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import psycopg
import pytest
from hypothesis import settings
from psycopg import sql

from fhir_server.store.embedded import DATABASE, Embedded

settings.register_profile("ci", derandomize=True, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))

# Nothing here survives a power cut, and nothing has to.
FAST = {"fsync": "off", "full_page_writes": "off", "shared_buffers": "64MB", "max_connections": "200"}


class Databases:
    """Makes and drops databases on a running PostgreSQL."""

    def __init__(self, server: Embedded) -> None:
        self._server = server
        self._numbers = count(1)

    def create(self, template: str = "template0") -> str:
        """The URL of a new database, a copy of `template`: a URL made here (nobody may be connected) or a name."""
        name = f"test_{next(self._numbers)}"
        statement = sql.SQL("create database {} owner {} template {}")
        names = [sql.Identifier(n) for n in (name, DATABASE, _name_in(template))]
        self._do(statement.format(*names))
        return self._server.url.replace(f"/{DATABASE}?", f"/{name}?")

    def drop(self, url: str) -> None:
        """Drop a database made here, and end the sessions that are still in it."""
        self._do(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(_name_in(url))))

    def _do(self, statement: sql.Composed) -> None:
        with psycopg.connect(self._server.superuser_url(), autocommit=True) as connection:
            connection.execute(statement)


def _name_in(url: str) -> str:
    return url.partition("@/")[2].partition("?")[0] or url


def open_directory() -> Path:
    """A directory that the account of PostgreSQL can reach; pytest's own are closed to it when root runs the tests."""
    in_memory = Path("/dev/shm")  # where there is such a thing: the disk has nothing to say here
    directory = Path(
        tempfile.mkdtemp(prefix="cordee-test-", dir=in_memory if os.access(in_memory, os.W_OK) else None)
    )
    if os.geteuid() == 0:
        directory.chmod(0o711)
    return directory.resolve()


@pytest.fixture(scope="session")
def open_directories() -> Callable[[], Path]:
    """Makes directories that PostgreSQL can work in; whoever asks for one removes it."""
    return open_directory


@pytest.fixture(scope="session")
def embedded() -> Iterator[Embedded]:
    """One PostgreSQL for all the tests of this process."""
    directory = open_directory()
    try:
        with Embedded(directory, settings=FAST) as server:
            yield server
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_url(embedded: Embedded) -> str:
    """The database `postgres` of the test server, as its superuser."""
    return embedded.superuser_url()


@pytest.fixture(scope="session")
def databases(embedded: Embedded) -> Databases:
    return Databases(embedded)


@pytest.fixture
def make_database_url(databases: Databases) -> Iterator[Callable[[], str]]:
    """Makes new empty databases, dropped afterwards."""
    urls: list[str] = []

    def make() -> str:
        urls.append(databases.create())
        return urls[-1]

    yield make
    for url in urls:
        databases.drop(url)


@pytest.fixture
def database_url(make_database_url: Callable[[], str]) -> str:
    """A new empty database, dropped afterwards."""
    return make_database_url()


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """An empty directory for an embedded PostgreSQL; removed afterwards."""
    directory = open_directory()
    yield directory
    shutil.rmtree(directory, ignore_errors=True)
