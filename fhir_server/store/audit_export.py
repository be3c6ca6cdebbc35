"""The log read through, oldest first, for those who keep a copy.

A copy that is kept up to date goes by *position*, the pk behind the last trace that was sent. Only what is sealed is
sent, so nothing with a smaller pk can come later.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import psycopg

from fhir_server.kernel.keys import Key
from fhir_server.kernel.trace import Recorded
from fhir_server.kernel.values import immutable
from fhir_server.store.audit_search import keys_in
from fhir_server.store.ids import created, first_of, id_of
from fhir_server.store.numbers import TYPE_NUMBERS

_AT_A_TIME: Final = 1000
_POSITION: Final = "audit_sent"
_ALONE: Final = 0x4358 << 48  # the advisory lock of whoever sends
_LAST: Final = 2**63 - 1


@immutable
class Batch:
    """Traces in the order of time, never empty; the Patients behind their numbers; the position behind them."""

    traces: tuple[Recorded, ...]
    names: tuple[tuple[int, Key], ...]
    position: int


def exported(url: str, since: int, until: int | None = None) -> Iterator[Batch]:
    """What was recorded from `since` to before `until` (µs; None: to the end), sealed or not."""
    with psycopg.connect(url, autocommit=True) as connection:
        yield from _batches(connection, first_of(since), _LAST if until is None else first_of(until))


@contextmanager
def sending(url: str) -> Iterator[Iterator[Batch]]:
    """What is sealed and was not sent; a batch counts as sent when the next one is asked for, or the end.

    One process at a time: to another there is nothing to send.
    """
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute("select pg_try_advisory_lock(%s)", (_ALONE,)).fetchone()
        yield _waiting(connection) if row == (True,) else iter(())


def _waiting(connection: psycopg.Connection[Any]) -> Iterator[Batch]:
    sealed = connection.execute("select max(until) from audit_block").fetchone()
    if sealed is None or sealed[0] is None:
        return
    row = connection.execute("select value from setting where name = %s", (_POSITION,)).fetchone()
    position = int(bytes(row[0])) if row else 0
    for batch in _batches(connection, position, sealed[0]):
        yield batch
        connection.execute(
            "insert into setting (name, value) values (%s, %s)"
            " on conflict (name) do update set value = excluded.value",
            (_POSITION, str(batch.position).encode()),
        )


def _batches(connection: psycopg.Connection[Any], first: int, until: int) -> Iterator[Batch]:
    while True:
        rows = connection.execute(
            "select pk, outcome, keys, data from audit where pk >= %s and pk < %s order by pk limit %s",
            (first, until, _AT_A_TIME),
            binary=True,
        ).fetchall()
        if not rows:
            return
        numbers = sorted({key for row in rows for key in keys_in(bytes(row[2]))})
        patients = connection.execute(
            "select self, id from resource where self = any(%s) and type = %s",
            (numbers, TYPE_NUMBERS["Patient"]),
        ).fetchall()
        first = rows[-1][0] + 1
        yield Batch(
            tuple(Recorded(id_of(pk), created(pk), outcome, bytes(data)) for pk, outcome, _, data in rows),
            tuple((number, Key("Patient", name)) for number, name in patients),
            first,
        )
        if len(rows) < _AT_A_TIME:
            return
