"""Which resource each entry of a transaction is about: settled before anything is written, as if done in FHIR's order.

A condition sees the store without what the transaction deletes, and with what its other entries create. What is left
are plain calls on ids, no two of which are about the same resource.

https://hl7.org/fhir/R4/http.html#trules
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from fhir_server.definitions.parameters import Parameters
from fhir_server.interactions.call import Action, Reply, Server
from fhir_server.interactions.conditional import many, require_alone, type_of
from fhir_server.interactions.delete import MOST_AT_ONCE, require_deletable
from fhir_server.interactions.entries import Entry, placed, sliced
from fhir_server.interactions.own import Own
from fhir_server.kernel.errors import Conflict, FhirError, Malformed, NotFound
from fhir_server.kernel.keys import Key, is_id
from fhir_server.search.parse import criteria_of
from fhir_server.search.query import Query
from fhir_server.store.contract import Stored, Transaction

_CONDITIONAL = frozenset({Action.UPDATE, Action.PATCH, Action.DELETE})


def criteria_in(entries: Sequence[Entry], parameters: Parameters) -> dict[int, Query]:
    """The criteria of the conditional entries, by index. Raises `Malformed` with the place."""
    found = {}
    for entry in entries:
        call, criteria = entry.call, ""
        if call.action is Action.CREATE:
            criteria = call.conditions.if_none_exist
            place = f"{entry.place}.request.ifNoneExist"
        elif call.action in _CONDITIONAL and call.id is None:
            criteria = call.query
            place = f"{entry.place}.request.url"
        else:
            continue
        assert call.type is not None, "these actions have an address with a type"
        if criteria or call.action is not Action.CREATE:
            try:
                found[entry.index] = query = criteria_of(call.type, criteria, call.base, parameters)
                require_alone(query)
            except FhirError as error:
                raise placed(error, place) from error
    return found


async def settle(
    entries: Sequence[Entry], criteria: Mapping[int, Query], tx: Transaction, server: Server
) -> None:
    """Give every entry the id that it is about, or its answer where there is nothing left to do.

    `criteria` have been guarded. Raises a `FhirError` with the place.
    """
    settling = _Settling(criteria, tx, server, Own(server, await tx.stamp()))
    # What conditions must know of comes first: deletions, creations, then the updates that name their id.
    order = sorted(entries, key=lambda e: (e.rank, e.rank > 1 and e.index in criteria))
    async for entry in sliced(order):
        await settling.settle(entry)
    _refuse_twice(entries)


@dataclass(slots=True)
class _Settling:
    criteria: Mapping[int, Query]
    tx: Transaction
    server: Server
    own: Own
    types: set[str] = field(init=False)  # that the criteria ask for
    creators: dict[Key, int] = field(default_factory=dict)  # who makes what is in `own`: the entry's index
    gone: set[Key] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.types = {type_of(query) for query in self.criteria.values()}

    async def settle(self, entry: Entry) -> None:
        query = self.criteria.get(entry.index)
        action = entry.call.action
        if action is Action.DELETE:
            if query is not None:
                await self._delete(entry, query)
            self.gone.update(entry.identities)
        elif action is Action.CREATE:
            await self._create(entry, query)
        elif action is Action.UPDATE and query is not None:
            await self._update(entry, query)
        elif action is Action.PATCH and query is not None:
            await self._patch(entry, query)
        self._remember(entry)

    def _remember(self, entry: Entry) -> None:
        """Let the conditions of other entries see what this one will write."""
        call = entry.call
        if entry.answered or call.type not in self.types or call.action not in {Action.CREATE, Action.UPDATE}:
            return
        assert call.type is not None
        assert call.id is not None
        assert call.tree is not None
        try:
            self.own.add(Key(call.type, call.id), call.tree, call.base)
        except FhirError as error:
            raise placed(error, entry.place) from error
        self.creators[Key(call.type, call.id)] = entry.index

    async def _create(self, entry: Entry, query: Query | None) -> None:
        call = entry.call
        if query is not None:
            found = [one for one in await self._search(query, 2 + len(self.gone)) if one.key not in self.gone]
            own = self.own.matching(query)
            if len(found) + len(own) > 1:
                raise placed(many(type_of(query)), f"{entry.place}.request.ifNoneExist")
            for stored in found:
                entry.call = replace(call, id=stored.key.id)
                entry.answer = Reply(200, stored.body, stored.key, stored.version, stored.updated)
                return
            for key in own:
                entry.call = replace(call, id=key.id)
                entry.made_by = self.creators[key]
                return
        conditions = call.conditions
        if conditions.if_none_exist:
            conditions = replace(conditions, if_none_exist="")
        entry.call = replace(call, id=self.server.store.new_id(), conditions=conditions)

    async def _update(self, entry: Entry, query: Query) -> None:
        tree = entry.call.tree
        assert tree is not None
        given = tree.get("id")
        key = await self._the_one(entry, query)
        if key is not None:
            if given is not None and given != key.id:
                raise Malformed(
                    f"The criteria match {key}, and the entry's resource has another id",
                    f"{entry.place}.resource.id",
                )
            tree["id"] = key.id
        elif given is None:
            key = Key(type_of(query), self.server.store.new_id())
            tree["id"] = key.id
            entry.promised = True
        else:
            key = await self._given(entry, type_of(query), given)
        entry.call = replace(entry.call, id=key.id, query="")

    async def _given(self, entry: Entry, type: str, id: object) -> Key:
        """The key that the resource of a conditional update names, and that nobody has yet."""
        place = f"{entry.place}.resource.id"
        if not isinstance(id, str) or not is_id(id):
            raise Malformed(
                "Not an id: 1 to 64 of A-Z, a-z, 0-9, '-' and '.' would be right", place, code="value"
            )
        key = Key(type, id)
        current = await self.tx.lock(key)
        if current is not None and not current.deleted:
            raise Conflict(f"Nothing matches the criteria, and {key} exists and does not match them", place)
        return key

    async def _patch(self, entry: Entry, query: Query) -> None:
        key = await self._the_one(entry, query)
        if key is None:
            raise NotFound(f"No {type_of(query)} matches the criteria", f"{entry.place}.request.url")
        entry.call = replace(entry.call, id=key.id, query="")

    async def _delete(self, entry: Entry, query: Query) -> None:
        found = await self._search(query, MOST_AT_ONCE + 1)
        try:
            require_deletable(found, type_of(query), self.server)
        except FhirError as error:
            raise placed(error, f"{entry.place}.request.url") from error
        entry.matched = tuple(stored.key for stored in found)

    async def _the_one(self, entry: Entry, query: Query) -> Key | None:
        found = {stored.key for stored in await self._search(query, 2)} | self.own.matching(query)
        if len(found) > 1:
            raise placed(many(type_of(query)), f"{entry.place}.request.url")
        return found.pop() if found else None

    async def _search(self, query: Query, most: int) -> Sequence[Stored]:
        return (await self.tx.search(replace(query, count=most, total="none"))).items


def _refuse_twice(entries: Sequence[Entry]) -> None:
    """One identity, one entry: else the order of entries would matter. https://hl7.org/fhir/R4/http.html#trules"""
    seen: dict[Key, int] = {}
    urls: set[str] = set()
    for entry in entries:
        if not entry.writes:
            continue
        if entry.full_url:
            if entry.full_url in urls:
                raise Malformed("Two entries have this fullUrl", f"{entry.place}.fullUrl", code="duplicate")
            urls.add(entry.full_url)
        if entry.answered:
            continue
        for key in entry.identities:
            if key in seen:
                both = f"Entries {seen[key]} and {entry.index}"
                raise Malformed(
                    f"{both} are about the same resource; a transaction names each once",
                    entry.place,
                    code="duplicate",
                )
            seen[key] = entry.index
