"""What a store in dictionaries holds, and what a reader sees of it: current versions, history, results of searches.

Searches ask `search/match.py` about every resource, and a cursor points into a remembered result.
"""

from __future__ import annotations

import asyncio
from bisect import bisect
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import TypeAlias

from fhir_server.kernel.keys import Key
from fhir_server.kernel.times import now
from fhir_server.search.entries import Hasher
from fhir_server.search.extract import dates_of
from fhir_server.search.query import Query
from fhir_server.search.sight import Link, Stamp, sees
from fhir_server.search.view import View
from fhir_server.store.contract import Page, Span, Stored
from fhir_server.store.cursors import Place, cursor_of, place_of
from fhir_server.store.ids import Pks
from fhir_server.store.includes import MOST
from fhir_server.store.memory_definitions import MemoryDefinitions
from fhir_server.store.memory_invitations import MemoryInvitations
from fhir_server.store.memory_search import Live, Row
from fhir_server.store.watermark import Clock

_LAST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Past:
    """A version, and when the next one took its place."""

    pk: int
    stored: Stored
    until: int
    stamp: Stamp


def _newest(version: Past) -> tuple[int, ...]:
    """Sorts the newest first."""
    return -version.stored.updated, -version.pk, -version.stored.version


Rows: TypeAlias = Mapping[Key, Row]


class Held:
    """All that there is. Readers are given `rows`: these, or a transaction's own over them."""

    def __init__(self, secret: bytes) -> None:
        self.hasher = Hasher(secret)
        self.clock = Clock()
        self.pks = Pks(0)
        self.rows: dict[Key, Row] = {}
        self.definitions = MemoryDefinitions(self.rows)
        self.past: list[Past] = []
        self.ties: dict[Key, tuple[Link, ...]] = {}
        self.files: set[str] = set()
        self.invitations = MemoryInvitations()
        self.guards: dict[str, asyncio.Lock] = {}
        self.open: dict[object, int] = {}  # the stamps of interactive transactions, in ms
        self.results: list[list[Key]] = []  # of searches, for their cursors

    def stamps(self, keys: Sequence[Key]) -> Mapping[Key, Stamp]:
        found = {key: row for key in keys if (row := self.rows.get(key)) and not row.stored.deleted}
        return {key: row.entries.stamp for key, row in found.items()}

    def live(self, rows: Rows, view: View | None) -> Live:
        return Live(rows, self.hasher, self.definitions.current.parameters, self.ties, view)

    def read(self, rows: Rows, key: Key, version: int | None, view: View | None) -> Stored | None:
        row = rows.get(key)
        if row is None or not self._shown(row, rows, view):
            return None
        if version is not None and view is not None and not view.reads(key.type):
            return None
        if version in {None, row.stored.version}:
            return row.stored
        old = [Past(row.pk, row.stored, _LAST, row.entries.stamp) for row in self.rows.values()]
        versions = (one for one in (*self.past, *old) if one.stored.key == key and self._shows(one, view))
        return next((one.stored for one in versions if one.stored.version == version), None)

    def _shown(self, row: Row, rows: Rows, view: View | None) -> bool:
        """Whether the view shows the current version, a deletion too."""
        if view is None or view.reads(row.key.type):
            past = Past(row.pk, row.stored, _LAST, row.entries.stamp)
            return self._shows(past, view)
        return not row.stored.deleted and self.live(rows, view).shows(row)

    def _shows(self, past: Past, view: View | None) -> bool:
        """Whether the stamp of a version lets it be seen."""
        if view is None:
            return True
        links = [link for person in past.stamp.persons for link in self.ties.get(person, ())]
        row = self.rows.get(past.stored.key)  # an old version is dated as the one that there is now
        return sees(view.sight, past.stamp, links, dates_of(row.entries, self.hasher) if row else ())

    def search(self, rows: Rows, query: Query, view: View | None) -> Page:
        asked = (query.types, query.where, query.sort, view and view.sight.actors)
        place = place_of(query.cursor, asked, self.hasher)
        live = self.live(rows, view)
        if place is None:
            number, start = len(self.results), 0
            self.results.append([row.key for row in live.found(query)])
        else:
            number, start = map(_number, place.keys)
        keys = self.results[number]
        total, end = len(keys), start + query.count
        page = [row for key in keys[start:end] if (row := live.at(key)) and live.shows(row)]
        included = list(islice(live.included(query.includes, page), MOST + 1))

        def cursor(at: int) -> str:
            return cursor_of(Place((number, at)), asked, self.hasher)

        return Page(
            tuple(row.stored for row in page),
            None if query.total == "none" and total > query.count > 0 else total,
            cursor(end) if end < total and query.count else "",
            cursor(max(0, start - query.count)) if start else "",
            tuple(row.stored for row in included[:MOST]),
            truncated=len(included) > MOST,
        )

    def history(
        self,
        rows: Rows,
        past: Iterable[Past],
        span: Span,
        reader: object | None,
        view: View | None,
    ) -> Page:
        query = replace(span, cursor="", count=0), view and view.sight.actors
        place = place_of(span.cursor, query, self.hasher)
        single = span.type is not None and span.id is not None
        mark = 0 if single else place.watermark if place else self._watermark(reader)
        low, high = span.at or (-_LAST, _LAST)
        versions = [*past, *(Past(row.pk, row.stored, _LAST, row.entries.stamp) for row in rows.values())]
        found = [
            v
            for v in versions
            if span.type in {None, v.stored.key.type}
            and span.id in {None, v.stored.key.id}
            and (span.since is None or v.stored.updated >= span.since)
            and v.stored.updated < high
            and v.until > low
            and (single or v.stored.updated < mark)
            and (view is None or view.reads(v.stored.key.type))
            and self._shows(v, view)
            and self._shown(rows[v.stored.key], rows, view)
        ]
        found.sort(key=_newest)
        start, end = 0, span.count
        if place is not None:
            behind = bisect(found, place.keys, key=_newest)
            start, end = (
                (max(0, behind - 1 - span.count), behind - 1)
                if place.backward
                else (behind, behind + span.count)
            )

        def cursor(at: int, *, backward: bool) -> str:
            return cursor_of(Place(_newest(found[at]), backward, watermark=mark), query, self.hasher)

        return Page(
            tuple(v.stored for v in found[start:end]),
            len(found),
            cursor(end - 1, backward=False) if 0 < end < len(found) else "",
            cursor(start, backward=True) if start else "",
            watermark=mark,
        )

    def _watermark(self, reader: object | None) -> int:
        """As `watermark.py` has it: before the oldest open stamp, and no later stamp may come before it."""
        self.clock.saw_fence(max(now() // 1000, self.clock.last))
        stamps = [stamp for one, stamp in self.open.items() if one is not reader]
        return 1000 * min([self.clock.fence + 1, *stamps])


def _number(value: object) -> int:
    assert isinstance(value, int)
    return value
