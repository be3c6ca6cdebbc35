"""What `make bench` can measure: workloads together with the data that they need."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bench.asking import Pools, Workload
from bench.seeding import doomed, seeded
from bench.server import Running
from bench.workloads import WORKLOADS


@dataclass(frozen=True, slots=True)
class Suite:
    """`seed` loads the data, with the floors' table, and gives the pools that the workloads name.

    `refill` makes values for a pool that a workload spends: server, pools, number of requests to come → values.
    """

    workloads: Sequence[Workload]
    seed: Callable[[Running], Pools]
    refill: Callable[[Running, Pools, int], Sequence[str]] | None = None


def _doomed(server: Running, pools: Pools, count: int) -> Sequence[str]:
    return doomed(server, pools["quiet"], count)


SUITES: Mapping[str, Suite] = {"rest": Suite(WORKLOADS, seeded, _doomed)}
