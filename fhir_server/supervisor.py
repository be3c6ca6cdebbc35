"""The parent process of `cordee serve`: PostgreSQL first, then the workers, and a watch over both.

The parent binds the socket, so that a port in use is said at once and a worker that dies loses no connection to the
others. It parses no request: whatever a client sends can only ever hurt a worker, which is started again.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from types import FrameType

WATCH_SECONDS = 0.2
DRAIN_SECONDS = 30.0  # how long a worker may finish what it has begun
QUICK_DEATH_SECONDS = 5.0  # a worker that lives shorter than this did not really start
QUICK_DEATHS = 5  # in a row, and the parent gives up


class SupervisorError(Exception):
    """A start that cannot succeed, in words for the person at the terminal."""


def listen(host: str, port: int) -> socket.socket:
    """A listening socket. Raises `SupervisorError` when the address cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except OSError as error:
        bound.close()
        raise SupervisorError(
            f"Cannot listen on {host}:{port}: {error.strerror}. Another --port may be free"
        ) from error
    bound.listen(2048)
    bound.set_inheritable(True)
    return bound


class Supervisor:
    """Runs `count` workers on one socket until a signal asks it to stop."""

    def __init__(self, sock: socket.socket, count: int, environment: dict[str, str]) -> None:
        self._socket = sock
        self._count = count
        self._environment = environment
        self._workers: list[tuple[subprocess.Popen[bytes], float]] = []
        self._stopping = False
        self._quick_deaths = 0

    def run(self, watch: Callable[[], None], ready: Callable[[], None]) -> None:
        """Start the workers, call `ready` once they are under way, and `watch` on every round of the watch.

        Returns when SIGTERM or SIGINT has come and every worker has finished. Raises `SupervisorError` when the workers
        keep dying at once.
        """
        previous = {number: signal.signal(number, self._stop) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            for _ in range(self._count):
                self._workers.append(self._start())
            ready()
            while not self._stopping:
                time.sleep(WATCH_SECONDS)
                watch()
                self._replace_dead()
        finally:
            self._drain()
            for number, handler in previous.items():
                signal.signal(number, handler)

    def _start(self) -> tuple[subprocess.Popen[bytes], float]:
        number = self._socket.fileno()
        command: Sequence[str] = [sys.executable, "-m", "fhir_server.worker", str(number)]
        # A session of its own: Ctrl-C reaches the parent alone, which then lets the workers finish.
        worker = subprocess.Popen(  # noqa: S603 - our own interpreter, no shell, no foreign words
            command, env={**os.environ, **self._environment}, pass_fds=[number], start_new_session=True
        )
        return worker, time.monotonic()

    def _replace_dead(self) -> None:
        for place, (worker, since) in enumerate(self._workers):
            if worker.poll() is None or self._stopping:
                continue
            quick = time.monotonic() - since < QUICK_DEATH_SECONDS
            self._quick_deaths = self._quick_deaths + 1 if quick else 0
            if self._quick_deaths >= QUICK_DEATHS:
                raise SupervisorError("The workers die as soon as they start; their last words are above")
            self._workers[place] = self._start()

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self._stopping = True

    def _drain(self) -> None:
        alive = [worker for worker, _ in self._workers if worker.poll() is None]
        for worker in alive:
            worker.terminate()
        deadline = time.monotonic() + DRAIN_SECONDS
        for worker in alive:
            try:
                worker.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                worker.kill()
                worker.wait()
