"""UCUM codes in base units (m, s, g, rad, K, C, cd), by exact fractions.

`ucumvert` gives the grammar of UCUM and its table. Three decisions:

- A mole stays a mole, though UCUM calls it a number: nobody compares 1 mmol/L with 6.02e20/L.
- What UCUM calls arbitrary (`[iU]`, `[CFU]`) is comparable with nothing else; so are logarithms, pH and their like,
  whose scales only they have. Prefixes work: 10 dB are 1 B. Temperatures are all converted to kelvin.
- An annotation says nothing: `{beats}/min` is `/min`.

https://ucum.org/ucum
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from functools import cache
from typing import Any

from lark.exceptions import LarkError
from ucumvert import get_ucum_parser
from ucumvert.xml_util import get_units_with_full_definition, root

from fhir_server.kernel.values import immutable

_LONGEST = 64  # characters of a code that is read; real ones have less than 30
_HIGHEST = 99  # exponent of a unit: `10*-6` has 6
# The scales with a zero of their own: kelvin of one degree, and kelvin of its zero.
_TEMPERATURES = {
    "Cel": (Fraction(1), Fraction(27315, 100)),
    "[degF]": (Fraction(5, 9), Fraction(45967, 180)),
    "[degRe]": (Fraction(5, 4), Fraction(27315, 100)),
}


@immutable
class Unit:
    """`factor` times each base unit to its power, of which none is 0; counted from `zero`, if it is a temperature."""

    factor: Fraction
    powers: Mapping[str, int]
    zero: Fraction = Fraction(0)

    def scale(self) -> tuple[int, int, int]:
        """`(a, b, c)`: n of this unit are `(n * a + b) / c` in base units."""
        common = self.factor.denominator * self.zero.denominator
        return (
            self.factor.numerator * self.zero.denominator,
            self.zero.numerator * self.factor.denominator,
            common,
        )


def unit_of(code: str) -> Unit | None:
    """What a code means; None when it is not UCUM, or nothing that can be converted (`Cel/min`)."""
    if len(code) > _LONGEST:
        return None
    try:
        return _meaning(_parser().parse(code))
    except (LarkError, _Unreadable):
        return None


class _Unreadable(Exception):
    """No unit comes of it."""


def _meaning(node: Any) -> Unit:
    """The unit of one node of the syntax tree, whose names are those of UCUM's grammar."""
    if not hasattr(node, "data"):
        return Unit(Fraction(1), {})  # an annotation that stands alone
    match node.data, node.children:
        case "simple_unit", [prefix, atom]:
            unit = _atom(str(atom))
            return Unit(unit.factor * _prefixes()[str(prefix)], unit.powers, unit.zero)
        case "simple_unit", [atom]:
            return Unit(Fraction(int(atom)), {}) if atom.isdecimal() else _atom(str(atom))
        case "annotatable", [inner, exponent]:
            return _power(_meaning(inner), int(exponent))
        case ("component", [inner, _]) | ("main_term", [inner]):
            return _meaning(inner)
        case "main_term", [_, inner]:
            return _power(_meaning(inner), -1)
        case "term", [left, sign, right]:
            return _product(_meaning(left), _power(_meaning(right), -1 if sign == "/" else 1))
    raise _Unreadable


def _power(unit: Unit, exponent: int) -> Unit:
    if exponent == 1:
        return unit
    if unit.zero or abs(exponent) > _HIGHEST:
        raise _Unreadable
    return Unit(unit.factor**exponent, {name: power * exponent for name, power in unit.powers.items()})


def _product(left: Unit, right: Unit) -> Unit:
    if left.zero or right.zero:  # a degree per minute is no temperature; UCUM has kelvin for that
        raise _Unreadable
    powers = dict(left.powers)
    for name, power in right.powers.items():
        powers[name] = powers.get(name, 0) + power
    return Unit(left.factor * right.factor, {name: power for name, power in powers.items() if power})


@cache
def _atom(code: str) -> Unit:
    if code in _TEMPERATURES:
        factor, zero = _TEMPERATURES[code]
        return Unit(factor, {"K": 1}, zero)
    definition = _definitions().get(code)
    if definition is None:  # a base unit, a mole, an arbitrary or a special unit
        return Unit(Fraction(1), {code: 1})
    value, unit = definition
    inner = _meaning(_parser().parse(unit))
    return Unit(value * inner.factor, inner.powers)


@cache
def _definitions() -> Mapping[str, tuple[Fraction, str]]:
    """Atom → (number, unit) that UCUM defines it by, for those that are taken apart."""
    return {
        unit.code_cs: (Fraction(unit.conversion_factor), unit.defining_unit)
        for unit in get_units_with_full_definition()
        if not (unit.code_cs == "mol" or unit.is_special or (unit.is_arbitrary and unit.defining_unit == "1"))
    }


@cache
def _prefixes() -> Mapping[str, Fraction]:
    return {
        prefix.attrib["Code"]: Fraction(value.attrib["value"])
        for prefix in root.iterfind("{*}prefix")
        for value in prefix.iterfind("{*}value")
    }


@cache
def _parser() -> Any:
    return get_ucum_parser()
