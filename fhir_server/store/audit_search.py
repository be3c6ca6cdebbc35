"""Traces found again: newest first, in pages that go by pk.

The first criterion that names something leads, by its rows of `audit_entry`, which are in the order of time; the others
are asked of each candidate. What has no seal yet has no such rows either: of all that was written since the last block
each trace is asked. Without any criterion, time itself leads.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Final, cast

from fhir_server.kernel.keys import Key
from fhir_server.kernel.trace import DONE, Outcome, Recorded, TracePage, TraceQuery
from fhir_server.search.entries import Hasher
from fhir_server.store.audit_rows import agent_key, outcome_key, thing_key
from fhir_server.store.binary import (
    INT2,
    INT2_ARRAY,
    INT8,
    INT8_ARRAY,
    pack_int2,
    pack_int2s,
    pack_int8,
    pack_int8s,
    unpack_int,
)
from fhir_server.store.cursors import Place, cursor_of, place_of
from fhir_server.store.ids import created, first_of, id_of
from fhir_server.store.numbers import TYPE_NUMBERS
from fhir_server.store.pipeline import Row, Statement
from fhir_server.store.rows import key_of
from fhir_server.store.watermark import Run

_COLUMNS: Final = "a.pk, a.outcome, a.keys, a.data"
TRACE_OF: Final = Statement("trace_of", f"select {_COLUMNS} from audit a where a.pk = $1", (INT8,))
_PATIENTS: Final = Statement(
    "traced_patients",
    "select self, type, id from resource where self = any($1::bigint[]) and type = $2",
    (INT8_ARRAY, INT2),
)


async def found(run: Run, hasher: Hasher, query: TraceQuery) -> TracePage:
    """Raises `Malformed` for a cursor that was not made here for this query."""
    place = place_of(query.cursor, _fingerprint(query), hasher)
    groups = _groups_of(hasher, query)
    if groups is None:
        return TracePage(())
    until = first_of(query.until)
    if place is not None:
        (key,) = place.keys
        until = min(until, cast("int", key))
    one = bool(groups) and len(groups[0]) == 1
    statement = _search(len(groups), one=one, all_outcomes=not query.outcomes)
    params: list[bytes | None] = [
        pack_int8(first_of(query.since)),
        pack_int8(until),
        pack_int8(query.count + 1),
    ]
    if query.outcomes:
        params.append(pack_int2s(query.outcomes))
    if groups:
        params.append(pack_int8(groups[0][0]) if one else pack_int8s(groups[0]))
        params += [pack_int8s(keys) for keys in groups[1:]]
    rows = await run(statement, params) if query.count else []
    page = rows[: query.count]
    after = ""
    if len(rows) > query.count:
        after = cursor_of(Place((unpack_int(page[-1][0] or b""),)), _fingerprint(query), hasher)
    return TracePage(tuple(map(recorded_of, page)), after, tuple(await names_of(run, page)))


async def names_of(run: Run, rows: Sequence[Row]) -> list[tuple[int, Key]]:
    """The Patients that traces name, by number."""
    numbers = {number for row in rows for number in keys_in(row[2] or b"")}
    if not numbers:
        return []
    patients = await run(_PATIENTS, (pack_int8s(sorted(numbers)), pack_int2(TYPE_NUMBERS["Patient"])))
    return [(unpack_int(number or b""), key_of(*key)) for number, *key in patients]


def recorded_of(row: Row) -> Recorded:
    pk, outcome, _, data = row
    assert pk is not None
    assert outcome is not None
    assert data is not None
    number = unpack_int(pk)
    return Recorded(id_of(number), created(number), cast("Outcome", unpack_int(outcome)), data)


def keys_in(packed: bytes) -> Iterable[int]:
    """The column `keys`, apart."""
    return [unpack_int(packed[start : start + 8]) for start in range(0, len(packed), 8)]


def _fingerprint(query: TraceQuery) -> TraceQuery:
    return replace(query, cursor="", count=0)


def _groups_of(hasher: Hasher, query: TraceQuery) -> list[list[int]] | None:
    """Of each criterion the keys of its values, that which probably finds fewest first; None: nothing is found."""
    if query.within is not None and not query.within:
        return None
    groups = [
        [thing_key(hasher, key) for key in query.entities],
        [thing_key(hasher, key) for key in query.patients],
        [thing_key(hasher, key) for key in query.within or ()],
        [agent_key(hasher, agent) for agent in query.agents],
    ]
    if query.outcomes and DONE not in query.outcomes:
        groups.append([outcome_key(hasher, outcome) for outcome in query.outcomes])
    return [sorted(set(keys)) for keys in groups if keys]


@lru_cache(maxsize=64)
def _search(groups: int, *, one: bool, all_outcomes: bool) -> Statement:
    """`one`: the leading group has one key, whose rows are in the order of the page as they are."""
    oids = [INT8, INT8, INT8]
    where = []
    if not all_outcomes:
        oids.append(INT2_ARRAY)
        where.append(f"a.outcome = any(${len(oids)}::smallint[])")
    name = f"traces_{groups}_{one:d}{all_outcomes:d}"
    if not groups:
        return Statement(name, _newest("audit a", "a.pk", ["a.pk >= $1 and a.pk < $2", *where]), tuple(oids))
    oids.append(INT8 if one else INT8_ARRAY)
    number = f"${len(oids)}"
    named = f"position(int8send({number}) in a.keys) % 8 = 1" if one else _is_named(number)
    for _ in range(groups - 1):
        oids.append(INT8_ARRAY)
        where.append(_is_named(f"${len(oids)}"))
    sealed = "e.pk >= $1 and e.pk < least($2, (select pk from sealed))"
    if one:
        source = "audit_entry e join audit a on a.pk = e.pk"
        entered = _newest(source, "e.pk", [sealed, f"e.key = {number}", *where])
    else:
        # A trace may have several of the keys; it is shown once.
        source = (
            f"(select distinct e.pk from unnest({number}::bigint[]) k(key)"
            f" join audit_entry e on e.key = k.key and {sealed}) e join audit a on a.pk = e.pk"
        )
        entered = _newest(source, "e.pk", where)
    open_ = "a.pk >= greatest($1, (select pk from sealed)) and a.pk < $2"
    return Statement(
        name,
        f"with sealed as materialized ({_SEALED}) select * from"
        f" (({_newest('audit a', 'a.pk', [open_, named, *where])}) union all ({entered})) a"
        " order by a.pk desc limit $3",
        tuple(oids),
    )


# The first pk that has no seal.
_SEALED: Final = "select coalesce((select until from audit_block order by number desc limit 1), 0) as pk"


def _newest(source: str, pk: str, where: Sequence[str]) -> str:
    return (
        f"select {_COLUMNS} from {source} where {' and '.join(where or ['true'])} order by {pk} desc limit $3"
    )


def _is_named(keys: str) -> str:
    """That a trace has one of some keys among its own."""
    return f"exists (select from unnest({keys}::bigint[]) k(key) where position(int8send(k.key) in a.keys) % 8 = 1)"
