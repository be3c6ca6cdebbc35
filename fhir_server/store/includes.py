"""What a page brings along: `_include`, from the references of its resources, and `_revinclude`, from those to them.

https://hl7.org/fhir/R4/search.html#include
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any, Final

from fhir_server.definitions.parameters import CORE, Parameter, Parameters
from fhir_server.search.entries import Hasher
from fhir_server.search.query import Include
from fhir_server.search.view import View
from fhir_server.store.binary import (
    INT2_ARRAY,
    INT8,
    INT8_ARRAY,
    pack_int2s,
    pack_int8,
    pack_int8s,
)
from fhir_server.store.contract import Stored
from fhir_server.store.numbers import TYPE_NUMBERS, TYPES
from fhir_server.store.pipeline import Statement
from fhir_server.store.rows import FOUND, Loaded
from fhir_server.store.seeing import OIDS, is_seen, numbered, packed
from fhir_server.store.watermark import Run

MOST: Final = 10_000  # resources that one page brings along

_COLUMNS: Final = ", ".join(f"r.{name}" for name in f"{FOUND}, pk".split(", "))
_OF_TYPES: Final = "(cardinality($6::smallint[]) = 0 or {r}.type = any($6))"


def _allowed(row: str, *, seen: bool) -> str:
    """That the row is seen, and of a type that the client may read."""
    return f"and {_OF_TYPES.format(r=row)} and {is_seen(row, numbered(7))}" if seen else ""


def _forward(*, seen: bool) -> Statement:
    return Statement(
        "include_seen" if seen else "include",
        f"""
    select {_COLUMNS} from (
        select distinct t.pk
        from unnest($1::bigint[]) p(pk)
        join resource s on s.pk = p.pk
        cross join lateral generate_series(1, cardinality(s.refs), 2) i
        cross join lateral (
            select pk, type from resource t
            where self = s.refs[i + 1] and not deleted {_allowed("t", seen=seen)} offset 0) t
        where (t.pk in (select unnest($2::bigint[]))) is not true and exists (
            select 1 from unnest($3::bigint[], $4::smallint[]) w(seed, type)
            where w.seed = s.refs[i] and w.type in (0, t.type) offset 0)
        limit $5) t
    join resource r on r.pk = t.pk
    order by r.pk""",
        (*_OIDS, *((INT2_ARRAY, *OIDS) if seen else ())),
        loaded=True,
    )


def _reverse(*, seen: bool) -> Statement:
    found = "select pk from entry where key = w.seed # s.self offset 0"
    if seen:
        found = f"""
            select x.pk from (select pk from entry where key = w.seed # s.self offset 0) f
            cross join lateral (
                select pk from resource x where x.pk = f.pk {_allowed("x", seen=seen)} offset 0) x"""
    return Statement(
        "revinclude_seen" if seen else "revinclude",
        f"""
    select {_COLUMNS} from (
        select distinct e.pk
        from unnest($1::bigint[]) p(pk)
        join resource s on s.pk = p.pk
        cross join unnest($3::bigint[], $4::smallint[]) w(seed, type)
        cross join lateral ({found}) e
        where w.type in (0, s.type) and (e.pk in (select unnest($2::bigint[]))) is not true
        limit $5) t
    join resource r on r.pk = t.pk
    order by r.pk""",
        (*_OIDS, *((INT2_ARRAY, *OIDS) if seen else ())),
        loaded=True,
    )


_OIDS: Final = (INT8_ARRAY, INT8_ARRAY, INT8_ARRAY, INT2_ARRAY, INT8)
# By whether it is asked who sees them, and then by whether the reference is followed backwards.
_STATEMENTS: Final = {
    seen: ((_forward(seen=seen), False), (_reverse(seen=seen), True)) for seen in (False, True)
}


async def included(
    run: Run,
    hasher: Hasher,
    includes: Sequence[Include],
    pks: Sequence[int],
    parameters: Parameters = CORE,
    view: View | None = None,
) -> tuple[Sequence[Stored], bool]:
    """The resources that `includes` reach from those of `pks`, none of these among them, each once.

    Also whether there are more than `MOST`. What was reached is not reached again, so circles come to an end. Of types
    that a client may read in part, none is included.
    """
    sight = () if view is None else (pack_int2s(_readable(view)), *packed(view.sight, hasher))
    known = list(pks)
    found: list[Sequence[Any]] = []
    step, frontier = list(includes), list(pks)
    while step and frontier and len(found) <= MOST:
        rows: dict[int, Sequence[Any]] = {}
        for statement, reverse in _STATEMENTS[view is not None]:
            chosen = [one for one in step if one.reverse == reverse]
            pairs = sorted({pair for one in chosen for pair in wanted(one, hasher, parameters)})
            if pairs:
                seeds, types = zip(*pairs, strict=True)
                params = (
                    pack_int8s(frontier),
                    pack_int8s(known),
                    pack_int8s(seeds),
                    pack_int2s(types),
                    pack_int8(MOST + 1 - len(found)),
                    *sight,
                )
                reached: Sequence[Sequence[Any]] = await run(statement, params)
                rows.update([(row[-1], row) for row in reached])
        frontier = list(rows)
        known += frontier
        found += rows.values()
        step = [one for one in includes if one.iterate]
    return Loaded(found[:MOST]), len(found) > MOST


def _readable(view: View) -> list[int]:
    """The numbers of the types that may be included; none: all of them."""
    if view.types is None and not view.among:
        return []
    return [TYPE_NUMBERS[one] for one in TYPES if view.reads(one)] or [0]


def wanted(include: Include, hasher: Hasher, parameters: Parameters = CORE) -> Iterator[tuple[int, int]]:
    """The seeds of the references that count, each with the number of the one type they lead to (0: any)."""
    target = TYPE_NUMBERS[include.target] if include.target else 0
    for parameter in _named(include.name.type, include.name.code, parameters):
        if not include.reverse:  # a resource's own list has each parameter under its own name
            yield hasher.seed(parameter.type, parameter.code), target
        elif not target or not parameter.only or parameter.only == include.target:
            only = TYPE_NUMBERS[parameter.only] if parameter.only else target
            yield hasher.seed(parameter.type, parameter.rows), only


@lru_cache(maxsize=1024)
def _named(type: str, code: str, parameters: Parameters) -> tuple[Parameter, ...]:
    """The reference parameters that an include names; `*`: all of them."""
    types: Iterable[str] = TYPES if type == "*" else (type,)
    found = [p for one in types for p in parameters.of(one).values() if code in {"*", p.code}]
    return tuple(p for p in found if p.kind == "reference")
