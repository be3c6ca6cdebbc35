"""A tree as the text of XML, every element at the place that the definition gives it.

https://hl7.org/fhir/R4/xml.html
"""

from __future__ import annotations

import re
from itertools import zip_longest
from typing import Any

from fhir_server.definitions.elements import resource_types
from fhir_server.kernel.wire import Number, Tree
from fhir_server.web.xml_fields import Field, Table, table_of
from fhir_server.web.xml_narrative import embeddable

_ESCAPED = re.compile('[&<>"\t\n\r]')
_ESCAPES = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\t": "&#9;", "\n": "&#10;", "\r": "&#13;"}
)
# https://www.w3.org/TR/xml/#charsets
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Unwritable(Exception):
    """XML has no way to say it. `steps` lead to the place, innermost first."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.steps: list[str] = []


def write_resource(out: list[str], tree: Any, gap: str, step: str, namespace: str = "") -> None:
    name = tree.get("resourceType") if isinstance(tree, dict) else None
    if not isinstance(name, str) or name not in resource_types():
        raise Unwritable("a resource of a type of FHIR R4 is expected")
    _write_object(out, name, tree, table_of(name), gap, step, namespace)


def _write_object(
    out: list[str], name: str, tree: Any, table: Table, gap: str, step: str, namespace: str = ""
) -> None:
    """`gap` is the white space in front of the element, empty when not pretty; `step` what its children add."""
    if not isinstance(tree, dict):
        raise Unwritable("an object is expected")
    out.append(f"{gap}<{name}{namespace}")
    fields: dict[str, Field] = {}
    for key, value in tree.items():
        if key == "resourceType" and table.resource:
            continue
        found = table.by_property.get(key)
        if found is None:
            raise Unwritable("a property has a name that is not defined here")
        if key in table.by_attribute:
            out.append(f' {key}="{_text(value)}"')
        else:
            fields[found.property] = found
    if not fields:
        out.append("/>")
        return
    out.append(">")
    for found in sorted(fields.values(), key=_position):
        _write_field(out, tree, found, gap + step, step)
    out.append(f"{gap}</{name}>")


def _position(found: Field) -> int:
    return found.position


def _write_field(out: list[str], tree: Tree, found: Field, gap: str, step: str) -> None:
    value, beside = tree.get(found.property), tree.get(found.beside)
    place = f".{found.element}"
    try:
        if not found.array:
            _write_element(out, found, value, beside, gap, step)
            return
        for index, (one, extra) in enumerate(zip_longest(_list(value), _list(beside))):
            place = f".{found.element}[{index}]"
            _write_element(out, found, one, extra, gap, step)
    except Unwritable as error:
        error.steps.append(place)
        raise


def _list(value: Any) -> list[Any]:
    if value is not None and not isinstance(value, list):
        raise Unwritable("a list is expected")
    return value or []


def _write_element(out: list[str], found: Field, value: Any, beside: Any, gap: str, step: str) -> None:
    name = found.property
    match found.kind:
        case "primitive":
            if value is None and beside is None:
                raise Unwritable("an element has neither a value nor an extension")
            said = "" if value is None else f' value="{_text(value)}"'
            if beside is None:
                out.append(f"{gap}<{name}{said}/>")
            else:
                _write_object(out, name, beside, table_of("Element"), gap, step, said)
        case "object":
            _write_object(out, name, value, table_of(found.type), gap, step)
        case "resource":
            out.append(f"{gap}<{name}>")
            write_resource(out, value, gap + step, step)
            out.append(f"{gap}</{name}>")
        case "narrative":
            try:
                out.append(gap + embeddable(value if isinstance(value, str) else ""))
            except ValueError:
                raise Unwritable("the narrative is not a well-formed XHTML div") from None


def _text(value: Any) -> str:
    """The text of a primitive value, escaped so that reading the attribute gives it back."""
    match value:
        case str():
            if _FORBIDDEN.search(value):
                raise Unwritable("a character that XML does not allow")
            return value.translate(_ESCAPES) if _ESCAPED.search(value) else value
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case Number():
            return bytes(value).decode()
        case _:
            raise Unwritable("a string, a number or a boolean is expected")
