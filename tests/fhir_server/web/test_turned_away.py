"""Whoever is turned away at the door: the first is traced at once, the rest are counted, and nobody fills the disk."""

from __future__ import annotations

import asyncio
import json
import logging
from collections import Counter
from typing import Any

import pytest

from fhir_server.kernel.trace import REFUSED, Trace
from fhir_server.web import turned_away
from fhir_server.web.turned_away import TurnedAway

ADDRESS = "192.0.2.1"
REASON = "The signature of the token is wrong"


class Log:
    """A log that may be away."""

    def __init__(self) -> None:
        self.traces: list[Trace] = []
        self.away = False
        self.second = asyncio.Event()

    async def write(self, trace: Trace) -> str:
        await asyncio.sleep(0)
        if self.away:
            raise ConnectionError
        self.traces.append(trace)
        if len(self.traces) == 2:
            self.second.set()
        return "1"

    @property
    def said(self) -> list[dict[str, Any]]:
        """What has come since the last look."""
        found, self.traces = self.traces, []
        assert {trace.outcome for trace in found} <= {REFUSED}
        return [json.loads(trace.data) for trace in found]

    @property
    def counts(self) -> Counter[tuple[str, str]]:
        """How many refusals the log tells of, by address and reason, since the last look."""
        found: Counter[tuple[str, str]] = Counter()
        for one in self.said:
            found[one.get("address", ""), one["rule"]] += one.get("count", 1)
        return found


@pytest.fixture
def log() -> Log:
    return Log()


async def test_the_first_is_traced_at_once_and_the_rest_together_when_the_minute_ends(log: Log) -> None:
    door = TurnedAway(log.write)

    await door.note(ADDRESS, REASON, "4bf9")
    [first] = log.said
    for _ in range(41):
        await door.note(ADDRESS, REASON, "4bfa")
    meanwhile = log.said
    await door.end()
    [rest] = log.said
    await door.end()

    assert (first["kind"], first["address"], first["rule"], first["request"]) == (
        "login",
        ADDRESS,
        REASON,
        "4bf9",
    )
    assert "count" not in first
    assert meanwhile == log.said == []
    assert rest["count"] == 41
    assert first["at"] <= rest["at"] <= rest["until"]
    assert "request" not in rest


async def test_after_the_minute_the_next_is_a_first_one_again(log: Log) -> None:
    door = TurnedAway(log.write)

    for _ in range(3):
        await door.note(ADDRESS, REASON)
        await door.end()

    assert [one.get("count", 1) for one in log.said] == [1, 1, 1]


async def test_however_many_come_from_wherever_the_traces_are_few_and_none_is_missed(log: Log) -> None:
    door = TurnedAway(log.write, most=10)

    for number in range(5000):
        await door.note(f"192.0.{number % 250}.{number % 200}", REASON)
    await door.note("2001:db8:1:2::1", "another")
    await door.note("2001:db8:1:2::2", "another")
    await door.end()
    written = len(log.traces)

    assert written <= 2 * (10 + 2)
    assert sum(log.counts.values()) == 5002


async def test_addresses_of_one_subscriber_are_one(log: Log) -> None:
    door = TurnedAway(log.write)

    for last in range(100):
        await door.note(f"2001:db8:1:2::{last:x}", REASON)
    await door.end()

    assert log.counts == {("2001:db8:1:2::/64", REASON): 100}


async def test_many_at_once_have_one_first(log: Log) -> None:
    door = TurnedAway(log.write)

    await asyncio.gather(*(door.note(ADDRESS, REASON) for _ in range(50)))
    assert len(log.traces) == 1
    await door.end()

    assert log.counts == {(ADDRESS, REASON): 50}


async def test_while_the_log_is_away_nobody_waits_and_nothing_is_forgotten(
    log: Log, caplog: pytest.LogCaptureFixture
) -> None:
    door = TurnedAway(log.write)
    log.away = True

    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            await door.note(ADDRESS, REASON)
            await door.note("192.0.2.2", REASON)
        await door.end()
        await door.note(ADDRESS, REASON)
    log.away = False
    await door.end()

    assert log.counts == {(ADDRESS, REASON): 4, ("192.0.2.2", REASON): 3}
    assert ADDRESS not in caplog.text


async def test_a_minute_ends_by_itself_and_so_does_the_last_one(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turned_away, "WINDOW_SECONDS", 0.02)
    door = TurnedAway(log.write)
    door.start()

    await door.note(ADDRESS, REASON)
    await door.note(ADDRESS, REASON)
    await asyncio.wait_for(log.second.wait(), 30)
    monkeypatch.setattr(turned_away, "WINDOW_SECONDS", 60)
    await door.note("192.0.2.2", REASON)
    await door.note("192.0.2.2", REASON)
    await door.close()

    assert log.counts == {(ADDRESS, REASON): 2, ("192.0.2.2", REASON): 2}
