"""Questions whose answers lie elsewhere, asked in between by code that cannot wait.

Whoever needs such an answer asks the desk and goes on if it has it; else `Later` ends the attempt. Then the caller, who
can wait, settles everything that is open at once, and makes the attempt again. Questions of a group are looked up
together.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from terminology.errors import NoAnswer, NotExpandable

T = TypeVar("T")
LookUp = Callable[[Collection[Any]], Awaitable[Mapping[Any, Any]]]
_ROUNDS: Final = 50  # attempts of one answer


class Later(Exception):
    """A question was put down at the desk."""


@dataclass(slots=True)
class Desk:
    """One asker's questions, with the answers that came."""

    _answers: dict[tuple[Hashable, Hashable], Any] = field(default_factory=dict)
    _open: dict[Hashable, tuple[LookUp, dict[Hashable, None]]] = field(default_factory=dict)

    @property
    def pending(self) -> bool:
        return bool(self._open)

    def ask(self, group: Hashable, item: Hashable, look_up: LookUp) -> Any:
        """The answer to `item`. Raises `Later`, or the `NoAnswer` that looking it up ended with.

        `look_up` is given items of the group and answers by item; what it leaves out is None.
        """
        try:
            answer = self._answers[group, item]
        except KeyError:
            self._open.setdefault(group, (look_up, {}))[1][item] = None
            raise Later from None
        if isinstance(answer, NoAnswer):
            raise answer
        return answer

    async def settle(self) -> None:
        """Look up what is open."""
        asked, self._open = self._open, {}
        answers = await asyncio.gather(*(_answered(look_up, items) for look_up, items in asked.values()))
        for (group, (_, items)), found in zip(asked.items(), answers, strict=True):
            for item in items:
                self._answers[group, item] = found if isinstance(found, NoAnswer) else found.get(item)


async def answered(attempt: Callable[[], T], desk: Desk) -> T:
    """What `attempt` returns, once the desk has all that it asks. It may take long: others go on meanwhile."""
    for _ in range(_ROUNDS):
        try:
            return await asyncio.to_thread(attempt)
        except Later:
            await desk.settle()
    raise NotExpandable(
        "its definitions lead from one to another too often",
        "ses définitions renvoient trop souvent de l'une à l'autre",
    )


async def _answered(look_up: LookUp, items: Collection[Hashable]) -> Mapping[Any, Any] | NoAnswer:
    try:
        return await look_up(tuple(items))
    except NoAnswer as reason:
        return reason
