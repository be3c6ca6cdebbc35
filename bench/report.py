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
from bench.samples import MULTIPLES, Rounds, Sample, middle, values

RESULTS = Path(__file__).parent / "results"
MOST_GROWTH = 1.5  # of a search that finds the same among ten times as much


def report(
    rounds: Rounds,
    workloads: Sequence[Workload],
    components: Mapping[str, Mapping[str, float]],
    about: Mapping[str, Any],
) -> None:
    """Print the tables, and write them to a file as text and one as data: `bench`, or `bench-` and the suite."""
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
            *_multiples(rounds.samples["workload"], workloads, "One client, beside the read by id"),
            *_multiples(
                rounds.samples["grown"], workloads, f"The same with {about['scale']} times as much data"
            ),
            *_access(rounds.samples["workload"], workloads, "Within a view, beside the same without"),
            *_access(
                rounds.samples["grown"], workloads, f"The same with {about['scale']} times as much, hidden"
            ),
            *_growth(rounds, workloads, about["scale"]),
            *_components(components),
        ]
    )
    print(f"\n{text}\n")
    RESULTS.mkdir(exist_ok=True)
    name = "bench" if about["suite"] == "rest" else f"bench-{about['suite']}"
    (RESULTS / f"{name}.md").write_text(text + "\n")
    raw = {"about": about, **rounds.raw(), "components": components}
    (RESULTS / f"{name}.json").write_text(json.dumps(raw, indent=1) + "\n")


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


def _multiples(named: Mapping[str, list[Sample]], workloads: Sequence[Workload], title: str) -> list[str]:
    """p50s: over HTTP, inside the server, and of its statements alone."""
    return _table(
        title,
        (
            "workload",
            "HTTP",
            "server",
            "database",
            "HTTP, in reads",
            "server, in reads",
            "database, in reads",
            "target",
        ),
        (
            (
                workload.name,
                *(_time(s, time) for time in MULTIPLES),
                *(_multiple(s, multiple) for multiple in MULTIPLES.values()),
                f"≤ {workload.multiple:g}" if workload.multiple else "none",
            )
            for workload in workloads
            if values(s := named.get(workload.name, []), "server_ms")
        ),
    )


def _access(named: Mapping[str, list[Sample]], workloads: Sequence[Workload], title: str) -> list[str]:
    """What a view and the trace cost: of throughput, of CPU, of the time of one client."""
    return _table(
        title,
        (
            "workload",
            "rate c=16",
            "of the rate",
            "CPU µs",
            "of the CPU",
            "p50 c=1",
            "of the p50",
            "CPU µs more",
            "CPU µs more, c=64",
            "CPU µs more, c=256",
            "commits more",
            "target",
        ),
        (
            (
                workload.name,
                _rate(s, "rate"),
                _ratio(s, "rate_share"),
                _figure(s, "cpu_us"),
                _ratio(s, "cpu_share"),
                _time(s, "p50_ms"),
                _ratio(s, "p50_share"),
                _figure(s, "cpu_more_us"),
                _figure(s, "crowd_more_us"),
                _figure(s, "throng_more_us"),
                _ratio(s, "p50_more"),
                _view_target(workload),
            )
            for workload in workloads
            if workload.beside and (s := named.get(workload.name))
        ),
    )


def _view_target(workload: Workload) -> str:
    if workload.costs is not None:
        return f"rate ≥ {1 - workload.costs:.2f}, CPU ≤ {1 + workload.costs:.2f}"
    if workload.adds is not None:
        return f"CPU ≤ {workload.adds:g} µs more, p50 ≤ 1 commit more"
    return "none" if workload.slower is None else f"p50 ≤ {workload.slower:g}"


def _growth(rounds: Rounds, workloads: Sequence[Workload], scale: int) -> list[str]:
    before, after = rounds.samples["workload"], rounds.samples["grown"]
    return _table(
        f"Growth of the p50 with {scale} times as much data",
        ("workload", "HTTP", "server", "database", "target"),
        (
            (
                workload.name,
                *(_grown(before[workload.name], after[workload.name], time) for time in MULTIPLES),
                "none: it counts" if workload.counts else f"≤ {MOST_GROWTH}",
            )
            for workload in workloads
            if workload.name in after
        ),
    )


def _grown(before: list[Sample], after: list[Sample], name: str) -> str:
    old, new = middle(before, name), middle(after, name)
    return "open" if not old or not new else f"{new / old:.2f}"


def _multiple(samples: list[Sample], name: str) -> str:
    found = middle(samples, name)
    if found is None:
        return "open"
    every = values(samples, name)
    return f"{found:.1f} ({min(every):.1f}–{max(every):.1f})"


def _components(components: Mapping[str, Mapping[str, float]]) -> list[str]:
    steps = list(dict.fromkeys(step for costs in components.values() for step in costs))
    return _table(
        "One resource in Python, µs (and as a multiple of the limit)",
        ("resource", *steps, "all but the limit"),
        (
            (
                name,
                *(_cost(costs, step) for step in steps),
                # What a profile asks is judged with all that stands before it: it would count twice.
                f"{sum(cost for step, cost in costs.items() if 'limit' not in step and 'profile' not in step):.0f}",
            )
            for name, costs in components.items()
        ),
    )


def _cost(costs: Mapping[str, float], step: str) -> str:
    """The cost of a step, empty where the resource has no such step."""
    if step not in costs:
        return ""
    limit = next(cost for name, cost in costs.items() if "limit" in name)
    return f"{costs[step]:.1f}" if "limit" in step else f"{costs[step]:.1f} (×{costs[step] / limit:.1f})"


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
