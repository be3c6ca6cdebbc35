"""uvicorn's HTTP protocol, with the head and the body of an ordinary answer composed and written at once.

uvicorn writes them one after the other, which is two system calls and wakes the client twice, and looks at every header
with two regular expressions, which on a read costs more than finding the resource.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

_LARGEST_HEAD: Final = 65_536  # bytes, to the nearest piece that the network brings
_BODYLESS: Final = frozenset({204, 304})
_PLAIN: Final = bytes(range(0x20, 0x7F)) + b"\t" + bytes(range(0x80, 0x100))  # what a header may hold


class Cycle(RequestResponseCycle):
    """One request and its answer. https://asgi.readthedocs.io/en/latest/specs/www.html#response-start-send-event"""

    _start: Any = None

    async def send(self, message: Any) -> None:
        if message["type"] == "http.response.start" and not self.response_started:
            self._start = message  # until it is known whether the body is all there is
            return
        start, self._start = self._start, None
        if start is not None:
            if self._at_once(start, message):
                return
            await super().send(start)
        await super().send(message)

    def _at_once(self, start: Any, message: Any) -> bool:
        """Write an answer of one piece; False, and nothing written, where it is another or must wait."""
        if message.get("more_body") or self.disconnected or self.flow.write_paused or self.access_log:
            return False
        status, body = start["status"], message.get("body", b"")
        lines = [b"%b: %b" % header for header in (*self.default_headers, *start["headers"])]
        if status not in _BODYLESS:
            length = b"content-length: %d" % len(body)
            if length not in lines and not (self.scope["method"] == "HEAD" and not body):
                return False
        if not self.keep_alive and b"connection: close" not in lines:
            lines.append(b"connection: close")
        if b"".join(lines).translate(None, _PLAIN):
            raise RuntimeError("A header holds a control character")
        head = b"%b%b\r\n\r\n" % (STATUS_LINE[status], b"\r\n".join(lines))
        self.response_started = self.response_complete = True
        self.waiting_for_100_continue = False
        self.transport.writelines((head, body) if body else (head,))
        self.message_event.set()
        if not self.keep_alive:
            self.transport.close()
        self.on_response()
        return True


class Protocol(HttpToolsProtocol):
    """One HTTP connection. https://www.uvicorn.org/settings/#implementation"""

    gone: Callable[[], None] | None = None  # called when the connection is lost

    _unread = (
        0  # bytes of a head, of trailers or of what frames a chunk: those the parser keeps, however many come
    )

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self.gone is not None:
            self.gone()

    def data_received(self, data: bytes) -> None:
        self._unread += len(data)
        super().data_received(data)
        if self._unread > _LARGEST_HEAD and not self.transport.is_closing():
            if self.cycle is None or self.cycle.response_complete:
                self.send_400_response("The head of the request is too large.")
            else:
                self.transport.close()

    def on_body(self, body: bytes) -> None:
        self._unread = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._unread = 0
        super().on_message_complete()

    def on_headers_complete(self) -> None:
        self._unread = 0
        super().on_headers_complete()
        if (
            type(self.cycle) is RequestResponseCycle
        ):  # its task has not begun; there is no other way to say which class
            self.cycle.__class__ = Cycle
