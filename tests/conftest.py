"""Fixtures for everybody: an embedded PostgreSQL per test process, fresh databases on it, seeded hypothesis runs.

`postgres_url` is the server (as its superuser), `url` a new database with our tables (as the role that owns it, like
the real server's), `database_url` an empty one; `databases` makes several, also from a template, such as `migrated`.
`data_dir` is an empty directory for an embedded PostgreSQL of one's own.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from fhir_server.store.embedded import Embedded
from fhir_server.store.migrations.migrate import migrate
from tests.databases import Databases

settings.register_profile("ci", derandomize=True, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))

# Nothing here survives a power cut, and nothing has to.
FAST = {"fsync": "off", "full_page_writes": "off", "shared_buffers": "64MB", "max_connections": "200"}


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


@pytest.fixture(scope="session")
def migrated(databases: Databases) -> str:
    """A database with our tables and nothing in them, to be copied."""
    url = databases.create()
    migrate(url)
    return url


@pytest.fixture
def url(databases: Databases, migrated: str) -> Iterator[str]:
    """A new database with our tables, dropped afterwards."""
    made = databases.create(migrated)
    yield made
    databases.drop(made)


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """An empty directory for an embedded PostgreSQL; removed afterwards."""
    directory = open_directory()
    yield directory
    shutil.rmtree(directory, ignore_errors=True)
