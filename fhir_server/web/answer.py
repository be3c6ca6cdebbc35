"""A Reply as an HTTP answer: status, headers and the body in the form that the client asked for.

https://hl7.org/fhir/R4/http.html#versioning · https://hl7.org/fhir/R4/http.html#return
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from fhir_server.interactions.address import Place
from fhir_server.interactions.call import Action, Call, Reply
from fhir_server.interactions.outcome import outcome_body
from fhir_server.kernel.errors import Malformed, Unprocessable
from fhir_server.kernel.times import http_text
from fhir_server.kernel.wire import Tree, decode, encode
from fhir_server.web import binary, presentation
from fhir_server.web.negotiation import JSON, Controls, Form, Syntax
from fhir_server.web.xml import xml_of

Headers = list[tuple[bytes, bytes]]

_PAGES = frozenset({Action.SEARCH, Action.HISTORY})
_READING = _PAGES | {Action.READ, Action.VREAD, Action.CAPABILITIES}
CUT = _READING | {Action.OPERATION}  # where `_summary` and `_elements` work; of operations, where they search
_WRITES = frozenset({Action.CREATE, Action.UPDATE, Action.PATCH, Action.DELETE})
_MAY_SEND = (
    b"Accept, Authorization, Content-Type, If-Match, If-Modified-Since, If-None-Exist, If-None-Match, Prefer, "
    b"Traceparent, X-Correlation-Id, X-Cordee-Practice, X-Provenance, X-Request-Id, X-Security-Context"
)


class Answer(NamedTuple):
    status: int
    headers: Headers  # all but those that every answer has
    body: bytes = b""


def shown(
    reply: Reply, call: Call | None, form: Form, controls: Controls, cut: presentation.Cut | None = None
) -> Answer:
    """The answer as the client asked for it. `call` None: it was refused."""
    status, body = reply.status, reply.body
    whole = True
    if call is not None and call.action in _WRITES and status < 300:
        match call.conditions.prefer_return:
            case "minimal":
                body, whole = b"", False
            case "OperationOutcome":
                status, body, whole = (
                    200 if status == 204 else status,
                    outcome_body(reply.issues, call.language),
                    False,
                )
    content_type = form.content_type
    if body and (cut is not None or controls.pretty or form.syntax == "xml"):
        try:
            body = _written(body, call, form, controls, cut if status == 200 else None)
        except (Malformed, Unprocessable):
            # A control character, which XML cannot hold. A write has happened and a refusal must be told: in JSON then.
            if call is not None and call.action in _READING:
                raise
            content_type = JSON.content_type
    headers = [(b"content-type", content_type)] if body else []
    headers += _versions(reply, call, whole=whole)
    if reply.allow:
        headers.append((b"allow", ", ".join(reply.allow).encode()))
    return Answer(status, headers, body)


def _written(
    body: bytes, call: Call | None, form: Form, controls: Controls, cut: presentation.Cut | None
) -> bytes:
    if cut is None and call is not None and call.action is Action.CAPABILITIES:
        return _public(body, form.syntax, pretty=controls.pretty)
    tree = decode(body)
    if cut is not None and call is not None:
        tree = _part_of(tree, call.action, cut)
    return _formed(tree, form.syntax, pretty=controls.pretty)


@lru_cache(maxsize=8)
def _public(body: bytes, syntax: Syntax, *, pretty: bool) -> bytes:
    """The CapabilityStatement in another form: that takes a tenth of a second, and anybody may ask for it."""
    return _formed(decode(body), syntax, pretty=pretty)


def _formed(tree: Tree, syntax: Syntax, *, pretty: bool) -> bytes:
    return xml_of(tree, pretty=pretty) if syntax == "xml" else encode(tree, pretty=pretty)


def _part_of(tree: Tree, action: Action, cut: presentation.Cut) -> Tree:
    if action is Action.OPERATION:
        found = tree["resourceType"] == "Bundle" and tree["type"] == "searchset"
        return presentation.page(tree, cut) if found else tree
    return presentation.page(tree, cut) if action in _PAGES else cut.of(tree)


def native(reply: Reply, call: Call, form: Form, controls: Controls) -> Answer:
    """A Binary as its content; anything but a good answer as usual."""
    native = binary.native_of(decode(reply.body)) if reply.status == 200 else None
    if native is None:
        return shown(reply, call, form, controls)
    content, headers = native
    return Answer(200, headers + _versions(reply, call, whole=False), content)


def options_of(place: Place, headers: Mapping[bytes, bytes], *, browsers: bool) -> Answer:
    """OPTIONS: the methods of an address; where `browsers` may call, also what they may send, for their preflight."""
    allow = ", ".join(place.allow).encode()
    found = [(b"allow", allow)]
    if browsers and b"access-control-request-method" in headers:
        found += [
            (b"access-control-allow-methods", allow),
            (b"access-control-allow-headers", _MAY_SEND),
            (b"access-control-max-age", b"600"),
        ]
    return Answer(204, found)


def _versions(reply: Reply, call: Call | None, *, whole: bool) -> Headers:
    """ETag, Last-Modified, Location and, when the body is that version, Content-Location."""
    headers: Headers = []
    if reply.version is not None:
        headers.append((b"etag", b'W/"%d"' % reply.version))
    if reply.updated is not None:
        headers.append((b"last-modified", http_text(reply.updated).encode()))
    if reply.key is None or reply.version is None or call is None:
        return headers
    address = f"{call.base}/{reply.key.type}/{reply.key.id}/_history/{reply.version}".encode()
    if call.action is Action.CREATE or reply.status == 201:
        headers.append((b"location", address))
    if whole and reply.status in {200, 201} and reply.body:
        headers.append((b"content-location", address))
    return headers
