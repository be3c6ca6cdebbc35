"""Bundles as bytes: searchset and history pages joined from stored bodies, which nobody parses.

https://hl7.org/fhir/R4/bundle.html
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import orjson

from fhir_server.kernel.issues import Issue, outcome_of
from fhir_server.kernel.times import instant_text
from fhir_server.kernel.values import immutable
from fhir_server.kernel.wire import encode
from fhir_server.store.contract import Hits, Stored


@immutable
class Match:
    """A resource found that is no stored one by itself, and the URL that names it."""

    url: str
    body: bytes


Links = Sequence[tuple[str, str]]  # (relation, URL), in the order to show


def back(url: str) -> list[tuple[str, str]]:
    """The links to the page before. R4 names it `previous`, the registry of link relations `prev`; both are read."""
    return [("previous", url), ("prev", url)]


def searchset(
    matches: Iterable[Stored | Match],
    included: Iterable[Stored],
    issues: Sequence[Issue],
    links: Links,
    total: int | None,
    base: str,
    updated: int,
) -> bytes:
    """A search result. `issues` become one entry of mode `outcome`, at the end."""
    pieces = _entries(matches, base, b"match")
    pieces += _entries(included, base, b"include")
    if issues:
        pieces.append(b',{"resource":%s,"search":{"mode":"outcome"}}' % encode(outcome_of(issues)))
    return _bundle(b"searchset", pieces, links, total, updated)


def history(versions: Iterable[Stored], links: Links, total: int | None, base: str, updated: int) -> bytes:
    """A history page, newest version first. A deletion has a request and no resource."""
    return _bundle(b"history", [_version(stored, base) for stored in versions], links, total, updated)


def _bundle(kind: bytes, pieces: list[bytes], links: Links, total: int | None, updated: int) -> bytes:
    """`pieces` of the entries, each of which begins with a comma: a body is copied once, into the whole."""
    head = b'{"resourceType":"Bundle","meta":{"lastUpdated":"%s"},"type":"%s"%s,"link":%s' % (
        instant_text(updated).encode(),
        kind,
        b"" if total is None else b',"total":%d' % total,
        orjson.dumps([{"relation": relation, "url": url} for relation, url in links]),
    )
    if not pieces:
        return head + b"}"
    first, *others = pieces
    return b"".join((head, b',"entry":[', first[1:], *others, b"]}"))


class _Heads(dict[str, bytes]):
    """By type: an entry as far as the id of its resource."""

    def __init__(self, base: str) -> None:
        self._base = base

    def __missing__(self, resource_type: str) -> bytes:
        head = self[resource_type] = b',{"fullUrl":%s' % orjson.dumps(f"{self._base}/{resource_type}/")[:-1]
        return head


def _entries(found: Iterable[Stored | Match], base: str, mode: bytes) -> list[bytes]:
    """Those of a searchset, in pieces."""
    pieces: list[bytes] = []
    heads, end = _Heads(base), b',"search":{"mode":"%s"}}' % mode
    if isinstance(found, Hits):
        for resource_type, name, body in found.written():
            # An id has no character that JSON would write in another way.
            pieces += (heads[resource_type], name.encode(), b'","resource":', body, end)
        return pieces
    for one in found:
        if isinstance(one, Match):
            pieces += (b',{"fullUrl":%s,"resource":' % orjson.dumps(one.url), one.body, end)
        else:
            pieces += (heads[one.key.type], one.key.id.encode(), b'","resource":', one.body, end)
    return pieces


def _version(stored: Stored, base: str) -> bytes:
    created = stored.method == "POST" or (stored.version == 1 and not stored.deleted)
    status = b"204 No Content" if stored.deleted else b"201 Created" if created else b"200 OK"
    url = stored.key.type if stored.method == "POST" else str(stored.key)
    return (
        b',{"fullUrl":%s,%s"request":{"method":"%s","url":"%s"},"response":{"status":"%s","etag":"W/\\"%d\\"","lastModified":"%s"}}'
        % (
            orjson.dumps(f"{base}/{stored.key}"),
            b"" if stored.deleted else b'"resource":%s,' % stored.body,
            stored.method.encode(),
            url.encode(),
            status,
            stored.version,
            instant_text(stored.updated).encode(),
        )
    )
