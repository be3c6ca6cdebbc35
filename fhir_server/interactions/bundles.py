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
from fhir_server.store.contract import Stored


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
    entries = [_entry(_address(match, base), match.body, b"match") for match in matches]
    entries += [_entry(_address(stored, base), stored.body, b"include") for stored in included]
    if issues:
        entries.append(b'{"resource":%s,"search":{"mode":"outcome"}}' % encode(outcome_of(issues)))
    return _bundle(b"searchset", entries, links, total, updated)


def history(versions: Iterable[Stored], links: Links, total: int | None, base: str, updated: int) -> bytes:
    """A history page, newest version first. A deletion has a request and no resource."""
    return _bundle(b"history", [_version(stored, base) for stored in versions], links, total, updated)


def _bundle(kind: bytes, entries: list[bytes], links: Links, total: int | None, updated: int) -> bytes:
    parts = [
        b'{"resourceType":"Bundle","meta":{"lastUpdated":"%s"},"type":"%s"'
        % (instant_text(updated).encode(), kind)
    ]
    if total is not None:
        parts.append(b'"total":%d' % total)
    parts.append(b'"link":%s' % orjson.dumps([{"relation": relation, "url": url} for relation, url in links]))
    if entries:
        parts.append(b'"entry":[%s]' % b",".join(entries))
    return b",".join(parts) + b"}"


def _entry(url: str, body: bytes, mode: bytes) -> bytes:
    return b'{"fullUrl":%s,"resource":%s,"search":{"mode":"%s"}}' % (orjson.dumps(url), body, mode)


def _version(stored: Stored, base: str) -> bytes:
    created = stored.method == "POST" or (stored.version == 1 and not stored.deleted)
    status = b"204 No Content" if stored.deleted else b"201 Created" if created else b"200 OK"
    url = stored.key.type if stored.method == "POST" else str(stored.key)
    return (
        b'{"fullUrl":%s,%s"request":{"method":"%s","url":"%s"},"response":{"status":"%s","etag":"W/\\"%d\\"","lastModified":"%s"}}'
        % (
            orjson.dumps(_address(stored, base)),
            b"" if stored.deleted else b'"resource":%s,' % stored.body,
            stored.method.encode(),
            url.encode(),
            status,
            stored.version,
            instant_text(stored.updated).encode(),
        )
    )


def _address(found: Stored | Match, base: str) -> str:
    return found.url if isinstance(found, Match) else f"{base}/{found.key.type}/{found.key.id}"
