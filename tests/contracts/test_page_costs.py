"""A page of what somebody sees costs what is on it: who sees the candidates behind it is not asked."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fhir_server.store import plans
from fhir_server.store.postgres import PostgresStore
from tests.contracts.test_hidden_costs import ME, buffers, coded, found, write
from tests.databases import Databases

SEEN = 80  # Observations of the code, all of them seen
FEW, MANY = 2, 60  # of them on a page


async def test_who_sees_a_candidate_is_asked_until_the_page_is_full(
    databases: Databases, migrated: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plans, "FEW", 10)
    url = databases.create(migrated)
    store = await PostgresStore.open(url)
    try:
        await write(store, url, "mine", range(10 * SEEN), ME)
        query = found("Observation", coded("rare"))
        pages = {}
        for count in (FEW, MANY):
            one = replace(query, count=count)
            await buffers(store, one)  # what is read once is in memory
            pages[count] = await buffers(store, one)
    finally:
        await store.close()
        databases.drop(url)

    assert 3 * pages[FEW] < pages[MANY]
