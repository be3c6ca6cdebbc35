"""What our sources make, as it would be in the packages."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import orjson

from profiles import R4_CORE, shipped
from profiles.registry import Entry, Registry
from terminology import data
from tools.fsh.compiling import compiled
from tools.fsh.guides import Workspace


@cache
def made() -> dict[str, list[dict[str, Any]]]:
    """The definitions of each guide, by the folder of its sources."""
    workspace = Workspace()
    return {
        guide.key: list(compiled(workspace, guide))
        for package in workspace.packages()
        for guide in workspace.of_package(package)
    }


@cache
def registry() -> Registry:
    """All of them over R4 and the code systems that we bring."""
    ours = [entry_of(tree, guide) for guide, trees in made().items() for tree in trees]
    return Registry([shipped.entries(R4_CORE), data.entries(), ours])


def entry_of(tree: Mapping[str, Any], package: str) -> Entry:
    body = orjson.dumps(tree)
    return Entry(
        tree["resourceType"], tree["url"], tree.get("version", ""), tree["id"], package, lambda: body
    )
