"""What resources refer to, and what that refers to in turn: practitioners, organisations, medications, attachments …

And the Provenance of the resources, which refers to them. Of a person's record only what is nobody's comes along; what
is about another patient does not, whoever refers to it.

https://hl7.org/fhir/R4/patient-operation-everything.html
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sized
from dataclasses import replace
from typing import Any

from fhir_server.definitions.parameters import parameters_of
from fhir_server.definitions.targets import local_key
from fhir_server.kernel.errors import Unprocessable
from fhir_server.kernel.keys import Key
from fhir_server.kernel.wire import Tree, decode
from fhir_server.search.query import Ids, Name, Query, References
from fhir_server.store.contract import Reader, Stored

MOST = 10_000  # resources that are gathered for one answer
_SLICE = 500  # ids in one search


def links_in(tree: Tree, base: str) -> set[Key]:
    """The local resources that `tree` refers to, and the Binaries that its attachments are."""
    found: set[Key] = set()
    _gather(tree, base, found)
    return found


def _gather(node: Any, base: str, found: set[Key]) -> None:
    if isinstance(node, list):
        for item in node:
            _gather(item, base, found)
    elif isinstance(node, dict):
        for name, value in node.items():
            if isinstance(value, dict | list):
                _gather(value, base, found)
            elif name in {"reference", "url"} and isinstance(value, str):
                key = local_key(value, (base,))
                if key is not None and (name == "reference" or key.type == "Binary"):
                    found.add(key)


async def fetched(reader: Reader, keys: Iterable[Key]) -> list[Stored]:
    """The live ones among `keys`, sorted by key."""
    ids: dict[str, list[str]] = defaultdict(list)
    for key in sorted(keys):
        ids[key.type].append(key.id)
    found: list[Stored] = []
    for name, several in ids.items():
        for start in range(0, len(several), _SLICE):
            some = tuple(several[start : start + _SLICE])
            page = await reader.search(Query((name,), (Ids(some),), count=len(some), total="none"))
            found += page.items
    return sorted(found, key=lambda stored: stored.key)


async def provenances(reader: Reader, keys: Iterable[Key]) -> set[Key]:
    """Where the resources come from: the Provenances that have one of `keys` as a target."""
    name = Name("Provenance", parameters_of("Provenance")["target"].rows)
    found, targets = set[Key](), sorted(keys)
    for start in range(0, len(targets), _SLICE):
        some = References(name, tuple(targets[start : start + _SLICE]))
        query = Query(("Provenance",), (some,), count=_SLICE, total="none")
        while True:
            page = await reader.search(query)
            found |= {stored.key for stored in page.items}
            require_few(found)
            if not page.next:
                break
            query = replace(query, cursor=page.next)
    return found


async def supporting(
    reader: Reader, links: Iterable[Key], known: Iterable[Key], base: str, comes: Callable[[Tree], bool]
) -> list[Stored]:
    """What `links` lead to, one by one and step by step, sorted by key; none of `known`, and only what `comes` along.

    Raises `Unprocessable` when there are too many.
    """
    seen, frontier, found = {*known}, {*links}, list[Stored]()
    while frontier := frontier - seen:
        seen |= frontier
        step, frontier = await fetched(reader, frontier), set()
        for stored in step:
            tree = decode(stored.body)
            if comes(tree):
                found.append(stored)
                frontier |= links_in(tree, base)
        require_few(found)
    return sorted(found, key=lambda stored: stored.key)


def require_few(found: Sized) -> None:
    """Raises `Unprocessable`."""
    if len(found) > MOST:
        raise Unprocessable(
            f"The answer would hold more than {MOST:,} resources that others refer to; ask for fewer types",
            code="too-costly",
        )
