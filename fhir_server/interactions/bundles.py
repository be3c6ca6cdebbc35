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


def _entries(found: Iterable[Stored | Match], base: str, mode: bytes) -> list[bytes]:
    """Those of a searchset, in pieces."""
    pieces: list[bytes] = []
    heads: dict[str, bytes] = {}
    end = b',"search":{"mode":"%s"}}' % mode
    for resource_type, name, body in found.written() if isinstance(found, Hits) else map(_written, found):
        if not resource_type:
            pieces += (b',{"fullUrl":%s,"resource":' % orjson.dumps(name), body, end)
            continue
        head = heads.get(resource_type)
        if head is None:
            head = heads[resource_type] = b',{"fullUrl":%s' % orjson.dumps(f"{base}/{resource_type}/")[:-1]
        # An id has no character that JSON would write in another way.
        pieces += (head, name.encode(), b'","resource":', body, end)
    return pieces


def _written(one: Stored | Match) -> tuple[str, str, bytes]:
    """Type, id and body; without a type it is not the id but the whole URL."""
    return ("", one.url, one.body) if isinstance(one, Match) else (*one.key, one.body)


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
