"""Names within a resource: links of a narrative that lead somewhere, and ids of elements that are there once.

https://hl7.org/fhir/R4/narrative.html#id · https://hl7.org/fhir/R4/element.html#id
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from fhir_server.kernel.issues import Issue
from fhir_server.kernel.wire import Tree
from fhir_server.validation.finding import Found
from fhir_server.validation.narrative import parsed

_LINK: Final = re.compile(r"<a\s[^>]*href")
_NAMED: Final = re.compile(r"""\b(?:id|name)\s*=\s*["']([^"']+)["']""")
_A: Final = "{http://www.w3.org/1999/xhtml}a"
_NOT_LINKS: Final = ("urn:", "cid:")  # names, which a browser cannot follow


def link_issues(found: Found, divs: list[str]) -> Iterator[Issue]:
    """The links in the narratives (`divs`) of one resource."""
    if not any(map(_LINK.search, divs)):
        return
    names: set[str] | None = None
    for div, place in _divs(found.tree, found.place):
        if not _LINK.search(div):
            continue
        root = parsed(div)
        for anchor in root.iter(_A) if root is not None else ():
            href = anchor.get("href")
            if href is None:
                continue
            if href.startswith("#") and href != "#":
                names = set(_names(_outermost(found).tree)) if names is None else names
                if href[1:] not in names:
                    yield Issue(
                        "invalid",
                        "A link that starts with '#' leads to an id in the resource, and nothing there has this one",
                        place,
                        french="Un lien qui commence par « # » mène à un id de la ressource, et rien n'a celui-ci",
                    )
            elif not href.strip():
                yield Issue(
                    "invalid",
                    "A link of a narrative has an address",
                    place,
                    french="Un lien d'un texte a une adresse",
                )
            elif href.startswith(_NOT_LINKS):
                yield Issue(
                    "invalid",
                    "A link of a narrative can be followed: urn: and cid: are names and not addresses",
                    place,
                    french="Un lien d'un texte peut être suivi : urn: et cid: sont des noms et non des adresses",
                )


def _outermost(found: Found) -> Found:
    while found.around is not None:
        found = found.around
    return found


def _divs(tree: Any, place: str) -> Iterator[tuple[str, str]]:
    """Every `div` of a resource with its place, those of resources inside it aside."""
    for key, value in tree.items():
        if key == "div" and isinstance(value, str):
            yield value, f"{place}.div"
        elif isinstance(value, dict):
            if "resourceType" not in value:
                yield from _divs(value, f"{place}.{key}")
        elif isinstance(value, list):
            for i, item in enumerate(value):
                if isinstance(item, dict) and "resourceType" not in item and "resource" not in item:
                    yield from _divs(item, f"{place}.{key}[{i}]")


def _names(tree: Any) -> Iterator[str]:
    """All that a link may lead to: ids of elements, of resources, of XHTML."""
    if isinstance(tree, dict):
        for key, value in tree.items():
            if key == "id" and isinstance(value, str):
                yield value
            elif key == "div" and isinstance(value, str):
                yield from _NAMED.findall(value)
            else:
                yield from _names(value)
    elif isinstance(tree, list):
        for item in tree:
            yield from _names(item)


def repeated_ids(found: Found, ids: list[str]) -> Iterator[Issue]:
    """Elements that have the id of one before them, in the same resource; `ids` are all there are."""
    if len(set(ids)) == len(ids):
        return
    seen: set[str] = set()
    for id_, place in _ids(found.tree, found.place, root=True):
        if id_ in seen:
            yield Issue(
                "business-rule",
                "The id of an element is there once in a resource, and an element before this one has the same",
                place,
                french="L'id d'un élément est unique dans une ressource, et un élément avant celui-ci a le même",
            )
        seen.add(id_)


def _ids(tree: Tree, place: str, *, root: bool = False) -> Iterator[tuple[str, str]]:
    if not root and isinstance(tree.get("id"), str):
        yield tree["id"], place
    for key, value in tree.items():
        here = f"{place}.{key.removeprefix('_')}"
        if isinstance(value, dict):
            if "resourceType" not in value:
                yield from _ids(value, here)
        elif isinstance(value, list):
            for i, item in enumerate(value):
                if isinstance(item, dict) and "resourceType" not in item:
                    yield from _ids(item, f"{here}[{i}]")
