"""What a page brings along: `_include`, from the references of its resources, and `_revinclude`, from those to them.

https://hl7.org/fhir/R4/search.html#include
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Final

from fhir_server.definitions.parameters import CORE, Parameter, Parameters
from fhir_server.search.entries import Hasher
from fhir_server.search.query import Include
from fhir_server.store.binary import (
    INT2_ARRAY,
    INT8,
    INT8_ARRAY,
    pack_int2s,
    pack_int8,
    pack_int8s,
    unpack_int,
)
from fhir_server.store.contract import Stored
from fhir_server.store.pipeline import Row, Statement
from fhir_server.store.rows import VALUES, key_of, stored_of
from fhir_server.store.tables import TYPE_NUMBERS, TYPES
from fhir_server.store.watermark import Run

MOST: Final = 10_000  # resources that one page brings along

_COLUMNS: Final = ", ".join(f"r.{name}" for name in f"pk, type, id, {VALUES}".split(", "))
_FORWARD: Final = Statement(
    "include",
    f"""
    select {_COLUMNS} from (
        select distinct t.pk
        from unnest($1::bigint[]) p(pk)
        join resource s on s.pk = p.pk
        cross join lateral generate_series(1, cardinality(s.refs), 2) i
        cross join lateral (select pk, type from resource where self = s.refs[i + 1] and not deleted offset 0) t
        where (t.pk in (select unnest($2::bigint[]))) is not true and exists (
            select 1 from unnest($3::bigint[], $4::smallint[]) w(seed, type)
            where w.seed = s.refs[i] and w.type in (0, t.type) offset 0)
        limit $5) t
    join resource r on r.pk = t.pk
    order by r.pk""",
    (INT8_ARRAY, INT8_ARRAY, INT8_ARRAY, INT2_ARRAY, INT8),
)
_REVERSE: Final = Statement(
    "revinclude",
    f"""
    select {_COLUMNS} from (
        select distinct e.pk
        from unnest($1::bigint[]) p(pk)
        join resource s on s.pk = p.pk
        cross join unnest($3::bigint[], $4::smallint[]) w(seed, type)
        cross join lateral (select pk from entry where key = w.seed # s.self offset 0) e
        where w.type in (0, s.type) and (e.pk in (select unnest($2::bigint[]))) is not true
        limit $5) t
    join resource r on r.pk = t.pk
    order by r.pk""",
    (INT8_ARRAY, INT8_ARRAY, INT8_ARRAY, INT2_ARRAY, INT8),
)


async def included(
    run: Run,
    hasher: Hasher,
    includes: Sequence[Include],
    pks: Sequence[int],
    parameters: Parameters = CORE,
) -> tuple[tuple[Stored, ...], bool]:
    """The resources that `includes` reach from those of `pks`, none of these among them, each once.

    Also whether there are more than `MOST`. What was reached is not reached again, so circles come to an end.
    """
    known = list(pks)
    found: list[Stored] = []
    step, frontier = list(includes), list(pks)
    while step and frontier and len(found) <= MOST:
        rows: dict[int, Row] = {}
        for statement, reverse in ((_FORWARD, False), (_REVERSE, True)):
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
                )
                rows.update((unpack_int(row[0] or b""), row) for row in await run(statement, params))
        frontier = list(rows)
        known += frontier
        found += [stored_of(key_of(row[1], row[2]), row[3:]) for row in rows.values()]
        step = [one for one in includes if one.iterate]
    return tuple(found[:MOST]), len(found) > MOST


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
