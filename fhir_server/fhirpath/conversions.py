"""`toX` and `convertsToX`: what a value is as another type; empty where it is none.

http://hl7.org/fhirpath/N1/#conversion
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Final

from fhir_server.fhirpath import quantities
from fhir_server.fhirpath.durations import WORDS
from fhir_server.fhirpath.temporal import Temporal, day_of, time_of, written
from fhir_server.fhirpath.use import Function, Table, Use, answer
from fhir_server.fhirpath.values import Node, Quantity, System, made, system_of

_LONGEST: Final = 100  # characters of a number or a date
_INTEGER: Final = re.compile(r"[+-]?\d+\Z", re.ASCII)
_DECIMAL: Final = re.compile(r"[+-]?\d+(?:\.\d+)?\Z", re.ASCII)
_QUANTITY: Final = re.compile(r"([+-]?\d+(?:\.\d+)?)\s*(?:'([^']+)'|([a-zA-Z]+))?\Z", re.ASCII)
_TRUE: Final = frozenset({"true", "t", "yes", "y", "1", "1.0"})
_FALSE: Final = frozenset({"false", "f", "no", "n", "0", "0.0"})

Convert = Callable[[System], System | None]


def _boolean(value: System) -> bool | None:
    match value:
        case bool():
            return value
        case int() | Decimal():
            return bool(value) if value in {0, 1} else None
        case str():
            text = value[:_LONGEST].lower()
            return True if text in _TRUE else False if text in _FALSE else None
    return None


def _integer(value: System) -> int | None:
    match value:
        case int():
            return int(value)
        case str() if len(value) < _LONGEST and _INTEGER.match(value):
            number = int(value)
            return number if abs(number) < 2**31 else None
    return None


def _decimal(value: System) -> Decimal | None:
    match value:
        case int():
            return Decimal(int(value))
        case Decimal():
            return value
        case str() if len(value) < _LONGEST and _DECIMAL.match(value):
            return Decimal(value)
    return None


def _date(value: System) -> Temporal | None:
    if isinstance(value, str):
        value = day_of(value[:_LONGEST]) or value
    if not isinstance(value, Temporal) or value.kind == "Time":
        return None
    return value if value.kind == "Date" else written("Date", value.parts[:3], None)


def _date_time(value: System) -> Temporal | None:
    if isinstance(value, str):
        value = day_of(value[:_LONGEST]) or value
    if not isinstance(value, Temporal) or value.kind == "Time":
        return None
    return value if value.kind == "DateTime" else written("DateTime", value.parts, None)


def _time(value: System) -> Temporal | None:
    if isinstance(value, str):
        value = time_of(value[:_LONGEST].removeprefix("T")) or value
    return value if isinstance(value, Temporal) and value.kind == "Time" else None


def _quantity(value: System) -> Quantity | None:
    match value:
        case Quantity():
            return value
        case int() | Decimal():
            return Quantity(Decimal(value), "1")
        case str():
            return _quantity_of(value)
    return None


def _quantity_of(text: str) -> Quantity | None:
    found = _QUANTITY.match(text) if len(text) < _LONGEST else None
    if found is None:
        return None
    number, unit, word = found.groups()
    if word is None:
        return Quantity(Decimal(number), unit or "1")
    return Quantity(Decimal(number), WORDS[word], calendar=True) if word in WORDS else None


def _string(value: System) -> str | None:
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return value
        case int():
            return str(value)
        case Decimal():
            return f"{value:f}"
        case Temporal():
            return value.text.removesuffix("T")
        case Quantity(value=number, unit=unit, calendar=calendar):
            if calendar:
                return f"{number:f} {unit if number == 1 else f'{unit}s'}"
            return f"{number:f} '{unit}'"
    return None


def _to(convert: Convert) -> Function:
    def function(use: Use) -> list[Node]:
        value = _one(use)
        return answer(None if value is None else convert(value))

    return function


def _converts_to(convert: Convert) -> Function:
    def function(use: Use) -> list[Node]:
        node = use.single()
        if node is None:
            return []
        value = _one(use)
        return [made(value is not None and convert(value) is not None)]

    return function


def _one(use: Use) -> System | None:
    """The simple value of the one item; None for what has none: it converts to nothing."""
    node = use.single()
    return None if node is None else system_of(node)


def _to_quantity(use: Use) -> list[Node]:
    value, unit = _one(use), use.string()
    found = None if value is None else _quantity(value)
    return answer(found if found is None or unit is None else _in_unit(found, unit))


def _converts_to_quantity(use: Use) -> list[Node]:
    if use.single() is None:
        return []
    return [made(bool(_to_quantity(use)))]


def _in_unit(quantity: Quantity, unit: str) -> Quantity | None:
    word = WORDS.get(unit)
    return quantities.converted(quantity, word or unit, calendar=word is not None)


_ALL: Final[dict[str, Convert]] = {
    "Boolean": _boolean,
    "Integer": _integer,
    "Decimal": _decimal,
    "Date": _date,
    "DateTime": _date_time,
    "Time": _time,
    "String": _string,
}
CONVERSIONS: Table = {
    **{f"to{name}": (_to(convert), 0, 0) for name, convert in _ALL.items()},
    **{f"convertsTo{name}": (_converts_to(convert), 0, 0) for name, convert in _ALL.items()},
    "toQuantity": (_to_quantity, 0, 1),
    "convertsToQuantity": (_converts_to_quantity, 0, 1),
}
