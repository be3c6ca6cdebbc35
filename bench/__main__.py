"""`make bench`: limits, ways to the database, workloads and components in interleaved rounds.

Results as Markdown and JSON in bench/results. `make bench ARGS="--only read,create --rounds 1"` measures a part.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable

import psycopg

from bench import components
from bench.answering import STACKS
from bench.database import WAYS
from bench.load import have_pgbench, have_wrk
from bench.report import report
from bench.rounds import Chosen, measured
from bench.samples import Rounds
from bench.server import Running, running
from bench.suites import SUITES


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=5, help="default 5")
    parser.add_argument("--seconds", type=int, default=4, help="of one measure at c=16; default 4")
    parser.add_argument("--suite", choices=sorted(SUITES), default="rest")
    parser.add_argument(
        "--only",
        default="",
        help="names or words of names, with commas between: read,create · http · database · component · mix",
    )
    parser.add_argument(
        "--scale", type=int, default=1, help="then measure again with so many times as much data; for search"
    )
    parser.add_argument("--list", action="store_true", help="tell the names, and measure nothing")
    options = parser.parse_args()

    suite = SUITES[options.suite]
    asked = [name.strip() for name in options.only.split(",") if name.strip()]
    names = {
        "http": list(STACKS) if suite.machine else [],
        "database": [way.name for way in WAYS] if suite.machine else [],
        "workload": [workload.name for workload in suite.workloads],
        "component": list(components.COMPONENTS) if suite.machine else [],
    }
    chosen = {group: [one for one in every if is_asked(group, one, asked)] for group, every in names.items()}
    if suite.read and chosen["workload"] and suite.read not in chosen["workload"]:
        chosen["workload"].insert(0, suite.read)
    if options.list:
        for group, every in chosen.items():
            print(f"{group}:", *every, sep="\n  ")
        return
    if not any(chosen.values()):
        parser.error("--only names nothing that can be measured; --list tells the names")
    if options.scale > 1 and suite.grow is None:
        parser.error("--scale: the data of this suite does not grow")
    if reason := suite.absent():
        parser.exit(0, f"{reason}\n")
    if not have_wrk():
        print("wrk is not installed: of workloads only CPU per request is measured, of HTTP's limits nothing")
        chosen["http"] = []
    if not have_pgbench():
        print("pgbench is not installed: ratios stay open")

    costs = _components(chosen["component"])
    rounds, version = Rounds(), "not asked"
    if chosen["http"] or chosen["database"] or chosen["workload"]:
        with running() as server:
            version = _version(server)
            some = Chosen(chosen["http"], chosen["database"], chosen["workload"])
            rounds = measured(server, suite, some, options.rounds, options.seconds, options.scale)
    about = {
        "rounds": options.rounds,
        "seconds": options.seconds,
        "postgresql": version,
        "only": options.only,
        "suite": options.suite,
        "scale": options.scale,
    }
    report(rounds, suite.workloads, costs, about)


def is_asked(group: str, name: str, asked: Iterable[str]) -> bool:
    """Whether `name` is among those `asked` for: by itself, by one of its words, or by its group. None asked: all."""
    words = {group, name.casefold(), *re.findall(r"\w+", name.casefold())}
    folded = [one.casefold() for one in asked]
    return not folded or any(one in words for one in folded)


def _components(names: Iterable[str]) -> dict[str, dict[str, float]]:
    found = {}
    for name, body in components.bodies().items():
        if name in names:
            found[f"{name} ({len(body):,} B)"] = costs = components.measured(
                body, components.PROFILES.get(name, "")
            )
            print(f"component · {name}: {sum(costs.values()):.0f} µs", flush=True)
    return found


def _version(server: Running) -> str:
    with psycopg.connect(server.superuser_url) as connection:
        row = connection.execute("show server_version").fetchone()
    assert row is not None
    return str(row[0])


if __name__ == "__main__":
    main()
