"""The limits of the machine, taken in every round: PostgreSQL alone by pgbench, HTTP alone by servers without anything.

pgbench works with prepared statements on a copy of our own `resource` table in the same PostgreSQL, `fsync` and
`synchronous_commit` on: a select by key, and an insert of one row with a body of the size of a Patient's.
"""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import httpx

from bench.answering import BODY
from bench.asking import Ask, Workload, script_of
from bench.load import pgbench, wrk
from bench.samples import Sample, spending
from bench.seeding import COLUMNS, FLOOR_ROWS
from bench.server import Running

CLIENTS = 16
CROWD = 64  # so many that processors hardly wait
THRONG = 256  # a quarter of the callers of the suite `access` at once
HTTP_FLOOR = "uvloop"  # what the other stacks are compared with

_VALUES = f":k, :k, 1, 'abcdefghijklm', 1, :k, :k, 1, false, '{{1,2,3}}', '{{1,2}}', '{'x' * len(BODY)}'"
PGBENCH: Mapping[str, str] = {
    "select": f"\\set k random(1, {FLOOR_ROWS})\nselect body from floor where self = :k;\n",
    "insert": "\\set k random(100000, 9000000000000000)\n"
    f"insert into floor ({COLUMNS}) values ({_VALUES});\n",
}
_ANY = Workload("any", (Ask("GET", "/fhir/Patient/x", "select"),))


def database_floor(server: Running, name: str, seconds: int) -> Sample:
    """Rows a second at c=16 and c=1."""
    sample = Sample()
    with spending(server, server.server) as spent:
        sample.rate = pgbench(server.superuser_url, PGBENCH[name], CLIENTS, seconds)
    spent.share(sample, round(sample.rate * seconds))
    sample.python_us = None
    sample.alone_rate = pgbench(server.superuser_url, PGBENCH[name], 1, half(seconds))
    return sample


def http_floor(server: Running, stack: str, seconds: int) -> Sample:
    """Requests a second of one worker."""
    script = script_of(_ANY, {})
    sample = Sample()
    with _answering(stack) as (base, process):
        with spending(server, process) as spent:
            load = wrk(base, script, CLIENTS, seconds)
        alone = wrk(base, script, 1, half(seconds))
    spent.share(sample, load.requests)
    sample.postgres_us = sample.wal_bytes = None
    sample.rate, sample.alone_rate = load.rate, alone.rate
    sample.p50_ms, sample.p99_ms = alone.p50, alone.p99
    sample.failures = load.failures + alone.failures
    return sample


def half(seconds: int) -> int:
    """How long one client is given where all of them have `seconds`."""
    return max(1, seconds // 2)


@contextmanager
def _answering(stack: str) -> Iterator[tuple[str, int]]:
    """The base address and the process of a server that has answered once."""
    with socket.create_server(("127.0.0.1", 0), backlog=2048) as listening:
        base = f"http://127.0.0.1:{listening.getsockname()[1]}"
        number = listening.fileno()
        process = subprocess.Popen(
            [sys.executable, "-m", "bench.answering", stack, str(number)],
            pass_fds=[number],
            stderr=subprocess.DEVNULL,
        )
        try:
            httpx.get(f"{base}/fhir/Patient/x", timeout=30).raise_for_status()
            yield base, process.pid
        finally:
            process.terminate()
            process.wait(10)
