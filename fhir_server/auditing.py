"""The audit log outside the database: where its files are, what its traces look like to others, and who gets them.

A collector of syslog gets every trace once it is sealed, as an ATNA message, at least once: after a break it may get
some twice, and can tell them by their time and content. What it cannot take waits in the log. Syslog has no receipts:
what a collector took and lost can be sent again by `cordee audit export`.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import urlsplit

from fhir_server.access.audit_event import Observer, event_of
from fhir_server.kernel.values import immutable
from fhir_server.kernel.wire import Tree
from fhir_server.settings import AuditSettings, Settings
from fhir_server.store.audit_export import Batch, sending
from fhir_server.store.audit_key import keys_in
from fhir_server.store.embedded import default_directory
from fhir_server.store.postgres import PostgresStore
from mappings.atna.audit_message import message_of
from mappings.atna.syslog import framed, line_of

_PORTS: Final = {"udp": 514, "tcp": 601, "tls": 6514}
_PATIENCE_SECONDS: Final = 10.0
_SEND_SECONDS: Final = 1.0  # between two looks for what is to be sent
_PAUSE_SECONDS: Final = 30.0  # after a failure
_MOST_UDP_BYTES: Final = 65_000  # of a datagram

_log = logging.getLogger(__name__)


@immutable
class AuditFiles:
    """Where the key and the heads are: see `store/audit_key.py`."""

    key: Path
    heads: Path


def files_of(settings: Settings) -> AuditFiles:
    directory = (settings.data_dir or default_directory()).expanduser() / "audit"
    audit = settings.audit
    return AuditFiles(audit.key_file or directory / "key", audit.heads_file or directory / "heads")


def observer_of(settings: Settings) -> Observer:
    """This server, as its AuditEvents name it."""
    site = settings.audit.site
    return Observer(site, value=settings.base_url) if settings.base_url else Observer(site)


def events_in(batch: Batch, observer: Observer) -> Iterator[Tree]:
    """The AuditEvents of some traces, with all that is known."""
    names = dict(batch.names)
    return (event_of(one, names, observer) for one in batch.traces)


def lines_of(events: Iterable[Tree]) -> Iterator[bytes]:
    """Lines of syslog, without frames or line breaks."""
    host, process = socket.gethostname(), str(os.getpid())
    for event in events:
        serious = event.get("outcome", "0") != "0"
        yield line_of(
            message_of(event),
            event["recorded"],
            host=host,
            application="cordee",
            process=process,
            serious=serious,
        )


class Collector:
    """A connection to a collector of syslog. Its methods wait; they raise `OSError` when it cannot be reached."""

    def __init__(self, settings: AuditSettings) -> None:
        parts = urlsplit(settings.collector)
        self._kind = parts.scheme
        self._host = parts.hostname or ""
        self._port = parts.port or _PORTS[self._kind]
        self._ca = settings.collector_ca
        self._socket: socket.socket | None = None

    def send(self, lines: Iterable[bytes]) -> None:
        connection = self._socket or self._connected()
        try:
            for line in lines:
                if self._kind == "udp":
                    connection.send(line[:_MOST_UDP_BYTES])
                else:
                    connection.sendall(framed(line))
        except OSError:
            self.close()
            raise

    def close(self) -> None:
        """End the connection when the collector has read all of it: it would be reset, and what is under way lost."""
        connection, self._socket = self._socket, None
        if connection is None:
            return
        with connection, suppress(OSError):
            if isinstance(connection, ssl.SSLSocket):
                connection.unwrap()
            elif self._kind == "tcp":
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(4096):
                    pass

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _connected(self) -> socket.socket:
        address = (self._host, self._port)
        if self._kind == "udp":
            found = socket.getaddrinfo(*address, type=socket.SOCK_DGRAM)[0]
            connection = socket.socket(found[0], socket.SOCK_DGRAM)
            connection.connect(found[4])
        else:
            connection = socket.create_connection(address, _PATIENCE_SECONDS)
            if self._kind == "tls":
                context = ssl.create_default_context(cafile=self._ca)
                context.minimum_version = ssl.TLSVersion.TLSv1_2
                try:
                    connection = context.wrap_socket(connection, server_hostname=self._host)
                except OSError:
                    connection.close()
                    raise
        self._socket = connection
        return connection


def send_waiting(url: str, collector: Collector, observer: Observer) -> int:
    """Send what is sealed and was not sent: how many traces. Another process that sends leaves nothing to do.

    Raises `OSError` when the collector cannot be reached, `psycopg.Error` when the database is away.
    """
    sent = 0
    with sending(url) as batches:
        for batch in batches:
            collector.send(lines_of(events_in(batch, observer)))
            sent += len(batch.traces)
    return sent


class Shipping:
    """Keeps a collector up to date from `start` to `close`, while `leads` says that this process is to do so."""

    def __init__(self, url: str, settings: Settings, leads: Callable[[], bool] = lambda: True) -> None:
        self._url = url
        self._collector = Collector(settings.audit)
        self._observer = observer_of(settings)
        self._leads = leads
        self._task: asyncio.Task[Any] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        self._collector.close()

    async def _run(self) -> None:
        while True:
            pause = _SEND_SECONDS
            if self._leads():
                try:
                    await asyncio.to_thread(send_waiting, self._url, self._collector, self._observer)
                except OSError as error:
                    _log.warning("The collector of audit messages cannot be reached: %s", error)
                    pause = _PAUSE_SECONDS
                except Exception:
                    _log.exception("Audit messages could not be sent")
                    pause = _PAUSE_SECONDS
            await asyncio.sleep(pause)


@asynccontextmanager
async def sealing(store: PostgresStore, settings: Settings) -> AsyncIterator[None]:
    """Seal the log of a store, and send it to the collector of the settings, for as long as the block runs.

    Raises `BadKeyFile`.
    """
    files = files_of(settings)
    sealer = store.sealer(keys_in(files.key, create=True)[-1], files.heads)
    sealer.start()
    shipping = None
    if settings.audit.collector:
        shipping = Shipping(settings.database.url, settings, lambda: store.leading)
        shipping.start()
    try:
        yield
    finally:
        await sealer.close()
        if shipping is not None:
            await shipping.close()
