"""What a transaction on PostgreSQL has seen and is to write, and the flush that writes it: what both forms share.

Drafts are collected and handed to `Flush`, whose one statement checks all that must still hold.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from fhir_server.kernel.errors import Unavailable
from fhir_server.kernel.keys import Key
from fhir_server.kernel.times import now
from fhir_server.kernel.trace import Trace
from fhir_server.search.entries import Hasher
from fhir_server.search.query import Query
from fhir_server.search.sight import Link, Stamp
from fhir_server.search.view import View
from fhir_server.store import rows, ties
from fhir_server.store.binary import TEXT, pack_text
from fhir_server.store.connections import translated
from fhir_server.store.contract import Draft, Missing, Page, Stale, Stored
from fhir_server.store.definitions import Definitions
from fhir_server.store.definitions_state import PostgresDefinitions
from fhir_server.store.explaining import explained
from fhir_server.store.flush import Flush, KnownTerms, Verdict
from fhir_server.store.ids import Pks
from fhir_server.store.pages import search
from fhir_server.store.pipeline import Statement
from fhir_server.store.reader import PostgresReader, Ways, note, unseen
from fhir_server.store.uploads import is_definition
from fhir_server.store.watermark import Clock, Run

LARGE_BYTES: Final = 1_000_000  # a flush with more goes where it keeps nobody waiting
_YIELD_EVERY: Final = 200  # drafts between two chances for others to run
_LONGEST_WAIT: Final = 50_000  # µs, for a clock that was set back

NOTED: Final = Statement("noted", "select 1 from import_file where sha256 = $1", (TEXT,))


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
    def fence(self) -> Run:
        return self.ways.fence

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
            return None if version is not None else await self._granted(key, self._view)
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
        view = self._view
        if view is not None and not view.reads(key.type) and await self._granted(key, view) is None:
            return None  # what a client may not read is not there for it
        with translated():
            found = await self._look(key, lock=True)
        self._locked.add(key)
        return self._told(found.stored if found else None)

    async def _granted(self, key: Key, view: View) -> Stored | None:
        """What is committed, if it is of the part of its type that the client may read."""
        return await PostgresReader(self._database.ways, view).read(key)

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


def _stored(draft: Draft) -> Stored:
    return Stored(draft.key, draft.version, draft.updated, draft.body, draft.deleted, draft.method)
