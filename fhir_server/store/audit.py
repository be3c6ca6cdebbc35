"""The audit log: traces go in and stay, and are found again.

A trace is durable before whoever was traced gets an answer. Those that come while others are being written wait for
these, and share a statement and a commit: the more come, the less each costs. Where many come, the first waits a moment
for the others. The traces of a write go with its transaction instead (`audit_rows.py`), so that neither is ever there
without the other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from fhir_server.kernel.errors import Unavailable
from fhir_server.kernel.keys import Key
from fhir_server.kernel.trace import Recorded, Trace, TracePage, TraceQuery
from fhir_server.search.entries import Hasher
from fhir_server.store.audit_rows import add
from fhir_server.store.audit_search import TRACE_OF, found, names_of, recorded_of
from fhir_server.store.binary import pack_int8
from fhir_server.store.connections import translated
from fhir_server.store.contract import Stale
from fhir_server.store.ids import Pks, pk_of
from fhir_server.store.watermark import Run

_MOST: Final = 500  # traces of one group
_GATHER_SECONDS: Final = 0.001  # under load; a commit takes as long, and its CPU is what others wait for
_ATTEMPTS: Final = 3

_Waiting = tuple[Trace, asyncio.Future[str]]


class AuditLog:
    """Safe to share between the tasks of one event loop."""

    def __init__(self, write: Run, read: Run, hasher: Hasher, pks: Pks) -> None:
        """`write` and `read` run one statement each, autocommitted; what `write` did is durable when it returns."""
        self._run = write
        self._read = read
        self._hasher = hasher
        self._pks = pks
        self._waiting: list[_Waiting] = []
        self._busy = False
        self._crowded = False  # the last group had several
        self._idle = asyncio.Event()
        self._writing: asyncio.Task[None] | None = None

    async def write(self, trace: Trace) -> str:
        """Wait until a trace is durable: its id. Raises `Unavailable`, and then it may be there or not."""
        if not self._busy and not self._crowded:
            # With nobody to share a group with, a task of its own would only cost.
            self._busy = True
            try:
                (name,) = await self._added([trace])
            finally:
                self._next()
            return name
        loop = asyncio.get_running_loop()
        future: asyncio.Future[str] = loop.create_future()
        self._waiting.append((trace, future))
        if not self._busy:  # the others of the last group are about to come again
            self._busy = True
            loop.call_later(_GATHER_SECONDS, self._next)
        return await future

    async def search(self, query: TraceQuery) -> TracePage:
        """Raises `Malformed` for a cursor that is not ours."""
        with translated():
            return await found(self._read, self._hasher, query)

    async def read(self, id: str) -> tuple[Recorded, Sequence[tuple[int, Key]]] | None:
        """A trace, and the names of its Patients."""
        pk = pk_of(id)
        if pk is None:
            return None
        with translated():
            rows = await self._read(TRACE_OF, (pack_int8(pk),))
            if not rows:
                return None
            return recorded_of(rows[0]), await names_of(self._read, rows)

    async def close(self) -> None:
        """Finish what is being written."""
        while self._busy:
            self._idle.clear()
            await self._idle.wait()

    def _next(self) -> None:
        """Write those that have come meanwhile."""
        group, self._waiting = self._waiting[:_MOST], self._waiting[_MOST:]
        if group:
            self._crowded = len(group) > 1
            self._writing = asyncio.get_running_loop().create_task(self._write(group))
        else:
            self._busy = False
            self._idle.set()

    async def _write(self, group: Sequence[_Waiting]) -> None:
        try:
            ids = await self._added([trace for trace, _ in group])
        except Exception as error:
            for _, future in group:
                if not future.done():
                    future.set_exception(error)
        else:
            for (_, future), name in zip(group, ids, strict=True):
                if not future.done():  # whoever asked has gone: the act is traced all the same
                    future.set_result(name)
        finally:
            self._next()

    async def _added(self, traces: Sequence[Trace]) -> list[str]:
        for _ in range(_ATTEMPTS):
            with suppress(Stale), translated():  # another process made the same pk: see `ids.py`
                return await add(self._run, self._hasher, self._pks, traces)
        raise Unavailable(
            "What was asked cannot be traced at this moment; the same request may succeed later"
        )
