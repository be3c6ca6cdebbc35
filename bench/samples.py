"""One sample a round of each thing that is measured, and what all rounds say together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any

import psycopg

from bench.processes import cpu_us
from bench.server import Running

GROUPS = ("pgbench", "http", "database", "workload", "grown")


@dataclass(slots=True)
class Sample:
    """What was not measured is None. CPU and log are per operation at the greater number of clients."""

    rate: float | None = None  # operations a second
    ratio: float | None = None  # of the rate to the limit of the same round
    python_us: float | None = None
    postgres_us: float | None = None
    wal_bytes: float | None = None
    alone_rate: float | None = None  # with one client
    alone_ratio: float | None = None
    p50_ms: float | None = None  # with one client, as p99
    p99_ms: float | None = None
    server_ms: float | None = None  # with one client, inside the server: see `inside.py`
    database_ms: float | None = None
    p50_multiple: float | None = None  # of the same of a read by id
    server_multiple: float | None = None
    database_multiple: float | None = None
    rate_share: float | None = None  # of that of the workload beside, as those below
    cpu_share: float | None = None
    p50_share: float | None = None
    cpu_more_us: float | None = None  # than that takes
    crowd_cpu_us: float | None = None  # with many more clients
    crowd_more_us: float | None = None
    throng_cpu_us: float | None = None  # with many more again
    throng_more_us: float | None = None
    p50_more: float | None = None  # the same, as a multiple of one insert of one client
    failures: int = 0

    def compare_with_other(self, other: Sample, insert: Sample) -> None:
        """Set the shares of what the workload beside takes, where both are known."""
        if self.rate and other.rate:
            self.rate_share = self.rate / other.rate
        if self.p50_ms and other.p50_ms:
            self.p50_share = self.p50_ms / other.p50_ms
            if insert.alone_rate:
                self.p50_more = (self.p50_ms - other.p50_ms) * insert.alone_rate / 1000
        if self.cpu_us and other.cpu_us:
            self.cpu_share = self.cpu_us / other.cpu_us
            self.cpu_more_us = self.cpu_us - other.cpu_us
        if self.crowd_cpu_us and other.crowd_cpu_us:
            self.crowd_more_us = self.crowd_cpu_us - other.crowd_cpu_us
        if self.throng_cpu_us and other.throng_cpu_us:
            self.throng_more_us = self.throng_cpu_us - other.throng_cpu_us

    @property
    def cpu_us(self) -> float | None:
        if self.python_us is None or self.postgres_us is None:
            return None
        return self.python_us + self.postgres_us

    def compare(self, limit: float | None, alone_limit: float | None) -> None:
        """Set the ratios to limits in operations a second, where both are known."""
        if self.rate and limit:
            self.ratio = self.rate / limit
        if self.alone_rate and alone_limit:
            self.alone_ratio = self.alone_rate / alone_limit

    def compare_with_read(self, read: Sample) -> None:
        """Set the multiples of the times of a read, where both are known."""
        for time, multiple in MULTIPLES.items():
            mine, its = getattr(self, time), getattr(read, time)
            if mine and its:
                setattr(self, multiple, mine / its)


MULTIPLES = {"p50_ms": "p50_multiple", "server_ms": "server_multiple", "database_ms": "database_multiple"}


@dataclass(slots=True)
class Rounds:
    """Samples by group and name, in the order of the rounds."""

    samples: dict[str, dict[str, list[Sample]]] = field(
        default_factory=lambda: {group: defaultdict(list) for group in GROUPS}
    )

    def note(self, group: str, name: str, sample: Sample) -> None:
        self.samples[group][name].append(sample)

    def last(self, group: str, name: str) -> Sample:
        """The latest, which is that of the round under way; an empty one where nothing was measured."""
        samples = self.samples[group].get(name)
        return samples[-1] if samples else Sample()

    def raw(self) -> dict[str, Any]:
        return {
            group: {name: [asdict(one) for one in samples] for name, samples in named.items()}
            for group, named in self.samples.items()
        }


def values(samples: list[Sample], name: str) -> list[float]:
    """A figure's values, without the rounds in which it was not measured."""
    return [value for sample in samples if (value := getattr(sample, name)) is not None]


def middle(samples: list[Sample], name: str) -> float | None:
    found = values(samples, name)
    return median(found) if found else None


@dataclass(slots=True)
class Spent:
    """CPU of the server's processes and of PostgreSQL's (µs), and bytes written to its log."""

    python: int = 0
    postgres: int = 0
    wal: int = 0

    def add(self, other: Spent) -> None:
        self.python += other.python
        self.postgres += other.postgres
        self.wal += other.wal

    def share(self, sample: Sample, operations: int) -> None:
        """Write into `sample` what one of `operations` took."""
        each = max(operations, 1)
        sample.python_us = self.python / each
        sample.postgres_us = self.postgres / each
        sample.wal_bytes = self.wal / each


@contextmanager
def spending(server: Running, process: int) -> Iterator[Spent]:
    """What is spent inside the block; `process`: the one whose CPU, with that of its children, counts as Python's."""
    with psycopg.connect(server.superuser_url, autocommit=True) as connection:

        def now() -> tuple[int, int, int]:
            row = connection.execute("select (pg_current_wal_lsn() - '0/0')::bigint").fetchone()
            assert row is not None
            return cpu_us(process), cpu_us(server.postgres), row[0]

        spent = Spent()
        before = now()
        yield spent
        after = now()
    spent.python, spent.postgres, spent.wal = (b - a for a, b in zip(before, after, strict=True))
