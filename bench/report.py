"""The results as Markdown and JSON in bench/results."""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.asking import Workload
from bench.samples import Rounds, Sample, middle, values

RESULTS = Path(__file__).parent / "results"


def report(
    rounds: Rounds,
    workloads: Sequence[Workload],
    components: Mapping[str, Mapping[str, float]],
    about: Mapping[str, Any],
) -> None:
    """Print the tables, and write `bench.md` and `bench.json`."""
    about = {
        **about,
        "date": time.strftime("%Y-%m-%d"),
        "python": platform.python_version(),
        "cores": os.cpu_count(),
    }
    text = "\n".join(
        [
            f"# Benchmarks, {about['date']}, {about['rounds']} rounds of {about['seconds']:g} s, 2 workers",
            "",
            f"{about['cores']} cores, Python {about['python']}, PostgreSQL {about['postgresql']}. Medians, and in"
            " parentheses the range of the rounds. Ratios are to the limit of the same round; CPU is per operation,"
            " at c=16 (of one client without wrk).",
            *_floors(rounds.samples["pgbench"]),
            *_http(rounds.samples["http"]),
            *_database(rounds.samples["database"]),
            *_workloads(rounds.samples["workload"], workloads),
            *_components(components),
        ]
    )
    print(f"\n{text}\n")
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "bench.md").write_text(text + "\n")
    raw = {"about": about, **rounds.raw(), "components": components}
    (RESULTS / "bench.json").write_text(json.dumps(raw, indent=1) + "\n")


def _floors(named: Mapping[str, list[Sample]]) -> list[str]:
    return _table(
        "Limits of the database: pgbench, prepared, on a copy of our own table",
        ("statement", "rate c=16", "rate c=1", "PostgreSQL µs", "log, bytes"),
        (
            (
                name,
                _rate(s, "rate"),
                _rate(s, "alone_rate"),
                _figure(s, "postgres_us"),
                _figure(s, "wal_bytes"),
            )
            for name, s in named.items()
        ),
    )


def _http(named: Mapping[str, list[Sample]]) -> list[str]:
    return _table(
        "Limits of HTTP: the same answer to everything, one worker",
        (
            "stack",
            "rate c=16",
            "share of uvloop's",
            "Python µs",
            "rate c=1",
            "p50 c=1",
            "p99 c=1",
            "failures",
        ),
        (
            (
                name,
                _rate(s, "rate"),
                _ratio(s, "ratio"),
                _figure(s, "python_us"),
                _rate(s, "alone_rate"),
                _time(s, "p50_ms"),
                _time(s, "p99_ms"),
                _failures(s),
            )
            for name, s in named.items()
        ),
    )


def _database(named: Mapping[str, list[Sample]]) -> list[str]:
    return _table(
        "Ways to the database: one body by key, per row",
        ("way", "rate", "ratio to select", "Python µs", "PostgreSQL µs"),
        (
            (name, _rate(s, "rate"), _ratio(s, "ratio"), _figure(s, "python_us"), _figure(s, "postgres_us"))
            for name, s in named.items()
        ),
    )


def _workloads(named: Mapping[str, list[Sample]], workloads: Sequence[Workload]) -> list[str]:
    return _table(
        "Workloads",
        (
            "workload",
            "rate c=16",
            "ratio to limit",
            "target",
            "Python µs",
            "PostgreSQL µs",
            "log, bytes",
            "rate c=1",
            "ratio c=1",
            "p50 c=1",
            "p99 c=1",
            "failures",
        ),
        (
            (
                workload.name,
                _rate(s, "rate"),
                _ratio(s, "ratio"),
                f"≥ {workload.target} of {workload.limits}"
                if workload.target
                else f"none, of {workload.limits}",
                _figure(s, "python_us"),
                _figure(s, "postgres_us"),
                _figure(s, "wal_bytes"),
                _rate(s, "alone_rate"),
                _ratio(s, "alone_ratio"),
                _time(s, "p50_ms"),
                _time(s, "p99_ms"),
                _failures(s),
            )
            for workload in workloads
            if (s := named.get(workload.name))
        ),
    )


def _components(components: Mapping[str, Mapping[str, float]]) -> list[str]:
    steps = list(dict.fromkeys(step for costs in components.values() for step in costs))
    return _table(
        "One resource in Python, µs",
        ("resource", *steps, "all but the limit"),
        (
            (
                name,
                *(f"{costs[step]:.1f}" for step in steps),
                f"{sum(cost for step, cost in costs.items() if 'limit' not in step):.0f}",
            )
            for name, costs in components.items()
        ),
    )


def _table(title: str, heads: Sequence[str], lines: Any) -> list[str]:
    """Nothing for a table without lines."""
    found = [f"| {' | '.join(cells)} |" for cells in lines]
    if not found:
        return []
    return ["", f"## {title}", "", f"| {' | '.join(heads)} |", "|---" * len(heads) + "|", *found]


def _rate(samples: list[Sample], name: str) -> str:
    found = middle(samples, name)
    return "open" if found is None else f"{found:,.0f}/s"


def _ratio(samples: list[Sample], name: str) -> str:
    found = middle(samples, name)
    if found is None:
        return "open"
    every = values(samples, name)
    return f"{found:.3f} ({min(every):.3f}–{max(every):.3f})"


def _figure(samples: list[Sample], name: str) -> str:
    found = middle(samples, name)
    return "open" if found is None else f"{found:,.0f}"


def _time(samples: list[Sample], name: str) -> str:
    found = middle(samples, name)
    return "open" if found is None else f"{found:.2f} ms"


def _failures(samples: list[Sample]) -> str:
    return str(sum(sample.failures for sample in samples))
