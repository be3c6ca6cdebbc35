"""The store in dictionaries: a double for tests of what stands on a store, and the oracle of the one on PostgreSQL.

It keeps the same contract by the plainest means: searches ask `search/match.py` about every resource, a commit is one
step that nothing interrupts, and a cursor points into a remembered result.
"""

from __future__ import annotations

import asyncio
from bisect import bisect
from collections import ChainMap
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from itertools import islice
from typing import TypeAlias

from fhir_server.kernel.keys import Key
from fhir_server.kernel.times import now
from fhir_server.kernel.trace import Trace
from fhir_server.search.entries import Hasher
from fhir_server.search.query import Name, Query
from fhir_server.search.sight import Link, Stamp, sees
from fhir_server.search.view import View
from fhir_server.store.contract import (
    Draft,
    Missing,
    NeedsLocks,
    Page,
    Reader,
    Span,
    Stale,
    Stored,
    Transaction,
)
from fhir_server.store.cursors import Place, cursor_of, place_of
from fhir_server.store.definitions import Definitions, Redefinition
from fhir_server.store.ids import Pks, id_of
from fhir_server.store.includes import MOST
from fhir_server.store.memory_codes import MemoryCodes
from fhir_server.store.memory_definitions import MemoryDefinitions
from fhir_server.store.memory_search import Live, Row
from fhir_server.store.reader import note
from fhir_server.store.seeing import person_of
from fhir_server.store.watermark import Clock

_LAST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class _Past:
    """A version, and when the next one took its place."""

    pk: int
    stored: Stored
    until: int
    stamp: Stamp


def _newest(version: _Past) -> tuple[int, ...]:
    """Sorts the newest first."""
    return -version.stored.updated, -version.pk, -version.stored.version


_Rows: TypeAlias = Mapping[Key, Row]


class MemoryStore:
    """See `contract.ResourceStore`."""

    def __init__(self, secret: bytes = b"of the memory store") -> None:
        self.hasher = Hasher(secret)
        self._clock = Clock()
        self._pks = Pks(0)
        self._rows: dict[Key, Row] = {}
        self.definitions = MemoryDefinitions(self._rows)
        self.codes = MemoryCodes()
        self._past: list[_Past] = []
        self._ties: dict[Key, tuple[Link, ...]] = {}
        self._files: set[str] = set()
        self._guards: dict[str, asyncio.Lock] = {}
        self._open: list[_Interactive] = []
        self._results: list[list[Key]] = []  # of searches, for their cursors

    def copy(self) -> MemoryStore:
        """Another store, with what is in this one now."""
        other = MemoryStore()
        other.hasher, other._clock, other._pks = self.hasher, self._clock, self._pks
        other._rows.update(self._rows)
        other._past += self._past
        other._ties |= self._ties
        return other

    @property
    def met(self) -> Collection[int]:
        return ()

    async def read(self, key: Key, version: int | None = None) -> Stored | None:
        return self._read(self._rows, key, version, None)

    async def search(self, query: Query) -> Page:
        return self._search(self._rows, query, None)

    async def explain(self, query: Query) -> Sequence[tuple[str, str]]:
        return ()

    async def history(self, span: Span) -> Page:
        return self._history(self._rows, self._past, span, None, None)

    async def unseen(self, keys: Sequence[Key]) -> list[Key]:
        return []

    async def links(self, persons: Sequence[Key], actors: Sequence[Key]) -> list[Link]:
        return [link for one in persons for link in self._ties.get(one, ()) if link.actor in actors]

    async def stamps(self, keys: Sequence[Key]) -> Mapping[Key, Stamp]:
        found = {key: row for key in keys if (row := self._rows.get(key)) and not row.stored.deleted}
        return {key: row.entries.stamp for key, row in found.items()}

    def within(self, view: View | None) -> Reader:
        return self if view is None else _Buffered(self, view)

    def begin(
        self, *, interactive: bool = False, view: View | None = None
    ) -> AbstractAsyncContextManager[Transaction]:
        return self._begun(_Interactive(self, view) if interactive else _Buffered(self, view))

    def new_id(self) -> str:
        return id_of(self._pks.next())

    async def noted(self, sha256: str) -> bool:
        return sha256 in self._files

    def volunteer(self) -> None:
        """Nobody else could do it."""

    @property
    def leading(self) -> bool:
        return True

    async def index_words(self) -> bool:
        return False

    async def ready(self) -> bool:
        return True

    async def close(self) -> None:
        """Everything is forgotten with the store."""

    @asynccontextmanager
    async def _begun(self, transaction: _Buffered) -> AsyncIterator[Transaction]:
        with transaction.ending:
            yield transaction
            transaction.commit()
            last = max((draft.updated for draft in transaction.drafts.values()), default=0)
        await asyncio.sleep(max(0, last - now()) / 1_000_000)

    # What a reader sees. `rows` are the store's own, or a transaction's over them ---------------------------------

    def _live(self, rows: _Rows, view: View | None) -> Live:
        return Live(rows, self.hasher, self.definitions.current.parameters, self._ties, view)

    def _read(self, rows: _Rows, key: Key, version: int | None, view: View | None) -> Stored | None:
        row = rows.get(key)
        if row is None or not self._shown(row, rows, view):
            return None
        if version is not None and view is not None and not view.reads(key.type):
            return None
        if version in {None, row.stored.version}:
            return row.stored
        old = [_Past(row.pk, row.stored, _LAST, row.entries.stamp) for row in self._rows.values()]
        versions = (one for one in (*self._past, *old) if one.stored.key == key and self._shows(one, view))
        return next((one.stored for one in versions if one.stored.version == version), None)

    def _shown(self, row: Row, rows: _Rows, view: View | None) -> bool:
        """Whether the view shows the current version, a deletion too."""
        if view is None or view.reads(row.key.type):
            past = _Past(row.pk, row.stored, _LAST, row.entries.stamp)
            return self._shows(past, view)
        return not row.stored.deleted and self._live(rows, view).shows(row)

    def _shows(self, past: _Past, view: View | None) -> bool:
        """Whether the stamp of a version lets it be seen."""
        if view is None:
            return True
        links = [link for person in past.stamp.persons for link in self._ties.get(person, ())]
        return sees(view.sight, past.stamp, links)

    def _search(self, rows: _Rows, query: Query, view: View | None) -> Page:
        asked = (query.types, query.where, query.sort, view and view.sight.actors)
        place = place_of(query.cursor, asked, self.hasher)
        live = self._live(rows, view)
        if place is None:
            number, start = len(self._results), 0
            self._results.append([row.key for row in live.found(query)])
        else:
            number, start = map(_number, place.keys)
        keys = self._results[number]
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

    def _history(
        self,
        rows: _Rows,
        past: Iterable[_Past],
        span: Span,
        reader: _Interactive | None,
        view: View | None,
    ) -> Page:
        query = replace(span, cursor="", count=0), view and view.sight.actors
        place = place_of(span.cursor, query, self.hasher)
        single = span.type is not None and span.id is not None
        mark = 0 if single else place.watermark if place else self._watermark(reader)
        low, high = span.at or (-_LAST, _LAST)
        versions = [*past, *(_Past(row.pk, row.stored, _LAST, row.entries.stamp) for row in rows.values())]
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

    def _watermark(self, reader: _Interactive | None) -> int:
        """As `watermark.py` has it: before the oldest open stamp, and no later stamp may come before it."""
        self._clock.saw_fence(max(now() // 1000, self._clock.last))
        stamps = [other.began for other in self._open if other is not reader]
        return 1000 * min([self._clock.fence + 1, *stamps])


class _Buffered:
    """Collects, and writes in one step."""

    def __init__(self, store: MemoryStore, view: View | None = None) -> None:
        self._view = view
        self._met: set[int] = set()
        self._tied: dict[Key, tuple[Link, ...]] = {}
        self.drafts: dict[Key, Draft] = {}
        self.ending = ExitStack()
        self._store = store
        self._locked: dict[Key, int] = {}  # the version that must be current; 0: none
        self._files: set[str] = set()
        self._definitions = store.definitions.current
        self._redefined: list[Redefinition] = []
        self._restamped: list[tuple[Key, Callable[[Stamp], Stamp]]] = []

    @property
    def definitions(self) -> Definitions:
        return self._definitions

    @property
    def met(self) -> Collection[int]:
        return self._met

    def _given(self, page: Page) -> Page:
        if self._view is not None:
            note((*page.items, *page.included), self._met)
        return page

    async def redefine(self, change: Redefinition) -> None:
        raise NeedsLocks

    async def read(self, key: Key, version: int | None = None) -> Stored | None:
        draft = self.drafts.get(key)
        if draft is not None and version in {None, draft.version}:
            return self._row(draft).stored
        found = self._store._read(self._store._rows, key, version, self._view)
        if self._view is not None and found is not None:
            note((found,), self._met)
        return found

    async def search(self, query: Query) -> Page:
        self._nothing_written()
        return self._given(self._store._search(self._store._rows, query, self._view))

    async def explain(self, query: Query) -> Sequence[tuple[str, str]]:
        return ()

    async def history(self, span: Span) -> Page:
        self._nothing_written()
        return self._given(self._store._history(self._store._rows, self._store._past, span, None, self._view))

    async def unseen(self, keys: Sequence[Key]) -> list[Key]:
        if self._view is None:
            return []
        rows, live = self._store._rows, self._store._live(self._store._rows, self._view)
        others = [key for key in keys if key not in self.drafts]
        return [
            key
            for key in others
            if (row := rows.get(key)) is None or row.stored.deleted or not live.shows(row)
        ]

    async def links(self, persons: Sequence[Key], actors: Sequence[Key]) -> list[Link]:
        known = ChainMap(self._tied, self._store._ties)
        return [link for one in persons for link in known.get(one, ()) if link.actor in actors]

    async def stamps(self, keys: Sequence[Key]) -> Mapping[Key, Stamp]:
        own = {
            key: draft.entries.stamp
            for key in keys
            if (draft := self.drafts.get(key)) is not None and not draft.deleted
        }
        return {**await self._store.stamps(keys), **own}

    async def tie(self, person: Key, links: Sequence[Link]) -> None:
        raise NeedsLocks

    async def purge(self, reasons: Mapping[Key, str], person: Key | None = None) -> Sequence[Key]:
        raise NeedsLocks

    async def restamp(self, key: Key, change: Callable[[Stamp], Stamp]) -> None:
        raise NeedsLocks

    async def lock(self, key: Key) -> Stored | None:
        found = await self.read(key)
        if key not in self.drafts and (found or key not in self._store._rows):
            self._locked.setdefault(key, found.version if found else 0)
        return found

    async def guard(self, criteria: Sequence[str]) -> None:
        raise NeedsLocks

    async def referrers(self, key: Key, names: Sequence[Name], limit: int) -> list[Key]:
        raise NeedsLocks

    async def write(self, draft: Draft) -> None:
        if draft.key in self.drafts:
            raise ValueError("One draft a key")
        if (
            draft.version > 1
            and draft.old is None
            and (found := await self.read(draft.key))
            and not found.deleted
        ):
            raise ValueError("A draft that supersedes a version needs the entries of that version")
        self.drafts[draft.key] = draft

    async def trace(self, trace: Trace) -> None:
        """Nothing is kept longer than the process: nothing is traced."""

    async def note_file(self, sha256: str) -> bool:
        if sha256 in self._files or sha256 in self._store._files:
            return False
        self._files.add(sha256)
        return True

    async def stamp(self) -> int:
        return 1000 * self._store._clock.stamp()

    def commit(self) -> None:
        """All or nothing, and nothing comes in between. Raises `Stale` or `Missing`."""
        store = self._store
        self._check()
        for draft in self.drafts.values():
            old = store._rows.get(draft.key)
            if old is not None:
                store._past.append(_Past(old.pk, old.stored, draft.updated, old.entries.stamp))
            store._rows[draft.key] = self._row(draft)
            store._clock.wrote(draft.updated)
        for key, change in self._restamped:
            if (row := store._rows.get(key)) is not None:
                stamp = change(row.entries.stamp)
                store._rows[key] = replace(row, entries=replace(row.entries, stamp=stamp))
                store._past = [
                    replace(one, stamp=stamp) if one.stored.key == key else one for one in store._past
                ]
        store._files |= self._files
        store._ties |= self._tied
        store.definitions.edited(self.drafts.values())
        if self._redefined:
            store.definitions.apply(self._redefined)

    def _check(self) -> None:
        rows = self._store._rows
        if self.drafts and self._definitions.generation != self._store.definitions.current.generation:
            raise Stale
        expected = self._locked | {draft.key: draft.version - 1 for draft in self.drafts.values()}
        for key, version in expected.items():
            if (rows[key].stored.version if key in rows else 0) != version:
                raise Stale
        if self._store._files & self._files or not self._in_time():
            raise Stale
        after = self._rows()
        targets = {target for draft in self.drafts.values() for target in draft.targets}
        hidden = {key for draft in self.drafts.values() for key in draft.hidden if key not in self.drafts}
        missing = sorted(hidden | {key for key in targets if key not in after or after[key].stored.deleted})
        if missing:
            raise Missing(missing)

    def _in_time(self) -> bool:
        return all(draft.updated // 1000 > self._store._clock.fence for draft in self.drafts.values())

    def _rows(self) -> _Rows:
        """The store as this transaction sees it."""
        return ChainMap({key: self._row(draft) for key, draft in self.drafts.items()}, self._store._rows)

    def _live(self) -> Live:
        return Live(self._rows(), self._store.hasher, self._definitions.parameters)

    def _row(self, draft: Draft) -> Row:
        old = self._store._rows.get(draft.key)
        stamp = draft.entries.stamp
        person = person_of(stamp)
        stored = Stored(
            draft.key,
            draft.version,
            draft.updated,
            draft.body,
            draft.deleted,
            draft.method,
            stamp.cell,
            None if person is None else self._store.hasher.self_of(person),
        )
        return Row(old.pk if old else self._store._pks.next(), stored, draft.entries, draft.targets)

    def _nothing_written(self) -> None:
        if self.drafts:
            raise NeedsLocks


class _Interactive(_Buffered):
    """Sees what it wrote. Keeps others out of what it guards; whether all else still holds is judged at the end."""

    def __init__(self, store: MemoryStore, view: View | None = None) -> None:
        super().__init__(store, view)
        self.began = store._clock.stamp()  # ms
        self._unreferred: dict[Key, tuple[list[int], list[Key]]] = {}
        self._guarded: set[str] = set()
        self._purged: set[Key] = set()
        store._open.append(self)
        self.ending.callback(store._open.remove, self)

    async def redefine(self, change: Redefinition) -> None:
        self._redefined.append(change)
        self._definitions = self._definitions.after(change)

    async def search(self, query: Query) -> Page:
        return self._given(self._store._search(self._rows(), query, self._view))

    async def tie(self, person: Key, links: Sequence[Link]) -> None:
        self._tied[person] = tuple(links)

    async def purge(self, reasons: Mapping[Key, str], person: Key | None = None) -> Sequence[Key]:
        gone = [
            key
            for key, row in self._rows().items()
            if row.stored.deleted and (key in reasons or (person and row.entries.stamp.persons == (person,)))
        ]
        self._purged.update(gone)
        return gone

    def commit(self) -> None:
        super().commit()
        store = self._store
        for key in self._purged:
            del store._rows[key]
            store._ties.pop(key, None)
        store._past = [one for one in store._past if one.stored.key not in self._purged]

    async def restamp(self, key: Key, change: Callable[[Stamp], Stamp]) -> None:
        self._restamped.append((key, change))

    async def history(self, span: Span) -> Page:
        past = [
            _Past(row.pk, row.stored, draft.updated, row.entries.stamp)
            for draft in self.drafts.values()
            if (row := self._store._rows.get(draft.key))
        ]
        self._store._clock.wrote(max((draft.updated for draft in self.drafts.values()), default=0))
        return self._given(
            self._store._history(self._rows(), [*self._store._past, *past], span, self, self._view)
        )

    async def guard(self, criteria: Sequence[str]) -> None:
        for text in sorted(set(criteria) - self._guarded):
            lock = self._store._guards.setdefault(text, asyncio.Lock())
            await lock.acquire()
            self._guarded.add(text)
            self.ending.callback(lock.release)

    async def referrers(self, key: Key, names: Sequence[Name], limit: int) -> list[Key]:
        seeds = [self._store.hasher.seed(name.type, name.code) for name in names]
        found = self._live().referrers(key, seeds)
        self._unreferred[key] = seeds, found
        return found[:limit]

    async def write(self, draft: Draft) -> None:
        if draft.updated < self.began * 1000 and not draft.retroactive:
            raise ValueError("A draft is stamped before its transaction began")
        await super().write(draft)

    async def stamp(self) -> int:
        return 1000 * self.began

    def _check(self) -> None:
        super()._check()
        for key, (seeds, found) in self._unreferred.items():
            if not set(self._live().referrers(key, seeds)) <= set(found):
                raise Stale

    def _in_time(self) -> bool:
        return True  # its stamp has been open since it began


def _number(value: object) -> int:
    assert isinstance(value, int)
    return value
