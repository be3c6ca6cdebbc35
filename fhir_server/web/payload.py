"""The bytes of a request's body: read to the end, unpacked, and never more of them than the server takes.

https://hl7.org/fhir/R4/http.html#general
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Mapping

from starlette.types import Receive

from fhir_server.kernel.errors import Malformed, TooLarge, UnsupportedMediaType

_GZIP = 16 + zlib.MAX_WBITS
# Each one copies what is behind it: millions of empty ones would keep a worker busy for hours.
_MEMBERS = 16
_LARGE = 65_536  # bytes: from here on unpacking could hold up every other request of the worker


class Disconnected(Exception):
    """The client went away before its body was complete: there is nobody to answer."""


async def payload_of(receive: Receive, headers: Mapping[bytes, bytes], max_bytes: int) -> bytes:
    """The whole body, unpacked when it came as gzip.

    Raises `TooLarge` as soon as the announced, received or unpacked length passes `max_bytes`, `UnsupportedMediaType`
    for another Content-Encoding than gzip, `Malformed` for broken gzip and `Disconnected` when the client left.
    """
    announced = headers.get(b"content-length", b"")
    if announced.isdigit() and (len(announced) > 18 or int(announced) > max_bytes):
        raise _too_large(max_bytes)
    encoding = headers.get(b"content-encoding", b"").strip().lower()
    if encoding in {b"", b"identity"}:
        return await _plain(receive, max_bytes)
    if encoding in {b"gzip", b"x-gzip"}:
        packed = await _plain(receive, max_bytes)
        if len(packed) >= _LARGE:
            return await asyncio.to_thread(_unpacked, packed, max_bytes)
        return _unpacked(packed, max_bytes)
    raise UnsupportedMediaType("Of the content encodings this server takes gzip, or none")


async def _plain(receive: Receive, max_bytes: int) -> bytes:
    chunks: list[bytes] = []
    size = 0
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Disconnected
        chunk: bytes = message.get("body", b"")
        more = message.get("more_body", False)
        size += len(chunk)
        if size > max_bytes:
            raise _too_large(max_bytes)
        if not more and not chunks:
            return chunk
        chunks.append(chunk)
    return b"".join(chunks)


def _unpacked(packed: bytes, max_bytes: int) -> bytes:
    """The content of one or more gzip members. Never makes more than one byte beyond `max_bytes`."""
    parts: list[bytes] = []
    size = 0
    while packed:
        if len(parts) == _MEMBERS:
            raise Malformed(f"The gzip of the body has more than {_MEMBERS} members; one would be right")
        stream = zlib.decompressobj(_GZIP)
        try:
            part = stream.decompress(packed, max_bytes - size + 1)
        except zlib.error:
            raise Malformed("The body is not the gzip that its Content-Encoding announces") from None
        size += len(part)
        if size > max_bytes:
            raise _too_large(max_bytes)
        if not stream.eof:
            raise Malformed("The gzip of the body ends too early")
        parts.append(part)
        packed = stream.unused_data
    return b"".join(parts)


def _too_large(max_bytes: int) -> TooLarge:
    return TooLarge(f"This server takes bodies of at most {max_bytes:,} bytes")
