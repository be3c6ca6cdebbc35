"""The seals of the log: what is committed is linked into blocks, each of which vouches for all before it.

A block has the traces of a stretch of time, by their pks, and a *head*: an HMAC over its number, its stretch, how many
traces there are, their digest, and the head of the block before. Its key is not in the database (`audit_key.py`), so
nobody who can only write the database can make another head.

A trace may be sealed once no smaller pk can still appear. A pk begins with the millisecond in which it was made; so
the *stamp* T of a group of traces is that of its first pk, and the argument is that of `watermark.py`, word for word,
with a lock and a fence of their own. Writers hold a shared lock that names T, then read the fence F, and write only if
F < T. The sealer raises the fence, **then** looks for the smallest T among the locks, and **then**, in a new snapshot,
seals what was made before W = min(F + 1, smallest T). It raises the fence to a moment that has passed for `LAG_MS`, so
that no writer meets it unless it was held up.

Chaining each write to the one before would let only one commit at a time.

With its block a trace gets the rows that find it by its names: many at a time, and sorted, they take a third of what
they take one by one, and nobody waits for them.
"""

from __future__ import annotations

import asyncio
import logging
import struct
from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Final

import psycopg

from fhir_server.kernel.errors import Unavailable
from fhir_server.kernel.times import now
from fhir_server.kernel.values import immutable
from fhir_server.store.audit_key import BadKeyFile, Head, SealingKey, append_heads, last_head_in
from fhir_server.store.audit_rows import NAMED_SQL, TRACE_LOCKS
from fhir_server.store.binary import BYTEA, INT8, pack_int8, unpack_int
from fhir_server.store.connections import translated
from fhir_server.store.ids import first_of
from fhir_server.store.pipeline import Statement
from fhir_server.store.watermark import Run

LAG_MS: Final = 150
SEAL_SECONDS: Final = 0.5  # between two blocks
BEGINNING: Final = bytes(32)  # in the place of the head before the first

_MOST: Final = 20_000  # traces of a block
_CAUGHT_UP: Final = 10_000  # heads written to the file at a time
_FENCE_LOCK: Final = 0x4353 << 48
_NUMBERS: Final = struct.Struct("!qqqqq")
_ROW: Final = struct.Struct("!qhi")

_RAISE: Final = Statement(
    "raise_audit_fence",
    """
    with held as materialized (select pg_advisory_xact_lock($1) is null as absent),
    fence as materialized (
        select coalesce(pg_sequence_last_value('audit_fence'::regclass), 0) as value from held where not absent)
    select case when value >= $2 then value else setval('audit_fence'::regclass, $2) end from fence""",
    (INT8, INT8),
)
_OLDEST: Final = Statement(
    "oldest_trace",
    """
    select min((classid::bigint & 65535) << 32 | objid::bigint) from pg_locks
    where locktype = 'advisory' and objsubid = 1 and classid::bigint >> 16 = $1
      and database = (select oid from pg_database where datname = current_database())""",
    (INT8,),
)
_LAST: Final = Statement(
    "last_block", "select number, until, head from audit_block order by number desc limit 1", ()
)
# As `digest_of` and `row_digest` make it.
_DIGEST: Final = Statement(
    "digest_traces",
    """
    with traces as materialized (
        select pk, sha256(int8send(pk) || int2send(outcome) || int4send(length(keys)) || keys || data) as digest
        from audit where pk >= $1 and pk < $2 order by pk limit $3)
    select count(*), max(pk), sha256(coalesce(string_agg(digest, ''::bytea order by pk), ''::bytea)) from traces""",
    (INT8, INT8, INT8),
)


def _seal(name: str, conflict: str = "") -> Statement:
    return Statement(
        name,
        f"""
        with block as (
            insert into audit_block (number, first, until, count, sealed, digest, previous, key, head)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9))
        insert into audit_entry (key, pk) {NAMED_SQL.format(first="$2", until="$3")} {conflict}""",
        (INT8, INT8, INT8, INT8, INT8, BYTEA, BYTEA, BYTEA, BYTEA),
    )


_SEAL: Final = _seal("seal")
# A trace that has its names already was written by a version that did not wait for the seal. To look whether there is
# one takes a third of all that a seal takes.
_SEAL_SOME_NAMED: Final = _seal("seal_some_named", "on conflict do nothing")
_HEADS: Final = Statement(
    "heads",
    "select number, until, count, head from audit_block where number > $1 order by number limit $2",
    (INT8, INT8),
)
_HEAD: Final = Statement("head", "select head from audit_block where number = $1", (INT8,))

_log = logging.getLogger(__name__)


@immutable
class Block:
    """What a head is made of. `first` and `until`: pks, the second not inside; `sealed`: µs."""

    number: int
    first: int
    until: int
    count: int
    sealed: int
    digest: bytes
    previous: bytes

    def head(self, key: SealingKey) -> bytes:
        numbers = _NUMBERS.pack(self.number, self.first, self.until, self.count, self.sealed)
        return key.seal(b"block" + numbers + self.digest + self.previous)


def row_digest(pk: int, outcome: int, keys: bytes, data: bytes) -> bytes:
    """The digest of one trace; that of a block is the SHA-256 of those of its traces, in the order of their pks."""
    return sha256(_ROW.pack(pk, outcome, len(keys)) + keys + data).digest()


def purge_mark(key: SealingKey, head: bytes) -> bytes:
    """What says of a block, on the word of who has the key, that its traces were purged."""
    return key.seal(b"purged" + head)


class Sealer:
    """Seals from `start` to `close`, while `leads` says that this process is the one to do so.

    That two processes believe it at the same time does no harm: of two blocks of one number the database takes one.
    """

    def __init__(
        self, write: Run, read: Run, key: SealingKey, heads: Path, leads: Callable[[], bool] = lambda: True
    ) -> None:
        self._write = write
        self._read = read
        self._key = key
        self._heads = heads
        self._leads = leads
        self._told: int | None = None  # the last block whose head is in the file; None: not looked yet
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def seal(self) -> bool:
        """Seal what can be sealed, at most a block of it; whether there is more."""
        with translated():
            before = await self._before()
            number, first, previous = await self._last()
            rows = await self._read(_DIGEST, (pack_int8(first), pack_int8(before), pack_int8(_MOST)))
            count, greatest, digest = rows[0]
            assert count is not None
            assert digest is not None
            size = unpack_int(count)
            if not size or before <= first:
                await self._tell(number)
                return False
            full = size == _MOST
            until = unpack_int(greatest or b"") + 1 if full else before
            block = Block(number + 1, first, until, size, now(), digest, previous)
            numbers = (block.number, block.first, block.until, block.count, block.sealed)
            key = self._key
            params = (*map(pack_int8, numbers), digest, previous, key.fingerprint, block.head(key))
            try:
                await self._write(_SEAL, params)
            except psycopg.errors.UniqueViolation:
                with suppress(
                    psycopg.errors.UniqueViolation
                ):  # another process sealed it: its head is as good
                    await self._write(_SEAL_SOME_NAMED, params)
            await self._tell(block.number)
        return full

    async def _run(self) -> None:
        while True:
            more = False
            if self._leads():
                try:
                    more = await self.seal()
                except Unavailable as error:
                    _log.warning("The audit log has to wait for its seal: %s", error)
                except BadKeyFile as error:
                    _log.error("A head of the audit log could not be kept outside the database: %s", error)
                except Exception:
                    _log.exception("The audit log could not be sealed")
            else:
                self._told = None  # whoever leads meanwhile writes to the file
            await asyncio.sleep(0 if more else SEAL_SECONDS)

    async def _before(self) -> int:
        """The first pk that may not be sealed yet."""
        ((raised,),) = await self._read(_RAISE, (pack_int8(_FENCE_LOCK), pack_int8(now() // 1000 - LAG_MS)))
        assert raised is not None
        fence = unpack_int(raised)
        ((oldest,),) = await self._read(_OLDEST, (pack_int8(TRACE_LOCKS >> 48),))
        return first_of(1000 * (fence + 1 if oldest is None else min(fence + 1, unpack_int(oldest))))

    async def _last(self) -> tuple[int, int, bytes]:
        """The number of the last block, the pk behind it, and its head."""
        rows = await self._read(_LAST, ())
        if not rows:
            return 0, 0, BEGINNING
        number, until, head = rows[0]
        assert head is not None
        return unpack_int(number or b""), unpack_int(until or b""), head

    async def _tell(self, number: int) -> None:
        """Have the file of heads go as far as block `number`."""
        if self._told is None:
            self._told = await self._looked(number)
        while self._told < number:
            rows = await self._read(_HEADS, (pack_int8(self._told), pack_int8(_CAUGHT_UP)))
            heads = [
                Head(
                    unpack_int(block or b""), unpack_int(until or b""), unpack_int(count or b""), head or b""
                )
                for block, until, count, head in rows
            ]
            if not heads:
                return
            await asyncio.to_thread(append_heads, self._heads, heads)
            self._told = heads[-1].block

    async def _looked(self, number: int) -> int:
        """The last block whose head is in the file. A file that says otherwise than the log is told of, and kept."""
        last = await asyncio.to_thread(last_head_in, self._heads)
        if last is None:
            return 0
        rows = await self._read(_HEAD, (pack_int8(last.block),))
        if not rows or rows[0][0] != last.head:
            _log.error(
                "The audit log does not go on where %s ends, at block %d: run `cordee audit verify`",
                self._heads,
                last.block,
            )
        return min(last.block, number)
