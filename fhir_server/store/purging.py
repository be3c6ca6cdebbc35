"""The end of resources: their rows go, with all versions, words, ties and accounts, and a tombstone stays.

What is purged was deleted before, in the same transaction or by somebody else, so the index knows nothing of it by now;
whoever asks for it is told that nobody knows it. A tombstone says which id that was, its dates and the reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from fhir_server.kernel.keys import Key
from fhir_server.search.entries import Hasher
from fhir_server.store.binary import (
    INT8,
    INT8_ARRAY,
    TEXT,
    TEXT_ARRAY,
    pack_int8,
    pack_int8s,
    pack_text,
    pack_texts,
)
from fhir_server.store.pipeline import Statement
from fhir_server.store.rows import key_of
from fhir_server.store.watermark import Run

# What somebody makes anew meanwhile is not deleted any more when its lock is had, and stays.
_PURGE: Final = Statement(
    "purge",
    """
    with named as materialized (
        select r.pk, r.type, r.id, r.self, u.reason from unnest($1::bigint[], $2::text[]) u(self, reason)
        join resource r on r.self = u.self where r.deleted order by r.pk for update of r),
    others as materialized (
        select r.pk, r.type, r.id, r.self, $4::text as reason from resource r
        where r.compartment = $3 and r.deleted and r.self <> all($1) order by r.pk for update of r),
    dying as materialized (select * from named union all select * from others),
    stones as (
        insert into tombstone (type, id, purged, created, updated, reason)
        select d.type, d.id, $5, coalesce(v.created, $5), coalesce(v.updated, $5), d.reason
        from dying d cross join lateral (
            select min(updated) as created, max(updated) filter (where not deleted) as updated
            from version where pk = d.pk) v),
    old as (delete from version v using dying d where v.pk = d.pk),
    words as (delete from entry_text t using dying d where t.pk = d.pk),
    ties as (delete from access a using dying d where a.person = d.self),
    acts as (delete from access a using dying d where a.actor = d.self and a.tie <> 0),
    gone as (delete from resource r using dying d where r.pk = d.pk)
    select type, id from dying order by pk""",
    (INT8_ARRAY, TEXT_ARRAY, INT8, TEXT, INT8),
)
_ACCOUNTS: Final = Statement(
    "purge_accounts",
    "delete from account a using unnest($1::text[], $2::text[]) u(type, id) where a.type = u.type and a.id = u.id",
    (TEXT_ARRAY, TEXT_ARRAY),
)


async def purge(
    run: Run, hasher: Hasher, reasons: Mapping[Key, str], person: Key | None, now: int
) -> list[Key]:
    """In the transaction of `run`: what was purged. See `contract.Transaction.purge`. `now`: µs."""
    params = (
        pack_int8s([hasher.self_of(key) for key in reasons]),
        pack_texts(list(reasons.values())),
        None if person is None else pack_int8(hasher.self_of(person)),
        None if person is None else pack_text(reasons[person]),
        pack_int8(now),
    )
    gone = [key_of(*row) for row in await run(_PURGE, params)]
    await run(_ACCOUNTS, (pack_texts([key.type for key in gone]), pack_texts([key.id for key in gone])))
    return gone
