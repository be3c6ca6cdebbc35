"""The functions of the language in one table, and those on collections, types and the tree.

http://hl7.org/fhirpath/N1/#functions · https://hl7.org/fhir/R4/fhirpath.html#functions
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cmp_to_key

from fhir_server.fhirpath import operators
from fhir_server.fhirpath.conversions import CONVERSIONS
from fhir_server.fhirpath.errors import CannotEvaluate, Meaningless
from fhir_server.fhirpath.fhir import OF_FHIR
from fhir_server.fhirpath.numbers import NUMBERS
from fhir_server.fhirpath.strings import STRINGS
from fhir_server.fhirpath.syntax import Call, Member, Path, Sign
from fhir_server.fhirpath.temporal import Temporal, day_of, time_of
from fhir_server.fhirpath.types import fits, info_of, is_a, require_type
from fhir_server.fhirpath.use import Function, Scope, Table, Use, answer
from fhir_server.fhirpath.values import Node, made


def function_of(call: Call) -> Function:
    """The function of a call. Raises `Meaningless` for an unknown one or a wrong number of arguments."""
    if call.name not in FUNCTIONS:
        raise Meaningless("FHIRPath has no function of this name", call.position)
    function, least, most = FUNCTIONS[call.name]
    given = len(call.arguments)
    if not least <= given <= most:
        takes = str(least) if least == most else f"{least} to {most}"
        raise Meaningless(f"{call.name}(): {given} arguments are given, and it takes {takes}", call.position)
    return function


def type_argument(call: Call) -> str:
    """The type that `ofType(FHIR.Patient)` names; to the grammar it is a path."""
    match call.arguments[0]:
        case Member(name=name):
            return name
        case Path(origin=Member(name=namespace), steps=(Member(name=name),)):
            return f"{namespace}.{name}"
    raise CannotEvaluate(f"{call.name}(): the name of a type is expected as argument", call.position)


# Existence


def _exists(use: Use) -> list[Node]:
    return [made(bool(_where(use) if use.call.arguments else use.items))]


def _all(use: Use) -> list[Node]:
    return [made(all(operators.truth(found, use.position) for _, found in use.each()))]


def _not(use: Use) -> list[Node]:
    value = operators.truth(use.items, use.position)
    return answer(None if value is None else not value)


def _subset_of(use: Use) -> list[Node]:
    return [made(set(use.keys(use.items)) <= set(use.keys(use.argument())))]


def _superset_of(use: Use) -> list[Node]:
    return [made(set(use.keys(use.items)) >= set(use.keys(use.argument())))]


def _is_distinct(use: Use) -> list[Node]:
    return [made(len(use.distinct(use.items)) == len(use.items))]


# Filtering and projection


def _where(use: Use) -> list[Node]:
    return [node for node, found in use.each() if operators.truth(found, use.position)]


def _select(use: Use) -> list[Node]:
    return [found for _, items in use.each() for found in items]


def _repeat(use: Use) -> list[Node]:
    found: dict[object, Node] = {}
    waiting = list(use.items)
    while waiting:
        fresh = []
        for index, node in enumerate(waiting):
            for item in use.of(node, 0, index):
                key = operators.key_of(item, use.run.budget, use.position)
                if key not in found:
                    found[key] = item
                    fresh.append(item)
        waiting = fresh
    return list(found.values())


def _aggregate(use: Use) -> list[Node]:
    total = use.argument(1)
    for index, node in enumerate(use.items):
        scope = Scope((node,), index, total)
        total = use.arguments[0](use.run, scope)
    return total


def _of_type(use: Use) -> list[Node]:
    name = type_argument(use.call)
    require_type(name, use.run.model, use.position)
    return [node for node in use.items if fits(node, name, use.run.model, use.position)]


def _as(use: Use) -> list[Node]:
    use.single()
    return _of_type(use)


def _is(use: Use) -> list[Node]:
    node, name = use.single(), type_argument(use.call)
    require_type(name, use.run.model, use.position)
    return [] if node is None else [made(is_a(node, name, use.run.model, use.position))]


def _type(use: Use) -> list[Node]:
    return [made(info_of(node, use.run.model)) for node in use.items]


def _sort(use: Use) -> list[Node]:
    """By the items themselves, or by criteria; `-` before one turns its order round.

    What is absent counts as the greatest. http://hl7.org/fhirpath/#sort (an addition after N1)
    """
    criteria = use.call.arguments
    found = list(use.items)
    use.charge(len(found) * max(len(criteria), 1) * len(found).bit_length())
    if not criteria:
        return [found[at] for at in _sorted([[node] for node in found], use, downwards=False)]
    for number, criterion in reversed(list(enumerate(criteria))):
        keys = [use.of(node, number) for node in found]
        downwards = isinstance(criterion, Sign) and criterion.symbol == "-"
        found = [found[at] for at in _sorted(keys, use, downwards=downwards)]
    return found


def _sorted(keys: Sequence[Sequence[Node]], use: Use, *, downwards: bool) -> list[int]:
    """The places of the keys in their order; equal ones stay as they were."""

    def order(one: int, other: int) -> int:
        a, b = keys[one], keys[other]
        if not a or not b:
            return (not a) - (not b)
        return operators.order(a, b, use.position) or 0

    return sorted(range(len(keys)), key=cmp_to_key(order), reverse=downwards)


# Subsets and sets


def _single(use: Use) -> list[Node]:
    operators.single(use.items, use.position)
    return list(use.items)


def _skip(use: Use) -> list[Node]:
    return list(use.items[max(0, use.integer() or 0) :])


def _take(use: Use) -> list[Node]:
    return list(use.items[: max(0, use.integer() or 0)])


def _union(use: Use) -> list[Node]:
    return use.distinct([*use.items, *use.argument()])


def _intersect(use: Use) -> list[Node]:
    others = set(use.keys(use.argument()))
    return [node for node in use.distinct(use.items) if use.keys([node])[0] in others]


def _exclude(use: Use) -> list[Node]:
    others = set(use.keys(use.argument()))
    return [node for node, key in zip(use.items, use.keys(use.items), strict=True) if key not in others]


# The tree


def _children(use: Use) -> list[Node]:
    return [child for node in use.items for child in use.run.children(node, use.position)]


def _descendants(use: Use) -> list[Node]:
    found: list[Node] = []
    level = _children(use)
    while level:
        found += level
        level = [child for node in level for child in use.run.children(node, use.position)]
    return found


# Control


def _iif(use: Use) -> list[Node]:
    use.single()
    scope = Scope(use.items, use.scope.index, use.scope.total) if use.items else use.scope
    arguments = use.arguments
    chosen = 1 if operators.truth(arguments[0](use.run, scope), use.position) else 2
    return arguments[chosen](use.run, scope) if chosen < len(arguments) else []


def _trace(use: Use) -> list[Node]:
    name, told = use.string() or "", use.run.surroundings.trace
    shown = [found for _, items in use.each(1) for found in items] if len(use.arguments) > 1 else use.items
    if told is not None:
        told(name, shown)
    return list(use.items)


def _now(use: Use) -> list[Node]:
    return _moment(use.run.now.isoformat(timespec="milliseconds"), day_of)


def _today(use: Use) -> list[Node]:
    return _moment(use.run.now.date().isoformat(), day_of)


def _time_of_day(use: Use) -> list[Node]:
    return _moment(use.run.now.time().isoformat(timespec="milliseconds"), time_of)


def _moment(text: str, read: Callable[[str], Temporal | None]) -> list[Node]:
    return answer(read(text))


FUNCTIONS: Table = {
    "empty": (lambda use: [made(not use.items)], 0, 0),
    "exists": (_exists, 0, 1),
    "all": (_all, 1, 1),
    "allTrue": (lambda use: [made(all(truth is True for truth in use.truths()))], 0, 0),
    "anyTrue": (lambda use: [made(any(truth is True for truth in use.truths()))], 0, 0),
    "allFalse": (lambda use: [made(all(truth is False for truth in use.truths()))], 0, 0),
    "anyFalse": (lambda use: [made(any(truth is False for truth in use.truths()))], 0, 0),
    "not": (_not, 0, 0),
    "subsetOf": (_subset_of, 1, 1),
    "supersetOf": (_superset_of, 1, 1),
    "count": (lambda use: [made(len(use.items))], 0, 0),
    "distinct": (lambda use: use.distinct(use.items), 0, 0),
    "isDistinct": (_is_distinct, 0, 0),
    "where": (_where, 1, 1),
    "select": (_select, 1, 1),
    "repeat": (_repeat, 1, 1),
    "aggregate": (_aggregate, 1, 2),
    "ofType": (_of_type, 1, 1),
    "as": (_as, 1, 1),
    "is": (_is, 1, 1),
    "single": (_single, 0, 0),
    "first": (lambda use: list(use.items[:1]), 0, 0),
    "last": (lambda use: list(use.items[-1:]), 0, 0),
    "tail": (lambda use: list(use.items[1:]), 0, 0),
    "skip": (_skip, 1, 1),
    "take": (_take, 1, 1),
    "union": (_union, 1, 1),
    "combine": (lambda use: [*use.items, *use.argument()], 1, 1),
    "intersect": (_intersect, 1, 1),
    "exclude": (_exclude, 1, 1),
    "children": (_children, 0, 0),
    "descendants": (_descendants, 0, 0),
    "iif": (_iif, 2, 3),
    "trace": (_trace, 1, 2),
    "type": (_type, 0, 0),
    "sort": (_sort, 0, 20),
    "now": (_now, 0, 0),
    "today": (_today, 0, 0),
    "timeOfDay": (_time_of_day, 0, 0),
    **STRINGS,
    **NUMBERS,
    **CONVERSIONS,
    **OF_FHIR,
}
