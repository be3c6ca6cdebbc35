"""history of an instance, a type or the whole system.

A type or system page holds only versions that no open write can still precede (`Page.watermark`), and says so in
`meta.lastUpdated`: a client that resumes there, or at the newest version it saw, misses nothing.

https://hl7.org/fhir/R4/http.html#history
"""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode

from fhir_server.interactions import bundles
from fhir_server.interactions.call import Call, Reply, Server
from fhir_server.kernel import times
from fhir_server.kernel.errors import Malformed, NotFound
from fhir_server.kernel.keys import Key
from fhir_server.search.spans import span_of
from fhir_server.store.contract import Reader, Span

_PRESENTATION = frozenset({"_format", "_pretty", "_summary", "_elements"})
_ONCE = frozenset({"_count", "_since", "_at"})


async def history(call: Call, reader: Reader, server: Server) -> Reply:
    span, understood = span_in(call, server)
    page = await reader.history(span)
    if call.type and call.id and not page.items and not span.cursor:
        key = Key(call.type, call.id)
        if await reader.read(key) is None:
            raise NotFound(f"{key} is not known here")

    address = "/".join(part for part in (call.base, call.type, call.id, "_history") if part)
    links = [("self", _link(address, understood, span.cursor))]
    if span.cursor:
        links.append(("first", _link(address, understood, "")))
    if page.previous:
        links += bundles.back(_link(address, understood, page.previous))
    if page.next:
        links.append(("next", _link(address, understood, page.next)))
    updated = page.watermark or times.now()
    return Reply(200, bundles.history(page.items, links, page.total, call.base, updated), updated=updated)


def span_in(call: Call, server: Server) -> tuple[Span, list[tuple[str, str]]]:
    """What the query asks for, and the parameters that were understood. Raises `Malformed`."""
    since: int | None = None
    at: tuple[int, int] | None = None
    count = server.limits.page
    cursor = ""
    counting = False
    understood: list[tuple[str, str]] = []
    for name, value in parse_qsl(call.query, keep_blank_values=True):
        if name in _ONCE and any(name == other for other, _ in understood):
            raise Malformed(f"{name} is there more than once", code="value")
        if name == "_since":
            since = _moment(value)[0]
        elif name == "_at":
            at = _moment(value)
        elif name == "_count":
            count = count_of(value, server.limits.max_page)
        elif name == "_summary" and value == "count":
            counting = True
        elif name == "_cursor":
            cursor = value
            continue
        elif name not in _PRESENTATION:
            if call.conditions.prefer_handling == "strict":
                raise Malformed(
                    f"A history has no parameter '{name}'; _count, _since and _at would be right",
                    code="not-supported",
                )
            continue
        understood.append((name, value))
    return Span(call.type, call.id, since, at, 0 if counting else count, cursor), understood


def _moment(text: str) -> tuple[int, int]:
    # The `+` of a time zone, left unescaped by many clients, reads as a space; no other space has a place here.
    return span_of(text.replace(" ", "+"))


def count_of(text: str, most: int) -> int:
    """A page size: at least 0, at most the server's. Raises `Malformed`."""
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise Malformed("_count is a whole number of 0 or more", code="value")
    return min(int(text), most)


def _link(address: str, understood: list[tuple[str, str]], cursor: str) -> str:
    query = urlencode([*understood, ("_cursor", cursor)] if cursor else understood)
    return f"{address}?{query}" if query else address
