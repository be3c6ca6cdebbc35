from __future__ import annotations

import httpx
from fastapi import FastAPI
from fastapi.responses import PlainTextResponse

from fhir_server.web.security_headers import Secured, security_headers


async def answer(base_url: str) -> httpx.Response:
    api = FastAPI()

    @api.get("/")
    async def root() -> PlainTextResponse:
        return PlainTextResponse("", headers={"Referrer-Policy": "origin"})

    transport = httpx.ASGITransport(app=Secured(api, base_url))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        return await client.get("/")


async def test_every_answer_tells_browsers_to_make_nothing_of_it() -> None:
    headers = (await answer("")).headers

    assert headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'; sandbox"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert "strict-transport-security" not in headers


async def test_a_header_that_an_answer_has_stays() -> None:
    assert (await answer("")).headers.get_list("referrer-policy") == ["origin"]


def test_a_server_behind_https_is_never_asked_by_http_again() -> None:
    assert (b"strict-transport-security", b"max-age=31536000") in security_headers("https://a.example/fhir")
