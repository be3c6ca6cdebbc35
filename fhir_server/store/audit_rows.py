"""Traces as rows, and the one statement that adds a group of them to the log.

A trace is a row of `audit`, with the names that find it again: its persons, what was touched, who acted, and an outcome
that is no success. Names are keyed hashes. Nobody waits until an index has them: with its seal a trace gets a row of
`audit_entry` for each (`NAMED_SQL`), and until then its own row tells (`audit_search.py`).

A pk begins with the millisecond in which it was made. Whoever writes traces holds a shared lock that names the first of
these milliseconds until the commit, and writes only if the sealer has not passed it: see `audit_seal.py`.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Final

from fhir_server.kernel.errors import Unavailable
from fhir_server.kernel.keys import Key
from fhir_server.kernel.times import now
from fhir_server.kernel.trace import AROUND_NUMBER, Foretold, Outcome, Trace
from fhir_server.kernel.values import immutable
from fhir_server.search.entries import Hasher
from fhir_server.store.binary import (
    BYTEA,
    BYTEA_ARRAY,
    INT2,
    INT2_ARRAY,
    INT8,
    INT8_ARRAY,
    pack_byteas,
    pack_int2,
    pack_int2s,
    pack_int8,
    pack_int8s,
    unpack_bool,
    unpack_int,
)
from fhir_server.store.ids import Pks, created, id_of
from fhir_server.store.pipeline import Statement
from fhir_server.store.watermark import Run

TRACE_LOCKS: Final = 0x4341 << 48  # the advisory lock of a group is this plus its stamp, in ms since 1970
AUDIT: Final = {"pk": "bigint", "outcome": "smallint", "keys": "bytea", "data": "bytea"}
# The rows of `audit_entry` of the traces from one pk to before another, in the order of the index.
NAMED_SQL: Final = (
    "select ('x' || encode(substr(a.keys, 8 * n.n + 1, 8), 'hex'))::bit(64)::bigint as key, a.pk"
    " from audit a cross join lateral generate_series(0, length(a.keys) / 8 - 1) n"
    " where a.pk >= {first} and a.pk < {until} order by key, a.pk"
)
# What a statement needs to hold, and to see, before it may write traces.
HELD_SQL: Final = "select pg_advisory_xact_lock_shared({lock}) is null as absent"
FENCE_SQL: Final = (
    "select coalesce(pg_sequence_last_value('audit_fence'::regclass), 0) as value from {held}"
    " where not absent"
)
# How a statement begins that writes traces and nothing else, told the lock and the stamp before anything else.
BEGUN_SQL: Final = (
    f"with held as materialized ({HELD_SQL.format(lock='$1')}),"
    f" fence as materialized ({FENCE_SQL.format(held='held')})"
)
OPEN_SQL: Final = "(select value < $2 from fence)"
# What a foretold trace says of the Patient whom the store knows by a number; nothing, if there is none.
NUMBERED_SQL: Final = (
    "case when {person} is null then ''"
    f" else convert_to('{AROUND_NUMBER[0]}' || {{person}} || '{AROUND_NUMBER[1]}', 'UTF8') end"
)

_ATTEMPTS: Final = 5


def _trace(name: str, row: str, oids: tuple[int, ...]) -> Statement:
    """`row`: where the rows of `audit` come from."""
    return Statement(
        name,
        f"""
        {BEGUN_SQL},
        gate as materialized (select value < $2 as open from fence),
        traced as (
            insert into audit (pk, outcome, keys, data) select {row} where (select open from gate))
        select gate.open, fence.value from gate, fence""",
        (INT8, INT8, *oids),
    )


_TRACES: Final = _trace(
    "traces",
    "* from unnest($3::bigint[], $4::smallint[], $5::bytea[], $6::bytea[])",
    (INT8_ARRAY, INT2_ARRAY, BYTEA_ARRAY, BYTEA_ARRAY),
)
# Of a lone one, whose columns need not be arrays: what a server with little to do writes.
_TRACE: Final = _trace(
    "trace",
    "$3, $4, $5, $6",
    (INT8, INT2, BYTEA, BYTEA),
)


@immutable
class TraceRows:
    """Columns of `audit`. `stamp`: ms, of the first pk."""

    stamp: int
    pks: Sequence[int]
    outcomes: Sequence[int]
    keys: Sequence[bytes]
    data: Sequence[bytes]

    def params(self) -> list[bytes | None]:
        """The lock, its stamp and the columns, as the parameters of a statement."""
        return [
            pack_int8(TRACE_LOCKS | self.stamp),
            pack_int8(self.stamp),
            pack_int8s(self.pks),
            pack_int2s(self.outcomes),
            pack_byteas(self.keys),
            pack_byteas(self.data),
        ]

    def statement(self) -> tuple[Statement, list[bytes | None]]:
        """What writes them by itself, and its parameters."""
        if len(self.pks) > 1:
            return _TRACES, self.params()
        return _TRACE, [
            pack_int8(TRACE_LOCKS | self.stamp),
            pack_int8(self.stamp),
            pack_int8(self.pks[0]),
            pack_int2(self.outcomes[0]),
            self.keys[0],
            self.data[0],
        ]


def rows_of(hasher: Hasher, pks: Pks, traces: Iterable[Trace]) -> TraceRows:
    """Rows with fresh pks, to be written at once: the sealer waits for nobody for long."""
    numbers: list[int] = []
    outcomes: list[int] = []
    packed: list[bytes] = []
    data: list[bytes] = []
    for trace in traces:
        pk = pks.next()
        keys = _keys_of(hasher, trace)
        numbers.append(pk)
        outcomes.append(trace.outcome)
        packed.append(_packer(len(keys))(*keys))
        data.append(trace.data)
    return TraceRows(created(numbers[0]) // 1000, numbers, outcomes, packed, data)


async def add(run: Run, hasher: Hasher, pks: Pks, traces: Sequence[Trace]) -> list[str]:
    """Write traces in one statement, alone or as the last act of the transaction of `run`: their ids, in order.

    `traces` is never empty. Raises `Unavailable` when the sealer, whose clock is ahead of ours, was always faster.
    """
    for _ in range(_ATTEMPTS):
        rows = rows_of(hasher, pks, traces)
        ((allowed, fence),) = await run(*rows.statement())
        assert allowed is not None
        assert fence is not None
        if unpack_bool(allowed):
            return [id_of(pk) for pk in rows.pks]
        pks.pass_by(max(unpack_int(fence), now() // 1000))
    raise Unavailable("What was asked cannot be traced at this moment; the same request may succeed later")


def agent_key(hasher: Hasher, agent: str) -> int:
    """The key of whoever acted: as `Trace.agents` calls them."""
    return hasher.kept(f"agent {agent}")


def outcome_key(hasher: Hasher, outcome: Outcome) -> int:
    """The key of an outcome; a success has none."""
    return hasher.kept(f"outcome {outcome}")


def thing_key(hasher: Hasher, thing: Key) -> int:
    """The key of a resource, Patients among them."""
    return hasher.self_of(thing)


def foretold_keys(hasher: Hasher, trace: Foretold) -> bytes:
    """The column `keys` of what was foretold, without that of the Patient whom rows tell of."""
    keys = {agent_key(hasher, agent) for agent in trace.agents}
    if trace.thing is not None:
        keys.add(hasher.self_of(trace.thing))
    return _packer(len(keys))(*keys)


@lru_cache(maxsize=64)
def _packer(count: int) -> Callable[..., bytes]:
    """What packs so many keys."""
    return struct.Struct(f"!{count}q").pack


def _keys_of(hasher: Hasher, trace: Trace) -> list[int]:
    """Each once, sorted."""
    keys = {*trace.numbers, *map(hasher.self_of, trace.things)}
    keys.update([agent_key(hasher, agent) for agent in trace.agents])
    if trace.outcome:
        keys.add(outcome_key(hasher, trace.outcome))
    return sorted(keys)
