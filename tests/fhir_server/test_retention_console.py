"""`cordee retention run`, as far as a person sees it."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from fhir_server.store.migrations.migrate import migrate
from fhir_server.store.postgres import PostgresStore
from tests.builders import observation, patient
from tests.fhir_server.interactions.performing import Performer
from tests.processes import Cordee


@pytest.fixture
async def url(database_url: str) -> str:
    """Of a database with a finding of 1990, written without access control."""
    migrate(database_url)
    store = await PostgresStore.open(database_url)
    performer = Performer(store)
    await performer.put(patient(id="p"))
    await performer.put({**observation("Patient/p", effectiveDateTime="1990"), "id": "o"})
    await store.close()
    return database_url


def said(url: str, *arguments: str | Path) -> tuple[int, str]:
    with Cordee("retention", "run", *arguments, CORDEE_DATABASE__URL=url) as cordee:
        return cordee.wait(), cordee.said


def left(url: str) -> int:
    with psycopg.connect(url) as connection:
        row = connection.execute("select count(*) from resource").fetchone()
    assert row is not None
    return int(row[0])


def test_what_is_due_is_said_first_and_then_done(url: str, tmp_path: Path) -> None:
    due = tmp_path / "due.csv"

    code, text = said(url, "--dry-run", "--output", due)
    assert code == 0, text
    assert "2 to be purged. Nothing was done." in text
    assert due.read_text().splitlines()[0] == "step,type,id,rule,due"
    assert "purge,Observation,o,health,2011-01-01" in due.read_text()
    assert due.stat().st_mode & 0o077 == 0
    assert left(url) == 2

    code, text = said(url)
    assert code == 0, text
    assert "Everything is classified" in text
    assert "1 persons looked at: 0 resources archived, 2 purged." in text
    assert left(url) == 0


def test_what_cannot_be_meant_is_refused_in_a_sentence(url: str, tmp_path: Path) -> None:
    rules = tmp_path / "rules.csv"
    rules.write_text("rule,years\n")

    early, wrong = said(url, "--at", "2090-01-01"), said(url, "--dry-run", "--rules", rules)

    assert (early[0], wrong[0]) == (2, 2)
    assert "with --dry-run it would be right" in early[1]
    assert "rules.csv, line 1: the columns are" in wrong[1]
    assert left(url) == 2
