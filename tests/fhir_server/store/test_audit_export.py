"""The log read through for those who keep a copy, and purged."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import orjson
import psycopg
import pytest

from fhir_server.kernel.keys import Key
from fhir_server.kernel.times import now
from fhir_server.store import audit_export, audit_purge, audit_seal
from fhir_server.store.audit_export import Batch, exported, sending
from fhir_server.store.audit_purge import purge
from fhir_server.store.ids import created, pk_of
from fhir_server.store.numbers import TYPE_NUMBERS
from tests.auditing import Auditing, auditing, trace

MAIDA = Key("Patient", "maida")


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seal at once, and go by batches that a test can see."""
    monkeypatch.setattr(audit_seal, "LAG_MS", 0)
    monkeypatch.setattr(audit_export, "_AT_A_TIME", 3)
    monkeypatch.setattr(audit_purge, "_AT_A_TIME", 2)


@pytest.fixture
async def opened(url: str, tmp_path: Path) -> AsyncIterator[Auditing]:
    async with auditing(url, tmp_path) as made:
        yield made


async def fill(opened: Auditing, blocks: int = 1, each: int = 4) -> list[str]:
    names = []
    for block in range(blocks):
        for number in range(each):
            names.append(await opened.log.write(trace(f"{block}.{number}", MAIDA)))
        await asyncio.sleep(0.003)
        await opened.sealer.seal()
    return names


def said(batches: Iterator[Batch]) -> list[str]:
    return [orjson.loads(one.data)["note"] for batch in batches for one in batch.traces]


async def test_a_copy_has_all_of_a_time_oldest_first_with_names(opened: Auditing, url: str) -> None:
    number = opened.hasher.self_of(MAIDA)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "insert into resource (pk, self, type, id, version, updated, moment, method, deleted, present, refs)"
            " values (1, %s, %s, 'maida', 1, 0, 0, 1, false, '{}', '{}')",
            (number, TYPE_NUMBERS["Patient"]),
        )
    names = await fill(opened, each=7)
    await asyncio.sleep(0.003)
    middle = created(pk_of(names[3]) or 0)

    assert said(exported(url, 0)) == [f"0.{number}" for number in range(7)]
    assert [len(batch.traces) for batch in exported(url, 0)] == [3, 3, 1]
    assert {batch.names for batch in exported(url, 0)} == {((number, MAIDA),)}
    until_middle = said(exported(url, 0, middle))
    assert until_middle + said(exported(url, middle)) == [f"0.{number}" for number in range(7)]


async def test_a_collector_gets_what_is_sealed_once(opened: Auditing, url: str) -> None:
    await fill(opened, each=4)
    await opened.log.write(trace("not sealed", MAIDA))

    with sending(url) as batches:
        assert said(batches) == ["0.0", "0.1", "0.2", "0.3"]
    with sending(url) as batches:
        assert said(batches) == []

    await asyncio.sleep(0.003)
    await opened.sealer.seal()
    with sending(url) as batches:
        assert said(batches) == ["not sealed"]


async def test_what_a_collector_did_not_take_is_sent_again(opened: Auditing, url: str) -> None:
    await fill(opened, each=7)

    with sending(url) as batches:
        first, second = next(batches), next(batches)
    assert [len(first.traces), len(second.traces)] == [3, 3]

    with sending(url) as batches:
        assert said(batches) == ["0.3", "0.4", "0.5", "0.6"]


async def test_one_sends_at_a_time(opened: Auditing, url: str) -> None:
    await fill(opened)

    with sending(url) as batches, sending(url) as others:
        assert said(others) == []
        assert len(said(batches)) == 4


async def test_nothing_is_sent_of_an_empty_log(opened: Auditing, url: str) -> None:
    with sending(url) as batches:
        assert said(batches) == []


async def test_a_purge_keeps_the_seals_and_the_log_in_order(opened: Auditing, url: str) -> None:
    names = await fill(opened, blocks=5)

    done = purge(url, opened.keys, created(pk_of(names[13]) or 0))

    assert done == (3, 12)
    assert said(exported(url, 0)) == ["3.0", "3.1", "3.2", "3.3", "4.0", "4.1", "4.2", "4.3"]
    report = opened.verify()
    assert report.problems == []
    assert (report.blocks, report.traces, report.purged) == (5, 8, 3)
    with psycopg.connect(url) as connection:
        entries = connection.execute("select count(*) from audit_entry").fetchone()
    assert entries == (8,)
    assert purge(url, opened.keys, created(pk_of(names[13]) or 0)) == (0, 0)


async def test_what_comes_back_after_a_purge_is_found(opened: Auditing, url: str) -> None:
    await fill(opened)
    with psycopg.connect(url, autocommit=True) as connection:
        kept = connection.execute("select pk, outcome, keys, data from audit limit 1").fetchone()
        assert kept is not None
        purge(url, opened.keys, now() + 1_000_000)
        connection.execute("insert into audit values (%s, %s, %s, %s)", kept)

    assert any("was purged, and has 1 traces" in one for one in opened.verify().problems)


async def test_nothing_is_purged_without_the_key(opened: Auditing, url: str) -> None:
    await fill(opened)

    assert purge(url, (), now() + 1_000_000) == (0, 0)
    assert len(said(exported(url, 0))) == 4
