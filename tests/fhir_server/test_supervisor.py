"""The parent's part, with workers of a few lines: the real one is started in `test_main.py`."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fhir_server import supervisor
from fhir_server.supervisor import Supervisor, SupervisorError, listen

# Writes its number to a file, says that it answers, and waits. What SIGTERM does depends on the file `manner`.
WORKER = """
import os, pathlib, signal, sys, time
folder, manner = pathlib.Path(os.environ["FOLDER"]), pathlib.Path(os.environ["FOLDER"], "manner").read_text()
if manner == "die":
    sys.exit(9)

def end(*_):
    if manner == "linger":
        time.sleep(120)
    (folder / f"finished-{os.getpid()}").touch()
    sys.exit(0)

signal.signal(signal.SIGTERM, end)
(folder / f"started-{os.getpid()}").touch()
os.write(int(sys.argv[2]), b".")
while True:
    time.sleep(60)
"""


class Stage:
    """A supervisor of two workers. `told` is what it said; `started` the workers that have started so far."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        (folder / "worker_of_the_test.py").write_text(WORKER)
        self.manner("serve")
        monkeypatch.setenv("PYTHONPATH", str(folder))
        self.told: list[str] = []
        self.ready = 0
        self.socket = listen("127.0.0.1", 0)
        self.supervisor = Supervisor(
            self.socket, 2, {"FOLDER": str(folder)}, self.told.append, "worker_of_the_test"
        )
        self.deadline = time.monotonic() + 60

    def manner(self, name: str) -> None:
        (self.folder / "manner").write_text(name)

    def started(self) -> set[int]:
        return {int(path.name.partition("-")[2]) for path in self.folder.glob("started-*")}

    def finished(self) -> set[int]:
        return {int(path.name.partition("-")[2]) for path in self.folder.glob("finished-*")}

    def run(self, watch: Callable[[], None]) -> None:
        """`watch` acts as the operator; it is called on every round."""

        def watched() -> None:
            assert time.monotonic() < self.deadline
            watch()

        def ready() -> None:
            self.ready += 1

        self.supervisor.run(watched, ready)


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
    opened = Stage(tmp_path, monkeypatch)
    yield opened
    opened.socket.close()
    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)] == before


def alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_when_the_workers_have_finished(stage: Stage, number: int) -> None:
    def watch() -> None:
        if stage.ready:
            os.kill(os.getpid(), number)

    stage.run(watch)

    assert len(stage.started()) == 2
    assert stage.finished() == stage.started()
    assert not any(map(alive, stage.started()))
    assert stage.told == []


def test_readiness_is_told_once_and_not_before_every_worker_answers(stage: Stage) -> None:
    rounds = []

    def watch() -> None:
        if stage.ready:
            assert len(stage.started()) == 2
            rounds.append(stage.ready)
        if len(rounds) == 3:
            os.kill(os.getpid(), signal.SIGTERM)

    stage.run(watch)

    assert rounds == [1, 1, 1]


def test_a_killed_worker_is_replaced_and_the_operator_is_told(stage: Stage) -> None:
    victim: list[int] = []

    def watch() -> None:
        if stage.ready and not victim:
            victim.append(min(stage.started()))
            os.kill(victim[0], signal.SIGKILL)
        if len(stage.started()) == 3:
            os.kill(os.getpid(), signal.SIGTERM)

    stage.run(watch)

    assert stage.told == [f"Worker {victim[0]} ended by signal 9; another one takes its place."]
    assert stage.ready == 1


def test_workers_that_cannot_start_end_the_start(stage: Stage) -> None:
    stage.manner("die")

    with pytest.raises(SupervisorError, match="die as soon as they start"):
        stage.run(lambda: None)

    assert stage.ready == 0
    assert all("with status 9" in line for line in stage.told)


def test_once_it_has_served_workers_that_die_are_started_again_for_ever(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "_LONGEST_PAUSE_SECONDS", 0.01)

    def watch() -> None:
        if stage.ready and len(stage.started()) == 2:
            stage.manner("die" if len(stage.told) < 8 else "serve")
            if not stage.told:
                os.kill(min(stage.started()), signal.SIGKILL)
        if len(stage.started()) == 3:
            os.kill(os.getpid(), signal.SIGTERM)

    stage.run(watch)

    assert len(stage.told) >= 8


def test_a_second_signal_does_not_wait_for_workers_that_linger(stage: Stage) -> None:
    stage.manner("linger")
    sent = []

    def watch() -> None:
        if stage.ready:
            sent.append(time.monotonic())
            signal.signal(signal.SIGALRM, lambda *_: os.kill(os.getpid(), signal.SIGTERM))
            signal.setitimer(signal.ITIMER_REAL, 0.2)
            os.kill(os.getpid(), signal.SIGTERM)

    before = signal.getsignal(signal.SIGALRM)
    timer = signal.getitimer(signal.ITIMER_REAL)
    try:
        stage.run(watch)
    finally:
        signal.signal(signal.SIGALRM, before)
        signal.setitimer(signal.ITIMER_REAL, *timer)

    assert time.monotonic() - sent[0] < 20
    assert stage.finished() == set()
    assert not any(map(alive, stage.started()))


def test_an_error_of_the_watch_stops_the_workers_too(stage: Stage) -> None:
    def watch() -> None:
        if stage.ready:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        stage.run(watch)

    assert stage.finished() == stage.started()


def test_a_port_in_use_is_said_with_what_can_be_done() -> None:
    with (
        listen("127.0.0.1", 0) as taken,
        pytest.raises(SupervisorError, match=r"Port \d+ of 127.0.0.1 is in use"),
    ):
        listen("127.0.0.1", taken.getsockname()[1], patience_seconds=0.1)


def test_a_port_that_is_let_go_of_in_a_moment_is_waited_for() -> None:
    taken = listen("127.0.0.1", 0)
    port = taken.getsockname()[1]
    letting_go = threading.Timer(0.2, taken.close)
    letting_go.start()

    with listen("127.0.0.1", port, patience_seconds=30) as got:
        assert got.getsockname()[1] == port

    letting_go.join()


def test_an_address_that_this_machine_does_not_have_is_said() -> None:
    with pytest.raises(SupervisorError, match=r"Cannot listen on 192\.0\.2\.1"):
        listen("192.0.2.1", 0)


def test_an_address_of_ipv6_is_listened_on() -> None:
    if not socket.has_ipv6 or not Path("/proc/net/if_inet6").exists():
        pytest.skip("this machine has no IPv6")

    with listen("::1", 0) as found:
        assert found.family == socket.AF_INET6
