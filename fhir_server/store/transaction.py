"""Transactions on PostgreSQL, in the two forms of the contract: buffered, and interactive on a connection of its own.

Both collect what they write (`writing.py`). A buffered one sends a single statement when it ends; an interactive one
also flushes before a search or a history, which must see what it wrote.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Final

from fhir_server.kernel.errors import Unavailable
from fhir_server.kernel.keys import Key
from fhir_server.kernel.times import now
from fhir_server.kernel.trace import Trace
from fhir_server.search.query import Name, Query
from fhir_server.search.sight import Link, Stamp
from fhir_server.search.view import View
from fhir_server.store import invitations, rows, ties
from fhir_server.store.audit_rows import add, rows_of
from fhir_server.store.binary import INT8, INT8_ARRAY, pack_int8, pack_int8s
from fhir_server.store.connections import translated
from fhir_server.store.contract import Account, Draft, Invitation, NeedsLocks, Page, Span, Stale
from fhir_server.store.definitions import Redefinition, plans_of
from fhir_server.store.flush import ALWAYS, Flush, Verdict, verdict_of
from fhir_server.store.history import history
from fhir_server.store.numbers import ANY_PARAMETER
from fhir_server.store.pipeline import Statement
from fhir_server.store.purging import purge
from fhir_server.store.restamping import restamp
from fhir_server.store.scheduling import advance, schedule
from fhir_server.store.telling import tell
from fhir_server.store.watermark import Run
from fhir_server.store.writing import LARGE_BYTES, Database, Writing

_GUARDS: Final = 256
_GUARD_LOCKS: Final = 0x4347 << 48

_GUARD: Final = Statement(
    "guard", "select pg_advisory_xact_lock(number) from unnest($1::bigint[]) number", (INT8_ARRAY,)
)
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
        database = self._database
        with translated():
            page = await history(
                database.search, self._hasher, database.clock, span, fence=database.fence, view=self._view
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
                fence=database.fence,
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

    async def invite(self, invitation: Invitation) -> None:
        with translated():
            await invitations.invite(self._run, invitation)

    async def uninvite(self, person: Key) -> bool:
        with translated():
            return await invitations.withdraw(self._run, person, now())

    async def redeem(self, digest: bytes, account: Account) -> Key | None:
        with translated():
            return await invitations.redeem(self._run, digest, account, now())

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
