"""Histories: versions of one resource, of a type or of all, newest first, in pages.

Versions are the rows of `resource` and of `version` together. A page over several resources ends before the watermark;
its cursor keeps that watermark, so that all pages of one history show one state.

https://hl7.org/fhir/R4/http.html#history
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from fhir_server.kernel.keys import Key
from fhir_server.search.entries import Hasher
from fhir_server.store.binary import (
    INT2,
    INT2_ARRAY,
    INT8,
    TEXT,
    pack_int2,
    pack_int2s,
    pack_int8,
    pack_text,
    unpack_int,
)
from fhir_server.store.contract import Page, Span, Stored
from fhir_server.store.cursors import Place, cursor_of, place_of, turned
from fhir_server.store.pipeline import Statement
from fhir_server.store.rows import VALUES, key_of, stored_of
from fhir_server.store.tables import TYPE_NUMBERS
from fhir_server.store.watermark import Clock, Run, watermark

_FIRST: Final = -(2**63)
_LAST: Final = 2**63 - 1
_ALL_TYPES: Final = pack_int2s(list(TYPE_NUMBERS.values()))


async def history(
    run: Run, hasher: Hasher, clock: Clock, span: Span, *, outside: Run | None = None, session: int = 0
) -> Page:
    """`outside` and `session` are for a reader inside a transaction: a way around it, and the number of its session."""
    place = place_of(span.cursor, replace(span, cursor="", count=0), hasher)
    if span.type is not None and span.type not in TYPE_NUMBERS:
        return Page(())
    if span.type is not None and span.id is not None:
        return await _of_one(run, hasher, span, Key(span.type, span.id), place)
    mark = place.watermark if place else await watermark(outside or run, clock, session)
    return await _of_many(run, hasher, span, place, mark)


async def _of_one(run: Run, hasher: Hasher, span: Span, key: Key, place: Place | None) -> Page:
    backward = place is not None and place.backward
    params = (
        pack_int8(hasher.self_of(key)),
        pack_int2(TYPE_NUMBERS[key.type]),
        pack_text(key.id),
        *_bounds(span),
    )
    total = place.total if place else None
    if total is None:
        ((number,),) = await run(_COUNT_ONE, params)
        total = unpack_int(number or b"")
    start = _number(place.keys[0]) if place else _LAST
    rows = (
        await run(_ONE[backward], (*params, pack_int8(start), pack_int8(span.count + 1)))
        if span.count
        else []
    )
    page, more, less = turned([stored_of(key, row) for row in rows], span.count, place)
    return _page(
        page, [(stored.version,) for stored in page], more, less, Place((), False, total), span, hasher
    )


async def _of_many(run: Run, hasher: Hasher, span: Span, place: Place | None, mark: int) -> Page:
    backward = place is not None and place.backward
    types = _ALL_TYPES if span.type is None else pack_int2s([TYPE_NUMBERS[span.type]])
    since, low, high = _limits(span)
    bounds = (pack_int8(since), pack_int8(low), pack_int8(min(high, mark)))
    if not span.count:
        ((number,),) = await run(_COUNT_MANY, (types, *bounds))
        return Page((), unpack_int(number or b""), watermark=mark)
    start = [_number(value) for value in place.keys] if place else [_LAST, _LAST, _LAST]
    params = (types, *bounds, *map(pack_int8, start), pack_int8(span.count + 1))
    rows = await run(_MANY[backward], params)
    page, more, less = turned(rows, span.count, place)
    items = [stored_of(key_of(row[1], row[2]), row[3:]) for row in page]
    keys = [
        (item.updated, unpack_int(row[0] or b""), item.version) for item, row in zip(items, page, strict=True)
    ]
    total = place.total if place else None if more else len(items)
    return _page(items, keys, more, less, Place((), False, total, mark), span, hasher)


def _page(
    items: list[Stored],
    keys: Sequence[tuple[int, ...]],
    more: bool,
    less: bool,
    place: Place,
    span: Span,
    hasher: Hasher,
) -> Page:
    query = replace(span, cursor="", count=0)
    after = cursor_of(replace(place, keys=keys[-1]), query, hasher) if more else ""
    before = cursor_of(replace(place, keys=keys[0], backward=True), query, hasher) if less else ""
    return Page(tuple(items), place.total, after, before, watermark=place.watermark)


def _limits(span: Span) -> tuple[int, int, int]:
    """Versions that came at or after the first, ended after the second and came before the third."""
    low, high = span.at or (_FIRST, _LAST)
    return _FIRST if span.since is None else span.since, low, high


def _bounds(span: Span) -> tuple[bytes, ...]:
    return tuple(map(pack_int8, _limits(span)))


def _number(value: object) -> int:
    assert isinstance(value, int)
    return value


def _one(order: str, than: str) -> Statement:
    return Statement(
        f"history_one_{order}",
        f"""
        select {VALUES} from (
            (select {VALUES} from resource
             where self = $1 and type = $2 and id = $3 and updated >= $4 and updated < $6
               and version {than} $7)
            union all
            (select v.version, v.updated, v.method, v.deleted, v.body
             from resource r cross join lateral (
                select {VALUES} from version
                where pk = r.pk and updated >= $4 and until > $5 and updated < $6 and version {than} $7
                order by version {order} limit $8) v
             where r.self = $1 and r.type = $2 and r.id = $3)) h
        order by version {order} limit $8""",
        (INT8, INT2, TEXT, INT8, INT8, INT8, INT8, INT8),
    )


_ONE: Final = (_one("desc", "<"), _one("asc", ">"))
_COUNT_ONE: Final = Statement(
    "history_count_one",
    """
    select coalesce(sum((r.updated >= $4 and r.updated < $6)::int), 0)::bigint
        + coalesce(sum((select count(*) from version v
                        where v.pk = r.pk and v.updated >= $4 and v.until > $5 and v.updated < $6)), 0)::bigint
    from resource r where r.self = $1 and r.type = $2 and r.id = $3""",
    (INT8, INT2, TEXT, INT8, INT8, INT8),
)


def _many(order: str, than: str) -> Statement:
    """Each type has its newest versions at hand in an index; the newest of all are among those."""
    inside = f"updated >= $2 and updated < $4 and (updated, pk, version) {than} ($5, $6, $7)"
    return Statement(
        f"history_many_{order}",
        f"""
        select h.pk, r.type, r.id, h.version, h.updated,
            case when h.old then v.method else r.method end,
            case when h.old then v.deleted else r.deleted end,
            case when h.old then v.body else r.body end
        from (
            select h.* from unnest($1::smallint[]) t(type) cross join lateral (
                (select pk, version, updated, false as old from resource
                 where type = t.type and {inside}
                 order by updated {order}, pk {order} limit $8)
                union all
                (select pk, version, updated, true from version
                 where type = t.type and until > $3 and {inside}
                 order by updated {order}, pk {order}, version {order} limit $8)) h
            order by h.updated {order}, h.pk {order}, h.version {order} limit $8) h
        join resource r on r.pk = h.pk
        left join version v on h.old and v.pk = h.pk and v.version = h.version
        order by h.updated {order}, h.pk {order}, h.version {order}""",
        (INT2_ARRAY, INT8, INT8, INT8, INT8, INT8, INT8, INT8),
    )


_MANY: Final = (_many("desc", "<"), _many("asc", ">"))
_COUNT_MANY: Final = Statement(
    "history_count_many",
    """
    select coalesce(sum(
        (select count(*) from resource where type = t.type and updated >= $2 and updated < $4)
      + (select count(*) from version where type = t.type and until > $3 and updated >= $2 and updated < $4)
      ), 0)::bigint
    from unnest($1::smallint[]) t(type)""",
    (INT2_ARRAY, INT8, INT8, INT8),
)
