"""How long an answer may take: whoever works on one looks at the clock now and then, and gives up in time.

Each part of an answer is bounded by itself; definitions that come from anybody can have any number of parts.
"""

from __future__ import annotations

from time import monotonic
from typing import Final

from terminology.errors import TooLong

SECONDS: Final = 20.0


class Patience:
    """One asker's, from when it is made."""

    __slots__ = ("_deadline",)

    def __init__(self, seconds: float = SECONDS) -> None:
        self._deadline = monotonic() + seconds

    def look(self) -> None:
        """Raises `TooLong` when the time is up."""
        if monotonic() > self._deadline:
            raise TooLong
