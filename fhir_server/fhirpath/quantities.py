"""Quantities compared and reckoned with, whatever unit each is written in.

A calendar month or year has no fixed length: it compares with other months and years, and with nothing else. Shorter
durations of the calendar are UCUM's.

http://hl7.org/fhirpath/N1/#quantity · http://hl7.org/fhirpath/N1/#time-valued-quantities · https://ucum.org/ucum
"""

from __future__ import annotations

import decimal
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache

from fhir_server.fhirpath.durations import CALENDAR, SECONDS
from fhir_server.fhirpath.values import Quantity

MATH = decimal.Context(
    prec=40,
    Emax=400,
    Emin=-400,
    traps=[decimal.InvalidOperation, decimal.DivisionByZero, decimal.Overflow],
)
_MONTHS = {"year": 12, "month": 1}
_CODES = {"year": "a", "month": "mo", **{word: code for code, word in CALENDAR.items()}}
_LONGEST = 64  # characters of a unit that is read

# What a unit measures, how much one of it is, and where it begins to count (temperatures).
_Scale = tuple[tuple[tuple[str, int], ...], Fraction, Fraction]


def amounts(one: Quantity, other: Quantity) -> tuple[Fraction, Fraction] | None:
    """Both in one unit; None when no unit fits both."""
    if _same_unit(one, other):
        return Fraction(one.value), Fraction(other.value)
    a, b = _scale_of(one), _scale_of(other)
    if a is None or b is None or a[0] != b[0]:
        return None
    return Fraction(one.value) * a[1] + a[2], Fraction(other.value) * b[1] + b[2]


def key_of(quantity: Quantity) -> object:
    """What equal quantities share."""
    scale = _scale_of(quantity)
    if scale is None:
        return quantity.unit, quantity.calendar, quantity.value
    return scale[0], Fraction(quantity.value) * scale[1] + scale[2]


def in_coarser_unit(one: Quantity, other: Quantity) -> tuple[Decimal, Decimal] | None:
    """Both in the larger of their units, in which `~` rounds them; a calendar year is UCUM's there."""
    one, other = _in_ucum(one), _in_ucum(other)
    if _same_unit(one, other):
        return one.value, other.value
    a, b = _scale_of(one), _scale_of(other)
    if a is None or b is None or a[0] != b[0]:
        return None
    if a[1] >= b[1]:
        return one.value, _converted(other.value, b, a)
    return _converted(one.value, a, b), other.value


def total(one: Quantity, other: Quantity, sign: int) -> Quantity | None:
    """The sum, or with `sign` -1 the difference, in the finer unit of both."""
    added = other.value if sign > 0 else other.value.copy_negate()
    if _same_unit(one, other):
        return Quantity(MATH.add(one.value, added), one.unit, one.calendar)
    a, b = _scale_of(one), _scale_of(other)
    if a is None or b is None or a[0] != b[0] or a[2] or b[2]:
        return None
    if a[1] <= b[1]:
        return Quantity(MATH.add(one.value, _converted(added, b, a)), one.unit, one.calendar)
    return Quantity(MATH.add(_converted(one.value, a, b), added), other.unit, other.calendar)


def product(one: Quantity, other: Quantity) -> Quantity | None:
    """None: the unit would be too long to read."""
    return _composed(MATH.multiply(one.value, other.value), one, other, ".")


def quotient(one: Quantity, other: Quantity) -> Quantity | None:
    """None: divided by zero, or the unit would be too long to read."""
    if not other.value:
        return None
    return _composed(MATH.divide(one.value, other.value), one, other, "/")


def converted(quantity: Quantity, unit: str, *, calendar: bool) -> Quantity | None:
    """The same amount in another unit; None when that measures something else."""
    wanted = Quantity(Decimal(1), unit, calendar)
    if _same_unit(quantity, wanted):
        return quantity
    a, b = _scale_of(quantity), _scale_of(wanted)
    if a is None or b is None or a[0] != b[0]:
        return None
    return Quantity(_converted(quantity.value, a, b), unit, calendar)


def _composed(value: Decimal, one: Quantity, other: Quantity, sign: str) -> Quantity | None:
    if other.unit == "1":
        return Quantity(value, one.unit, one.calendar)
    if one.unit == "1" and sign == ".":
        return Quantity(value, other.unit, other.calendar)
    if sign == "/" and _same_unit(one, other):
        return Quantity(value, "1")
    left, right = _in_ucum(one).unit, _in_ucum(other).unit
    if "/" in right or (sign == "/" and "." in right):
        right = f"({right})"
    unit = f"{left}{sign}{right}"
    return None if len(unit) > _LONGEST else Quantity(value, unit)


def _same_unit(one: Quantity, other: Quantity) -> bool:
    return one.unit == other.unit and one.calendar == other.calendar


def _in_ucum(quantity: Quantity) -> Quantity:
    return Quantity(quantity.value, _CODES[quantity.unit]) if quantity.calendar else quantity


def _converted(value: Decimal, scale: _Scale, into: _Scale) -> Decimal:
    found = (Fraction(value) * scale[1] + scale[2] - into[2]) / into[1]
    return MATH.divide(Decimal(found.numerator), Decimal(found.denominator))


def _scale_of(quantity: Quantity) -> _Scale | None:
    unit = quantity.unit
    if quantity.calendar and unit in _MONTHS:
        return (("month", 1),), Fraction(_MONTHS[unit]), Fraction(0)
    word = unit if quantity.calendar else CALENDAR.get(unit)
    if word is not None:
        return (("s", 1),), Fraction(SECONDS[word]), Fraction(0)
    return None if len(unit) > _LONGEST else _scale_of_code(unit)


@lru_cache(maxsize=1024)
def _scale_of_code(code: str) -> _Scale | None:
    # A third of a second, which only those pay who compare different units.
    from fhir_server.kernel import ucum  # noqa: PLC0415

    unit = ucum.unit_of(code)
    return None if unit is None else (tuple(sorted(unit.powers.items())), unit.factor, unit.zero)
