"""The values of number and quantity parameters: `[prefix]number`, `[prefix]number|system|code`.

A number stands for what its written digits leave open: `100` is [99.5, 100.5), `1.0e2` is [95, 105). One digit with an
exponent is as precise as two: R4 has `1e2` for [95, 105) too, though half of the last digit would be 50. Only equality
(and `ap`) cares; comparisons are with the number itself. A quantity is compared in the canonical form of its unit.

https://hl7.org/fhir/R4/search.html#number · https://hl7.org/fhir/R4/search.html#quantity
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Final, cast

from fhir_server.definitions.parameters import Parameter
from fhir_server.kernel.errors import Malformed
from fhir_server.kernel.values import immutable
from fhir_server.search.escapes import pieces, split, unescaped
from fhir_server.search.query import Name, Predicate, Prefix, Quantities, QuantityValue
from fhir_server.search.reading import Here, Reader, any_of, name_of, place, unreadable
from fhir_server.search.units import UCUM, named

_NUMBER = re.compile(r"(eq|ne|gt|lt|ge|le|sa|eb|ap)?([+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d{1,3})?)\Z", re.ASCII)
_LONGEST: Final = 64  # characters of a number
_FURTHEST: Final = 300  # powers of ten: beyond, doubles end


@immutable
class Written:
    """A number with its prefix, and what it may stand for."""

    prefix: Prefix
    value: Decimal
    low: Decimal
    high: Decimal

    def as_value(self, unit: str, convert: Callable[[Decimal], float]) -> QuantityValue:
        return QuantityValue(self.prefix, convert(self.value), convert(self.low), convert(self.high), unit)


def written(parameter: Parameter, text: str) -> Written:
    """`[prefix]number`. Raises `Malformed`."""
    found = _NUMBER.match(text) if len(text) <= _LONGEST else None
    if found is None:
        raise unreadable(
            f"{place(parameter)}: not a number; 5.4, -1e2 or, with a prefix, gt5.4 would be right"
        )
    prefix, value = cast("Prefix", found[1] or "eq"), Decimal(found[2])
    if value and abs(value.adjusted()) > _FURTHEST:
        raise unreadable(f"{place(parameter)}: the number is out of range; 1e-300 to 1e300 would be right")
    _, digits, exponent = value.as_tuple()
    assert isinstance(exponent, int), "the pattern has no way to write infinity"
    if len(digits) == 1 and "e" in found[2].lower():
        exponent -= 1
    margin = Decimal((0, (5,), max(exponent, -_FURTHEST) - 1))
    if prefix == "ap":
        margin = max(margin, abs(value) / 10)
    return Written(prefix, value, value - margin, value + margin)


def numbers(parameter: Parameter) -> Reader:
    name = name_of(parameter)

    def read(text: str, here: Here) -> Predicate:
        return Quantities(name, tuple(written(parameter, value).as_value("", float) for value in split(text)))

    return read


def quantities(parameter: Parameter) -> Reader:
    """A quantity with a unit, in whatever unit of the same dimension, or with none: the number alone."""
    return quantities_under(parameter, name_of(parameter))


def quantities_under(parameter: Parameter, name: Name) -> Reader:
    """The same, where the rows of `name` are those to ask."""

    def read(text: str, here: Here) -> Predicate:
        plain: list[QuantityValue] = []
        by_unit: list[QuantityValue] = []
        for value in split(text):
            _quantity(parameter, value, plain, by_unit)
        found = []
        if plain:
            found.append(Quantities(name, tuple(dict.fromkeys(plain))))
        if by_unit:
            found.append(Quantities(Name(name.type, f"{name.code}:unit"), tuple(dict.fromkeys(by_unit))))
        return any_of(found)

    return read


def _quantity(
    parameter: Parameter, text: str, plain: list[QuantityValue], by_unit: list[QuantityValue]
) -> None:
    number, *rest = [unescaped(part) for part in pieces(text, "|")]
    value = written(parameter, number)
    match rest:
        case [] | ["", ""]:
            plain.append(value.as_value("", float))
        case ["", unit]:
            # The unit may be meant as a code or as the text for people. A code is mostly UCUM's.
            plain.append(value.as_value(*named(UCUM, unit)))
            by_unit.append(value.as_value(*named(None, unit)))
        case [system, code] if code:
            plain.append(value.as_value(*named(system, code)))
        case _:
            raise Malformed(
                f"{place(parameter)} is written number, number|system|code or number||code", code="value"
            )
