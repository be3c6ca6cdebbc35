"""Times as integers: microseconds since 1970 in UTC, and the FHIR texts for them."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from email.utils import formatdate
from functools import lru_cache
from typing import Final

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def now() -> int:
    """This moment, in microseconds since 1970, cut to the millisecond that `meta.lastUpdated` shows."""
    return time.time_ns() // 1_000_000 * 1000


@lru_cache(maxsize=4096)
def _second_text(second: int) -> str:
    return (EPOCH + timedelta(seconds=second)).strftime("%Y-%m-%dT%H:%M:%S")


def instant_text(moment: int) -> str:
    """A FHIR `instant` with milliseconds: `2024-03-09T10:00:00.000Z`."""
    second, rest = divmod(moment, 1_000_000)
    return f"{_second_text(second)}.{rest // 1000:03d}Z"


@lru_cache(maxsize=4096)
def _http_text(second: int) -> str:
    return formatdate(second, usegmt=True)


def http_text(moment: int) -> str:
    """An HTTP date, to the second: `Sat, 09 Mar 2024 10:00:00 GMT`.

    Of a moment outside the years 1000 to 9999, which alone every reader takes for themselves, the nearest that is in
    them.
    """
    return _http_text(min(max(moment, _EARLIEST), _LATEST) // 1_000_000)


def moment_of(value: datetime) -> int:
    """Microseconds since 1970 of an aware datetime."""
    return (value - EPOCH) // timedelta(microseconds=1)


_EARLIEST: Final = moment_of(datetime(1000, 1, 1, tzinfo=UTC))
_LATEST: Final = moment_of(datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC))
