"""The front door, a plain ASGI callable: `/fhir/*` goes to FHIR REST, everything else to the framework.

The hot interactions never enter the routing of a web framework, which would cost more than all else that they need.

https://asgi.readthedocs.io/en/latest/specs/main.html
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from fhir_server.web.origin import ROOT
from fhir_server.web.rest import Authenticate, Perform, Rest, RestOptions, Unread
from fhir_server.web.tracing import Traced

Hook = Callable[[], Awaitable[None]]

logger = logging.getLogger(__name__)


# What is below the base, where a proxy passes it on, and is no FHIR REST: see `smart.py`.
_BESIDE: Final = (f"{ROOT}/.well-known/", f"{ROOT}/auth/")


async def _nothing() -> None:
    """What a server without parts to start or to stop does."""


class Front:
    """`startup` runs before the first request, and when it raises there is none; `shutdown` runs after the last."""

    def __init__(
        self,
        perform: Perform,
        options: RestOptions,
        fallback: ASGIApp,
        *,
        authenticate: Authenticate | None = None,
        unread: Unread | None = None,
        startup: Hook = _nothing,
        shutdown: Hook = _nothing,
    ) -> None:
        self._rest = Rest(perform, options, authenticate, unread)
        self._fallback = Traced(fallback)
        self._startup = startup
        self._shutdown = shutdown

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        match scope["type"]:
            case "http":
                path: str = scope["path"]
                if (
                    path.startswith(ROOT)
                    and path[len(ROOT) : len(ROOT) + 1] in {"", "/"}
                    and not path.startswith(_BESIDE)
                ):
                    await self._rest(scope, receive, send)
                else:
                    await self._fallback(scope, receive, send)
            case "lifespan":
                await self._live(receive, send)
            case "websocket":
                await receive()
                await send({"type": "websocket.close", "code": 1000})

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            phase = message["type"]
            try:
                await (self._startup() if phase == "lifespan.startup" else self._shutdown())
            except Exception as error:
                logger.exception("%s failed", phase)
                await send({"type": f"{phase}.failed", "message": str(error)})
                return
            await send({"type": f"{phase}.complete"})
            if phase == "lifespan.shutdown":
                return
