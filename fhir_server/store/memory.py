"""The store in dictionaries: a double for tests of what stands on a store, and the oracle of the one on PostgreSQL.

It keeps the same contract by the plainest means: searches ask `search/match.py` about every resource, a commit is one
step that nothing interrupts, and a cursor points into a remembered result.
"""

from __future__ import annotations

import asyncio
from bisect import bisect
from collections import ChainMap
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager
from dataclasses import dataclass, replace

from fhir_server.kernel.keys import Key
from fhir_server.kernel.times import now
from fhir_server.kernel.wire import decode
from fhir_server.search.entries import Entries, Hasher
from fhir_server.search.match import matches, needs_body, sort_key
from fhir_server.search.query import Include, Name, Query
from fhir_server.store.contract import Draft, Missing, NeedsLocks, Page, Span, Stale, Stored, Transaction
from fhir_server.store.cursors import Place, cursor_of, place_of
from fhir_server.store.ids import Pks, id_of
from fhir_server.store.includes import wanted
from fhir_server.store.tables import TYPE_NUMBERS
from fhir_server.store.watermark import Clock

_LAST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class _Row:
    """A current version, with what the index knows of it."""

    pk: int
    stored: Stored
    entries: Entries
    targets: tuple[Key, ...]


@dataclass(frozen=True, slots=True)
class _Past:
    """A version, and when the next one took its place."""

    pk: int
    stored: Stored
    until: int


def _newest(version: _Past) -> tuple[int, ...]:
    """Sorts the newest first."""
    return -version.stored.updated, -version.pk, -version.stored.version


_Rows = Mapping[Key, _Row]


class MemoryStore:
    """See `contract.ResourceStore`."""

    def __init__(self, secret: bytes = b"of the memory store") -> None:
        self.hasher = Hasher(secret)
        self._clock = Clock()
        self._pks = Pks(0)
        self._rows: dict[Key, _Row] = {}
        self._past: list[_Past] = []
        self._files: set[str] = set()
        self._guards: dict[str, asyncio.Lock] = {}
        self._open: list[_Interactive] = []
        self._results: list[list[Key]] = []  # of searches, for their cursors

    async def read(self, key: Key, version: int | None = None) -> Stored | None:
        return self._read(self._rows, key, version)

    async def search(self, query: Query) -> Page:
        return self._search(self._rows, query)

    async def history(self, span: Span) -> Page:
        return self._history(self._rows, self._past, span, None)

    def begin(self, *, interactive: bool = False) -> AbstractAsyncContextManager[Transaction]:
        return self._begun(_Interactive(self) if interactive else _Buffered(self))

    def new_id(self) -> str:
        return id_of(self._pks.next())

    async def noted(self, sha256: str) -> bool:
        return sha256 in self._files

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
        asked = (query.type, query.where, query.sort)
        place = place_of(query.cursor, asked, self.hasher)
        if place is None:
            number, start = len(self._results), 0
            self._results.append([row.stored.key for row in self._found(rows, query)])
        else:
            number, start = map(_number, place.keys)
        keys = self._results[number]
        total, end = len(keys), start + query.count
        page = [rows[key] for key in keys[start:end] if key in rows and not rows[key].stored.deleted]

        def cursor(at: int) -> str:
            return cursor_of(Place((number, at)), asked, self.hasher)

        return Page(
            tuple(row.stored for row in page),
            None if query.total == "none" and total > query.count > 0 else total,
            cursor(end) if end < total and query.count else "",
            cursor(max(0, start - query.count)) if start else "",
            tuple(self._included(rows, query.includes, page)),
        )

    def _found(self, rows: _Rows, query: Query) -> list[_Row]:
        def wanted_row(row: _Row) -> bool:
            stored, tree = row.stored, None
            if stored.deleted or stored.key.type != query.type:
                return False
            if needs_body(query):
                tree = decode(stored.body)
            return matches(
                query, row.entries, key=stored.key, updated=stored.updated, hasher=self.hasher, tree=tree
            )

        def place(row: _Row) -> object:
            stored = row.stored
            keys = sort_key(
                query.sort, row.entries, key=stored.key, updated=stored.updated, hasher=self.hasher
            )
            return *keys, row.pk

        return sorted(filter(wanted_row, rows.values()), key=place)  # type: ignore[arg-type]

    def _included(self, rows: _Rows, includes: Sequence[Include], page: Sequence[_Row]) -> Iterator[Stored]:
        known = {row.stored.key for row in page}
        step, frontier = list(includes), list(page)
        while step and frontier:
            reached = {
                key for include in step for row in frontier for key in self._reached(rows, include, row)
            }
            frontier = [
                rows[key] for key in sorted(reached - known) if key in rows and not rows[key].stored.deleted
            ]
            known |= reached
            yield from (row.stored for row in frontier)
            step = [include for include in includes if include.iterate]

    def _reached(self, rows: _Rows, include: Include, row: _Row) -> Iterator[Key]:
        for seed, number in wanted(include, self.hasher):
            if include.reverse and number in {0, TYPE_NUMBERS[row.stored.key.type]}:
                yield from self._referrers(rows, row.stored.key, [seed])
            elif not include.reverse:
                for found, key in row.entries.references:
                    if found == seed and number in {0, TYPE_NUMBERS[key.type]}:
                        yield key

    def _referrers(self, rows: _Rows, key: Key, seeds: Iterable[int], *, loose: bool = False) -> list[Key]:
        target = self.hasher.self_of(key)
        numbers = {self.hasher.reference(seed, target) for seed in seeds}
        return [
            other
            for other, row in rows.items()
            if other != key
            and not row.stored.deleted
            and (
                any(number in numbers for number, _ in row.entries.tokens)
                or (
                    loose and key in row.targets and key not in {known for _, known in row.entries.references}
                )
            )
        ]

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

    async def read(self, key: Key, version: int | None = None) -> Stored | None:
        draft = self.drafts.get(key)
        if draft is not None and version in {None, draft.version}:
            return self._row(draft).stored
        return self._store._read(self._store._rows, key, version)

    async def search(self, query: Query) -> Page:
        self._nothing_written()
        return await self._store.search(query)

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

    def _check(self) -> None:
        rows = self._store._rows
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

    def _row(self, draft: Draft) -> _Row:
        old = self._store._rows.get(draft.key)
        stored = Stored(draft.key, draft.version, draft.updated, draft.body, draft.deleted, draft.method)
        return _Row(old.pk if old else self._store._pks.next(), stored, draft.entries, draft.targets)

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
        found = self._store._referrers(self._rows(), key, seeds, loose=True)
        self._unreferred[key] = seeds, found
        return found[:limit]

    async def write(self, draft: Draft) -> None:
        if draft.updated < self.began * 1000:
            raise ValueError("A draft is stamped before its transaction began")
        await super().write(draft)

    async def stamp(self) -> int:
        return 1000 * self.began

    def _check(self) -> None:
        super()._check()
        for key, (seeds, found) in self._unreferred.items():
            if not set(self._store._referrers(self._rows(), key, seeds, loose=True)) <= set(found):
                raise Stale

    def _in_time(self) -> bool:
        return True  # its stamp has been open since it began


def _number(value: object) -> int:
    assert isinstance(value, int)
    return value
