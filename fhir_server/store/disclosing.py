"""Current versions that are read with their traces, in one statement: nothing is given out whose trace is not durable.

The commit waits for the disk, whether of one trace or of many. So one statement is under way at a time, and those who
ask meanwhile are the next. Who is answered together asks again together: as many are waited for as were there last
time, as long as they keep coming.

Only what is plainly seen is given out here, and only if the sealer has not passed the moment (`audit_seal.py`). Of
whatever else is asked nothing has been written, and it is read and traced in the usual way.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from fhir_server.kernel.errors import Unavailable
from fhir_server.kernel.trace import DONE, Foretold
from fhir_server.search.entries import Hasher
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
from fhir_server.store.connections import translated
from fhir_server.store.contract import Stored
from fhir_server.store.ids import Pks, created
from fhir_server.store.numbers import METHODS, TYPE_NUMBERS
from fhir_server.store.pipeline import Statement
from fhir_server.store.seeing import PLAIN_COLUMNS, PLAIN_OIDS, is_plain, numbered, packed_in_rows
from fhir_server.store.watermark import Run

MOST: Final = 64  # that share a statement
QUIET_SECONDS: Final = 0.0005  # in which nobody has come: then no more are waited for
PATIENCE_SECONDS: Final = 0.004  # that the first waits for others at most

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

_log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class _Asked:
    trace: Foretold
    sight: Sight
    answer: asyncio.Future[Stored | None]


class Disclosing:
    """`run` commits each statement, durably. Safe to share between the tasks of one loop."""

    def __init__(self, run: Run, hasher: Hasher, pks: Pks) -> None:
        self._run = run
        self._hasher = hasher
        self._pks = pks
        self._loop = asyncio.get_running_loop()
        self._asked: list[_Asked] = []
        self._likely = 1  # how many will ask, by those who were there last time
        self._since = 0.0  # when the first of those who ask came, and the last
        self._latest = 0.0
        self._timer: asyncio.Handle | None = None
        self._sending: asyncio.Task[None] | None = None

    async def current(self, trace: Foretold, sight: Sight) -> Stored | None:
        """What the trace is about, if it is plainly seen and the trace is `written`; None: nothing has been done.

        Raises what `run` raises: then the trace may be there or not.
        """
        if trace.thing.type not in TYPE_NUMBERS or not sight.actors:
            return None
        asked = _Asked(trace, sight, self._loop.create_future())
        self._latest = self._loop.time()
        if not self._asked:
            self._since = self._latest
        self._asked.append(asked)
        if self._sending is None:
            self._consider()
        return await asked.answer

    def _consider(self) -> None:
        """Send what is asked, at the end of the turn, unless more are likely to come."""
        count = len(self._asked)
        if count >= min(self._likely, MOST):
            if self._timer is not None:
                self._timer.cancel()
            self._timer = None
            self._sending = self._loop.create_task(self._send())
        elif self._timer is None:
            self._timer = self._loop.call_at(self._latest + QUIET_SECONDS, self._look)

    def _look(self) -> None:
        self._timer = None
        moment = self._loop.time()
        if moment < min(self._latest + QUIET_SECONDS, self._since + PATIENCE_SECONDS):
            self._timer = self._loop.call_at(self._latest + QUIET_SECONDS, self._look)
        else:
            self._sending = self._loop.create_task(self._send())

    async def _send(self) -> None:
        asked, self._asked = self._asked[:MOST], self._asked[MOST:]
        found: Sequence[Stored | None] = [None] * len(asked)
        try:
            with translated():
                found = await self._found(asked)
        except Unavailable as error:
            for one in asked:
                if not one.answer.done():
                    one.answer.set_exception(Unavailable(str(error)))
        except Exception as error:  # one of them cannot even be sent, perhaps: nothing was written
            _log.warning("Reads are traced each by itself, after %s", type(error).__name__)
        finally:
            for one, stored in zip(asked, found, strict=True):
                one.trace.written = stored is not None
                # Whoever was cancelled has gone; the trace is there all the same.
                if not one.answer.done():
                    one.answer.set_result(stored)
            self._sending = None
            self._likely = len(asked) + len(self._asked)
            if self._asked:
                self._since = self._latest = self._loop.time()
                self._consider()

    async def _found(self, asked: Sequence[_Asked]) -> list[Stored | None]:
        hasher, pks = self._hasher, [self._pks.next() for _ in asked]
        stamp = created(pks[0]) // 1000
        told = [one.trace for one in asked]
        params: list[bytes | None] = [
            pack_int8(TRACE_LOCKS | stamp),
            pack_int8(stamp),
            pack_int8s([hasher.self_of(one.thing) for one in told]),
            pack_int2s([TYPE_NUMBERS[one.thing.type] for one in told]),
            pack_texts([one.thing.id for one in told]),
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
            key = told[place - 1].thing
            found[place - 1] = Stored(
                key, version, updated, body or b"", deleted, METHODS[method - 1], person
            )
        return found
