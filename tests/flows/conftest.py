"""A server without a network: the whole ASGI application over a database of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest
import pytest_asyncio

from fhir_server.app import application
from fhir_server.settings import DatabaseSettings, Settings
from tests.databases import Databases
from tests.flows.attacking import demonstration, of_the_cast
from tests.flows.callers import Door
from tests.flows.refusals import newest
from tests.flows.serving import Serve, alive
from tests.flows.traced import Log, logged


@pytest.fixture
async def serve(url: str) -> AsyncIterator[Serve]:
    """Starts a server with the settings given and returns a client whose base is `/fhir/`."""
    async with AsyncExitStack() as stack:

        async def start(**settings: Any) -> httpx.AsyncClient:
            given = {"publish": "off", **settings}
            app = application(Settings(database=DatabaseSettings(url=url), **given))
            await stack.enter_async_context(alive(app))
            transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
            client = httpx.AsyncClient(transport=transport, base_url="http://test.example/fhir/", timeout=60)
            return await stack.enter_async_context(client)

        yield start


@pytest.fixture
async def client(serve: Serve) -> httpx.AsyncClient:
    """A client of a server with default settings."""
    return await serve()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shared(databases: Databases, migrated: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client of one server with default settings, for tests of `loop_scope="session"` that keep to their own data."""
    url = databases.create(migrated)
    app = application(Settings(database=DatabaseSettings(url=url), publish="off"))
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with (
        alive(app),
        httpx.AsyncClient(transport=transport, base_url="http://test.example/fhir/", timeout=60) as client,
    ):
        yield client
    databases.drop(url)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def audited(
    databases: Databases, migrated: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Log]:
    """A server that knows its callers, and its audit log."""
    async with logged(databases, migrated, tmp_path_factory.mktemp("audit")) as opened:
        yield opened


@pytest.fixture
def log(audited: Log) -> Log:
    """The same, with nothing new in its log."""
    audited.rows()
    return audited


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def shown(databases: Databases, migrated: str) -> AsyncIterator[Door]:
    """A server that shows the demonstration dossier."""
    async with demonstration(databases, migrated) as (opened, _):
        yield opened


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def nurse(shown: Door) -> httpx.AsyncClient:
    """Somebody of the circle of Madame Payet."""
    return await of_the_cast(shown, "infirmier")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stranger(shown: Door) -> httpx.AsyncClient:
    """A professional of no circle."""
    return await of_the_cast(shown, "medecin-inconnu")


@pytest_asyncio.fixture(loop_scope="session")
async def refused(shared: httpx.AsyncClient) -> AsyncIterator[httpx.AsyncClient]:
    """A client whose every answer must be a refusal that leaves nothing behind."""
    before = await newest(shared)
    yield shared
    assert await newest(shared) == before
    assert (await shared.get("http://test.example/readyz")).status_code == 200


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A judgement ends early: that it ends is what is tested."""
    monkeypatch.setattr("fhir_server.validation.judging.SECONDS", 0.3)
