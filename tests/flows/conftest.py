"""A server without a network: the whole ASGI application over a database of its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import httpx
import pytest
import pytest_asyncio
from starlette.types import ASGIApp, Message

from fhir_server.app import application
from fhir_server.settings import DatabaseSettings, Settings
from fhir_server.store.migrations.migrate import migrate

JSON = {"Content-Type": "application/fhir+json"}

Serve = Callable[..., Awaitable[httpx.AsyncClient]]


@asynccontextmanager
async def alive(app: ASGIApp) -> AsyncIterator[None]:
    """Run the application's start and stop around a block."""
    told: asyncio.Queue[Message] = asyncio.Queue()
    said: asyncio.Queue[Message] = asyncio.Queue()

    async def live() -> None:
        await app({"type": "lifespan"}, told.get, said.put)

    task = asyncio.create_task(live())
    try:
        await told.put({"type": "lifespan.startup"})
        answer = await said.get()
        assert answer["type"] == "lifespan.startup.complete", answer
        yield
    finally:
        await told.put({"type": "lifespan.shutdown"})
        await said.get()
        await task


@pytest.fixture(scope="session")
def migrated_template(databases: Any) -> Iterator[str]:
    """A database with our tables, to be copied."""
    url = databases.create()
    migrate(url)
    yield url
    databases.drop(url)


@pytest.fixture
def migrated_url(databases: Any, migrated_template: str) -> Iterator[str]:
    """The URL of a new database with our tables."""
    url = databases.create(migrated_template)
    yield url
    databases.drop(url)


@pytest.fixture
async def serve(migrated_url: str) -> AsyncIterator[Serve]:
    """Starts a server with the settings given and returns a client whose base is `/fhir/`."""
    async with AsyncExitStack() as stack:

        async def start(**settings: Any) -> httpx.AsyncClient:
            given = {"publish": "off", **settings}
            app = application(Settings(database=DatabaseSettings(url=migrated_url), **given))
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
async def shared(databases: Any, migrated_template: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client of one server with default settings, for tests of `loop_scope="session"` that keep to their own data."""
    url = databases.create(migrated_template)
    app = application(Settings(database=DatabaseSettings(url=url), publish="off"))
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with (
        alive(app),
        httpx.AsyncClient(transport=transport, base_url="http://test.example/fhir/", timeout=60) as client,
    ):
        yield client
    databases.drop(url)
