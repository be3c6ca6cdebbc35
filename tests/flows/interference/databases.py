"""Worlds in PostgreSQL: databases copied from a template."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from unittest.mock import patch

import psycopg

from fhir_server.access.authority import Authority
from fhir_server.kernel.keys import Key
from fhir_server.store.postgres import PostgresStore
from tests.flows.interference.pairs import Clock, World


class PostgresCopies:
    """`databases`: those of `conftest.py`."""

    def __init__(self, databases: Any, template: str, world: World) -> None:
        self._databases = databases
        self._template = template
        self._made: list[str] = []
        self.world = world

    @classmethod
    async def write(
        cls, databases: Any, empty: str, authority: Authority, seed: int, clock: Clock
    ) -> PostgresCopies:
        """`empty`: the URL of a database with our tables and nothing in them."""
        template = databases.create(empty)
        store = await _opened(template)
        try:
            world = await World.write(store, authority, seed, clock)
        finally:
            await store.close()
        return cls(databases, template, world)

    async def copy(self, without: Collection[Key] = ()) -> PostgresStore:
        url = self._databases.create(self._template)
        self._made.append(url)
        with psycopg.connect(url, autocommit=True) as connection:
            for key in without:
                connection.execute(
                    "delete from version v using resource r where r.pk = v.pk and r.id = %s", (key.id,)
                )
        return await _opened(url)

    def drop(self, *, template: bool = False) -> None:
        """Away with the copies, whose stores have been closed."""
        while self._made:
            self._databases.drop(self._made.pop())
        if template:
            self._databases.drop(self._template)


async def _opened(url: str) -> PostgresStore:
    # The number of a process is part of the ids that it makes, and lists go by hashes of ids: two servers that draw
    # different ones would give the same things in another order.
    with patch("fhir_server.store.ids.random.randrange", return_value=0):
        return await PostgresStore.open(url, pool_size=2)
