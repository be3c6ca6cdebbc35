"""Worlds in the store in memory, which are copied in no time."""

from __future__ import annotations

from collections.abc import Collection

from fhir_server.access.authority import Authority
from fhir_server.kernel.keys import Key
from fhir_server.store.memory import MemoryStore
from tests.flows.interference.pairs import Clock, World


class MemoryCopies:
    def __init__(self, store: MemoryStore, world: World) -> None:
        self._store = store
        self.world = world

    @classmethod
    async def write(cls, authority: Authority, seed: int, clock: Clock) -> MemoryCopies:
        store = MemoryStore()
        return cls(store, await World.write(store, authority, seed, clock))

    async def copy(self, without: Collection[Key] = ()) -> MemoryStore:
        """Versions are never changed once they are there, so the copies share them."""
        store = MemoryStore()
        made, known = store.held, self._store.held
        made.rows.update(known.rows)
        made.past += [past for past in known.past if past.stored.key not in without]
        made.ties |= known.ties
        made.clock.fence, made.clock.last = known.clock.fence, known.clock.last
        made.pks._last = known.pks._last
        return store
