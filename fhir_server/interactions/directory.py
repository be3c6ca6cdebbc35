"""Who is who among the actors that the directory or an operator wrote: from national identifiers to resources.

Actors that clients wrote stand for nobody, whatever they say.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Final

from fhir_server.definitions.targets import local_key
from fhir_server.kernel.keys import Key
from fhir_server.kernel.wire import Tree, decode
from fhir_server.search.query import Ids, Name, Predicate, Query, References, Tokens, TokenValue
from fhir_server.search.sight import Label
from fhir_server.store.contract import ResourceStore

_MOST: Final = 100  # resources that one person may be
_DEEP: Final = 10  # organisations above one another

Identifier = tuple[str, str]


class StoreDirectory:
    """See `access.identity.Directory`."""

    def __init__(self, store: ResourceStore) -> None:
        self._store = store

    async def actors_of(self, identifiers: Sequence[Identifier]) -> tuple[Key, ...]:
        if not identifiers:
            return ()
        # Nobody has said of their systems that case matters: see `search/cases.py`.
        values = tuple(TokenValue(system, value.casefold(), folded=True) for system, value in identifiers)
        people = await self._with("Practitioner", Tokens(Name("Practitioner", "identifier"), values))
        places = await self._with("Organization", Tokens(Name("Organization", "identifier"), values))
        roles: dict[Key, Tree] = {}
        if people and places:
            roles = await self._with(
                "PractitionerRole",
                References(Name("PractitionerRole", "practitioner"), tuple(people)),
                References(Name("PractitionerRole", "organization"), tuple(places)),
            )
        active = [key for key, tree in roles.items() if tree.get("active") is not False]
        above = await self._above(places)
        return tuple(dict.fromkeys((*active, *people, *places, *above)))

    async def codes_of(self, actors: Sequence[Key]) -> tuple[Identifier, ...]:
        ids = tuple(actor.id for actor in actors if actor.type == "PractitionerRole")
        roles = await self._with("PractitionerRole", Ids(ids)) if ids else {}
        return tuple(chain.from_iterable(map(_codes_in, roles.values())))

    async def organisations_of(self, organisation: Key) -> tuple[Key, ...]:
        """An organisation and those that it is part of; empty when it is not verified."""
        found = await self._with("Organization", Ids((organisation.id,)))
        return (*found, *await self._above(found))

    async def _above(self, places: dict[Key, Tree]) -> list[Key]:
        """The organisations that these are part of, from the nearest on."""
        found: dict[Key, None] = {}
        step = places
        for _ in range(_DEEP):
            parents = tuple(
                key.id
                for tree in step.values()
                if (key := local_key(tree.get("partOf", {}).get("reference", "")))
                and key.type == "Organization"
                and key not in found
                and key not in places
            )
            if not parents:
                break
            step = await self._with("Organization", Ids(parents))
            found.update(dict.fromkeys(step))
        return list(found)

    async def _with(self, type: str, *where: Predicate) -> dict[Key, Tree]:
        """The verified resources of a type that meet the criteria."""
        page = await self._store.search(Query((type,), where, count=_MOST, total="none"))
        stamps = await self._store.stamps([stored.key for stored in page.items])
        verified = {key for key, stamp in stamps.items() if stamp.labels & Label.VERIFIED}
        return {stored.key: decode(stored.body) for stored in page.items if stored.key in verified}


def _codes_in(tree: Tree) -> Iterator[Identifier]:
    for concept in tree.get("code", ()):
        for coding in concept.get("coding", ()):
            if "code" in coding:
                yield coding.get("system", ""), coding["code"]
