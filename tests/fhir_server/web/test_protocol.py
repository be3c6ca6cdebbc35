"""Answers leave in one packet."""

from __future__ import annotations

import asyncio
import socket

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from fhir_server.web.protocol import Gathering, Protocol


class Inner(asyncio.Transport):
    """A transport that remembers what it was told."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[object] = []
        self.closing = False

    def writelines(self, list_of_data: object) -> None:
        self.told.append(list_of_data)

    def close(self) -> None:
        self.told.append("close")

    def is_closing(self) -> bool:
        return self.closing


async def test_the_writes_of_one_turn_go_out_together() -> None:
    inner = Inner()
    gathering = Gathering(inner, asyncio.get_running_loop())

    gathering.write(b"head")
    gathering.write(b"body")
    await asyncio.sleep(0)
    gathering.write(b"next")
    await asyncio.sleep(0)

    assert inner.told == [[b"head", b"body"], [b"next"]]


async def test_what_was_written_leaves_before_the_connection_closes() -> None:
    inner = Inner()
    gathering = Gathering(inner, asyncio.get_running_loop())

    gathering.write(b"last words")
    gathering.close()
    await asyncio.sleep(0)

    assert inner.told == [[b"last words"], "close"]


async def test_nothing_is_written_to_a_connection_that_is_gone() -> None:
    inner = Inner()
    gathering = Gathering(inner, asyncio.get_running_loop())

    gathering.write(b"too late")
    inner.closing = True
    await asyncio.sleep(0)

    assert inner.told == []


async def answer(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "lifespan":
        return
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"5")]})
    await send({"type": "http.response.body", "body": b"hello"})


@pytest.mark.parametrize("requests", [1, 3])
async def test_uvicorn_serves_with_it_also_when_requests_are_pipelined(requests: int) -> None:
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(answer, http=Protocol, lifespan="off", log_config=None))
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    while not server.started:  # noqa: ASYNC110 - uvicorn has a flag and nothing to wait for
        await asyncio.sleep(0.01)
    reader, writer = await asyncio.open_connection(*listening.getsockname())

    writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * requests)
    answers = [await reader.readuntil(b"hello") for _ in range(requests)]

    assert all(one.startswith(b"HTTP/1.1 200") for one in answers)
    writer.close()
    await writer.wait_closed()
    server.should_exit = True
    await serving
