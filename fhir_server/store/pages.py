"""One page of a search: the resources, how many there are in all, the links to its neighbours, and what it includes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, TypeAlias

import orjson

from fhir_server.definitions.parameters import CORE, Parameters
from fhir_server.kernel.errors import Malformed
from fhir_server.search.entries import Hasher
from fhir_server.search.query import Query
from fhir_server.search.view import View, narrowed
from fhir_server.store.binary import unpack_int
from fhir_server.store.compile import Search
from fhir_server.store.contract import Page, Stored
from fhir_server.store.cursors import Place, Value, cursor_of, place_of, turned
from fhir_server.store.includes import included
from fhir_server.store.listed import members
from fhir_server.store.numbers import TYPE_NUMBERS
from fhir_server.store.plans import CHEAP, Plan, plan_numbered
from fhir_server.store.rows import BODY, Loaded
from fhir_server.store.statements import Compiler
from fhir_server.store.watermark import Run

ESTIMATED: Final = 2000  # candidates that an estimate looks at
SORTABLE_TEXTS: Final = 20_000  # candidates: of so many are bodies read to sort by what is in them

_NUMBER: Final = 6  # of candidates, behind `FOUND`
_KEYS: Final = slice(_NUMBER + 1, None)

Values: TypeAlias = tuple[Any, ...]
"""A row of a page: see `Search.page`."""
Told: TypeAlias = Callable[[Query], Awaitable[Sequence[Values] | None]]
"""The rows of the first page of a query and the first of the next; None: it is to be asked as usual."""


async def search(
    run: Run,
    compiler: Compiler,
    query: Query,
    parameters: Parameters = CORE,
    view: View | None = None,
    told: Told | None = None,
) -> Page:
    """See `contract.Reader.search`. `told`: what gives out a list that is plainly seen, and traces it."""
    query = narrowed(query, view)
    asked = _asked(query, compiler.hasher) if query.cursor else ""
    place = place_of(query.cursor, asked, compiler.hasher)
    if query.types and TYPE_NUMBERS.keys().isdisjoint(query.types):
        return Page((), 0)
    search = Search(query, compiler, parameters)
    for key in search.lists:
        readable = view is None or view.reads("List")
        search.listed[key] = await members(run, compiler.hasher, key, query.sight) if readable else ()
    plan = plan_numbered(place.plan) if place else await _plan(run, search)
    if plan.least == 0:
        return Page((), 0)
    if not query.count:
        return Page((), await _exact(run, search, plan))
    if place is None and query.sight is None and any(sort.kind == "text" for sort in query.sort):
        await _require_few(run, search, plan)
    rows = await _rows(run, search, plan, place, told)
    page, more, less = turned(rows, query.count, place)
    total = len(page) if not more and place is None else await _total(run, search, plan, place, rows)
    next_page = previous_page = ""
    if more or less:
        asked = asked or _asked(query, compiler.hasher)
        if more:
            behind = Place(keys_of(page[-1]), total=total, plan=plan.number)
            next_page = cursor_of(behind, asked, compiler.hasher)
        if less:
            before = Place(keys_of(page[0]), backward=True, total=total, plan=plan.number)
            previous_page = cursor_of(before, asked, compiler.hasher)
    items = Loaded(page)
    found: Sequence[Stored] = ()
    truncated = False
    if query.includes and page:
        pks = [row[-1] for row in page]
        found, truncated = await included(run, compiler.hasher, query.includes, pks, parameters, view)
    return Page(items, total, next_page, previous_page, found, truncated=truncated)


def _asked(query: Query, hasher: Hasher) -> str:
    """What a cursor is good for: this query, of this caller, as a short text."""
    asked: str | None = query.made.get(hasher)
    if asked is None:
        actors = None if query.sight is None else query.sight.actors
        text = repr((query.types, query.where, query.sort, actors))
        asked = query.made[hasher] = str(hasher.of(text))
    return asked


async def _rows(
    run: Run, search: Search, plan: Plan, place: Place | None, told: Told | None
) -> Sequence[Values]:
    """The rows of a page, and of the next the first."""
    start = place.keys if place else None
    backward = place is not None and place.backward
    limit = search.query.count + 1
    if search.query.sight is not None:
        plain = search.plain_page(plan, start=start, backward=backward, limit=limit)
        if plain is not None:
            if told is not None and (given := await told(search.query)) is not None:
                return given
            rows: Sequence[Values] = await run(plain.statement, plain.params)
            if None not in [row[BODY] for row in rows]:
                return rows
            search.keep_apart()
    compiled = search.page(plan, start=start, backward=backward, limit=limit)
    return await run(compiled.statement, compiled.params)


async def _plan(run: Run, search: Search) -> Plan:
    plan = search.plan() or search.recent_plan
    if plan is None:
        plan = await _counted_out(run, search)
        search.keep_plan(plan)
    return plan


async def _counted_out(run: Run, search: Search) -> Plan:
    plan, wide = None, False
    while plan is None:
        compiled = search.probe(wide=wide)
        (counts,) = await run(compiled.statement, compiled.params)
        plan, wide = search.plan_by([unpack_int(count or b"") for count in counts], wide=wide), True
    return plan


async def _require_few(run: Run, search: Search, plan: Plan) -> None:
    _, candidates = await _counted(run, search, plan, SORTABLE_TEXTS + 1)
    if candidates > SORTABLE_TEXTS:
        raise Malformed(
            "There are too many resources to sort by this parameter, which has no order in the index;"
            " narrower criteria, or a sort by a date, a string or _lastUpdated, would be right",
            code="too-costly",
        )


def keys_of(row: Values) -> tuple[Value, ...]:
    """The sort keys of a row of a page."""
    return row[_KEYS]


# Totals -------------------------------------------------------------------------------------------------------------


async def _total(
    run: Run, search: Search, plan: Plan, place: Place | None, rows: Sequence[Values]
) -> int | None:
    """How many there are in all. Later pages are told by their cursor."""
    if place is not None and place.total is not None:
        return place.total
    match search.query.total:
        case "none":
            return None
        case "accurate":
            return await _exact(run, search, plan)
        case "estimate":
            # How many there are that the caller does not see must not show in the number.
            if search.query.sight is not None:
                return await _exact(run, search, plan)
            return await _estimate(run, search, plan)
        case None:
            if place is not None or search.query.sight is not None:
                return None
            number: int | None = rows[0][_NUMBER]
            if number is not None:
                return number if number <= CHEAP else None
            limit = search.cheap_limit(plan)
            if not limit:
                return None
            matched, candidates = await _counted(run, search, plan, limit + 1, all_or_none=True)
            return matched if candidates <= limit else None


async def _exact(run: Run, search: Search, plan: Plan) -> int:
    matched, _ = await _counted(run, search, plan, None)
    return matched


async def _estimate(run: Run, search: Search, plan: Plan) -> int:
    """Exact for few candidates. For more, those that PostgreSQL expects, of which as many match as of the first."""
    matched, candidates = await _counted(run, search, plan, ESTIMATED + 1)
    if candidates <= ESTIMATED:
        return matched
    compiled = search.estimate(plan)
    ((plan_text,),) = await run(compiled.statement, compiled.params)
    expected: int = orjson.loads(plan_text or b"[]")[0]["Plan"]["Plan Rows"]
    return max(matched, round(matched * expected / candidates))


async def _counted(
    run: Run, search: Search, plan: Plan, limit: int | None, *, all_or_none: bool = False
) -> tuple[int, int]:
    """How many match of the first candidates, and how many candidates there are, both at most `limit`."""
    compiled = search.count(plan, limit, all_or_none=all_or_none)
    ((matched, candidates),) = await run(compiled.statement, compiled.params)
    return unpack_int(matched or b""), unpack_int(candidates or b"")
