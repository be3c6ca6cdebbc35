from __future__ import annotations

from typing import Any

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from fhir_server.interactions.call import Call, Reply
from fhir_server.web.front import Front
from fhir_server.web.rest import RestOptions


async def perform(call: Call) -> Reply:
    return Reply(200, b'{"resourceType":"Patient"}')


async def framework(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 418, "headers": []})
    await send({"type": "http.response.body", "body": b"framework"})


async def exchange(front: Front, scope: dict[str, Any], *messages: str) -> list[dict[str, Any]]:
    """What the application sends when it is given `messages`."""
    waiting = list(messages)
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, str]:
        return {"type": waiting.pop(0)}

    async def send(message: Any) -> None:
        sent.append(message)

    await front(scope, receive, send)
    return sent


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/fhir", 200),
        ("/fhir/", 200),
        ("/fhir/Patient/1", 200),
        ("/fhirs", 418),
        ("/", 418),
        ("/healthz", 418),
        ("/Patient/1", 418),
    ],
)
async def test_only_what_is_under_fhir_is_fhir(path: str, status: int) -> None:
    transport = httpx.ASGITransport(app=Front(perform, RestOptions(), framework))

    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        response = await client.get(path)

    assert response.status_code == status


async def test_the_parts_start_before_the_first_request_and_stop_after_the_last() -> None:
    done: list[str] = []

    async def startup() -> None:
        done.append("up")

    async def shutdown() -> None:
        done.append("down")

    front = Front(perform, RestOptions(), framework, startup=startup, shutdown=shutdown)
    sent = await exchange(front, {"type": "lifespan"}, "lifespan.startup", "lifespan.shutdown")

    assert done == ["up", "down"]
    assert [message["type"] for message in sent] == [
        "lifespan.startup.complete",
        "lifespan.shutdown.complete",
    ]


async def test_without_parts_there_is_nothing_to_do() -> None:
    front = Front(perform, RestOptions(), framework)

    sent = await exchange(front, {"type": "lifespan"}, "lifespan.startup", "lifespan.shutdown")

    assert len(sent) == 2


async def test_a_part_that_cannot_start_keeps_the_process_from_serving() -> None:
    async def startup() -> None:
        raise RuntimeError("The database is of another version")

    front = Front(perform, RestOptions(), framework, startup=startup)
    sent = await exchange(front, {"type": "lifespan"}, "lifespan.startup")

    assert sent == [{"type": "lifespan.startup.failed", "message": "The database is of another version"}]


async def test_a_websocket_is_closed() -> None:
    sent = await exchange(
        Front(perform, RestOptions(), framework), {"type": "websocket"}, "websocket.connect"
    )

    assert sent[0]["type"] == "websocket.close"
