"""The server under test: an embedded PostgreSQL with fsync on, and `cordee serve` with two workers."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
import orjson
import psycopg

from fhir_server.access.classifying import fingerprint_of
from fhir_server.access.tables import shipped_tables
from fhir_server.store.embedded import Embedded


@dataclass(frozen=True, slots=True)
class Running:
    """`postgres` and `server` are process ids: the postmaster's and the parent's of the workers."""

    base: str
    url: str
    superuser_url: str
    postgres: int
    server: int
    second: Running | None = None  # another one on the same database


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def running(workers: int = 2) -> Iterator[Running]:
    with tempfile.TemporaryDirectory(prefix="cordee-bench-") as folder:
        os.chmod(folder, 0o755)
        with Embedded(Path(folder) / "data") as embedded:
            postgres = next(embedded.directory.glob("postgres-*")) / "postmaster.pid"
            with _serving(embedded.url, workers) as (base, process):
                postmaster = int(postgres.read_text().split()[0])
                yield Running(base, embedded.url, embedded.superuser_url("cordee"), postmaster, process)


@contextmanager
def knowing_callers(server: Running, workers: int = 2) -> Iterator[Running]:
    """Another server on the database of `server`, which knows its callers by tokens, and bounds none of them."""
    settings = {
        "CORDEE_AUTH__CACHE_SECONDS": "600",
        "CORDEE_LIMITS__CLIENT_PER_SECOND": "0",
        "CORDEE_LIMITS__ADDRESS_PER_SECOND": "0",
    }
    _say_classified(server)
    # What seals the audit log belongs to an installation: it is kept in the data directory.
    with (
        tempfile.TemporaryDirectory(prefix="cordee-bench-") as folder,
        _serving(server.url, workers, "--auth", "tokens", **settings, CORDEE_DATA_DIR=folder) as (
            base,
            process,
        ),
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


@contextmanager
def _serving(url: str, workers: int, *arguments: str, **settings: str) -> Iterator[tuple[str, int]]:
    """The base address and the process of a server that is ready."""
    port = free_port()
    environment = {
        **os.environ,
        "CORDEE_DATABASE__URL": url,
        "CORDEE_LOG_LEVEL": "ERROR",
        "CORDEE_PUBLISH": "off",
        **settings,
    }
    command = [sys.executable, "-m", "fhir_server", "serve", "--port", str(port), "--workers", str(workers)]
    server = subprocess.Popen([*command, *arguments], env=environment, stderr=subprocess.DEVNULL)
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
