"""Links inside a transaction: `urn:uuid` and relative references become the ids that the server chose.

Replaced in elements of type Reference, uri, url, oid and uuid, and in the links of narratives; never in canonicals.

https://hl7.org/fhir/R4/http.html#trules · https://hl7.org/fhir/R4/bundle.html#references
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from uuid import UUID

from fhir_server.definitions.elements import resource_types, shape_of
from fhir_server.definitions.targets import local_key
from fhir_server.kernel.keys import Key
from fhir_server.kernel.wire import Tree

_REPLACED = frozenset({"uri", "url", "oid", "uuid"})
# https://hl7.org/fhir/R4/bundle.html#fullurl: a RESTful fullUrl, [base]/Type/id
_RESTFUL = re.compile(r"(https?://.*/)[A-Z][A-Za-z]+/[A-Za-z0-9\-.]{1,64}\Z", re.DOTALL)
_HISTORY = "/_history/"
_LINK = re.compile(r"""(\s(?:href|src)\s*=\s*)(["'])(.*?)\2""", re.DOTALL)


class Links:
    """fullUrl → key of every entry that a transaction writes, and the versions that are known already."""

    __slots__ = ("_keys", "_versions")

    def __init__(self, keys: Mapping[str, Key], versions: Mapping[Key, int] | None = None) -> None:
        self._keys = keys
        self._versions = versions or {}

    def __bool__(self) -> bool:
        return bool(self._keys)

    def target(self, text: str, root: str) -> str | None:
        """What `text` becomes when it points to an entry; None when it does not.

        `root` is where relative links of its entry start: `https://x.example/fhir/`, or empty. A reference to a version
        stays one. It becomes the version that is made here, where that is known.
        """
        found = self._key(text, root)
        if found is not None:
            return str(found)
        if _HISTORY in text:
            unversioned, _, version = text.rpartition(_HISTORY)
            found = self._key(unversioned, root)
            if found is not None:
                return f"{found}{_HISTORY}{self._versions.get(found, version)}"
        return None

    def _key(self, text: str, root: str) -> Key | None:
        found = self._keys.get(text)
        return self._keys.get(root + text) if found is None and root else found


def rewrite(tree: Tree, links: Links, full_url: str) -> None:
    """Replace, in place, every link of `tree` to an entry of the transaction by `Type/id`.

    Nobody has judged the tree yet: what is of no type that R4 knows is left alone, and refused later.
    """
    if links and (resource_type := _resource_type(tree)) is not None:
        restful = _RESTFUL.match(full_url)
        _inside(tree, resource_type, links, restful[1] if restful else "")


def _inside(node: dict[str, Any], shape: str, links: Links, root: str) -> None:
    for name, value in node.items():
        if type(value) is str:
            # Most strings are no links: ask for the element's type only on a hit.
            if name == "div":
                node[name] = _narrative(value, links, root)
            elif (target := links.target(value, root)) is not None and _is_link(shape, name):
                node[name] = target
        elif type(value) is dict:
            if (inner := _type_of(shape, name, value)) is not None:
                _inside(value, inner, links, root)
        elif type(value) is list:
            _items(value, shape, name, links, root)


def _items(items: list[Any], shape: str, name: str, links: Links, root: str) -> None:
    for place, item in enumerate(items):
        if type(item) is dict:
            if (inner := _type_of(shape, name, item)) is not None:
                _inside(item, inner, links, root)
        elif type(item) is str and (target := links.target(item, root)) is not None and _is_link(shape, name):
            items[place] = target


def _narrative(text: str, links: Links, root: str) -> str:
    def replaced(link: re.Match[str]) -> str:
        target = links.target(link[3], root)
        return link[0] if target is None else f"{link[1]}{link[2]}{target}{link[2]}"

    return _LINK.sub(replaced, text)


@lru_cache(maxsize=16384)  # nobody has judged the names yet: there may be endlessly many
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
    return _resource_type(value) if declared == "Resource" else declared


def _resource_type(tree: Tree) -> str | None:
    found = tree.get("resourceType")
    return found if isinstance(found, str) and found in resource_types() else None


@lru_cache(maxsize=16384)  # nobody has judged the names yet: there may be endlessly many
def _declared(shape: str, name: str) -> str | None:
    if name.startswith("_"):
        return "Element"
    child = shape_of(shape).children.get(name)
    return None if child is None else child.type


def without_linked_urns(value: Any) -> Any:
    """`value` with a urn again where a transaction put `Type/id` into an oid or uuid, as the specification asks.

    Such an element breaks the rule of its type, and is to be judged as if it did not. `value` itself when it has none.
    """
    if type(value) is list:
        items = [without_linked_urns(item) for item in value]
        return items if any(new is not old for new, old in zip(items, value, strict=True)) else value
    if type(value) is not dict:
        return value
    plain = {name: _urn(name, without_linked_urns(item)) for name, item in value.items()}
    return plain if any(plain[name] is not item for name, item in value.items()) else value


def _urn(name: str, item: Any) -> Any:
    # In R4 only a choice (`valueUuid`, `defaultValueOid`) is of these types.
    if type(item) is str and name.endswith(("Uuid", "Oid")) and local_key(item) is not None:
        return f"urn:uuid:{UUID(int=0)}" if name.endswith("Uuid") else "urn:oid:1.2"
    return item
