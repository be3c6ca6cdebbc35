"""Primary keys and ids, made here and in time order, so that nobody asks the database for a number.

A pk has 63 bits: milliseconds since 2020 (41, to 2089), the number of the process that makes it (10), a counter (12).
A process leases its number by holding an advisory lock on a connection of its own. While a lost lease is being
renewed two processes could make the same pk; the primary key refuses the second, and the write is tried again.
"""

from __future__ import annotations

import asyncio
import random
import time
from contextlib import suppress
from typing import Any, Final

import psycopg

from fhir_server.kernel.errors import Unavailable
from fhir_server.store.connections import session_conninfo

EPOCH: Final = 1_577_836_800_000  # ms since 1970 of 2020-01-01
WORKERS: Final = 1024
LOCKS: Final = 0x4357 << 48  # the advisory locks of the leases begin here

_WORKER_BITS: Final = 10
_COUNTER_BITS: Final = 12
_TIME_SHIFT: Final = _WORKER_BITS + _COUNTER_BITS
_DIGITS: Final = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's: no i, l, o, u
_PAIRS: Final = tuple(a + b for a in _DIGITS for b in _DIGITS)
_VALUES: Final = {digit: value for value, digit in enumerate(_DIGITS)}
_ID_LENGTH: Final = 13
_GREATEST: Final = 2**63 - 1
_RETRY_SECONDS: Final = 1.0


class Pks:
    """Makes the pks of one process: always greater than the one before, whatever the clock does."""

    __slots__ = ("_last", "worker")

    def __init__(self, worker: int, above: int = 0) -> None:
        """`above`: the greatest pk of the database; 0 for an empty one."""
        self.worker = worker
        self._last = -1 if above <= 0 else ((above >> _TIME_SHIFT) + 1 << _COUNTER_BITS) - 1

    def next(self) -> int:
        # Time and counter are one number here: when a millisecond is used up, the next one is borrowed.
        self._last = max(self._last + 1, time.time_ns() // 1_000_000 - EPOCH << _COUNTER_BITS)
        moment, counter = self._last >> _COUNTER_BITS, self._last & (1 << _COUNTER_BITS) - 1
        return moment << _TIME_SHIFT | self.worker << _COUNTER_BITS | counter

    def pass_by(self, moment: int) -> None:
        """Make no more pks of the millisecond `moment` (since 1970), nor of an earlier one."""
        self._last = max(self._last, (moment - EPOCH + 1 << _COUNTER_BITS) - 1)


def created(pk: int) -> int:
    """When `pk` was made, in µs since 1970."""
    return ((pk >> _TIME_SHIFT) + EPOCH) * 1000


def first_of(moment: int) -> int:
    """The least pk of a moment in µs since 1970; none is less, of what was made then or later."""
    return min(max(0, -(-moment // 1000) - EPOCH) << _TIME_SHIFT, _GREATEST)


def pk_of(id: str) -> int | None:
    """What `id_of` made `id` of; None if it made no such id."""
    if len(id) != _ID_LENGTH or not _VALUES.keys() >= set(id):
        return None
    pk = 0
    for digit in id:
        pk = pk << 5 | _VALUES[digit]
    return pk if pk <= _GREATEST else None


def id_of(pk: int) -> str:
    """13 characters that sort like `pk`, fit to be the id of a resource. https://hl7.org/fhir/R4/datatypes.html#id"""
    pairs = _PAIRS
    return (
        _DIGITS[pk >> 60]
        + pairs[pk >> 50 & 1023]
        + pairs[pk >> 40 & 1023]
        + pairs[pk >> 30 & 1023]
        + pairs[pk >> 20 & 1023]
        + pairs[pk >> 10 & 1023]
        + pairs[pk & 1023]
    )


class Lease:
    """Holds a worker number, and takes another when the connection that holds it is lost."""

    def __init__(self, url: str, connection: psycopg.AsyncConnection[Any], pks: Pks) -> None:
        self.pks = pks
        self._url = url
        self._connection = connection
        self._watch = asyncio.create_task(self._hold())

    @classmethod
    async def take(cls, url: str) -> Lease:
        """Raises `Unavailable` when the database is away or all numbers are taken."""
        connection, worker = await _leased(url)
        cursor = await connection.execute(
            "select greatest((select max(pk) from resource), (select max(pk) from audit))"
        )
        row = await cursor.fetchone()
        return cls(url, connection, Pks(worker, row[0] or 0 if row else 0))

    async def close(self) -> None:
        self._watch.cancel()
        with suppress(asyncio.CancelledError):
            await self._watch
        await self._connection.close()

    async def _hold(self) -> None:
        while True:
            with suppress(psycopg.Error):
                # Nothing is ever notified here: this waits until the connection ends.
                async for _ in self._connection.notifies():
                    pass
            await self._connection.close()
            await asyncio.sleep(_RETRY_SECONDS)
            with suppress(Unavailable):
                self._connection, self.pks.worker = await _leased(self._url)


async def _leased(url: str) -> tuple[psycopg.AsyncConnection[Any], int]:
    """A connection, and the number whose lock it holds."""
    try:
        connection = await psycopg.AsyncConnection.connect(
            session_conninfo(url, "cordee lease", {"idle_session_timeout": "0"}), autocommit=True
        )
    except psycopg.Error as error:
        raise Unavailable("The database does not answer; try again later") from error
    start = random.randrange(WORKERS)  # noqa: S311 - spreads the processes, hides nothing
    try:
        for worker in ((start + step) % WORKERS for step in range(WORKERS)):
            cursor = await connection.execute("select pg_try_advisory_lock(%s)", (LOCKS | worker,))
            row = await cursor.fetchone()
            if row and row[0]:
                return connection, worker
    except psycopg.Error as error:
        await connection.close()
        raise Unavailable("The database does not answer; try again later") from error
    await connection.close()
    raise Unavailable("Every worker number is leased: more processes are running than this server can number")
