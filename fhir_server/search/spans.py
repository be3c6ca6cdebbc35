"""Partial FHIR dates as intervals, so that `2024-03` can be compared with `2024-03-09T10:00:00Z`.

A FHIR date has the precision it was written with. Search compares the *span* it covers: `2024-03` is the whole of
March. A span is a pair of integers [low, high) in µs since 1970 UTC; a value without offset is read in UTC, whatever
zone the machine is in.

https://hl7.org/fhir/R4/search.html#date
"""

from __future__ import annotations

import re
from datetime import date
from functools import lru_cache
from typing import Any, TypeAlias

from fhir_server.kernel.errors import Malformed
from fhir_server.search.query import Prefix

Span: TypeAlias = tuple[int, int]

# An open end of a Period. Both fit a signed 64-bit column.
BEGINNING = -(2**63)
END = 2**63 - 1

_SECOND = 1_000_000
_MINUTE = 60 * _SECOND
_DAY = 24 * 60 * _MINUTE
_EPOCH = date(1970, 1, 1).toordinal()
_DATE = re.compile(
    r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?(Z|[+-]\d\d:\d\d)?)?)?)?\Z",
    re.ASCII,
)


@lru_cache(maxsize=8192)
def span_of(text: str) -> Span:
    """The interval that a FHIR `date`, `dateTime` or `instant` covers.

    `text` has year, month, day, minute, second or finer precision. A fraction covers its last digit (`.1` is 100 ms,
    `.123` one ms); digits beyond the microsecond are cut. Second 60 is the leap second: the first of the next minute.

    Raises `Malformed` when `text` is not one of these forms or names a day or a time that does not exist.
    """
    found = _DATE.match(text)
    if found is None:
        raise _wrong("YYYY, YYYY-MM, YYYY-MM-DD or YYYY-MM-DDThh:mm:ss+zz:zz would be right")
    year, month, day, hour, minute, second, fraction, zone = found.groups()
    if month is None:
        return _day(int(year), 1, 1), _day(int(year), 12, 31) + _DAY
    if day is None:
        return _day(int(year), int(month), 1), _month_end(int(year), int(month))
    low = _day(int(year), int(month), int(day))
    if hour is None:
        return low, low + _DAY

    if int(hour) > 23 or int(minute) > 59 or int(second or 0) > 60:
        raise _wrong("there is no such time of day")
    low += (int(hour) * 60 + int(minute)) * _MINUTE - _offset(zone)
    if second is None:
        return low, low + _MINUTE
    low += int(second) * _SECOND
    if not fraction:
        return low, low + _SECOND
    digits = fraction[:6]
    step = 10 ** (6 - len(digits))
    low += int(digits) * step
    return low, low + step


def period_of(period: dict[str, Any]) -> Span | None:
    """The interval of a Period: from the start of its start to the end of its end. None when it has neither."""
    start, end = period.get("start"), period.get("end")
    if start is None and end is None:
        return None
    return span_of(start)[0] if start else BEGINNING, span_of(end)[1] if end else END


def timing_of(timing: dict[str, Any]) -> Span | None:
    """The outer limits of a Timing: its events and bounds. None when it has neither."""
    spans = [span_of(event) for event in timing.get("event", ()) if event]
    bounds = period_of(timing.get("repeat", {}).get("boundsPeriod", {}))
    if bounds:
        spans.append(bounds)
    if not spans:
        return None
    return min(low for low, _ in spans), max(high for _, high in spans)


def widened(span: Span, now: int) -> Span:
    """`span` as `ap` means it: a tenth of its distance to `now` (µs) wider on both sides."""
    low, high = span
    distance = max(low - now, now - high, 0)
    return low - distance // 10, high + distance // 10


def agrees(prefix: Prefix, low: int, high: int, value: Span) -> bool:
    """Whether a resource's `value` is what `prefix` and the query's span [low, high) ask for.

    `ap` compares as overlapping; the query's span has been `widened` already.
    """
    start, end = value
    match prefix:
        case "eq":
            return low <= start and end <= high
        case "ne":
            return start < low or high < end
        case "gt":
            return end > high
        case "lt":
            return start < low
        case "ge":
            return end > high or low <= start
        case "le":
            return start < low or end <= high
        case "sa":
            return start >= high
        case "eb":
            return end <= low
        case "ap":
            return start < high and low < end


def _day(year: int, month: int, day: int) -> int:
    try:
        return (date(year, month, day).toordinal() - _EPOCH) * _DAY
    except ValueError:
        raise _wrong("there is no such day") from None


def _month_end(year: int, month: int) -> int:
    if month == 12:
        return _day(year, 12, 31) + _DAY
    return _day(year, month + 1, 1)


def _offset(zone: str | None) -> int:
    if zone is None or zone == "Z":
        return 0
    hours, minutes = int(zone[1:3]), int(zone[4:6])
    if minutes > 59 or hours * 60 + minutes > 14 * 60:
        raise _wrong("there is no such offset")
    distance = (hours * 60 + minutes) * _MINUTE
    return -distance if zone[0] == "-" else distance


def _wrong(reason: str) -> Malformed:
    return Malformed(f"Not a date: {reason}", code="value")
