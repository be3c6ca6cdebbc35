from __future__ import annotations

import json

import httpx
import pytest

from fhir_server.app import application, limits_of, opened, server_of
from fhir_server.engine import Engine
from fhir_server.interactions.call import Action, Call
from fhir_server.kernel.errors import Unavailable
from fhir_server.settings import DatabaseSettings, Settings
from fhir_server.store.memory import MemoryStore
from fhir_server.store.migrations.migrate import WrongSchema, migrate


def test_limits_are_those_of_the_settings() -> None:
    settings = Settings(
        references="off", conditional_delete="single", client_ids=False, page_size=7, max_bundle_entries=3
    )

    limits = limits_of(settings)

    assert (limits.references, limits.delete_many, limits.client_ids) == (False, False, False)
    assert (limits.page, limits.max_entries) == (7, 3)


async def test_a_request_before_the_database_is_open_is_answered_by_503() -> None:
    app = application(Settings())
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://test.example"
    ) as client:
        answers = [await client.get(path) for path in ("/fhir/Patient/1", "/readyz", "/healthz")]

    assert [answer.status_code for answer in answers] == [503, 503, 200]


async def test_an_absolute_reference_to_the_public_base_is_local() -> None:
    store = MemoryStore()
    engine = Engine(server_of(store, Settings(base_url="https://fhir.example.org/fhir")))
    body = json.dumps(
        {
            "resourceType": "Observation",
            "status": "final",
            "code": {"text": "weight"},
            "subject": {"reference": "https://fhir.example.org/fhir/Patient/p"},
        }
    ).encode()
    await engine.perform(Call(Action.UPDATE, "Patient", "p", body=b'{"resourceType":"Patient","id":"p"}'))
    await engine.perform(Call(Action.CREATE, "Observation", body=body, base="https://fhir.example.org/fhir"))

    found = await engine.perform(Call(Action.SEARCH, "Observation", query="subject=Patient/p"))

    assert len(json.loads(found.body)["entry"]) == 1


async def test_an_engine_works_while_it_is_open(database_url: str) -> None:
    migrate(database_url)

    async with opened(Settings(database=DatabaseSettings(url=database_url))) as engine:
        ready = await engine.ready()
        reply = await engine.perform(Call(Action.CREATE, "Patient", body=b'{"resourceType":"Patient"}'))

    assert ready
    assert reply.status == 201


async def test_a_database_without_tables_is_not_opened(database_url: str) -> None:
    with pytest.raises(WrongSchema):
        async with opened(Settings(database=DatabaseSettings(url=database_url))):
            pass


async def test_a_database_that_is_away_is_said_to_be() -> None:
    with pytest.raises(Unavailable):
        async with opened(Settings(database=DatabaseSettings(url="postgresql://localhost:1/nothing"))):
            pass
