"""A date or time and a duration: a month later is the same day of the next month, or its last one.

What is added is first brought to the precision of the date or time: 2014 and 13 months are 2015.

http://hl7.org/fhirpath/N1/#datetime-arithmetic
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from fhir_server.fhirpath.temporal import Temporal, last_day, written
from fhir_server.fhirpath.values import Quantity

# What UCUM's codes of fixed length are called in the calendar. Its year and its month have no fixed length there.
CALENDAR = {"wk": "week", "d": "day", "h": "hour", "min": "minute", "s": "second", "ms": "millisecond"}
SECONDS = {
    "week": Decimal(604_800),
    "day": Decimal(86_400),
    "hour": Decimal(3600),
    "minute": Decimal(60),
    "second": Decimal(1),
    "millisecond": Decimal("0.001"),
}
WORDS = {word: unit for unit in ("year", "month", *SECONDS) for word in (unit, f"{unit}s")}
_DAY = 86_400
_YEARS = range(1, 10_000)
_LONGEST = Decimal(10) ** 15  # of any unit: beyond every calendar


def unit_of(duration: Quantity) -> str | None:
    """The calendar word of a quantity that can be added to a date; None when it is no such thing."""
    return duration.unit if duration.calendar else CALENDAR.get(duration.unit)


def later(moment: Temporal, amount: Decimal, unit: str) -> Temporal | None:
    """`moment` and `amount` (negative: earlier) of a calendar `unit`; None beyond the years 1 to 9999."""
    if abs(amount) > _LONGEST:
        return None
    if unit not in {"second", "millisecond"}:
        amount = Decimal(int(amount))  # "the decimal portion of the time-valued quantity is ignored"
    if moment.kind == "Time":
        return _later_that_day(moment, amount * SECONDS.get(unit, Decimal(0)))
    if unit in {"year", "month"}:
        return _months_later(moment, int(amount) * (12 if unit == "year" else 1))
    return _seconds_later(moment, amount * SECONDS[unit])


def _later_that_day(moment: Temporal, seconds: Decimal) -> Temporal:
    """Round the clock."""
    parts = moment.parts
    total = (_clock(parts) + _whole(seconds, len(parts))) % _DAY  # of the sign of what is divided
    return written("Time", _clock_parts(total if total >= 0 else total + _DAY, len(parts)), None)


def _months_later(moment: Temporal, months: int) -> Temporal | None:
    year = int(moment.parts[0])
    if len(moment.parts) == 1:
        return _dated(moment, (year + int(months / 12),))
    count = year * 12 + int(moment.parts[1]) - 1 + months
    year, month = count // 12, count % 12 + 1
    if year not in _YEARS:
        return None
    days = [min(int(moment.parts[2]), last_day(year, month))] if len(moment.parts) > 2 else []
    return _dated(moment, (year, month, *days))


def _seconds_later(moment: Temporal, seconds: Decimal) -> Temporal | None:
    parts = moment.parts
    days = int(seconds / _DAY)
    if len(parts) == 1:
        return _dated(moment, (int(parts[0]) + int(days / 365),))
    if len(parts) == 2:
        return _months_later(moment, int(days / 30))
    clock = Decimal(0)
    if len(parts) > 3:
        total = _clock(parts[3:]) + _whole(seconds, len(parts) - 3)
        days = int(total // _DAY) - (total < 0 and total % _DAY != 0)
        clock = total - days * _DAY
    ordinal = date(*map(int, parts[:3])).toordinal() + days
    if not 1 <= ordinal <= date.max.toordinal():
        return None
    found = date.fromordinal(ordinal)
    day = (Decimal(found.year), Decimal(found.month), Decimal(found.day))
    return written(moment.kind, (*day, *_clock_parts(clock, len(parts) - 3)), moment.offset)


def _dated(moment: Temporal, day: tuple[int, ...]) -> Temporal | None:
    """`moment` with another day, or the beginning of one."""
    if day[0] not in _YEARS:
        return None
    return written(moment.kind, (*map(Decimal, day), *moment.parts[len(day) :]), moment.offset)


def _clock(parts: tuple[Decimal, ...]) -> Decimal:
    """Seconds since midnight. An exponent that is written is kept: `10:00:00.0` stays one of tenths."""
    hour, minute, second = (*parts, Decimal(0), Decimal(0))[:3]
    return hour * 3600 + minute * 60 + second


def _clock_parts(seconds: Decimal, length: int) -> tuple[Decimal, ...]:
    minutes = int(seconds // 60)
    return (Decimal(minutes // 60), Decimal(minutes % 60), seconds - minutes * 60)[:length]


def _whole(seconds: Decimal, length: int) -> Decimal:
    """As many seconds as there are whole hours or minutes, where the clock has no more."""
    unit = {1: 3600, 2: 60}.get(length)
    return seconds if unit is None else Decimal(int(seconds / unit) * unit)
