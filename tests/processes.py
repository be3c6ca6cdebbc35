"""Real processes for tests: `cordee` started as an operator starts it, watched, killed, and never left behind."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from bench.processes import descendants

PATIENCE_SECONDS = 60.0  # for one step, on a busy machine
_GREETING = re.compile(r"answers at (\S+)")


def eventually(
    condition: Callable[[], object],
    what: str,
    seconds: float = PATIENCE_SECONDS,
    pause_seconds: float = 0.02,
) -> None:
    """Wait until `condition` holds; an `AssertionError` that says `what` when it does not in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not in time: {what}"
        time.sleep(pause_seconds)


def alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and was not asked for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


class Cordee:
    """`cordee …` under way, with nothing of the caller's settings. `said` is what it has written so far."""

    def __init__(self, *arguments: str | Path, **settings: str) -> None:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("CORDEE_")}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "fhir_server", *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**kept, "COLUMNS": "100", "PYTHONUNBUFFERED": "1", "CORDEE_PUBLISH": "off", **settings},
            cwd=Path(__file__).parents[1],
        )
        self._lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def said(self) -> str:
        return "".join(self._lines)

    @property
    def pid(self) -> int:
        return self.process.pid

    def base(self) -> str:
        """The address that a server prints, waited for."""
        eventually(lambda: _GREETING.search(self.said) or self.process.poll() is not None, "the greeting")
        greeting = _GREETING.search(self.said)
        assert greeting, self.said
        return greeting[1]

    def workers(self) -> list[int]:
        return [pid for pid in descendants(self.pid) if "fhir_server.worker" in _command(pid) and alive(pid)]

    def postmaster(self) -> int:
        """The one PostgreSQL process that this one started."""
        (found,) = (pid for pid in _children(self.pid) if "/postgres " in _command(pid))
        return found

    def send(self, number: int) -> None:
        self.process.send_signal(number)

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and wait; the exit code."""
        self.process.send_signal(number)
        return self.wait()

    def wait(self, seconds: float = PATIENCE_SECONDS) -> int:
        code = self.process.wait(seconds)
        self._reader.join(seconds)
        assert "Traceback" not in self.said, self.said
        return code

    def kill_everything(self) -> None:
        """SIGKILL, for the process and all that it started, PostgreSQL included."""
        family = [self.pid, *sorted(descendants(self.pid) - {self.pid})]
        for pid in family:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait(PATIENCE_SECONDS)
        eventually(lambda: not any(map(alive, family)), "the end of the killed processes")

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as output:
            self._lines.extend(output)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.kill_everything()
        self._reader.join(PATIENCE_SECONDS)


@contextmanager
def client(base: str) -> Iterator[httpx.Client]:
    """A client that waits for a server that is being started again, as a load balancer would."""
    with httpx.Client(base_url=f"{base}/", timeout=PATIENCE_SECONDS) as opened:
        yield opened


def status_of(client: httpx.Client, path: str) -> int:
    """The status of a GET; 0 when there was no answer."""
    try:
        return client.get(path).status_code
    except httpx.TransportError:
        return 0


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


def _children(pid: int) -> Iterator[int]:
    for other in descendants(pid) - {pid}:
        with suppress(OSError):
            if int(Path(f"/proc/{other}/stat").read_text().rpartition(")")[2].split()[1]) == pid:
                yield other
