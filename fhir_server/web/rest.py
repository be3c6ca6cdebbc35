"""FHIR REST over ASGI: a request becomes a Call, and its Reply an HTTP answer.

The ordinary read passes through here without parsing a body, building a model or meeting a framework.

https://hl7.org/fhir/R4/http.html
"""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from starlette.types import Receive, Scope, Send

from fhir_server.access.caller import ANYONE, Caller
from fhir_server.interactions.address import Place, place_of, segments_of
from fhir_server.interactions.call import Action, Call, Reply
from fhir_server.interactions.outcome import reply_of
from fhir_server.interactions.provenance import HEADER
from fhir_server.kernel.errors import (
    FhirError,
    Forbidden,
    Malformed,
    NotAcceptable,
    Throttled,
    Unauthenticated,
    Unavailable,
    UnsupportedMediaType,
)
from fhir_server.kernel.issues import Language
from fhir_server.kernel.logs import trace_id
from fhir_server.web import presentation
from fhir_server.web.answer import CUT, Answer, Headers, native, options_of, shown
from fhir_server.web.body import body_of
from fhir_server.web.negotiation import (
    JSON,
    PLAIN,
    Controls,
    Form,
    conditions_of,
    controls_of,
    form_of,
    kind_of,
    language_of,
    without_controls,
)
from fhir_server.web.origin import Origin
from fhir_server.web.payload import Disconnected, payload_of
from fhir_server.web.presentation import Cut
from fhir_server.web.security_headers import CACHED, UNSTORED
from fhir_server.web.sending import WayOut
from fhir_server.web.tracing import trace_of

Perform = Callable[[Call], Awaitable[Reply]]
Unread = Callable[[Call, FhirError], Awaitable[None]]


class Authenticate(Protocol):
    async def __call__(
        self, scope: Scope, headers: Mapping[bytes, bytes], /, *, public: bool = False
    ) -> Caller:
        """Who asks; `public`: for what anybody may have. Raises a `FhirError` where they are not listened to."""


logger = logging.getLogger(__name__)

_READS = frozenset({Action.READ, Action.VREAD})
_CHANGES = frozenset({Action.UPDATE, Action.PATCH, Action.DELETE})
_WITH_BODY = frozenset({Action.CREATE, Action.UPDATE, Action.PATCH, Action.BUNDLE, Action.OPERATION})
# Two of these that differ contradict each other; any other header may come as a list.
_SINGLE = frozenset(
    {b"content-type", b"host", b"if-modified-since", b"if-none-exist", b"content-encoding", b"x-provenance"}
)
# Of writes only: it says where what is written comes from.
_WITH_PROVENANCE = frozenset({Action.CREATE, Action.UPDATE, Action.PATCH, Action.BUNDLE})
_PERSONS = frozenset({"professional", "citizen"})
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class RestOptions:
    base_url: str = ""  # empty: from the request
    trusted_proxies: tuple[str, ...] = ()
    cors_origins: tuple[str, ...] = ()  # `*`: any
    max_body_bytes: int = 50_000_000
    compress_from_bytes: int = 8192  # answers from this size on are compressed when the client can; 0: none


class Rest:
    """An ASGI application for everything under `/fhir`."""

    def __init__(
        self,
        perform: Perform,
        options: RestOptions,
        authenticate: Authenticate | None = None,
        unread: Unread | None = None,
    ) -> None:
        """`authenticate`: who asks; None: anyone may ask for anything.

        `unread` is told of what somebody known asks and is refused before it is performed, as far as it was read.
        """
        self._perform = perform
        self._unread = unread
        self._authenticate = authenticate
        self._options = options
        self._origin = Origin(options.base_url, options.trusted_proxies)
        self._way_out = WayOut(
            options.cors_origins, options.compress_from_bytes, CACHED if authenticate is None else UNSTORED
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        trace = trace_of(scope["headers"])
        token = trace_id.set(trace)
        try:
            await self._listen(trace, scope, receive, send)
        finally:
            trace_id.reset(token)

    async def _listen(self, trace: str, scope: Scope, receive: Receive, send: Send) -> None:
        headers: dict[bytes, bytes] = {}
        form, controls = JSON, PLAIN
        try:
            headers = joined(scope["headers"])
            accept = headers.get(b"accept", b"")
            form = form_of(accept) or JSON
            query = _text(scope["query_string"])
            controls, unshaped = _controls(query)
            form = form_of(accept, controls.format) or JSON
            method = scope["method"]
            place = place_of(segments_of(scope["path"], scope.get("raw_path")), method)
            if method == "OPTIONS":
                answer = options_of(
                    place, headers, browsers=self._way_out.allows(headers.get(b"origin", b""))
                )
            else:
                action = place.action(method)
                caller = ANYONE
                # Before a body is read: whoever has no token sends none.
                if self._authenticate is not None:
                    public = action is Action.CAPABILITIES
                    caller = await self._authenticate(scope, headers, public=public)
                try:
                    if unshaped is not None:
                        raise unshaped
                    if action is Action.SEARCH and method == "POST":
                        query = await self._with_form(query, receive, headers)
                        controls = controls_of(query)
                        form = form_of(accept, controls.format) or JSON
                    if form is JSON:
                        _require_acceptable(accept, controls, place, action)
                    call = await self._call(place, action, query, scope, receive, headers, caller)
                    cut = _cut_of(call, controls)
                except FhirError as error:
                    if self._unread is not None:
                        await self._unread(self._asked(place, action, query, scope, headers, caller), error)
                    raise
                answer = await self._answer(call, form, controls, cut)
        except Disconnected:
            return
        except Exception as error:
            language = language_of(headers.get(b"accept-language", b""))
            answer = _refused(error, trace, form, controls, language)
            answer[1].extend(_hints(error))
        await self._way_out.send(answer, scope, headers, trace, send)

    async def _call(
        self,
        place: Place,
        action: Action,
        query: str,
        scope: Scope,
        receive: Receive,
        headers: Mapping[bytes, bytes],
        caller: Caller,
    ) -> Call:
        conditions = conditions_of(headers)
        if conditions.if_none_exist and (action in _CHANGES or action is Action.BUNDLE):
            raise Malformed("If-None-Exist belongs to a create, and this request is none", code="invalid")
        provenance = headers.get(b"x-provenance", b"")
        if provenance and action not in _WITH_PROVENANCE:
            raise Malformed(
                "X-Provenance goes with a create, an update, a patch, a transaction or a batch",
                HEADER,
                code="invalid",
                french="X-Provenance accompagne une création, une mise à jour, une transaction ou un lot",
            )
        if action is Action.CREATE and without_controls(query):
            raise Malformed(
                "A create takes no search criteria in its address; a condition goes into If-None-Exist",
                code="invalid",
            )
        if action in _CHANGES and place.id is None:
            query = without_controls(query)
            if not query:
                raise Malformed(
                    "Which resource? [type]/[id], or [type] with search criteria, would be right",
                    code="required",
                )
        files = files_of(headers) if action is Action.BUNDLE else ()
        if files and caller.kind in _PERSONS:
            # Whoever notes a file makes every import of it end without a word.
            raise Forbidden("Files are imported by systems and operators, not by persons")
        body, media_type = b"", ""
        if action in _WITH_BODY and scope["method"] not in {"GET", "HEAD"}:
            body, media_type = await body_of(place, action, receive, headers, self._options.max_body_bytes)
        return Call(
            action,
            place.type,
            place.id,
            place.version,
            query,
            body,
            media_type,
            None,
            conditions,
            base=self._origin.base(scope, headers),
            operation=place.operation,
            compartment=place.compartment,
            safe=scope["method"] in {"GET", "HEAD"},
            files=files,
            language=language_of(headers.get(b"accept-language", b"")),
            caller=caller,
            address="" if self._authenticate is None else self._origin.address(scope, headers),
            request=trace_id.get(),
            provenance=provenance,
        )

    def _asked(
        self,
        place: Place,
        action: Action,
        query: str,
        scope: Scope,
        headers: Mapping[bytes, bytes],
        caller: Caller,
    ) -> Call:
        """What was asked, as its address says it."""
        return Call(
            action,
            place.type,
            place.id,
            place.version,
            query,
            operation=place.operation,
            compartment=place.compartment,
            caller=caller,
            address=self._origin.address(scope, headers),
            request=trace_id.get(),
        )

    async def _answer(self, call: Call, form: Form, controls: Controls, cut: Cut | None) -> Answer:
        reply = await self._perform(call)
        if (
            call.type == "Binary"
            and call.action in _READS
            and not form.fhir
            and not controls.format
            and cut is None
        ):
            return native(reply, call, form, controls)
        return shown(reply, call, form, controls, cut)

    async def _with_form(self, query: str, receive: Receive, headers: Mapping[bytes, bytes]) -> str:
        """The URL's parameters and those of a posted form, as one query."""
        payload = await payload_of(receive, headers, self._options.max_body_bytes)
        kind = kind_of(headers.get(b"content-type", b""))
        if payload and kind not in {"form", ""}:
            raise UnsupportedMediaType("A search is posted as application/x-www-form-urlencoded")
        return "&".join(part for part in (query, _text(payload.strip())) if part)


def _controls(query: str) -> tuple[Controls, FhirError | None]:
    """The parameters that shape an answer, or what is wrong with them: whoever is not known is told that first."""
    try:
        return controls_of(query), None
    except FhirError as error:
        return PLAIN, error


def _cut_of(call: Call, controls: Controls) -> Cut | None:
    """Which part of a resource is wanted; None: all of it, or what a search itself obeys."""
    if call.action not in CUT or not (controls.summary or controls.elements):
        return None
    if call.action in _READS | {Action.OPERATION} and controls.summary == "count":
        raise Malformed("_summary=count is for searches: here is nothing to count", code="value")
    presentation.check_elements(None if call.action is Action.OPERATION else call.type, controls.elements)
    return presentation.cut_of(controls.summary, controls.elements)


def joined(headers: Iterable[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """Headers by lower-case name, lists put together. Raises `Malformed` when a single one is there with two values."""
    found: dict[bytes, bytes] = {}
    for name, value in headers:
        if name not in found:
            found[name] = value
        elif name not in _SINGLE:
            found[name] += b", " + value
        elif found[name] != value:
            raise Malformed(
                f"The header {name.decode('latin-1')} is there twice, with different values", code="invalid"
            )
    return found


def _require_acceptable(accept: bytes, controls: Controls, place: Place, action: Action) -> None:
    """Raises `NotAcceptable` when nothing that we write is wanted. A Binary may be wanted in its own form."""
    if form_of(accept, controls.format) is None and not (place.type == "Binary" and action in _READS):
        raise NotAcceptable(
            "This server answers application/fhir+json and application/fhir+xml, FHIR 4.0, in UTF-8"
        )


def _refused(error: Exception, trace: str, form: Form, controls: Controls, language: Language) -> Answer:
    if not isinstance(error, FhirError):
        logger.error("A request failed", exc_info=error)
    return shown(reply_of(error, trace, language), None, form, controls)


def _hints(error: Exception) -> Headers:
    """The headers by which a refusal says what would be right."""
    if isinstance(error, Unauthenticated | Forbidden) and error.challenge:
        return [(b"www-authenticate", error.challenge.encode("ascii"))]
    if isinstance(error, Throttled | Unavailable):
        return [(b"retry-after", b"%d" % (error.seconds if isinstance(error, Throttled) else 1))]
    return []


def files_of(headers: Mapping[bytes, bytes]) -> tuple[str, ...]:
    """The SHA-256s of what a transaction is the content of, as `cordee import` sends them; may be empty."""
    sent = headers.get(b"x-import-file", b"").decode("latin-1")
    digests = tuple(digest.strip() for digest in sent.split(",")) if sent else ()
    if not all(map(_SHA256.fullmatch, digests)):
        raise Malformed(
            "X-Import-File is not a SHA-256: 64 hexadecimal digits in lower case would be right", code="value"
        )
    return digests


def _text(query: bytes) -> str:
    try:
        return query.decode()
    except UnicodeDecodeError:
        raise Malformed("The parameters are not UTF-8", code="value") from None
