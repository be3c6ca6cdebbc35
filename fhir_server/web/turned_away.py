"""Whoever is turned away at the door leaves a trace, and whoever comes again and again leaves few.

Refusals at the door cost nobody anything: one trace for each would let anybody fill the disk. The first of an address
for a reason is traced before it is answered; those that follow within the minute are counted, and leave one trace
together when it ends. Past `MOST` such groups, all other addresses are one group for each reason. An answer does not
wait for a log that is away: a refusal gives nothing to anybody. What could not be written is counted on.

What a trace says of it is the address, the reason and how often; never a token or what one claims to be.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from fhir_server.access.audit import event
from fhir_server.access.caller import Caller
from fhir_server.kernel.times import now
from fhir_server.kernel.trace import REFUSED, Trace
from fhir_server.web.throttling import place_of

Write = Callable[[Trace], Awaitable[object]]

MOST: Final = 60  # groups of one worker in a minute
WINDOW_SECONDS: Final = 60.0
ELSEWHERE: Final = ""  # the address of those for whom there is no group of their own

_UNKNOWN: Final = Caller("system")  # who was refused before it was clear who they are

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class _Counted:
    """How many refusals have not been traced yet, from when to when (µs)."""

    count: int = 0
    first: int = 0
    last: int = 0

    def add(self, other: _Counted) -> None:
        self.first = min(self.first or other.first, other.first)
        self.last = max(self.last, other.last)
        self.count += other.count


class TurnedAway:
    """`write` keeps a trace: it returns when the trace is durable."""

    def __init__(self, write: Write, most: int = MOST) -> None:
        self._write = write
        self._most = most
        self._groups: dict[tuple[str, str], _Counted] = {}
        self._closed = asyncio.Event()
        self._ending: asyncio.Task[None] | None = None

    def start(self) -> None:
        """End a minute after the other, until `close`."""
        self._ending = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Trace what was counted."""
        self._closed.set()
        if self._ending is not None:
            await self._ending

    async def note(self, address: str, reason: str, request: str = "") -> None:
        """Somebody was refused. `reason`: a sentence of ours. `request`: its id."""
        moment = now()
        counted = _Counted(1, moment, moment)
        place, group = self._group(place_of(address), reason)
        if group is not None:
            group.add(counted)
            return
        self._groups[place, reason] = _Counted()
        if not await self._told(place, reason, counted, request):
            self._keep(place, reason, counted)

    async def end(self) -> None:
        """A minute is over. What cannot be written now is kept for the next one."""
        ended, self._groups = self._groups, {}
        away = False
        for (place, reason), counted in ended.items():
            if not counted.count:
                continue
            away = away or not await self._told(place, reason, counted)
            if away:
                self._keep(place, reason, counted)

    def _group(self, place: str, reason: str) -> tuple[str, _Counted | None]:
        """Of which place a refusal counts, and the group that there is of it."""
        if (place, reason) not in self._groups and len(self._groups) >= self._most:
            place = ELSEWHERE
        return place, self._groups.get((place, reason))

    def _keep(self, place: str, reason: str, counted: _Counted) -> None:
        place, group = self._group(place, reason)
        if group is None:
            self._groups[place, reason] = counted
        else:
            group.add(counted)

    async def _told(self, place: str, reason: str, counted: _Counted, request: str = "") -> bool:
        """Whether it could be traced."""
        trace = event(
            "login",
            _UNKNOWN,
            at=counted.first,
            outcome=REFUSED,
            address=place,
            note=reason,
            request=request,
            until=counted.last,
            count=counted.count,
        )
        try:
            await self._write(trace)
        except Exception as error:
            logger.warning("Refusals at the door cannot be traced: %s", type(error).__name__)
            return False
        return True

    async def _run(self) -> None:
        while not self._closed.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(self._closed.wait(), WINDOW_SECONDS)
            await self.end()
