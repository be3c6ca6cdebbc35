"""Transactions on PostgreSQL, in the two forms of the contract: buffered, and interactive on a connection of its own.

Both collect drafts and hand them to `Flush`. A buffered one sends a single statement when it ends; an interactive one
also flushes before a search or a history, which must see what it wrote.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from fhir_server.kernel.errors import Unavailable
from fhir_server.kernel.keys import Key
from fhir_server.kernel.times import now
from fhir_server.kernel.trace import Trace
from fhir_server.search.entries import Hasher
from fhir_server.search.query import Name, Query
from fhir_server.search.sight import Link, Stamp
from fhir_server.search.view import View
from fhir_server.store import rows, ties
from fhir_server.store.audit_rows import add, rows_of
from fhir_server.store.binary import INT8, INT8_ARRAY, TEXT, pack_int8, pack_int8s, pack_text
from fhir_server.store.connections import translated
from fhir_server.store.contract import Draft, Missing, NeedsLocks, Page, Span, Stale, Stored
from fhir_server.store.definitions import Definitions, Redefinition, plans_of
from fhir_server.store.definitions_state import PostgresDefinitions
from fhir_server.store.explaining import explained
from fhir_server.store.flush import ALWAYS, Flush, KnownTerms, Verdict, verdict_of
from fhir_server.store.history import history
from fhir_server.store.ids import Pks
from fhir_server.store.pages import search
from fhir_server.store.pipeline import Statement
from fhir_server.store.purging import purge
from fhir_server.store.reader import PostgresReader, Ways, note, unseen
from fhir_server.store.restamping import restamp
from fhir_server.store.scheduling import advance, schedule
from fhir_server.store.tables import ANY_PARAMETER
from fhir_server.store.telling import tell
from fhir_server.store.uploads import is_definition
from fhir_server.store.watermark import Clock, Run

LARGE_BYTES: Final = 1_000_000  # a flush with more goes where it keeps nobody waiting
_YIELD_EVERY: Final = 200  # drafts between two chances for others to run
_LONGEST_WAIT: Final = 50_000  # µs, for a clock that was set back
_GUARDS: Final = 256
_GUARD_LOCKS: Final = 0x4347 << 48

_GUARD: Final = Statement(
    "guard", "select pg_advisory_xact_lock(number) from unnest($1::bigint[]) number", (INT8_ARRAY,)
)
NOTED: Final = Statement("noted", "select 1 from import_file where sha256 = $1", (TEXT,))
_HOLD: Final = Statement("hold", "select 1 from resource where self = $1 for update", (INT8,))
_REFERRERS: Final = Statement(
    "referrers",
    """
    select distinct r.type, r.id
    from unnest($1::bigint[]) s(seed)
    cross join lateral (
        select e.pk from entry e
        where e.key = s.seed # $2 and e.pk <> (select pk from resource where self = $2)
        limit $3) e
    join resource r on r.pk = e.pk
    limit $3""",
    (INT8_ARRAY, INT8, INT8),
)


@dataclass(frozen=True, slots=True)
class Database:
    """What transactions share: the statements' ways in, and who makes hashes, keys and stamps."""

    ways: Ways
    pks: Pks
    write: Run
    write_large: Run
    terms: KnownTerms = field(default_factory=KnownTerms)

    @property
    def hasher(self) -> Hasher:
        return self.ways.hasher

    @property
    def clock(self) -> Clock:
        return self.ways.clock

    @property
    def read(self) -> Run:
        return self.ways.read

    @property
    def search(self) -> Run:
        return self.ways.search

    @property
    def definitions(self) -> PostgresDefinitions:
        return self.ways.definitions


class Writing(ABC):
    """What both forms share: what was seen, what is to be written."""

    def __init__(self, database: Database, run: Run, view: View | None) -> None:
        self._database = database
        self._run = run
        self._view = view
        self._sight = None if view is None else view.sight
        self._met: set[int] = set()
        self._traces: list[Trace] = []
        self._hasher = database.hasher
        self._definitions = database.definitions.current
        self._seen: dict[Key, rows.Found | None] = {}
        self._locked: set[Key] = set()
        self._drafts: dict[Key, Draft] = {}
        self._flushed = 0  # of the drafts
        self._files: set[str] = set()
        self._terms: set[int] = set()
        self._edited: list[Draft] = []  # definitions that are flushed
        self._edition = 0  # that they begin

    @property
    def definitions(self) -> Definitions:
        return self._definitions

    @property
    def met(self) -> Collection[int]:
        return self._met

    def _told(self, stored: Stored | None) -> Stored | None:
        if self._view is not None and stored is not None:
            note((stored,), self._met)
        return stored

    def _given(self, page: Page) -> Page:
        if self._view is not None:
            note(page.items, self._met)
            note(page.included, self._met)
        return page

    async def read(self, key: Key, version: int | None = None) -> Stored | None:
        draft = self._drafts.get(key)
        if draft is not None and version in {None, draft.version}:
            return _stored(draft)
        if self._view is not None and not self._view.reads(key.type):
            if version is not None:
                return None
            return await PostgresReader(self._database.ways, self._view).read(key)
        if version is not None:
            with translated():
                stored = await rows.version(self._run, self._hasher, key, version, sight=self._sight)
            return self._told(stored)
        with translated():
            found = await self._look(key, lock=False)
        return self._told(found.stored if found else None)

    async def lock(self, key: Key) -> Stored | None:
        if key in self._drafts:
            return _stored(self._drafts[key])
        with translated():
            found = await self._look(key, lock=True)
        self._locked.add(key)
        return self._told(found.stored if found else None)

    async def explain(self, query: Query) -> Sequence[tuple[str, str]]:
        with translated():
            return await explained(self._database.ways.search_alone, lambda run: self._found(run, query))

    async def unseen(self, keys: Sequence[Key]) -> list[Key]:
        others = [key for key in keys if key not in self._drafts]
        with translated():
            return await unseen(self._run, self._hasher, others, self._view)

    async def links(self, persons: Sequence[Key], actors: Sequence[Key]) -> list[Link]:
        with translated():
            return await ties.links(self._run, self._hasher, persons, actors)

    async def stamps(self, keys: Sequence[Key]) -> Mapping[Key, Stamp]:
        others = [key for key in keys if key not in self._drafts]
        own = {
            key: draft.entries.stamp
            for key in keys
            if (draft := self._drafts.get(key)) is not None and not draft.deleted
        }
        with translated():
            return own | await rows.stamps(self._run, self._hasher, others) if others else own

    async def _found(self, run: Run, query: Query) -> Page:
        return self._given(
            await search(run, self._database.ways.compiler, query, self._definitions.parameters, self._view)
        )

    async def write(self, draft: Draft) -> None:
        if draft.key in self._drafts:
            raise ValueError("One draft a key")
        self._drafts[draft.key] = draft

    async def trace(self, trace: Trace) -> None:
        self._traces.append(trace)

    async def note_file(self, sha256: str) -> bool:
        with translated():
            if sha256 in self._files or await self._run(NOTED, (pack_text(sha256),)):
                return False
        self._files.add(sha256)
        return True

    @abstractmethod
    async def _look(self, key: Key, *, lock: bool) -> rows.Found | None:
        """The current version in the database, remembered in `_seen`."""

    @abstractmethod
    async def _send(self, flush: Flush, drafts: Sequence[Draft], edited: Sequence[Draft]) -> Verdict:
        """Run the statement of a flush. `edited`: the drafts that are definitions."""

    async def flush(self) -> None:
        """Write what was not flushed yet. Raises `Stale` or `Missing`, and then nothing of it is written."""
        drafts = list(self._drafts.values())[self._flushed :]
        if not (drafts or self._files or self._going_along()):
            return
        definitions = self._definitions
        flush = Flush(
            self._hasher, definitions.generation, tolerant=definitions.exact, terms=self._database.terms
        )
        hidden = [key for draft in drafts for key in draft.hidden if key not in self._drafts]
        if hidden:
            raise Missing(hidden)
        for number, draft in enumerate(drafts, 1):
            with translated():
                pk = await self._pk(draft)
            if len(draft.body) <= LARGE_BYTES:
                flush.add(draft, pk)
            else:
                await asyncio.to_thread(flush.add, draft, pk)
            flush.require(self._required(draft))
            if number % _YIELD_EVERY == 0:
                await asyncio.sleep(0)
        for key in self._locked.difference(self._drafts):
            if found := self._seen[key]:
                flush.keep(found.pk, found.stored.version)
        for sha256 in self._files:
            flush.note(sha256, now())
        edited = [
            draft
            for draft in drafts
            if is_definition(draft.key) and draft.key not in definitions.packaged.by_key
        ]
        with translated():
            verdict = await self._send(flush, drafts, edited)
        self._database.clock.saw_fence(verdict.fence)
        if not verdict.written:
            if verdict.trace_fence:
                self._database.pks.pass_by(max(verdict.trace_fence, now() // 1000))
            if verdict.generation != definitions.generation:
                await self._database.definitions.reach(verdict.generation)
                raise Stale
            if missing := flush.missing(verdict):
                raise Missing(missing)
            raise Stale
        self._edited += edited
        self._edition = verdict.edition
        self._flushed = len(self._drafts)
        self._files.clear()
        self._terms.update(flush.terms)

    async def _pk(self, draft: Draft) -> int:
        """The primary key that `draft` writes to. Raises `Stale` if the version that it supersedes is not current."""
        if draft.version == 1:
            return self._database.pks.next()
        if draft.key not in self._seen:
            await self._look(draft.key, lock=False)
        found = self._seen[draft.key]
        if found is None or found.stored.version != draft.version - 1:
            raise Stale
        if draft.old is None and not found.stored.deleted:
            raise ValueError("A draft that supersedes a version needs the entries of that version")
        return found.pk

    def _required(self, draft: Draft) -> list[Key]:
        """The targets of `draft` that this transaction does not write itself."""
        required = []
        for key in draft.targets:
            own = self._drafts.get(key)
            if own is None:
                required.append(key)
            elif own.deleted:
                raise Missing([key])
        return required

    def _going_along(self) -> Sequence[Trace]:
        """The traces that the statement of a flush is to write."""
        return ()

    async def passed(self) -> None:
        """Remember what is committed, and wait until the clock has passed its stamps (see `watermark.py`)."""
        if not self._drafts:
            return
        self._database.terms.learn(self._terms)
        if self._edited:
            # The commit stands whatever happens here.
            with suppress(Unavailable), translated():
                await self._database.definitions.edited(self._edited, self._edition)
        last = max(draft.updated for draft in self._drafts.values())
        self._database.clock.wrote(last)
        ahead = last - now()
        if ahead > 0:
            await asyncio.sleep(min(ahead, _LONGEST_WAIT) / 1_000_000)


class Buffered(Writing):
    """Reads like anybody else, and writes one statement at the end."""

    def __init__(self, database: Database, view: View | None = None) -> None:
        super().__init__(database, database.read, view)
        self._stamp: int | None = None  # ms: one for all that is written together

    async def search(self, query: Query) -> Page:
        self._nothing_written()
        with translated():
            return await self._found(self._database.search, query)

    async def history(self, span: Span) -> Page:
        self._nothing_written()
        with translated():
            page = await history(
                self._database.search, self._hasher, self._database.clock, span, view=self._view
            )
        return self._given(page)

    async def guard(self, criteria: Sequence[str]) -> None:
        raise NeedsLocks

    async def referrers(self, key: Key, names: Sequence[Name], limit: int) -> list[Key]:
        raise NeedsLocks

    async def redefine(self, change: Redefinition) -> None:
        raise NeedsLocks

    async def tie(self, person: Key, links: Sequence[Link]) -> None:
        raise NeedsLocks

    async def purge(self, reasons: Mapping[Key, str], person: Key | None = None) -> Sequence[Key]:
        raise NeedsLocks

    async def restamp(self, key: Key, change: Callable[[Stamp], Stamp]) -> None:
        raise NeedsLocks

    async def stamp(self) -> int:
        if self._stamp is None:
            self._stamp = self._database.clock.stamp()
        return self._stamp * 1000

    def _going_along(self) -> Sequence[Trace]:
        return self._traces

    def _nothing_written(self) -> None:
        if self._drafts:
            raise NeedsLocks

    async def _look(self, key: Key, *, lock: bool) -> rows.Found | None:
        found = await rows.current(self._run, self._hasher, key, sight=self._sight)
        if key not in self._locked:  # else what was locked is what must be current when this commits
            self._seen[key] = found
        return found

    async def _send(self, flush: Flush, drafts: Sequence[Draft], edited: Sequence[Draft]) -> Verdict:
        flush.tell(str(draft.key) for draft in edited)
        if traces := self._going_along():
            flush.trace(rows_of(self._hasher, self._database.pks, traces))
        stamp = min((draft.updated // 1000 for draft in drafts), default=self._database.clock.stamp())
        size = sum(len(draft.body) for draft in drafts)
        if size <= LARGE_BYTES:
            return verdict_of(await self._database.write(*flush.statement(stamp, limit=stamp)))
        statement = await asyncio.to_thread(flush.statement, stamp, limit=stamp)
        return verdict_of(await self._database.write_large(*statement))


class Interactive(Writing):
    """Holds locks until it ends, in the transaction that the connection of `run` is in."""

    def __init__(
        self, database: Database, run: Run, stamp: int, session: int, view: View | None = None
    ) -> None:
        """`stamp` (ms) was announced in the transaction; `session` is what the server calls the connection."""
        super().__init__(database, run, view)
        self._stamp = stamp
        self._session = session
        self._redefined = False
        self._restamped: dict[Key, list[Callable[[Stamp], Stamp]]] = {}

    async def search(self, query: Query) -> Page:
        await self.flush()
        with translated():
            return await self._found(self._run, query)

    async def history(self, span: Span) -> Page:
        await self.flush()
        database = self._database
        database.clock.wrote(self._stamp * 1000)  # so that what it wrote itself is before the watermark
        with translated():
            page = await history(
                self._run,
                self._hasher,
                database.clock,
                span,
                outside=database.search,
                session=self._session,
                view=self._view,
            )
        return self._given(page)

    async def guard(self, criteria: Sequence[str]) -> None:
        numbers = sorted({_GUARD_LOCKS | self._hasher.of(text) % _GUARDS for text in criteria})
        with translated():
            await self._run(_GUARD, (pack_int8s(numbers),))

    async def referrers(self, key: Key, names: Sequence[Name], limit: int) -> list[Key]:
        await self.flush()
        number = pack_int8(self._hasher.self_of(key))
        seeds = [
            self._hasher.seed(*ANY_PARAMETER),
            *(self._hasher.seed(name.type, name.code) for name in names),
        ]
        with translated():
            # Two statements: the second one's snapshot is taken under the lock.
            await self._run(_HOLD, (number,))
            found = await self._run(_REFERRERS, (pack_int8s(seeds), number, pack_int8(limit)))
        return [rows.key_of(*row) for row in found]

    async def redefine(self, change: Redefinition) -> None:
        generation = self._definitions.generation
        with translated():
            if not self._redefined and not await advance(self._run, generation):
                await self._database.definitions.reach(generation + 1)
                raise Stale
            self._redefined = True
            plans = plans_of(change.types)
            await schedule(self._run, generation + 1, plans, change.base, exact=change.exact)
        self._definitions = self._definitions.after(change)

    async def tie(self, person: Key, links: Sequence[Link]) -> None:
        with translated():
            await ties.tie(self._run, self._hasher, person, links)

    async def purge(self, reasons: Mapping[Key, str], person: Key | None = None) -> Sequence[Key]:
        await self.flush()
        with translated():
            return await purge(self._run, self._hasher, reasons, person, now())

    async def restamp(self, key: Key, change: Callable[[Stamp], Stamp]) -> None:
        self._restamped.setdefault(key, []).append(change)

    async def finish(self) -> None:
        """Flush, and give new stamps to what is there by now."""
        await self.flush()
        for key, changes in sorted(self._restamped.items()):
            for change in changes:
                with translated():
                    await restamp(self._run, self._hasher, key, change)

    async def tell(self) -> None:
        """Let the others hear, with the commit that comes now, of the definitions that were written."""
        if self._edited:
            with translated():
                self._edition = await tell(self._run, [str(draft.key) for draft in self._edited])

    async def seal(self) -> None:
        """Write the traces: last, because their lock holds up whoever seals."""
        if self._traces:
            with translated():
                await add(self._run, self._hasher, self._database.pks, self._traces)

    async def passed(self) -> None:
        await super().passed()
        if self._redefined:
            # The commit stands whatever happens here; whoever hears of it holds writes to it, if we cannot.
            with suppress(Unavailable):
                await self._database.definitions.refresh()

    async def stamp(self) -> int:
        return self._stamp * 1000

    async def write(self, draft: Draft) -> None:
        if draft.updated < self._stamp * 1000 and not draft.retroactive:
            raise ValueError("A draft is stamped before its transaction began")
        await super().write(draft)

    async def _look(self, key: Key, *, lock: bool) -> rows.Found | None:
        self._seen[key] = found = await rows.current(
            self._run, self._hasher, key, lock=lock, sight=self._sight
        )
        return found

    async def _send(self, flush: Flush, drafts: Sequence[Draft], edited: Sequence[Draft]) -> Verdict:
        return verdict_of(await self._run(*flush.statement(self._stamp, ALWAYS)))


def _stored(draft: Draft) -> Stored:
    return Stored(draft.key, draft.version, draft.updated, draft.body, draft.deleted, draft.method)
