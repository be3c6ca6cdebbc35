"""The store in dictionaries: a double for tests of what stands on a store, and the oracle of the one on PostgreSQL.

It keeps the same contract by the plainest means: searches ask `search/match.py` about every resource, a commit is one
step that nothing interrupts, and a cursor points into a remembered result.
"""

from __future__ import annotations

import asyncio
from bisect import bisect
from collections import ChainMap
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from itertools import islice
from typing import TypeAlias

from fhir_server.kernel.keys import Key
from fhir_server.kernel.times import now
from fhir_server.search.entries import Hasher
from fhir_server.search.query import Name, Query
from fhir_server.store.contract import Draft, Missing, NeedsLocks, Page, Span, Stale, Stored, Transaction
from fhir_server.store.cursors import Place, cursor_of, place_of
from fhir_server.store.definitions import Definitions, Redefinition
from fhir_server.store.ids import Pks, id_of
from fhir_server.store.includes import MOST
from fhir_server.store.memory_codes import MemoryCodes
from fhir_server.store.memory_definitions import MemoryDefinitions
from fhir_server.store.memory_search import Live, Row
from fhir_server.store.watermark import Clock

_LAST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class _Past:
    """A version, and when the next one took its place."""

    pk: int
    stored: Stored
    until: int


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
        self._files: set[str] = set()
        self._guards: dict[str, asyncio.Lock] = {}
        self._open: list[_Interactive] = []
        self._results: list[list[Key]] = []  # of searches, for their cursors

    async def read(self, key: Key, version: int | None = None) -> Stored | None:
        return self._read(self._rows, key, version)

    async def search(self, query: Query) -> Page:
        return self._search(self._rows, query)

    async def explain(self, query: Query) -> Sequence[tuple[str, str]]:
        return ()

    async def history(self, span: Span) -> Page:
        return self._history(self._rows, self._past, span, None)

    def begin(self, *, interactive: bool = False) -> AbstractAsyncContextManager[Transaction]:
        return self._begun(_Interactive(self) if interactive else _Buffered(self))

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

    def _read(self, rows: _Rows, key: Key, version: int | None) -> Stored | None:
        row = rows.get(key)
        if row is None or version in {None, row.stored.version}:
            return row.stored if row else None
        old = (*(past.stored for past in self._past), *(other.stored for other in self._rows.values()))
        return next((stored for stored in old if stored.key == key and stored.version == version), None)

    def _search(self, rows: _Rows, query: Query) -> Page:
        asked = (query.types, query.where, query.sort)
        place = place_of(query.cursor, asked, self.hasher)
        live = Live(rows, self.hasher, self.definitions.current.parameters)
        if place is None:
            number, start = len(self._results), 0
            self._results.append([row.key for row in live.found(query)])
        else:
            number, start = map(_number, place.keys)
        keys = self._results[number]
        total, end = len(keys), start + query.count
        page = [row for key in keys[start:end] if (row := live.at(key))]
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

    def _history(self, rows: _Rows, past: Iterable[_Past], span: Span, reader: _Interactive | None) -> Page:
        query = replace(span, cursor="", count=0)
        place = place_of(span.cursor, query, self.hasher)
        single = span.type is not None and span.id is not None
        mark = 0 if single else place.watermark if place else self._watermark(reader)
        low, high = span.at or (-_LAST, _LAST)
        versions = [*past, *(_Past(row.pk, row.stored, _LAST) for row in rows.values())]
        found = [
            v
            for v in versions
            if span.type in {None, v.stored.key.type}
            and span.id in {None, v.stored.key.id}
            and (span.since is None or v.stored.updated >= span.since)
            and v.stored.updated < high
            and v.until > low
            and (single or v.stored.updated < mark)
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

    def __init__(self, store: MemoryStore) -> None:
        self.drafts: dict[Key, Draft] = {}
        self.ending = ExitStack()
        self._store = store
        self._locked: dict[Key, int] = {}  # the version that must be current; 0: none
        self._files: set[str] = set()
        self._definitions = store.definitions.current
        self._redefined: list[Redefinition] = []

    @property
    def definitions(self) -> Definitions:
        return self._definitions

    async def redefine(self, change: Redefinition) -> None:
        raise NeedsLocks

    async def read(self, key: Key, version: int | None = None) -> Stored | None:
        draft = self.drafts.get(key)
        if draft is not None and version in {None, draft.version}:
            return self._row(draft).stored
        return self._store._read(self._store._rows, key, version)

    async def search(self, query: Query) -> Page:
        self._nothing_written()
        return await self._store.search(query)

    async def explain(self, query: Query) -> Sequence[tuple[str, str]]:
        return ()

    async def history(self, span: Span) -> Page:
        self._nothing_written()
        return await self._store.history(span)

    async def lock(self, key: Key) -> Stored | None:
        found = await self.read(key)
        if key not in self.drafts:
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
                store._past.append(_Past(old.pk, old.stored, draft.updated))
            store._rows[draft.key] = self._row(draft)
            store._clock.wrote(draft.updated)
        store._files |= self._files
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
        missing = sorted(key for key in targets if key not in after or after[key].stored.deleted)
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
        stored = Stored(draft.key, draft.version, draft.updated, draft.body, draft.deleted, draft.method)
        return Row(old.pk if old else self._store._pks.next(), stored, draft.entries, draft.targets)

    def _nothing_written(self) -> None:
        if self.drafts:
            raise NeedsLocks


class _Interactive(_Buffered):
    """Sees what it wrote. Keeps others out of what it guards; whether all else still holds is judged at the end."""

    def __init__(self, store: MemoryStore) -> None:
        super().__init__(store)
        self.began = store._clock.stamp()  # ms
        self._unreferred: dict[Key, tuple[list[int], list[Key]]] = {}
        store._open.append(self)
        self.ending.callback(store._open.remove, self)

    async def redefine(self, change: Redefinition) -> None:
        self._redefined.append(change)
        self._definitions = self._definitions.after(change)

    async def search(self, query: Query) -> Page:
        return self._store._search(self._rows(), query)

    async def history(self, span: Span) -> Page:
        past = [
            _Past(row.pk, row.stored, draft.updated)
            for draft in self.drafts.values()
            if (row := self._store._rows.get(draft.key))
        ]
        self._store._clock.wrote(max((draft.updated for draft in self.drafts.values()), default=0))
        return self._store._history(self._rows(), [*self._store._past, *past], span, self)

    async def guard(self, criteria: Sequence[str]) -> None:
        for text in sorted(set(criteria)):
            lock = self._store._guards.setdefault(text, asyncio.Lock())
            await lock.acquire()
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
