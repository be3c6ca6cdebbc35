"""The entries of a batch or transaction as Calls, and their answers as a response Bundle.

https://hl7.org/fhir/R4/http.html#transaction
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from http import HTTPStatus
from typing import Any, TypeVar

import orjson

from fhir_server.interactions import json_patch
from fhir_server.interactions.address import entry_call_of
from fhir_server.interactions.call import Action, Call, Conditions, Handling, Reply, Return, Server
from fhir_server.interactions.drafting import type_in
from fhir_server.interactions.outcome import outcome_body
from fhir_server.interactions.patch import FHIR_JSON, JSON_PATCH
from fhir_server.kernel.errors import FhirError, Malformed, TooLarge
from fhir_server.kernel.keys import Key
from fhir_server.kernel.times import http_text, instant_text
from fhir_server.kernel.wire import Tree
from fhir_server.search.spans import span_of

T = TypeVar("T")

_SLICE = 40  # entries between two chances for other requests of this worker
# https://hl7.org/fhir/R4/http.html#trules: DELETE, POST, PUT and PATCH, GET
_RANK = {"DELETE": 0, "POST": 1, "PUT": 2, "PATCH": 2, "GET": 3, "HEAD": 3}


@dataclass(slots=True)
class Entry:
    """One entry of a request Bundle. `index` is its place there. A transaction settles what it is about."""

    index: int
    method: str
    call: Call
    full_url: str
    answer: Reply | None = None  # settled: a conditional create found this, and nothing is left to do
    made_by: int | None = None  # settled: a conditional create finds what the entry of this index creates
    matched: tuple[Key, ...] | None = None  # settled: what a conditional delete is about
    promised: bool = False  # settled: a conditional update found nothing, and its id is the server's choice

    @property
    def place(self) -> str:
        return f"Bundle.entry[{self.index}]"

    @property
    def answered(self) -> bool:
        """Whether another's resource is the answer, and this entry writes none."""
        return self.answer is not None or self.made_by is not None

    @property
    def identities(self) -> tuple[Key, ...]:
        """The resources that the entry is about, as far as that is settled."""
        if self.matched is not None:
            return self.matched
        call = self.call
        return () if call.type is None or call.id is None else (Key(call.type, call.id),)

    @property
    def rank(self) -> int:
        """When a transaction performs it: 0 first."""
        return _RANK[self.method]

    @property
    def writes(self) -> bool:
        return self.rank < 3


async def entries_of(bundle: Tree, call: Call, server: Server) -> list[Entry]:
    """The entries, in bundle order. Raises `TooLarge` over the cap, else as `entry_of` does."""
    listed = listed_in(bundle, server)
    return [entry_of(index, item, call) async for index, item in sliced(list(enumerate(listed)))]


async def sliced(items: Sequence[T]) -> AsyncIterator[T]:
    """The items, with a chance for the other requests of this worker after every few of them."""
    for start in range(0, len(items), _SLICE):
        for item in items[start : start + _SLICE]:
            yield item
        await asyncio.sleep(0)


def listed_in(bundle: Tree, server: Server) -> list[dict[str, Any]]:
    """What the Bundle lists. Raises `TooLarge` over the cap."""
    listed: list[dict[str, Any]] = bundle.get("entry", [])
    if len(listed) > server.limits.max_entries:
        raise TooLarge(
            f"The Bundle has {len(listed):,} entries; this server takes at most {server.limits.max_entries:,}"
        )
    return listed


def entry_of(index: int, item: dict[str, Any], call: Call) -> Entry:
    """Read one entry. Raises a `FhirError` whose expression is the entry's place."""
    place = f"Bundle.entry[{index}]"
    request = item.get("request")
    if not request:
        raise Malformed(
            "An entry of a batch or transaction has a 'request' that says what to do", place, code="required"
        )
    for name in ("method", "url"):
        if name not in request:  # in a sound shell there is a `_url` then, whose extension says nothing to us
            raise Malformed(f"A request needs its '{name}'", f"{place}.request.{name}", code="required")
    method = request["method"]
    try:
        inner = entry_call_of(method, request["url"], call, _conditions(request, call.conditions))
    except FhirError as error:
        raise placed(error, f"{place}.request.url") from error
    if inner.action is Action.SEARCH and method == "POST":
        raise Malformed(
            "A search by POST sends a form, which an entry cannot hold; GET would be right",
            f"{place}.request.method",
            code="not-supported",
        )
    try:
        inner = _with_body(inner, item.get("resource"))
    except FhirError as error:
        raise placed(error, place) from error
    if inner.action is Action.BUNDLE:
        raise Malformed(
            "A Bundle cannot be an entry's request to the system", f"{place}.request.url", code="value"
        )
    return Entry(index, method, inner, item.get("fullUrl", ""))


def _conditions(request: dict[str, Any], outer: Conditions) -> Conditions:
    """Those of the entry, with the preferences of the whole Bundle."""
    preferences = _preferences(outer.prefer_return, outer.prefer_handling)
    if len(request) == 2:  # a method and a URL: most entries
        return preferences
    since = request.get("ifModifiedSince")
    return replace(
        preferences,
        if_match=request.get("ifMatch", ""),
        if_none_match=request.get("ifNoneMatch", ""),
        if_modified_since=http_text(span_of(since)[0]) if since else "",
        if_none_exist=request.get("ifNoneExist", ""),
    )


@cache
def _preferences(prefer_return: Return, prefer_handling: Handling) -> Conditions:
    return Conditions(prefer_return=prefer_return, prefer_handling=prefer_handling)


def _with_body(call: Call, resource: Tree | None) -> Call:
    if call.action is Action.OPERATION:
        return call if call.safe or resource is None else replace(call, tree=resource)
    if call.action not in {Action.CREATE, Action.UPDATE, Action.PATCH}:
        return call
    if resource is None:
        raise Malformed("This entry needs a 'resource'", code="required")
    resource_type = type_in(resource)
    if call.action is not Action.PATCH:
        # Asked here too, because links are replaced, by the definition of the type, before the handler looks at it.
        if resource_type != call.type:
            raise Malformed(
                f"The entry's request is about a {call.type}, and its resource is of another type",
                call.type or "",
            )
        return replace(call, tree=resource)
    if resource_type == "Binary":
        return replace(call, body=json_patch.body_of_binary(resource), media_type=JSON_PATCH)
    return replace(call, tree=resource, media_type=FHIR_JSON)


def placed(error: FhirError, place: str) -> FhirError:
    """The same error, seen from outside the entry at `place`."""
    error.issues = tuple(
        replace(issue, expression=place)
        if not issue.expression
        else issue.within(f"{place.partition('.request')[0]}.resource")
        for issue in error.issues
    )
    return error


def response_of(kind: str, entries: Sequence[Entry | None], replies: Sequence[Reply], base: str) -> bytes:
    """A `transaction-response` or `batch-response`, answers in the order of the requests.

    A resource comes along for GET and for operations, and for the rest when the client asked for
    `return=representation`.
    """
    shown = b",".join(_answer(entry, reply, base) for entry, reply in zip(entries, replies, strict=True))
    head = b'{"resourceType":"Bundle","type":"%s"' % kind.encode()
    return head + (b',"entry":[%s]}' % shown if shown else b"}")


def _answer(entry: Entry | None, reply: Reply, base: str) -> bytes:
    failed = reply.status >= 400
    response: dict[str, Any] = {"status": f"{reply.status} {HTTPStatus(reply.status).phrase}"}
    parts = []
    if reply.key is not None:
        if entry is not None and entry.writes and reply.status != 204:
            response["location"] = f"{reply.key}/_history/{reply.version}"
        parts.append(b'"fullUrl":%s' % orjson.dumps(f"{base}/{reply.key}"))
    if reply.version is not None:
        response["etag"] = f'W/"{reply.version}"'
    if reply.updated is not None:
        response["lastModified"] = instant_text(reply.updated)
    if reply.body and not failed and _is_shown(entry):
        parts.append(b'"resource":%s' % reply.body)
    if failed:
        response["outcome"] = orjson.Fragment(reply.body)
    elif entry is not None and entry.writes and _wants(entry, "OperationOutcome"):
        response["outcome"] = orjson.Fragment(outcome_body(reply.issues, entry.call.language))
    parts.append(b'"response":%s' % orjson.dumps(response))
    return b"{%s}" % b",".join(parts)


def _is_shown(entry: Entry | None) -> bool:
    """Whether the resource of a good answer comes along."""
    if entry is None or entry.method == "HEAD":
        return entry is None
    if entry.call.action is Action.OPERATION:
        return True
    return not entry.writes or _wants(entry, "representation")


def _wants(entry: Entry, what: str) -> bool:
    return entry.call.conditions.prefer_return == what
