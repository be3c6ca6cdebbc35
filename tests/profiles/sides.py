"""Two worlds to judge the same resource in: the guides as published, and as we restate them.

Beside the guides both have the same: R4, and the code systems that we bring.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import orjson

from fhir_server.kernel.issues import Issue
from fhir_server.kernel.wire import Tree, number
from fhir_server.validation.judge import judge
from fhir_server.validation.world import World
from profiles import FRENCH, R4_CORE, shipped
from profiles.registry import Entry, Registry
from terminology import data
from terminology.codes import codes_of

SHARED: Final = Path(__file__).parents[2] / "../shared/fhir-fr"
# The folders of published definitions that we restate.
RESTATED: Final = (
    "fr-core-2.1.0",
    "fr-core",
    "annuaire",
    "cds",
    "cdl",
    "pdsm",
    "nde",
    "tde",
    "gap",
    "sdo",
    "tddui-reconstructed",
    "tddui-cda",
)
# Guides that build on the former generation of fr-core: their examples are judged against that, too.
_FORMER: Final = frozenset({"fr-core-2.1.0", "cds", "pdsm", "pdsm4dmp", "nde", "tde", "tddui", "tddui-cda"})
# Of examples that declare nothing: the profile that their guide has for the type.
_UNDECLARED: Final = {
    (
        "mss",
        "Practitioner",
    ): "https://interop.esante.gouv.fr/ig/fhir/annuaire/StructureDefinition/as-practitioner"
}
_FR_CORE: Final = "https://hl7.fr/ig/fhir/core/"
_KINDS: Final = frozenset({"StructureDefinition", "ValueSet", "CodeSystem"})

Step = str | int
Path_ = tuple[Step, ...]
Change = Callable[[Any, Any], None]


@dataclass(frozen=True, eq=False)
class Side:
    name: str
    registry: Registry


@cache
def published() -> Side:
    folders = (SHARED / "definitions" / folder for folder in RESTATED)
    return Side("published", _world(*(_entries(folder) for folder in folders)))


@cache
def restated() -> Side:
    return Side("restated", _world(shipped.entries(FRENCH)))


def issues(tree: Tree, side: Side, profiles: Sequence[str] = ()) -> list[Issue]:
    """What is wrong with a resource on one side; warnings too."""
    return judge(tree, World(side.registry, codes_of(side.registry)), profiles)


def errors(tree: Tree, side: Side, profiles: Sequence[str] = ()) -> set[str]:
    """The places of what is wrong."""
    return {one.expression for one in issues(tree, side, profiles) if one.severity in {"error", "fatal"}}


def asked(tree: Tree, guide: str) -> list[str]:
    """The profiles to judge an example of a guide by, beside those that it declares."""
    declared = tree.get("meta", {}).get("profile", ())
    if not declared and (guide, tree["resourceType"]) in _UNDECLARED:
        return [_UNDECLARED[guide, tree["resourceType"]]]
    if guide not in _FORMER:
        return []
    return [f"{url}|2.1.0" for url in declared if url.startswith(_FR_CORE) and "|" not in url]


def examples() -> Iterator[tuple[str, Path]]:
    """The guide and the file of each published example; the drafts mss and pdsm4dmp use profiles of other guides."""
    for path in sorted((SHARED / "examples").glob("*/*.json")):
        yield path.parent.name, path


def mutants(tree: Tree, most: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """The resource with one mistake each, and what it is: a property left out, an item left out or said twice, a value
    changed. At most `most` of all that can be made, spread over the resource."""
    found = list(_mistakes(tree))
    for mistake, path, change in found[:: -(-len(found) // most)]:
        yield f"{mistake} {_place(path)}", _changed(tree, path, change)


def _mistakes(tree: Tree) -> Iterator[tuple[str, Path_, Change]]:
    for path in _paths(tree):
        if path[-1] == "resourceType":
            continue
        yield "without", path, _left_out
        if isinstance(path[-1], int):
            yield "twice", path, _said_twice
        if not isinstance(_at(tree, path), dict | list):
            yield "other", path, _other


def _world(*guides: Iterable[Entry]) -> Registry:
    return Registry([shipped.entries(R4_CORE), data.entries(), *guides])


def _entries(folder: Path) -> Iterator[Entry]:
    for path in sorted(folder.glob("*.json")):
        kind = path.name.partition("-")[0]
        if kind in _KINDS:
            tree = orjson.loads(path.read_bytes())
            yield Entry(kind, tree["url"], tree.get("version", ""), tree["id"], folder.name, path.read_bytes)


def _paths(tree: Any, above: Path_ = ()) -> Iterator[Path_]:
    items: Iterable[tuple[Step, Any]] = ()
    if isinstance(tree, dict):
        items = tree.items()
    elif isinstance(tree, list):
        items = enumerate(tree)
    for step, below in items:
        yield (*above, step)
        yield from _paths(below, (*above, step))


def _at(tree: Any, path: Path_) -> Any:
    for step in path:
        tree = tree[step]
    return tree


def _changed(tree: Tree, path: Path_, change: Change) -> dict[str, Any]:
    copy: dict[str, Any] = _copied(tree)
    change(_at(copy, path[:-1]), path[-1])
    return copy


def _copied(value: Any) -> Any:
    """Exact numbers cannot be copied, and need not be."""
    if isinstance(value, dict):
        return {name: _copied(one) for name, one in value.items()}
    return [_copied(one) for one in value] if isinstance(value, list) else value


def _left_out(above: Any, step: Step) -> None:
    del above[step]


def _said_twice(above: list[Any], step: int) -> None:
    above.insert(step, _copied(above[step]))


def _other(above: Any, step: Step) -> None:
    value = above[step]
    match value:
        case bool():
            above[step] = not value
        case int():
            above[step] = value + 1
        case str() if value[:4].isdigit() and value[4:5] == "-":
            above[step] = f"1{value[1:]}"
        case str():
            above[step] = f"{value}x"
        case _:
            above[step] = number("99.5")


def _place(path: Path_) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).lstrip(".")
