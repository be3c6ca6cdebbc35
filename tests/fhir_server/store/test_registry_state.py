"""Definitions that one process uploads, as the others know them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import psycopg
import pytest

from fhir_server.kernel.keys import Key
from fhir_server.kernel.wire import Tree, encode
from fhir_server.search.entries import Entries
from fhir_server.store import telling, watch
from fhir_server.store.contract import Draft, Method
from fhir_server.store.postgres import PostgresStore
from fhir_server.store.telling import HEARD_LOCKS

URL = "https://example.org/ValueSet/colours"


@pytest.fixture
async def stores(url: str) -> AsyncIterator[tuple[PostgresStore, PostgresStore]]:
    one, other = await PostgresStore.open(url), await PostgresStore.open(url)
    yield one, other
    await one.close()
    await other.close()


def value_set(title: str = "", **elements: str) -> Tree:
    return {"resourceType": "ValueSet", "status": "active", "url": URL, "title": title, **elements}


async def write(
    store: PostgresStore, tree: Tree, version: int = 1, name: str = "a", *, interactive: bool = False
) -> None:
    key = Key(tree["resourceType"], name)
    async with store.begin(interactive=interactive) as tx:
        deleted = "url" not in tree
        method: Method = "DELETE" if deleted else "PUT"
        old = None if version == 1 else Entries()
        body = b"" if deleted else encode(tree)
        await tx.write(Draft(key, version, await tx.stamp(), body, method, deleted=deleted, old=old))


def title(store: PostgresStore, canonical: str = URL) -> str | None:
    found = store.definitions.current.registry.find("ValueSet", canonical)
    return None if found is None else found["title"]


@pytest.mark.parametrize("interactive", [False, True], ids=["buffered", "interactive"])
async def test_every_process_knows_a_definition_when_its_write_is_answered(
    stores: tuple[PostgresStore, PostgresStore], *, interactive: bool
) -> None:
    one, other = stores
    for number in range(1, 11):
        await write(one, value_set(str(number)), number, interactive=interactive)

        assert title(one) == title(other) == str(number)

    await write(other, {"resourceType": "ValueSet"}, 11, interactive=interactive)

    assert title(one) is title(other) is None


async def test_a_process_that_starts_later_knows_what_was_written(
    stores: tuple[PostgresStore, PostgresStore], url: str
) -> None:
    await write(stores[0], value_set("one"))

    later = await PostgresStore.open(url)

    assert title(later) == "one"
    await later.close()


async def test_a_process_that_lost_its_connection_catches_up(
    stores: tuple[PostgresStore, PostgresStore], url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "_RETRY_SECONDS", 0.05)
    one, other = stores
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where application_name = 'cordee watch' and datname = current_database()"
        )

    await write(one, value_set("one"))
    assert title(one) == "one"  # it knows what it wrote itself

    for _ in range(500):
        if title(other) == "one":
            break
        await asyncio.sleep(0.02)
    assert title(other) == "one"


async def test_a_writer_does_not_wait_for_ever_for_a_process_that_is_busy(
    stores: tuple[PostgresStore, PostgresStore], url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telling, "_PATIENCE_SECONDS", 0.2)
    with psycopg.connect(url, autocommit=True) as busy:
        busy.execute("select pg_advisory_lock_shared(%s)", (HEARD_LOCKS,))

        await write(stores[0], value_set("one"))

    assert title(stores[0]) == title(stores[1]) == "one"


async def test_a_published_copy_is_no_upload_also_after_a_start(
    stores: tuple[PostgresStore, PostgresStore], url: str
) -> None:
    key = Key("ValueSet", "a")
    await stores[0].definitions.note_published({key: "x", Key("ValueSet", "b"): "y"})
    await stores[0].definitions.note_published({Key("ValueSet", "b"): None})
    await write(stores[0], value_set("one"))

    later = await PostgresStore.open(url)

    assert await later.definitions.published() == {key: "x"}
    assert title(later) is None
    await later.close()


async def test_many_writers_lose_nothing(stores: tuple[PostgresStore, PostgresStore]) -> None:
    names = [f"vs{number}" for number in range(40)]

    await asyncio.gather(
        *(
            write(
                stores[number % 2],
                value_set(name, url=f"{URL}/{name}"),
                name=name,
                interactive=number % 3 == 0,
            )
            for number, name in enumerate(names)
        )
    )

    for store in stores:
        assert [title(store, f"{URL}/{name}") for name in names] == names
