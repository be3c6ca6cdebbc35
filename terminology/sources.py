"""The value sets and code systems that come with the server: those of R4, of HL7's v2 tables and of v3.

https://hl7.org/fhir/R4/terminologies.html
"""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Final

import orjson

import profiles
from terminology.systems import System, Tree

_KINDS: Final = ("ValueSet", "CodeSystem")


def value_set(canonical: str) -> Tree | None:
    """The ValueSet of a canonical URL (`url` or `url|version`); None when it is not among them."""
    return _tree("ValueSet", canonical)


def code_system(canonical: str) -> System | None:
    """The code system of a canonical URL; None when it is not among them."""
    url, _, version = canonical.partition("|")
    found = _system(url)
    return found if found is not None and version in {"", found.version} else None


@lru_cache(maxsize=256)
def _system(url: str) -> System | None:
    tree = _tree("CodeSystem", url)
    return None if tree is None else System(tree)


def _tree(kind: str, canonical: str) -> Tree | None:
    url, _, version = canonical.partition("|")
    place = _places().get((kind, url))
    if place is None:
        return None
    tree: Tree = orjson.loads(profiles.member(place))
    return tree if version in {"", tree.get("version", "")} else None


@cache
def _places() -> dict[tuple[str, str], str]:
    """Kind and URL → member of the package. Reads all of them once, in a fifth of a second."""
    return {
        (kind, orjson.loads(profiles.member(name))["url"]): name
        for kind in _KINDS
        for name in profiles.members()
        if name.startswith(f"{kind}/")
    }
