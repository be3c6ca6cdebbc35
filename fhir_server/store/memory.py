"""The store in dictionaries: a double for tests of what stands on a store, and the oracle of the one on PostgreSQL.

It keeps the same contract by the plainest means: see `memory_versions.py` and `memory_transaction.py`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from fhir_server.kernel.keys import Key
from fhir_server.kernel.times import now
from fhir_server.kernel.trace import Foretold
from fhir_server.search.query import Query
from fhir_server.search.sight import Link, Stamp
from fhir_server.search.view import View
from fhir_server.store.contract import Page, Reader, Span, Stored, Transaction
from fhir_server.store.ids import id_of
from fhir_server.store.memory_codes import MemoryCodes
from fhir_server.store.memory_transaction import Buffered, Interactive
from fhir_server.store.memory_versions import Held


class MemoryStore:
    """See `contract.ResourceStore`."""

    def __init__(self, secret: bytes = b"of the memory store") -> None:
        self.held = Held(secret)
        self.hasher = self.held.hasher
        self.definitions = self.held.definitions
        self.codes = MemoryCodes()

    def copy(self) -> MemoryStore:
        """Another store, with what is in this one now."""
        other = MemoryStore()
        other.hasher = other.held.hasher = self.hasher
        other.held.clock, other.held.pks = self.held.clock, self.held.pks
        other.held.rows.update(self.held.rows)
        other.held.past += self.held.past
        other.held.ties |= self.held.ties
        return other

    @property
    def met(self) -> Collection[int]:
        return ()

    async def read(self, key: Key, version: int | None = None) -> Stored | None:
        return self.held.read(self.held.rows, key, version, None)

    async def search(self, query: Query) -> Page:
        return self.held.search(self.held.rows, query, None)

    async def explain(self, query: Query) -> Sequence[tuple[str, str]]:
        return ()

    async def history(self, span: Span) -> Page:
        return self.held.history(self.held.rows, self.held.past, span, None, None)

    async def unseen(self, keys: Sequence[Key]) -> list[Key]:
        return []

    async def links(self, persons: Sequence[Key], actors: Sequence[Key]) -> list[Link]:
        return [link for one in persons for link in self.held.ties.get(one, ()) if link.actor in actors]

    async def stamps(self, keys: Sequence[Key]) -> Mapping[Key, Stamp]:
        return self.held.stamps(keys)

    def within(self, view: View | None, trace: Foretold | None = None) -> Reader:
        return self if view is None else Buffered(self.held, view)

    def begin(
        self, *, interactive: bool = False, view: View | None = None
    ) -> AbstractAsyncContextManager[Transaction]:
        return self._begun(Interactive(self.held, view) if interactive else Buffered(self.held, view))

    def new_id(self) -> str:
        return id_of(self.held.pks.next())

    async def noted(self, sha256: str) -> bool:
        return sha256 in self.held.files

    async def tried(self, digest: bytes) -> Key | None:
        return self.held.invitations.tried(digest, now())

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
    async def _begun(self, transaction: Buffered) -> AsyncIterator[Transaction]:
        with transaction.ending:
            yield transaction
            transaction.commit()
            last = max((draft.updated for draft in transaction.drafts.values()), default=0)
        await asyncio.sleep(max(0, last - now()) / 1_000_000)
