"""What a resource points to: the local resources that must exist.

A reference is local when it is relative (`Patient/1`) or absolute below the server's own base. Everything else is
somebody else's: kept, never checked.

https://hl7.org/fhir/R4/references.html
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from fhir_server.definitions.targets import local_key
from fhir_server.kernel.keys import Key
from fhir_server.kernel.wire import Tree

# Bundles carry other resources: what these point to is the business of whoever takes the Bundle apart.
_CLOSED = frozenset({"Bundle", "Parameters"})


def references_in(tree: Tree) -> Iterator[tuple[dict[str, Any], str]]:
    """Every Reference with a literal `reference`, contained resources and extensions included."""
    waiting: list[Any] = [tree]
    while waiting:
        node = waiting.pop()
        if type(node) is dict:
            literal = node.get("reference")
            if type(literal) is str:
                yield node, literal
            waiting.extend(value for value in node.values() if type(value) is dict or type(value) is list)
        else:
            waiting.extend(value for value in node if type(value) is dict or type(value) is list)


def targets_of(tree: Tree, base: str) -> tuple[Key, ...]:
    """The local resources that `tree` refers to, each once. Empty for Bundle and Parameters."""
    if tree["resourceType"] in _CLOSED:
        return ()
    found: dict[Key, None] = {}
    for _, literal in references_in(tree):
        key = local_key(literal, (base,))
        if key is not None:
            found[key] = None
    return tuple(found)


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
