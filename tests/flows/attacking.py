"""What attackers share: a server that shows the demonstration to who has a token, and what they would look for."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import httpx

from fhir_server.access.caller import Caller
from fhir_server.demo import dossier
from fhir_server.demo.cast import player
from tests.flows.callers import Door, door, played

FORM: Final = {"Content-Type": "application/x-www-form-urlencoded"}

# Words of the inside: of Python, of PostgreSQL, of where the server lies.
INSIDE: Final = (
    *(
        "Traceback",
        "Error(",
        'File "',
        ".py",
        "site-packages",
        "psycopg",
        "sqlalchemy",
        "asyncio",
        "pydantic",
    ),
    *("select ", "SELECT ", "relation", "column", "UndefinedTable", "42P01", "resource_", "/work", "/usr/"),
)


@asynccontextmanager
async def demonstration(databases: Any, template: str, **settings: Any) -> AsyncIterator[tuple[Door, str]]:
    """A server that shows the dossier, and the URL of its database."""
    url = databases.create(template)
    try:
        async with door(url, demo=True, **settings) as opened:
            await opened.load(dossier())
            yield opened, url
    finally:
        databases.drop(url)


async def unknown(server: Door) -> httpx.AsyncClient:
    client = await server.with_token("")
    del client.headers["authorization"]
    return client


async def of_the_cast(server: Door, name: str, scope: str = "") -> httpx.AsyncClient:
    one = player(name)
    assert one is not None
    return await server.by(played(one), scope or one.scope)


async def of_the_cast_on(server: Door) -> httpx.AsyncClient:
    """A nurse on a server without the demonstration: a token of their own each time."""
    return await server.by(
        Caller("professional", subject="n", client="dui", roles=("infirmier",), level="eidas2")
    )


def token_form() -> bytes:
    assertion = "eyJhbGciOiJFUzM4NCIsImtpZCI6ImVjIn0.eyJpc3MiOiJkdWkiLCJzdWIiOiJkdWkifQ.AAAA"
    kind = "urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer"
    form = f"grant_type=client_credentials&scope=system/*.rs&client_assertion_type={kind}"
    return f"{form}&client_assertion={assertion}".encode()
