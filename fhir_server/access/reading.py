"""What a resource says of itself: codes, profiles and references, read in the same way by every rule of access."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from fhir_server.definitions.targets import local_key
from fhir_server.kernel.keys import Key
from fhir_server.kernel.wire import Tree

OURS: Final = "https://cordee.example/fhir/"
_NONE: Final[frozenset[str]] = frozenset()
_PROFILES: Final = (f"{OURS}StructureDefinition/", "https://interop.esante.gouv.fr/ig/fhir/")


def values(tree: Tree, path: str) -> Iterator[Any]:
    """The values at a path of element names (`participant.member`); lists are walked."""
    name, _, rest = path.partition(".")
    found = tree.get(name)
    if found is None:
        return
    for value in found if isinstance(found, list) else (found,):
        if not rest:
            yield value
        elif isinstance(value, dict):
            yield from values(value, rest)


def codings(tree: Tree, path: str) -> Iterator[tuple[str, str]]:
    """(system, code) of each coding of the Codings and CodeableConcepts at a path; the system may be empty."""
    for value in values(tree, path):
        if isinstance(value, dict):
            for coding in value.get("coding", (value,)):
                # What is called `code` is a concept in some elements.
                if isinstance(coding, dict) and isinstance(coding.get("code"), str):
                    yield coding.get("system", ""), coding["code"]


def codes_of(tree: Tree, path: str, system: str) -> frozenset[str]:
    """The codes of one system at a path."""
    return frozenset(code for said, code in codings(tree, path) if said == system)


def ours(name: str) -> str:
    """The canonical of one of our own code systems."""
    return f"{OURS}CodeSystem/{name}"


def profiles(tree: Tree) -> frozenset[str]:
    """The ids of the national profiles and our own that a resource declares (`ppcs-action`), without versions."""
    declared = tree["meta"].get("profile") if "meta" in tree else None
    if not declared:
        return _NONE
    # An extension may stand in the place of a canonical, which is null then.
    found = (text.partition("|")[0] for text in declared if isinstance(text, str))
    return frozenset(text.rpartition("/")[2] for text in found if text.startswith(_PROFILES))


def extensions(element: Tree, url: str) -> Iterator[Tree]:
    """The extensions of an element that are defined at `url`; each may have a value of any type."""
    return (extension for extension in element.get("extension", ()) if extension.get("url") == url)


def keys(tree: Tree, path: str, bases: tuple[str, ...] = ()) -> Iterator[Key]:
    """The resources of this server that the References at a path name, without repetition of the one before."""
    for value in values(tree, path):
        text = value.get("reference") if isinstance(value, dict) else None
        key = local_key(text, bases) if isinstance(text, str) else None
        if key is not None:
            yield key
