"""Interleaved rounds: in each, every limit, every way and every workload that was asked for, one after the other.

Workloads that are told beside each other take turns: see `turns.py`.
"""

from __future__ import annotations

import random
import time
from collections.abc import Collection, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import islice

import httpx

from bench import database, inside, turns
from bench.answering import STACKS
from bench.asking import Pools, Request, Workload, requests_of
from bench.floors import HTTP_FLOOR, PGBENCH, database_floor, half, http_floor
from bench.load import have_pgbench, have_wrk
from bench.samples import Rounds, Sample, spending
from bench.server import Running
from bench.suites import Suite

PROBES = 8  # requests of a workload before it is measured, each on a connection of its own: they reach both workers
BY_HAND = 300  # requests of a workload where there is no wrk


class Wrong(Exception):
    """An answer before the measure was not the expected one."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """What is to be measured, by name: stacks of HTTP, ways to the database, workloads."""

    stacks: Collection[str]
    ways: Collection[str]
    workloads: Collection[str]


def measured(
    server: Running, suite: Suite, chosen: Chosen, rounds: int, seconds: int, scale: int = 1
) -> Rounds:
    """`seconds`: of one measure at c=16; those at c=1 and those of the ways are half as long.

    With a `scale` the workloads are measured again when there is so many times as much data.
    """
    found = Rounds()
    workloads = [workload for workload in suite.workloads if workload.name in chosen.workloads]
    pools: Pools = {}
    if chosen.ways or workloads:
        _say("loading the data")
        pools = suite.seed(server)
    with ExitStack() as servers:
        others = {name: servers.enter_context(started(server)) for name, started in suite.others.items()}
        server = replace(server, others=others)
        for workload in workloads:
            _probe(server, workload, _filled(server, suite, workload, pools, PROBES))
        _rounds(server, suite, chosen, pools, found, rounds, seconds, "workload")
        if scale > 1 and suite.grow is not None:
            _say(f"making the database {scale} times as large")
            suite.grow(server, scale)
            for workload in workloads:
                _probe(server, workload, _filled(server, suite, workload, pools, PROBES))
            _rounds(server, suite, chosen, pools, found, rounds, seconds, "grown")
    return found


def _rounds(
    server: Running,
    suite: Suite,
    chosen: Chosen,
    pools: Pools,
    found: Rounds,
    rounds: int,
    seconds: int,
    group: str,
) -> None:
    """`group`: where the samples of the workloads belong."""
    workloads = [workload for workload in suite.workloads if workload.name in chosen.workloads]
    for number in range(1, rounds + 1):
        _say(f"round {number} of {rounds}")
        if have_pgbench() and (chosen.ways or workloads):
            _database_floors(server, found, seconds)
        _http_floors(server, found, chosen.stacks, seconds)
        _ways(server, found, chosen.ways, seconds / 2)
        for family in turns.families(workloads):
            samples = _samples(server, suite, family, pools, seconds)
            for workload, sample in zip(family, samples, strict=True):
                floors = {name: found.last("pgbench", name) for name in PGBENCH}
                sample.compare(
                    workload.limit({name: floor.rate for name, floor in floors.items()}),
                    workload.limit({name: floor.alone_rate for name, floor in floors.items()}),
                )
                if workload.beside:
                    sample.compare_with_other(found.last(group, workload.beside), floors["insert"])
                if suite.read and inside.is_reading(workload):
                    inside.measured(_asked(server, workload), workload, pools, half(seconds), sample)
                    read = sample if workload.name == suite.read else found.last(group, suite.read)
                    sample.compare_with_read(read)
                _note(found, group, workload.name, sample)


def _samples(
    server: Running, suite: Suite, family: Sequence[Workload], pools: Pools, seconds: int
) -> list[Sample]:
    if have_wrk():
        return turns.measured(
            family,
            lambda workload: _asked(server, workload),
            lambda workload, count: _filled(server, suite, workload, pools, count),
            seconds,
        )
    return [_by_hand(_asked(server, one), one, _filled(server, suite, one, pools, BY_HAND)) for one in family]


def _database_floors(server: Running, found: Rounds, seconds: int) -> None:
    for name in PGBENCH:
        _note(found, "pgbench", name, database_floor(server, name, seconds))


def _http_floors(server: Running, found: Rounds, stacks: Collection[str], seconds: int) -> None:
    floor = None
    for stack in STACKS:
        if stack in stacks:
            sample = http_floor(server, stack, seconds)
            floor = sample if stack == HTTP_FLOOR else floor
            if floor is not None:
                sample.compare(floor.rate, floor.alone_rate)
            _note(found, "http", stack, sample)


def _ways(server: Running, found: Rounds, ways: Collection[str], seconds: float) -> None:
    for way in database.WAYS:
        if way.name in ways:
            sample = database.measured(server, way, seconds)
            limit = found.last("pgbench", "select")
            alone = way.in_flight == way.rows == 1
            sample.compare(limit.alone_rate if alone else limit.rate, None)
            _note(found, "database", way.name, sample)


def _by_hand(server: Running, workload: Workload, pools: Pools) -> Sample:
    """CPU per request from one client."""
    sample = Sample()
    with httpx.Client(base_url=server.base, timeout=60) as client, spending(server, server.server) as spent:
        for request in islice(requests_of(workload, pools, random.Random()), BY_HAND):
            sample.failures += _sent(client, request).status_code != request.status
    spent.share(sample, BY_HAND)
    return sample


def _probe(server: Running, workload: Workload, pools: Pools) -> None:
    """See that requests are answered as they should be. Raises `Wrong`."""
    server = _asked(server, workload)
    for request in islice(requests_of(workload, pools, random.Random(1)), PROBES):
        with httpx.Client(base_url=server.base, timeout=60) as client:
            answer = _sent(client, request)
        if answer.status_code != request.status or request.holds not in answer.text:
            expected = f"{request.status}{f' with {request.holds}' if request.holds else ''}"
            raise Wrong(
                f"{workload.name}: {request.method} {request.path} was answered {answer.status_code}, not"
                f" {expected}: {answer.text[:500]}"
            )


def _asked(server: Running, workload: Workload) -> Running:
    """The server that a workload is asked of."""
    return server.others[workload.server] if workload.server else server


def _sent(client: httpx.Client, request: Request) -> httpx.Response:
    return client.request(
        request.method, request.path, headers=request.headers, content=request.body.encode() or None
    )


def _filled(server: Running, suite: Suite, workload: Workload, pools: Pools, count: int) -> Pools:
    """`pools`, with one that is spent made anew, and what goes out of date."""
    if suite.renew is not None:
        pools = suite.renew(server, pools)
    if not workload.spends:
        return pools
    assert suite.refill is not None, "a suite whose workloads spend says how a pool is filled again"
    return {**pools, workload.spends: suite.refill(server, pools, count)}


def _note(found: Rounds, group: str, name: str, sample: Sample) -> None:
    found.note(group, name, sample)
    rate = "" if sample.rate is None else f" {sample.rate:,.0f}/s"
    ratio = "" if sample.ratio is None else f", ratio {sample.ratio:.3f}"
    python = "" if sample.python_us is None else f", Python {sample.python_us:,.0f} µs"
    inner = "" if sample.server_ms is None else f", server {sample.server_ms:.2f} ms"
    multiple = "" if sample.server_multiple is None else f", {sample.server_multiple:.1f} reads"
    failed = f", {sample.failures} FAILED" if sample.failures else ""
    _say(f"  {group} · {name}:{rate}{ratio}{python}{inner}{multiple}{failed}")


def _say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)
