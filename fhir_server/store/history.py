"""Histories: versions of one resource, of a type or of all, newest first, in pages.

Versions are the rows of `resource` and of `version` together. A page over several resources ends before the watermark;
its cursor keeps that watermark, so that all pages of one history show one state.

https://hl7.org/fhir/R4/http.html#history
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar

from fhir_server.kernel.keys import Key
from fhir_server.search.entries import Hasher
from fhir_server.search.view import View
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
from fhir_server.store.numbers import TYPE_NUMBERS, TYPES
from fhir_server.store.pipeline import Statement
from fhir_server.store.rows import VALUES, stored_in, stored_of
from fhir_server.store.seeing import OIDS, is_seen, numbered, packed
from fhir_server.store.watermark import Clock, Run, watermark

T = TypeVar("T")

_FIRST: Final = -(2**63)
_LAST: Final = 2**63 - 1


async def history(
    run: Run,
    hasher: Hasher,
    clock: Clock,
    span: Span,
    *,
    fence: Run,
    session: int = 0,
    view: View | None = None,
) -> Page:
    """`fence`: the way to the fence, outside any transaction. `session`: of a reader inside one, its number.

    A client that may read only some resources of a type gets no history of it: nobody knows which they were.
    """
    asked = _Asked(span, hasher, view)
    place = place_of(span.cursor, asked.fingerprint, hasher)
    if not asked.types:
        return Page(())
    if span.type is not None and span.id is not None:
        return await _of_one(run, asked, Key(span.type, span.id), place)
    mark = place.watermark if place else await watermark(fence, clock, session)
    return await _of_many(run, asked, place, mark)


@dataclass(frozen=True, slots=True)
class _Asked:
    span: Span
    hasher: Hasher
    view: View | None

    @property
    def types(self) -> list[str]:
        types = TYPES if self.span.type is None else [self.span.type]
        view = self.view
        return [one for one in types if one in TYPE_NUMBERS and (view is None or view.reads(one))]

    @property
    def fingerprint(self) -> object:
        """What a cursor is good for: these versions, for this caller."""
        span = replace(self.span, cursor="", count=0)
        return span if self.view is None else (span, self.view.sight.actors, self.types)

    @property
    def sight(self) -> tuple[bytes, ...]:
        """The last parameters of a statement."""
        return () if self.view is None else packed(self.view.sight, self.hasher)

    def one_of(self, statements: Mapping[bool, T]) -> T:
        """The statement that asks whether a version is seen, or the one that does not."""
        return statements[self.view is not None]


async def _of_one(run: Run, asked: _Asked, key: Key, place: Place | None) -> Page:
    span, hasher = asked.span, asked.hasher
    backward = place is not None and place.backward
    params = (
        pack_int8(hasher.self_of(key)),
        pack_int2(TYPE_NUMBERS[key.type]),
        pack_text(key.id),
        *_bounds(span),
    )
    total = place.total if place else None
    if total is None:
        ((number,),) = await run(asked.one_of(_COUNT_ONE), (*params, *asked.sight))
        total = unpack_int(number or b"")
    start = _number(place.keys[0]) if place else _LAST
    rows = (
        await run(
            asked.one_of(_ONE)[backward], (*params, pack_int8(start), pack_int8(span.count + 1), *asked.sight)
        )
        if span.count
        else []
    )
    page, more, less = turned([stored_of(key, row) for row in rows], span.count, place)
    return _page(
        tuple(page), [(stored.version,) for stored in page], more, less, Place((), False, total), asked
    )


async def _of_many(run: Run, asked: _Asked, place: Place | None, mark: int) -> Page:
    span = asked.span
    backward = place is not None and place.backward
    types = pack_int2s([TYPE_NUMBERS[one] for one in asked.types])
    since, low, high = _limits(span)
    bounds = (pack_int8(since), pack_int8(low), pack_int8(min(high, mark)))
    if not span.count:
        ((number,),) = await run(asked.one_of(_COUNT_MANY), (types, *bounds, *asked.sight))
        return Page((), unpack_int(number or b""), watermark=mark)
    start = [_number(value) for value in place.keys] if place else [_LAST, _LAST, _LAST]
    params = (types, *bounds, *map(pack_int8, start), pack_int8(span.count + 1), *asked.sight)
    rows: Sequence[Sequence[Any]] = await run(asked.one_of(_MANY)[backward], params)
    page, more, less = turned(rows, span.count, place)
    items = stored_in(page)
    keys = [(item.updated, row[0], item.version) for item, row in zip(items, page, strict=True)]
    total = place.total if place else None if more else len(items)
    return _page(items, keys, more, less, Place((), False, total, mark), asked)


def _page(
    items: tuple[Stored, ...],
    keys: Sequence[tuple[int, ...]],
    more: bool,
    less: bool,
    place: Place,
    asked: _Asked,
) -> Page:
    query, hasher = asked.fingerprint, asked.hasher
    after = cursor_of(replace(place, keys=keys[-1]), query, hasher) if more else ""
    before = cursor_of(replace(place, keys=keys[0], backward=True), query, hasher) if less else ""
    return Page(items, place.total, after, before, watermark=place.watermark)


def _limits(span: Span) -> tuple[int, int, int]:
    """Versions that came at or after the first, ended after the second and came before the third."""
    low, high = span.at or (_FIRST, _LAST)
    return _FIRST if span.since is None else span.since, low, high


def _bounds(span: Span) -> tuple[bytes, ...]:
    return tuple(map(pack_int8, _limits(span)))


def _number(value: object) -> int:
    assert isinstance(value, int)
    return value


def _seen(first: int, *rows: str, seen: bool) -> str:
    """That the rows are seen, by the sight that the parameters from `first` on tell of."""
    return "".join(f" and {is_seen(row, numbered(first))}" for row in rows) if seen else ""


def _one(order: str, than: str, *, seen: bool) -> Statement:
    return Statement(
        f"history_one_{order}{_NAMED[seen]}",
        f"""
        select {VALUES} from (
            (select {VALUES} from resource r
             where self = $1 and type = $2 and id = $3 and updated >= $4 and updated < $6
               and version {than} $7{_seen(9, "r", seen=seen)})
            union all
            (select v.*
             from resource r cross join lateral (
                select {VALUES} from version v
                where pk = r.pk and updated >= $4 and until > $5 and updated < $6 and version {than} $7
                  {_seen(9, "v", seen=seen)}
                order by version {order} limit $8) v
             where r.self = $1 and r.type = $2 and r.id = $3{_seen(9, "r", seen=seen)})) h
        order by version {order} limit $8""",
        (INT8, INT2, TEXT, INT8, INT8, INT8, INT8, INT8, *(OIDS if seen else ())),
    )


def _count_one(*, seen: bool) -> Statement:
    return Statement(
        f"history_count_one{_NAMED[seen]}",
        f"""
    select coalesce(sum((r.updated >= $4 and r.updated < $6)::int), 0)::bigint
        + coalesce(sum((select count(*) from version v
                        where v.pk = r.pk and v.updated >= $4 and v.until > $5 and v.updated < $6
                          {_seen(7, "v", seen=seen)})), 0)::bigint
    from resource r where r.self = $1 and r.type = $2 and r.id = $3{_seen(7, "r", seen=seen)}""",
        (INT8, INT2, TEXT, INT8, INT8, INT8, *(OIDS if seen else ())),
    )


_TOLD: Final = VALUES.split(", ")[2:]  # behind version and updated


def _many(order: str, than: str, *, seen: bool) -> Statement:
    """Each type has its newest versions at hand in an index; the newest of all are among those."""
    inside = f"updated >= $2 and updated < $4 and (updated, pk, version) {than} ($5, $6, $7)"
    today = (
        f" and exists (select 1 from resource r where r.pk = v.pk{_seen(9, 'r', seen=seen)})" if seen else ""
    )
    return Statement(
        f"history_many_{order}{_NAMED[seen]}",
        f"""
        select h.pk, r.type, r.id, h.version, h.updated,
            {", ".join(f"case when h.old then v.{name} else r.{name} end" for name in _TOLD)}
        from (
            select h.* from unnest($1::smallint[]) t(type) cross join lateral (
                (select pk, version, updated, false as old from resource r
                 where type = t.type and {inside}{_seen(9, "r", seen=seen)}
                 order by updated {order}, pk {order} limit $8)
                union all
                (select pk, version, updated, true from version v
                 where type = t.type and until > $3 and {inside}{_seen(9, "v", seen=seen)}{today}
                 order by updated {order}, pk {order}, version {order} limit $8)) h
            order by h.updated {order}, h.pk {order}, h.version {order} limit $8) h
        join resource r on r.pk = h.pk
        left join version v on h.old and v.pk = h.pk and v.version = h.version
        order by h.updated {order}, h.pk {order}, h.version {order}""",
        (INT2_ARRAY, INT8, INT8, INT8, INT8, INT8, INT8, INT8, *(OIDS if seen else ())),
        loaded=True,
    )


def _count_many(*, seen: bool) -> Statement:
    today = (
        f" and exists (select 1 from resource r where r.pk = v.pk{_seen(5, 'r', seen=seen)})" if seen else ""
    )
    return Statement(
        f"history_count_many{_NAMED[seen]}",
        f"""
    select coalesce(sum(
        (select count(*) from resource r
         where type = t.type and updated >= $2 and updated < $4{_seen(5, "r", seen=seen)})
      + (select count(*) from version v
         where type = t.type and until > $3 and updated >= $2 and updated < $4{_seen(5, "v", seen=seen)}{today})
      ), 0)::bigint
    from unnest($1::smallint[]) t(type)""",
        (INT2_ARRAY, INT8, INT8, INT8, *(OIDS if seen else ())),
    )


_NAMED: Final = {True: "_seen", False: ""}
_BOTH: Final = (False, True)
_ONE: Final = {seen: (_one("desc", "<", seen=seen), _one("asc", ">", seen=seen)) for seen in _BOTH}
_COUNT_ONE: Final = {seen: _count_one(seen=seen) for seen in _BOTH}
_MANY: Final = {seen: (_many("desc", "<", seen=seen), _many("asc", ">", seen=seen)) for seen in _BOTH}
_COUNT_MANY: Final = {seen: _count_many(seen=seen) for seen in _BOTH}
