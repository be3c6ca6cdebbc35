"""What one resource costs in Python: decode, validate, extract, stamp and encode, in µs."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from statistics import median

import orjson

from bench.data import observation, patient
from fhir_server.kernel.wire import Tree, decode, encode, stamp
from fhir_server.search.entries import Hasher
from fhir_server.search.extract import entries_of
from fhir_server.validation.validator import check


def micros(work: Callable[[], object], seconds: float = 0.15) -> float:
    """Median over 5 rounds of the CPU time of one call, in µs."""
    work()
    times = []
    for _ in range(5):
        count = 0
        start = time.process_time_ns()
        while time.process_time_ns() - start < seconds * 1e9 / 5:
            for _ in range(20):
                work()
            count += 20
        times.append((time.process_time_ns() - start) / 1000 / count)
    return median(times)


def measured() -> list[tuple[str, str, float]]:
    """(resource, step, µs)."""
    rng = random.Random(1)
    hasher = Hasher(b"bench" * 4)
    found = []
    for name, resource in (("Patient", patient(1, rng)), ("Observation", observation("1", rng))):
        body = orjson.dumps(resource)
        for step, work in _steps(body, decode(body), hasher).items():
            found.append((f"{name} ({len(body)} B)", step, micros(work)))
    return found


def _steps(body: bytes, tree: Tree, hasher: Hasher) -> dict[str, Callable[[], object]]:
    def written() -> bytes:
        stamp(tree, "x", 1, 0)
        return encode(tree)

    return {
        "orjson.loads (limit)": lambda: orjson.loads(body),
        "decode": lambda: decode(body),
        "validate": lambda: check(tree),
        "extract": lambda: entries_of(tree, hasher, ""),
        "stamp and encode": written,
    }
