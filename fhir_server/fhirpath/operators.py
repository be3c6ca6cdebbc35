"""What the operators mean on collections: equality, order, arithmetic, sets.

`None` stands for the empty collection wherever an answer may be unknown.

http://hl7.org/fhirpath/N1/#operations
"""

from __future__ import annotations

import decimal
import json
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, TypeGuard

import orjson

from fhir_server.fhirpath import durations, quantities, temporal
from fhir_server.fhirpath.errors import CannotEvaluate
from fhir_server.fhirpath.quantities import MATH
from fhir_server.fhirpath.temporal import Temporal
from fhir_server.fhirpath.values import Budget, Node, Quantity, System, exact, made, system_of
from fhir_server.kernel.wire import Number

MAX_TEXT = 1_000_000  # characters of a string that an expression makes
_INTEGER = 2**31
_CHEAP = 64  # characters that may be made for a visit


def single(items: Sequence[Node], position: int) -> Node | None:
    """The one item; None for none. Raises `CannotEvaluate` for more."""
    if len(items) > 1:
        raise CannotEvaluate("one item is expected here, and there are several", position)
    return items[0] if items else None


def value_of(items: Sequence[Node], position: int) -> System | None:
    """The value of the one item; None for none. Raises `CannotEvaluate` for more, or for an item without value."""
    node = single(items, position)
    if node is None:
        return None
    value = system_of(node)
    if value is None:
        raise CannotEvaluate("a simple value is expected here", position)
    return value


def truth(items: Sequence[Node], position: int) -> bool | None:
    """The items as a condition: a boolean is itself, any other single item is true.

    http://hl7.org/fhirpath/N1/#singleton-evaluation-of-collections
    """
    node = single(items, position)
    if node is None:
        return None
    value = system_of(node)
    return value if isinstance(value, bool) else True


def key_of(node: Node, budget: Budget, position: int) -> object:
    """A hashable that equal items share: the values of simple types, the content of others."""
    value = system_of(node)
    match value:
        case None:
            content = _content([node.value, node.extra])
            budget.charge(len(content) // 32, position)
            return node.type, content
        case bool() | str():
            return type(value), value
        case int() | Decimal():
            return Decimal, Decimal(value)
        case Temporal():
            return Temporal, *temporal.key_of(value)
        case Quantity():
            return Quantity, quantities.key_of(value)
    return value


def distinct(items: Sequence[Node], budget: Budget, position: int) -> list[Node]:
    """The items without repetition, each where it came first."""
    found: dict[object, Node] = {}
    for node in items:
        found.setdefault(key_of(node, budget, position), node)
    return list(found.values())


def equal(left: Sequence[Node], right: Sequence[Node], budget: Budget, position: int) -> bool | None:
    """`=`. http://hl7.org/fhirpath/N1/#equals"""
    if not left or not right:
        return None
    if len(left) != len(right):
        return False
    answers = [_equal_items(a, b, budget, position) for a, b in zip(left, right, strict=True)]
    if False in answers:
        return False
    return None if None in answers else True


def _equal_items(one: Node, other: Node, budget: Budget, position: int) -> bool | None:
    a, b = system_of(one), system_of(other)
    if isinstance(a, str) and isinstance(b, str):
        return a == b
    if isinstance(a, Temporal) and isinstance(b, Temporal):
        if (a.kind == "Time") != (b.kind == "Time"):
            return False
        order = temporal.compare(a, b)
        return None if order is None else order == 0
    pair = _as_quantities(a, b)
    if pair is not None:
        found = quantities.amounts(*pair)
        return None if found is None else found[0] == found[1]
    return key_of(one, budget, position) == key_of(other, budget, position)


def _as_quantities(a: System | None, b: System | None) -> tuple[Quantity, Quantity] | None:
    """Two quantities; a number beside a quantity is one without unit."""
    if isinstance(a, Quantity):
        if isinstance(b, Quantity):
            return a, b
        return (a, _unitless(b)) if b is not None and _is_number(b) else None
    return (_unitless(a), b) if isinstance(b, Quantity) and a is not None and _is_number(a) else None


def _unitless(number: int | Decimal) -> Quantity:
    return Quantity(Decimal(number), "1")


def equivalent(left: Sequence[Node], right: Sequence[Node], budget: Budget, position: int) -> bool:
    """`~`: order, case, white space and digits beyond the shorter decimal do not count.

    http://hl7.org/fhirpath/N1/#equivalent
    """
    if len(left) != len(right):
        return False
    budget.charge(len(left) * len(right), position)
    return _same_in_some_order(left, right, lambda a, b: _equivalent_items(a, b, budget, position))


def _equivalent_items(one: Node, other: Node, budget: Budget, position: int) -> bool:
    a, b = system_of(one), system_of(other)
    if a is not None and b is not None:
        return _alike(a, b)
    return one.type == other.type and _trees_alike(one.inside, other.inside, budget, position)


def _trees_alike(a: Any, b: Any, budget: Budget, position: int) -> bool:
    budget.charge(1, position)
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(_trees_alike(a[key], b[key], budget, position) for key in a)
    if isinstance(a, list) and isinstance(b, list):
        budget.charge(len(a) * len(b), position)
        return len(a) == len(b) and _same_in_some_order(
            a, b, lambda one, other: _trees_alike(one, other, budget, position)
        )
    if isinstance(a, str) and isinstance(b, str):
        return _alike(a, b)
    one, other = _number_of(a), _number_of(b)
    return _alike(one, other) if one is not None and other is not None else type(a) is type(b) and a == b


def _number_of(value: Any) -> int | Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | Number):
        return None
    return exact(value)


def _same_in_some_order(left: Sequence[Any], right: Sequence[Any], alike: Callable[[Any, Any], bool]) -> bool:
    rest = list(right)
    for one in left:
        match = next((i for i, other in enumerate(rest) if alike(one, other)), None)
        if match is None:
            return False
        del rest[match]
    return True


def _alike(a: System, b: System) -> bool:
    if isinstance(a, bool) or isinstance(b, bool):
        return a is b
    if isinstance(a, str) and isinstance(b, str):
        return " ".join(a.casefold().split()) == " ".join(b.casefold().split())
    if _is_number(a) and _is_number(b):
        return _rounded_alike(Decimal(a), Decimal(b))
    if isinstance(a, Temporal) and isinstance(b, Temporal):
        return (a.kind == "Time") == (b.kind == "Time") and temporal.compare(a, b) == 0
    pair = _as_quantities(a, b)
    if pair is not None:
        found = quantities.in_coarser_unit(*pair)
        return found is not None and _rounded_alike(*found)
    return a == b


def _rounded_alike(a: Decimal, b: Decimal) -> bool:
    """Whether two decimals are equal at the precision of the less precise one."""
    unit = Decimal(1).scaleb(-min(_decimals(a), _decimals(b)))
    try:
        return MATH.quantize(a, unit) == MATH.quantize(b, unit)
    except decimal.InvalidOperation:  # more digits than are ever rounded
        return a == b


def order(left: Sequence[Node], right: Sequence[Node], position: int) -> int | None:
    """-1, 0 or 1 as left is smaller, equal or greater; None when unknown. http://hl7.org/fhirpath/N1/#comparison"""
    a, b = value_of(left, position), value_of(right, position)
    if a is None or b is None:
        return None
    pair = _as_quantities(a, b)
    if pair is not None:
        found = quantities.amounts(*pair)
        return None if found is None else _sign(*found)
    if isinstance(a, Temporal) and isinstance(b, Temporal) and (a.kind == "Time") == (b.kind == "Time"):
        return temporal.compare(a, b)
    if isinstance(a, str) and isinstance(b, str):
        return _sign(a, b)
    if not _is_number(a) or not _is_number(b):
        raise CannotEvaluate("values of these two types have no order", position)
    return _sign(a, b)


def _sign(a: Any, b: Any) -> int:
    return 0 if a == b else (1 if a > b else -1)


def calculate(
    symbol: str, left: Sequence[Node], right: Sequence[Node], budget: Budget, position: int
) -> list[Node]:
    """`+ - * / div mod &` on numbers, strings, quantities and dates. http://hl7.org/fhirpath/N1/#math"""
    a, b = value_of(left, position), value_of(right, position)
    if symbol == "&":
        a, b = "" if a is None else a, "" if b is None else b
    if a is None or b is None:
        return []
    if symbol in {"+", "&"} and isinstance(a, str) and isinstance(b, str):
        return [text(a + b, budget, position)]
    if symbol in {"+", "-"} and isinstance(a, Temporal) and isinstance(b, Quantity):
        return _later(a, b, 1 if symbol == "+" else -1, position)
    if symbol in {"+", "-", "*", "/"}:
        pair = _as_quantities(a, b)
        if pair is not None:
            return _reckoned(symbol, *pair)
    if symbol == "&" or not _is_number(a) or not _is_number(b):
        raise CannotEvaluate(f"'{symbol}' means nothing between these types", position)
    return _sum(symbol, a, b)


def negative(items: Sequence[Node], position: int) -> list[Node]:
    """`-x`"""
    value = value_of(items, position)
    if value is None:
        return []
    if isinstance(value, Quantity):
        return [made(Quantity(value.value.copy_negate(), value.unit, value.calendar))]
    if not _is_number(value):
        raise CannotEvaluate("'-' is written before a number or a quantity", position)
    return [made(-value if isinstance(value, int) else value.copy_negate())]


def _later(moment: Temporal, duration: Quantity, sign: int, position: int) -> list[Node]:
    unit = durations.unit_of(duration)
    if unit is None:
        raise CannotEvaluate(
            "to a date or time is added a duration; a year or a month is one of the calendar: 1 year",
            position,
        )
    found = durations.later(moment, duration.value * sign, unit)
    return [] if found is None else [made(found)]


def _reckoned(symbol: str, one: Quantity, other: Quantity) -> list[Node]:
    try:
        match symbol:
            case "*":
                found = quantities.product(one, other)
            case "/":
                found = quantities.quotient(one, other)
            case _:
                found = quantities.total(one, other, 1 if symbol == "+" else -1)
    except decimal.DecimalException:
        return []
    return [] if found is None else [made(found)]


def _sum(symbol: str, one: int | Decimal, other: int | Decimal) -> list[Node]:
    math, a, b = MATH, Decimal(one), Decimal(other)
    whole = isinstance(one, int) and isinstance(other, int)
    try:
        match symbol:
            case "+":
                found = math.add(a, b)
            case "-":
                found = math.subtract(a, b)
            case "*":
                found = math.multiply(a, b)
            case "/":
                return [made(math.divide(a, b))]
            case "div":
                found, whole = math.divide_int(a, b), True
            case _:
                found = math.remainder(a, b)
    except decimal.DecimalException:  # division by zero and overflow give the empty collection
        return []
    if not whole:
        return [made(found)]
    return [made(int(found))] if abs(found) < _INTEGER else []


def text(value: str, budget: Budget, position: int) -> Node:
    """The node of a string that an expression made, if it is not too long. All of them together are bounded too."""
    budget.charge(len(value) // _CHEAP, position)
    if len(value) > MAX_TEXT:
        raise CannotEvaluate(
            f"a string may have at most {MAX_TEXT:,} characters", position, code="too-costly"
        )
    return made(value)


def _is_number(value: System) -> TypeGuard[int | Decimal]:
    return isinstance(value, int | Decimal) and not isinstance(value, bool)


def _decimals(value: Decimal) -> int:
    exponent = value.as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def _content(value: Any) -> bytes:
    """A text that trees of equal content share, numbers compared as numbers."""
    try:
        return orjson.dumps(value, default=_number_text, option=orjson.OPT_SORT_KEYS)
    except TypeError:  # an integer beyond 64 bits
        return json.dumps(value, default=_number_text, sort_keys=True).encode()


def _number_text(value: Any) -> Any:
    if isinstance(value, Number):
        found = exact(value)
        if found is None:
            return str(value)
        small = abs(found) < _INTEGER and found == found.to_integral_value()
        return int(found) if small else str(found.normalize(MATH))
    raise TypeError(f"{type(value).__name__} does not belong in a tree")
