"""The parent process of `cordee serve`: one listening socket, the workers on it, and a watch over them.

The parent binds the socket, so that a port in use is said at once and a worker that dies loses no connection of the
others. It parses no request: whatever a client sends can only ever hurt a worker, which is started again.
"""

from __future__ import annotations

import errno
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import FrameType

from fhir_server.accepting import Tally

BACKLOG = 2048
_PATIENCE_SECONDS = (
    2.0  # workers of a parent that was killed let go of the port when they have read their signal
)
_WATCH_SECONDS = 0.2
_DRAIN_SECONDS = 30.0  # how long a worker may finish what it has begun
_QUICK_DEATH_SECONDS = 5.0  # a worker that lives shorter than this did not really start
_QUICK_DEATHS = 5  # in a row and before the first answer, and the parent gives up
_LONGEST_PAUSE_SECONDS = 5.0  # before a worker that keeps dying is started again
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class SupervisorError(Exception):
    """A start that cannot succeed, in words for the person at the terminal."""


def listen(host: str, port: int, patience_seconds: float = _PATIENCE_SECONDS) -> socket.socket:
    """A listening socket. Raises `SupervisorError` when the address cannot be had."""
    bound = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    deadline = time.monotonic() + patience_seconds
    try:
        while not _bound(bound, host, port, deadline):
            time.sleep(0.05)
    except OSError as error:
        bound.close()
        raise SupervisorError(_why(error, host, port)) from error
    bound.listen(BACKLOG)
    bound.set_inheritable(True)
    return bound


def _bound(sock: socket.socket, host: str, port: int, deadline: float) -> bool:
    try:
        sock.bind((host, port))
    except OSError as error:
        if error.errno != errno.EADDRINUSE or time.monotonic() > deadline:
            raise
        return False
    return True


def _why(error: OSError, host: str, port: int) -> str:
    match error.errno:
        case errno.EADDRINUSE:
            return (
                f"Port {port} of {host} is in use by another program. "
                "Stop that one, or choose another port (--port 0 takes any free one)."
            )
        case errno.EACCES:
            return f"This account may not listen on port {port}. Ports from 1024 on are open to everybody."
    return f"Cannot listen on {host}, port {port}: {error.strerror}."


@dataclass(slots=True)
class Worker:
    """`news` becomes readable once: one byte when the worker answers requests, nothing when it died before."""

    process: subprocess.Popen[bytes]
    news: int
    since: float
    answers: bool = False
    due: float | None = None  # when it is to be started again; None: it was alive when last seen


class Supervisor:
    """Runs `count` workers on one socket until a signal asks it to stop. `tell` has a line for the operator."""

    def __init__(
        self,
        sock: socket.socket,
        count: int,
        environment: Mapping[str, str],
        tell: Callable[[str], None],
        module: str = "fhir_server.worker",
    ) -> None:
        self._socket = sock
        self._count = count
        self._environment = {**os.environ, **environment}
        self._tell = tell
        self._module = module
        self._shared = tempfile.TemporaryFile()  # noqa: SIM115 - as long as the supervisor
        self._shared.truncate(Tally.size(count))
        self._tally = Tally(self._shared.fileno(), count)
        self._workers: list[Worker] = []
        self._signals = 0
        self._quick_deaths = 0
        self._served = False  # all workers have answered once

    def run(self, watch: Callable[[], None], ready: Callable[[], None]) -> None:
        """Start the workers, call `ready` once when all of them answer, and `watch` on every round.

        Returns when a signal has come and every worker has finished what it had begun; a second signal ends them at
        once. Raises `SupervisorError` when the workers die as soon as they start.
        """
        previous = {
            number: signal.signal(number, self._count_signal)
            for number in _SIGNALS
            if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN  # nohup
        }
        try:
            self._workers.extend(self._start(place) for place in range(self._count))
            while not self._signals:
                self._wait_for_news()
                if not self._served and all(worker.answers for worker in self._workers):
                    self._served = True
                    ready()
                watch()
                self._replace_dead()
        finally:
            self._drain()
            for number, handler in previous.items():
                signal.signal(number, handler)

    def _start(self, place: int) -> Worker:
        news, said = os.pipe()
        self._tally.leave(place)  # until this one takes connections
        passed = (self._socket.fileno(), said, self._shared.fileno())
        numbers = (*passed[:2], os.getpid(), passed[2], place, self._count)
        command = [sys.executable, "-m", self._module, *map(str, numbers)]
        # A session of its own: Ctrl-C reaches the parent alone, which then lets the workers finish.
        process = subprocess.Popen(  # noqa: S603 - our own interpreter, no shell, no foreign words
            command, env=self._environment, pass_fds=passed, start_new_session=True
        )
        os.close(said)
        return Worker(process, news, time.monotonic())

    def _wait_for_news(self) -> None:
        starting = {worker.news: worker for worker in self._workers if worker.news >= 0}
        readable, _, _ = select.select(list(starting), [], [], _WATCH_SECONDS)
        for news in readable:
            starting[news].answers = bool(os.read(news, 1))
            _forget_news(starting[news])

    def _replace_dead(self) -> None:
        now = time.monotonic()
        for place, worker in enumerate(self._workers):
            status = worker.process.poll()
            if status is None:
                continue
            if worker.due is None:
                self._tally.leave(place)
                worker.due = now + self._pause_after(now - worker.since)
                how = f"by signal {-status}" if status < 0 else f"with status {status}"
                self._tell(f"Worker {worker.process.pid} ended {how}; another one takes its place.")
            if now >= worker.due:
                _forget_news(worker)
                self._workers[place] = self._start(place)

    def _pause_after(self, lived_seconds: float) -> float:
        if lived_seconds >= _QUICK_DEATH_SECONDS:
            self._quick_deaths = 0
            return 0.0
        self._quick_deaths += 1
        if self._quick_deaths >= _QUICK_DEATHS and not self._served:
            raise SupervisorError("The workers die as soon as they start; their last words are above.")
        return float(min(_LONGEST_PAUSE_SECONDS, 0.05 * 2**self._quick_deaths))

    def _count_signal(self, number: int, frame: FrameType | None) -> None:
        self._signals += 1

    def _drain(self) -> None:
        alive = [worker.process for worker in self._workers if worker.process.poll() is None]
        for process in alive:
            process.terminate()
        deadline = time.monotonic() + _DRAIN_SECONDS
        while alive := [process for process in alive if process.poll() is None]:
            if time.monotonic() > deadline or self._signals > 1:
                for process in alive:
                    process.kill()
            time.sleep(0.02)
        for worker in self._workers:
            _forget_news(worker)
        self._shared.close()


def _forget_news(worker: Worker) -> None:
    if worker.news >= 0:
        os.close(worker.news)
        worker.news = -1
