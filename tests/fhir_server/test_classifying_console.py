"""`cordee admin classify`, as far as a person sees it, killed in the middle and all."""

from __future__ import annotations

import asyncio
import io
import signal

import orjson
import psycopg
import pytest
from rich.console import Console

from fhir_server.classifying_console import classify, is_to_be_done
from fhir_server.kernel.keys import Key
from fhir_server.settings import DatabaseSettings, Settings
from fhir_server.store.classifying import unguarded
from fhir_server.store.postgres import PostgresStore
from tests.builders import entry, observation, patient
from tests.fhir_server.interactions.performing import Performer
from tests.processes import Cordee, eventually

_MANY = 1000


@pytest.fixture
async def settings(url: str) -> Settings:
    """Of a database with a patient that was written without access control."""
    await _write(url, 1)
    return Settings(database=DatabaseSettings(url=url))


async def _write(url: str, count: int) -> None:
    async with unguarded(url):
        store = await PostgresStore.open(url)
        performer = Performer(store)
        entries = [entry("PUT", f"Patient/p{number}", patient(id=f"p{number}")) for number in range(count)]
        await performer.transaction(*entries)
        await performer.put({**observation(Key("Patient", "p0")), "id": "o"})
        await store.close()


def _unstamped(url: str) -> int:
    with psycopg.connect(url) as connection:
        row = connection.execute("select count(*) from resource where cell = 62").fetchone()
    assert row is not None
    return int(row[0])


async def test_it_says_what_it_did_and_does_nothing_twice(settings: Settings) -> None:
    shown, again = io.StringIO(), io.StringIO()
    assert is_to_be_done(settings)

    await classify(settings, Console(file=shown, force_terminal=True, width=100))
    await classify(settings, Console(file=again))

    assert "Classifying" in shown.getvalue()
    assert "the ties of all persons are made" in shown.getvalue()
    assert again.getvalue() == "Everything is classified already.\n"
    assert not is_to_be_done(settings)
    assert _unstamped(settings.database.url) == 0


async def test_a_killed_command_is_taken_up_where_it_was(settings: Settings) -> None:
    url = settings.database.url
    await _write(url, _MANY)
    with psycopg.connect(url, autocommit=True) as connection:

        def done() -> int:
            """How many resources and persons have been looked at."""
            row = connection.execute("select value from setting where name = 'classifying'").fetchone()
            return int(orjson.loads(row[0])["done"]) if row else 0

        with Cordee("admin", "classify", CORDEE_DATABASE__URL=url) as cordee:
            await asyncio.to_thread(eventually, lambda: done() > _MANY + 1, "the ties of some persons")
            cordee.end(signal.SIGKILL)
        left = _MANY + 1 + _MANY - done()
    assert is_to_be_done(settings)

    with Cordee("admin", "classify", CORDEE_DATABASE__URL=url) as cordee:
        code = await asyncio.to_thread(cordee.wait)

    assert left > 0
    assert (code, _unstamped(url)) == (0, 0), cordee.said
    assert "Everything is classified" in cordee.said
    assert not is_to_be_done(settings)


async def test_it_is_not_done_while_a_server_without_access_control_works(settings: Settings) -> None:
    url = settings.database.url
    async with unguarded(url):
        with Cordee("admin", "classify", CORDEE_DATABASE__URL=url) as cordee:
            code = await asyncio.to_thread(cordee.wait)

    assert code == 1
    assert "without access control works" in cordee.said
    assert "Traceback" not in cordee.said
