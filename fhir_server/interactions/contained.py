"""Contained resources as matches of their own: what `_containedType=contained` shows of the resources found.

The store finds containers. Which of the resources in one are meant is judged here, on the resources; what only other
resources could tell (a chain's end) was told by the store already.

https://hl7.org/fhir/R4/search.html#contained
"""

from __future__ import annotations

from collections.abc import Iterable

from fhir_server.interactions.bundles import Match
from fhir_server.interactions.call import Server
from fhir_server.kernel.keys import Key
from fhir_server.kernel.wire import Tree, decode, encode
from fhir_server.search.alone import is_told_alone
from fhir_server.search.match import matches
from fhir_server.search.parse import Inside
from fhir_server.search.query import Query
from fhir_server.store.contract import Stored


def shown_inside(items: Iterable[Stored], inside: Inside, server: Server, base: str) -> list[Stored | Match]:
    """The contained resources of `items` that match, and, where both are asked for, the items that do themselves."""
    found: list[Stored | Match] = []
    for stored in items:
        tree = decode(stored.body)
        if inside.mode == "both" and _meets(tree, stored, inside, server, base):
            found.append(stored)
        for inner in tree.get("contained", ()):
            if _meets(inner, stored, inside, server, base):
                found.append(Match(f"{base}/{stored.key}#{inner.get('id', '')}", encode(inner)))
    return found


def _meets(tree: Tree, stored: Stored, inside: Inside, server: Server, base: str) -> bool:
    """Whether one resource, the item or one in it, is what was asked for."""
    kind = tree["resourceType"]
    if kind not in inside.types:
        return False
    query = Query((kind,), tuple(one for one in inside.where if is_told_alone(one)))
    return matches(
        query,
        server.extract(tree, base),
        key=Key(kind, tree.get("id", "")),
        updated=stored.updated,
        hasher=server.store.hasher,
        tree=tree,
        parameters=server.parameters,
    )
