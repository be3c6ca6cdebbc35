"""Who shares a statement with whom, and who waits for whom."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import ClassVar

import pytest

from fhir_server.store import gathering
from fhir_server.store.gathering import QUIET_TURNS, Gathering, Waiting

A_SECOND = 1.0  # more than anything here takes
IN_ONE = 3  # turns, from who asks to who answers: nobody else is waited for


class Doubling(Gathering[int, int]):
    """`sizes`: of those that were answered together. None of them ends while the gate is not `open`."""

    most: ClassVar[int] = 4
    patience_seconds: ClassVar[float | None] = A_SECOND

    def __init__(self) -> None:
        super().__init__()
        self.sizes: list[int] = []
        self.open = asyncio.Event()
        self.open.set()

    async def answer(self, together: Sequence[Waiting[int, int]]) -> None:
        self.sizes.append(len(together))
        await self.open.wait()
        for number, answer in together:
            if not answer.done():
                answer.set_result(2 * number)


class Strict(Doubling):
    patience_seconds: ClassVar[float | None] = None


class Hasty(Doubling):
    patience_seconds: ClassVar[float | None] = 0.001


async def turns(count: int = 2 * QUIET_TURNS) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


def asking(readers: Doubling, *numbers: int) -> asyncio.Future[list[int]]:
    return asyncio.gather(*[readers.ask(number) for number in numbers])


async def test_those_who_ask_in_one_turn_are_answered_together_each_as_they_asked() -> None:
    readers = Doubling()

    assert await asking(readers, 1, 2, 3) == [2, 4, 6]
    assert readers.sizes == [3]


async def test_whoever_asks_alone_is_sent_at_the_end_of_the_turn() -> None:
    readers = Doubling()
    for number in range(3):
        asked = asking(readers, number)
        await turns(IN_ONE)
        assert len(readers.sizes) == number + 1
        await asked

    assert readers.sizes == [1, 1, 1]


@pytest.mark.parametrize("kind", [Doubling, Strict])
async def test_those_who_ask_meanwhile_share_the_next(kind: type[Doubling]) -> None:
    readers = kind()
    readers.open.clear()
    first = asking(readers, 1)
    await turns()
    others = [asking(readers, 2), asking(readers, 3)]
    await turns()

    assert readers.sizes == [1]
    readers.open.set()
    await asyncio.gather(first, *others)
    assert readers.sizes == [1, 2]


async def test_whoever_was_answered_is_waited_for_as_they_may_ask_again() -> None:
    readers = Doubling()
    await asking(readers, 1, 2, 3)
    asked = []
    for number in range(3):
        asked.append(asking(readers, number))
        await turns(QUIET_TURNS - 1)

    await asyncio.gather(*asked)
    assert readers.sizes == [3, 3]


async def test_nobody_is_waited_for_who_does_not_come() -> None:
    readers = Doubling()
    await asking(readers, 1, 2, 3)
    asked = asking(readers, 1)
    await turns(QUIET_TURNS + IN_ONE)

    assert readers.sizes == [3, 1]
    await asked
    again = asking(readers, 1)
    await turns(IN_ONE)
    assert readers.sizes == [3, 1, 1]
    await again


async def test_no_more_than_were_there_are_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gathering, "QUIET_TURNS", 1000)
    readers = Doubling()
    await asking(readers, 1, 2)

    await asyncio.wait_for(asking(readers, 3, 4), A_SECOND)
    assert readers.sizes == [2, 2]


async def test_what_takes_long_is_not_waited_for() -> None:
    readers = Hasty()
    readers.open.clear()
    first, second = asking(readers, 1), asking(readers, 2)
    await turns()
    third = asking(readers, 3)
    await asyncio.sleep(0.1)

    assert readers.sizes == [2, 1]
    assert not first.done()
    readers.open.set()
    assert list(await asyncio.gather(first, second, third)) == [[2], [4], [6]]


async def test_as_many_as_share_one_wait_for_nothing() -> None:
    readers = Doubling()
    readers.open.clear()
    asked = [asking(readers, 1)]
    await turns()
    asked.append(asking(readers, *range(readers.most)))
    await turns(IN_ONE)

    assert readers.sizes == [1, readers.most]
    readers.open.set()
    await asyncio.gather(*asked)


async def test_where_one_is_under_way_at_a_time_all_wait_for_its_end() -> None:
    readers = Strict()
    readers.open.clear()
    first = asking(readers, *range(readers.most + 1))
    await turns()
    others = asking(readers, *range(readers.most))
    await turns()

    assert readers.sizes == [readers.most]
    readers.open.set()
    await asyncio.gather(first, others)
    assert readers.sizes == [4, 4, 1]


async def test_more_than_share_one_are_sent_in_several() -> None:
    readers = Doubling()

    await asking(readers, *range(2 * readers.most + 1))

    assert readers.sizes == [4, 4, 1]


async def test_whoever_has_gone_is_answered_no_more() -> None:
    readers = Doubling()
    tasks = [asyncio.create_task(readers.ask(number)) for number in range(3)]
    await asyncio.sleep(0)
    tasks[0].cancel()

    found = await asyncio.gather(*tasks, return_exceptions=True)

    assert isinstance(found[0], asyncio.CancelledError)
    assert found[1:] == [2, 4]


class Holding(Strict):
    holds: ClassVar[bool] = True


async def test_who_comes_late_is_waited_for_by_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gathering, "HOLD_SECONDS", A_SECOND)
    readers = Holding()
    await asking(readers, 1, 2, 3)
    others = asking(readers, 1, 2)
    await turns()
    assert readers.sizes == [3]

    late = asking(readers, 3)
    await turns(IN_ONE)

    assert readers.sizes == [3, 3]
    assert list(await asyncio.gather(others, late)) == [[2, 4], [6]]


async def test_whoever_waited_by_the_clock_in_vain_is_spared_it_for_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    readers = Holding()
    await asking(readers, 1, 2)
    assert await asyncio.wait_for(asking(readers, 1), A_SECOND) == [
        2
    ]  # nobody else comes, and the clock says so
    assert readers.sizes == [2, 1]

    monkeypatch.setattr(gathering, "HOLD_SECONDS", 10 * A_SECOND)
    for _ in range(gathering.SPARED // 2):
        await asking(readers, 1, 2)
        await asyncio.wait_for(asking(readers, 1), A_SECOND)
    assert readers.sizes == [2, 1] * (1 + gathering.SPARED // 2)

    await asking(readers, 1, 2)
    asked = asking(readers, 1)
    await turns()
    assert not asked.done()
    await asking(readers, 2)
    assert await asked == [2]
