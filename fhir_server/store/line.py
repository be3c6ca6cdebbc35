"""One connection in libpq's pipeline mode, and the callers whose statements are under way on it.

- Each statement is its own sync segment, hence its own transaction, and a failure ends with it. An answer is given when
  the server has passed the sync: by then it is committed.
- On a line of readers, what is sent in one turn of the loop shares a segment: all but one of them save a transaction, a
  packet and a wake-up. Their answers may come all at once, with that to the last. When one fails, the server passes
  over those behind it, and they are sent once more; nothing on such a line writes or locks. What has to be prepared
  first has a segment of its own.
- Order is all that ties an answer to its caller, so nothing that was sent leaves the line: the answer to a caller that
  was cancelled is read and dropped.
- A statement is prepared in the segment of its first use, and forgotten with the connection.
- When the connection is lost, what was sent and not answered may have run: its callers get `Unavailable`.
- Errors are psycopg's, without the fields in which a server repeats values (detail, context, query).

Libpq writes on every sync; what the socket does not take stays in libpq's buffer and nothing else is sent until
it is gone, so that one large parameter never piles up behind another.

https://www.postgresql.org/docs/current/libpq-pipeline-mode.html
"""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import Callable
from typing import Any, Final

import psycopg
from psycopg.adapt import Transformer
from psycopg.pq import DiagnosticField, ExecStatus
from psycopg.pq.abc import PGresult

from fhir_server.kernel.errors import Unavailable
from fhir_server.store.requests import BINARY, Prepared, Request, Row, refuse

PREPARED: Final = 500  # statements kept prepared on a connection; past it the oldest makes room
TOGETHER: Final = 8  # statements at most in a segment: the first may have to wait for the answers to all
GLANCE_SECONDS: Final = 0.1  # how long a line is silent before it is read unasked

_TUPLES: Final = int(ExecStatus.TUPLES_OK)
_DONE: Final = frozenset({int(ExecStatus.COMMAND_OK), int(ExecStatus.EMPTY_QUERY)})
_SYNC: Final = int(ExecStatus.PIPELINE_SYNC)
_ABORTED: Final = int(ExecStatus.PIPELINE_ABORTED)
_FAILED: Final = int(ExecStatus.FATAL_ERROR)
_TOLD: Final = (
    DiagnosticField.SQLSTATE,
    DiagnosticField.MESSAGE_PRIMARY,
    DiagnosticField.SCHEMA_NAME,
    DiagnosticField.TABLE_NAME,
    DiagnosticField.CONSTRAINT_NAME,
)
_OUTDATED: Final = (b"0A000", b"26000")  # the plan's result type changed; the server no longer knows the name
_CANCELLED: Final = "57014"
_LOST: Final = "The database went away meanwhile; this may have been done or not"


class Line:
    """`on_room` is called when more may be sent, `on_end` once, when the connection is gone or closed.

    `shared`: statements of one turn of the loop share a segment.
    """

    def __init__(
        self,
        connection: psycopg.AsyncConnection[Any],
        in_flight: int,
        patience_seconds: float,
        on_room: Callable[[], None],
        on_end: Callable[[Exception | None], None],
        *,
        shared: bool = False,
    ) -> None:
        self.pending: deque[Request] = deque()  # sent and not answered, in order
        self.since = 0.0  # the loop's time when the first of them became the first
        self._connection = connection  # warns when it is dropped before its end
        self._pq = connection.pgconn
        self._pq.enter_pipeline_mode()
        # Libpq closes its socket whenever it finds it broken, and the number may soon be another's: we watch our own.
        self._socket = os.dup(self._pq.socket)
        self._in_flight = in_flight
        self._patience = patience_seconds
        self._on_room = on_room
        self._on_end = on_end
        self._shared = shared
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._socket, self._readable)
        self._prepared: dict[str, Prepared] = {}
        self._open: Request | None = None  # the one sent last, while its segment has no sync
        self._opened = 0  # how many the open segment has
        self._ending = 0  # segments whose sync was sent and has not passed
        self._full = False  # the socket takes no more; libpq keeps the rest
        self._ended = False
        self._transformer = Transformer(connection)
        self._found: list[list[Row]] = []  # by the commands of the segment being read
        self._error: PGresult | None = None
        self._signs = self._seen = 0  # of life, and those of the last glance
        self._silent_seconds = 0.0
        self._glance: asyncio.TimerHandle | None = None  # runs while anything is under way

    def has_room(self) -> bool:
        return len(self.pending) < self._in_flight and not self._full

    def send(self, request: Request) -> None:
        """Never raises: whatever goes wrong is told to the caller's future."""
        statement = request.statement
        known = self._prepared.get(statement.name)
        if known is not None and known.statement is not statement and known.statement != statement:
            known = None
        alone = not self._shared or known is None
        while alone and self._open is not None and not self._ended:
            self._sync_open()  # others may be sent again with it, and then stand before this one in `pending`
        if self._ended:
            refuse(deque([request]), _LOST, None)
            return
        if not self.pending:
            self.since = self._loop.time()
        self.pending.append(request)
        if self._glance is None:
            self._glance = self._loop.call_later(GLANCE_SECONDS, self._look)
        try:
            prepared = request.prepared = known or self._prepare(request)
            try:
                self._pq.send_query_prepared(prepared.name, request.params, prepared.formats, BINARY)
            except psycopg.Error:
                raise
            except Exception as error:  # a parameter is not bytes; the segment ends, without the query
                request.future.set_exception(error)
                alone = True
            if alone:
                self._sync(request)
                return
            if self._open is None:
                self._loop.call_soon(self._sync_open)
                self._opened = 0
            self._open = request
            self._opened += 1
            if self._opened == TOGETHER:
                self._sync(request)
        except psycopg.Error as error:
            self._lose(error)

    def _sync_open(self) -> None:
        if self._open is not None and not self._ended:
            try:
                self._sync(self._open)
            except psycopg.Error as error:
                self._lose(error)

    def _sync(self, last: Request) -> None:
        """End the segment, and with it the transaction."""
        self._open = None
        last.last = True
        self._ending += 1
        self._pq.pipeline_sync()
        self._flush()

    def end(self, cause: Exception | None) -> None:
        """Close the connection. Those not answered are refused."""
        if self._ended:
            return
        self._ended = True
        self._loop.remove_reader(self._socket)
        self._loop.remove_writer(self._socket)
        if self._glance is not None:
            self._glance.cancel()
        os.close(self._socket)
        self._pq.finish()
        refuse(self.pending, _LOST, cause)
        self._on_end(cause)

    def _prepare(self, request: Request) -> Prepared:
        statement = request.statement
        prepared = Prepared(statement)
        closing = [prepared.name]  # under which an older text may be known; closing nothing is no error
        if len(self._prepared) >= PREPARED and statement.name not in self._prepared:
            closing.append(self._prepared.pop(next(iter(self._prepared))).name)
        for name in closing:
            self._pq.send_close_prepared(name)
        self._pq.send_prepare(prepared.name, statement.sql.encode(), statement.oids)
        request.steps = len(closing) + 1
        self._prepared[statement.name] = prepared
        return prepared

    def _flush(self) -> None:
        full = self._pq.flush() == 1
        if full:
            self._receive()  # libpq reads while it cannot write, so that neither side waits for the other
        if full != self._full and not self._ended:
            self._full = full
            if full:
                self._loop.add_writer(self._socket, self._writable)
            else:
                self._loop.remove_writer(self._socket)

    def _writable(self) -> None:
        self._signs += 1
        try:
            self._flush()
        except psycopg.Error as error:
            self._lose(error)
        else:
            self._on_room()

    def _readable(self) -> None:
        self._signs += 1
        self._read()

    def _read(self) -> None:
        try:
            self._pq.consume_input()
        except psycopg.Error as error:
            self._lose(error)
        else:
            self._receive()
            self._on_room()

    def _receive(self) -> None:
        """Hand out the answers that have arrived whole."""
        pq, pending = self._pq, self.pending
        self.since = self._loop.time()
        between = False
        while pending and self._ending and not pq.is_busy():
            result = pq.get_result()
            if result is None:
                if between:  # libpq waits for nothing and we do: the line has no order any more
                    self.end(psycopg.InterfaceError("out of step with libpq"))
                    return
                between = True
                continue
            between = False
            status = result.status
            if status == _TUPLES:
                statement = pending[len(self._found) - pending[0].steps].statement
                self._found.append(self._loaded(result) if statement.loaded else _rows(result))
            elif status == _SYNC:
                self._passed()
            elif status in _DONE:
                self._found.append([])
            elif status == _FAILED and not _ends_session(result):
                self._error = self._error or result
            elif status != _ABORTED:
                self.end(_error_of(result))
                return

    def _passed(self) -> None:
        """A segment has ended, with its last request or with one that failed: those behind that were not run."""
        pending, found, error = self.pending, self._found, self._error
        self._found, self._error = [], None
        self._ending -= 1
        self._signs += 1
        commands = pending[0].steps
        for rows in found[commands:]:
            request = pending.popleft()
            if request.last:
                self._answer(request, rows, error, len(found))
                return
            self._answer(request, rows, None, len(found))
        request = pending.popleft()
        behind = []
        last = request.last
        while not last:
            one = pending.popleft()
            last = one.last
            behind.append(Request(one.statement, one.params, one.future))
        self._answer(request, [], error, len(found))
        for one in behind:
            if not one.future.done():
                self.send(one)

    def _loaded(self, result: PGresult) -> list[Row]:
        transformer = self._transformer
        transformer.set_pgresult(result)
        rows = transformer.load_rows(0, result.ntuples, tuple)
        transformer.set_pgresult(None)
        return rows

    def _answer(self, request: Request, rows: list[Row], error: PGresult | None, steps: int) -> None:
        prepared = request.prepared
        if error is not None and prepared is not None:
            if steps < request.steps:
                prepared.error = error
                self._forget(prepared)
            elif prepared.error is not None and not request.steps:
                error = prepared.error  # sent behind the use that was to prepare it: it shares the refusal
            elif error.error_field(DiagnosticField.SQLSTATE) in _OUTDATED:
                self._forget(prepared)
        if request.future.done():  # cancelled
            return
        if error is None:
            request.future.set_result(rows)
        else:
            request.future.set_exception(_error_of(error))

    def _forget(self, prepared: Prepared) -> None:
        if self._prepared.get(prepared.statement.name) is prepared:
            del self._prepared[prepared.statement.name]

    def _lose(self, cause: Exception) -> None:
        self._receive()  # what arrived whole before the end is an answer
        self.end(cause)

    def _look(self) -> None:
        """Read unasked after a silence, and end a line that is silent for longer than its statements may take.

        A socket that was reset is readable, and yet uvloop stops watching it and tells nobody.
        """
        self._glance = None
        if not self.pending:
            return
        if self._signs != self._seen:
            self._seen, self._silent_seconds = self._signs, 0.0
        else:
            self._silent_seconds += GLANCE_SECONDS
            first = next((number for number, one in enumerate(self.pending, 1) if one.last), 1)
            if self._silent_seconds > first * self._patience:  # of a segment, answers may come all at once
                self.end(TimeoutError("the server is silent"))
            else:
                self._read()
        if not self._ended and self._glance is None:  # a statement sent just now may have set it
            self._glance = self._loop.call_later(GLANCE_SECONDS, self._look)


def _rows(result: PGresult) -> list[Row]:
    get, columns = result.get_value, range(result.nfields)
    return [tuple([get(row, column) for column in columns]) for row in range(result.ntuples)]


def _ends_session(result: PGresult) -> bool:
    """Whether the server ends the session with this error, or libpq made it up because the server is gone."""
    return result.error_field(DiagnosticField.SEVERITY_NONLOCALIZED) != b"ERROR"


def _error_of(result: PGresult) -> Exception:
    told = {field.value: result.error_field(field) for field in _TOLD}
    state = (told[DiagnosticField.SQLSTATE] or b"").decode()
    if state == _CANCELLED:
        return Unavailable("The database took longer than one statement may; try again, or ask for less")
    message = (told[DiagnosticField.MESSAGE_PRIMARY] or result.error_message).decode(errors="replace")
    try:
        kind = psycopg.errors.lookup(state)
    except KeyError:
        kind = psycopg.DatabaseError
    return kind(message, info=told)
