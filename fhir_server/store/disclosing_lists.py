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
from fhir_server.store.audit_rows import NUMBERED_SQL, OPEN_SQL
from fhir_server.store.disclosures import Disclosures, disclosure, told
from fhir_server.store.numbers import TYPE_NUMBERS
from fhir_server.store.pipeline import Statement
from fhir_server.store.rows import BODY, FOUND
from fhir_server.store.seeing import PLAIN_COLUMNS, is_shown, numbered, plain_cells

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
_TOLD: Final = told(key="bigint", person="bigint", most="bigint", before="bytea", ending="bytea")


def _disclose(name: str, *, several: bool) -> Statement:
    cells = plain_cells(numbered(_TOLD.after, PLAIN_COLUMNS), "u.person", "u.place" if several else "")
    sql = f"""
    asked as materialized (select u.*, {cells} as cells from {_TOLD.of(several=several)} where {OPEN_SQL}),
    found as materialized (
        select a.place, a.person, a.pk as u_pk, {_GIVEN}, l.moment, l.pk, l.number,
            l.plain and l.bytes <= {LARGEST} as plain,
            case when l.number is null then a.before || a.ending
                when l.number = 1 then a.before || {NUMBERED_SQL.format(person="a.person")} || a.ending end as data,
            a.keys
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
    select place, {_NAMES}, null::bigint, moment, pk from found order by place, number"""
    return disclosure(name, _TOLD, sql, several=several)


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

    told = _TOLD
    of_one = _disclose("disclose_list", several=False)
    of_several = _disclose("disclose_lists", several=True)

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
        traces = [one.trace for one in asked]
        rows = await self.given(
            asked,
            [one.key for one in asked],
            [one.person for one in asked],
            [one.limit for one in asked],
            [one.before for one in traces],
            [one.ending for one in traces],
        )
        lists: list[list[Values] | None] = [None] * len(asked)
        for row in rows:
            found = lists[row[0] - 1]
            if found is None:
                found = lists[row[0] - 1] = []
            if row[_TYPE] is not None:  # else nothing is there
                found.append(row[1:])
        return [None if one is None or None in [row[BODY] for row in one] else one for one in lists]
