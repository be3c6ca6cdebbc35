"""A resource becomes its index entries: one generated function per type reads all its search parameters in one pass.

`definitions/paths.py` writes the walk, `rows.py` says what each value becomes.

Composite and special parameters have no entries, nor have contained resources. `_id` and `_lastUpdated` are columns.

https://hl7.org/fhir/R4/search.html#ptypes
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache, lru_cache, partial
from typing import Any

from fhir_server.definitions.elements import is_primitive, shape_of
from fhir_server.definitions.parameters import Parameter, parameters_of, routes
from fhir_server.definitions.paths import Get, Leaf, Route, source_of
from fhir_server.definitions.targets import points_to
from fhir_server.kernel.wire import Tree
from fhir_server.search.entries import Entries, Hasher
from fhir_server.search.rows import WRITERS, Rows, Slot, parts_of, systems_of
from fhir_server.search.spans import BEGINNING

# The date that lists of a type are mostly sorted by: its lowest value is `Entries.moment`.
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


def entries_of(tree: Tree, hasher: Hasher, base: str | tuple[str, ...] = ()) -> Entries:
    """The index rows of a valid resource.

    `base`: the server's public base URL or URLs, without a slash at the end; references below them are local.
    """
    walk, main = _walk_of(tree["resourceType"], hasher)
    rows = Rows(hasher, (base,) if isinstance(base, str) else base)
    walk(tree, rows)
    moment = None
    if main is not None:
        moment = min((low for seed, low, _ in rows.dates if seed == main and low != BEGINNING), default=None)
    return Entries(
        tokens=list(rows.tokens),
        strings=list(rows.strings),
        dates=list(rows.dates),
        quantities=list(rows.quantities),
        present=sorted(rows.present),
        references=list(rows.references),
        moment=moment,
    )


def texts_of(tree: Tree, code: str) -> Iterator[str]:
    """The values of a string parameter as they are written, for what the index cannot decide (`:exact`, long texts)."""
    found: list[str] = []
    _texts_walk(tree["resourceType"], code)(tree, found.append)
    return iter(found)


def is_indexed(parameter: Parameter) -> bool:
    """Whether any value of the parameter gives entries."""
    return any((parameter.kind, route.type) in WRITERS for route in _open(parameter))


_Walk = Callable[[Tree, Rows], None]


@lru_cache(maxsize=4096)
def _walk_of(resource_type: str, hasher: Hasher) -> tuple[_Walk, int | None]:
    """The function of a type under one secret, and the seed of the type's main date."""
    names: dict[str, Any] = {"points_to": points_to}
    leaves: list[tuple[Route, Leaf]] = []
    for parameter in parameters_of(resource_type).values():
        for route in _open(parameter):
            writer = WRITERS.get((parameter.kind, route.type))
            shared = parameter.rows != parameter.code
            if writer is None or parameter.code in _COLUMNS:
                continue
            seed = hasher.seed(resource_type, parameter.code)
            number = len(leaves)
            names[f"seed{number}"] = seed
            names[f"slot{number}"] = Slot(seed, f"{seed}=", shared, systems_of(route.value_set))
            names[f"write{number}"] = writer
            silent = shared and parameter.kind != "reference"
            leaves.append((route, partial(_lines, number, silent)))
    main = MAIN_DATES.get(resource_type)
    body = ["present = rows.present.add", *source_of(leaves)]
    walk = _compiled(["def walk(r, rows):", *(f"    {line}" for line in body)], names, resource_type)
    return walk, hasher.seed(resource_type, main) if main else None


_COLUMNS = frozenset({"_id", "_lastUpdated"})


def _lines(number: int, silent: bool, value: str) -> list[str]:
    present = f"present(seed{number})"
    return [present] if silent else [present, f"write{number}(rows, slot{number}, {value})"]


@cache
def _texts_walk(resource_type: str, code: str) -> Callable[[Tree, Callable[[str], None]], None]:
    names: dict[str, Any] = {"points_to": points_to, "parts": parts_of}
    leaves: list[tuple[Route, Leaf]] = []
    for route in _open(parameters_of(resource_type)[code]):
        if ("string", route.type) in WRITERS:
            leaves.append((route, _text_lines if is_primitive(route.type) else _part_lines))
    walk: Callable[[Tree, Callable[[str], None]], None] = _compiled(
        ["def walk(r, put):", *(f"    {line}" for line in ["pass", *source_of(leaves)])], names, resource_type
    )
    return walk


def _text_lines(value: str) -> list[str]:
    return [f"put({value})"]


def _part_lines(value: str) -> list[str]:
    return [f"for text in parts({value}): put(text)"]


def _compiled(lines: list[str], names: dict[str, Any], resource_type: str) -> Any:
    # The source is made of R4's own definitions, with every name and literal in it written by repr().
    exec(compile("\n".join(lines), f"<search {resource_type}>", "exec"), names)  # noqa: S102
    return names["walk"]


def _open(parameter: Parameter) -> Iterator[Route]:
    """The routes to values that can be indexed: an extension stands for its value, of the types that fit."""
    for route in routes(parameter):
        if route.type != "Extension":
            yield route
            continue
        for child in shape_of("Extension").children.values():
            if child.element == "value" and (parameter.kind, child.type) in WRITERS:
                yield Route((*route.steps, Get(child.property, child.array)), child.type)
