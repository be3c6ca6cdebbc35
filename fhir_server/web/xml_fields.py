"""What XML has for each property of a type: the definitions as both directions look them up, made once per type.

https://hl7.org/fhir/R4/xml.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from fhir_server.definitions.elements import Child, shape_of
from fhir_server.kernel import wire
from fhir_server.kernel.wire import Number
from fhir_server.web.xml_narrative import DIV

FHIR = "http://hl7.org/fhir"
PREFIX = f"{{{FHIR}}}"

Kind = Literal["primitive", "object", "resource", "narrative"]

_INTEGER = re.compile(r"0|-?[1-9][0-9]{0,17}", re.ASCII)
_DECIMAL = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Field:
    """One property of a type: what XML has for it."""

    property: str
    beside: str  # the JSON property for the id and the extensions of a primitive: `_birthDate`
    element: str  # its name in FHIRPath
    kind: Kind
    type: str
    array: bool
    position: int
    value_of: Callable[[str], Any]  # of a primitive: the text of the attribute → value in the tree


@dataclass(frozen=True, slots=True)
class Table:
    """The fields of one type, under the names that each direction meets."""

    resource: bool
    by_tag: Mapping[str, Field]
    by_attribute: Mapping[str, Field]
    by_property: Mapping[str, Field]  # `birthDate` and `_birthDate`


@cache
def table_of(type: str) -> Table:
    """What may stand in a resource type, a data type or a backbone element. Raises `KeyError` for another name."""
    by_tag, by_attribute, by_property = {}, {}, {}
    shape = shape_of(type)
    for child in shape.children.values():
        found = _field_of(child)
        by_property[found.property] = found
        if child.attribute:
            by_attribute[found.property] = found
        elif found.kind == "narrative":
            by_tag[DIV] = found
        else:
            by_tag[PREFIX + found.property] = found
            if found.kind == "primitive":
                by_property[found.beside] = found
    return Table(shape.kind == "resource", by_tag, by_attribute, by_property)


def _field_of(child: Child) -> Field:
    kind: Kind = "object"
    if child.type == "xhtml":
        kind = "narrative"
    elif child.type == "Resource":
        kind = "resource"
    elif child.primitive:
        kind = "primitive"
    return Field(
        child.property,
        "_" + child.property,
        child.element,
        kind,
        child.type,
        child.array,
        child.position,
        _READERS.get(child.type, str),
    )


def _boolean(text: str) -> bool:
    if text not in {"true", "false"}:
        raise ValueError("'true' or 'false' is expected")
    return text == "true"


def _integer(text: str) -> int:
    if not _INTEGER.fullmatch(text):
        raise ValueError("a whole number is expected, without plus sign and leading zeros")
    return int(text)


def _decimal(text: str) -> int | Number:
    found = _DECIMAL.fullmatch(text)
    if not found:
        raise ValueError("a decimal number is expected, written as in '1.10' or '1.0e-7'")
    if found[1] or found[2] or text == "-0":
        return wire.number(text)
    if len(text) > 4000:  # the limit of JSON's parser, rounded down
        raise ValueError("a number of at most 4 000 digits is expected")
    return int(text)


_READERS: dict[str, Callable[[str], Any]] = {
    "boolean": _boolean,
    "integer": _integer,
    "unsignedInt": _integer,
    "positiveInt": _integer,
    "decimal": _decimal,
}
# What a resource is inside of (`contained`, `Bundle.entry.resource`): it has neither attributes nor fields.
CONTAINER = Table(False, {}, {}, {})
