"""One page of a search: the resources, how many there are in all, the links to its neighbours, and what it includes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from fhir_server.kernel.keys import Key
from fhir_server.search.entries import Hasher
from fhir_server.search.query import Query
from fhir_server.store.binary import unpack_float8, unpack_int
from fhir_server.store.compile import count_of, count_plan, page_of, plan_by, plan_of, probe_of
from fhir_server.store.contract import Page, Stored
from fhir_server.store.cursors import Place, Value, cursor_of, place_of, turned
from fhir_server.store.includes import included
from fhir_server.store.pipeline import Row
from fhir_server.store.predicates import Kind
from fhir_server.store.rows import stored_of
from fhir_server.store.tables import TYPE_NUMBERS
from fhir_server.store.watermark import Run

CHEAP_TOTAL: Final = 10_000  # up to here a total is counted even if nobody asked

_VALUES: Final = slice(2, 7)


async def search(run: Run, hasher: Hasher, query: Query) -> Page:
    """See `contract.Reader.search`."""
    asked = (query.type, query.where, query.sort)
    place = place_of(query.cursor, asked, hasher)
    if query.type not in TYPE_NUMBERS:
        return Page((), 0)
    if not query.count:
        return Page((), await _count(run, hasher, query, await _plan(run, hasher, query), None))
    backward = place is not None and place.backward
    start = place.keys if place else None
    plan = place.plan if place else await _plan(run, hasher, query)
    compiled = page_of(query, hasher, plan, start=start, backward=backward, limit=query.count + 1)
    rows = await run(compiled.statement, compiled.params)
    page, more, less = turned(rows, query.count, place)
    total = len(page) if not more and place is None else await _total(run, hasher, query, plan, place)
    here = Place((), total=total, plan=plan)
    items = tuple([stored_of(Key(query.type, (row[1] or b"").decode()), row[_VALUES]) for row in page])
    return Page(
        items,
        total,
        cursor_of(replace(here, keys=keys_of(page[-1], compiled.keys)), asked, hasher) if more else "",
        cursor_of(replace(here, keys=keys_of(page[0], compiled.keys), backward=True), asked, hasher)
        if less
        else "",
        await _included(run, hasher, query, page) if query.includes and page else (),
    )


async def _plan(run: Run, hasher: Hasher, query: Query) -> int:
    plan = plan_of(query)
    if plan is not None:
        return plan
    compiled = probe_of(query, hasher)
    (counts,) = await run(compiled.statement, compiled.params)
    return plan_by(query, [unpack_int(count or b"") for count in counts])


async def _total(run: Run, hasher: Hasher, query: Query, plan: int, place: Place | None) -> int | None:
    """How many there are in all. Later pages are told by their cursor."""
    if place is not None and place.total is not None:
        return place.total
    match query.total:
        case "none":
            return None
        case "accurate" | "estimate":
            return await _count(run, hasher, query, plan, None)
        case None:
            found = None if place else await _count(run, hasher, query, plan, CHEAP_TOTAL + 1)
            return None if found is None or found > CHEAP_TOTAL else found


async def _included(run: Run, hasher: Hasher, query: Query, page: Sequence[Row]) -> tuple[Stored, ...]:
    return await included(run, hasher, query.includes, [unpack_int(row[0] or b"") for row in page])


async def _count(run: Run, hasher: Hasher, query: Query, plan: int, limit: int | None) -> int:
    compiled = count_of(query, hasher, count_plan(query, plan), limit=limit)
    ((number,),) = await run(compiled.statement, compiled.params)
    return unpack_int(number or b"")


def keys_of(row: Row, kinds: tuple[Kind, ...]) -> tuple[Value, ...]:
    return tuple([_value(data, kind) for data, kind in zip(row[_VALUES.stop :], kinds, strict=True)])


def _value(data: bytes | None, kind: Kind) -> Value:
    if data is None:
        return None
    match kind:
        case "text":
            return data.decode()
        case "float8":
            return unpack_float8(data)
        case _:
            return unpack_int(data)
