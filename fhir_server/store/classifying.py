"""Stamps for what was written without them: where that work stands, and the statements that do it.

A server without access control stamps nothing (`cell`, `labels` …), and nobody sees what it wrote once there is access
control. So the database says in `setting` whether all is stamped, and by which rules: `classified`. Whoever writes
without stamps takes that back first, and holds a shared lock for as long as it may go on (`unguarded`); the work is
never said to be done while somebody does.

The work goes through the resources type by type, in the order in which they were last written: what is written
meanwhile comes up again. Its place, `classifying`, moves in the transaction that writes the stamps, so it may be killed
at any moment.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final, Self

import orjson
import psycopg

from fhir_server.kernel.errors import Unavailable
from fhir_server.kernel.keys import Key
from fhir_server.kernel.values import immutable
from fhir_server.search.entries import Hasher
from fhir_server.search.sight import UNSTAMPED, Stamp
from fhir_server.store.connections import session_conninfo, translated
from fhir_server.store.numbers import TYPE_NUMBERS
from fhir_server.store.seeing import labels_of, parties_of, person_of, persons_of, stamp_in, text_of

SLICE_BYTES: Final = 8_000_000  # of bodies in a slice; a longer resource comes alone

_MEANWHILE: Final = (
    "A server or an import without access control works, or worked meanwhile, on this database: stop it, and "
    "classify again"
)
_FLAG: Final = "classified"
_PLACE: Final = "classifying"
_UNGUARDED: Final = 0x4355 << 48  # the advisory lock of whoever writes without stamps
_ALONE: Final = 0x4345 << 48  # and of whoever stamps what is there
_FIRST: Final = -(2**63)
_READ: Final = "select value from setting where name = %s"
_WRITE: Final = """
    insert into setting (name, value) values (%s, %s)
    on conflict (name) do update set value = excluded.value"""
_MOVE: Final = "update setting set value = %s where name = %s"
_FORGET: Final = "delete from setting where name = %s"
_COLUMNS: Final = ("cell", "labels", "owner", "parties", "persons", "compartment", "stamp")
_STAMP: Final = (
    f"update {{}} set {', '.join(f'{name} = %s' for name in _COLUMNS)} where pk = %s and version = %s"
)
_NEXT: Final = """
    select r.pk, r.updated,
        %(whole)s or r.cell = %(unstamped)s
            or exists (select from version v where v.pk = r.pk and v.cell = %(unstamped)s) as wanted,
        coalesce(octet_length(r.body), 0)
            + (select coalesce(sum(octet_length(v.body)), 0) from version v where v.pk = r.pk) as size
    from resource r where r.type = %(type)s and (r.updated, r.pk) > (%(updated)s, %(pk)s)
    order by r.updated, r.pk limit %(count)s"""
_VERSIONS: Final = """
    select r.pk, r.id, v.version, v.deleted, v.body, v.cell, v.labels, v.stamp, false
    from resource r join version v on v.pk = r.pk where r.pk = any(%(pks)s)
    union all
    select pk, id, version, deleted, body, cell, labels, stamp, true from resource where pk = any(%(pks)s)
    order by 1, 3"""
_KEYS: Final = """
    select pk, updated, id from resource where type = %s and (updated, pk) > (%s, %s)
    order by updated, pk limit %s"""


@dataclass(frozen=True, slots=True)
class Place:
    """How far the work has come: up to a resource of `type`, by the order of writing; empty: with the ties of persons.

    `by`: the rules. `whole`: also what has a stamp gets another. `tying`: ties are to be made anew as well.
    """

    by: str
    type: str
    whole: bool = False
    tying: bool = False
    updated: int = _FIRST
    pk: int = 0
    done: int = 0  # resources, then persons, looked at
    total: int = 0  # about how many there are

    @property
    def is_beginning(self) -> bool:
        """Whether nothing of the type was looked at."""
        return self.updated == _FIRST

    def at(self, type: str) -> Place:
        return replace(self, type=type, updated=_FIRST, pk=0)


@immutable
class Version:
    number: int
    body: bytes
    deleted: bool
    stamp: Stamp
    is_current: bool


@dataclass(frozen=True, slots=True)
class Unclassified:
    """A resource with all its versions, the oldest first."""

    pk: int
    key: Key
    versions: list[Version] = field(default_factory=list)


@asynccontextmanager
async def unguarded(url: str) -> AsyncIterator[None]:
    """For as long as the block runs, whatever is written may be without stamps. It waits for no one for long."""
    with translated():
        connection = await _connected(url, "cordee unguarded")
    try:
        with translated():
            await connection.execute("select pg_advisory_lock_shared(%s)", (_UNGUARDED,))
            async with connection.transaction():
                flag = await _setting(connection, _FLAG)
                if flag is not None and flag["complete"]:
                    await _set(connection, _FLAG, {**flag, "complete": False})
                await connection.execute(_FORGET, (_PLACE,))
        yield
    finally:
        await connection.close()


def is_classified(url: str, by: str) -> bool:
    """Whether everything has its stamp, by the rules that `by` names."""
    with translated(), psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(_READ, (_FLAG,)).fetchone()
    return row is not None and orjson.loads(row[0]) == {"by": by, "complete": True}


class Classifying:
    """The work, on a connection of its own. One process at a time: another one waits for this one's end."""

    def __init__(self, connection: psycopg.AsyncConnection[Any], hasher: Hasher) -> None:
        self._connection = connection
        self._hasher = hasher

    @classmethod
    @asynccontextmanager
    async def opened(cls, url: str, hasher: Hasher) -> AsyncIterator[Self]:
        # What a crash takes back is done again: nobody waits for the disk.
        with translated():
            connection = await _connected(url, "cordee classify", {"synchronous_commit": "off"})
        try:
            with translated():
                await connection.execute("select pg_advisory_lock(%s)", (_ALONE,))
            yield cls(connection, hasher)
        finally:
            await connection.close()

    async def begin(self, by: str, first: str, *, again: bool = False) -> Place | None:
        """Where to go on, or to begin, with the type `first`; None: nothing is to be done. `again`: all of it is."""
        connection = self._connection
        with translated():
            flag = await _setting(connection, _FLAG)
            if not again:
                if flag == {"by": by, "complete": True}:
                    return None
                under_way = await _setting(connection, _PLACE)
                if under_way is not None and under_way["by"] == by:
                    return Place(**under_way)
            whole = again or (flag is not None and flag["by"] != by)
            if flag is None:  # of what is stamped nobody knows by which rules
                stamped = "select count(*) from (select from resource where cell <> %s limit 1) r"
                whole = whole or await self._count(stamped, UNSTAMPED.cell) > 0
            total = await self._count("select count(*) from resource")
            place = Place(by, first, whole=whole, tying=whole or flag is None, total=total)
            async with connection.transaction():
                # While all stamps are made anew, nobody knows which ones there are.
                await _set(connection, _FLAG, {"by": "" if whole else by, "complete": False})
                await _set(connection, _PLACE, asdict(place))
        return place

    async def take(self, place: Place, count: int) -> tuple[list[Unclassified], Place]:
        """The next resources of the type that want stamps, and the place behind them: the same at the end."""
        asked = {
            "whole": place.whole,
            "unstamped": UNSTAMPED.cell,
            "type": TYPE_NUMBERS[place.type],
            "updated": place.updated,
            "pk": place.pk,
            "count": count,
        }
        with translated():
            cursor = await self._connection.execute(_NEXT, asked)
            wanted: list[int] = []
            size = 0
            for pk, updated, is_wanted, size_bytes in await cursor.fetchall():
                size += size_bytes if is_wanted else 0
                if is_wanted and wanted and size > SLICE_BYTES:
                    break
                wanted += [pk] if is_wanted else []
                place = replace(place, updated=updated, pk=pk, done=place.done + 1)
            if not wanted:
                return [], place
            cursor = await self._connection.execute(_VERSIONS, {"pks": wanted}, binary=True)
            found: dict[int, Unclassified] = {}
            for pk, name, number, deleted, body, *stamp, is_current in await cursor.fetchall():
                resource = found.setdefault(pk, Unclassified(pk, Key(place.type, name)))
                known = _stamp_of(*stamp)
                resource.versions.append(Version(number, body or b"", deleted, known, is_current))
        return list(found.values()), place

    async def write(self, place: Place, stamps: Sequence[tuple[Unclassified, Sequence[Stamp]]]) -> None:
        """Stamp the versions of resources, those that are still what they were, and move to `place`.

        Raises `Stale` when others write the same rows at the same moment: nothing is done then.
        """
        rows: dict[str, list[tuple[Any, ...]]] = {"resource": [], "version": []}
        for resource, made in sorted(stamps, key=lambda pair: pair[0].pk):
            for version, stamp in zip(resource.versions, made, strict=True):
                if version.stamp != stamp:
                    table = "resource" if version.is_current else "version"
                    rows[table].append((*self._columns(stamp), resource.pk, version.number))
        with translated():
            async with self._connection.transaction(), self._connection.cursor() as cursor:
                for table, some in rows.items():
                    if some:
                        await cursor.executemany(_STAMP.format(table), some)
                await self._move(place)

    async def persons(self, place: Place, count: int) -> tuple[list[Key], Place]:
        """The next Patients, those that were deleted too, and the place behind them."""
        asked = (TYPE_NUMBERS["Patient"], place.updated, place.pk, count)
        with translated():
            cursor = await self._connection.execute(_KEYS, asked)
            rows = await cursor.fetchall()
        if rows:
            pk, updated, _ = rows[-1]
            place = replace(place, updated=updated, pk=pk, done=place.done + len(rows))
        return [Key("Patient", name) for _, _, name in rows], place

    async def move(self, place: Place) -> None:
        """Remember that all before `place` is done."""
        with translated():
            await self._move(place)

    async def count_persons(self) -> int:
        with translated():
            return await self._count("select count(*) from resource where type = %s", TYPE_NUMBERS["Patient"])

    async def finish(self, place: Place) -> None:
        """Say that all is done. Raises `Unavailable` while somebody writes without stamps."""
        connection = self._connection
        with translated():
            async with connection.transaction():
                cursor = await connection.execute("select pg_try_advisory_xact_lock(%s)", (_UNGUARDED,))
                if await cursor.fetchone() != (True,):
                    raise Unavailable(_MEANWHILE)
                await self._move(place)
                await _set(connection, _FLAG, {"by": place.by, "complete": True})
                await connection.execute(_FORGET, (_PLACE,))

    async def _count(self, sql: str, *params: int) -> int:
        cursor = await self._connection.execute(sql.encode(), params)
        row = await cursor.fetchone()
        return row[0] if row else 0

    async def _move(self, place: Place) -> None:
        """Raises `Unavailable` when somebody who writes without stamps has come, and taken the place away."""
        cursor = await self._connection.execute(_MOVE, (orjson.dumps(asdict(place)), _PLACE))
        if not cursor.rowcount:
            raise Unavailable(_MEANWHILE)

    def _columns(self, stamp: Stamp) -> tuple[Any, ...]:
        """In the order of `_COLUMNS`."""
        hasher, person = self._hasher, person_of(stamp)
        return (
            stamp.cell,
            labels_of(stamp),
            None if stamp.owner is None else hasher.self_of(stamp.owner),
            parties_of(stamp, hasher),
            persons_of(stamp, hasher),
            None if person is None else hasher.self_of(person),
            text_of(stamp),
        )


def _stamp_of(cell: int, labels: int, text: str | None) -> Stamp:
    return stamp_in(cell, labels, None if text is None else text.encode())


async def _connected(
    url: str, name: str, options: dict[str, str] | None = None
) -> psycopg.AsyncConnection[Any]:
    settings = {"idle_session_timeout": "0", "statement_timeout": "0", **(options or {})}
    return await psycopg.AsyncConnection.connect(session_conninfo(url, name, settings), autocommit=True)


async def _setting(connection: psycopg.AsyncConnection[Any], name: str) -> dict[str, Any] | None:
    cursor = await connection.execute(_READ, (name,))
    row = await cursor.fetchone()
    return None if row is None else orjson.loads(bytes(row[0]))


async def _set(connection: psycopg.AsyncConnection[Any], name: str, value: dict[str, Any]) -> None:
    await connection.execute(_WRITE, (name, orjson.dumps(value)))
