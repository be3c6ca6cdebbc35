"""What access control costs: each request without it, within the view of a caller, and traced as well, over the pools
of `access_seeding.py`.

All are asked of the same database in the same round, one after the other, with the same tokens: of a server that shows
everybody everything and traces nothing (`unscoped.py`), of one that traces nothing (`untraced.py`), and of one as it
is. The view of one caller is of 20 persons, that of all the others of 20 000. What the token costs is told by a read of
a server that asks for none.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping
from typing import Any, Final

from bench.access_seeding import COMMON
from bench.asking import Ask, Workload
from bench.data import SYSTEM, observation

_LOINC: Final = "http://loinc.org%7C"
_FOUND: Final = '"entry"'
_SHARE: Final = 0.15  # of CPU and of throughput, that the view may cost a read
_LIST_SHARE: Final = 0.20  # a list of one person
_MULTIPLE: Final = 3.0  # of the p50 without a view, for a list that no person bounds
_TRACE_MICROS: Final = 60.0  # of CPU, for the trace of a read

# Lists that no person bounds. What is common is on every eighth Observation or Patient, what is rare on few.
_LISTS: Final[Mapping[str, tuple[str, str]]] = {
    "all Observations": ("Observation", ""),
    "all Patients": ("Patient", ""),
    "a common code": (f"Observation?code={_LOINC}{COMMON}", ""),
    "a rare code": (f"Observation?code={_LOINC}@it@", "analytes"),
    "a name": ("Patient?name=@it@", "families"),
    "the latest": ("Observation?_sort=-date", ""),
}


def _each(
    name: str, method: str, path: str, of: str, within: Mapping[str, str], **more: Any
) -> Iterator[Workload]:
    """The request without a view, and by each caller of `within`: how they are called, and the pool of their tokens.

    Without a view it is asked by the last of them. With `adds` it is asked of the server that traces, too.
    """
    limits = {limit: more.pop(limit) for limit in ("costs", "slower") if limit in more}
    adds = more.pop("adds", None)
    headers = more.pop("headers", {})
    limit = "insert" if method == "POST" else "select"
    beside = more.pop("beside", "")
    *_, tokens = within.values()
    own = {**headers, "Authorization": f"Bearer @{tokens}@"}
    every = (Ask(method, f"/fhir/{path}", limit, of=of, headers=own, **more),)
    yield Workload(name, every, server="all", beside=beside)
    for caller, tokens in within.items():
        own = {**headers, "Authorization": f"Bearer @{tokens}@"}
        held = dict(more)
        if tokens == "few":
            held.pop("holds", None)  # it may be that they see none of it
        asks = (Ask(method, f"/fhir/{path}", limit, of=of, headers=own, **held),)
        seen = f"{name}, {caller}"
        crowded = adds is not None
        yield Workload(seen, asks, server="view", beside=name, crowded=crowded, **limits)
        if adds is not None:
            yield Workload(f"{seen}, traced", asks, server="trace", beside=seen, crowded=crowded, adds=adds)


def _observations() -> tuple[str, ...]:
    chance = random.Random(82)
    made = [observation("@it@", chance) for _ in range(100)]
    for number, one in enumerate(made):
        one["identifier"] = [{"system": SYSTEM, "value": f"@n@-{number}"}]
    return tuple(json.dumps(one, ensure_ascii=False, separators=(",", ":")) for one in made)


def _workloads() -> Iterator[Workload]:
    callers = {"of 1 000 callers": "callers"}
    plain = "read, without tokens"
    yield Workload(plain, (Ask("GET", "/fhir/Patient/@it@", "select", of="persons", holds='"Patient"'),))
    yield from _each(
        "read",
        "GET",
        "Patient/@it@",
        "persons",
        callers,
        costs=_SHARE,
        adds=_TRACE_MICROS,
        holds='"Patient"',
        beside=plain,
    )
    yield from _each(
        "list of a person",
        "GET",
        "Observation?patient=@it@",
        "persons",
        callers,
        costs=_LIST_SHARE,
        adds=_TRACE_MICROS,
        holds=_FOUND,
    )
    tied = {"tied to 20": "few", "tied to 20 000": "many"}
    for name, (path, of) in _LISTS.items():
        yield from _each(name, "GET", path, of, tied, slower=_MULTIPLE, holds=_FOUND)
    yield from _each(
        "create Observation",
        "POST",
        "Observation",
        "persons",
        callers,
        status=201,
        headers={"Content-Type": "application/fhir+json"},
        bodies=_observations(),
    )


WORKLOADS: Final = tuple(_workloads())
