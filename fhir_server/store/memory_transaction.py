"""Transactions of the store in dictionaries, in the two forms of the contract: a commit is one step.

Nothing interrupts a commit, so it judges once whether all that it was prepared upon still holds.
"""

from __future__ import annotations

import asyncio
from collections import ChainMap
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial

from fhir_server.kernel.keys import Key
from fhir_server.kernel.times import now
from fhir_server.kernel.trace import Trace
from fhir_server.search.query import Name, Query
from fhir_server.search.sight import Link, Stamp
from fhir_server.search.view import View
from fhir_server.store.contract import (
    Account,
    Draft,
    Invitation,
    Missing,
    NeedsLocks,
    Page,
    Span,
    Stale,
    Stored,
)
from fhir_server.store.definitions import Definitions, Redefinition
from fhir_server.store.memory_search import Live, Row
from fhir_server.store.memory_versions import Held, Past, Rows
from fhir_server.store.reader import note
from fhir_server.store.seeing import person_of


class Buffered:
    """Collects, and writes in one step."""

    def __init__(self, held: Held, view: View | None = None) -> None:
        self._view = view
        self._met: set[int] = set()
        self._tied: dict[Key, tuple[Link, ...]] = {}
        self.drafts: dict[Key, Draft] = {}
        self.ending = ExitStack()
        self._held = held
        self._locked: dict[Key, int] = {}  # the version that must be current; 0: none
        self._files: set[str] = set()
        self._definitions = held.definitions.current
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
        found = self._held.read(self._held.rows, key, version, self._view)
        if self._view is not None and found is not None:
            note((found,), self._met)
        return found

    async def search(self, query: Query) -> Page:
        self._nothing_written()
        return self._given(self._held.search(self._held.rows, query, self._view))

    async def explain(self, query: Query) -> Sequence[tuple[str, str]]:
        return ()

    async def history(self, span: Span) -> Page:
        self._nothing_written()
        return self._given(self._held.history(self._held.rows, self._held.past, span, None, self._view))

    async def unseen(self, keys: Sequence[Key]) -> list[Key]:
        if self._view is None:
            return []
        rows, live = self._held.rows, self._held.live(self._held.rows, self._view)
        others = [key for key in keys if key not in self.drafts]
        return [
            key
            for key in others
            if (row := rows.get(key)) is None or row.stored.deleted or not live.shows(row)
        ]

    async def links(self, persons: Sequence[Key], actors: Sequence[Key]) -> list[Link]:
        known = ChainMap(self._tied, self._held.ties)
        return [link for one in persons for link in known.get(one, ()) if link.actor in actors]

    async def stamps(self, keys: Sequence[Key]) -> Mapping[Key, Stamp]:
        own = {
            key: draft.entries.stamp
            for key in keys
            if (draft := self.drafts.get(key)) is not None and not draft.deleted
        }
        return {**self._held.stamps(keys), **own}

    async def tie(self, person: Key, links: Sequence[Link]) -> None:
        raise NeedsLocks

    async def invite(self, invitation: Invitation) -> None:
        raise NeedsLocks

    async def uninvite(self, person: Key) -> bool:
        raise NeedsLocks

    async def redeem(self, digest: bytes, account: Account) -> Key | None:
        raise NeedsLocks

    async def purge(self, reasons: Mapping[Key, str], person: Key | None = None) -> Sequence[Key]:
        raise NeedsLocks

    async def restamp(self, key: Key, change: Callable[[Stamp], Stamp]) -> None:
        raise NeedsLocks

    async def lock(self, key: Key) -> Stored | None:
        found = await self.read(key)
        if key not in self.drafts and (found or key not in self._held.rows):
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
        if sha256 in self._files or sha256 in self._held.files:
            return False
        self._files.add(sha256)
        return True

    async def stamp(self) -> int:
        return 1000 * self._held.clock.stamp()

    def commit(self) -> None:
        """All or nothing, and nothing comes in between. Raises `Stale` or `Missing`."""
        held = self._held
        self._check()
        for draft in self.drafts.values():
            old = held.rows.get(draft.key)
            if old is not None:
                held.past.append(Past(old.pk, old.stored, draft.updated, old.entries.stamp))
            held.rows[draft.key] = self._row(draft)
            held.clock.wrote(draft.updated)
        for key, change in self._restamped:
            if (row := held.rows.get(key)) is not None:
                stamp = change(row.entries.stamp)
                held.rows[key] = replace(row, entries=replace(row.entries, stamp=stamp))
                held.past = [replace(one, stamp=stamp) if one.stored.key == key else one for one in held.past]
        held.files |= self._files
        held.ties |= self._tied
        held.definitions.edited(self.drafts.values())
        if self._redefined:
            held.definitions.apply(self._redefined)

    def _check(self) -> None:
        rows = self._held.rows
        if self.drafts and self._definitions.generation != self._held.definitions.current.generation:
            raise Stale
        expected = self._locked | {draft.key: draft.version - 1 for draft in self.drafts.values()}
        for key, version in expected.items():
            if (rows[key].stored.version if key in rows else 0) != version:
                raise Stale
        if self._held.files & self._files or not self._in_time():
            raise Stale
        after = self._rows()
        targets = {target for draft in self.drafts.values() for target in draft.targets}
        hidden = {key for draft in self.drafts.values() for key in draft.hidden if key not in self.drafts}
        missing = sorted(hidden | {key for key in targets if key not in after or after[key].stored.deleted})
        if missing:
            raise Missing(missing)

    def _in_time(self) -> bool:
        return all(draft.updated // 1000 > self._held.clock.fence for draft in self.drafts.values())

    def _rows(self) -> Rows:
        """The store as this transaction sees it."""
        return ChainMap({key: self._row(draft) for key, draft in self.drafts.items()}, self._held.rows)

    def _live(self) -> Live:
        return Live(self._rows(), self._held.hasher, self._definitions.parameters)

    def _row(self, draft: Draft) -> Row:
        old = self._held.rows.get(draft.key)
        stamp = draft.entries.stamp
        person = person_of(stamp)
        stored = Stored(
            draft.key,
            draft.version,
            draft.updated,
            draft.body,
            draft.deleted,
            draft.method,
            None if person is None else self._held.hasher.self_of(person),
        )
        return Row(old.pk if old else self._held.pks.next(), stored, draft.entries, draft.targets)

    def _nothing_written(self) -> None:
        if self.drafts:
            raise NeedsLocks


class Interactive(Buffered):
    """Sees what it wrote. Keeps others out of what it guards; whether all else still holds is judged at the end."""

    def __init__(self, held: Held, view: View | None = None) -> None:
        super().__init__(held, view)
        self.began = held.clock.stamp()  # ms
        self._unreferred: dict[Key, tuple[list[int], list[Key]]] = {}
        self._guarded: set[str] = set()
        self._purged: set[Key] = set()
        self._inviting: list[Callable[[], None]] = []
        held.open[self] = self.began
        self.ending.callback(held.open.pop, self)

    async def redefine(self, change: Redefinition) -> None:
        self._redefined.append(change)
        self._definitions = self._definitions.after(change)

    async def search(self, query: Query) -> Page:
        return self._given(self._held.search(self._rows(), query, self._view))

    async def tie(self, person: Key, links: Sequence[Link]) -> None:
        self._tied[person] = tuple(links)

    async def invite(self, invitation: Invitation) -> None:
        self._inviting.append(partial(self._held.invitations.put, invitation))

    async def uninvite(self, person: Key) -> bool:
        self._inviting.append(partial(self._held.invitations.withdraw, person))
        return self._held.invitations.is_open(person, now())

    async def redeem(self, digest: bytes, account: Account) -> Key | None:
        person = self._held.invitations.usable(digest, account, now())
        if person is not None:
            self._inviting.append(partial(self._held.invitations.use, person, account))
        return person

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
        held = self._held
        for key in self._purged:
            del held.rows[key]
            held.ties.pop(key, None)
        held.past = [one for one in held.past if one.stored.key not in self._purged]
        for change in self._inviting:
            change()

    async def restamp(self, key: Key, change: Callable[[Stamp], Stamp]) -> None:
        self._restamped.append((key, change))

    async def history(self, span: Span) -> Page:
        past = [
            Past(row.pk, row.stored, draft.updated, row.entries.stamp)
            for draft in self.drafts.values()
            if (row := self._held.rows.get(draft.key))
        ]
        self._held.clock.wrote(max((draft.updated for draft in self.drafts.values()), default=0))
        return self._given(
            self._held.history(self._rows(), [*self._held.past, *past], span, self, self._view)
        )

    async def guard(self, criteria: Sequence[str]) -> None:
        for text in sorted(set(criteria) - self._guarded):
            lock = self._held.guards.setdefault(text, asyncio.Lock())
            await lock.acquire()
            self._guarded.add(text)
            self.ending.callback(lock.release)

    async def referrers(self, key: Key, names: Sequence[Name], limit: int) -> list[Key]:
        seeds = [self._held.hasher.seed(name.type, name.code) for name in names]
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
