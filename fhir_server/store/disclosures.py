"""Readers who are traced by the statement that reads, gathered: one statement is under way at a time.

Its commit waits for the disk, whether of one trace or of many: so those who likely come are waited for by the clock
too.
"""

from __future__ import annotations

import logging
from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, Protocol, TypeVar

from fhir_server.kernel.errors import Unavailable
from fhir_server.kernel.trace import Foretold
from fhir_server.search.entries import Hasher
from fhir_server.search.sight import Sight
from fhir_server.store.audit_rows import BEGUN_SQL, TRACE_LOCKS, foretold_keys
from fhir_server.store.binary import INT8, pack_int8
from fhir_server.store.binding import Kind
from fhir_server.store.columns import Columns
from fhir_server.store.connections import translated
from fhir_server.store.gathering import Gathering, Waiting
from fhir_server.store.ids import Pks, created
from fhir_server.store.requests import Statement
from fhir_server.store.seeing import PLAIN_OIDS, packed_in_rows, packed_plainly
from fhir_server.store.watermark import Run

_log = logging.getLogger(__name__)


class Traced(Protocol):
    """What somebody asks, who has a sight. `trace`: what it will be traced by, if it is given out."""

    @property
    def trace(self) -> Foretold: ...
    @property
    def sight(self) -> Sight: ...


def told(**kinds: Kind) -> Columns:
    """What the statement is told of each: the pk and the keys of the trace, and what else it needs."""
    return Columns({"pk": "bigint", "keys": "bytea", **kinds}, first=3)


def disclosure(name: str, told: Columns, sql: str, *, several: bool) -> Statement:
    """`sql`: behind `BEGUN_SQL`. The `PLAIN_COLUMNS` follow what is told."""
    oids = (INT8, INT8, *told.oids(several=several), *PLAIN_OIDS)
    return Statement(name, f"{BEGUN_SQL}, {sql}", oids, loaded=True)


Asked = TypeVar("Asked", bound=Traced)
Answer = TypeVar("Answer")


class Disclosures(Gathering[Asked, Answer | None]):
    """`ask`: what is given out, if the trace is `written`; None: nothing has been done.

    It raises `Unavailable`: then the trace may be there or not. `run` commits each statement, durably. `told`: as
    `of_one` and `of_several` are; a lone reader's values need not be arrays.
    """

    told: ClassVar[Columns]
    of_one: ClassVar[Statement]
    of_several: ClassVar[Statement]

    most: ClassVar[int] = 64
    patience_seconds: ClassVar[float | None] = None
    holds: ClassVar[bool] = True

    def __init__(self, run: Run, hasher: Hasher, pks: Pks) -> None:
        super().__init__()
        self._run = run
        self._hasher = hasher
        self._pks = pks

    @abstractmethod
    async def found(self, asked: Sequence[Asked]) -> Sequence[Answer | None]:
        """What is given out to each, and traced with it; None: nothing, and nothing is written."""

    async def given(self, asked: Sequence[Asked], *columns: Sequence[Any]) -> Sequence[tuple[Any, ...]]:
        """The rows of the statement. `columns`: what it is told of each, but for the trace."""
        hasher, pks = self._hasher, [self._pks.next() for _ in asked]
        stamp = created(pks[0]) // 1000
        keys = [foretold_keys(hasher, one.trace) for one in asked]
        locked = pack_int8(TRACE_LOCKS | stamp), pack_int8(stamp)
        told = self.told.packed([pks, keys, *columns])
        if len(asked) == 1:
            return await self._run(self.of_one, [*locked, *told, *packed_plainly(asked[0].sight, hasher)])
        sights = packed_in_rows([one.sight for one in asked], hasher)
        return await self._run(self.of_several, [*locked, *told, *sights])

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
