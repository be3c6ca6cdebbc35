"""Links inside a transaction: `urn:uuid` and relative references become the ids that the server chose.

Replaced in elements of type Reference, uri, url, oid and uuid, and in the links of narratives; never in canonicals.

https://hl7.org/fhir/R4/http.html#trules · https://hl7.org/fhir/R4/bundle.html#references
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from fhir_server.definitions.elements import shape_of
from fhir_server.kernel.keys import Key
from fhir_server.kernel.wire import Tree

_REPLACED = frozenset({"uri", "url", "oid", "uuid"})
# https://hl7.org/fhir/R4/bundle.html#fullurl: a RESTful fullUrl, [base]/Type/id
_RESTFUL = re.compile(r"(https?://.*/)[A-Z][A-Za-z]+/[A-Za-z0-9\-.]{1,64}\Z", re.DOTALL)
_LINK = re.compile(r"""(\s(?:href|src)\s*=\s*)(["'])(.*?)\2""", re.DOTALL)


class Links:
    """fullUrl → key of every entry that a transaction writes."""

    __slots__ = ("_keys",)

    def __init__(self, keys: Mapping[str, Key]) -> None:
        self._keys = keys

    def __bool__(self) -> bool:
        return bool(self._keys)

    def target(self, text: str, full_url: str) -> Key | None:
        """The entry that `text`, standing in the entry of `full_url`, points to."""
        found = self._keys.get(text)
        if found is None and full_url:
            root = _RESTFUL.match(full_url)
            if root is not None:
                found = self._keys.get(root[1] + text)
        return found


def rewrite(tree: Tree, links: Links, full_url: str) -> None:
    """Replace, in place, every link of `tree` to an entry of the transaction by `Type/id`."""
    if links:
        _inside(tree, tree["resourceType"], links, full_url)


def _inside(node: dict[str, Any], shape: str, links: Links, full_url: str) -> None:
    for name, value in node.items():
        if type(value) is str:
            # Most strings are no links: ask for the element's type only on a hit.
            if name == "div":
                node[name] = _narrative(value, links, full_url)
            elif (target := links.target(value, full_url)) is not None and _is_link(shape, name):
                node[name] = str(target)
        elif type(value) is dict:
            if (inner := _type_of(shape, name, value)) is not None:
                _inside(value, inner, links, full_url)
        elif type(value) is list:
            _items(value, shape, name, links, full_url)


def _items(items: list[Any], shape: str, name: str, links: Links, full_url: str) -> None:
    for place, item in enumerate(items):
        if type(item) is dict:
            if (inner := _type_of(shape, name, item)) is not None:
                _inside(item, inner, links, full_url)
        elif (
            type(item) is str
            and (target := links.target(item, full_url)) is not None
            and _is_link(shape, name)
        ):
            items[place] = str(target)


def _narrative(text: str, links: Links, full_url: str) -> str:
    def replaced(link: re.Match[str]) -> str:
        target = links.target(link[3], full_url)
        return link[0] if target is None else f"{link[1]}{link[2]}{target}{link[2]}"

    return _LINK.sub(replaced, text)


@cache
def _is_link(shape: str, name: str) -> bool:
    if shape == "Reference" and name == "reference":
        return True
    child = shape_of(shape).children.get(name)
    # Extension.url names a definition, and fullUrl the entry itself: neither is a link to an instance.
    return (
        child is not None
        and child.type in _REPLACED
        and child.path not in {"Extension.url", "Bundle.entry.fullUrl"}
    )


def _type_of(shape: str, name: str, value: dict[str, Any]) -> str | None:
    declared = _declared(shape, name)
    return value.get("resourceType") if declared == "Resource" else declared


@cache
def _declared(shape: str, name: str) -> str | None:
    if name.startswith("_"):
        return "Element"
    child = shape_of(shape).children.get(name)
    return None if child is None else child.type
