"""Ordinary answers leave in one piece; all others as uvicorn sends them."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import pytest
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from fhir_server.web.protocol import Protocol

Headers = list[tuple[bytes, bytes]]
Ask = Callable[[bytes], Awaitable[bytes]]


def answering(headers: Headers, *parts: bytes, status: int = 200, error: Exception | None = None) -> ASGIApp:
    """An application with one answer, in as many parts as there are."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": status, "headers": headers})
        if error is not None:
            raise error
        for left, part in enumerate(parts, 1 - len(parts)):
            await send({"type": "http.response.body", "body": part, "more_body": left < 0})

    return answer


@asynccontextmanager
async def serving(application: ASGIApp) -> AsyncIterator[Ask]:
    """What a raw request gets, until the server closes the connection."""
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        application, http=Protocol, lifespan="off", log_config=None, access_log=False, log_level="critical"
    )
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve(sockets=[listening]))
    while not server.started:  # noqa: ASYNC110 - uvicorn has a flag and nothing to wait for
        await asyncio.sleep(0.01)

    async def ask(request: bytes) -> bytes:
        reader, writer = await asyncio.open_connection(*listening.getsockname())
        writer.write(request)
        try:
            return await reader.read()
        finally:
            writer.close()
            await writer.wait_closed()

    yield ask
    server.should_exit = True
    await running


GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
LAST = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
FIVE = [(b"content-length", b"5")]


@pytest.mark.parametrize("requests", [1, 3])
async def test_requests_of_one_connection_are_answered_in_turn(requests: int) -> None:
    async with serving(answering(FIVE, b"hello")) as ask:
        answers = await ask(GET * (requests - 1) + LAST)

    assert answers.count(b"HTTP/1.1 200 OK\r\n") == answers.count(b"\r\n\r\nhello") == requests


async def test_the_head_has_the_headers_of_the_answer_and_those_of_every_answer() -> None:
    async with serving(answering([*FIVE, (b"etag", b'W/"1"')], b"hello")) as ask:
        head, _, body = (await ask(LAST)).partition(b"\r\n\r\n")

    assert {b"content-length: 5", b'etag: W/"1"', b"connection: close"} <= set(head.split(b"\r\n"))
    assert b"\r\ndate: " in head
    assert body == b"hello"


@pytest.mark.parametrize(
    ("application", "shown"),
    [
        pytest.param(answering([], b"a", b"b"), b"1\r\na\r\n1\r\nb\r\n0\r\n\r\n", id="streamed"),
        pytest.param(answering(FIVE, b"he", b"llo"), b"\r\n\r\nhello", id="in two parts of known length"),
        pytest.param(answering([], b"hello"), b"5\r\nhello\r\n0\r\n\r\n", id="of unknown length"),
        pytest.param(answering([], b"", status=204), b"HTTP/1.1 204 No Content\r\n", id="without a body"),
    ],
)
async def test_every_kind_of_answer_arrives(application: ASGIApp, shown: bytes) -> None:
    async with serving(application) as ask:
        assert shown in await ask(LAST)


async def test_a_head_request_gets_the_length_and_no_body() -> None:
    async with serving(answering(FIVE, b"")) as ask:
        answer = await ask(LAST.replace(b"GET", b"HEAD"))

    assert b"content-length: 5\r\n" in answer
    assert answer.endswith(b"\r\n\r\n")


@pytest.mark.parametrize(
    "request_",
    [
        pytest.param(b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 3_000_000, id="a header"),
        pytest.param(b"GET / HTTP/1.1\r\n" + b"X: a\r\n" * 500_000, id="many headers"),
        pytest.param(b"GET /" + b"a" * 3_000_000, id="an address"),
    ],
)
async def test_a_head_without_end_is_refused(request_: bytes) -> None:
    async with serving(answering(FIVE, b"hello")) as ask:
        with suppress(ConnectionError):  # it was closed on what was under way
            assert (await ask(request_)).startswith(b"HTTP/1.1 400 ")
        assert b"hello" in await ask(LAST)


async def test_trailers_without_end_end_the_connection() -> None:
    head = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"

    async with serving(reading) as ask:
        with suppress(ConnectionError):
            answer = await ask(head + b"1\r\na\r\n0\r\n" + b"X: a\r\n" * 500_000)
            assert b"hello" not in answer


async def test_a_body_may_be_large() -> None:
    head = b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 3000000\r\n\r\n"

    async with serving(reading) as ask:
        assert (await ask(head + b"a" * 3_000_000)).endswith(b"hello")


async def reading(scope: Scope, receive: Receive, send: Send) -> None:
    """An application that reads all before it answers."""
    while (await receive()).get("more_body"):
        pass
    await answering(FIVE, b"hello")(scope, receive, send)


async def test_an_old_client_is_let_go_after_its_answer() -> None:
    async with serving(answering(FIVE, b"hello")) as ask:
        answer = await ask(b"GET / HTTP/1.0\r\nHost: x\r\n\r\n")

    assert b"connection: close\r\n" in answer


@pytest.mark.parametrize(
    "application",
    [
        pytest.param(answering(FIVE, error=ValueError()), id="between head and body"),
        pytest.param(answering([*FIVE, (b"location", b"x\r\nset-cookie: y")], b"hello"), id="in a header"),
    ],
)
async def test_what_goes_wrong_becomes_500_and_never_a_header_of_somebody_elses(application: ASGIApp) -> None:
    async with serving(application) as ask:
        answer = await ask(LAST)

    assert answer.startswith(b"HTTP/1.1 500 ")
    assert b"set-cookie" not in answer
