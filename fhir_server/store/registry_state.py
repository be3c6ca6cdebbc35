"""The definitions to judge by on PostgreSQL, as one process knows them: told what to look at again (`telling.py`).

Of packages it reads what is new, of uploads the resources that are named; everything when something may have been
missed. Copies of packaged definitions among the resources (`published`) are no uploads.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Awaitable, Callable, Collection, Mapping
from functools import partial
from typing import Any, Final

import psycopg

from fhir_server.definitions.packaged import KINDS, NONE_INSTALLED, SHIPPED, Packaged
from fhir_server.kernel.keys import Key
from fhir_server.search.entries import Hasher
from fhir_server.store import rows
from fhir_server.store.binary import INT2_ARRAY, INT8_ARRAY, pack_int2s, pack_int8s
from fhir_server.store.contract import Draft
from fhir_server.store.numbers import TYPE_NUMBERS, TYPES
from fhir_server.store.pipeline import Statement
from fhir_server.store.telling import News
from fhir_server.store.uploads import Uploads
from fhir_server.store.watermark import Run
from profiles.registry import Entry, Registry

Connect = Callable[[], Awaitable[psycopg.AsyncConnection[Any]]]
_Name = tuple[str, str, str]  # of a package, its version, and the digest of its file

_BATCH: Final = 50  # definitions that are taken note of before others have their turn
_UPLOADED: Final = f"""
    select type, id, {rows.VALUES} from resource r where type = any(%s) and not deleted
      and not exists (select from published p where p.type = r.type and p.id = r.id)"""
_NAMED: Final = Statement(
    "named_definitions",
    f"select type, id, {rows.VALUES} from resource where self = any($1) and type = any($2)",
    (INT8_ARRAY, INT2_ARRAY),
)
_INSTALLED: Final = "select name, version, sha256 from package order by installed, name, version"
_DEFINITIONS: Final = """
    select kind, url, own_version, id, packed from package_definition where name = %s and version = %s
    order by kind, url, own_version"""
_TYPES: Final = [TYPE_NUMBERS[kind] for kind in sorted(KINDS)]


class PostgresRegistry:
    """Looks at the database; `packaged` and `registry` are what it found."""

    def __init__(self, connect: Connect, run: Run, hasher: Hasher) -> None:
        """`connect`: to read much; `run`: to look at what is named."""
        self._connect = connect
        self._run = run
        self._hasher = hasher
        self._packages: dict[_Name, list[Entry]] = {}
        self._uploads = Uploads()
        self._edition = 0
        self.packaged = NONE_INSTALLED
        self.registry = SHIPPED

    async def look(self, news: News | None) -> int:
        """Know what `news` are about; None: everything. Gives the edition that is known then."""
        if news is None:
            changed, edition = await self._look_at_all()
        else:
            changed, edition = await self._look_at(news.keys), news.edition
            if news.packages:
                async with await self._connect() as connection:
                    changed |= await self._look_at_packages(connection)
        if changed:
            self.publish()
        self._edition = max(self._edition, edition)
        return self._edition

    def learn(self, versions: Collection[Draft]) -> bool:
        """Take note of drafts that are committed. Whether anything is in force now that was not."""
        mine = [one for one in versions if one.key not in self.packaged.by_key]
        changed = self._uploads.learn(mine)
        if changed:
            self.publish()
        return changed

    def publish(self) -> None:
        """Make the registry anew from what is known."""
        self.registry = self._uploads.over(self.packaged)

    async def _look_at_all(self) -> tuple[bool, int]:
        """Whether anything has changed, and the edition."""
        async with await self._connect() as connection:
            # Before anything is read: what is committed meanwhile is news of a later edition.
            cursor = await connection.execute("select number from edition")
            row = await cursor.fetchone()
            assert row is not None, "a migration has put it there"
            changed = await self._look_at_packages(connection)
            cursor = await connection.execute(_UPLOADED, (_TYPES,))
            while found := await cursor.fetchmany(_BATCH):
                changed |= self._uploads.learn(rows.stored_in((None, *values) for values in found))
                await asyncio.sleep(0)
        return changed, row[0]

    async def _look_at(self, keys: Collection[Key]) -> bool:
        named = [self._hasher.self_of(key) for key in keys if key not in self.packaged.by_key]
        if not named:
            return False
        found = await self._run(_NAMED, (pack_int8s(named), pack_int2s(_TYPES)))
        return self._uploads.learn(
            rows.stored_of(rows.key_of(number, name), values) for number, name, *values in found
        )

    async def _look_at_packages(self, connection: psycopg.AsyncConnection[Any]) -> bool:
        cursor = await connection.execute(_INSTALLED)
        names: list[_Name] = [(name, version, sha256) for name, version, sha256 in await cursor.fetchall()]
        if names == list(self._packages):
            return False
        self._packages = {
            one: self._packages[one] if one in self._packages else await _definitions(connection, one)
            for one in names
        }
        layers = list(self._packages.values())
        self.packaged = Packaged(Registry(layers, SHIPPED)) if layers else NONE_INSTALLED
        return True


async def _definitions(connection: psycopg.AsyncConnection[Any], package: _Name) -> list[Entry]:
    name, version, _ = package
    cursor = await connection.execute(_DEFINITIONS, (name, version))
    return [
        Entry(kind, url, own, there, f"{name}#{version}", partial(zlib.decompress, bytes(packed)))
        for kind, url, own, there, packed in await cursor.fetchall()
    ]


async def published(connection: psycopg.AsyncConnection[Any]) -> dict[Key, str]:
    """The resources that are copies of packaged definitions, with digests of what was published."""
    cursor = await connection.execute("select type, id, digest from published")
    return {Key(TYPES[number - 1], name): digest for number, name, digest in await cursor.fetchall()}


async def note_published(connection: psycopg.AsyncConnection[Any], digests: Mapping[Key, str | None]) -> None:
    """Remember what was published; None: it is not any more."""
    async with connection.transaction(), connection.cursor() as cursor:
        await cursor.executemany(
            "delete from published where type = %s and id = %s",
            [(TYPE_NUMBERS[key.type], key.id) for key in digests],
        )
        await cursor.executemany(
            "insert into published (type, id, digest) values (%s, %s, %s)",
            [(TYPE_NUMBERS[key.type], key.id, digest) for key, digest in digests.items() if digest],
        )
