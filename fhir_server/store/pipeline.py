"""Connections to PostgreSQL that all callers share, each with many statements under way.

Only autocommit, single-statement work: reads, searches, and writes made as one statement. What needs `begin` has a
connection of its own elsewhere. `line.py` says what keeps the answers apart; here are the queue and the reconnection:

- At most `in_flight` statements are under way on a connection. Others wait, first come first served, in `waiting`
  places; past them a caller gets `Unavailable` at once.
- A lost connection is made anew for whoever waits or comes next, by one attempt for all of them. They get `Unavailable`
  when it has not succeeded after `CONNECT_SECONDS`.
- Nothing is ever run twice: those whose statements were under way get `Unavailable`, those that waited for room were
  never sent and go out on the next connection.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Final

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from fhir_server.kernel.errors import Unavailable
from fhir_server.store.line import Line
from fhir_server.store.requests import Request, Row, Statement, refuse

__all__ = ["Pipeline", "Row", "Statement", "flowing", "least_loaded"]

CONNECT_SECONDS: Final = 5.0
GRACE_SECONDS: Final = 5.0  # beyond the statement timeout, before a silent server is taken for dead
STUCK_SECONDS: Final = 0.02  # without an answer: what is sent now would wait for something long
CROWD: Final = 16  # statements under way, to which others are better not added
NO_ANSWER: Final = "The database does not answer; try again later"

_log = logging.getLogger(__name__)


class Pipeline:
    """One shared connection, made anew when it is lost."""

    def __init__(
        self, conninfo: str, in_flight: int, waiting: int, patience_seconds: float, *, shared: bool
    ) -> None:
        self._conninfo = conninfo
        self._in_flight = in_flight
        self._places = waiting
        self._patience = patience_seconds
        self._shared = shared
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[Request] = deque()
        self._line: Line | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._closed = False

    @classmethod
    async def open(
        cls,
        conninfo: str,
        *,
        in_flight: int = 64,
        waiting: int = 4096,
        statement_timeout_seconds: float = 30.0,
        application_name: str = "cordee",
        options: Mapping[str, str] | None = None,
        shared: bool = False,
    ) -> Pipeline:
        """`options`: further settings of the session. `shared`: it is for readers, see `line.py`.

        Raises `Unavailable` when no database answers.
        """
        settings = {
            "statement_timeout": str(max(1, round(statement_timeout_seconds * 1000))),
            "idle_session_timeout": "0",
            "jit": "off",
            **(options or {}),
        }
        full = _conninfo_of(conninfo, application_name, settings)
        pipeline = cls(full, in_flight, waiting, statement_timeout_seconds + GRACE_SECONDS, shared=shared)
        await pipeline._connect()
        return pipeline

    @property
    def load(self) -> int:
        """Statements under way or waiting."""
        return len(self._waiting) + (len(self._line.pending) if self._line else 0)

    @property
    def flows(self) -> bool:
        """Whether what is sent now need not wait for long."""
        line = self._line
        if line is None or len(line.pending) >= CROWD:
            return False
        return not line.pending or self._loop.time() - line.since < STUCK_SECONDS

    async def run(self, statement: Statement, params: Sequence[bytes | None]) -> list[Row]:
        """The rows of one statement, none if it returns none; parameters and values in binary form.

        Raises the `psycopg.Error` of its SQLSTATE when it fails, `Unavailable` when it took too long, when there is no
        room or no database, and when the connection was lost before the answer: then it may have run, or not.
        """
        if len(params) != len(statement.oids):
            raise ValueError(f"{statement.name} takes {len(statement.oids)} parameters, not {len(params)}")
        if self._closed:
            raise Unavailable("The server is stopping; try again later")
        request = Request(statement, params, self._loop.create_future())
        line = self._line
        if line is not None and not self._waiting and line.has_room():
            line.send(request)
        elif len(self._waiting) < self._places:
            self._waiting.append(request)
            self._reconnect()
        else:
            raise Unavailable("Too many requests wait for the database; try again later")
        try:
            return await request.future
        except asyncio.CancelledError:
            with suppress(ValueError):  # not there: it was sent
                self._waiting.remove(request)
            raise

    async def close(self) -> None:
        """Take no more, finish what is under way or waiting, and let go of the connection."""
        self._closed = True
        sent = self._line.pending if self._line else ()
        if futures := [request.future for request in (*sent, *self._waiting)]:
            await asyncio.wait(futures, timeout=self._patience)
        if self._connecting is not None:
            self._connecting.cancel()
            await asyncio.wait([self._connecting])
        refuse(self._waiting, NO_ANSWER, None)
        if self._line is not None:
            self._line.end(None)

    def _send_waiting(self) -> None:
        while self._waiting and self._line is not None and self._line.has_room():
            self._line.send(self._waiting.popleft())

    def _lost(self, cause: Exception | None) -> None:
        self._line = None
        if cause is not None:
            _log.warning("Lost the connection to the database: %s", cause)
        if self._waiting:
            self._reconnect()

    def _reconnect(self) -> None:
        if self._line is None and self._connecting is None:
            self._connecting = self._loop.create_task(self._serve_waiting())

    async def _serve_waiting(self) -> None:
        try:
            await self._connect()
        except Unavailable as error:
            refuse(self._waiting, NO_ANSWER, error)
        finally:
            self._connecting = None
        self._send_waiting()

    async def _connect(self) -> None:
        """Try for `CONNECT_SECONDS`, with pauses that grow to a second."""
        pause = 0.05
        cause: Exception | None = None
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                while self._line is None:
                    try:
                        connection = await psycopg.AsyncConnection.connect(self._conninfo, autocommit=True)
                        self._line = Line(
                            connection,
                            self._in_flight,
                            self._patience,
                            self._send_waiting,
                            self._lost,
                            shared=self._shared,
                        )
                    except (psycopg.Error, OSError) as error:
                        cause = error
                        await asyncio.sleep(pause)
                        pause = min(2 * pause, 1.0)
        except TimeoutError as error:
            _log.warning("No connection to the database: %s", cause or error)
            raise Unavailable(NO_ANSWER) from cause or error


def least_loaded(pipelines: Sequence[Pipeline]) -> Pipeline:
    return pipelines[0] if len(pipelines) == 1 else min(pipelines, key=lambda pipeline: pipeline.load)


def flowing(pipelines: Sequence[Pipeline]) -> Pipeline:
    """The first, as long as its answers come, for what is sent together costs less; else the least loaded."""
    return pipelines[0] if pipelines[0].flows else least_loaded(pipelines)


def _conninfo_of(conninfo: str, application_name: str, settings: Mapping[str, str]) -> str:
    """`conninfo`, whose own words win, with limits for a network that is gone, and `settings` for the session."""
    words = {
        "application_name": application_name,
        "keepalives_idle": 30,
        "keepalives_interval": 10,
        "keepalives_count": 3,
        "tcp_user_timeout": 30_000,
        **conninfo_to_dict(conninfo),
        "client_encoding": "UTF8",
    }
    options = [f"-c {name}={_escaped(value)}" for name, value in settings.items()]
    if words.get("options"):
        options.insert(0, str(words["options"]))
    return make_conninfo("", **{**words, "options": " ".join(options)})


def _escaped(value: str) -> str:
    """For the `options` of a connection, which end a word at a space."""
    return value.replace("\\", "\\\\").replace(" ", "\\ ")
