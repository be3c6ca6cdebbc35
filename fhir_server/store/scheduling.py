"""The beginning of a generation, and the jobs that it needs: see `definitions_state.py`."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

import psycopg

from fhir_server.store.binary import (
    BOOL,
    INT2_ARRAY,
    INT8,
    TEXT,
    TEXT_ARRAY,
    pack_bool,
    pack_int2s,
    pack_int8,
    pack_text,
    pack_texts,
)
from fhir_server.store.connections import Session
from fhir_server.store.definitions import Plan
from fhir_server.store.numbers import TYPE_NUMBERS
from fhir_server.store.pipeline import Statement
from fhir_server.store.telling import CHANNEL
from fhir_server.store.watermark import Run

_ADVANCE: Final = Statement(
    "advance_generation",
    f"update generation set number = number + 1 where number = $1 returning pg_notify('{CHANNEL}', '')",
    (INT8,),
)
_SCHEDULE: Final = Statement(
    "schedule_reindex",
    """
    insert into reindex as j (type, codes, holding, exact, base, since, position, done)
    select u.type, string_to_array(u.codes, ','), string_to_array(u.holding, ','), $4, $5, $6, 0, 0
    from unnest($1::smallint[], $2::text[], $3::text[]) u(type, codes, holding) order by u.type
    on conflict (type) do update set
        codes = array(select distinct unnest(j.codes || excluded.codes)), exact = j.exact or excluded.exact,
        holding = case when j.holding is not null and excluded.holding is not null
            then array(select distinct unnest(j.holding || excluded.holding)) end,
        base = excluded.base, since = excluded.since, position = 0, done = 0, total = null""",
    (INT2_ARRAY, TEXT_ARRAY, TEXT_ARRAY, BOOL, TEXT, INT8),
)


async def advance(run: Run, generation: int) -> bool:
    """Begin the next generation in the transaction of `run`. False: another has begun after `generation` already."""
    return bool(await run(_ADVANCE, (pack_int8(generation),)))


async def schedule(run: Run, since: int, plans: Mapping[str, Plan], base: str, *, exact: bool) -> None:
    """Have types indexed from the first resource on, as planned."""
    if not plans:
        return
    params = (
        pack_int2s([TYPE_NUMBERS[name] for name in plans]),
        pack_texts([",".join(sorted(map(".".join, plan.codes))) for plan in plans.values()]),
        pack_texts([_joined(plan.holding) for plan in plans.values()]),
        pack_bool(exact),
        pack_text(base),
        pack_int8(since),
    )
    await run(_SCHEDULE, params)


async def begin_generation(
    connection: psycopg.AsyncConnection[Any], plans: Mapping[str, Plan], base: str
) -> None:
    """One that changes nothing but what the index is believed to hold."""
    cursor = await connection.execute("update generation set number = number + 1 returning number")
    row = await cursor.fetchone()
    assert row is not None
    await schedule(Session(connection).run, row[0], plans, base, exact=True)
    await connection.execute("select pg_notify(%s, '')", (CHANNEL,))


def _joined(names: Collection[str] | None) -> str | None:
    return None if names is None else ",".join(sorted(names))
