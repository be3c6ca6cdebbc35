"""A server that knows its callers lets nobody in before it is open or after it is closed, and traces the rest."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import httpx
import orjson
import pytest
from fastapi import FastAPI

from fhir_server.access.caller import ANYONE
from fhir_server.access.matrix import shipped_matrix
from fhir_server.admitting import Door, authority_of
from fhir_server.interactions.call import Change
from fhir_server.kernel.errors import Throttled, Unauthenticated, Unavailable
from fhir_server.kernel.keys import Key
from fhir_server.kernel.times import now
from fhir_server.kernel.trace import REFUSED, TraceQuery
from fhir_server.settings import Settings
from fhir_server.store.postgres import PostgresStore
from tests.circles import NURSE
from tests.flows.callers import Issuer, numbered
from tests.guarded import DIRECTORY, Guarded

SCOPE: Final = {"type": "http", "path": "/fhir/Patient", "client": ("192.0.2.1", 4711)}


def settings(*issuers: Issuer, **more: Any) -> Settings:
    return Settings(**{"auth": {"mode": "tokens", "issuers": [one.settings for one in issuers]}, **more})


@pytest.fixture
async def store(url: str) -> AsyncIterator[PostgresStore]:
    opened = await PostgresStore.open(url)
    yield opened
    await opened.close()


async def traced(store: PostgresStore) -> list[dict[str, Any]]:
    """What the log says of refusals."""
    page = await store.audit.search(TraceQuery(0, now() + 1, outcomes=(REFUSED,)))
    return [orjson.loads(one.data) for one in page.items]


def test_a_server_without_authentication_asks_nobody_about_rights() -> None:
    assert authority_of(Settings()) is None


@pytest.mark.parametrize(
    ("named", "released"),
    [
        ((), ()),
        (
            ("Organization/ssiad", "Organization/dac"),
            (Key("Organization", "dac"), Key("Organization", "ssiad")),
        ),
    ],
)
def test_the_policy_is_the_shipped_one_with_the_notes_that_are_released(
    named: tuple[str, ...], released: tuple[Key, ...]
) -> None:
    authority = authority_of(settings(access={"released_notes": named}))

    assert authority is not None
    assert authority.policy.matrix.version == shipped_matrix().version
    assert authority.policy.released == released


@pytest.mark.parametrize("public", [False, True])
async def test_nobody_comes_in_before_the_database_is_open_or_after_the_end(
    store: PostgresStore, *, public: bool
) -> None:
    door = Door(settings())

    with pytest.raises(Unavailable, match="starting"):
        await door.caller_of(SCOPE, {}, public=public)
    await door.open(store)
    await door.close()
    with pytest.raises(Unavailable, match="starting"):
        await door.caller_of(SCOPE, {}, public=public)


async def test_a_door_that_was_never_opened_is_closed_without_a_word() -> None:
    door = Door(settings())

    await door.close()

    with pytest.raises(Unavailable):
        await door.caller_of(SCOPE, {})


async def test_clients_learn_where_to_ask_for_tokens_at_once_and_get_them_later() -> None:
    app = FastAPI()
    app.include_router(Door(settings()).routes)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=app), base_url="http://test.example"
    ) as client:
        configuration = await client.get("/fhir/.well-known/smart-configuration")
        token = await client.post("/fhir/auth/token", data={"grant_type": "client_credentials"})

    assert configuration.json()["token_endpoint"] == "http://test.example/fhir/auth/token"
    assert (token.status_code, token.json()["error"]) == (503, "temporarily_unavailable")
    assert token.headers["retry-after"] == "1"


async def test_whoever_has_no_token_is_traced_and_what_is_public_is_not(store: PostgresStore) -> None:
    door = Door(settings())
    await door.open(store)

    assert await door.caller_of(SCOPE, {}, public=True) == ANYONE
    assert await traced(store) == []
    with pytest.raises(Unauthenticated) as caught:
        await door.caller_of(SCOPE, {})
    [trace] = await traced(store)
    await door.close()

    assert (trace["kind"], trace["address"], trace["rule"]) == ("login", "192.0.2.1", str(caught.value))


async def test_whoever_comes_too_often_is_traced(store: PostgresStore) -> None:
    door = Door(settings(limits={"address_per_second": 0.001, "address_burst": 1}, workers=1))
    await door.open(store)

    await door.caller_of(SCOPE, {}, public=True)
    with pytest.raises(Throttled) as caught:
        await door.caller_of(SCOPE, {}, public=True)
    [trace] = await traced(store)
    await door.close()

    assert (trace["address"], trace["rule"]) == ("192.0.2.1", str(caught.value))


async def test_callers_are_looked_up_again_when_the_directory_is_written_and_not_for_anything_else(
    store: PostgresStore, tmp_path: Path
) -> None:
    issuer = Issuer(tmp_path)
    door = Door(settings(issuer))
    await door.open(store)
    headers = {b"authorization": b"Bearer " + issuer.token(NURSE).encode()}

    async def actors() -> tuple[Key, ...]:
        return (await door.caller_of(SCOPE, headers)).actors

    assert await actors() == ()
    for tree in DIRECTORY:
        if tree["id"] in {"nurse", "ssiad"}:
            await Guarded(store).put(numbered(tree))
    for type_, known in (("Observation", False), ("Patient", False), ("PractitionerRole", True)):
        door.noticed([Change(Key(type_, "nurse"), 1, "PUT", {})])
        assert (Key("PractitionerRole", "nurse") in await actors()) is known, type_
    await door.close()
