"""Composite parameters: values that stand together, written under a name that says what stands beside them.

`code-value-quantity` of a blood pressure has its quantity under `code-value-quantity$8480-6`, where 8480-6 is a code of
the same Observation or component. The code is the *anchor*: the first component that is a token. What is beside it is
one value, or two numbers that are the ends of a range (the coordinates of MolecularSequence).

https://hl7.org/fhir/R4/search.html#composite
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TypeAlias

from fhir_server.definitions.parameters import Component, Parameter, ParameterKind, component_routes, routes
from fhir_server.definitions.paths import Leaf, Route, source_of
from fhir_server.kernel.values import immutable
from fhir_server.search.entries import Hasher
from fhir_server.search.number_rows import pair
from fhir_server.search.rows import KEPT, LENGTH, Slot, slot_of, systems_of
from fhir_server.search.token_rows import CODES
from fhir_server.search.walks import Names
from fhir_server.search.writers import WRITERS

_Ways: TypeAlias = tuple[bool, tuple[Route, ...]]  # whether from the resource; how from there


class Slots:
    """The slots of what stands beside an anchor, by the anchor's code."""

    __slots__ = ("_found", "_hasher", "_kind", "_name", "_type")

    def __init__(self, name: str, kind: ParameterKind, hasher: Hasher, type: str) -> None:
        self._hasher, self._type, self._name, self._kind = hasher, type, name, kind
        self._found: dict[str, Slot] = {}

    def at(self, code: str) -> Slot:
        found = self._found.get(code)
        if found is None:
            found = slot_of(self._hasher, self._type, f"{self._name}${code}", self._kind, words=False)
            if len(self._found) < KEPT and len(code) < LENGTH:
                self._found[code] = found
        return found


@immutable
class _Beside:
    """What a composite has beside its anchor, seen from one context."""

    composite: str
    others: tuple[Component, ...]
    ways: tuple[_Ways, ...]  # of each of the others


def composite_leaves(parameters: Iterable[Parameter], names: Names) -> list[tuple[Route, Leaf]]:
    """What writes the composites among the parameters of a type. Those that share an anchor look for it once."""
    found: dict[tuple[Route, _Ways], list[_Beside]] = {}
    for parameter in parameters:
        if not parameter.components or parameter.parts:
            continue
        anchor = next(component for component in parameter.components if component.kind == "token")
        others = tuple(component for component in parameter.components if component is not anchor)
        for context in routes(parameter):
            ways = tuple(component_routes(parameter, context, component) for component in others)
            key = context, component_routes(parameter, context, anchor)
            found.setdefault(key, []).append(_Beside(parameter.code, others, ways))
    return [
        (context, partial(_lines, f"k{number}_", anchor, composites, names))
        for number, ((context, anchor), composites) in enumerate(found.items())
    ]


def _lines(
    prefix: str, anchor: _Ways, composites: Sequence[_Beside], names: Names, context: str
) -> list[str]:
    """Collect the codes of the anchor; where there are some, write what stands beside them."""
    codes = f"{prefix}codes"
    lines = [f"{codes} = set()", *_source(anchor, context, prefix, partial(_collect, codes, names))]
    lines.append(f"if {codes}:")
    for number, one in enumerate(composites):
        mine = f"{prefix}{number}_"
        inner = _source(one.ways[0], context, mine, partial(_first, one, codes, context, mine, names))
        lines += [f"    {line}" for line in inner or ["pass"]]
    return lines


def _source(ways: _Ways, context: str, prefix: str, leaf: Callable[[Route, str], list[str]]) -> list[str]:
    from_resource, found = ways
    leaves: list[tuple[Route, Leaf]] = [(route, partial(leaf, route)) for route in found]
    return source_of(leaves, "r" if from_resource else context, "top", prefix)


def _collect(codes: str, names: Names, route: Route, value: str) -> list[str]:
    bound = names.constant(systems_of(route.value_set))
    return [f"{names.constant(CODES[route.type])}({codes}, {bound}, {value})"]


def _first(
    one: _Beside, codes: str, context: str, prefix: str, names: Names, route: Route, value: str
) -> list[str]:
    if len(one.others) == 2:
        return _source(one.ways[1], context, f"{prefix}end_", partial(_second, one, codes, names, value))
    writer = WRITERS.get((one.others[0].kind, route.type))
    return (
        ["pass"]
        if writer is None
        else _written(one, codes, names, f"{names.constant(writer)}(rows, %s, {value})")
    )


def _second(one: _Beside, codes: str, names: Names, first: str, route: Route, value: str) -> list[str]:
    return _written(one, codes, names, f"{names.constant(pair)}(rows, %s, {first}, {value})")


def _written(one: _Beside, codes: str, names: Names, call: str) -> list[str]:
    kind = one.others[0].kind
    slots = names.made(("slots", one.composite), partial(Slots, one.composite, kind))
    seed = names.seed(one.composite)
    return [f"present({seed})", f"for code in {codes}:", f"    {call % f'{slots}.at(code)'}"]
