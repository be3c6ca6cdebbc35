"""Codes by person, on a server that knows who may see what: they follow each version and each person."""

from __future__ import annotations

import psycopg
import pytest

from fhir_server.kernel.keys import Key
from fhir_server.kernel.wire import Tree
from tests.builders import observation
from tests.fhir_server.operations.indexing import assert_exact, index_all, reindex
from tests.guarded import CIRCLE, Guarded, Opened

pytestmark = [
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.parametrize("guarded", ["postgres"], indirect=True),
]
SYSTEM = "http://loinc.org"
GROUP: Tree = {"resourceType": "Group", "id": "some", "type": "person", "actual": True}


def coded(*codes: str, subject: str = "Patient/payet") -> Tree:
    codings = [{"system": SYSTEM, "code": code, "display": "a word"} for code in codes]
    return observation(subject, id="o", code={"coding": codings})


def rows(opened: Opened) -> int:
    with psycopg.connect(opened.url) as connection:
        found = connection.execute("select count(*) from entry_person").fetchone()
    assert found is not None
    return int(found[0])


async def test_they_are_those_of_what_is_there_now(guarded: Guarded, on_postgres: Opened) -> None:
    await guarded.keep(*CIRCLE, GROUP)
    before = rows(on_postgres)
    key = Key("Observation", "o")

    await guarded.put(coded("1", "2"), "o")
    assert_exact(on_postgres.url, guarded)
    assert rows(on_postgres) == before + 2

    await guarded.put(coded("2", "3", "4"), "o")
    assert_exact(on_postgres.url, guarded)
    assert rows(on_postgres) == before + 3

    await guarded.put(coded("2", subject="Group/some"), "o")
    assert_exact(on_postgres.url, guarded)

    await guarded.delete(key)
    assert rows(on_postgres) == before

    await guarded.put(coded("2"), "o")
    assert_exact(on_postgres.url, guarded)
    assert rows(on_postgres) == before + 1


async def test_reindex_writes_those_that_are_missing_and_takes_away_the_others(
    guarded: Guarded, on_postgres: Opened
) -> None:
    await guarded.keep(*CIRCLE, GROUP)
    await guarded.put(coded("1", "2"), "o")
    with psycopg.connect(on_postgres.url, autocommit=True) as connection:
        connection.execute("update entry_person set code = code + 1")
        connection.execute("update resource set told = null")

    await reindex(guarded)
    await index_all(guarded)

    assert_exact(on_postgres.url, guarded)
    with psycopg.connect(on_postgres.url) as connection:
        untold = connection.execute(
            "select count(*) from resource where not deleted and cell < 62 and told is null"
        ).fetchone()
    assert untold == (0,)
