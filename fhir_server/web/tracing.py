"""Under which id a request stands in the logs, in the audit log and in its answer: that of the trace it is part of.

A client that is part of a trace says so in `traceparent`, and its trace's id is taken; else there is a new one of the
same form. Whoever asks finds it in X-Request-Id. An X-Request-Id of the client's own is only sent back, as
X-Correlation-Id: it may be any text, the name of a person too, and logs and traces hold no such thing.

https://www.w3.org/TR/trace-context/#traceparent-header · https://hl7.org/fhir/R4/http.html#custom
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fhir_server.kernel.logs import trace_id

Headers = list[tuple[bytes, bytes]]

_VERSION_0: Final = b"00"
_TRACEPARENT: Final = re.compile(
    rb"(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-.*)?", re.DOTALL
)
_CORRELATION: Final = re.compile(rb"[\x21-\x7e]{1,128}")


def trace_of(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """The id of the trace that a request is part of, else a new one: 32 hexadecimal digits."""
    sent = [value for name, value in headers if name == b"traceparent"]
    # Of a version to come the first four fields are read, and of ours there are no more.
    match = _TRACEPARENT.fullmatch(sent[0]) if len(sent) == 1 else None
    if match is None or (match[3] is not None and match[1] == _VERSION_0):
        return os.urandom(16).hex()
    return match[2].decode("ascii")


def ids_of(trace: str, sent: Mapping[bytes, bytes]) -> Headers:
    """What an answer says of its request: our id of it, and the client's own, where it is one."""
    found = [(b"x-request-id", trace.encode())]
    own = sent.get(b"x-correlation-id") or sent.get(b"x-request-id", b"")
    if own and own != trace.encode() and _CORRELATION.fullmatch(own):
        found.append((b"x-correlation-id", own))
    return found


class Traced:
    """An ASGI application whose requests have ids. FHIR REST sees to its own."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        trace = trace_of(scope["headers"])

        async def add(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *ids_of(trace, dict(scope["headers"]))]
            await send(message)

        token = trace_id.set(trace)
        try:
            await self._app(scope, receive, add)
        finally:
            trace_id.reset(token)
