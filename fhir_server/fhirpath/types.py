"""Which types an item is of. http://hl7.org/fhirpath/N1/#types · https://hl7.org/fhir/R4/fhirpath.html#types"""

from __future__ import annotations

from fhir_server.fhirpath.errors import CannotEvaluate
from fhir_server.fhirpath.values import SYSTEM, SYSTEM_TYPES, Model, Node, TypeInfo


def is_a(node: Node, name: str, model: Model, position: int) -> bool:
    """Whether an item is of a type or of one derived from it. http://hl7.org/fhirpath/N1/#is-type-specifier

    A name without namespace is looked up where the item's own type is: `boolean` among FHIR's, `Boolean` among
    System's.
    """
    require_type(name, model, position)
    namespace, _, local = name.rpartition(".")
    if node.type.startswith(SYSTEM):
        return namespace != "FHIR" and (local == "Any" or node.type.removeprefix(SYSTEM) == local)
    if namespace == "System":
        return False
    return derives(node.type, local, model)


def fits(node: Node, name: str, model: Model, position: int) -> bool:
    """Whether `as` and `ofType` take an item: as `is` does, but a primitive is of its own type only.

    The language says "or a subclass", and the official tests that the code of a gender is no `string`.
    """
    if not is_a(node, name, model, position):
        return False
    return not (node.type[:1].islower() and "." not in node.type) or node.type == name.rpartition(".")[2]


def require_type(name: str, model: Model, position: int) -> None:
    namespace, _, local = name.rpartition(".")
    if namespace not in {"", "System", "FHIR"} or not (local in SYSTEM_TYPES or model.knows(local)):
        raise CannotEvaluate("there is no type of this name", position)


def derives(type: str, base: str, model: Model) -> bool:
    """Whether a FHIR type is `base` or derived from it."""
    found: str | None = type
    while found is not None and found != base:
        found = model.supertype(found)
    return found is not None


def info_of(node: Node, model: Model) -> TypeInfo:
    """What `type()` says. http://hl7.org/fhirpath/N1/#reflection"""
    if node.type.startswith(SYSTEM):
        return TypeInfo("System", node.type.removeprefix(SYSTEM), "System.Any")
    base = model.supertype(node.type)
    return TypeInfo("FHIR", node.type, "System.Any" if base is None else f"FHIR.{base}")
