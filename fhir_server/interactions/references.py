"""What a resource points to: the local resources that must exist.

A reference is local when it is relative (`Patient/1`) or absolute below the server's own base. Everything else is
somebody else's: kept, never checked.

https://hl7.org/fhir/R4/references.html
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Any

from fhir_server.definitions.catalogue import resource_types
from fhir_server.definitions.targets import local_key
from fhir_server.kernel.errors import Unprocessable
from fhir_server.kernel.keys import Key
from fhir_server.kernel.wire import Tree

# Bundles carry other resources: what these point to is the business of whoever takes the Bundle apart.
_CLOSED = frozenset({"Bundle", "Parameters"})
# https://hl7.org/fhir/R4/http.html#transaction: `Patient?identifier=…`
_CONDITIONAL = re.compile(r"([A-Z][A-Za-z]+)\?(.*)", re.DOTALL)


def references_in(tree: Tree) -> list[tuple[dict[str, Any], str]]:
    """Every Reference with a literal `reference`, contained resources and extensions included."""
    found: list[tuple[dict[str, Any], str]] = []
    _gather(tree, found)
    return found


def _gather(node: Any, found: list[tuple[dict[str, Any], str]]) -> None:
    if type(node) is dict:
        for name, value in node.items():
            kind = type(value)
            if kind is dict or kind is list:
                _gather(value, found)
            elif name == "reference" and kind is str:
                found.append((node, value))
    else:
        for value in node:
            kind = type(value)
            if kind is dict or kind is list:
                _gather(value, found)


def conditional_in(literal: str) -> tuple[str, str] | None:
    """The type and the criteria of a conditional reference (`Patient?identifier=…`), or None of any other."""
    found = _CONDITIONAL.match(literal)
    return None if found is None or found[1] not in resource_types() else (found[1], found[2])


def targets_of(tree: Tree, base: str, *, stored: bool = False) -> tuple[Key, ...]:
    """The local resources that `tree` refers to, each once. Empty for Bundle and Parameters.

    Raises `Unprocessable` for a conditional reference, unless `tree` is `stored` already (without integrity, anything
    may be): a transaction has replaced its own, elsewhere there are none.
    """
    if tree["resourceType"] in _CLOSED:
        return ()
    found: dict[Key, None] = {}
    for _, literal in references_in(tree):
        key = local_key(literal, (base,))
        if key is not None:
            found[key] = None
        elif not stored and conditional_in(literal) is not None:
            raise Unprocessable(
                "A conditional reference works in a transaction only; Type/id would be right here",
                next(_places_of(tree, literal, tree["resourceType"]), tree["resourceType"]),
                code="value",
            )
    return tuple(found)


def attachments_of(tree: Tree, base: str) -> tuple[Key, ...]:
    """The Binaries of this server that Attachments of `tree` name by their URL, each once, sorted.

    https://hl7.org/fhir/R4/datatypes.html#attachment
    """
    found: set[Key] = set()
    _attached(tree, base, found)
    return tuple(sorted(found))


def _attached(node: Any, base: str, found: set[Key]) -> None:
    for name, value in node.items() if type(node) is dict else enumerate(node):
        kind = type(value)
        if kind is dict or kind is list:
            _attached(value, base, found)
        elif name == "url" and kind is str and "Binary/" in value:
            key = local_key(value, (base,))
            if key is not None and key.type == "Binary":
                found.add(key)


def _places_of(value: Any, literal: str, place: str) -> Iterator[str]:
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _places_of(item, literal, f"{place}[{index}]")
    elif isinstance(value, dict):
        if value.get("reference") == literal:
            yield f"{place}.reference"
        for name, item in value.items():
            if isinstance(item, dict | list):
                yield from _places_of(item, literal, f"{place}.{name}")


def places_of(value: Any, wanted: Collection[Key], base: str, place: str) -> Iterator[tuple[Key, str]]:
    """Where `value`, which lies at `place`, refers to one of `wanted`: for an error text, not for the hot path."""
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from places_of(item, wanted, base, f"{place}[{index}]")
    elif isinstance(value, dict):
        literal = value.get("reference")
        if isinstance(literal, str) and (key := local_key(literal, (base,))) in wanted and key is not None:
            yield key, f"{place}.reference"
        for name, item in value.items():
            if isinstance(item, dict | list):
                yield from places_of(item, wanted, base, f"{place}.{name}")
