"""Readers who are traced by the statement that reads, gathered: one statement is under way at a time.

The commit waits for the disk, whether of one trace or of many. So those who ask while a statement is under way are the
next. Who is answered together asks again together: as many are waited for as were there last time, as long as they keep
coming.
"""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Final, Generic, Protocol, TypeVar

from fhir_server.kernel.errors import Unavailable
from fhir_server.kernel.trace import Foretold
from fhir_server.search.entries import Hasher
from fhir_server.store.connections import translated
from fhir_server.store.ids import Pks
from fhir_server.store.watermark import Run

MOST: Final = 64  # that share a statement
QUIET_SECONDS: Final = 0.0005  # in which nobody has come: then no more are waited for
PATIENCE_SECONDS: Final = 0.004  # that the first waits for others at most

_log = logging.getLogger(__name__)


class Traced(Protocol):
    """What somebody asks. `trace`: what it will be traced by, if it is given out."""

    @property
    def trace(self) -> Foretold: ...


Asked = TypeVar("Asked", bound=Traced)
Answer = TypeVar("Answer")


class Gathering(ABC, Generic[Asked, Answer]):
    """Safe to share between the tasks of one loop. `run` commits each statement, durably."""

    def __init__(self, run: Run, hasher: Hasher, pks: Pks) -> None:
        self._run = run
        self._hasher = hasher
        self._pks = pks
        self._loop = asyncio.get_running_loop()
        self._asked: list[tuple[Asked, asyncio.Future[Answer | None]]] = []
        self._likely = 1  # how many will ask, by those who were there last time
        self._since = 0.0  # when the first of those who ask came, and the last
        self._latest = 0.0
        self._timer: asyncio.Handle | None = None
        self._sending: asyncio.Task[None] | None = None

    @abstractmethod
    async def found(self, asked: Sequence[Asked]) -> Sequence[Answer | None]:
        """What is given out to each, and traced with it; None: nothing, and nothing is written."""

    async def ask(self, asked: Asked) -> Answer | None:
        """What is given out, if the trace is `written`; None: nothing has been done.

        Raises `Unavailable`: then the trace may be there or not.
        """
        answer: asyncio.Future[Answer | None] = self._loop.create_future()
        self._latest = self._loop.time()
        if not self._asked:
            self._since = self._latest
        self._asked.append((asked, answer))
        if self._sending is None:
            self._consider()
        return await answer

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
        together, self._asked = self._asked[:MOST], self._asked[MOST:]
        found: Sequence[Answer | None] = [None] * len(together)
        try:
            with translated():
                found = await self.found([asked for asked, _ in together])
        except Unavailable as error:
            for _, answer in together:
                if not answer.done():
                    answer.set_exception(Unavailable(str(error)))
        except Exception as error:  # one of them cannot even be sent, perhaps: nothing was written
            _log.warning("What is read is traced afterwards, after %s", type(error).__name__)
        finally:
            for (asked, answer), one in zip(together, found, strict=True):
                asked.trace.written = one is not None
                # Whoever was cancelled has gone; the trace is there all the same.
                if not answer.done():
                    answer.set_result(one)
            self._sending = None
            self._likely = len(together) + len(self._asked)
            if self._asked:
                self._since = self._latest = self._loop.time()
                self._consider()
