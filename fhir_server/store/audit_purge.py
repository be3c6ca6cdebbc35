"""Traces taken away when their time is over, whole blocks at a time; their seals stay.

A purge is itself an act, which whoever does it traces.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import psycopg

from fhir_server.store.audit_key import SealingKey
from fhir_server.store.audit_seal import purge_mark
from fhir_server.store.audit_search import keys_in
from fhir_server.store.ids import first_of

_AT_A_TIME: Final = 50  # blocks of one commit


def purge(url: str, keys: Sequence[SealingKey], before: int) -> tuple[int, int]:
    """Take away the traces of all blocks that end before `before` (µs), and leave their seals: blocks and traces.

    Each block is marked with the key that sealed it, so that `verify` can tell a purge from a theft. One whose key is
    not among `keys` stays, and so do those behind it.
    """
    known = {key.fingerprint: key for key in keys}
    blocks = traces = 0
    with psycopg.connect(url) as connection:
        while True:
            with connection.transaction():
                connection.execute("select set_config('cordee.purge', 'on', true)")
                due = connection.execute(
                    "select number, first, until, key, head from audit_block"
                    " where purged is null and until <= %s order by number limit %s for update",
                    (first_of(before), _AT_A_TIME),
                ).fetchall()
                done = 0
                for number, first, until, fingerprint, head in due:
                    key = known.get(bytes(fingerprint))
                    if key is None:
                        break
                    traces += _purge(connection, first, until)
                    connection.execute(
                        "update audit_block set purged = %s where number = %s",
                        (purge_mark(key, bytes(head)), number),
                    )
                    done += 1
            blocks += done
            if done < _AT_A_TIME:
                return blocks, traces


def _purge(connection: psycopg.Connection[Any], first: int, until: int) -> int:
    gone = connection.execute(
        "delete from audit where pk >= %s and pk < %s returning pk, keys", (first, until), binary=True
    ).fetchall()
    pairs = [(key, pk) for pk, packed in gone for key in keys_in(bytes(packed))]
    connection.execute(
        "delete from audit_entry e using unnest(%s::bigint[], %s::bigint[]) u(key, pk)"
        " where e.key = u.key and e.pk = u.pk",
        ([key for key, _ in pairs], [pk for _, pk in pairs]),
    )
    return len(gone)
