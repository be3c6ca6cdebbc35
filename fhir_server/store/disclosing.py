"""Current versions that are read with their traces, in one statement: nothing is given out whose trace is not durable.

Only what is plainly seen is given out here, and only if the sealer has not passed the moment (`audit_seal.py`). Of
whatever else is asked nothing has been written, and it is read and traced in the usual way.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from fhir_server.kernel.keys import Key
from fhir_server.kernel.trace import DONE, Foretold
from fhir_server.kernel.values import immutable
from fhir_server.search.sight import Sight
from fhir_server.store import rows
from fhir_server.store.audit_rows import FENCE_SQL, HELD_SQL, TRACE_LOCKS, foretold_keys
from fhir_server.store.binary import (
    BYTEA_ARRAY,
    INT2_ARRAY,
    INT8,
    INT8_ARRAY,
    TEXT_ARRAY,
    pack_byteas,
    pack_int2s,
    pack_int8,
    pack_int8s,
    pack_texts,
)
from fhir_server.store.contract import Stored
from fhir_server.store.disclosures import Disclosures
from fhir_server.store.ids import created
from fhir_server.store.numbers import METHODS, TYPE_NUMBERS
from fhir_server.store.pipeline import Statement
from fhir_server.store.seeing import PLAIN_COLUMNS, PLAIN_OIDS, is_plain, numbered, packed_in_rows

_ROWS: Final = rows.VALUES.split(", ")
_TOLD: Final = ("pk", "keys", "before", "between", "after", "ending")
_DISCLOSE: Final = Statement(
    "disclose",
    f"""
    with held as materialized ({HELD_SQL.format(lock="$1")}),
    fence as materialized ({FENCE_SQL.format(held="held")}),
    found as materialized (
        select u.place, r.self, {", ".join(f"r.{name}" for name in _ROWS)},
            {", ".join(f"u.{name} as u_{name}" for name in _TOLD)}
        from unnest($3::bigint[], $4::smallint[], $5::text[], $6::bigint[], $7::bytea[], $8::bytea[], $9::bytea[],
            $10::bytea[], $11::bytea[]) with ordinality u(self, type, id, {", ".join(_TOLD)}, place)
        join resource r on r.self = u.self and r.type = u.type and r.id = u.id
        where (select value < $2 from fence) and not r.deleted
            and {is_plain("r", numbered(12, PLAIN_COLUMNS), "u.place")}),
    traced as (
        insert into audit (pk, outcome, keys, data)
        select u_pk, {DONE},
            case when compartment is null or compartment = self then u_keys else u_keys || int8send(compartment) end,
            u_before || convert_to(version::text, 'UTF8') || case when compartment is null then u_ending
                else u_between || convert_to(compartment::text, 'UTF8') || u_after end
        from found)
    select place, {", ".join(_ROWS)} from found""",
    (
        *(INT8, INT8),
        *(INT8_ARRAY, INT2_ARRAY, TEXT_ARRAY, INT8_ARRAY),
        *(BYTEA_ARRAY,) * 5,
        *PLAIN_OIDS,
    ),
    loaded=True,
)


@immutable
class Asked:
    trace: Foretold
    thing: Key
    sight: Sight


class Disclosing(Disclosures[Asked, Stored]):
    """Those who read a current version."""

    async def current(self, trace: Foretold, sight: Sight) -> Stored | None:
        """What the trace is about, if it is plainly seen and the trace is `written`; None: nothing has been done.

        Raises `Unavailable`: then the trace may be there or not.
        """
        thing = trace.thing
        if thing is None or thing.type not in TYPE_NUMBERS or not sight.actors:
            return None
        return await self.ask(Asked(trace, thing, sight))

    async def found(self, asked: Sequence[Asked]) -> list[Stored | None]:
        hasher, pks = self._hasher, [self._pks.next() for _ in asked]
        stamp = created(pks[0]) // 1000
        told = [one.trace for one in asked]
        params: list[bytes | None] = [
            pack_int8(TRACE_LOCKS | stamp),
            pack_int8(stamp),
            pack_int8s([hasher.self_of(one.thing) for one in asked]),
            pack_int2s([TYPE_NUMBERS[one.thing.type] for one in asked]),
            pack_texts([one.thing.id for one in asked]),
            pack_int8s(pks),
            pack_byteas([foretold_keys(hasher, one) for one in told]),
            pack_byteas([one.before for one in told]),
            pack_byteas([one.between for one in told]),
            pack_byteas([one.after for one in told]),
            pack_byteas([one.ending for one in told]),
            *packed_in_rows([one.sight for one in asked], hasher),
        ]
        found: list[Stored | None] = [None] * len(asked)
        loaded: Sequence[tuple[Any, ...]] = await self._run(_DISCLOSE, params)
        for place, version, updated, method, deleted, body, person in loaded:
            key = asked[place - 1].thing
            found[place - 1] = Stored(
                key, version, updated, body or b"", deleted, METHODS[method - 1], person
            )
        return found
