from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import pytest

from terminology.desk import Desk, Later, answered
from terminology.errors import NotExpandable, UnknownDefinition


async def doubled(items: Collection[Any]) -> Mapping[Any, Any]:
    return {item: 2 * item for item in items if item != 13}


async def test_what_is_asked_together_is_looked_up_together() -> None:
    desk, seen = Desk(), []

    async def look_up(items: Collection[Any]) -> Mapping[Any, Any]:
        seen.append(sorted(items))
        return await doubled(items)

    for number in (1, 2, 1):
        with pytest.raises(Later):
            desk.ask("numbers", number, look_up)
    assert desk.pending
    await desk.settle()

    assert seen == [[1, 2]]
    assert not desk.pending
    assert [desk.ask("numbers", number, look_up) for number in (1, 2)] == [2, 4]


async def test_what_is_not_found_is_nothing_and_not_asked_again() -> None:
    desk = Desk()
    with pytest.raises(Later):
        desk.ask("numbers", 13, doubled)
    await desk.settle()

    assert desk.ask("numbers", 13, doubled) is None


async def test_an_attempt_is_made_until_it_has_its_answers() -> None:
    desk = Desk()

    assert await answered(lambda: desk.ask("n", desk.ask("n", 1, doubled), doubled), desk) == 4


async def test_that_there_is_no_answer_is_an_answer() -> None:
    desk = Desk()

    async def gone(_: Collection[Any]) -> Mapping[Any, Any]:
        raise UnknownDefinition("code system", "urn:x")

    with pytest.raises(UnknownDefinition):
        await answered(lambda: desk.ask("n", 1, gone), desk)


async def test_an_attempt_that_always_asks_for_more_ends() -> None:
    desk, numbers = Desk(), iter(range(1000))

    with pytest.raises(NotExpandable):
        await answered(lambda: desk.ask("n", next(numbers), doubled), desk)
