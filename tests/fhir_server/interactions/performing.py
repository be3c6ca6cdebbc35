"""Calls in the words of tests: an engine over a store, asked by hand, and what it must refuse."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import pytest

from fhir_server.app import server_of
from fhir_server.engine import Engine
from fhir_server.interactions.call import Action, Call, Conditions, Reply
from fhir_server.kernel.errors import FhirError
from fhir_server.kernel.keys import Key
from fhir_server.kernel.wire import Tree, decode, encode
from fhir_server.settings import Settings
from fhir_server.store.contract import ResourceStore
from fhir_server.validation.validator import check
from tests.builders import bundle

BASE = "https://fhir.example.org/fhir"
JSON_PATCH = "application/json-patch+json"
FHIR_JSON = "application/fhir+json"

Test = TypeVar("Test", bound=Callable[..., Any])


def both(test: Test) -> Test:
    """Run a test on the store in memory and on the one on PostgreSQL."""
    stores = pytest.mark.parametrize("perform", ["memory", "postgres"], indirect=True)
    marked: Test = pytest.mark.asyncio(loop_scope="session")(stores(test))
    return marked


class Performer:
    """Performs calls on one store. Keywords that are no part of a Call are conditions (`if_match=…`)."""

    def __init__(self, store: ResourceStore, **settings: Any) -> None:
        self.store = store
        self.server = server_of(store, Settings(**settings))
        self.engine = Engine(self.server)

    def with_settings(self, **settings: Any) -> Performer:
        """Another server on the same store."""
        return Performer(self.store, **settings)

    async def __call__(
        self,
        action: Action,
        type: str | None = None,
        id: str | None = None,
        *,
        tree: Tree | None = None,
        body: bytes = b"",
        media_type: str = FHIR_JSON,
        version: str | None = None,
        query: str = "",
        compartment: Key | None = None,
        files: tuple[str, ...] = (),
        base: str = BASE,
        **conditions: Any,
    ) -> Reply:
        call = Call(
            action,
            type,
            id,
            version,
            query,
            body if tree is None else encode(tree),
            media_type,
            conditions=Conditions(**conditions),
            compartment=compartment,
            files=files,
            base=base,
        )
        return await self.perform(call)

    async def perform(self, call: Call) -> Reply:
        return await self.engine.perform(call)

    async def create(self, tree: Tree, **rest: Any) -> Reply:
        return await self(Action.CREATE, tree["resourceType"], tree=tree, **rest)

    async def made(self, tree: Tree) -> Key:
        """The key of a new resource."""
        reply = await self.create(tree)
        assert reply.status == 201
        assert reply.key is not None
        return reply.key

    async def put(self, tree: Tree, id: str | None = None, **rest: Any) -> Reply:
        """An update; of the id that `tree` has, unless another one or a query is given."""
        own = None if "query" in rest else tree.get("id")
        return await self(Action.UPDATE, tree["resourceType"], id or own, tree=tree, **rest)

    async def delete(self, key: Key, **rest: Any) -> Reply:
        return await self(Action.DELETE, *key, **rest)

    async def patch(self, key: Key, operations: Any, **rest: Any) -> Reply:
        """By JSON Patch."""
        return await self(Action.PATCH, *key, body=encode(operations), media_type=JSON_PATCH, **rest)

    async def at(self, key: Key, version: int | None = None) -> Tree:
        """The resource at rest."""
        stored = await self.store.read(key, version)
        assert stored is not None, key
        assert not stored.deleted, key
        return decode(stored.body)

    async def is_gone(self, key: Key) -> bool:
        stored = await self.store.read(key)
        return stored is not None and stored.deleted

    async def count(self, type: str, query: str = "") -> int:
        found = await self.search(type, f"{query}&_summary=count")
        total: int = found["total"]
        return total

    async def search(self, type: str, query: str = "", **rest: Any) -> Tree:
        return decode((await self(Action.SEARCH, type, query=query, **rest)).body)

    async def history(self, type: str | None = None, id: str | None = None, **rest: Any) -> Tree:
        return decode((await self(Action.HISTORY, type, id, **rest)).body)

    async def batch(self, *entries: Tree, **rest: Any) -> list[Tree]:
        """The entries of the response."""
        return await self._bundle("batch", entries, rest)

    async def transaction(self, *entries: Tree, **rest: Any) -> list[Tree]:
        """The entries of the response."""
        return await self._bundle("transaction", entries, rest)

    async def _bundle(self, type: str, entries: tuple[Tree, ...], rest: dict[str, Any]) -> list[Tree]:
        reply = await self(Action.BUNDLE, tree=bundle(type, *entries), **rest)
        assert reply.status == 200
        response = decode(reply.body)
        assert check(response) == []
        assert response["type"] == f"{type}-response"
        listed: list[Tree] = response.get("entry", [])
        assert len(listed) == len(entries)
        return listed


@contextmanager
def refused(status: int | set[int], code: str = "", *places: str) -> Iterator[list[str]]:
    """The block raises a refusal of this status, issue code and expressions. Gives the texts, once it has."""
    texts: list[str] = []
    with pytest.raises(FhirError) as caught:
        yield texts
    error = caught.value
    assert error.status in (status if isinstance(status, set) else {status}), (error, error.issues)
    if code:
        assert {issue.code for issue in error.issues} == {code}
    if places:
        assert tuple(issue.expression for issue in error.issues) == places
    texts += [issue.text for issue in error.issues]


def statuses(entries: list[Tree]) -> list[str]:
    """`201`, `204` … of the entries of a response."""
    return [entry["response"]["status"][:3] for entry in entries]


def key_in(entry: Tree) -> Key:
    """The resource that an entry of a response is about, by its location."""
    return Key(*entry["response"]["location"].split("/")[:2])
