"""Current versions that are read in one turn of the loop: one statement for all, and nobody pays for another."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import psycopg
import pytest

from fhir_server.kernel.errors import Unavailable
from fhir_server.kernel.keys import Key
from fhir_server.search.entries import Entries
from fhir_server.search.sight import PUBLIC, Sight, Stamp, Tie
from fhir_server.store.postgres import PostgresStore
from fhir_server.store.together import Together
from tests.contracts.writing import Writer
from tests.fhir_server.store.pipes import Noted

KEYS = tuple(Key("Patient", f"p{number}") for number in range(5))
NONE = (0,) * len(Tie)
ACTOR = Key("Practitioner", "a")
PUBLIC_ALONE = Sight((ACTOR,), NONE, NONE, NONE, NONE, NONE, NONE, 5, unlinked=1 << PUBLIC)
NOBODY = Sight((), NONE, NONE, NONE, NONE, NONE, NONE, 5, unlinked=1 << PUBLIC)


@pytest.fixture
async def store(url: str) -> AsyncIterator[PostgresStore]:
    opened = await PostgresStore.open(url)
    writer = Writer(opened)
    for key in KEYS:
        await writer.put(key, entries_seen_by_all())
    yield opened
    await opened.close()


@pytest.fixture
async def readers(store: PostgresStore, noted: Noted) -> Together:
    return Together(noted.run, store.hasher)


def entries_seen_by_all() -> Entries:
    return Entries(stamp=Stamp(PUBLIC))


async def test_those_who_read_in_one_turn_share_a_statement(readers: Together, noted: Noted) -> None:
    found = await asyncio.gather(*[readers.current(key, None) for key in KEYS])

    assert [one and one.key for one in found] == list(KEYS)
    assert noted.names == ["current_of_several"]


async def test_those_who_are_known_and_those_who_are_not_have_a_statement_each(
    readers: Together, noted: Noted
) -> None:
    sights = [None, PUBLIC_ALONE, None, PUBLIC_ALONE, NOBODY]

    found = await asyncio.gather(
        *[readers.current(key, sight) for key, sight in zip(KEYS, sights, strict=True)]
    )

    assert [one and one.key for one in found] == list(KEYS)
    assert noted.names == ["current_of_several", "current_plain_of_several", "current_plain"]


async def test_no_more_than_some_share_a_statement(readers: Together, noted: Noted) -> None:
    await asyncio.gather(*[readers.current(KEYS[0], None) for _ in range(2 * Together.most + 1)])

    assert noted.names == ["current_of_several", "current_of_several", "current"]


async def test_what_is_not_there_is_found_by_nobody(readers: Together) -> None:
    asked = [KEYS[0], Key("Patient", "unknown"), Key("Observation", "p0"), Key("Nothing", "p0")]

    found = await asyncio.gather(*[readers.current(key, None) for key in asked])

    assert [one is not None for one in found] == [True, False, False, False]


async def test_whoever_is_cancelled_takes_nobody_along(readers: Together) -> None:
    tasks = [asyncio.create_task(readers.current(key, None)) for key in KEYS]
    await asyncio.sleep(0)
    tasks[0].cancel()

    found = await asyncio.gather(*tasks, return_exceptions=True)

    assert isinstance(found[0], asyncio.CancelledError)
    assert [getattr(one, "key", None) for one in found[1:]] == list(KEYS[1:])


@pytest.mark.parametrize(
    ("id", "error"), [("a\0", psycopg.errors.CharacterNotInRepertoire), ("\ud800", UnicodeEncodeError)]
)
async def test_a_read_that_fails_fails_alone(readers: Together, id: str, error: type[Exception]) -> None:
    """The database takes no null character, and UTF-8 has no halves of one; the web layer lets nobody send them."""
    asked = [KEYS[0], Key("Patient", id), KEYS[1]]

    found = await asyncio.gather(*[readers.current(key, None) for key in asked], return_exceptions=True)

    assert [getattr(one, "key", None) for one in found] == [KEYS[0], None, KEYS[1]]
    assert isinstance(found[1], error)


async def test_without_a_database_each_is_told(readers: Together, noted: Noted) -> None:
    await noted.pipeline.close()

    found = await asyncio.gather(*[readers.current(key, None) for key in KEYS], return_exceptions=True)

    assert [type(one) for one in found] == [Unavailable] * len(KEYS)
    assert len({id(one) for one in found}) == len(KEYS)
