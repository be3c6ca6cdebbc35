"""`near`: a position, and how far from it. `latitude|longitude|distance|units`

Without units the distance is in km; without a distance it is 50 km, as R4 leaves to the server.

https://hl7.org/fhir/R4/location.html#positional
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from fhir_server.definitions.parameters import Parameter
from fhir_server.search.escapes import pieces, split, unescaped
from fhir_server.search.query import Near, Predicate
from fhir_server.search.reading import Reader, any_of, name_of, place, unreadable

_METRES: Final[Mapping[str, float]] = {
    "km": 1000.0,
    "m": 1.0,
    "cm": 0.01,
    "[mi_i]": 1609.344,
    "[mi_us]": 1609.3472186944374,
    "mi": 1609.344,  # no UCUM, and what clients send
    "[nmi_i]": 1852.0,
    "[yd_i]": 0.9144,
    "[ft_i]": 0.3048,
    "ft": 0.3048,
}
_NEARBY: Final = "50"
_DECIMAL = re.compile(r"[+-]?\d{1,12}(?:\.\d{1,18})?\Z", re.ASCII)


def positions(parameter: Parameter) -> Reader:
    """Near any of the positions."""
    name = name_of(parameter)

    def one(value: str) -> Predicate:
        parts = [unescaped(part) for part in pieces(value, "|")]
        latitude, longitude, distance, unit = (*parts, "", "", "", "")[:4]
        numbers = latitude, longitude, distance or _NEARBY
        if len(parts) > 4 or not all(map(_DECIMAL.match, numbers)):
            raise unreadable(f"{place(parameter)} is written latitude|longitude|distance|units")
        if unit and unit not in _METRES:
            raise unreadable(f"{place(parameter)}: the distance is in one of {', '.join(_METRES)}")
        at, along, away = map(float, numbers)
        if not (-90 <= at <= 90 and -180 <= along <= 180 and away >= 0):
            raise unreadable(
                f"{place(parameter)}: no such place; degrees and a distance of 0 or more would be right"
            )
        return Near(name, at, along, away * _METRES[unit or "km"])

    return lambda text, here: any_of(map(one, split(text)))
