"""The least and the greatest value that something written with so many digits may stand for.

`precision` counts decimals of a number, and digits of a date or time (8 for a day, 17 for milliseconds).

http://hl7.org/fhirpath/#lowboundaryprecision-integer-decimal--date--datetime--time (an addition after N1)
"""

from __future__ import annotations

import decimal
from decimal import Decimal

from fhir_server.fhirpath.temporal import Temporal, last_day, written

_MATH = decimal.Context(prec=80, traps=[])
_MAX_DECIMALS = 31
_DAY_DIGITS = (4, 6, 8, 10, 12, 14, 17)
_TIME_DIGITS = (2, 4, 6, 9)
_DEFAULTS = {"Date": 8, "DateTime": 17, "Time": 9}
_WEST, _EAST = -12 * 60, 14 * 60  # minutes: where a day ends last and begins first


def of_decimal(value: Decimal, precision: int | None, *, high: bool) -> Decimal | None:
    """The boundary with `precision` decimals, rounded outwards; None for a precision that cannot be."""
    decimals = 8 if precision is None else precision
    if not 0 <= decimals <= _MAX_DECIMALS:
        return None
    exponent = value.as_tuple().exponent
    assert isinstance(exponent, int)
    half = Decimal(5).scaleb(min(exponent, 0) - 1)
    edge = _MATH.add(value, half if high else -half)
    rounding = decimal.ROUND_CEILING if high else decimal.ROUND_FLOOR
    found = edge.quantize(Decimal(1).scaleb(-decimals), rounding=rounding, context=_MATH)
    return None if found.is_nan() else found or abs(found)  # no `-0.0`


def of_moment(moment: Temporal, precision: int | None, *, high: bool) -> Temporal | None:
    """The boundary with `precision` digits; None for a precision that cannot be."""
    digits = _DEFAULTS[moment.kind] if precision is None else precision
    timed = moment.kind == "Time"
    steps = _TIME_DIGITS if timed else _DAY_DIGITS
    if digits not in steps:
        return None
    parts = _filled(moment, high=high)[: min(steps.index(digits) + 1, 3 if timed else 6)]
    if digits == (6 if timed else 14):  # whole seconds
        parts = (*parts[:-1], Decimal(int(parts[-1])))
    if timed:
        return written("Time", parts, None)
    if len(parts) <= 3:
        return written("Date", parts, None)
    offset = moment.offset if moment.offset is not None else _WEST if high else _EAST
    return written("DateTime", parts, offset)


def digits_of(moment: Temporal) -> int:
    """How many digits a date or time is written with; parts of a second count as three."""
    steps = _TIME_DIGITS if moment.kind == "Time" else _DAY_DIGITS
    count = len(moment.parts)
    exponent = moment.parts[-1].as_tuple().exponent
    return steps[count if count == len(steps) - 1 and exponent != 0 else count - 1]


def decimals_of(value: Decimal) -> int:
    exponent = value.as_tuple().exponent
    assert isinstance(exponent, int)
    return max(0, -exponent)


def _filled(moment: Temporal, *, high: bool) -> tuple[Decimal, ...]:
    """All parts, down to milliseconds."""
    day = () if moment.kind == "Time" else moment.parts[:3]
    clock = moment.parts if moment.kind == "Time" else moment.parts[3:]
    if moment.kind != "Time":
        if len(day) == 1:
            day = (*day, Decimal(12 if high else 1))
        if len(day) == 2:
            day = (*day, Decimal(last_day(int(day[0]), int(day[1])) if high else 1))
    if len(clock) == 1:
        # FHIR has no hour without minutes: 08 is 08:00 before it is anything else.
        clock = (*clock, Decimal(0))
    full = [*clock, *(Decimal(n if high else 0) for n in (23, 59)[len(clock) : 2])]
    second = clock[2] if len(clock) > 2 else Decimal(59 if high else 0)
    return (*day, *full[:2], _milliseconds(second, high=high))


def _milliseconds(second: Decimal, *, high: bool) -> Decimal:
    """A second with three decimals at least; those that are not written are 0, or 9."""
    digits = decimals_of(second)
    if digits >= 3:
        return second
    missing = Decimal(1).scaleb(-digits) - Decimal("0.001") if high else Decimal("0.000")
    return second + missing
