"""What every answer tells a browser, so that a page of somebody else can make nothing of our data.

https://cheatsheetseries.owasp.org/cheatsheets/REST_Security_Cheat_Sheet.html#security-headers
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

Headers = list[tuple[bytes, bytes]]

# Of a server that knows its callers: the disk of a shared computer must not keep what was shown to one of them. Whoever
# keeps a version for themselves asks with its ETag as before; that is no matter of caches.
UNSTORED: Final = b"no-store"
CACHED: Final = b"private, no-cache"  # of one that knows nobody: kept by one browser, and asked for each time
# A Binary is somebody's file: opened in a browser it must neither run nor load anything, nor be framed.
SANDBOXED: Final = b"default-src 'none'; frame-ancestors 'none'; sandbox"

_YEAR_SECONDS: Final = 31_536_000
_FORMS: Final = 256  # of answers, by the headers that they have themselves: there are a few dozen
_ALWAYS: Final = (
    (b"cache-control", UNSTORED),
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", SANDBOXED),
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
        self._missing = lru_cache(maxsize=_FORMS)(self._not_among)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def add(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = message.setdefault("headers", [])
                message["headers"] = [*headers, *self._missing(tuple([name for name, _ in headers]))]
            await send(message)

        await self._app(scope, receive, add)

    def _not_among(self, names: tuple[bytes, ...]) -> Headers:
        there = {name.lower() for name in names}
        return [pair for pair in self._headers if pair[0] not in there]
