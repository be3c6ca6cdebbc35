"""Current versions that are read with their traces, in one statement: nothing is given out whose trace is not durable.

Only what is plainly seen is given out here, and only if the sealer has not passed the moment (`audit_seal.py`). Of
whatever else is asked nothing has been written, and it is read and traced in the usual way.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from fhir_server.kernel.keys import Key
from fhir_server.kernel.trace import DONE, Foretold
from fhir_server.kernel.values import immutable
from fhir_server.search.sight import Sight
from fhir_server.store import rows
from fhir_server.store.audit_rows import NUMBERED_SQL, OPEN_SQL
from fhir_server.store.contract import Stored
from fhir_server.store.disclosures import Disclosures, disclosure, told
from fhir_server.store.numbers import METHODS, TYPE_NUMBERS
from fhir_server.store.pipeline import Statement
from fhir_server.store.seeing import PLAIN_COLUMNS, is_plain, numbered

_ROWS: Final = rows.VALUES.split(", ")
_TOLD: Final = told(self="bigint", type="smallint", id="text", before="bytea", middle="bytea", ending="bytea")


def _disclose(name: str, *, several: bool) -> Statement:
    plain = is_plain("r", numbered(_TOLD.after, PLAIN_COLUMNS), "u.place" if several else "")
    sql = f"""
    found as materialized (
        select u.place, r.self, {", ".join(f"r.{one}" for one in _ROWS)},
            u.pk as u_pk, u.keys as u_keys, u.before as u_before, u.middle as u_middle, u.ending as u_ending
        from {_TOLD.of(several=several)} join resource r on r.self = u.self and r.type = u.type and r.id = u.id
        where {OPEN_SQL} and not r.deleted and {plain}),
    traced as (
        insert into audit (pk, outcome, keys, data)
        select u_pk, {DONE},
            case when compartment is null or compartment = self then u_keys else u_keys || int8send(compartment) end,
            u_before || convert_to(version::text, 'UTF8') || u_middle
                || {NUMBERED_SQL.format(person="compartment")} || u_ending
        from found)
    select place, {", ".join(_ROWS)} from found"""
    return disclosure(name, _TOLD, sql, several=several)


@immutable
class Asked:
    trace: Foretold
    thing: Key
    sight: Sight


class Disclosing(Disclosures[Asked, Stored]):
    """Those who read a current version."""

    told = _TOLD
    of_one = _disclose("disclose_one", several=False)
    of_several = _disclose("disclose", several=True)

    async def current(self, trace: Foretold, sight: Sight) -> Stored | None:
        """What the trace is about, if it is plainly seen and the trace is `written`; None: nothing has been done.

        Raises `Unavailable`: then the trace may be there or not.
        """
        thing = trace.thing
        if thing is None or thing.type not in TYPE_NUMBERS or not sight.actors:
            return None
        return await self.ask(Asked(trace, thing, sight))

    async def found(self, asked: Sequence[Asked]) -> list[Stored | None]:
        traces = [one.trace for one in asked]
        given = await self.given(
            asked,
            [self._hasher.self_of(one.thing) for one in asked],
            [TYPE_NUMBERS[one.thing.type] for one in asked],
            [one.thing.id for one in asked],
            [one.before for one in traces],
            [one.middle for one in traces],
            [one.ending for one in traces],
        )
        found: list[Stored | None] = [None] * len(asked)
        for place, version, updated, method, deleted, body, person in given:
            key = asked[place - 1].thing
            found[place - 1] = Stored(
                key, version, updated, body or b"", deleted, METHODS[method - 1], person
            )
        return found
