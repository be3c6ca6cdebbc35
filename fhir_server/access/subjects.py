"""Which persons a resource is about: every Patient that the elements of the Patient compartment name, and a few more.

A person who performs or receives counts as well as the subject, so a resource of two persons is read by whoever may
read both.

https://hl7.org/fhir/R4/compartmentdefinition-patient.html
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, Final

from fhir_server.definitions.compartments import compartment_parameters
from fhir_server.definitions.parameters import parameters_of, routes
from fhir_server.definitions.paths import Leaf, Route, source_of
from fhir_server.definitions.targets import local_key, points_to
from fhir_server.kernel.keys import Key
from fhir_server.kernel.wire import Tree

# R4 leaves these outside the compartment although they may name a person.
_BESIDES: Final = {"Task": ("focus",), "List": ("item",), "Linkage": ("item",), "AuditEvent": ("entity",)}
_USUAL: Final = ("patient", "subject")


def persons_of(tree: Tree, bases: tuple[str, ...] = ()) -> tuple[Key, ...]:
    """The Patients of this server that a resource is about, sorted; a Patient is about itself alone."""
    if tree["resourceType"] == "Patient":
        return (Key("Patient", tree["id"]),) if "id" in tree else ()
    found: set[str] = set()
    _walk_of(tree["resourceType"])(tree, found.add)
    if tree["resourceType"] == "Binary" and "securityContext" in tree:
        found.add(tree["securityContext"].get("reference", ""))
    keys = (local_key(text, bases) for text in found)
    return tuple(sorted(key for key in keys if key is not None and key.type == "Patient"))


@cache
def _walk_of(resource_type: str) -> Callable[[Tree, Callable[[str], None]], None]:
    """The function that finds the text of each reference to a person."""
    known = parameters_of(resource_type)
    codes = (*compartment_parameters("Patient", resource_type), *_USUAL, *_BESIDES.get(resource_type, ()))
    leaves: list[tuple[Route, Leaf]] = [
        (route, _lines)
        for code in dict.fromkeys(codes)
        if code in known
        for route in routes(known[code])
        if route.type == "Reference"
    ]
    names: dict[str, Any] = {"points_to": points_to}
    source = "\n".join(["def walk(r, put):", *(f"    {line}" for line in ["pass", *source_of(leaves)])])
    # The source is made of R4's own definitions, with every name and literal in it written by repr().
    exec(compile(source, f"<persons {resource_type}>", "exec"), names)  # noqa: S102
    walk: Callable[[Tree, Callable[[str], None]], None] = names["walk"]
    return walk


def _lines(value: str) -> list[str]:
    return [f"if {value}.get('reference'): put({value}['reference'])"]
