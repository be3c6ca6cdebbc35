"""The values of a parameter as they are written in a resource: what hashes cannot tell and folding has lost.

`:exact` and long texts are decided on them, and tokens, references and uris are sorted by them: a code, an identifier's
value, a reference's text. The database reads the same values from a body, by jsonpaths.

https://hl7.org/fhir/R4/search.html#sort · https://www.postgresql.org/docs/current/functions-json.html
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

from fhir_server.definitions.parameters import CORE, Parameter, Parameters, fallback
from fhir_server.definitions.paths import (
    Equals,
    Get,
    HasExtension,
    Holds,
    Leaf,
    PointsTo,
    Route,
    Step,
    source_of,
)
from fhir_server.definitions.targets import type_in
from fhir_server.kernel.wire import Tree
from fhir_server.search.evaluated import values_of
from fhir_server.search.walks import compiled, function
from fhir_server.search.writers import written_routes

_PLAIN: Final = ("string", "markdown", "code", "id", "uri", "url", "canonical", "oid", "uuid", "boolean")
_NAME: Final = (("text", False), ("family", False), ("given", True), ("prefix", True), ("suffix", True))
_ADDRESS: Final = (
    *(("text", False), ("line", True), ("city", False), ("district", False), ("state", False)),
    *(("postalCode", False), ("country", False)),
)
# Type of element → the ways from there to its texts.
_TEXTS: Final[Mapping[str, tuple[tuple[Get, ...], ...]]] = {
    **dict.fromkeys(_PLAIN, ((),)),
    "Coding": ((Get("code", False),),),
    "CodeableConcept": ((Get("coding", True), Get("code", False)),),
    "Identifier": ((Get("value", False),),),
    "ContactPoint": ((Get("value", False),),),
    "Reference": ((Get("reference", False),),),
    "HumanName": tuple((Get(name, array),) for name, array in _NAME),
    "Address": tuple((Get(name, array),) for name, array in _ADDRESS),
}
_ID: Final = "[A-Za-z0-9.-]{1,64}"


def texts_of(tree: Tree, code: str, parameters: Parameters = CORE) -> Iterator[str]:
    """The texts of a string, token, reference or uri parameter. None for the other kinds, which have no texts."""
    parameter = parameters.of(tree["resourceType"])[code]
    found: list[str] = []
    _walk_of(parameter)(tree, found.append)
    yield from found
    expression = fallback(parameter)
    if expression is not None:
        for element_type, value in values_of(expression, tree):
            for steps in _TEXTS.get(element_type, ()):
                yield from _follow(value, steps)


def json_paths(parameter: Parameter) -> tuple[str, ...] | None:
    """The same values as PostgreSQL jsonpaths; None where there are none, or only FHIRPath finds them.

    What they find is a string, true or false.
    """
    paths = tuple(dict.fromkeys(_path(route.steps) for route in _text_routes(parameter)))
    return paths or None


def _text_routes(parameter: Parameter) -> Iterator[Route]:
    for route, _ in written_routes(parameter):
        for steps in _TEXTS.get(route.type, ()):
            yield Route((*route.steps, *steps), route.type)


@lru_cache(maxsize=4096)
def _walk_of(parameter: Parameter) -> Callable[[Tree, Callable[[str], None]], None]:
    leaves: list[tuple[Route, Leaf]] = [
        (route, _truth if route.type == "boolean" else _text) for route in _text_routes(parameter)
    ]
    lines = ["def walk(r, put):", *(f"    {line}" for line in ["pass", *source_of(leaves)])]
    walk: Callable[[Tree, Callable[[str], None]], None] = function(
        compiled(lines, f"{parameter.type}.{parameter.code}"), {"points_to": _names}
    )
    return walk


def _text(value: str) -> list[str]:
    return [f"put({value})"]


def _truth(value: str) -> list[str]:
    return [f"put('true' if {value} else 'false')"]


def _names(reference: Tree, resource_type: str, root: Tree) -> bool:
    """Whether the text of a reference names the type. What is contained or logical has no place in an order."""
    return type_in(reference.get("reference", "")) == resource_type


def _follow(value: Any, steps: tuple[Get, ...]) -> Iterator[str]:
    if not steps:
        yield ("true" if value else "false") if isinstance(value, bool) else value
        return
    inner = value.get(steps[0].property)
    for one in inner if isinstance(inner, list) else (inner,):
        if one is not None:
            yield from _follow(one, steps[1:])


def _path(steps: tuple[Step, ...]) -> str:
    path = "$"
    for step in steps:
        match step:
            case Get(name, array=False):
                path += f".{_quoted(name)}"
            case Get(name, index=None):
                path += f".{_quoted(name)}[*]"
            case Get(name, index=index):
                path += f".{_quoted(name)}[{index}]"
            case Equals(name, value):
                path += f" ? (@.{_quoted(name)} == {_quoted(value)})"
            case PointsTo(type):
                path += f' ? (@."reference" like_regex "^(.*/)?{type}/{_ID}(/_history/{_ID})?$")'
            case HasExtension(url):
                path += f' ? (exists (@."extension"[*] ? (@."url" == {_quoted(url)})))'
            case Holds(terms):  # always alone: the answer is the value
                path = " && ".join(f"({_any(*term)})" for term in terms)
    match steps:
        case (*_, Get(array=True)):  # a list of primitives may hold null
            path += " ? (@ != null)"
    return path


def _any(properties: tuple[str, ...], other: bool | str | None) -> str:
    """One of the properties is there and is not `other`. A comparison of two types would be neither true nor false."""
    test = ""
    if other is not None:
        kind = "boolean" if isinstance(other, bool) else "string"
        test = f' ? (@.type() != "{kind}" || @ != {json.dumps(other)})'
    return " || ".join(f"exists ($.{_quoted(name)}{test})" for name in properties)


def _quoted(text: str) -> str:
    return json.dumps(text)
