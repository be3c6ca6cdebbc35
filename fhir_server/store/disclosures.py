"""Readers who are traced by the statement that reads, gathered: one statement is under way at a time.

Its commit waits for the disk, whether of one trace or of many.
"""

from __future__ import annotations

import logging
from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Protocol, TypeVar

from fhir_server.kernel.errors import Unavailable
from fhir_server.kernel.trace import Foretold
from fhir_server.search.entries import Hasher
from fhir_server.store.connections import translated
from fhir_server.store.gathering import Gathering, Waiting
from fhir_server.store.ids import Pks
from fhir_server.store.watermark import Run

_log = logging.getLogger(__name__)


class Traced(Protocol):
    """What somebody asks. `trace`: what it will be traced by, if it is given out."""

    @property
    def trace(self) -> Foretold: ...


Asked = TypeVar("Asked", bound=Traced)
Answer = TypeVar("Answer")


class Disclosures(Gathering[Asked, Answer | None]):
    """`ask`: what is given out, if the trace is `written`; None: nothing has been done.

    It raises `Unavailable`: then the trace may be there or not. `run` commits each statement, durably.
    """

    most: ClassVar[int] = 64
    patience_seconds: ClassVar[float | None] = None

    def __init__(self, run: Run, hasher: Hasher, pks: Pks) -> None:
        super().__init__()
        self._run = run
        self._hasher = hasher
        self._pks = pks

    @abstractmethod
    async def found(self, asked: Sequence[Asked]) -> Sequence[Answer | None]:
        """What is given out to each, and traced with it; None: nothing, and nothing is written."""

    async def answer(self, together: Sequence[Waiting[Asked, Answer | None]]) -> None:
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
