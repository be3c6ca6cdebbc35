"""What every answer tells a browser, so that a page of somebody else can make nothing of our data.

https://cheatsheetseries.owasp.org/cheatsheets/REST_Security_Cheat_Sheet.html#security-headers
"""

from __future__ import annotations

from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

Headers = list[tuple[bytes, bytes]]

_YEAR_SECONDS: Final = 31_536_000
_ALWAYS: Final = (
    (b"x-content-type-options", b"nosniff"),
    # A Binary is somebody's file: opened in a browser it must neither run nor load anything, nor be framed.
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'; sandbox"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),  # addresses hold search criteria
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),  # what CORS allows is not concerned
    (b"x-permitted-cross-domain-policies", b"none"),
)


def security_headers(base_url: str = "") -> Headers:
    """Those of a server at `base_url`; where that is https, browsers are told never to come by http."""
    found = list(_ALWAYS)
    if base_url.startswith("https://"):
        found.append((b"strict-transport-security", b"max-age=%d" % _YEAR_SECONDS))
    return found


class Secured:
    """An ASGI application whose answers all have the headers. One that an answer has already stays as it is."""

    def __init__(self, app: ASGIApp, base_url: str = "") -> None:
        self._app = app
        self._headers = security_headers(base_url)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def add(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = message.setdefault("headers", [])
                there = {name.lower() for name, _ in headers}
                message["headers"] = [*headers, *(pair for pair in self._headers if pair[0] not in there)]
            await send(message)

        await self._app(scope, receive, add)
