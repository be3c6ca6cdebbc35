"""Servers that answer every request with the same bytes: how far a stack can go when nothing is behind it.

`python -m bench.answering STACK FD`: one worker on the listening socket of that number.
"""

from __future__ import annotations

import asyncio
import gc
import random
import socket
import sys
from collections.abc import Callable
from typing import cast

import orjson
import uvicorn
import uvloop
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from bench.data import patient
from fhir_server.interactions.call import Call, Reply
from fhir_server.kernel.keys import Key
from fhir_server.kernel.times import now
from fhir_server.web.front import Front
from fhir_server.web.protocol import Protocol
from fhir_server.web.rest import RestOptions

BODY = orjson.dumps(patient(0, random.Random(1)))
_HEAD = f"HTTP/1.1 200 OK\r\ncontent-type: application/fhir+json\r\ncontent-length: {len(BODY)}\r\n\r\n"
_HEADERS = [(b"content-type", b"application/fhir+json"), (b"content-length", str(len(BODY)).encode())]


class _Raw(asyncio.Protocol):
    """Takes whatever comes for one request: wrk sends the next one only when it has its answer."""

    answer = _HEAD.encode() + BODY

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._transport.write(self.answer)


async def _raw(listening: socket.socket) -> None:
    server = await asyncio.get_running_loop().create_server(_Raw, sock=listening)
    await server.serve_forever()


async def _application(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
    await send({"type": "http.response.body", "body": BODY})


def _front() -> ASGIApp:
    """The product's web layer, with an engine that knows the answer."""
    reply = Reply(200, BODY, Key("Patient", "x"), 1, now())

    async def perform(call: Call) -> Reply:
        return reply

    return Front(perform, RestOptions(), _application)


def _uvicorn(app: ASGIApp, protocol: type[asyncio.Protocol]) -> Callable[[socket.socket], None]:
    """The settings are those of `fhir_server/worker.py`."""

    def serve(listening: socket.socket) -> None:
        config = uvicorn.Config(
            app,
            loop="uvloop",
            http=protocol,
            ws="none",
            interface="asgi3",
            lifespan="off",
            access_log=False,
            log_config=None,
            server_header=False,
            proxy_headers=False,
        )
        uvicorn.Server(config).run([listening])

    return serve


def _serve_raw(listening: socket.socket) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_raw(listening))


STACKS: dict[str, Callable[[socket.socket], None]] = {
    "uvloop": _serve_raw,
    "raw ASGI on uvicorn": _uvicorn(_application, HttpToolsProtocol),
    "raw ASGI in one packet": _uvicorn(_application, Protocol),
    "front door without engine": _uvicorn(_front(), Protocol),
}


if __name__ == "__main__":
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
    STACKS[sys.argv[1]](socket.socket(fileno=int(sys.argv[2])))
