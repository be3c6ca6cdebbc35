"""Dates and times as FHIRPath has them: with the precision they were written with, compared as far as that goes.

`@2014-01 < @2014-01-05` has no answer: the first may be before or after. Every function here is pure.

http://hl7.org/fhirpath/N1/#comparison
"""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

Kind = Literal["Date", "DateTime", "Time"]

_WIDEST_ZONE = 14 * 60  # minutes that a place on earth is away from UTC

_CLOCK = r"(\d\d)(?::(\d\d)(?::(\d\d(?:\.\d+)?))?)?"
_DAY = re.compile(rf"(\d{{4}})(?:-(\d\d)(?:-(\d\d))?)?(T(?:{_CLOCK})?)?(Z|[+-]\d\d:\d\d)?\Z", re.ASCII)
_TIME = re.compile(rf"{_CLOCK}\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class Temporal:
    """`parts` are year, month, day, hour, minute, second (a Time: the last three), as many as were written.

    `offset` is in minutes east of UTC; None: not written.
    """

    kind: Kind
    text: str
    parts: tuple[Decimal, ...]
    offset: int | None = None


def day_of(text: str, *, kind: Kind | None = None) -> Temporal | None:
    """The Date or DateTime written `text` (`2014`, `2014-01T`, `2014-01-05T10:30Z`); None when it is neither.

    `kind` says which of both it is, where the `T` does not.
    """
    found = _DAY.match(text)
    if found is None:
        return None
    year, month, day, clock, hour, minute, second, zone = found.groups()
    parts = _numbers(year, month, day, hour, minute, second)
    if day is not None and not _exists(int(year), int(month), int(day)):
        return None
    if month is not None and not 1 <= int(month) <= 12:
        return None
    if hour is not None and (day is None or not _on_the_clock(parts[3:])):
        return None
    return Temporal(kind or ("DateTime" if clock else "Date"), text, parts, _offset(zone))


def time_of(text: str) -> Temporal | None:
    """The Time written `text` (`10`, `10:30`, `10:30:00.5`); None when it is none."""
    found = _TIME.match(text)
    if found is None:
        return None
    parts = _numbers(*found.groups())
    return Temporal("Time", text, parts) if _on_the_clock(parts) else None


def written(kind: Kind, parts: tuple[Decimal, ...], offset: int | None) -> Temporal:
    """The Temporal of these parts, with its text."""
    clock = parts if kind == "Time" else parts[3:]
    text = ":".join(_two_digits(part) for part in clock)
    if kind != "Time":
        day = "-".join([f"{int(parts[0]):04d}", *(f"{int(part):02d}" for part in parts[1:3])])
        text = f"{day}T{text}" if clock or kind == "DateTime" else day
    return Temporal(kind, text + (_zone(offset) if clock else ""), parts, offset)


def last_day(year: int, month: int) -> int:
    """The number of days of a month."""
    return monthrange(year, month)[1]


def compare(one: Temporal, other: Temporal) -> int | None:
    """-1, 0 or 1 for before, equal and after; None when the precisions, or a missing zone, leave it open.

    A Date is read as a DateTime without time. Never call it with a Time and a Date.
    """
    mine, others = one.parts, other.parts
    timed = one.kind != "Time" and len(mine) > 3 and len(others) > 3
    if timed and (one.offset is None) != (other.offset is None):
        return _wherever_it_is(one, other)
    if timed and one.offset != other.offset:
        mine, others = _in_utc(one), _in_utc(other)
    for a, b in zip(mine, others, strict=False):
        if a != b:
            return -1 if a < b else 1
    return 0 if len(mine) == len(others) else None


def key_of(moment: Temporal) -> tuple[object, ...]:
    """What two Temporals of the same precision share exactly when they are equal."""
    if moment.offset is not None and len(moment.parts) > 3:
        return ("UTC", *_in_utc(moment))
    return (moment.kind == "Time", *moment.parts)


def _wherever_it_is(one: Temporal, other: Temporal) -> int | None:
    """The order of two moments, one of which has no zone, if it is the same in every zone of the world."""
    apart = _minutes(one) - _minutes(other)
    return None if abs(apart) <= _WIDEST_ZONE + 60 else (-1 if apart < 0 else 1)


def _minutes(moment: Temporal) -> int:
    """Whole minutes in UTC; a moment without a zone is taken for one there."""
    year, month, day, hour, *rest = (int(part) for part in moment.parts)
    days = date(year, month, day).toordinal()
    return days * 1440 + hour * 60 + (rest[0] if rest else 0) - (moment.offset or 0)


def _in_utc(moment: Temporal) -> tuple[Decimal, ...]:
    """Days and minutes on one line, then seconds: comparable, without a calendar that could overflow."""
    line = _minutes(moment)
    return (Decimal(line), *moment.parts[5:]) if len(moment.parts) > 4 else (Decimal(line // 60),)


def _numbers(*texts: str | None) -> tuple[Decimal, ...]:
    return tuple(Decimal(text) for text in texts if text is not None)


def _exists(year: int, month: int, day: int) -> bool:
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True


def _on_the_clock(parts: tuple[Decimal, ...]) -> bool:
    # 60 is a leap second
    return parts[0] < 24 and all(part < 60 for part in parts[1:2]) and all(part < 61 for part in parts[2:])


def _offset(zone: str | None) -> int | None:
    if zone is None:
        return None
    if zone == "Z":
        return 0
    minutes = int(zone[1:3]) * 60 + int(zone[4:6])
    return -minutes if zone[0] == "-" else minutes


def _zone(offset: int | None) -> str:
    if not offset:
        return "" if offset is None else "Z"
    return f"{'-' if offset < 0 else '+'}{abs(offset) // 60:02d}:{abs(offset) % 60:02d}"


def _two_digits(part: Decimal) -> str:
    text = f"{part:f}"
    return text if part >= 10 else f"0{text}"
