"""Which traces share a statement: who waits for whom, and for how long."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from fhir_server.kernel.errors import Unavailable
from fhir_server.kernel.trace import Trace
from fhir_server.store import audit_groups
from fhir_server.store.audit_groups import Groups
from tests.auditing import trace

A_MINUTE = 60.0


class Written:
    """Keeps what is written, while `open`; fails while `broken`."""

    def __init__(self) -> None:
        self.groups: list[list[bytes]] = []
        self.open = asyncio.Event()
        self.open.set()
        self.broken = False

    async def add(self, traces: Sequence[Trace]) -> list[str]:
        await self.open.wait()
        if self.broken:
            raise Unavailable("away")
        self.groups.append([one.data for one in traces])
        return [one.data.decode() for one in traces]


def notes(*names: str) -> list[bytes]:
    return [trace(name).data for name in names]


async def settled() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_groups, "EXPECTED_SECONDS", A_MINUTE)
    monkeypatch.setattr(audit_groups, "PATIENCE_SECONDS", A_MINUTE)


@pytest.mark.usefixtures("patient")
async def test_a_trace_waits_for_those_whose_acts_are_under_way() -> None:
    written = Written()
    grouped = Groups(written.add)
    with grouped.expect():
        first = asyncio.create_task(grouped.write(trace("a")))
        await settled()
        assert written.groups == []

    names = await asyncio.gather(grouped.write(trace("b")), first)

    assert written.groups == [notes("a", "b")]
    assert [name.encode() for name in names] == notes("b", "a")
    await grouped.close()


@pytest.mark.usefixtures("patient")
async def test_whoever_acts_alone_waits_for_nobody() -> None:
    written = Written()
    grouped = Groups(written.add)

    for name in "ab":
        with grouped.expect():
            pass
        await grouped.write(trace(name))

    assert written.groups == [notes("a"), notes("b")]


@pytest.mark.usefixtures("patient")
async def test_those_who_come_during_a_commit_share_the_next_one() -> None:
    written = Written()
    written.open.clear()
    grouped = Groups(written.add)
    writing = [asyncio.create_task(grouped.write(trace(name))) for name in "abc"]
    await settled()

    written.open.set()
    await asyncio.gather(*writing)

    assert written.groups == [notes("a"), notes("b", "c")]


async def test_an_act_that_takes_long_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_groups, "EXPECTED_SECONDS", 0.0)
    written = Written()
    grouped = Groups(written.add)

    with grouped.expect():
        await grouped.write(trace("a"))

    assert written.groups == [notes("a")]


async def test_nobody_waits_for_ever_for_an_act_that_others_follow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_groups, "PATIENCE_SECONDS", 0.02)
    written = Written()
    grouped = Groups(written.add)
    waiting = []
    with grouped.expect():
        waiting.append(asyncio.create_task(grouped.write(trace("a"))))
        while not written.groups:
            grouped.expect()  # there is always one who has just begun
            await asyncio.sleep(0.001)

    await asyncio.gather(*waiting)
    assert written.groups == [notes("a")]


@pytest.mark.usefixtures("patient")
async def test_an_act_that_is_never_traced_holds_up_nobody_once_it_is_over() -> None:
    written = Written()
    grouped = Groups(written.add)
    with pytest.raises(asyncio.CancelledError), grouped.expect():
        raise asyncio.CancelledError

    await grouped.write(trace("a"))

    assert written.groups == [notes("a")]


@pytest.mark.usefixtures("patient")
async def test_a_full_group_does_not_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_groups, "MOST", 3)
    written = Written()
    grouped = Groups(written.add)
    with grouped.expect():
        await asyncio.gather(*[grouped.write(trace(name)) for name in "abc"])

        assert written.groups == [notes("a", "b", "c")]


@pytest.mark.usefixtures("patient")
async def test_those_after_a_group_that_failed_are_written() -> None:
    written = Written()
    written.open.clear()
    written.broken = True
    grouped = Groups(written.add)
    writing = [asyncio.create_task(grouped.write(trace(name))) for name in "abc"]
    await settled()

    written.open.set()
    results = await asyncio.gather(*writing, return_exceptions=True)
    written.broken = False

    assert [type(one) for one in results] == [Unavailable] * 3
    await grouped.write(trace("d"))
    assert written.groups == [notes("d")]


@pytest.mark.usefixtures("patient")
async def test_closing_ends_when_nobody_waits_any_more() -> None:
    written = Written()
    grouped = Groups(written.add)
    with grouped.expect():
        waiting = asyncio.create_task(grouped.write(trace("a")))
        closing = asyncio.create_task(grouped.close())
        await settled()
        assert not closing.done()
    await grouped.write(trace("b"))

    await closing
    assert await waiting
