"""Which modifiers a parameter takes: what R4 says of its kind, and of the elements behind it.

A modifier that does not apply is refused whatever Prefer says, because without it the search would mean something else.
`code-text` is R5's name for `:text` on tokens and taken as an extension; `ofType` is how R4's own code system spells
`of-type`.

https://hl7.org/fhir/R4/search.html#modifiers
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from fhir_server.definitions.catalogue import resource_types
from fhir_server.definitions.parameters import Parameter, routes
from fhir_server.kernel.errors import Malformed
from fhir_server.search.reading import place, shown, unsupported

_SAME: Final[Mapping[str, str]] = {"ofType": "of-type", "code-text": "text"}
_OF_KIND: Final[Mapping[str, frozenset[str]]] = {
    "string": frozenset({"missing", "exact", "contains"}),
    "token": frozenset({"missing", "not"}),
    "uri": frozenset({"missing", "above", "below"}),
    "reference": frozenset({"missing"}),
    "composite": frozenset(),
}
_ALWAYS: Final = frozenset({"missing"})
_KNOWN: Final = frozenset(
    {"missing", "exact", "contains", "text", "not", "above", "below", "in", "not-in", "of-type", "identifier"}
    | {"iterate", *_SAME}
)
# What the elements behind a token or reference parameter add to it.
_OF_ELEMENT: Final[Mapping[str, frozenset[str]]] = {
    "Coding": frozenset({"text", "in", "not-in", "above", "below"}),
    "CodeableConcept": frozenset({"text", "in", "not-in", "above", "below"}),
    "Extension": frozenset({"text", "in", "not-in", "above", "below", "of-type"}),
    "code": frozenset({"in", "not-in", "above", "below"}),
    "Identifier": frozenset({"text", "of-type"}),
    "Reference": frozenset({"identifier"}),
    "canonical": frozenset({"below"}),
}
_NEVER_ABSENT: Final = frozenset({"_text", "_content", "_list", "_filter"})


def parted(name: str) -> tuple[str, str]:
    """The code of a name and its modifier, which may be empty. Raises `Malformed` for a colon with none behind it."""
    code, colon, modifier = name.partition(":")
    if colon and not modifier:
        raise unsupported(f"'{shown(name)}' has a colon and no modifier behind it")
    return code, modifier


def modifier_of(parameter: Parameter, written: str) -> str:
    """The modifier as the rest of the code knows it. Raises `Malformed` where the parameter does not take it."""
    modifier = _SAME.get(written, written)
    if not modifier or modifier in modifiers_of(parameter):
        return modifier
    if parameter.kind == "reference" and modifier in resource_types():
        if modifier in parameter.targets:
            return modifier
        raise Malformed(f"{place(parameter)} never points to the type {modifier}", code="value")
    if parameter.kind == "reference" and modifier in {"above", "below"}:
        raise unsupported(f"{place(parameter)}: this server does not follow hierarchies of references")
    if modifier not in _KNOWN:
        raise unsupported(f"{place(parameter)} has a modifier that FHIR R4 does not know")
    raise unsupported(f"{place(parameter)} does not take the modifier ':{shown(written)}' here")


@lru_cache(maxsize=4096)
def modifiers_of(parameter: Parameter) -> frozenset[str]:
    """The modifiers that the parameter takes, types of targets aside."""
    if parameter.code in _NEVER_ABSENT:
        return frozenset()
    found = _OF_KIND.get(parameter.kind, _ALWAYS)
    if parameter.kind in {"token", "reference"}:
        found = found.union(*(_OF_ELEMENT.get(route.type, frozenset()) for route in routes(parameter)))
    return found
