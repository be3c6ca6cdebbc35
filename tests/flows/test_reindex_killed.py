"""Indexing that is shot at: whoever does it is killed, and somebody else goes on where it was."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg.rows import TupleRow

from fhir_server.engine import Engine
from fhir_server.interactions.call import Action, Call
from fhir_server.kernel.wire import encode
from fhir_server.store.postgres import PostgresStore
from tests.builders import bundle, entry, patient, search_parameter
from tests.fhir_server.interactions.performing import BASE, Performer
from tests.indexes import rows_there, rows_wanted
from tests.processes import Cordee, eventually

PATIENTS = 2000


async def _fill(url: str) -> None:
    store = await PostgresStore.open(url)
    engine: Engine = Performer(store).engine
    concept = {"coding": [{"system": "urn:s", "code": "M"}]}
    for _ in range(PATIENTS // 1000):
        entries = [entry("POST", "Patient", patient(maritalStatus=concept)) for _ in range(1000)]
        await engine.perform(Call(Action.BUNDLE, body=encode(bundle("transaction", *entries)), base=BASE))
    await engine.perform(
        Call(Action.CREATE, "SearchParameter", body=encode(search_parameter("marital")), base=BASE)
    )
    await store.close()


@pytest.fixture
def look(url: str) -> Iterator[psycopg.Connection[TupleRow]]:
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection


async def test_indexing_survives_kill_9(url: str, look: psycopg.Connection[TupleRow]) -> None:
    await _fill(url)

    def done() -> Any:
        row = look.execute(
            "select done from reindex where total is not null and 'Patient.marital' = any(codes) and done > 0"
        ).fetchone()
        return row and row[0]

    with Cordee("serve", "--workers", "2", "--port", "0", CORDEE_DATABASE__URL=url) as server:
        eventually(done, "the first slices")
        # Who led has lost the lead, and another may have it: both may believe to lead for a while.
        look.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'cordee watch'"
        )
        await asyncio.sleep(0.3)
        before = done()
        server.kill_everything()
    with Cordee("reindex", "Organization", CORDEE_DATABASE__URL=url) as other:
        assert other.wait() == 0, other.said

    assert before, "killed in the middle"
    assert look.execute("select count(*) from reindex").fetchone() == (0,)
    store = await PostgresStore.open(url)
    performer = Performer(store)
    assert await performer.count("Patient", "marital=M") == PATIENTS
    assert rows_there(url) == rows_wanted(url, performer.server, BASE)
    await store.close()
