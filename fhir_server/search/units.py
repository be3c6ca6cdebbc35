"""Units by what they measure, so that 5 mg and 0.005 g are the same number of the same unit.

https://hl7.org/fhir/R4/search.html#quantity · https://ucum.org/ucum
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal
from functools import lru_cache

UCUM = "http://unitsofmeasure.org"
Convert = Callable[[Decimal], float]
_USUAL = 200  # characters: whoever sends a 6 kB unit must not make us keep it

# Neither ever signals: what is too large becomes infinite, and what is too small zero, as in a double.
_EXACT = Context(prec=400, Emax=MAX_EMAX, Emin=MIN_EMIN, traps=[])
_ROUNDED = Context(prec=12, Emax=MAX_EMAX, Emin=MIN_EMIN, traps=[])


def named(system: str | None, code: str) -> tuple[str, Convert]:
    """The name of the unit that numbers of `code` are kept in, and how to convert one.

    A converted number has 12 significant digits, whichever way it was written. What is no readable UCUM is its own
    unit, `system|code`, and its numbers are kept as they are.
    """
    usual = len(code) + len(system or "") < _USUAL
    return _kept(system, code) if usual else _named(system, code)


def _named(system: str | None, code: str) -> tuple[str, Convert]:
    if system == UCUM:
        # A third of a second, which only those pay who have quantities.
        from fhir_server.kernel import ucum  # noqa: PLC0415

        unit = ucum.unit_of(code)
        if unit is not None:
            powers = ".".join(f"{name}{power}" for name, power in sorted(unit.powers.items()))
            return f"{UCUM}|{powers or 1}", _conversion(*unit.scale())
    return f"{system or ''}|{code}", float


_kept = lru_cache(maxsize=4096)(_named)


def _conversion(times: int, plus: int, divisor: int) -> Convert:
    """Multiply and add exactly, divide once: two writings of a value are rounded alike."""
    multiplier, addend, denominator = Decimal(times), Decimal(plus), Decimal(divisor)
    multiply, add, divide = _EXACT.multiply, _EXACT.add, _ROUNDED.divide
    if not plus:
        return lambda number: float(divide(multiply(number, multiplier), denominator))
    return lambda number: float(divide(add(multiply(number, multiplier), addend), denominator))
