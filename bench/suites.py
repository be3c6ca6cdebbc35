"""What `make bench` can measure: workloads together with the data that they need."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import partial

from bench import access_seeding
from bench.access_workloads import WORKLOADS as ACCESS
from bench.asking import Pools, Workload
from bench.growth import grown
from bench.search_seeding import absent
from bench.search_seeding import seeded as seeded_for_search
from bench.search_workloads import READ
from bench.search_workloads import WORKLOADS as SEARCHES
from bench.seeding import doomed, seeded
from bench.server import Running, knowing_callers, showing_everything, tracing_nothing
from bench.workloads import WORKLOADS


@dataclass(frozen=True, slots=True)
class Suite:
    """`seed` loads the data, with the floors' table, and gives the pools that the workloads name.

    `refill` makes values for a pool that a workload spends: server, pools, number of requests to come → values.
    `grow` makes the database some times as large. `others`: servers beside the first, by the names that workloads
    have for them. `absent` says why the data is not there; empty: it is.
    """

    workloads: Sequence[Workload]
    seed: Callable[[Running], Pools]
    refill: Callable[[Running, Pools, int], Sequence[str]] | None = None
    grow: Callable[[Running, int], None] | None = None
    absent: Callable[[], str] = str
    read: str = ""  # the workload that the times of the others are multiples of; empty: they are not compared
    others: Mapping[str, Callable[[Running], AbstractContextManager[Running]]] = field(default_factory=dict)
    renew: Callable[[Running, Pools], Pools] | None = None  # before every measure
    machine: bool = True  # the stacks of HTTP, the ways to the database and the components belong to it


def _doomed(server: Running, pools: Pools, count: int) -> Sequence[str]:
    return doomed(server, pools["quiet"], count)


SUITES: Mapping[str, Suite] = {
    "rest": Suite(WORKLOADS, seeded, _doomed),
    "search": Suite(SEARCHES, seeded_for_search, grow=grown, absent=absent, read=READ, machine=False),
    "access": Suite(
        ACCESS,
        access_seeding.seeded,
        # What is hidden has the codes that are searched for, the rare ones too.
        grow=partial(grown, everywhere=access_seeding.SHARED),
        others={"all": showing_everything, "view": tracing_nothing, "trace": knowing_callers},
        renew=access_seeding.Tokens().renewed,
        machine=False,
    ),
}
