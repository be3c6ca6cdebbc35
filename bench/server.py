"""The server under test: an embedded PostgreSQL with fsync on, and `cordee serve` with two workers."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import httpx
import orjson
import psycopg

from fhir_server.access.classifying import fingerprint_of
from fhir_server.access.tables import shipped_tables
from fhir_server.store.embedded import Embedded
from fhir_server.store.watch import LEADER_LOCK

_LEADER: Final = "bench-leader"
_LEADING_SECONDS: Final = 60.0
_LEADS: Final = (
    "select a.pid, a.application_name from pg_locks l join pg_stat_activity a using (pid)"
    " where l.locktype = 'advisory' and l.granted and l.classid::bigint = %s and l.objid::bigint = %s"
)
CONNECTIONS: Final = 300  # of four servers, and of those who ask the database itself


@dataclass(frozen=True, slots=True)
class Running:
    """`postgres` and `server` are process ids: the postmaster's and the parent's of the workers."""

    base: str
    url: str
    superuser_url: str
    postgres: int
    server: int
    others: Mapping[str, Running] = field(
        default_factory=dict
    )  # on the same database, by what they are called


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def running(workers: int = 2) -> Iterator[Running]:
    with tempfile.TemporaryDirectory(prefix="cordee-bench-") as folder:
        os.chmod(folder, 0o755)
        with Embedded(Path(folder) / "data", settings={"max_connections": str(CONNECTIONS)}) as embedded:
            postgres = next(embedded.directory.glob("postgres-*")) / "postmaster.pid"
            port = free_port()
            with _serving(embedded.url, port, *_served(port, workers)) as (base, process):
                postmaster = int(postgres.read_text().split()[0])
                yield Running(base, embedded.url, embedded.superuser_url("cordee"), postmaster, process)


@contextmanager
def knowing_callers(server: Running, workers: int = 2) -> Iterator[Running]:
    """Another server on the database of `server`, which knows its callers by tokens, and bounds none of them.

    It does the background work, for it alone seals the traces that it writes.
    """
    port = free_port()
    mark = "&" if "?" in server.url else "?"
    named = replace(server, url=f"{server.url}{mark}application_name={_LEADER}")
    with _believing(named, port, *_served(port, workers)) as other:
        _let_lead(server, _LEADER)
        yield replace(other, url=server.url)


def _let_lead(server: Running, name: str) -> None:
    """End the sessions of those who lead, until one does whose sessions are called `name`."""
    deadline = time.monotonic() + _LEADING_SECONDS
    with psycopg.connect(server.superuser_url, autocommit=True) as connection:
        while time.monotonic() < deadline:
            leading = connection.execute(_LEADS, (LEADER_LOCK >> 32, LEADER_LOCK & 0xFFFF_FFFF)).fetchone()
            if leading is not None and leading[1] == name:
                return
            if leading is not None:
                connection.execute("select pg_terminate_backend(%s)", (leading[0],))
            time.sleep(0.1)
    raise TimeoutError("The server that traces does not get to do the background work")


@contextmanager
def tracing_nothing(server: Running, workers: int = 2) -> Iterator[Running]:
    """The same, without traces of what is read."""
    port = free_port()
    with _believing(server, port, "bench.untraced", str(port), str(workers)) as other:
        yield other


@contextmanager
def showing_everything(server: Running, workers: int = 2) -> Iterator[Running]:
    """The same again, where everybody sees everything."""
    port = free_port()
    with _believing(server, port, "bench.unscoped", str(port), str(workers)) as other:
        yield other


@contextmanager
def _believing(server: Running, port: int, *module: str) -> Iterator[Running]:
    settings = {
        "CORDEE_AUTH__MODE": "tokens",
        "CORDEE_AUTH__CACHE_SECONDS": "600",
        "CORDEE_LIMITS__CLIENT_PER_SECOND": "0",
        "CORDEE_LIMITS__ADDRESS_PER_SECOND": "0",
    }
    _say_classified(server)
    # What seals the audit log belongs to an installation: it is kept in the data directory.
    with (
        tempfile.TemporaryDirectory(prefix="cordee-bench-") as folder,
        _serving(server.url, port, *module, **settings, CORDEE_DATA_DIR=folder) as (base, process),
    ):
        yield replace(server, base=base, server=process)


def _say_classified(server: Running) -> None:
    """What is asked about has its stamps and ties; what the other server writes meanwhile needs none."""
    flag = {"by": fingerprint_of(shipped_tables()), "complete": True}
    with psycopg.connect(server.superuser_url, autocommit=True) as connection:
        connection.execute("delete from setting where name in ('classified', 'classifying')")
        connection.execute(
            "insert into setting (name, value) values ('classified', %s)", [orjson.dumps(flag)]
        )


def _served(port: int, workers: int) -> tuple[str, ...]:
    return "fhir_server", "serve", "--port", str(port), "--workers", str(workers)


@contextmanager
def _serving(url: str, port: int, *module: str, **settings: str) -> Iterator[tuple[str, int]]:
    """The base address and the process of a server that is ready. `module`: with its arguments."""
    environment = {
        **os.environ,
        "CORDEE_DATABASE__URL": url,
        "CORDEE_LOG_LEVEL": "ERROR",
        "CORDEE_PUBLISH": "off",
        **settings,
    }
    server = subprocess.Popen([sys.executable, "-m", *module], env=environment, stderr=subprocess.DEVNULL)
    try:
        base = f"http://127.0.0.1:{port}"
        wait_ready(base)
        yield base, server.pid
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(40)


def wait_ready(base: str, seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if httpx.get(f"{base}/readyz").status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.05)
    raise TimeoutError("The server did not become ready")
