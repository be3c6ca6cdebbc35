"""Workloads that are told beside each other, measured in turns of a second.

A machine's speed differs by a quarter from one quarter of a minute to the next, and what is measured then differs as
much. Those that take turns meet the same of it, and none of them finds a server that has rested for a minute.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from statistics import median

from bench.asking import Pools, Workload, script_of
from bench.floors import CLIENTS, CROWD, THRONG, half
from bench.load import Load, wrk
from bench.samples import Sample, Spent, spending
from bench.server import Running

TURN_SECONDS = 1
SEALED_SECONDS = 1.2  # after the answers: by then their traces are sealed, which belongs to what they take
# Requests a second, by clients, that a refilled pool is enough for.
SPENT = {CLIENTS: 2000, CROWD: 2000, THRONG: 2000, 1: 1000}

Fill = Callable[[Workload, int], Pools]
"""The pools for so many requests of a workload."""


def families(workloads: Sequence[Workload]) -> Iterator[list[Workload]]:
    """Those that are told beside the same, directly or not, if they stand one after the other."""
    others = {workload.name: workload.beside for workload in workloads}

    def first(workload: Workload) -> str:
        name = workload.name
        while others.get(name) in others:
            name = others[name]
        return name

    for _, family in groupby(workloads, first):
        yield list(family)


def measured(
    family: Sequence[Workload], asked: Callable[[Workload], Running], fill: Fill, seconds: int
) -> list[Sample]:
    """A sample of each, by wrk. `asked`: the server. `seconds`: of each at c=16; half of that at c=1."""
    samples = [Sample() for _ in family]
    for clients, length in ((CLIENTS, seconds), (1, half(seconds)), (CROWD, seconds), (THRONG, seconds)):
        running = [
            (workload, sample, _Turns())
            for workload, sample in zip(family, samples, strict=True)
            if workload.crowded or clients in {CLIENTS, 1}
        ]
        turn = TURN_SECONDS if len(running) > 1 else length
        for _ in range(length // turn):
            for workload, _, turns in running:
                pools = fill(workload, SPENT[clients] * turn)
                turns.take(workload, asked(workload), pools, clients, turn)
        for _, sample, turns in running:
            turns.tell(sample, clients)
    return samples


@dataclass(slots=True)
class _Turns:
    """What was measured of a workload with some clients."""

    spent: Spent = field(default_factory=Spent)
    loads: list[Load] = field(default_factory=list)

    def take(self, workload: Workload, server: Running, pools: Pools, clients: int, seconds: int) -> None:
        script = script_of(workload, pools)
        with spending(server, server.server) as spent:
            self.loads.append(wrk(server.base, script, clients, seconds))
            if workload.adds is not None:
                time.sleep(SEALED_SECONDS)
        self.spent.add(spent)

    def tell(self, sample: Sample, clients: int) -> None:
        """Write it into the sample. Percentiles are the median of those of the turns."""
        if not self.loads:
            return
        requests = sum(load.requests for load in self.loads)
        rate = sum(load.rate for load in self.loads) / len(self.loads)
        sample.failures += sum(load.failures for load in self.loads)
        if clients == 1:
            sample.alone_rate = rate
            sample.p50_ms = median(load.p50 for load in self.loads)
            sample.p99_ms = median(load.p99 for load in self.loads)
        elif clients == CLIENTS:
            sample.rate = rate
            self.spent.share(sample, requests)
        else:
            many = Sample()
            self.spent.share(many, requests)
            setattr(sample, "crowd_cpu_us" if clients == CROWD else "throng_cpu_us", many.cpu_us)
