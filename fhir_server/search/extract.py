"""A resource becomes its index entries: one generated function per type reads all its search parameters in one pass.

`definitions/paths.py` writes the walk, `writers.py` says what each value becomes. An expression that a walk cannot have
is evaluated afterwards, for a hundred times the price. `_id` and `_lastUpdated` are columns and have no entries.

What a resource contains has its entries among the container's, under the names of the parameters that point to it
(`Name("CarePlan.care-team#CareTeam", …)`), or of none (`Name("CarePlan.#CareTeam", …)`). The first resource of a Bundle
is treated as if `composition` or `message` pointed to it.

https://hl7.org/fhir/R4/search.html#ptypes · https://hl7.org/fhir/R4/search.html#contained
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import lru_cache, partial
from types import CodeType

from fhir_server.definitions.parameters import CORE, Parameter, ParameterKind, Parameters, fallback
from fhir_server.definitions.paths import Leaf, Route, source_of
from fhir_server.fhirpath.syntax import Expression
from fhir_server.kernel.errors import Malformed
from fhir_server.kernel.values import immutable
from fhir_server.kernel.wire import Tree
from fhir_server.search.composite_rows import composite_leaves
from fhir_server.search.entries import Entries, Hasher
from fhir_server.search.evaluated import values_of
from fhir_server.search.rows import Rows, Slot, slot_of
from fhir_server.search.spans import Span
from fhir_server.search.texts import texts_of
from fhir_server.search.walks import Names, compiled, function
from fhir_server.search.writers import WRITERS, is_indexed, written_routes

# The date that lists of a type are mostly sorted by, the latest first: where the last of its values ends is
# `Entries.moment`, which a sort by this date, descending, can go by.
MAIN_DATES = {
    "AllergyIntolerance": "date",
    "Appointment": "date",
    "AuditEvent": "date",
    "CarePlan": "date",
    "CareTeam": "date",
    "Claim": "created",
    "ClinicalImpression": "date",
    "Communication": "sent",
    "CommunicationRequest": "authored",
    "Composition": "date",
    "Condition": "onset-date",
    "Consent": "date",
    "DetectedIssue": "identified",
    "DeviceRequest": "authored-on",
    "DiagnosticReport": "date",
    "DocumentManifest": "created",
    "DocumentReference": "date",
    "Encounter": "date",
    "EpisodeOfCare": "date",
    "ExplanationOfBenefit": "created",
    "FamilyMemberHistory": "date",
    "Flag": "date",
    "Goal": "start-date",
    "ImagingStudy": "started",
    "Immunization": "date",
    "List": "date",
    "Media": "created",
    "MedicationAdministration": "effective-time",
    "MedicationDispense": "whenhandedover",
    "MedicationRequest": "authoredon",
    "MedicationStatement": "effective",
    "Observation": "date",
    "Procedure": "date",
    "Provenance": "recorded",
    "QuestionnaireResponse": "authored",
    "RequestGroup": "authored",
    "RiskAssessment": "date",
    "ServiceRequest": "authored",
    "Slot": "start",
    "Specimen": "collected",
    "SupplyRequest": "date",
    "Task": "authored-on",
}


_COLUMNS = frozenset({"_id", "_lastUpdated"})


@lru_cache(maxsize=16)
def main_dates(hasher: Hasher) -> frozenset[int]:
    """The seeds of the main dates of all types, by which `Entries.dates` has them."""
    return frozenset(hasher.seed(name, code) for name, code in MAIN_DATES.items())


def dates_of(entries: Entries, hasher: Hasher) -> list[Span]:
    """When a resource is dated, by the main date of its type; empty: it is not."""
    seeds = main_dates(hasher)
    return [(low, high) for seed, low, high in entries.dates if seed in seeds]


def entries_of(
    tree: Tree, hasher: Hasher, base: str | tuple[str, ...] = (), parameters: Parameters = CORE
) -> Entries:
    """The index rows of a valid resource.

    `base`: the server's public base URL or URLs, without a slash at the end; references below them are local.
    """
    resource_type = tree["resourceType"]
    walk = _walk_of(resource_type, hasher, parameters, resource_type)
    rows = Rows(hasher, (base,) if isinstance(base, str) else base)
    walk.read(tree, rows, tree)
    if "contained" in tree or rows.entered:
        for link, inner in _inside(tree, rows):
            group = f"{resource_type}.{link}#{inner['resourceType']}"
            _walk_of(inner["resourceType"], hasher, parameters, group).read(inner, rows, tree)
            rows.present.add(hasher.seed(group, ""))
    moment = None
    if walk.main is not None:
        main = walk.main
        moment = max((high for seed, _, high in rows.dates if seed == main), default=None)
    return Entries(
        tokens=list(rows.tokens),
        codes=list(rows.codes),
        strings=list(rows.strings),
        dates=list(rows.dates),
        quantities=list(rows.quantities),
        terms=list(rows.terms),
        present=sorted(rows.present),
        references=list(rows.references),
        moment=moment,
    )


def _inside(tree: Tree, rows: Rows) -> list[tuple[str, Tree]]:
    """What has its entries among those of `tree`, each with a parameter that points to it; empty: none does."""
    found = list(rows.entered)
    links: dict[str, set[str]] = {}
    for code, identity in rows.inner:
        links.setdefault(identity, set()).add(code)
    for inner in tree.get("contained", ()):
        found += [(code, inner) for code in sorted(links.get(inner.get("id", ""), {""}))]
    return found


@immutable
class _Evaluated:
    """A parameter whose expression the FHIRPath engine reads."""

    expression: Expression
    kind: ParameterKind
    slot: Slot

    def read(self, tree: Tree, rows: Rows) -> None:
        for element_type, value in values_of(self.expression, tree):
            writer = WRITERS.get((self.kind, element_type))
            if writer is not None:
                rows.present.add(self.slot.seed)
                with suppress(Malformed):  # a date that the expression made, and that is none
                    writer(rows, self.slot, value)


@immutable
class _Walk:
    """What reads the resources of a type under one secret. `main`: the seed of the type's main date."""

    run: Callable[[Tree, Rows, Tree], None]
    evaluated: tuple[_Evaluated, ...]
    main: int | None

    def read(self, tree: Tree, rows: Rows, top: Tree) -> None:
        """`top`: the resource that `#id` is looked up in."""
        self.run(tree, rows, top)
        for one in self.evaluated:
            one.read(tree, rows)


@lru_cache(maxsize=4096)
def _walk_of(resource_type: str, hasher: Hasher, parameters: Parameters, name: str) -> _Walk:
    """The walk of a type whose parameters are called `Name(name, …)`."""
    code, names, expressions = _source_of(resource_type, parameters)
    main = MAIN_DATES.get(name)
    return _Walk(
        function(code, names.bound(hasher, name)),
        tuple(
            _Evaluated(expression, parameter.kind, slot_of(hasher, name, parameter.code, parameter.kind))
            for parameter, expression in expressions
        ),
        hasher.seed(name, main) if main else None,
    )


@lru_cache(maxsize=1024)
def _source_of(
    resource_type: str, parameters: Parameters
) -> tuple[CodeType, Names, Sequence[tuple[Parameter, Expression]]]:
    """The walk's code, what it refers to, and the parameters that it does not read."""
    names = Names()
    known = [p for p in parameters.of(resource_type).values() if p.code not in _COLUMNS and not p.parts]
    leaves = [leaf for parameter in known for leaf in _leaves_of(parameter, names)]
    leaves += composite_leaves(known, names)
    body = ["present = rows.present.add", *source_of(leaves, root="top")]
    code = compiled(["def walk(r, rows, top):", *(f"    {line}" for line in body)], resource_type)
    evaluated = [(p, expression) for p in known if (expression := fallback(p)) is not None]
    return code, names, evaluated


def _leaves_of(parameter: Parameter, names: Names) -> Iterable[tuple[Route, Leaf]]:
    shared = parameter.rows != parameter.code
    for route, writer in written_routes(parameter):
        lines = [f"present({names.seed(parameter.code)})"]
        if not shared or parameter.kind == "reference":
            make = partial(_slot, parameter, shared, route.value_set)
            slot = names.made(("slot", parameter.code, route.value_set), make)
            lines.append(f"{names.constant(writer)}(rows, {slot}, %s)")
        if route.type == "Resource":
            targets = names.constant(parameter.targets)
            lines = [f"if %s['resourceType'] in {targets}:", *(f"    {line}" for line in lines)]
        yield route, partial(_filled, lines)


def _slot(parameter: Parameter, shared: bool, value_set: str | None, hasher: Hasher, name: str) -> Slot:
    return slot_of(hasher, name, parameter.code, parameter.kind, shared=shared, value_set=value_set)


def _filled(lines: Sequence[str], value: str) -> list[str]:
    return [line.replace("%s", value) for line in lines]


__all__ = ["MAIN_DATES", "entries_of", "is_indexed", "texts_of"]
