"""Cursors: where a page begins, as a text that goes through a client and comes back unchanged, or is refused.

A cursor carries all that the next page needs (the sort keys of the row it starts behind), so the server remembers
nothing. It is signed, because what comes back enters a statement, and it belongs to one query, known by a fingerprint.
"""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from hmac import compare_digest
from math import isinf
from typing import TypeAlias, TypeVar

import orjson

from fhir_server.kernel.errors import Malformed
from fhir_server.kernel.values import immutable
from fhir_server.search.entries import Hasher

Value: TypeAlias = int | float | str | None
T = TypeVar("T")

_SIGNATURE = 16  # bytes


@immutable
class Place:
    """Behind (or, `backward`, before) the row with these sort keys. The rest is what pages hand on to one another."""

    keys: tuple[Value, ...]
    backward: bool = False
    total: int | None = None
    watermark: int = 0
    plan: int = 0


def cursor_of(place: Place, query: object, hasher: Hasher) -> str:
    """`query`: what the cursor belongs to; it, or its `repr`, tells it from others."""
    fields = [
        _fingerprint(query, hasher),
        [_written(key) for key in place.keys],
        place.backward,
        place.total,
        place.watermark,
        place.plan,
    ]
    data = orjson.dumps(fields)
    return urlsafe_b64encode(hasher.sign(data) + data).rstrip(b"=").decode()


def place_of(cursor: str, query: object, hasher: Hasher) -> Place | None:
    """None for an empty cursor. Raises `Malformed` for one that was not made here, for this query."""
    if not cursor:
        return None
    try:
        data = urlsafe_b64decode(cursor.encode() + b"=" * (-len(cursor) % 4))
    except (ValueError, binascii.Error):
        raise _refused() from None
    signature, payload = data[:_SIGNATURE], data[_SIGNATURE:]
    if not compare_digest(signature, hasher.sign(payload)):
        raise _refused()
    fingerprint, keys, backward, total, watermark, plan = orjson.loads(payload)
    if fingerprint != _fingerprint(query, hasher):
        raise _refused()
    return Place(tuple(map(_read, keys)), backward, total, watermark, plan)


def turned(rows: Sequence[T], count: int, place: Place | None) -> tuple[list[T], bool, bool]:
    """The page out of at most `count` + 1 rows read from `place`, and whether there is a next and a previous one."""
    more = len(rows) > count
    page = list(rows[:count])
    if place is None or not place.backward:
        return page, more, place is not None and bool(page)
    return page[::-1], bool(page), more


def _fingerprint(query: object, hasher: Hasher) -> int:
    return hasher.of(query if isinstance(query, str) else repr(query))


def _written(key: Value) -> Value | list[str]:
    """JSON has no infinite numbers."""
    return [repr(key)] if isinstance(key, float) and isinf(key) else key


def _read(key: Value | list[str]) -> Value:
    return float(key[0]) if isinstance(key, list) else key


def _refused() -> Malformed:
    return Malformed(
        "The page link was not made by this server for this query; start from the first page", code="value"
    )
