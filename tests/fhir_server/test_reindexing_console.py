"""`cordee reindex`, as far as a person sees it."""

from __future__ import annotations

import io

import psycopg
import pytest
from rich.console import Console

from fhir_server.interactions.call import Action, Call
from fhir_server.kernel.errors import NotFound
from fhir_server.kernel.wire import encode
from fhir_server.reindexing_console import reindex
from fhir_server.settings import DatabaseSettings, Settings
from fhir_server.store.postgres import PostgresStore
from tests.builders import patient
from tests.fhir_server.interactions.performing import BASE, Performer


@pytest.fixture
async def settings(url: str) -> Settings:
    """Of a database with two patients and nothing in its index."""
    store = await PostgresStore.open(url)
    for family in ("Payet", "Hoarau"):
        call = Call(Action.CREATE, "Patient", body=encode(patient(family=family)), base=BASE)
        await Performer(store).engine.perform(call)
    await store.close()
    with psycopg.connect(url) as connection:
        connection.execute("delete from entry_string")
    return Settings(database=DatabaseSettings(url=url))


@pytest.mark.parametrize("types", [(), ("Patient",)])
async def test_it_ends_when_the_index_is_whole(settings: Settings, types: tuple[str, ...]) -> None:
    shown = io.StringIO()

    await reindex(types, settings, Console(file=shown, force_terminal=True, width=100))

    assert "Indexing" in shown.getvalue()
    with psycopg.connect(settings.database.url) as connection:
        assert connection.execute("select count(*) > 0 from entry_string").fetchone() == (True,)
        assert connection.execute("select count(*) from reindex").fetchone() == (0,)


async def test_other_types_are_left_alone(settings: Settings) -> None:
    await reindex(("Organization",), settings, Console(file=io.StringIO()))

    with psycopg.connect(settings.database.url) as connection:
        assert connection.execute("select count(*) from entry_string").fetchone() == (0,)


async def test_a_type_that_does_not_exist_is_named(settings: Settings) -> None:
    with pytest.raises(NotFound, match="Patiant"):
        await reindex(("Patiant",), settings, Console(file=io.StringIO()))
