"""Whether a value is the one that a profile fixes, or has the pattern that it asks for.

A fixed value is all of the element; a pattern may be filled up: each of its properties is there, and each item of its
lists is among the items.

https://hl7.org/fhir/R4/elementdefinition.html#fixed · https://hl7.org/fhir/R4/elementdefinition.html#pattern
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from fhir_server.kernel.wire import Number, decimal_of
from fhir_server.validation.profile_rules import Value

_ABSENT: Final = object()

Fits = Callable[[Any], bool]


def value_in(own: Mapping[str, Any]) -> Value | None:
    """The fixed value or pattern of an ElementDefinition."""
    for key, value in own.items():
        if key.startswith(("fixed", "pattern")):
            exact = key.startswith("fixed")
            if key.endswith("Canonical"):
                return Value(exact, _canonical(str(value)))
            return Value(exact, _same(value) if exact else _pattern(value))
    return None


def coding_in(own: Mapping[str, Any]) -> tuple[str, str] | None:
    """System and code, where the pattern of an ElementDefinition is a CodeableConcept that must have this coding."""
    match own.get("patternCodeableConcept"):
        case {"coding": [{"system": str(system), "code": str(code)}, *_]}:
            return system, code
    return None


def _canonical(wanted: str) -> Fits:
    """The same definition, which either side may name with its version.

    The profiles of fr-core 2.2.0 fix `meta.profile` with a version that few senders write.
    """
    url, bar, _ = wanted.partition("|")

    def fits(value: Any) -> bool:
        if value == wanted or type(value) is not str:
            return bool(value == wanted)
        mine, versioned, _ = value.partition("|")
        return mine == url and not (bar and versioned)

    return fits


def _same(wanted: Any) -> Fits:
    match wanted:
        case dict():
            inside = {key: _same(value) for key, value in wanted.items()}
            return lambda value: (
                type(value) is dict
                and value.keys() == inside.keys()
                and all(fits(value[key]) for key, fits in inside.items())
            )
        case list():
            items = [_same(value) for value in wanted]
            return lambda value: (
                type(value) is list
                and len(value) == len(items)
                and all(fits(one) for fits, one in zip(items, value, strict=True))
            )
    return _simple(wanted)


def _pattern(wanted: Any) -> Fits:
    match wanted:
        case dict():
            return _parts({key: _pattern(value) for key, value in wanted.items()})
        case list():
            return _each_among([_pattern(value) for value in wanted])
    return _simple(wanted)


def _parts(inside: Mapping[str, Fits]) -> Fits:
    parts = tuple(inside.items())

    def fits(value: Any) -> bool:
        if type(value) is not dict:
            return False
        for key, part in parts:
            found = value.get(key, _ABSENT)
            if found is _ABSENT or not part(found):
                return False
        return True

    return fits


def _each_among(items: Sequence[Fits]) -> Fits:
    if len(items) == 1:
        (only,) = items
        return lambda value: type(value) is list and any(map(only, value))
    return lambda value: type(value) is list and all(any(map(one, value)) for one in items)


def _simple(wanted: Any) -> Fits:
    if isinstance(wanted, str):
        return lambda value: value == wanted
    if isinstance(wanted, bool) or wanted is None:
        return lambda value: value is wanted
    number = number_of(wanted)
    return lambda value: number_of(value) == number


def number_of(value: Any) -> Decimal | None:
    """The number in a tree, whoever parsed it; None for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, float):
        return Decimal(repr(value))
    return decimal_of(value) if isinstance(value, int | Number) else None
