"""The audit log: traces go in and stay, and are found again.

A trace is durable before whoever was traced gets an answer; those that come together share a commit
(`audit_groups.py`). The traces of a write go with its transaction instead (`audit_rows.py`), so that neither is ever
there without the other, and that of a plain read with the statement that reads (`disclosing.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from fhir_server.kernel.errors import Unavailable
from fhir_server.kernel.keys import Key
from fhir_server.kernel.trace import Recorded, Trace, TracePage, TraceQuery
from fhir_server.search.entries import Hasher
from fhir_server.store.audit_groups import Expected, Groups
from fhir_server.store.audit_rows import add
from fhir_server.store.audit_search import TRACE_OF, found, names_of, recorded_of
from fhir_server.store.binary import pack_int8
from fhir_server.store.connections import translated
from fhir_server.store.contract import Stale
from fhir_server.store.ids import Pks, pk_of
from fhir_server.store.watermark import Run

_ATTEMPTS: Final = 3


class AuditLog:
    """Safe to share between the tasks of one event loop."""

    def __init__(self, write: Run, read: Run, hasher: Hasher, pks: Pks) -> None:
        """`write` and `read` run one statement each, autocommitted; what `write` did is durable when it returns."""
        self._run = write
        self._read = read
        self._hasher = hasher
        self._pks = pks
        self._groups = Groups(self._added)

    def expect(self) -> Expected:
        """An act begins, whose trace comes when it is over: those that come meanwhile wait for it, if not for long."""
        return self._groups.expect()

    async def write(self, trace: Trace) -> str:
        """Wait until a trace is durable: its id. Raises `Unavailable`, and then it may be there or not."""
        return await self._groups.write(trace)

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
        await self._groups.close()

    async def _added(self, traces: Sequence[Trace]) -> list[str]:
        for _ in range(_ATTEMPTS):
            with suppress(Stale), translated():  # another process made the same pk: see `ids.py`
                return await add(self._run, self._hasher, self._pks, traces)
        raise Unavailable(
            "What was asked cannot be traced at this moment; the same request may succeed later"
        )
