"""Lists of one person that are read with their traces, in one statement: see `disclosing.py`.

What is asked is the first page of all that refers to one Patient by a parameter, as `entry` lists it. It is given out
if all of it is about them and plainly seen (`compile.plain_page`), and not large; else nothing has been written.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, TypeAlias

from fhir_server.kernel.keys import Key
from fhir_server.kernel.trace import DONE, Foretold
from fhir_server.kernel.values import immutable
from fhir_server.search.query import Query, References, Visible
from fhir_server.search.sight import Sight
from fhir_server.store.audit_rows import FENCE_SQL, HELD_SQL, TRACE_LOCKS, foretold_keys
from fhir_server.store.binary import BYTEA_ARRAY, INT8, INT8_ARRAY, pack_byteas, pack_int8, pack_int8s
from fhir_server.store.disclosures import Disclosures
from fhir_server.store.ids import created
from fhir_server.store.numbers import TYPE_NUMBERS
from fhir_server.store.pipeline import Statement
from fhir_server.store.rows import BODY, FOUND
from fhir_server.store.seeing import (
    PLAIN_COLUMNS,
    PLAIN_OIDS,
    is_shown,
    numbered,
    packed_in_rows,
    plain_cells,
)

# Others wait for what is longer than so many rows, or larger than so many bytes.
LONGEST: Final = 101
LARGEST: Final = 500_000

Values: TypeAlias = tuple[Any, ...]
"""A row of a page: see `compile.Search.page`."""

_COLUMNS: Final = FOUND.split(", ")
_NAMES: Final = ", ".join(_COLUMNS)
_GIVEN: Final = ", ".join(
    f"case when l.bytes <= {LARGEST} then l.body end as body" if name == "body" else f"l.{name}"
    for name in _COLUMNS
)
_PLAIN: Final = f"r.compartment = a.person and {is_shown('r', 'a.cells')}"
_VALUES: Final = ", ".join(
    f"case when {_PLAIN} then r.body end as body" if name == "body" else f"r.{name}" for name in _COLUMNS
)
_DISCLOSE: Final = Statement(
    "disclose_lists",
    f"""
    with held as materialized ({HELD_SQL.format(lock="$1")}),
    fence as materialized ({FENCE_SQL.format(held="held")}),
    asked as materialized (
        select u.*, {plain_cells(numbered(10, PLAIN_COLUMNS), "u.person", "u.place")} as cells
        from unnest($3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bytea[], $8::bytea[], $9::bytea[])
            with ordinality u(key, person, most, pk, keys, told, untold, place)
        where (select value < $2 from fence)),
    found as materialized (
        select a.place, a.person, a.pk as u_pk, {_GIVEN}, l.moment, l.pk, l.number,
            l.plain and l.bytes <= {LARGEST} as plain,
            case when l.number = 1 then a.told when l.number is null then a.untold end as data, a.keys
        from asked a left join lateral (
            select p.*, row_number() over () as number, bool_and(p.body is not null) over () as plain,
                coalesce(sum(octet_length(p.body)) over (), 0) as bytes
            from (
                select {_VALUES}, c.moment, c.pk from entry c join resource r on r.pk = c.pk
                where c.key = a.key and c.space = 0 order by c.moment desc, c.pk desc limit a.most) p) l on true),
    traced as (
        insert into audit (pk, outcome, keys, data)
        select u_pk, {DONE}, case when number is null then keys else keys || int8send(person) end, data
        from found where number is null or (number = 1 and plain))
    select place, {_NAMES}, null::bigint, moment, pk from found order by place, number""",
    (
        *(INT8, INT8),
        *(INT8_ARRAY,) * 4,
        *(BYTEA_ARRAY,) * 3,
        *PLAIN_OIDS,
    ),
    loaded=True,
)
_TYPE: Final = 1 + _COLUMNS.index("type")  # behind the place


@immutable
class Asked:
    """`key`: of the list. `limit`: rows at most."""

    trace: Foretold
    sight: Sight
    person: int
    key: int
    limit: int


class DisclosingLists(Disclosures[Asked, Sequence[Values]]):
    """Those who list what is about one person."""

    async def page(self, trace: Foretold, query: Query) -> Sequence[Values] | None:
        """The rows of the first page of a query within a view, and the next one, if the trace is `written`.

        None: nothing has been done. Raises `Unavailable`: then the trace may be there or not.
        """
        sight, limit = query.sight, query.count + 1
        if sight is None or not sight.actors or limit > LONGEST or trace.thing is not None:
            return None
        if query.sort or query.cursor or query.includes or TYPE_NUMBERS.keys().isdisjoint(query.types):
            return None
        match query.where:
            case (References(name, (Key("Patient") as patient,), ()), Visible()) if query.types == (
                name.type,
            ):
                person = self._hasher.self_of(patient)
                key = self._hasher.reference(self._hasher.seed(name.type, name.code), person)
                return await self.ask(Asked(trace, sight, person, key, limit))
        return None

    async def found(self, asked: Sequence[Asked]) -> list[Sequence[Values] | None]:
        hasher, pks = self._hasher, [self._pks.next() for _ in asked]
        stamp = created(pks[0]) // 1000
        told = [one.trace for one in asked]
        params: list[bytes | None] = [
            pack_int8(TRACE_LOCKS | stamp),
            pack_int8(stamp),
            pack_int8s([one.key for one in asked]),
            pack_int8s([one.person for one in asked]),
            pack_int8s([one.limit for one in asked]),
            pack_int8s(pks),
            pack_byteas([foretold_keys(hasher, one) for one in told]),
            pack_byteas([_told(one) for one in asked]),
            pack_byteas([one.before + one.ending for one in told]),
            *packed_in_rows([one.sight for one in asked], hasher),
        ]
        lists: list[list[Values] | None] = [None] * len(asked)
        rows: Sequence[Values] = await self._run(_DISCLOSE, params)
        for row in rows:
            found = lists[row[0] - 1]
            if found is None:
                found = lists[row[0] - 1] = []
            if row[_TYPE] is not None:  # else nothing is there
                found.append(row[1:])
        return [None if one is None or None in [row[BODY] for row in one] else one for one in lists]


def _told(asked: Asked) -> bytes:
    """What the trace says if something was found."""
    trace = asked.trace
    return b"%b%b%d%b" % (trace.before, trace.between, asked.person, trace.after)
