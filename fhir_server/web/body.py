"""What a request has in its body, as the engine takes it: FHIR JSON, or a JSON Patch.

XML is read at this edge, and whatever is sent to Binary becomes one.

https://hl7.org/fhir/R4/http.html#mime-type · https://hl7.org/fhir/R4/binary.html#rest
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from starlette.types import Receive

from fhir_server.interactions.address import Place
from fhir_server.interactions.call import Action
from fhir_server.kernel.errors import Malformed, UnsupportedMediaType
from fhir_server.kernel.wire import decode, encode
from fhir_server.web import binary
from fhir_server.web.negotiation import FHIR_JSON, JSON_PATCH, Kind, kind_of
from fhir_server.web.payload import payload_of
from fhir_server.web.xml import tree_of

_RESOURCES: frozenset[Kind] = frozenset({"json", "xml"})
_PATCHES: frozenset[Kind] = frozenset({"json", "xml", "json-patch"})
_LARGE = 1_000_000  # bytes: from here on reading would hold up every other request of the worker


async def body_of(
    place: Place, action: Action, receive: Receive, headers: Mapping[bytes, bytes], max_bytes: int
) -> tuple[bytes, str]:
    """The body as FHIR JSON or as a JSON Patch, and which of them. Raises `UnsupportedMediaType` for others."""
    sent = headers.get(b"content-type", b"")
    if place.type == "Binary" and action in {Action.CREATE, Action.UPDATE}:
        payload = await payload_of(receive, headers, max_bytes)
        if len(payload) >= _LARGE:
            return await asyncio.to_thread(_binary, sent, payload, place, headers, max_bytes), FHIR_JSON
        return _binary(sent, payload, place, headers, max_bytes), FHIR_JSON
    taken: frozenset[Kind] = _PATCHES if action is Action.PATCH else _RESOURCES
    kind = kind_of(sent)
    if kind and kind not in taken:
        raise _unsupported(action)
    payload = await payload_of(receive, headers, max_bytes)
    kind = kind or _look(payload)
    if kind not in taken:
        raise _unsupported(action)
    if kind == "xml":
        return await _from_xml(payload, max_bytes), FHIR_JSON
    return payload, JSON_PATCH if kind == "json-patch" else FHIR_JSON


def _binary(
    sent: bytes, payload: bytes, place: Place, headers: Mapping[bytes, bytes], max_bytes: int
) -> bytes:
    """A Binary, sent as a resource or, whatever else it is, as its own content."""
    named = b"fhir" in sent.lower()
    try:
        kind = kind_of(sent) or _look(payload)
    except UnsupportedMediaType:
        if named:
            raise
        kind = "other"
    if kind in {"json", "xml"}:
        try:
            read = decode if kind == "json" else tree_of
            tree = read(payload, max_bytes=max_bytes)
        except Malformed:
            if named or not sent:
                raise
            tree = {}
        if tree.get("resourceType") == "Binary":
            return payload if kind == "json" else encode(tree)
    if not sent:
        raise UnsupportedMediaType("The Content-Type is missing, and the body is not a Binary resource")
    context = headers.get(b"x-security-context", b"")
    return binary.wrapped(payload, sent.decode("latin-1"), context.decode("latin-1"), place.id)


def _look(payload: bytes) -> Kind:
    """What a body without Content-Type is, by its first character: a resource cannot be anything else."""
    match payload[:256].lstrip(b"\xef\xbb\xbf \t\r\n")[:1]:
        case b"{" | b"":
            return "json"
        case b"[":
            return "json-patch"
        case b"<":
            return "xml"
    return "other"


def _unsupported(action: Action) -> UnsupportedMediaType:
    patch = " and, for a JSON Patch, application/json-patch+json" if action is Action.PATCH else ""
    return UnsupportedMediaType(f"The body must be application/fhir+json or application/fhir+xml{patch}")


async def _from_xml(payload: bytes, max_bytes: int) -> bytes:
    """The FHIR JSON of a resource in XML."""

    def read() -> bytes:
        return encode(tree_of(payload, max_bytes=max_bytes))

    return await asyncio.to_thread(read) if len(payload) >= _LARGE else read()
