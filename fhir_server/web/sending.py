"""The way out of an answer: its size, what every answer carries, what pages of other origins may read of it.

https://hl7.org/fhir/R4/http.html#custom · https://fetch.spec.whatwg.org/#http-cors-protocol
"""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Mapping

from starlette.types import Scope, Send

from fhir_server.web.answer import Answer, Headers
from fhir_server.web.negotiation import takes_gzip
from fhir_server.web.tracing import ids_of

_LARGE = 1_000_000  # bytes: from here on compressing would hold up every other request of the worker
_EXPOSED = (
    b"ETag, Location, Content-Location, Last-Modified, Retry-After, WWW-Authenticate, X-Request-Id, "
    b"X-Correlation-Id"
)


class WayOut:
    """Where all answers of FHIR REST leave."""

    def __init__(self, origins: tuple[str, ...], compress_from_bytes: int, caching: bytes) -> None:
        """`origins`: whose pages may call (`*`: any). `compress_from_bytes`: the smallest body that is packed; 0: none.

        `caching`: the Cache-Control of every answer.
        """
        self._origins = origins
        self._compress_from_bytes = compress_from_bytes
        self._common: Headers = [
            (b"cache-control", caching),
            (b"vary", b"Accept, Accept-Encoding, Accept-Language" + (b", Origin" if origins else b"")),
            (b"x-content-type-options", b"nosniff"),
        ]

    def allows(self, origin: bytes) -> bool:
        """Whether pages of an origin may call. https://fetch.spec.whatwg.org/#http-cors-protocol"""
        allowed = self._origins
        return bool(origin) and ("*" in allowed or origin.decode("latin-1") in allowed)

    async def send(
        self, answer: Answer, scope: Scope, sent: Mapping[bytes, bytes], trace: str, send: Send
    ) -> None:
        status, headers, body = answer
        least = self._compress_from_bytes
        if least and len(body) >= least and takes_gzip(sent.get(b"accept-encoding", b"")):
            body = await asyncio.to_thread(_packed, body) if len(body) >= _LARGE else _packed(body)
            headers.append((b"content-encoding", b"gzip"))
        if status not in {204, 304}:
            headers.append((b"content-length", b"%d" % len(body)))
        headers += self._common
        headers += ids_of(trace, sent)
        origin = sent.get(b"origin", b"")
        if self.allows(origin):
            headers += self._cors(origin)
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})

    def _cors(self, origin: bytes) -> Headers:
        return [
            (b"access-control-allow-origin", b"*" if "*" in self._origins else origin),
            (b"access-control-expose-headers", _EXPOSED),
        ]


def _packed(body: bytes) -> bytes:
    return gzip.compress(body, compresslevel=1, mtime=0)
