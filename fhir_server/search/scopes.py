"""Which resources a search is about: those of a type, of several, of all; those of a compartment.

https://hl7.org/fhir/R4/search.html#searchcontexts · https://hl7.org/fhir/R4/compartmentdefinition.html
"""

from __future__ import annotations

from collections.abc import Sequence

from fhir_server.definitions.catalogue import resource_types
from fhir_server.definitions.compartments import compartment_parameters
from fhir_server.definitions.parameters import Parameters
from fhir_server.kernel.keys import Key
from fhir_server.kernel.values import immutable
from fhir_server.search.query import AllOf, Ids, Name, OfTypes, Predicate, References
from fhir_server.search.reading import any_of, unreadable


@immutable
class Scope:
    """`types`: never empty. `within`: what makes a resource of them belong here; None: nothing more."""

    types: tuple[str, ...]
    within: Predicate | None = None

    @property
    def narrowed(self) -> tuple[str, ...]:
        """The types as a `Query` has them: none where all are meant."""
        types = self.types
        return types if len(types) == 1 or len(types) < len(resource_types()) else ()


def scope_of(
    resource_type: str | None, compartment: Key | None, listed: Sequence[str], parameters: Parameters
) -> Scope:
    """What an address is about, with the list of `_type`. Raises `Malformed` if that has what the address has not."""
    types = (resource_type,) if resource_type else _all_types()
    if compartment is not None and resource_type is None:
        types = tuple(one for one in types if _belongs(compartment.type, one))
    if listed:
        if not set(listed) <= resource_types():
            raise unreadable("'_type' names a resource type that FHIR R4 does not know")
        if resource_type and resource_type not in listed:
            raise unreadable(
                f"'_type' leaves {resource_type} out, which is the type that this address searches"
            )
        types = tuple(one for one in types if one in listed)
    if compartment is None:
        return Scope(types)
    within = any_of(_member(one, compartment, parameters, alone=len(types) == 1) for one in types)
    return Scope(types or tuple(listed), within)


def _all_types() -> tuple[str, ...]:
    return tuple(sorted(resource_types()))


def _belongs(compartment: str, resource_type: str) -> bool:
    return resource_type == compartment or bool(compartment_parameters(compartment, resource_type))


def _member(resource_type: str, compartment: Key, parameters: Parameters, *, alone: bool) -> Predicate:
    """What puts a resource of a type into the compartment. The one that it is about is in it."""
    found: list[Predicate] = []
    if resource_type == compartment.type:
        itself = Ids((compartment.id,))
        found.append(itself if alone else AllOf((OfTypes((resource_type,)), itself)))
    known = parameters.of(resource_type)
    for code in compartment_parameters(compartment.type, resource_type):
        link = known[code]
        if link.kind == "reference" and compartment.type in link.targets:
            found.append(References(Name(resource_type, link.rows), (compartment,)))
    return any_of(found)
