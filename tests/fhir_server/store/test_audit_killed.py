"""A log that is shot at: what was answered is traced, whoever is killed, and what was sealed stays in order."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
import pytest

from bench.processes import descendants
from fhir_server.store.audit_key import keys_in
from fhir_server.store.audit_verify import verify
from fhir_server.store.embedded import Embedded
from fhir_server.store.ids import pk_of
from fhir_server.store.migrations.migrate import migrate
from tests.processes import alive, eventually

ROOT = Path(__file__).parents[3]


@contextmanager
def shooting(where: str | Path, files: Path, seconds: float) -> Iterator[list[list[str]]]:
    """Work under load until something is sealed, then killed with all its children; what it said before."""
    work = subprocess.Popen(
        [sys.executable, "-m", "tests.auditing", str(where), str(files)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    assert work.stdout is not None
    try:
        said = [work.stdout.readline()]
        family = descendants(work.pid)
        end = time.monotonic() + seconds
        while time.monotonic() < end or not (files / "heads").exists():
            said.append(work.stdout.readline())
        family |= descendants(work.pid)
    finally:
        for pid in [work.pid, *sorted(descendants(work.pid) - {work.pid})]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    said += work.stdout.readlines()
    work.stdout.close()
    work.wait()
    eventually(lambda: not any(map(alive, family)), "the end of the killed processes")
    yield [line.split() for line in said if line.endswith("\n")]


def require_traces(url: str, files: Path, said: list[list[str]]) -> None:
    with psycopg.connect(url) as connection:
        pks = {pk for (pk,) in connection.execute("select pk from audit")}
        notes = {
            bytes(data).split(b'"')[3].decode() for (data,) in connection.execute("select data from audit")
        }
        acts = {act for (act,) in connection.execute("select sha256 from import_file")}
    answered = [words for words in said if words[0] in {"read", "write"}]
    assert len(answered) > 50
    assert [words for words in answered if pk_of(words[-1]) not in pks] == []
    assert [words for words in answered if words[0] == "write" and words[1] not in acts] == []
    assert acts - notes == set()  # no act without its trace, answered or not

    report = verify(url, keys_in(files / "key"), files / "heads")
    assert report.problems == []
    assert report.traces > 0


def test_no_answered_act_is_without_its_trace_when_the_process_is_killed(
    database_url: str, tmp_path: Path
) -> None:
    migrate(database_url)
    said: list[list[str]] = []

    for _ in range(2):
        with shooting(database_url, tmp_path, seconds=1.2) as lines:
            said += lines

    require_traces(database_url, tmp_path, said)


@pytest.mark.timeout(120)
def test_no_answered_act_is_without_its_trace_when_everything_is_killed(
    data_dir: Path, tmp_path: Path
) -> None:
    """PostgreSQL too, as by the kernel when memory is out."""
    with shooting(data_dir, tmp_path, seconds=1.5) as said, Embedded(data_dir) as server:
        require_traces(server.url, tmp_path, said)
