"""Until when history is complete: a client that resumes where a page ended misses no version.

A version is stamped before it commits, so a later stamp may be visible before an earlier one. Two things tie stamps to
what has been shown, all in whole milliseconds:

- every writer holds a shared advisory lock that names its stamp T, from before it writes until it has committed;
- the sequence `fence` is the greatest moment that a history has claimed. It never goes back.

A writer takes its lock, **then** reads the fence F, and goes on only if F < T; otherwise it takes a later stamp.
A reader chooses N (its clock, and no stamp that it knows of is later), **then** raises the fence to F ≥ N, **then**
looks for the smallest T among the locks, and at last, in a new snapshot, shows the versions stamped before

    W = min(F + 1, smallest T).

Nothing stamped before W is missing from that snapshot. Let T < W, hence T ≤ F, belong to a writer. If it read the
fence before the reader raised it, it held its lock by then; as no lock with T was seen, it has ended, and PostgreSQL
lets go of locks only after a commit has become visible. If it read the fence afterwards, it was refused.

What one wrote is shown at once when nobody else is writing: T ≤ N ≤ F, so T < W. That holds across processes because a
commit is not answered before the clock has passed its stamp.

The fence is written without waiting for the disk. If a crash takes it back, no writer survives the crash either, and
later stamps come from a clock that has moved on.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeAlias

from fhir_server.kernel.times import now
from fhir_server.store.binary import INT4, INT8, pack_int4, pack_int8, unpack_bool, unpack_int
from fhir_server.store.pipeline import Row, Statement

Run: TypeAlias = Callable[[Statement, Sequence[bytes | None]], Awaitable[list[Row]]]

STAMP_LOCKS: Final = 0x434F << 48  # the advisory lock of a stamp is this plus the stamp
_FENCE_LOCK: Final = 0x4346 << 48

_ANNOUNCE: Final = Statement(
    "announce",
    """
    with held as materialized (select pg_advisory_xact_lock_shared($1) is null as absent)
    select coalesce(pg_sequence_last_value('fence'::regclass), 0) < $2,
           coalesce(pg_sequence_last_value('fence'::regclass), 0), pg_backend_pid()
    from held where not absent""",
    (INT8, INT8),
)
# Readers raise the fence one at a time: else a smaller value could follow a greater one.
_RAISE: Final = Statement(
    "raise_fence",
    """
    with held as materialized (select pg_advisory_xact_lock($1) is null as absent),
    fence as materialized (
        select coalesce(pg_sequence_last_value('fence'::regclass), 0) as value from held where not absent)
    select case when value >= $2 then value else setval('fence'::regclass, $2) end from fence""",
    (INT8, INT8),
)
# A lock on one bigint has its upper half in `classid`, its lower in `objid`, and 1 in `objsubid`.
_OLDEST: Final = Statement(
    "oldest_stamp",
    """
    select min((classid::bigint & 65535) << 32 | objid::bigint) from pg_locks
    where locktype = 'advisory' and objsubid = 1 and classid::bigint >> 16 = $1 and pid <> $2
      and database = (select oid from pg_database where datname = current_database())""",
    (INT8, INT4),
)


class Clock:
    """The stamps of one process, in ms: never at or before the fence, as far as it knows."""

    __slots__ = ("fence", "last")

    def __init__(self) -> None:
        self.fence = 0
        self.last = 0  # the greatest stamp that this process wrote

    def stamp(self) -> int:
        return max(now() // 1000, self.fence + 1)

    def saw_fence(self, value: int) -> None:
        self.fence = max(self.fence, value)

    def wrote(self, updated: int) -> None:
        """`updated` in µs."""
        self.last = max(self.last, updated // 1000)


async def announce(run: Run, clock: Clock) -> tuple[int, int] | None:
    """Hold a stamp (ms) for the transaction that `run` is in. Also gives the server's number of that session.

    None if the fence has passed the stamp meanwhile: the transaction must end, and its lock with it; a new one will do.
    """
    stamp = clock.stamp()
    params = pack_int8(STAMP_LOCKS | stamp), pack_int8(stamp)
    ((allowed, fence, session),) = await run(_ANNOUNCE, params)
    assert allowed is not None
    assert fence is not None
    assert session is not None
    clock.saw_fence(unpack_int(fence))
    return (stamp, unpack_int(session)) if unpack_bool(allowed) else None


async def watermark(run: Run, clock: Clock, session: int = 0) -> int:
    """W, in µs. `run` must be outside any transaction; `session` is the reader's own, whose stamp does not count."""
    ((raised,),) = await run(_RAISE, (pack_int8(_FENCE_LOCK), pack_int8(max(now() // 1000, clock.last))))
    assert raised is not None
    fence = unpack_int(raised)
    clock.saw_fence(fence)
    ((oldest,),) = await run(_OLDEST, (pack_int8(STAMP_LOCKS >> 48), pack_int4(session)))
    return 1000 * (fence + 1 if oldest is None else min(fence + 1, unpack_int(oldest)))
