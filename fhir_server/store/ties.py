"""The ties of persons, as rows of `access`: all those of a person are written together, and read live."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import reduce
from operator import or_
from typing import Final

from fhir_server.kernel.keys import Key
from fhir_server.search.entries import Hasher
from fhir_server.search.extract import main_dates
from fhir_server.search.sight import Link, Tie
from fhir_server.store.binary import (
    INT2_ARRAY,
    INT8,
    INT8_ARRAY,
    pack_int2s,
    pack_int8,
    pack_int8s,
    unpack_int,
)
from fhir_server.store.pipeline import Statement
from fhir_server.store.watermark import Run

_MASKS: Final = "allow, named, deny, oppose, since, until"
# What a tie that is about data of some time alone has under its number: no mask of a `Sight` stands there.
DATED: Final = 1000
_LINKS: Final = Statement(
    "links",
    f"select person, actor, tie, {_MASKS}, data[1], data[2] from access where person = any($1) and actor = any($2)",
    (INT8_ARRAY, INT8_ARRAY),
)
# Two statements: what is deleted is what was there when the person was locked.
_UNTIE: Final = Statement("untie", "delete from access where person = $1", (INT8,))
_TIE: Final = Statement(
    "tie",
    f"""
    insert into access (person, actor, tie, {_MASKS}, data, contested)
    select $1, actor, tie, {_MASKS}, case when start is not null then array[start, stop] || $12::bigint[] end, $13
    from unnest($2::bigint[], $3::smallint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[],
        $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[]) u(actor, tie, {_MASKS}, start, stop)""",
    (INT8, INT8_ARRAY, INT2_ARRAY, *[INT8_ARRAY] * 9, INT8),
)


async def links(run: Run, hasher: Hasher, persons: Sequence[Key], actors: Sequence[Key]) -> list[Link]:
    """How these actors are tied to these persons."""
    if not persons or not actors:
        return []
    by_number = {hasher.self_of(key): key for key in (*persons, *actors)}
    params = (
        pack_int8s([hasher.self_of(key) for key in persons]),
        pack_int8s([hasher.self_of(key) for key in actors]),
    )
    found = []
    for row in await run(_LINKS, params):
        *whole, start, stop = row
        person, actor, tie, *masks = [unpack_int(value or b"") for value in whole]
        data = None if start is None or stop is None else (unpack_int(start), unpack_int(stop))
        kind = Tie(tie if data is None else tie + DATED)
        allow, named, deny, oppose, since, until = masks
        told = Link(by_number[person], by_number[actor], kind, allow, named, deny, oppose, since, until, data)
        found.append(told)
    return found


def contested(links: Iterable[Link]) -> int:
    """The cells of which these ties, all those of a person, deny anything to anybody, at whatever time."""
    return reduce(or_, [one.deny | one.oppose for one in links], 0)


async def tie(run: Run, hasher: Hasher, person: Key, links: Sequence[Link]) -> None:
    """Let these be all the ties of a person."""
    number = pack_int8(hasher.self_of(person))
    await run(_UNTIE, (number,))
    if links:
        columns = (
            pack_int8s([hasher.self_of(one.actor) for one in links]),
            pack_int2s([one.tie if one.data is None else one.tie - DATED for one in links]),
            *(pack_int8s([getattr(one, name) for one in links]) for name in _MASKS.split(", ")),
            *(pack_int8s([one.data and one.data[place] for one in links]) for place in (0, 1)),
            pack_int8s(sorted(main_dates(hasher)) if any(one.data for one in links) else []),
            pack_int8(contested(links)),
        )
        await run(_TIE, (number, *columns))
