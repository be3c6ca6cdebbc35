"""R4's definitions as the FHIRPath engine asks for them.

https://hl7.org/fhir/R4/fhirpath.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from types import MappingProxyType

from fhir_server.definitions.catalogue import structure, type_of_profile
from fhir_server.definitions.elements import shape_of
from fhir_server.fhirpath.values import Element

_NOTHING: Mapping[str, Element] = MappingProxyType({})


class R4Model:
    """The `fhirpath.values.Model` of R4 4.0.1."""

    def properties(self, type: str) -> Mapping[str, Element]:
        return _properties(type) if self.knows(type) else _NOTHING

    def alternatives(self, type: str, element: str) -> Sequence[Element]:
        return _by_element(type).get(element, ()) if self.knows(type) else ()

    def supertype(self, type: str) -> str | None:
        if not self.knows(type):
            return None
        if "." in type:
            # `Timing.repeat` is an Element, `Patient.contact` a BackboneElement: the latter may carry modifiers.
            return "BackboneElement" if "modifierExtension" in _properties(type) else "Element"
        base: str | None = structure(type).get("baseDefinition")
        return None if base is None else type_of_profile(base)

    def knows(self, type: str) -> bool:
        try:
            shape_of(type)
        except KeyError:
            return False
        return True


R4 = R4Model()


@cache
def _properties(type: str) -> Mapping[str, Element]:
    shape = shape_of(type)
    return MappingProxyType(
        {
            key: Element(key, child.element, child.type, child.array, child.choice, child.primitive)
            for key, child in shape.children.items()
            # The value of a primitive is the primitive itself in JSON, not a property of it.
            if not (shape.kind == "primitive" and key == "value")
        }
    )


@cache
def _by_element(type: str) -> Mapping[str, tuple[Element, ...]]:
    found: dict[str, tuple[Element, ...]] = {}
    for element in _properties(type).values():
        found[element.name] = (*found.get(element.name, ()), element)
    return found
