"""Traces that share a statement and a commit: those that wait, and those that are expected.

A commit takes longer than all that is done for a trace beside it, so nobody is written alone who could be written with
others. Acts say when they begin (`expect`), and a group waits for those under way: it is written when nobody more is
about to come, the moment its last one has come. Under load all who are answered together ask again together, and then
they are one group, of eight or of fifty. Whoever acts alone waits for nobody.

An act that takes long is not waited for, and nobody waits for long.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from types import TracebackType
from typing import Final

from fhir_server.kernel.trace import Trace

MOST: Final = 500  # traces of one group
EXPECTED_SECONDS: Final = 0.008  # of an act under way: what takes longer is not waited for
PATIENCE_SECONDS: Final = 0.02  # that a trace waits for others at most, if there is always one more

_Waiting = tuple[Trace, asyncio.Future[str]]


class Expected:
    """An act under way, until the end of the block."""

    __slots__ = ("over", "since")

    def __init__(self, since: float) -> None:
        self.since = since  # of the loop's time
        self.over = False

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.over = True


class Groups:
    """`add` writes traces in one statement: their ids, in order. Safe to share between the tasks of one loop."""

    def __init__(self, add: Callable[[Sequence[Trace]], Awaitable[Sequence[str]]]) -> None:
        self._add = add
        self._loop = asyncio.get_running_loop()
        self._expected: deque[Expected] = deque()  # in the order in which they began
        self._waiting: list[_Waiting] = []
        self._first = 0.0  # when the first of them came
        self._timer: asyncio.TimerHandle | None = None
        self._busy = False
        self._writing: asyncio.Task[None] | None = None
        self._idle = asyncio.Event()

    def expect(self) -> Expected:
        """An act begins. Its trace comes at once when it is over, or never."""
        act = Expected(self._loop.time())
        self._expected.append(act)
        return act

    async def write(self, trace: Trace) -> str:
        """Wait until a trace is written: its id. Raises what `add` raises."""
        if not self._busy and not self._waiting and not self._is_anyone_expected():
            # With nobody to share a group with, a task of its own would only cost.
            self._busy = True
            try:
                (name,) = await self._add([trace])
            finally:
                self._end()
            return name
        future: asyncio.Future[str] = self._loop.create_future()
        if not self._waiting:
            self._first = self._loop.time()
        self._waiting.append((trace, future))
        self._consider()
        return await future

    async def close(self) -> None:
        """Return when nobody waits any more."""
        while self._busy or self._waiting:
            self._idle.clear()
            await self._idle.wait()

    def _is_anyone_expected(self) -> bool:
        expected = self._expected
        while expected:
            act = expected[0]
            if not act.over and act.since > self._loop.time() - EXPECTED_SECONDS:
                return True
            expected.popleft()
        return False

    def _consider(self) -> None:
        """Write those who wait, unless others are being written, or expected."""
        if self._busy or not self._waiting:
            return
        if len(self._waiting) >= MOST or not self._is_anyone_expected():
            self._begin()
        elif self._timer is None:
            self._timer = self._loop.call_at(self._first + PATIENCE_SECONDS, self._lose_patience)

    def _lose_patience(self) -> None:
        self._timer = None
        if not self._busy and self._waiting:
            self._begin()

    def _begin(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._busy = True
        group, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
        self._writing = self._loop.create_task(self._write(group))

    async def _write(self, group: Sequence[_Waiting]) -> None:
        try:
            ids = await self._add([trace for trace, _ in group])
        except Exception as error:
            for _, future in group:
                if not future.done():
                    future.set_exception(error)
        else:
            for (_, future), name in zip(group, ids, strict=True):
                if not future.done():  # whoever asked has gone: the act is traced all the same
                    future.set_result(name)
        finally:
            self._end()

    def _end(self) -> None:
        self._busy = False
        self._idle.set()
        self._consider()
