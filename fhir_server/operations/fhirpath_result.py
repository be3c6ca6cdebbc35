"""The items that an expression found as parts of a Parameters resource: what FHIR can say there, and else JSON.

A backbone element, a narrative or half an hour of the day have no place in a Parameters resource, and something unsound
would make the whole of it unsound: their JSON is given as a string.

https://hl7.org/fhir/R4/parameters.html
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any, Final

from fhir_server.definitions.model import R4
from fhir_server.fhirpath.temporal import Temporal
from fhir_server.fhirpath.values import SYSTEM, Node, Quantity, TypeInfo
from fhir_server.interactions.call import Judge
from fhir_server.kernel.wire import Tree, encode, number

UCUM: Final = "http://unitsofmeasure.org"


def parts_of(items: Iterable[Node], judge: Judge) -> list[Tree]:
    """A part for each item, in order, named by the type of the item."""
    parts = [_part(node) for node in items]
    if not judge(_around(parts)):
        return parts
    return [part if not judge(_around([part])) else _as_json(part) for part in parts]


def _around(parts: list[Tree]) -> Tree:
    return {"resourceType": "Parameters", "parameter": [{"name": "result", "part": parts}]}


def _part(node: Node) -> Tree:
    if node.type.startswith(SYSTEM):
        return _made(node)
    part: Tree = {"name": node.type}
    value = node.value
    if isinstance(value, dict) and "resourceType" in value:
        part["resource"] = value
        return part
    key = next((e.key for e in R4.alternatives("Parameters.parameter", "value") if e.type == node.type), None)
    if key is None:
        return _as_json({**part, "value": value})
    if value is not None:
        part[key] = value
    if node.extra is not None:
        part[f"_{key}"] = node.extra
    return part


def _made(node: Node) -> Tree:
    """A value that the expression made. Its type is called like FHIR's own."""
    name = node.type.removeprefix(SYSTEM)
    kind = name if name == "Quantity" else name[:1].lower() + name[1:]
    match node.value:
        case TypeInfo(namespace=namespace, name=own, base=base):
            content = {"namespace": namespace, "name": own, "baseType": base}
            return _as_json({"name": name, "value": content})
        case Quantity():
            value: Any = _quantity(node.value)
        case Temporal(text=text):
            value = text.removesuffix("T")
        case Decimal():
            value = number(f"{node.value:f}")
        case _:
            value = node.value
    return {"name": kind, f"value{kind[:1].upper()}{kind[1:]}": value}


def _quantity(quantity: Quantity) -> Tree:
    value = {"value": number(f"{quantity.value:f}")}
    if quantity.calendar:
        return {**value, "unit": quantity.unit}
    return {**value, "unit": quantity.unit, "system": UCUM, "code": quantity.unit}


def _as_json(part: Tree) -> Tree:
    """The part with what it holds as a string. A string that is no element of FHIR (empty, too long) is JSON, too."""
    held = next((value for name, value in part.items() if name != "name" and not name.startswith("_")), None)
    text = held if isinstance(held, str) and held.strip() else encode(held).decode()
    return {"name": part["name"], "valueString": text}
