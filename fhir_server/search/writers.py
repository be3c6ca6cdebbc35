"""Which values of a parameter can be indexed, and what writes them.

https://hl7.org/fhir/R4/search.html#ptypes
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from fhir_server.definitions.elements import shape_of
from fhir_server.definitions.parameters import Parameter, fallback, routes
from fhir_server.definitions.paths import Get, Route
from fhir_server.search.number_rows import NUMBERS
from fhir_server.search.rows import Writer
from fhir_server.search.text_rows import TEXTS, family
from fhir_server.search.token_rows import TOKENS

# (kind of parameter, type of element) → what writes its values
WRITERS: Mapping[tuple[str, str], Writer] = {**TOKENS, **NUMBERS, **TEXTS}


def is_indexed(parameter: Parameter) -> bool:
    """Whether any value of the parameter gives entries, be it under its parts."""
    if parameter.components or parameter.parts:
        return True
    if fallback(parameter) is not None:
        return any(kind == parameter.kind for kind, _ in WRITERS)
    return any(True for _ in written_routes(parameter))


def written_routes(parameter: Parameter) -> Iterator[tuple[Route, Writer]]:
    """The routes to values that can be indexed. An extension stands for its value, of the types that fit."""
    for route in routes(parameter):
        for opened in _opened(route) if route.type == "Extension" else (route,):
            writer = WRITERS.get((parameter.kind, opened.type))
            if writer is not None:
                yield opened, family if parameter.kind == "string" and _is_family(opened) else writer


def has_families(parameter: Parameter) -> bool:
    """Whether values are names of people, or family names, whose words are also found one by one."""
    ways = routes(parameter) if parameter.kind == "string" else ()
    return any(way.type == "HumanName" or _is_family(way) for way in ways)


def _is_family(route: Route) -> bool:
    return bool(route.steps) and route.steps[-1] == Get("family", array=False)


def _opened(route: Route) -> Iterator[Route]:
    for child in shape_of("Extension").children.values():
        if child.element == "value":
            yield Route((*route.steps, Get(child.property, child.array)), child.type)
