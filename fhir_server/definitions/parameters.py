"""The search parameters of every resource type, from the SearchParameters of R4.

The parameters of `Resource` and `DomainResource` belong to every type under them. What shapes a result (`_count`,
`_sort`, `_include` …) is no SearchParameter and is not here, nor is `_query`, which names an operation.

Two parameters may say the same: `Observation.patient` is `Observation.subject` where that is a Patient, and
`Patient.phonetic` reads what `Patient.name` reads. Such a pair shares its index rows, because rows are the cost of a
write: `Parameter.rows` names the parameter that has them. For the same reason one that has the values of several others
together (`Observation.combo-code`) has no rows, but `parts`.

https://hl7.org/fhir/R4/searchparameter-registry.html
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from types import MappingProxyType
from typing import Any, Final, Literal

from fhir_server.definitions.catalogue import resource_types, search_parameters, structure
from fhir_server.definitions.paths import PointsTo, Route, Uncovered, Unnamed, routes_of
from fhir_server.fhirpath.errors import NotAnExpression
from fhir_server.fhirpath.parser import parse
from fhir_server.fhirpath.syntax import Expression

ParameterKind = Literal[
    "token", "string", "date", "reference", "uri", "number", "quantity", "composite", "special"
]

_ABSTRACT = ("Resource", "DomainResource")
_OPERATIONS = frozenset({"_query"})
_ROOT = "%resource."
# R4 writes two composites in a way that nothing can be found with: the components' expressions, as they are meant.
_MEANT = {
    "http://hl7.org/fhir/SearchParameter/DocumentReference-relationship": ("target", "code"),
    "http://hl7.org/fhir/SearchParameter/Observation-code-value-date": (
        "code",
        "value.as(dateTime) | value.as(Period)",
    ),
}


@dataclass(frozen=True, slots=True)
class Component:
    """One part of a composite, in the order in which a query has their values."""

    code: str  # the parameter of the type that it is like
    kind: ParameterKind
    expression: (
        str  # where its values are, seen from each value of the composite's own expression; or `%resource.…`
    )


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
    parts: tuple[str, ...] = ()  # the parameters of the type that together have its values, and the rows
    components: tuple[Component, ...] = ()  # composite: two or three; else none
    indexing: bool = (
        False  # it came into force lately: not every resource has its rows yet, so nobody may ask for it
    )


class Parameters:
    """The search parameters in force: those of R4 and of the packages, and `added`, SearchParameters of an operator.

    One that is added takes the place of a package's with the same URL, and never shares rows: it comes and goes.
    `indexing`: type and code of those that not every resource has rows of yet. `left_out`: of those that do not count.

    Never changed: another set of definitions is another object, which compiled functions are kept by.
    """

    __slots__ = ("_added", "_found", "_indexing", "_left_out", "_replaced")

    def __init__(
        self,
        added: Sequence[Mapping[str, Any]] = (),
        indexing: Collection[tuple[str, str]] = (),
        left_out: Collection[tuple[str, str]] = (),
    ) -> None:
        self._added = tuple(added)
        self._indexing = frozenset(indexing)
        self._left_out = frozenset(left_out)
        self._replaced = frozenset(definition["url"] for definition in self._added)
        self._found: dict[str, Mapping[str, Parameter]] = {}

    def of(self, resource_type: str) -> Mapping[str, Parameter]:
        """The parameters of a type by code, in alphabetical order. Raises `KeyError` for an unknown type."""
        found = self._found.get(resource_type)
        if found is None:
            found = self._found[resource_type] = self._compiled(resource_type)
        return found

    def without(self, codes: Collection[tuple[str, str]]) -> Parameters:
        """The same, some parameters left out."""
        return Parameters(self._added, left_out=codes)

    def _compiled(self, resource_type: str) -> Mapping[str, Parameter]:
        if resource_type not in resource_types():
            raise KeyError(resource_type)
        bases = [base for base in (*_ABSTRACT, resource_type) if base in _bases_of(resource_type)]
        lasting = {}
        for base in bases:
            for definition in _definitions_by_base().get(base, ()):
                if definition["url"] not in self._replaced:
                    lasting[definition["code"]] = parameter_of(resource_type, definition)
        # R4's own come first: what a package adds may share their rows, not they its rows.
        ranked = sorted(lasting.values(), key=lambda p: (not is_r4(p.url), p.code))
        found = {p.code: p for p in _sharing(ranked)}
        for added in self._added:
            if not _bases_of(resource_type).isdisjoint(added["base"]):
                found.setdefault(added["code"], parameter_of(resource_type, added))
        for code in [code for owner, code in self._indexing if owner == resource_type]:
            if code in found:
                found[code] = replace(found[code], indexing=True)
        kept = {code: p for code, p in found.items() if (resource_type, code) not in self._left_out}
        return MappingProxyType(dict(sorted(kept.items())))


CORE: Final = Parameters()


def parameters_of(resource_type: str) -> Mapping[str, Parameter]:
    """The parameters of a type by code, without those an operator added. Raises `KeyError` for an unknown type."""
    return CORE.of(resource_type)


def is_r4(url: str) -> bool:
    """Whether a SearchParameter is one of R4's own."""
    return url.startswith("http://hl7.org/fhir/SearchParameter/")


def types_of(bases: Iterable[str]) -> frozenset[str]:
    """The resource types that a SearchParameter with these bases is for."""
    wanted = frozenset(bases)
    return frozenset(name for name in resource_types() if not _bases_of(name).isdisjoint(wanted))


@cache
def _bases_of(resource_type: str) -> frozenset[str]:
    domain = structure(resource_type)["baseDefinition"].endswith("/DomainResource")
    return frozenset({resource_type, "Resource"} | ({"DomainResource"} if domain else set()))


def routes(parameter: Parameter) -> tuple[Route, ...]:
    """Where the parameter finds its values. Empty where R4 gives no expression, and where it is `fallback`'s."""
    try:
        return routes_of(parameter.type, parameter.expression) if parameter.expression else ()
    except Uncovered:
        return ()


def fallback(parameter: Parameter) -> Expression | None:
    """The parameter's expression for the FHIRPath engine, when it has none of the compiled kind.

    None for an expression that is compiled, or not FHIRPath, or names what no resource of the type has.
    """
    return _evaluated(parameter.type, parameter.expression) if parameter.expression else None


@lru_cache(maxsize=1024)
def _evaluated(resource_type: str, expression: str) -> Expression | None:
    try:
        routes_of(resource_type, expression)
    except Unnamed:
        return None
    except Uncovered:
        try:
            return parse(expression)
        except NotAnExpression:
            return None
    return None


def component_routes(
    parameter: Parameter, context: Route, component: Component
) -> tuple[bool, tuple[Route, ...]]:
    """Where a component of a composite finds its values: whether from the resource or from a value that `context`
    leads to, and how from there.
    """
    if component.expression.startswith(_ROOT):
        return True, routes_of(parameter.type, component.expression.removeprefix(_ROOT))
    return False, routes_of(context.type, component.expression)


@cache
def _definitions_by_base() -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for definition in search_parameters():
        # R4 has examples of SearchParameters among the real ones; they would take the place of `_id` and `subject`.
        if definition["id"].startswith("example") or definition["code"] in _OPERATIONS:
            continue
        for base in definition.get("base", ()):
            known = found.setdefault(base, [])
            # A guide defines one parameter twice, to allow other comparators. The first stands, as R4's own does.
            if all(definition["code"] != other["code"] for other in known):
                known.append(definition)
    return found


def parameter_of(resource_type: str, definition: Mapping[str, Any]) -> Parameter:
    """What a SearchParameter is on a type: alone, sharing nothing. A composite's parts must be R4's or a package's."""
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
        components=_components(definition) if kind == "composite" else (),
    )


def _components(definition: Mapping[str, Any]) -> tuple[Component, ...]:
    parts = definition["component"]
    expressions = _MEANT.get(definition["url"]) or tuple(part["expression"] for part in parts)
    definitions = [_definitions_by_url()[part["definition"]] for part in parts]
    return tuple(
        Component(like["code"], like["type"], expression)
        for like, expression in zip(definitions, expressions, strict=True)
    )


@cache
def _definitions_by_url() -> dict[str, dict[str, Any]]:
    return {definition["url"]: definition for definition in search_parameters()}


def _sharing(parameters: list[Parameter]) -> list[Parameter]:
    """The same parameters, each with the `rows` or the `parts` that answer it."""
    owners: dict[tuple[str, tuple[Route, ...]], str] = {}
    for parameter in parameters:
        if routes(parameter):
            owners.setdefault((parameter.kind, routes(parameter)), parameter.code)
    shared = [_shared(parameter, owners) for parameter in parameters]
    return [replace(parameter, parts=_parts(parameter, shared)) for parameter in shared]


def _parts(parameter: Parameter, others: list[Parameter]) -> tuple[str, ...]:
    """The parameters that have all values of `parameter` between them, and no others; empty when there are none."""
    ways = _ways(parameter)
    if (
        len(ways) < 2
        or parameter.kind not in {"token", "quantity", "composite"}
        or parameter.rows != parameter.code
    ):
        return ()
    smaller = [
        other
        for other in others
        if other.kind == parameter.kind and other.rows == other.code and _ways(other) and _ways(other) < ways
    ]
    whole = frozenset[object]().union(*map(_ways, smaller)) == ways
    return tuple(other.code for other in smaller) if whole else ()


def _ways(parameter: Parameter) -> frozenset[object]:
    """What tells the values of a parameter from those of others of its kind."""
    expressions = tuple(component.expression for component in parameter.components)
    return frozenset((route, expressions) for route in routes(parameter))


def _shared(parameter: Parameter, owners: dict[tuple[str, tuple[Route, ...]], str]) -> Parameter:
    ways = routes(parameter)
    # The components of composites differ where their expressions do not. Of a Bundle's first resource, `composition`
    # means a Composition and `message` a MessageHeader.
    if parameter.kind in {"composite", "special"} or any(way.type == "Resource" for way in ways):
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
