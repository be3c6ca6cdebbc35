"""A process's ear on the database: it hears of new definitions at once, and knows whether it does the background work.

One connection does both. It listens on a channel, holding a lock that says which edition its process has dealt with
(`telling.py`), and, in a process that volunteers, holds the one lock of whoever leads, or tries now and then to take
it. When it is lost another process may lead at once; so what a leader does must bear that two believe they do.

https://www.postgresql.org/docs/current/sql-notify.html
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any, Final

import psycopg

from fhir_server.kernel.errors import Unavailable
from fhir_server.store.connections import session_conninfo
from fhir_server.store.telling import HEARD_LOCKS

LEADER_LOCK: Final = 0x434C << 48
_TRY_SECONDS: Final = 2.0  # between two attempts to lead
_PATIENCE_SECONDS: Final = 15.0  # at the start
_RETRY_SECONDS: Final = 1.0  # before a lost connection is made anew

_log = logging.getLogger(__name__)


class Watch:
    """Listens from `start` to `close`."""

    def __init__(
        self, url: str, channel: str, on_news: Callable[[Sequence[str] | None], Awaitable[int]]
    ) -> None:
        """`on_news` is called with what was said on `channel`; with None when something may have been missed.

        It gives the edition that the process knows then.
        """
        self._url = url
        self._channel = channel
        self._on_news = on_news
        self._task: asyncio.Task[None] | None = None
        self._volunteers = False
        self._listening = asyncio.Event()
        self.leading = False

    def start(self) -> None:
        """Begin to listen: `listening` says when nothing can be missed any more."""
        self._task = asyncio.create_task(self._watch())

    def volunteer(self) -> None:
        """Lead, as soon as nobody else does."""
        self._volunteers = True

    async def listening(self) -> None:
        """Wait until it listens, and has looked at all that was said before. Raises `Unavailable`."""
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                await self._listening.wait()
        except TimeoutError as error:
            raise Unavailable("The database lets nobody listen; try again later") from error

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _watch(self) -> None:
        while True:
            try:
                async with await psycopg.AsyncConnection.connect(
                    session_conninfo(self._url, "cordee watch", {"idle_session_timeout": "0"}),
                    autocommit=True,
                ) as connection:
                    await self._listen(connection)
            except (psycopg.Error, OSError, Unavailable) as error:
                _log.warning("Lost the connection that listens to the database: %s", error)
            except Exception:
                _log.exception("What was heard from the database could not be dealt with")
            finally:
                self.leading = False
            await asyncio.sleep(_RETRY_SECONDS)

    async def _listen(self, connection: psycopg.AsyncConnection[Any]) -> None:
        known = 0
        await connection.execute("select pg_advisory_lock_shared(%s)", (HEARD_LOCKS,))
        await connection.execute(f"listen {self._channel}")
        said: Sequence[str] | None = None
        while True:
            if said is None or said:
                edition = await self._on_news(said)
                if edition > known:
                    await connection.execute(
                        "select pg_advisory_lock_shared(%s), pg_advisory_unlock_shared(%s)",
                        (HEARD_LOCKS | edition, HEARD_LOCKS | known),
                    )
                    known = edition
                self._listening.set()
            if self._volunteers and not self.leading:
                cursor = await connection.execute("select pg_try_advisory_lock(%s)", (LEADER_LOCK,))
                self.leading = await cursor.fetchone() == (True,)
            heard = [one async for one in connection.notifies(timeout=_TRY_SECONDS, stop_after=1)]
            said = [one.payload for one in heard]
