"""Whether the log is what was sealed: every block is worked out again from its traces and from the key.

What is found wrong is told by block and by time. A removed, altered or added trace, or one moved in time, changes the
digest of its block; an altered block does not have the head that the key makes; a removed one leaves a gap; and an end
that was cut off, seals and all, is missed by the file of heads. What is not sealed yet, the last second, is counted and
not vouched for.

https://www.postgresql.org/docs/current/transaction-iso.html#XACT-REPEATABLE-READ: all is read in one snapshot.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from hmac import compare_digest
from pathlib import Path
from typing import Any, Final

import psycopg

from fhir_server.kernel.times import instant_text, now
from fhir_server.store.audit_key import Head, SealingKey, heads_in
from fhir_server.store.audit_seal import BEGINNING, Block, purge_mark, row_digest
from fhir_server.store.audit_search import keys_in
from fhir_server.store.ids import created

_LATE_SECONDS: Final = 10.0  # after which a trace ought to have its seal
_AT_A_TIME: Final = 5000
_REMEMBERED: Final = 1000  # heads of blocks behind, for a file whose lines two processes wrote in turn
_MOST_PROBLEMS: Final = 100


@dataclass(slots=True)
class Report:
    """`problems`: sentences, empty when all is well; at most a hundred. `notes`: what could not be looked at."""

    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    blocks: int = 0
    traces: int = 0  # sealed
    purged: int = 0  # blocks
    unsealed: int = 0  # traces
    sealed_until: int = 0  # µs; 0: nothing is

    def say(self, problem: str) -> None:
        if len(self.problems) < _MOST_PROBLEMS:
            self.problems.append(problem)


@dataclass(frozen=True, slots=True)
class _Sealed:
    """A row of `audit_block`."""

    block: Block
    key: bytes
    head: bytes
    purged: bytes | None

    def __str__(self) -> str:
        low, high = instant_text(created(self.block.first)), instant_text(created(self.block.until))
        return f"Block {self.block.number} ({low} to {high})"


def verify(
    url: str,
    keys: Sequence[SealingKey],
    heads: Path | None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Report:
    """`progress` is told how many of the blocks are done. Raises `psycopg.Error` when the database is away."""
    report = Report()
    known = {key.fingerprint: key for key in keys}
    with psycopg.connect(url, options="-c default_transaction_isolation=repeatable\\ read") as connection:
        connection.read_only = True
        total = _number(connection, "select count(*) from audit_block")
        outside = _Outside(heads, report)
        after = 0
        previous = BEGINNING
        for sealed in _blocks(connection):
            block = sealed.block
            if block.number != report.blocks + 1 or block.first != after or block.previous != previous:
                report.say(f"{sealed} does not follow the one before: a block was removed, added or altered")
                report.blocks = block.number - 1
            _check_head(sealed, known.get(sealed.key), report)
            _check_traces(connection, sealed, known.get(sealed.key), report)
            outside.check(sealed)
            after, previous = block.until, sealed.head
            report.blocks += 1
            report.sealed_until = created(after)
            progress(report.blocks, total)
        outside.end(report.blocks)
        _look_at_tail(connection, after, report)
    return report


def _check_head(sealed: _Sealed, key: SealingKey | None, report: Report) -> None:
    if key is None:
        report.say(f"{sealed} was sealed with a key that is not in the key file, so nothing vouches for it")
    elif not compare_digest(sealed.block.head(key), sealed.head):
        report.say(f"{sealed} is not as it was sealed: the block itself was altered")


def _check_traces(
    connection: psycopg.Connection[Any], sealed: _Sealed, key: SealingKey | None, report: Report
) -> None:
    block = sealed.block
    count, digest, entries = 0, sha256(), 0
    for batch in _traces(connection, block.first, block.until):
        count += len(batch)
        for pk, outcome, packed, data in batch:
            digest.update(row_digest(pk, outcome, packed, data))
        entries += _lost_entries(connection, batch)
    if sealed.purged is not None and key is not None:
        if not compare_digest(purge_mark(key, sealed.head), sealed.purged):
            report.say(f"{sealed} is marked as purged, and not by who has the key")
        elif count:
            report.say(f"{sealed} was purged, and has {count} traces")
        else:
            report.purged += 1
            return
    if count != block.count:
        words = "were removed" if count < block.count else "were added"
        report.say(
            f"{sealed} has {count} traces where {block.count} were sealed: {abs(count - block.count)} {words}"
        )
    elif digest.digest() != block.digest:
        report.say(f"{sealed} has other traces than were sealed: at least one was altered, replaced or moved")
    elif entries:
        report.say(f"{sealed}: {entries} rows are missing by which searches find its traces")
    report.traces += count


def _lost_entries(connection: psycopg.Connection[Any], batch: Sequence[tuple[int, int, bytes, bytes]]) -> int:
    """How many rows of `audit_entry` are not there."""
    pairs = [(key, pk) for pk, _, packed, _ in batch for key in keys_in(packed)]
    if not pairs:
        return 0
    there = connection.execute(
        "select count(*) from unnest(%s::bigint[], %s::bigint[]) u(key, pk)"
        " join audit_entry e on e.key = u.key and e.pk = u.pk",
        ([key for key, _ in pairs], [pk for _, pk in pairs]),
    ).fetchone()
    assert there is not None
    return len(pairs) - int(there[0])


class _Outside:
    """The heads kept outside the database, met in the order of the blocks."""

    def __init__(self, path: Path | None, report: Report) -> None:
        self._report = report
        self._heads: Iterator[Head] = iter(())
        self._recent: OrderedDict[int, bytes] = OrderedDict()
        self._last: Head | None = None
        if path is None or not path.exists():
            report.notes.append(
                "There is no file of heads: whether the end of the log was cut off cannot be told"
            )
        else:
            self._heads = heads_in(path)
            self._last = next(self._heads, None)

    def check(self, sealed: _Sealed) -> None:
        number = sealed.block.number
        self._recent[number] = sealed.head
        if len(self._recent) > _REMEMBERED:
            self._recent.popitem(last=False)
        while self._last is not None and self._last.block <= number:
            known = self._recent.get(self._last.block)
            if known is not None and not compare_digest(known, self._last.head):
                self._report.say(f"{sealed} is not the one whose head was kept outside the database")
            self._last = next(self._heads, None)

    def end(self, blocks: int) -> None:
        missed = [head for head in (self._last, *self._heads) if head is not None and head.block > blocks]
        if missed:
            last = max(missed, key=lambda head: head.block)
            traces = sum({head.block: head.count for head in missed}.values())
            self._report.say(
                f"The end of the log was cut off: blocks {blocks + 1} to {last.block}, with {traces} traces up to"
                f" {instant_text(created(last.until))}, were sealed and are not there"
            )


def _look_at_tail(connection: psycopg.Connection[Any], after: int, report: Report) -> None:
    row = connection.execute("select count(*), min(pk) from audit where pk >= %s", (after,)).fetchone()
    assert row is not None
    report.unsealed = int(row[0])
    if row[1] is not None and now() - created(row[1]) > _LATE_SECONDS * 1_000_000:
        report.notes.append(
            f"Traces wait for their seal since {instant_text(created(row[1]))}: no server runs, or it cannot seal"
        )


def _blocks(connection: psycopg.Connection[Any]) -> Iterator[_Sealed]:
    with connection.cursor("blocks") as cursor:
        cursor.itersize = _AT_A_TIME
        cursor.execute(
            "select number, first, until, count, sealed, digest, previous, key, head, purged"
            " from audit_block order by number"
        )
        for number, first, until, count, sealed, digest, previous, key, head, purged in cursor:
            block = Block(number, first, until, count, sealed, bytes(digest), bytes(previous))
            yield _Sealed(block, bytes(key), bytes(head), None if purged is None else bytes(purged))


def _traces(
    connection: psycopg.Connection[Any], first: int, until: int
) -> Iterator[list[tuple[int, int, bytes, bytes]]]:
    """The traces of a stretch, in the order of their pks, in batches."""
    while True:
        rows = connection.execute(
            "select pk, outcome, keys, data from audit where pk >= %s and pk < %s order by pk limit %s",
            (first, until, _AT_A_TIME),
            binary=True,
        ).fetchall()
        if rows:
            yield [(pk, outcome, bytes(keys), bytes(data)) for pk, outcome, keys, data in rows]
        if len(rows) < _AT_A_TIME:
            return
        first = rows[-1][0] + 1


def _number(connection: psycopg.Connection[Any], query: str) -> int:
    row = connection.execute(query).fetchone()
    assert row is not None
    return int(row[0])
