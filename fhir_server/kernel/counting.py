"""How much of something one name may have: a token bucket for each, in bounded memory.

A bucket fills at a steady rate up to what may be had at once. Past `MOST` names the one that was seen longest ago is
forgotten. Time is an argument, in seconds on a clock that never goes back.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from fhir_server.kernel.values import immutable

MOST: Final = 20_000  # names that are counted at once

_NOTHING: Final = 1e-6  # seconds: what sums of such numbers may be wrong by


@immutable
class Rate:
    """`per_second` for ever, `burst` at once; `per_second` 0: no limit."""

    per_second: float
    burst: float

    def among(self, workers: int) -> Rate:
        """The part of one worker. Of a burst each has half at least: requests are not spread evenly."""
        share = max(1, workers)
        return Rate(self.per_second / share, max(self.burst / share, self.burst / 2, 1))


class Buckets:
    """A token bucket for each of many names."""

    def __init__(self, rate: Rate, most: int = MOST) -> None:
        self._rate = rate
        self._most = most
        self._full_at: OrderedDict[str, float] = OrderedDict()  # when each would be full again

    def take(self, name: str, now: float) -> float:
        """Seconds until the next one may be taken; 0: one was taken now."""
        rate = self._rate
        if not rate.per_second:
            return 0.0
        full_at = max(self._full_at.get(name, now), now)
        wait = full_at - now - (rate.burst - 1) / rate.per_second
        if wait > _NOTHING:
            return wait
        self._full_at[name] = full_at + 1 / rate.per_second
        self._full_at.move_to_end(name)
        if len(self._full_at) > self._most:
            self._full_at.popitem(last=False)
        return 0.0

    def give_back(self, name: str) -> None:
        """One that was taken counts no longer."""
        if name in self._full_at:
            self._full_at[name] -= 1 / self._rate.per_second

    def __len__(self) -> int:
        return len(self._full_at)
