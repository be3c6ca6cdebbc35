"""Numbers, quantities and positions as rows (unit, low, high).

A number is the point that it is: what its written precision leaves open is the query's business. A comparator leaves
one side open (`<5` ends just below 5), a Range has two ends. A quantity is there by its bare number, by its unit in
canonical form, and, where the unit is also called something else, by that.

https://hl7.org/fhir/R4/search.html#number · https://hl7.org/fhir/R4/search.html#quantity
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache
from math import inf, nextafter

from fhir_server.kernel.wire import Number, Tree
from fhir_server.search.entries import Hasher
from fhir_server.search.rows import KEPT, LENGTH, Rows, Slot, Unit, Writer
from fhir_server.search.units import UCUM, Convert, named

CURRENCIES = "urn:iso:std:iso:4217"


def _number(rows: Rows, slot: Slot, value: int | Number | Decimal) -> None:
    found = _double(value)
    rows.quantities.add((slot.seed, 0, found, found))


def _quantity(rows: Rows, slot: Slot, value: Tree) -> None:
    number = value.get("value")
    if number is not None:
        unit = _unit(rows, slot, value.get("system"), value.get("code"), value.get("unit"))
        _write(rows, slot, unit, number, number, value.get("comparator"))


def _money(rows: Rows, slot: Slot, value: Tree) -> None:
    if "value" in value:
        currency = value.get("currency")
        unit = _unit(rows, slot, CURRENCIES if currency else None, currency, None)
        _write(rows, slot, unit, value["value"], value["value"], None)


def _range(rows: Rows, slot: Slot, value: Tree) -> None:
    """From the low end to the high; an end that is missing is open. Two ends in two units have only their numbers."""
    ends = [end for end in (value.get("low"), value.get("high")) if end is not None and "value" in end]
    if ends:
        units = {(end.get("system"), end.get("code"), end.get("unit")) for end in ends}
        unit = _unit(rows, slot, *(units.pop() if len(units) == 1 else (None, None, None)))
        _write(rows, slot, unit, value.get("low", {}).get("value"), value.get("high", {}).get("value"), None)


def _unit(rows: Rows, slot: Slot, system: str | None, code: str | None, text: str | None) -> Unit:
    known = slot.units.get((system, code, text))
    if known is None:
        known = _unit_of(rows.hasher, slot, system, code, text)
        if len(slot.units) < KEPT and sum(len(part or "") for part in (system, code, text)) < LENGTH:
            slot.units[system, code, text] = known
    return known


def _unit_of(hasher: Hasher, slot: Slot, system: str | None, code: str | None, text: str | None) -> Unit:
    """Who asks for a unit without a system means a code, which is taken for UCUM's, too, or the text for people."""
    called = dict.fromkeys(name for name in (code, text) if name is not None)
    space = 0
    convert: Convert = float
    if code is not None and system is not None:
        name, convert = named(system, code)
        space = hasher.space(name)
        if system == UCUM:
            del called[code]
    if not slot.unit:  # of a number, which has none
        called, space = {}, 0
    names = ((slot.unit, hasher.space(f"|{name}")) for name in called)
    return Unit(((slot.seed, 0), *names), space, convert)


def _write(
    rows: Rows,
    slot: Slot,
    unit: Unit,
    low: int | Number | None,
    high: int | Number | None,
    comparator: str | None,
) -> None:
    """What is from `low` to `high`."""
    start, end = _ends(float, low, high, comparator)
    for seed, space in unit.bare:
        rows.quantities.add((seed, space, start, end))
    if unit.space:
        if unit.convert is not float:
            start, end = _ends(unit.convert, low, high, comparator)
        rows.quantities.add((slot.seed, unit.space, start, end))


def _ends(
    convert: Convert, low: int | Number | None, high: int | Number | None, comparator: str | None
) -> tuple[float, float]:
    start = -inf if low is None else _converted(convert, low)
    end = start if high is low else inf if high is None else _converted(convert, high)
    if comparator is None:
        return start, end
    match comparator:
        case "<":
            return -inf, nextafter(end, -inf)
        case "<=":
            return -inf, end
        case ">":
            return nextafter(start, inf), inf
        case _:
            return start, inf


def _converted(convert: Convert, number: int | Number) -> float:
    if convert is float:
        return _double(number)
    text = str(number) if isinstance(number, int) else bytes(number).decode()
    return _kept(convert, text) if len(text) < 40 else _in_unit(convert, text)


def _double(number: int | Number | Decimal) -> float:
    try:
        return float(number)
    except OverflowError:  # an integer beyond what a double can hold: infinite, as 1e999 is
        return float(str(number))


def _in_unit(convert: Convert, text: str) -> float:
    try:
        return convert(Decimal(text))
    except ArithmeticError:  # an exponent that no decimal arithmetic takes: infinite, or nothing
        return float(text)


_kept = lru_cache(maxsize=8192)(_in_unit)


def _position(rows: Rows, slot: Slot, value: Tree) -> None:
    if "latitude" in value and "longitude" in value:
        rows.quantities.add((slot.seed, 0, _double(value["latitude"]), _double(value["longitude"])))


def pair(rows: Rows, slot: Slot, start: int, end: int) -> None:
    """Two numbers that belong together: where something starts and where it ends."""
    rows.quantities.add((slot.seed, 0, _double(start), _double(end)))


NUMBERS: Mapping[tuple[str, str], Writer] = {
    **{("number", name): _number for name in ("integer", "decimal", "positiveInt", "unsignedInt")},
    ("number", "Range"): _range,  # RiskAssessment.probability
    **{("quantity", name): _quantity for name in ("Quantity", "Age", "Duration", "Count", "Distance")},
    ("quantity", "Money"): _money,
    ("quantity", "Range"): _range,
    ("special", "Location.position"): _position,
}
