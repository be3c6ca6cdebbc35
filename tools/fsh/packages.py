"""What the archives of `profiles/packages` that we write ourselves hold: the definitions of their guides."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Final, NamedTuple

from fhir_server.kernel.wire import encode
from profiles import FRENCH
from tools import restate_fr
from tools.fsh.assigning import Tree
from tools.fsh.compiling import compiled
from tools.fsh.guides import Guide, Workspace
from tools.fsh.model import Place

DATE: Final = (2026, 1, 1, 0, 0, 0)


class Contents(NamedTuple):
    members: Mapping[str, bytes]
    packages: Mapping[str, str]  # member → the guide that it is of: `hl7.fhir.fr.core#2.2.0`


def contents(workspace: Workspace, package: str) -> Contents:
    """Of one package. Raises `FshError`."""
    made = [(guide, tree) for guide in workspace.of_package(package) for tree in compiled(workspace, guide)]
    counted = Counter((tree["resourceType"], tree["id"]) for _, tree in made)
    members: dict[str, bytes] = {}
    packages: dict[str, str] = {}
    for guide, tree in made:
        name = _member(tree, several=counted[tree["resourceType"], tree["id"]] > 1)
        if name in members:
            _place(guide).wrong(f"another guide of the package has {name}, in the same version")
        members[name] = encode(tree)
        packages[name] = f"{guide.id}#{guide.version}"
    if package == FRENCH:
        members |= dict(restate_fr.members())
    return Contents(members, packages)


def _member(tree: Tree, *, several: bool) -> str:
    version = f"@{tree['version']}" if several else ""
    return f"{tree['resourceType']}/{tree['id']}{version}.json"


def _place(guide: Guide) -> Place:
    return Place(f"{guide.key}/guide.toml", 1)
