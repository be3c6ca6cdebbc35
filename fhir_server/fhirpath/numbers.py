"""The functions on numbers, exact as long as decimals can be, and those on the precision of a value.

What has no result (the root of a negative number) or none that fits gives the empty collection.

http://hl7.org/fhirpath/N1/#math
"""

from __future__ import annotations

import decimal
from collections.abc import Callable
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, ROUND_HALF_UP, Decimal

from fhir_server.fhirpath import boundaries, operators, quantities
from fhir_server.fhirpath.quantities import MATH
from fhir_server.fhirpath.temporal import Temporal
from fhir_server.fhirpath.use import Function, Table, Use, answer
from fhir_server.fhirpath.values import Node, Quantity, System, made

_INTEGER = 2**31
_SHOWN = decimal.Context(prec=28, Emax=400, Emin=-400, traps=[])  # digits of a result that is rounded anyway


def _abs(use: Use) -> list[Node]:
    value = use.value()
    if isinstance(value, Quantity):
        return [made(Quantity(value.value.copy_abs(), value.unit, value.calendar))]
    number = _number(use, value)
    if isinstance(number, Decimal):
        return [made(number.copy_abs())]
    return answer(None if number is None else abs(number))


def _integer(rounding: str) -> Function:
    def function(use: Use) -> list[Node]:
        number = _number(use, use.value())
        if number is None or isinstance(number, int):
            return answer(number)
        found = int(number.to_integral_value(rounding=rounding))
        return answer(found if abs(found) < _INTEGER else None)

    return function


def _round(use: Use) -> list[Node]:
    value, digits = use.value(), use.integer()
    if value is None:
        return []
    if digits is not None and digits < 0:
        raise use.refusal("the number of decimals is not negative")
    number = value.value if isinstance(value, Quantity) else _number(use, value)
    assert number is not None
    found = _quantized(Decimal(number), digits or 0)
    if isinstance(value, Quantity):
        return [made(Quantity(found, value.unit, value.calendar))]
    return [made(found if isinstance(value, Decimal) or digits else value)]


def _quantized(number: Decimal, digits: int) -> Decimal:
    """Rounded to so many decimals; a number that has fewer stays as it is written."""
    if boundaries.decimals_of(number) <= digits:
        return number
    return number.quantize(
        Decimal(1).scaleb(-digits), rounding=ROUND_HALF_UP, context=decimal.Context(prec=500)
    )


def _reckoned(reckon: Callable[[Decimal], Decimal]) -> Function:
    def function(use: Use) -> list[Node]:
        number = _number(use, use.value())
        return answer(None if number is None else _rounded(lambda: reckon(Decimal(number))))

    return function


def _log(use: Use) -> list[Node]:
    number, base = _number(use, use.value()), _argument(use)
    if number is None or base is None:
        return []
    return answer(_rounded(lambda: MATH.divide(MATH.ln(Decimal(number)), MATH.ln(Decimal(base)))))


def _power(use: Use) -> list[Node]:
    number, exponent = _number(use, use.value()), _argument(use)
    if number is None or exponent is None:
        return []
    found = _rounded(lambda: MATH.power(Decimal(number), Decimal(exponent)))
    if found is not None and isinstance(number, int) and isinstance(exponent, int) and exponent >= 0:
        return answer(int(found) if abs(found) < _INTEGER else None)
    return answer(found)


def _rounded(reckon: Callable[[], Decimal]) -> Decimal | None:
    """A result without the digits that stem from rounding on the way; None where there is none."""
    try:
        found = _SHOWN.plus(reckon())
    except decimal.DecimalException:
        return None
    if not found.is_finite():
        return None
    whole = found.to_integral_value()
    return found if found != whole or abs(whole) >= 10**28 else whole.quantize(Decimal(1), context=_SHOWN)


def _low(use: Use) -> list[Node]:
    return _boundary(use, high=False)


def _high(use: Use) -> list[Node]:
    return _boundary(use, high=True)


def _boundary(use: Use, *, high: bool) -> list[Node]:
    value, precision = use.value(), use.integer()
    if value is None:
        return []
    if isinstance(value, Temporal):
        return answer(boundaries.of_moment(value, precision, high=high))
    if isinstance(value, Quantity):
        found = boundaries.of_decimal(value.value, precision, high=high)
        return answer(None if found is None else Quantity(found, value.unit, value.calendar))
    number = _number(use, value)
    assert number is not None
    return answer(boundaries.of_decimal(Decimal(number), precision, high=high))


def _precision(use: Use) -> list[Node]:
    value = use.value()
    if value is None:
        return []
    if isinstance(value, Temporal):
        return [made(boundaries.digits_of(value))]
    number = value.value if isinstance(value, Quantity) else _number(use, value)
    assert number is not None
    return [made(boundaries.decimals_of(Decimal(number)))]


def _comparable(use: Use) -> list[Node]:
    one, other = use.value(), operators.value_of(use.argument(), use.position)
    if one is None or other is None:
        return []
    if not isinstance(one, Quantity) or not isinstance(other, Quantity):
        raise use.refusal("this function is applied to a quantity, and takes one")
    return [made(quantities.amounts(one, other) is not None)]


def _argument(use: Use) -> int | Decimal | None:
    value = operators.value_of(use.argument(), use.position)
    if value is None or (isinstance(value, int | Decimal) and not isinstance(value, bool)):
        return value
    raise use.refusal("a number is expected as argument")


def _number(use: Use, value: System | None) -> int | Decimal | None:
    if value is None or (isinstance(value, int | Decimal) and not isinstance(value, bool)):
        return value
    raise use.refusal("this function is applied to a number")


NUMBERS: Table = {
    "abs": (_abs, 0, 0),
    "ceiling": (_integer(ROUND_CEILING), 0, 0),
    "floor": (_integer(ROUND_FLOOR), 0, 0),
    "truncate": (_integer(ROUND_DOWN), 0, 0),
    "round": (_round, 0, 1),
    "exp": (_reckoned(MATH.exp), 0, 0),
    "ln": (_reckoned(MATH.ln), 0, 0),
    "log": (_log, 1, 1),
    "power": (_power, 1, 1),
    "sqrt": (_reckoned(MATH.sqrt), 0, 0),
    "lowBoundary": (_low, 0, 1),
    "highBoundary": (_high, 0, 1),
    "precision": (_precision, 0, 0),
    "comparable": (_comparable, 1, 1),
}
