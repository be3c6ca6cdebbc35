"""Which patient a resource belongs to, and by which parameters: the CompartmentDefinitions of R4.

https://hl7.org/fhir/R4/compartmentdefinition.html
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import Any

from fhir_server.definitions.catalogue import compartments
from fhir_server.definitions.parameters import parameters_of, routes
from fhir_server.definitions.paths import Leaf, Route, source_of
from fhir_server.definitions.targets import local_key, points_to
from fhir_server.kernel.keys import Key
from fhir_server.kernel.wire import Tree


@cache
def compartment_parameters(compartment: str, resource_type: str) -> tuple[str, ...]:
    """The reference parameters that put a resource of a type into a compartment (`Patient`, `Encounter` …).

    In the order of the definition; empty when resources of the type never are in one. Raises `KeyError` for a
    compartment that R4 does not define.
    """
    for entry in compartments()[compartment]["resource"]:
        if entry["code"] == resource_type:
            return tuple(code for code in entry.get("param", ()) if code in parameters_of(resource_type))
    return ()


def patient_of(tree: Tree, base: str | tuple[str, ...] = ()) -> Key | None:
    """The patient whose compartment a resource belongs to; None when there is none, or no single one.

    A Patient is its own. Else the first parameter of the CompartmentDefinition that points to a local patient decides;
    if it points to several (members of a Group), the resource belongs to no single one.
    """
    resource_type = tree["resourceType"]
    if resource_type == "Patient":
        return Key("Patient", tree["id"]) if "id" in tree else None
    bases = (base,) if isinstance(base, str) else base
    found: list[tuple[int, str]] = []
    _walk_of(resource_type)(tree, found.append)
    patients: dict[int, set[Key]] = {}
    for rank, text in found:
        key = local_key(text, bases)
        if key is not None and key.type == "Patient":
            patients.setdefault(rank, set()).add(key)
    if not patients:
        return None
    first = patients[min(patients)]
    return first.pop() if len(first) == 1 else None


@cache
def _walk_of(resource_type: str) -> Callable[[Tree, Callable[[tuple[int, str]], None]], None]:
    """The function that gives the rank of a parameter and the text of each reference it finds."""
    leaves: list[tuple[Route, Leaf]] = []
    for rank, code in enumerate(compartment_parameters("Patient", resource_type)):
        for route in routes(parameters_of(resource_type)[code]):
            if route.type == "Reference":
                leaves.append((route, partial(_lines, rank)))
    body = [f"    {line}" for line in ["pass", *source_of(leaves)]]
    names: dict[str, Any] = {"points_to": points_to}
    source = "\n".join(["def walk(r, put):", *body])
    # The source is made of R4's own definitions, with every name and literal in it written by repr().
    exec(compile(source, f"<compartment {resource_type}>", "exec"), names)  # noqa: S102
    walk: Callable[[Tree, Callable[[tuple[int, str]], None]], None] = names["walk"]
    return walk


def _lines(rank: int, value: str) -> list[str]:
    return [f"if {value}.get('reference'): put(({rank}, {value}['reference']))"]
