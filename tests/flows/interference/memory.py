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
        made, known = MemoryStore(), self._store
        made._rows.update(known._rows)
        made._past += [past for past in known._past if past.stored.key not in without]
        made._ties |= known._ties
        made._clock.fence, made._clock.last = known._clock.fence, known._clock.last
        made._pks._last = known._pks._last
        return made
