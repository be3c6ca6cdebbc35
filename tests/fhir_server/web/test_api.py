from __future__ import annotations

import httpx
import pytest

from fhir_server.web.api import api_of


async def get(path: str, *, ready: bool = True) -> httpx.Response:
    async def is_ready() -> bool:
        return ready

    transport = httpx.ASGITransport(app=api_of(is_ready))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        return await client.get(path)


async def test_the_root_says_where_fhir_is() -> None:
    assert (await get("/")).json()["metadata"] == "/fhir/metadata"


@pytest.mark.parametrize("ready", [True, False])
async def test_a_process_that_answers_is_up(ready: bool) -> None:
    assert (await get("/healthz", ready=ready)).status_code == 200


@pytest.mark.parametrize(("ready", "status"), [(True, 200), (False, 503)])
async def test_it_is_ready_when_the_database_answers(ready: bool, status: int) -> None:
    assert (await get("/readyz", ready=ready)).status_code == status


@pytest.mark.parametrize("path", ["/docs", "/openapi.json", "/redoc", "/nothing", "/healthz/"])
async def test_nothing_else_is_there(path: str) -> None:
    assert (await get(path)).status_code == 404
