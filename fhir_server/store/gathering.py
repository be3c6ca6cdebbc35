"""Readers of one loop who share their statements: what takes longest of a small one is its beginning and its end.

Those who ask in one turn of the loop share one, and those who ask while one is under way share the next. Who is
answered together asks again together: as many are waited for as were there last time, as long as they keep coming. So
under load nearly all who read at a time share a statement, and whoever reads alone waits for nobody.

Where a statement costs much more than a reader adds to it, those who have not come are waited for even when nobody
comes any more: they may have to wait for a processor. That is given up for a while when it was in vain, for then
readers do not come back together: each comes at a time of their own.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Final, Generic, TypeAlias, TypeVar

QUIET_TURNS: Final = 3  # of the loop, in which nobody has come: then no more are waited for
HOLD_SECONDS: Final = 0.001  # the shortest of uvloop's timers: what is less is none
SPARED: Final = 16  # statements that are not held back after one that was in vain

Asked = TypeVar("Asked")
Answer = TypeVar("Answer")
Waiting: TypeAlias = tuple[Asked, asyncio.Future[Answer]]


class Gathering(ABC, Generic[Asked, Answer]):
    """Safe to share between the tasks of one loop.

    `most`: that share a statement. `patience_seconds`: for so long those who ask wait for a statement under way, and
    only if they are not as many as share one; None: until it has ended. `holds`: those who have not come are waited for
    by the clock.
    """

    most: ClassVar[int]
    patience_seconds: ClassVar[float | None]
    holds: ClassVar[bool] = False

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._asked: list[Waiting[Asked, Answer]] = []
        self._under_way: dict[asyncio.Task[None], int] = {}  # how many share each
        self._likely = 1  # how many will ask, by those who were there last time
        self._looking = False
        self._counted = 0  # when those who wait were last looked at
        self._quiet = 0  # turns since somebody came
        self._timer: asyncio.TimerHandle | None = None
        self._hold: asyncio.TimerHandle | None = None
        self._spared = 0  # statements that are not held back

    @abstractmethod
    async def answer(self, together: Sequence[Waiting[Asked, Answer]]) -> None:
        """Tell each, unless they have gone. Never raises: what goes wrong is told to those who asked."""

    async def ask(self, asked: Asked) -> Answer:
        answer: asyncio.Future[Answer] = self._loop.create_future()
        self._asked.append((asked, answer))
        if self._hold is not None:
            if len(self._asked) >= self._awaited():
                self._hold.cancel()
                self._release()
        elif not self._under_way:
            self._begin_to_look()
        elif self.patience_seconds is not None:
            if len(self._asked) >= self.most:
                self._send()
            elif self._timer is None:
                self._timer = self._loop.call_later(self.patience_seconds, self._send)
        return await answer

    def _begin_to_look(self) -> None:
        if not self._looking:
            self._looking = True
            self._counted = self._quiet = 0
            self._loop.call_soon(self._look)

    def _look(self) -> None:
        """At the end of a turn: send what is asked, unless more are likely to come."""
        count = len(self._asked)
        if not count:  # it was sent
            self._looking = False
            return
        if count > self._counted:
            self._counted, self._quiet = count, 0
        else:
            self._quiet += 1
        missing = count < self._awaited()
        if missing and self._quiet < QUIET_TURNS:
            self._loop.call_soon(self._look)
            return
        self._looking = False
        if missing and self.holds and not self._spared:
            self._hold = self._loop.call_later(HOLD_SECONDS, self._held_in_vain)
        else:
            self._spared = max(0, self._spared - 1)
            self._send()

    def _awaited(self) -> int:
        """As many as are worth waiting for."""
        return min(self._likely, self.most)

    def _held_in_vain(self) -> None:
        self._spared = SPARED
        self._release()

    def _release(self) -> None:
        self._hold = None
        self._send()

    def _send(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while self._asked and not (self._under_way and self.patience_seconds is None):
            together, self._asked = self._asked[: self.most], self._asked[self.most :]
            task = self._loop.create_task(self.answer(together))
            self._under_way[task] = len(together)
            task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._likely = self._under_way.pop(task) + len(self._asked)
        if self._asked and not self._under_way:
            self._begin_to_look()
