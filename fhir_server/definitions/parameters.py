"""The search parameters of every resource type, from the SearchParameters of R4.

The parameters of `Resource` and `DomainResource` belong to every type under them. What shapes a result (`_count`,
`_sort`, `_include` …) is no SearchParameter and is not here, nor is `_query`, which names an operation.

Two parameters may say the same: `Observation.patient` is `Observation.subject` where that is a Patient, and
`Patient.phonetic` reads what `Patient.name` reads. Such a pair shares its index rows, because rows are the cost of a
write: `Parameter.rows` names the parameter that has them.

https://hl7.org/fhir/R4/searchparameter-registry.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from types import MappingProxyType
from typing import Any, Literal

from fhir_server.definitions.catalogue import resource_types, search_parameters, structure
from fhir_server.definitions.paths import PointsTo, Route, routes_of

ParameterKind = Literal[
    "token", "string", "date", "reference", "uri", "number", "quantity", "composite", "special"
]

_ABSTRACT = ("Resource", "DomainResource")
_OPERATIONS = frozenset({"_query"})


@dataclass(frozen=True, slots=True)
class Parameter:
    """One search parameter of one type."""

    type: str
    code: str
    kind: ParameterKind
    expression: str  # FHIRPath; empty where R4 gives none (`_text`, `_filter`, `Patient.age`)
    targets: tuple[str, ...]  # reference: the types it may point to, never empty; else empty
    url: str
    rows: str  # the parameter of the type whose index rows hold its values; mostly itself
    only: str = ""  # reference that shares rows: the one type of target that counts


@cache
def parameters_of(resource_type: str) -> Mapping[str, Parameter]:
    """The parameters of a type by code, in alphabetical order. Raises `KeyError` for an unknown type."""
    if resource_type not in resource_types():
        raise KeyError(resource_type)
    bases = {resource_type, "Resource"}
    if structure(resource_type)["baseDefinition"].endswith("/DomainResource"):
        bases.add("DomainResource")
    found = {}
    for base in (*_ABSTRACT, resource_type):
        if base in bases:
            found.update(
                {d["code"]: _parameter(resource_type, d) for d in _definitions_by_base().get(base, ())}
            )
    return MappingProxyType({p.code: p for p in _sharing(sorted(found.values(), key=lambda p: p.code))})


def routes(parameter: Parameter) -> tuple[Route, ...]:
    """Where the parameter finds its values. Empty where R4 gives no expression."""
    return routes_of(parameter.type, parameter.expression) if parameter.expression else ()


@cache
def _definitions_by_base() -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for definition in search_parameters():
        # R4 has examples of SearchParameters among the real ones; they would take the place of `_id` and `subject`.
        if definition["id"].startswith("example") or definition["code"] in _OPERATIONS:
            continue
        for base in definition.get("base", ()):
            found.setdefault(base, []).append(definition)
    return found


def _parameter(resource_type: str, definition: dict[str, Any]) -> Parameter:
    kind = definition["type"]
    targets: tuple[str, ...] = ()
    if kind == "reference":
        targets = tuple(sorted(definition.get("target") or resource_types()))
    return Parameter(
        type=resource_type,
        code=definition["code"],
        kind=kind,
        expression=definition.get("expression", ""),
        targets=targets,
        url=definition["url"],
        rows=definition["code"],
    )


def _sharing(parameters: list[Parameter]) -> list[Parameter]:
    """The same parameters, each with the `rows` that answer it."""
    owners: dict[tuple[str, tuple[Route, ...]], str] = {}
    for parameter in parameters:
        if routes(parameter):
            owners.setdefault((parameter.kind, routes(parameter)), parameter.code)
    return [_shared(parameter, owners) for parameter in parameters]


def _shared(parameter: Parameter, owners: dict[tuple[str, tuple[Route, ...]], str]) -> Parameter:
    ways = routes(parameter)
    if parameter.kind in {"composite", "special"}:  # their components differ where their expressions do not
        return parameter
    last = {way.steps[-1] if way.steps else None for way in ways}
    if parameter.kind == "reference" and len(last) == 1:
        match last.pop():
            case PointsTo(target):
                wider = tuple(replace(way, steps=way.steps[:-1]) for way in ways)
                owner = owners.get(("reference", wider))
                if owner:
                    # R4 gives `patient` the targets Group and Patient, and an expression that leaves groups out.
                    return replace(parameter, rows=owner, only=target, targets=(target,))
    return replace(parameter, rows=owners.get((parameter.kind, ways), parameter.code))
