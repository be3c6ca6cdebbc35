"""Current versions that are read in one turn of the loop, by one statement.

A statement takes longer to be begun and ended than to find a row by its key, and with who sees it longer still. So
those who read in one turn wait until its end, and share one. Whoever reads alone has the statement of `rows.py`.

A row that is not plainly seen is asked for again by the whole rule, by each on their own. When a statement of several
fails, each is read alone, so that only those fail who would have.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

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
from fhir_server.store.numbers import METHODS, TYPE_NUMBERS
from fhir_server.store.pipeline import Statement
from fhir_server.store.seeing import PLAIN_COLUMNS, PLAIN_OIDS, is_plain, numbered, packed_in_rows
from fhir_server.store.watermark import Run

MOST: Final = 16  # that share a statement: the first of them has to wait for all

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


@dataclass(slots=True, eq=False)
class _Asked:
    """`answer`: what is there; within a sight, what is plainly seen."""

    key: Key
    sight: Sight | None
    answer: asyncio.Future[Stored | None]


class Together:
    """Reads current versions, a deletion too."""

    def __init__(self, run: Run, hasher: Hasher) -> None:
        self._run = run
        self._hasher = hasher
        self._loop = asyncio.get_running_loop()
        self._asked: list[_Asked] = []
        self._under_way: set[asyncio.Task[None]] = set()

    async def current(self, key: Key, sight: Sight | None) -> Stored | None:
        """The current version; `sight`: if whoever has it sees it. Raises what `run` raises."""
        if key.type not in TYPE_NUMBERS:
            return None
        asked = _Asked(key, sight, self._loop.create_future())
        self._asked.append(asked)
        if len(self._asked) == 1:
            self._loop.call_soon(self._send)
        elif len(self._asked) == MOST:
            self._send()
        stored = await asked.answer
        if stored is None and sight is not None:
            found = await rows.seen(self._run, self._hasher, key, sight)
            stored = found.stored if found else None
        return stored

    def _send(self) -> None:
        """Those of whom nothing is asked but what is there, and those who see, each by a statement."""
        asked, self._asked = self._asked, []
        for part in (
            [one for one in asked if one.sight is None],
            [one for one in asked if one.sight is not None and one.sight.actors],
        ):
            if part:
                self._begin(part)
        for one in asked:
            if one.sight is not None and not one.sight.actors:
                self._begin([one])

    def _begin(self, asked: Sequence[_Asked]) -> None:
        task = self._loop.create_task(self._answer(asked))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _answer(self, asked: Sequence[_Asked]) -> None:
        """Never raises: whatever goes wrong is told to those who asked."""
        if len(asked) == 1:
            await self._answer_alone(asked[0])
            return
        try:
            found = await self._found(asked)
        except Unavailable as error:
            for one in asked:
                if not one.answer.done():
                    one.answer.set_exception(Unavailable(str(error)))
        except Exception:  # one of them cannot even be sent, perhaps
            for one in asked:
                await self._answer_alone(one)
        else:
            for one, stored in zip(asked, found, strict=True):
                if not one.answer.done():  # else whoever asked was cancelled
                    one.answer.set_result(stored)

    async def _answer_alone(self, asked: _Asked) -> None:
        try:
            found = await rows.plainly(self._run, self._hasher, asked.key, asked.sight)
        except Exception as error:
            if not asked.answer.done():
                asked.answer.set_exception(error)
        else:
            if not asked.answer.done():
                asked.answer.set_result(found.stored if found else None)

    async def _found(self, asked: Sequence[_Asked]) -> list[Stored | None]:
        """Of each, all of whom have a sight or none has."""
        params: list[bytes | None] = [
            pack_int8s([self._hasher.self_of(one.key) for one in asked]),
            pack_int2s([TYPE_NUMBERS[one.key.type] for one in asked]),
            pack_texts([one.key.id for one in asked]),
        ]
        sights = [one.sight for one in asked if one.sight is not None]
        if sights:
            params += packed_in_rows(sights, self._hasher)
        found: list[Stored | None] = [None] * len(asked)
        loaded: Sequence[tuple[Any, ...]] = await self._run(_SEEN_PLAINLY if sights else _CURRENT, params)
        for place, version, updated, method, deleted, body, person in loaded:
            key = asked[place - 1].key
            found[place - 1] = Stored(
                key, version, updated, body or b"", deleted, METHODS[method - 1], person
            )
        return found
