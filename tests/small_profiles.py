"""Profiles of a few elements, a world that holds them, and what a judgement says: for tests of the judge."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any, Final

from fhir_server.definitions.packaged import SHIPPED
from fhir_server.kernel.issues import Issue
from fhir_server.kernel.wire import Tree, decode
from fhir_server.validation.judge import judge
from fhir_server.validation.world import Options, Resolve, World
from profiles.registry import Entry, Registry
from tests.worlds import NoCodes

BASE = "http://hl7.org/fhir/StructureDefinition/"
OWN = "http://cordee.test/"
_NAMED: Final = re.compile(r"(?:Element |The profile does not allow )?'([\w.:/@\[\]-]+)'")


def patient(**elements: Any) -> Tree:
    return {"resourceType": "Patient", **elements}


def observation(**elements: Any) -> Tree:
    return {"resourceType": "Observation", "status": "final", "code": {"text": "x"}, **elements}


def profile(name: str, type: str, *elements: Tree, **head: Any) -> Tree:
    """A StructureDefinition with a differential. `elements`: `path`, and what the profile says of it."""
    return {
        "resourceType": "StructureDefinition",
        "id": name,
        "url": OWN + name,
        "kind": "resource",
        "abstract": False,
        "type": type,
        "baseDefinition": BASE + type,
        "derivation": "constraint",
        "differential": {"element": list(elements)},
        **head,
    }


def extension(name: str, *elements: Tree, on: Iterable[str] = ("Element",), **head: Any) -> Tree:
    contexts = [{"type": "element", "expression": one} for one in on]
    url = {"path": "Extension.url", "fixedUri": OWN + name}
    return profile(name, "Extension", url, *elements, **{"kind": "complex-type", "context": contexts, **head})


def element(path: str, **said: Any) -> Tree:
    return {"path": path, **said}


def sliced(path: str, *discriminators: tuple[str, str], rules: str = "open", **said: Any) -> Tree:
    """An element that is sliced by `(type, path)`."""
    found = [{"type": kind, "path": where} for kind, where in discriminators]
    ordered = said.pop("ordered", False)
    return {"path": path, "slicing": {"discriminator": found, "rules": rules, "ordered": ordered}, **said}


def slice_of(path: str, name: str, **said: Any) -> Tree:
    return {"path": path, "sliceName": name, **said}


def entry_of(definition: Tree) -> Entry:
    body = json.dumps(definition).encode()
    return Entry(
        definition["resourceType"],
        definition["url"],
        definition.get("version", ""),
        definition["id"],
        "test",
        lambda: body,
    )


def registry_of(*definitions: Tree) -> Registry:
    return Registry([SHIPPED.entries(), [entry_of(one) for one in definitions]])


def world_of(
    *definitions: Tree,
    sets: dict[str, set[str]] | None = None,
    resolve: Resolve | None = None,
    **options: Any,
) -> World:
    return World(
        registry_of(*definitions),
        NoCodes(sets),
        resolve,
        Options(**{"best_practice": "ignore", "unknown_extensions": "ignore", **options}),
    )


def judged(tree: Tree, world: World, *profiles: str) -> list[Issue]:
    """The issues of a resource, read as the server reads it."""
    return judge(decode(json.dumps(tree).encode()), world, [OWN + one for one in profiles])


def errors(tree: Tree, world: World, *profiles: str) -> list[str]:
    """Where the errors are: of a child that is missing or too much, the place that it has or would have."""
    return [place_of(issue) for issue in judged(tree, world, *profiles) if issue.severity == "error"]


def place_of(issue: Issue) -> str:
    """A child that is missing is told at its parent; the sentence names it."""
    named = _NAMED.match(issue.text)
    if named is None:
        return issue.expression
    child = named[1].rpartition(".")[2].partition(":")[0].removesuffix("[x]")
    last = issue.expression.rpartition(".")[2].partition("[")[0]
    return issue.expression if last == child else f"{issue.expression}.{child}"
