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
from dataclasses import dataclass
from pathlib import Path

import httpx

from fhir_server.store.embedded import Embedded


@dataclass(frozen=True, slots=True)
class Running:
    """`postgres` and `server` are process ids: the postmaster's and the parent's of the workers."""

    base: str
    url: str
    superuser_url: str
    postgres: int
    server: int


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
            port = free_port()
            environment = {
                **os.environ,
                "CORDEE_DATABASE__URL": embedded.url,
                "CORDEE_LOG_LEVEL": "ERROR",
                "CORDEE_PUBLISH": "off",
            }
            command = [
                sys.executable,
                "-m",
                "fhir_server",
                "serve",
                "--port",
                str(port),
                "--workers",
                str(workers),
            ]
            server = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
            try:
                base = f"http://127.0.0.1:{port}"
                wait_ready(base)
                postmaster = int(
                    (next(embedded.directory.glob("postgres-*")) / "postmaster.pid").read_text().split()[0]
                )
                yield Running(base, embedded.url, embedded.superuser_url("cordee"), postmaster, server.pid)
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
