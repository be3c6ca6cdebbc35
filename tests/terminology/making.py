"""Libraries of a few definitions, and large code systems, for tests."""

from __future__ import annotations

from typing import Any

import orjson

from fhir_server.store.memory_codes import MemoryCodes
from profiles.registry import Entry, Registry
from terminology.desk import Desk
from terminology.indexing import Entry as Concept
from terminology.library import ANY, Library, Versions
from terminology.loading.release import Position, Release
from terminology.stock import Stock

Tree = dict[str, Any]


def registry_of(*trees: Tree) -> Registry:
    """With these definitions, all of one package."""
    return Registry(
        [
            [
                Entry(
                    tree["resourceType"],
                    tree["url"],
                    tree.get("version", ""),
                    "x",
                    "test#1",
                    lambda tree=tree: orjson.dumps(tree),
                )
                for tree in trees
            ]
        ]
    )


def library_of(*trees: Tree, large: MemoryCodes | None = None, versions: Versions = ANY) -> Library:
    return Library(Stock(registry_of(*trees)), Desk(), large=large, versions=versions)


def system(url: str, *codes: str, **elements: Any) -> Tree:
    return {
        "resourceType": "CodeSystem",
        "url": url,
        "content": "complete",
        "caseSensitive": True,
        "concept": [{"code": code, "display": f"The {code}"} for code in codes],
        **elements,
    }


def value_set(url: str, *include: Tree, **elements: Any) -> Tree:
    return {"resourceType": "ValueSet", "url": url, "compose": {"include": list(include)}, **elements}


def loaded(url: str, concepts: list[Tree], **head: Any) -> MemoryCodes:
    """A large code system with these concepts."""
    codes = MemoryCodes()
    tree = {"resourceType": "CodeSystem", "url": url, "version": "1", "content": "complete", **head}
    codes.load(Release(tree, "", lambda: iter([Concept(one) for one in concepts]), Position()))
    return codes
