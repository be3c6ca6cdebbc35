"""Current versions that are read together, by one statement: see `gathering.py`.

A statement takes longer to be begun and ended than to find a row by its key, and with who sees it longer still.
Whoever reads alone has the statement of `rows.py`. A row that is not plainly seen is asked for again by the whole rule,
by each on their own. When a statement of several fails, each is read alone, so that only those fail who would have.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, ClassVar, Final, TypeAlias

from fhir_server.kernel.errors import Unavailable
from fhir_server.kernel.keys import Key
from fhir_server.search.entries import Hasher
from fhir_server.search.sight import Sight
from fhir_server.store import rows
from fhir_server.store.binary import (
    INT2_ARRAY,
    INT8_ARRAY,
    TEXT_ARRAY,
    pack_int2s,
    pack_int8s,
    pack_texts,
)
from fhir_server.store.contract import Stored
from fhir_server.store.gathering import Gathering, Waiting
from fhir_server.store.numbers import METHODS, TYPE_NUMBERS
from fhir_server.store.pipeline import Statement
from fhir_server.store.seeing import PLAIN_COLUMNS, PLAIN_OIDS, is_plain, numbered, packed_in_rows
from fhir_server.store.watermark import Run

_OIDS: Final = (INT8_ARRAY, INT2_ARRAY, TEXT_ARRAY)
_ROWS: Final = (
    f"select u.place, {', '.join(f'r.{name}' for name in rows.VALUES.split(', '))}"
    " from unnest($1::bigint[], $2::smallint[], $3::text[]) with ordinality u(self, type, id, place)"
    " join resource r on r.self = u.self and r.type = u.type and r.id = u.id"
)
_CURRENT: Final = Statement("current_of_several", _ROWS, _OIDS, loaded=True)
_SEEN_PLAINLY: Final = Statement(
    "current_plain_of_several",
    f"{_ROWS} where {is_plain('r', numbered(4, PLAIN_COLUMNS), 'u.place')}",
    (*_OIDS, *PLAIN_OIDS),
    loaded=True,
)


Asked: TypeAlias = tuple[Key, Sight | None]
_Waiting: TypeAlias = Waiting[Asked, Stored | None]


class Together(Gathering[Asked, Stored | None]):
    """Reads current versions, a deletion too. `ask`: what is there; within a sight, what is plainly seen."""

    most: ClassVar[int] = 16  # the first of them has to wait for all
    patience_seconds: ClassVar[float | None] = 0.001

    def __init__(self, run: Run, hasher: Hasher) -> None:
        super().__init__()
        self._run = run
        self._hasher = hasher

    async def current(self, key: Key, sight: Sight | None) -> Stored | None:
        """The current version; `sight`: if whoever has it sees it. Raises what `run` raises."""
        if key.type not in TYPE_NUMBERS:
            return None
        stored = await self.ask((key, sight))
        if stored is None and sight is not None:
            found = await rows.seen(self._run, self._hasher, key, sight)
            stored = found.stored if found else None
        return stored

    async def answer(self, together: Sequence[_Waiting]) -> None:
        """Those of whom nothing is asked but what is there, and those who see, each by a statement."""
        unknown: list[_Waiting] = []
        known: list[_Waiting] = []
        alone: list[_Waiting] = []
        for one in together:
            sight = one[0][1]
            (unknown if sight is None else known if sight.actors else alone).append(one)
        parts = [part for part in (unknown, known, *([one] for one in alone)) if part]
        if len(parts) == 1:
            await self._answer(parts[0])
        else:
            await asyncio.gather(*map(self._answer, parts))

    async def _answer(self, together: Sequence[_Waiting]) -> None:
        if len(together) == 1:
            await self._answer_alone(together[0])
            return
        try:
            found = await self._found([asked for asked, _ in together])
        except Unavailable as error:
            for _, answer in together:
                if not answer.done():
                    answer.set_exception(Unavailable(str(error)))
        except Exception:  # one of them cannot even be sent, perhaps
            for one in together:
                await self._answer_alone(one)
        else:
            for (_, answer), stored in zip(together, found, strict=True):
                if not answer.done():  # else whoever asked was cancelled
                    answer.set_result(stored)

    async def _answer_alone(self, waiting: _Waiting) -> None:
        (key, sight), answer = waiting
        try:
            found = await rows.plainly(self._run, self._hasher, key, sight)
        except Exception as error:
            if not answer.done():
                answer.set_exception(error)
        else:
            if not answer.done():
                answer.set_result(found.stored if found else None)

    async def _found(self, asked: Sequence[Asked]) -> list[Stored | None]:
        """Of each, all of whom have a sight or none has."""
        params: list[bytes | None] = [
            pack_int8s([self._hasher.self_of(key) for key, _ in asked]),
            pack_int2s([TYPE_NUMBERS[key.type] for key, _ in asked]),
            pack_texts([key.id for key, _ in asked]),
        ]
        sights = [sight for _, sight in asked if sight is not None]
        if sights:
            params += packed_in_rows(sights, self._hasher)
        found: list[Stored | None] = [None] * len(asked)
        loaded: Sequence[tuple[Any, ...]] = await self._run(_SEEN_PLAINLY if sights else _CURRENT, params)
        for place, version, updated, method, deleted, body, person in loaded:
            key = asked[place - 1][0]
            found[place - 1] = Stored(
                key, version, updated, body or b"", deleted, METHODS[method - 1], person
            )
        return found
