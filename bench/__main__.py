"""`make bench`: floors, workloads and components in interleaved rounds; Markdown and JSON in bench/results."""

from __future__ import annotations

import argparse
import json
import random
import time
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import httpx
import orjson
import psycopg

from bench import components, workloads
from bench.data import observation, patient
from bench.load import Load, have_wrk, pgbench, wrk
from bench.processes import cpu_us
from bench.server import Running, running

PATIENTS = 2000
OBSERVATIONS = 8000
_COLUMNS = "pk, self, type, id, version, updated, moment, method, deleted, present, refs, body"
RESULTS = Path(__file__).parent / "results"
# workload → (floor, target ratio at c=16, resources a request)
TARGETS: dict[str, tuple[str, float | None, int]] = {
    "read": ("select", 0.25, 1),
    "vread": ("select", None, 1),
    "identifier": ("select", 0.16, 1),
    "create Patient": ("insert", 0.15, 1),
    "create Observation": ("insert", 0.20, 1),
    "update Patient": ("insert", None, 1),
    "transaction of 100": ("insert", 0.50, 100),
}


@dataclass(slots=True)
class Series:
    """One value a round."""

    ratio: list[float] = field(default_factory=list)
    rate: list[float] = field(default_factory=list)
    python_us: list[float] = field(default_factory=list)
    postgres_us: list[float] = field(default_factory=list)
    p50: list[float] = field(default_factory=list)
    p99: list[float] = field(default_factory=list)
    failures: int = 0


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4)
    options = parser.parse_args()
    with running() as server:
        ids = seed(server)
        scripts = {
            "read": workloads.read(ids),
            "vread": workloads.vread(ids),
            "identifier": workloads.identifier(range(PATIENTS)),
            "create Patient": workloads.create(workloads.patients(7), "Patient"),
            "create Observation": workloads.create(workloads.observations(ids, 8), "Observation"),
            "update Patient": workloads.update(ids[: PATIENTS // 2], 10),
            "transaction of 100": workloads.transaction(ids, 9),
        }
        if have_wrk():
            series = measure(server, scripts, options.rounds, options.seconds)
        else:
            print("wrk is not installed: only CPU per request is reported, ratios stay open")
            series = by_hand(server, ids)
    report(series, components.measured(), options)


def seed(server: Running) -> list[str]:
    """Load the data by HTTP and make the floors' tables. Returns the ids of the Patients."""
    rng = random.Random(42)
    ids: list[str] = []
    with httpx.Client(base_url=server.base, timeout=120) as client:
        for start in range(0, PATIENTS, 500):
            ids += post(client, [patient(n, rng) for n in range(start, start + 500)])
        for _ in range(0, OBSERVATIONS, 500):
            post(client, [observation(rng.choice(ids), rng) for _ in range(500)])
    body = orjson.dumps(patient(0, rng))
    with psycopg.connect(server.superuser_url, autocommit=True) as connection:
        # The limits work on our own table, with its indexes: what is above them is the server's.
        connection.execute("create table floor (like resource including all)")
        connection.execute(
            f"insert into floor ({_COLUMNS}) select n, n, 1, 'x' || n, 1, n, n, 1, false, '{{}}', '{{}}', %s"
            " from generate_series(1, %s) n",
            [body, PATIENTS + OBSERVATIONS],
        )
        connection.execute("vacuum analyze")
    return ids


def post(client: httpx.Client, resources: list[dict[str, object]]) -> list[str]:
    entries = [
        {"resource": one, "request": {"method": "POST", "url": one["resourceType"]}} for one in resources
    ]
    answer = client.post(
        "/fhir",
        content=orjson.dumps({"resourceType": "Bundle", "type": "transaction", "entry": entries}),
        headers={"Content-Type": "application/fhir+json"},
    )
    answer.raise_for_status()
    return [entry["response"]["location"].split("/")[1] for entry in answer.json()["entry"]]


def floors(server: Running, seconds: float) -> dict[str, float]:
    """Reads by key and inserts of one row a second, at c=16, by pgbench with prepared statements."""
    size = len(orjson.dumps(patient(0, random.Random(1))))
    rows = PATIENTS + OBSERVATIONS
    select = f"\\set k random(1, {rows})\nselect body from floor where self = :k;\n"
    values = f":k, :k, 1, 'abcdefghijklm', 1, :k, :k, 1, false, '{{1,2,3}}', '{{1,2}}', '{'x' * size}'"
    insert = f"\\set k random(100000, 9000000000000000)\ninsert into floor ({_COLUMNS}) values ({values});\n"
    return {
        "select": pgbench(server.superuser_url, select, 16, seconds),
        "insert": pgbench(server.superuser_url, insert, 16, seconds),
    }


def measure(server: Running, scripts: dict[str, str], rounds: int, seconds: float) -> dict[str, Series]:
    series = {name: Series() for name in scripts}
    for number in range(rounds):
        limit = floors(server, seconds)
        print(
            f"round {number + 1} of {rounds}: " + ", ".join(f"{k} {v:,.0f}/s" for k, v in limit.items()),
            flush=True,
        )
        for name, script in scripts.items():
            floor, _, resources = TARGETS[name]
            before = cpu_us(server.server), cpu_us(server.postgres)
            load = wrk(server.base, script, 16, seconds)
            after = cpu_us(server.server), cpu_us(server.postgres)
            note(series[name], load, load.rate * resources / limit[floor])
            series[name].python_us.append((after[0] - before[0]) / max(load.requests, 1))
            series[name].postgres_us.append((after[1] - before[1]) / max(load.requests, 1))
            alone = wrk(server.base, script, 1, max(1, seconds / 2))
            series[name].p50.append(alone.p50)
            series[name].p99.append(alone.p99)
            print(f"  {name}: {load.rate:,.0f}/s, ratio {series[name].ratio[-1]:.3f}", flush=True)
    return series


def note(series: Series, load: Load, ratio: float) -> None:
    series.rate.append(load.rate)
    series.ratio.append(ratio)
    series.failures += load.failures


def by_hand(server: Running, ids: list[str]) -> dict[str, Series]:
    """CPU per read from one client, where there is no wrk."""
    series = Series()
    with httpx.Client(base_url=server.base) as client:
        count = 2000
        before = cpu_us(server.server), cpu_us(server.postgres)
        for number in range(count):
            client.get(f"/fhir/Patient/{ids[number % len(ids)]}").raise_for_status()
        series.python_us.append((cpu_us(server.server) - before[0]) / count)
        series.postgres_us.append((cpu_us(server.postgres) - before[1]) / count)
    return {"read": series}


def middle(values: list[float]) -> float:
    return median(values) if values else float("nan")


def report(
    series: dict[str, Series], parts: list[tuple[str, str, float]], options: argparse.Namespace
) -> None:
    lines = [
        f"# Benchmarks, {time.strftime('%Y-%m-%d')}, {options.rounds} rounds of {options.seconds:.0f} s, 2 workers",
        "",
        "| workload | rate c=16 | ratio to floor (range) | target | Python µs | PostgreSQL µs "
        "| p50 c=1 | p99 c=1 | failures |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for name, one in series.items():
        floor, target, _ = TARGETS[name]
        aim = f"≥ {target} of {floor}" if target else f"none, of {floor}"
        spread = f"{min(one.ratio):.3f} to {max(one.ratio):.3f}" if one.ratio else "open"
        lines.append(
            f"| {name} | {middle(one.rate):,.0f}/s | {middle(one.ratio):.3f} ({spread}) | {aim} "
            f"| {middle(one.python_us):.0f} | {middle(one.postgres_us):.0f} | {middle(one.p50):.2f} ms "
            f"| {middle(one.p99):.2f} ms | {one.failures} |"
        )
    lines += ["", "| resource | step | µs |", "|---|---|---|"]
    lines += [f"| {resource} | {step} | {cost:.1f} |" for resource, step, cost in parts]
    text = "\n".join(lines) + "\n"
    print(text)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "bench.md").write_text(text)
    raw = {name: {f: getattr(one, f) for f in Series.__slots__} for name, one in series.items()}
    (RESULTS / "bench.json").write_text(json.dumps({"workloads": raw, "components": parts}, indent=1))


if __name__ == "__main__":
    main()
