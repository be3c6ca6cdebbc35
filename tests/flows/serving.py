"""The ASGI application alive without a network: what `conftest.py` starts its servers with."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import httpx
from starlette.types import ASGIApp, Message

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
