"""The seals of the log: what anybody does to it who can write the database and has not the key is found."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from fhir_server.kernel.keys import Key
from fhir_server.kernel.times import now
from fhir_server.store import audit_seal
from fhir_server.store.audit_key import BadKeyFile, Head, append_heads, heads_in, keys_in, last_head_in
from fhir_server.store.audit_rows import TRACE_LOCKS, add
from fhir_server.store.audit_verify import verify
from fhir_server.store.connections import ADAPTERS, Session
from fhir_server.store.ids import Pks
from tests.auditing import Auditing, auditing, trace

MAIDA = Key("Patient", "maida")
BLOCKS, EACH = 3, 4  # of a log to tamper with


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seal up to this moment, not only up to a while ago."""
    monkeypatch.setattr(audit_seal, "LAG_MS", 0)


@pytest.fixture
async def opened(url: str, tmp_path: Path) -> AsyncIterator[Auditing]:
    async with auditing(url, tmp_path) as made:
        yield made


async def fill(opened: Auditing, blocks: int = BLOCKS, each: int = EACH) -> None:
    for block in range(blocks):
        await asyncio.gather(*[opened.log.write(trace(f"{block}.{n}", MAIDA)) for n in range(each)])
        await asyncio.sleep(0.003)
        await opened.sealer.seal()


def tamper(url: str, *statements: str) -> None:
    """As the owner of the database does: the triggers, which only keep mistakes out, are no hindrance."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("select set_config('cordee.purge', 'on', false)")
        for statement in statements:
            connection.execute(statement)


async def test_a_log_that_nobody_touched_is_in_order(opened: Auditing) -> None:
    await fill(opened)
    await opened.log.write(trace("not sealed yet"))

    report = opened.verify()

    assert report.problems == []
    assert report.notes == []
    assert (report.blocks, report.traces, report.unsealed) == (BLOCKS, BLOCKS * EACH, 1)


async def test_an_empty_log_is_in_order(opened: Auditing) -> None:
    assert not await opened.sealer.seal()

    assert opened.verify().problems == []


async def test_traces_that_have_their_names_already_are_sealed_too(opened: Auditing) -> None:
    """As a version wrote them that did not wait for the seal."""
    await asyncio.gather(*[opened.log.write(trace(f"{n}", MAIDA)) for n in range(EACH)])
    await asyncio.sleep(0.003)
    number = opened.hasher.self_of(MAIDA)
    tamper(opened.url, f"insert into audit_entry select {number}, pk from audit order by pk limit 2")

    await opened.sealer.seal()

    with psycopg.connect(opened.url) as connection:
        found = connection.execute("select count(*) from audit_entry where key = %s", (number,)).fetchone()
    assert found == (EACH,)
    assert (opened.verify().problems, opened.verify().blocks) == ([], 1)


REMOVED = "were sealed: 1 were removed"
ADDED = "were sealed: 1 were added"
OTHER = "has other traces than were sealed"
ANY = "(select pk from audit order by pk offset 5 limit 1)"  # of the second block
LAST = "(select max(number) from audit_block)"


@pytest.mark.parametrize(
    ("statements", "told"),
    [
        ([f"delete from audit where pk = {ANY}"], ["Block 2", REMOVED]),
        ([f"update audit set data = data || ' ' where pk = {ANY}"], ["Block 2", OTHER]),
        ([f"update audit set outcome = 0 - outcome - 1 where pk = {ANY}"], ["Block 2", OTHER]),
        ([f"update audit set keys = '' where pk = {ANY}"], ["Block 2", OTHER]),
        (
            [f"update audit set pk = pk + 1000 where pk = {ANY}"],
            ["Block 2", OTHER],
        ),  # moved in time, a little
        (  # two traces trade places
            [
                "update audit a set data = b.data from audit b where a.pk = "
                f"{ANY} and b.pk = (select pk from audit order by pk offset 6 limit 1)",
            ],
            ["Block 2", OTHER],
        ),
        (
            [f"insert into audit select pk + 1000, outcome, keys, data from audit where pk = {ANY}"],
            ["Block 2", ADDED],
        ),
        (  # moved to another block
            [f"update audit set pk = (select first from audit_block where number = 3) where pk = {ANY}"],
            ["Block 2", REMOVED, "Block 3", ADDED],
        ),
        (
            [f"delete from audit_entry where pk = {ANY}"],
            ["Block 2", "rows are missing by which searches find"],
        ),
        (["delete from audit_block where number = 2"], ["Block 3", "does not follow the one before"]),
        (["delete from audit_block where number = 1"], ["Block 2", "does not follow the one before"]),
        (["update audit_block set count = count - 1 where number = 2"], ["Block 2", "itself was altered"]),
        (["update audit_block set sealed = sealed + 1 where number = 2"], ["Block 2", "itself was altered"]),
        (["update audit_block set head = digest where number = 2"], ["Block 2", "itself was altered"]),
        (["update audit_block set purged = head where number = 2"], ["Block 2", "not by who has the key"]),
        (  # the trace and the block that vouches for it, made to fit one another
            [
                f"delete from audit where pk = {ANY}",
                "update audit_block b set count = count - 1, digest = sha256((select string_agg(sha256(int8send(pk)"
                " || int2send(outcome) || int4send(length(keys)) || keys || data), ''::bytea order by pk) from audit"
                " where pk >= b.first and pk < b.until)) where number = 2",
            ],
            ["Block 2", "itself was altered"],
        ),
        (  # the end, seals and all
            [
                f"delete from audit where pk >= (select first from audit_block where number = {LAST})",
                f"delete from audit_block where number = {LAST}",
            ],
            ["end of the log was cut off", f"with {EACH} traces"],
        ),
        (
            ["delete from audit", "delete from audit_block"],
            ["end of the log was cut off: blocks 1 to 3", f"with {BLOCKS * EACH} traces"],
        ),
        (["update audit_block set key = 'other'"], ["a key that is not in the key file"]),
    ],
)
async def test_whatever_is_done_to_the_log_is_found(
    opened: Auditing, statements: list[str], told: list[str]
) -> None:
    await fill(opened)
    assert opened.verify().problems == []

    tamper(opened.url, *statements)

    problems = " ".join(opened.verify().problems)
    assert [words for words in told if words not in problems] == []


async def test_another_log_in_the_place_of_the_sealed_one_is_found(opened: Auditing) -> None:
    """All of it made anew, by somebody with a key of their own or with the same one."""
    await fill(opened)
    tamper(opened.url, "delete from audit", "delete from audit_entry", "delete from audit_block")
    heads = opened.heads.read_bytes()
    opened.heads.unlink()
    await fill(opened)
    opened.heads.write_bytes(heads)

    problems = opened.verify().problems

    assert any("is not the one whose head was kept outside the database" in one for one in problems)


async def test_whoever_leads_says_that_the_end_was_cut_off(
    opened: Auditing, caplog: pytest.LogCaptureFixture
) -> None:
    await fill(opened)
    tamper(opened.url, f"delete from audit_block where number = {LAST}")

    async with auditing(opened.url, opened.files, worker=5) as other:
        with caplog.at_level(logging.ERROR):
            await other.sealer.seal()

    assert "does not go on where" in caplog.text
    assert any("whose head was kept" in one for one in opened.verify().problems)


async def test_without_the_file_of_heads_it_is_said_what_cannot_be_told(opened: Auditing) -> None:
    await fill(opened)
    opened.heads.unlink()

    report = opened.verify()

    assert report.problems == []
    assert "cannot be told" in report.notes[0]


async def test_a_file_of_heads_that_was_lost_is_made_anew(opened: Auditing) -> None:
    await fill(opened)
    opened.heads.unlink()

    async with auditing(opened.url, opened.files, worker=5) as other:
        await other.sealer.seal()

    assert [head.block for head in heads_in(opened.heads)] == [1, 2, 3]


async def test_a_line_that_was_not_written_whole_is_written_again(opened: Auditing) -> None:
    await fill(opened)
    whole = opened.heads.read_bytes()
    opened.heads.write_bytes(whole[:-30])

    async with auditing(opened.url, opened.files, worker=5) as other:
        await fill(other, blocks=1)

    assert [head.block for head in heads_in(opened.heads)] == [1, 2, 3, 4]
    assert opened.verify().problems == []


async def test_two_that_believe_they_lead_make_one_log(opened: Auditing) -> None:
    async with auditing(opened.url, opened.files, worker=5) as other:
        for _ in range(5):
            await asyncio.gather(*[opened.log.write(trace(str(n), MAIDA)) for n in range(20)])
            await asyncio.sleep(0.002)
            await asyncio.gather(opened.sealer.seal(), other.sealer.seal())

    await asyncio.sleep(0.002)
    await opened.sealer.seal()
    report = opened.verify()
    assert report.problems == []
    assert (report.traces, report.unsealed) == (100, 0)


async def test_what_is_sealed_while_others_write_is_never_added_to(opened: Auditing) -> None:
    """Writers in transactions that stay open for a while, a log that is written to, and a sealer in a hurry."""
    stop = asyncio.Event()

    async def seals() -> None:
        while not stop.is_set():
            await opened.sealer.seal()
            await asyncio.sleep(0.001)

    async def writes(number: int) -> None:
        for n in range(40):
            await opened.log.write(trace(f"{number}.{n}", MAIDA))

    async def holds(number: int) -> None:
        pks = Pks(20 + number)
        async with await psycopg.AsyncConnection.connect(opened.url, context=ADAPTERS) as connection:
            for n in range(15):
                await add(Session(connection).run, opened.hasher, pks, [trace(f"held {number}.{n}", MAIDA)])
                await asyncio.sleep(0.004)
                await connection.commit()

    sealing = asyncio.create_task(seals())
    await asyncio.gather(*map(writes, range(8)), *map(holds, range(4)))
    stop.set()
    await sealing
    await asyncio.sleep(0.002)
    await opened.sealer.seal()

    report = opened.verify()
    assert report.problems == []
    assert (report.traces, report.unsealed) == (8 * 40 + 4 * 15, 0)
    assert report.blocks > 5


async def test_the_sealer_waits_for_whoever_announced_a_trace(opened: Auditing) -> None:
    async with await psycopg.AsyncConnection.connect(opened.url) as connection:
        await connection.execute("select pg_advisory_xact_lock_shared(%s)", (TRACE_LOCKS | now() // 1000,))
        await asyncio.sleep(0.005)
        await opened.log.write(trace("after"))
        await asyncio.sleep(0.005)

        await opened.sealer.seal()
        assert opened.verify().traces == 0

    await opened.sealer.seal()
    assert opened.verify().traces == 1


async def test_a_backlog_is_sealed_block_by_block(opened: Auditing, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_seal, "_MOST", 10)
    await asyncio.gather(*[opened.log.write(trace(str(n))) for n in range(25)])
    await asyncio.sleep(0.003)

    assert await opened.sealer.seal()
    assert await opened.sealer.seal()
    assert not await opened.sealer.seal()

    report = opened.verify()
    assert report.problems == []
    assert (report.blocks, report.traces, report.unsealed) == (3, 25, 0)


async def test_traces_are_sealed_within_a_second_by_whoever_leads(opened: Auditing) -> None:
    await opened.log.write(trace("a"))
    opened.sealer.start()
    try:
        for _ in range(100):
            await asyncio.sleep(0.01)
            if opened.verify().traces:
                break
    finally:
        await opened.sealer.close()

    assert opened.verify().traces == 1


async def test_what_keeps_the_sealer_from_its_work_is_logged_and_tried_again(
    opened: Auditing, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_seal, "SEAL_SECONDS", 0.01)
    await opened.log.write(trace("a"))
    opened.heads.mkdir()
    opened.sealer.start()
    try:
        for _ in range(500):
            await asyncio.sleep(0.01)
            if caplog.text:
                break
        opened.heads.rmdir()
        for _ in range(500):
            await asyncio.sleep(0.01)
            if opened.heads.exists():
                break
        await opened.pipeline.close()
        for _ in range(500):
            await asyncio.sleep(0.01)
            if "has to wait" in caplog.text:
                break
    finally:
        await opened.sealer.close()

    assert "could not be kept outside the database" in caplog.text
    assert "has to wait for its seal" in caplog.text
    assert opened.verify().problems == []


async def test_whoever_does_not_lead_seals_nothing(opened: Auditing, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_seal, "SEAL_SECONDS", 0.001)
    await opened.log.write(trace("a"))
    idle = audit_seal.Sealer(
        opened.pipeline.run, opened.pipeline.run, opened.keys[-1], opened.heads, leads=lambda: False
    )

    idle.start()
    await asyncio.sleep(0.05)
    await idle.close()

    assert opened.verify().unsealed == 1


async def test_traces_that_nobody_seals_are_told_of(
    opened: Auditing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fhir_server.store.audit_verify._LATE_SECONDS", 0.0)
    await opened.log.write(trace("a"))
    await asyncio.sleep(0.005)

    report = opened.verify()

    assert report.unsealed == 1
    assert any("wait for their seal" in note for note in report.notes)


async def test_keys_take_turns(opened: Auditing) -> None:
    await fill(opened)
    old = (opened.files / "key").read_text()
    (opened.files / "key").write_text(old + 64 * "a" + "\n")

    async with auditing(opened.url, opened.files, worker=5) as other:
        await fill(other)
        assert other.verify().problems == []
        assert other.verify().blocks == 2 * BLOCKS

    (opened.files / "key").write_text(64 * "a" + "\n")
    assert any("not in the key file" in one for one in opened.verify().problems)


async def test_a_block_sealed_with_another_key_is_found(opened: Auditing, tmp_path: Path) -> None:
    await fill(opened)
    (tmp_path / "theirs").write_text(64 * "b")
    (tmp_path / "theirs").chmod(0o600)

    report = verify(opened.url, keys_in(tmp_path / "theirs"), opened.heads)

    assert len(report.problems) == BLOCKS


def test_the_key_is_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "audit" / "key"

    (key,) = keys_in(path, create=True)

    assert path.stat().st_mode & 0o777 == 0o600
    assert keys_in(path, create=True) == (key,)
    assert os.listdir(path.parent) == ["key"]
    path.chmod(0o640)
    with pytest.raises(BadKeyFile, match="chmod 600"):
        keys_in(path)


@pytest.mark.parametrize("text", ["", "not a key", "abcd", 63 * "a", 64 * "é"])
def test_a_file_without_keys_is_refused_and_not_quoted(tmp_path: Path, text: str) -> None:
    path = tmp_path / "key"
    path.write_text(text)
    path.chmod(0o600)

    with pytest.raises(BadKeyFile) as refused:
        keys_in(path)

    assert not text or text not in str(refused.value)


def test_heads_are_read_from_either_end(tmp_path: Path) -> None:
    path = tmp_path / "heads"
    assert list(heads_in(path)) == []
    assert last_head_in(path) is None
    heads = [Head(number, number * 10, 3, bytes(32)) for number in range(1, 500)]

    append_heads(path, heads[:200])
    append_heads(path, heads[200:])

    assert list(heads_in(path)) == heads
    assert last_head_in(path) == heads[-1]
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("act", [heads_in, last_head_in, lambda path: append_heads(path, [])])
def test_a_place_that_is_no_file_is_refused(tmp_path: Path, act: Callable[[Path], Any]) -> None:
    with pytest.raises(BadKeyFile):
        list(act(tmp_path) or ())
