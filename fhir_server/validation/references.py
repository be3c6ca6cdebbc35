"""What a Reference may say: the form of its text, the type that it points to, and the contained resources it finds.

https://hl7.org/fhir/R4/references.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from typing import Any

from fhir_server.definitions.catalogue import resource_types, type_of_profile
from fhir_server.kernel.wire import Tree
from fhir_server.validation.sentences import Problem

# What `#…` means inside one resource: "#" → the type of the resource itself, "#id" → the type of a contained one.
Local = Mapping[str, str]

_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:")
_RESTFUL = re.compile(
    r"(?:https?://\S+/)?([A-Z][A-Za-z]+)/[A-Za-z0-9\-.]{1,64}(?:/_history/[A-Za-z0-9\-.]{1,64})?"
)
_CONDITIONAL = re.compile(r"([A-Z][A-Za-z]+)\?\S+")
_LINK = re.compile(r"""(?:href|src)\s*=\s*["'](#[^"']*)""")


def local_of(resource: Tree) -> dict[str, str]:
    """The local names of a resource. Contained resources without an id or a type have none."""
    names = {"#": str(resource.get("resourceType"))}
    contained = resource.get("contained")
    for inner in contained if isinstance(contained, list) else ():
        if isinstance(inner, dict) and isinstance(inner.get("id"), str):
            names["#" + inner["id"]] = str(inner.get("resourceType"))
    return names


def unused_names(resource: Tree) -> list[int]:
    """Which contained resources, by index, nothing in `resource` names and that do not name it either (dom-3).

    Any string `#id` counts, not only that of a Reference: canonical and uri elements may name one too, and so may
    the links and images of a narrative.
    """
    return unused_among(resource["contained"], set(names_in(_strings(resource))))


def unused_among(contained: Sequence[Tree], named: Set[str]) -> list[int]:
    """As `unused_names`, where the names in the resource are known."""
    return [
        i
        for i, inner in enumerate(contained)
        if f"#{inner.get('id')}" not in named and "#" not in names_in(_strings(inner))
    ]


def names_in(strings: Iterable[str]) -> Iterator[str]:
    """Those that could be the name of a contained resource, and the links in those that are narratives."""
    for string in strings:
        first = string[:1]
        if first == "#":
            yield string
        elif first == "<" and string.startswith("<div"):
            yield from _LINK.findall(string)


def _strings(tree: Any) -> Iterator[str]:
    match tree:
        case str():
            yield tree
        case dict():
            for value in tree.values():
                yield from _strings(value)
        case list():
            for value in tree:
                yield from _strings(value)


def wrong_with_reference(reference: Tree, targets: tuple[str, ...], local: Local) -> Problem | None:
    """What is wrong with a Reference of sound shape; None when nothing is.

    `targets` are the resource types it may point to, empty for any. Types that cannot be told from the text or from
    `Reference.type` are taken on trust, as are the targets themselves.
    """
    declared = reference.get("type")
    named = type_of_profile(declared) if declared is not None else None
    text = reference.get("reference")
    pointed = None
    if text is not None:
        if text.startswith("#"):
            pointed = local.get(text)
            if pointed is None:
                return Problem(
                    "invariant",
                    "A reference that starts with '#' names a contained resource, and there is none (ref-1)",
                    "Une référence qui commence par « # » désigne une ressource contenue, et il n'y en a pas (ref-1)",
                )
        else:
            pointed = _type_in(text)
            if pointed is None and not _ABSOLUTE.match(text):
                return Problem(
                    "value",
                    "A relative reference is [type]/[id], with a resource type of R4 and a valid id",
                    "Une référence relative est [type]/[id], avec un type de ressource de R4 et un id valide",
                )
            if any(character.isspace() for character in text):
                return Problem(
                    "value",
                    "A reference is a URL and has no white space",
                    "Une référence est une URL, sans espace",
                )
    if pointed and named and named in resource_types() and pointed != named:
        return Problem(
            "structure",
            "Reference.type and the type in Reference.reference differ",
            "Reference.type et le type donné par Reference.reference diffèrent",
        )
    for found in (pointed, named):
        if targets and found in resource_types() and found not in targets:
            return Problem(
                "structure",
                f"This reference may point to {' or '.join(targets)} only",
                f"Cette référence ne peut désigner que {' ou '.join(targets)}",
            )
    return None


def _type_in(text: str) -> str | None:
    found = _RESTFUL.fullmatch(text) or _CONDITIONAL.fullmatch(text)
    return found[1] if found and found[1] in resource_types() else None
