"""Whatever is killed whenever: what was answered is in the audit log, and the log is in order."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count, repeat
from pathlib import Path
from threading import Event, Thread
from typing import Any, Final

import httpx
import psycopg
import pytest

from fhir_server.store.embedded import Embedded
from tests.processes import Cordee, eventually

pytestmark = [
    pytest.mark.skipif(not Path("/proc/self").exists(), reason="looks for processes in /proc"),
    pytest.mark.xdist_group("killing"),  # each of them fills both cores
    pytest.mark.timeout(240),
]

ROOT: Final = Path(__file__).parents[2]
PERSON: Final = "Patient/payet"
LIST: Final = f"Observation?patient={PERSON}&_count=3"
UNLIMITED: Final = {"CORDEE_LIMITS__CLIENT_PER_SECOND": "0", "CORDEE_LIMITS__ADDRESS_PER_SECOND": "0"}
SERVE: Final = ("serve", "--demo", "--auth", "tokens", "--workers", "2")


def token(who: str, data_dir: Path) -> str:
    """As an operator gets one."""
    done = subprocess.run(
        [sys.executable, "-m", "fhir_server", "token", "--as", who, "--data-dir", str(data_dir)],
        check=True,
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if not name.startswith("CORDEE_")},
    )
    return done.stdout.strip()


class Load:
    """Callers who ask without end, and note what they were answered: a line each, as a trace would say it."""

    def __init__(self, base: str, tokens: dict[str, str]) -> None:
        self.answered: Counter[tuple[str, int, str]] = Counter()
        self._base = base
        self._tokens = tokens
        self._stop = Event()
        self._threads: list[Thread] = []

    def start(self, seen: str) -> None:
        """`seen`: what the nurse sees and an unknown doctor does not."""
        for number in range(2):
            self._run("infirmier", repeat(("GET", seen)))
            self._run("infirmier", repeat(("GET", LIST)))
            self._run("medecin-inconnu", repeat(("GET", seen)))
            self._run("infirmier", (("GET", f"Observation/never-{number}-{n}") for n in count()))
            self._run("medecin-traitant", repeat(("POST", "Observation")))

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _run(self, who: str, asks: Iterator[tuple[str, str]]) -> None:
        thread = Thread(target=self._ask, args=(who, asks))
        thread.start()
        self._threads.append(thread)

    def _ask(self, who: str, asks: Iterator[tuple[str, str]]) -> None:
        headers = {"Authorization": f"Bearer {self._tokens[who]}", "Content-Type": "application/fhir+json"}
        with httpx.Client(base_url=f"{self._base}/", headers=headers, timeout=10) as client:
            for method, path in asks:
                if self._stop.is_set():
                    return
                try:
                    answer = client.request(method, path, content=WEIGHT if method == "POST" else None)
                except httpx.TransportError:
                    time.sleep(0.05)  # nobody there, or nobody any more: nothing was answered
                    continue
                if answer.status_code in {200, 201, 404}:
                    made = answer.status_code == 201
                    named = f"Observation/{answer.json()['id']}" if made else path
                    self.answered[who, answer.status_code, named] += 1


WEIGHT: Final = json.dumps(
    {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "29463-7"}]},
        "subject": {"reference": PERSON},
        "valueQuantity": {"value": 50, "unit": "kg"},
    }
)


@contextmanager
def under_load(base: str, tokens: dict[str, str]) -> Iterator[Load]:
    load = Load(base, tokens)
    headers = {"Authorization": f"Bearer {tokens['infirmier']}"}
    page = httpx.get(f"{base}/Observation?patient={PERSON}&_count=1", headers=headers, timeout=60).json()
    load.start(f"Observation/{page['entry'][0]['resource']['id']}")
    try:
        yield load
    finally:
        load.stop()


def kept(data_dir: Path) -> tuple[Counter[tuple[str, int, str]], set[str]]:
    """What the log says, as `Load.answered` does; and the Observations that are there."""
    traced: Counter[tuple[str, int, str]] = Counter()
    with Embedded(data_dir) as server, psycopg.connect(server.url) as connection:
        for (data,) in connection.execute("select data from audit"):
            said: dict[str, Any] = json.loads(bytes(data))
            things = [f"{kind}/{name}" for kind, name, *_ in said.get("what", ())]
            if "type" in said:
                things.append(f"{said['type']}?{said.get('query', '')}")
            for thing in things:
                traced[said["agent"].get("subject", ""), said.get("status", 0), thing] += 1
        there = {
            f"Observation/{name}"
            for (name,) in connection.execute("select id from resource where not deleted")
        }
    return traced, there


def fire(shot: str, server: Cordee) -> None:
    match shot:
        case "a worker":
            os.kill(server.workers()[0], signal.SIGKILL)
        case "PostgreSQL":
            with suppress(ProcessLookupError):
                os.kill(server.postmaster(), signal.SIGKILL)
        case _:
            server.kill_everything()


def test_no_acknowledged_act_is_without_its_trace_when_everything_is_killed(data_dir: Path) -> None:
    dice = random.Random(20261122)
    answered: Counter[tuple[str, int, str]] = Counter()
    server = Cordee(*SERVE, "--port", "0", "--data-dir", data_dir, **UNLIMITED)
    try:
        base = server.base()
        port = base.rpartition(":")[2].partition("/")[0]
        tokens = {who: token(who, data_dir) for who in ("infirmier", "medecin-inconnu", "medecin-traitant")}
        for shots in (["a worker", "PostgreSQL", "everything"], ["everything"]):
            with under_load(base, tokens) as load:
                for shot in shots:
                    eventually(lambda load=load: load.answered.total() > 100, "some answers")  # type: ignore[misc]
                    time.sleep(dice.uniform(0.1, 0.6))
                    fire(shot, server)
            answered += load.answered
            with server:
                pass
            server = Cordee(*SERVE, "--port", port, "--data-dir", data_dir, **UNLIMITED)
            assert server.base() == base
        assert server.end() == 0
    finally:
        with server:
            pass

    traced, there = kept(data_dir)
    missing = {
        act: number - traced[f"demo:{act[0]}", *act[1:]]
        for act, number in answered.items()
        if traced[f"demo:{act[0]}", *act[1:]] < number
    }
    assert {status for _, status, _ in answered} == {200, 201, 404}
    assert any(thing == LIST for *_, thing in answered)
    assert missing == {}
    assert {name for _, status, name in answered if status == 201} <= there
    with Cordee("audit", "verify", "--data-dir", data_dir) as verifying:
        assert verifying.wait() == 0, verifying.said
    assert "The audit log is in order" in verifying.said
