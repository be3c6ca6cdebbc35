"""The values of composite parameters, `first$second`: parts that stand in one and the same element.

One part is a code: the first, but of DocumentReference's `relationship`. The other part's rows stand under a name that
has this code in it, so that both hold of one element where they hold at all: `code-value-quantity=8480-6$gt140` asks
for `gt140` under `code-value-quantity$8480-6`.

Coordinates of a MolecularSequence have a third part. Start and end share a row, as a range: `1$lt345$gt123` asks for a
range that begins before 345 and ends after 123.

https://hl7.org/fhir/R4/search.html#composite
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from math import inf, nextafter
from typing import TypeAlias

from fhir_server.definitions.parameters import Parameter, Parameters
from fhir_server.search.escapes import pieces, split
from fhir_server.search.quantities import written
from fhir_server.search.query import Name, Nothing, Predicate, Quantities, QuantityValue, Tokens, TokenValue
from fhir_server.search.reading import Here, Reader, all_of, any_of, name_of, place, unreadable
from fhir_server.search.tokens import token_values, ways_of

Under: TypeAlias = Callable[[Parameter], Reader]
"""What reads the values of a parameter."""


def composites(parameter: Parameter, parameters: Parameters, reader_of: Under) -> Reader:
    """Any of the `first$second`. `reader_of` gives the reader of a part, from the rows that its parameter names."""
    others = parameters.of(parameter.type)
    parts = [others[component.code] for component in parameter.components]
    anchor = next(index for index, part in enumerate(parts) if part.kind == "token")
    coded = parts.pop(anchor)
    ways = ways_of(coded)

    def one(text: str, here: Here) -> Predicate:
        values = pieces(text, "$")
        if len(values) != len(parts) + 1 or not all(values):
            shape = "$".join(component.code for component in parameter.components)
            raise unreadable(f"{place(parameter)} is written {shape}")
        code = values.pop(anchor)
        found = []
        for key, asked in _by_code(parameter, token_values(coded, ways, code)):
            rows = f"{parameter.rows}${key}"
            if len(parts) == 1:
                met = reader_of(replace(parts[0], rows=rows))(values[0], here)
            else:
                met = _between(Name(parameter.type, rows), parts, values)
            found.append(all_of((Tokens(name_of(coded), asked), met)))
        return any_of(found)

    return lambda text, here: any_of(one(value, here) for value in split(text))


def _by_code(parameter: Parameter, asked: Sequence[TokenValue]) -> list[tuple[str, tuple[TokenValue, ...]]]:
    """The ways to ask for the first part, by the code that the name of the second part's rows has in it."""
    found: dict[str, tuple[TokenValue, ...]] = {}
    for value in asked:
        if value.code is None:
            raise unreadable(f"{place(parameter)}: one part is a code, not all codes of a system")
        found[value.code] = (*found.get(value.code, ()), value)
    return list(found.items())


def _between(name: Name, ends: Sequence[Parameter], values: Sequence[str]) -> Predicate:
    """A range, start and end included, whose two ends are where the values say.

    One comparison holds of one row: `ap` says "starts at or before, ends at or after", `eq` "starts at or after, ends
    at or before". Where both are needed, each holds of a row, which is one unless a sequence has several variants.
    """
    lowest, highest = _allowed(ends[0], values[0])
    least, most = _allowed(ends[1], values[1])
    if lowest > highest or least > most:
        return Nothing()
    found: list[Predicate] = []
    if highest < inf or least > -inf:
        found.append(Quantities(name, (QuantityValue("ap", highest, least, highest),)))
    if lowest > -inf or most < inf:
        beyond = nextafter(most, inf) if most < inf else inf
        found.append(Quantities(name, (QuantityValue("eq", lowest, lowest, beyond),)))
    return all_of(found)


def _allowed(end: Parameter, text: str) -> tuple[float, float]:
    """The least and the greatest coordinate that `[prefix]number` allows. Coordinates are whole numbers."""
    value = written(end, text)
    number = float(value.value)
    match value.prefix:
        case "eq":
            return float(value.low), nextafter(float(value.high), -inf)
        case "ap":
            return float(value.low), float(value.high)
        case "gt" | "sa":
            return nextafter(number, inf), inf
        case "ge":
            return number, inf
        case "lt" | "eb":
            return -inf, nextafter(number, -inf)
        case "le":
            return -inf, number
        case _:
            raise unreadable(f"{place(end)}: 'ne' has no meaning for a coordinate here")
