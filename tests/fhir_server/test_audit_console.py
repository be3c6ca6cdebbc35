"""`cordee audit` as an operator meets it."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from typer.testing import CliRunner, Result

from fhir_server.access.audit import trace_of
from fhir_server.access.caller import Caller
from fhir_server.audit_console import audit
from fhir_server.interactions.call import Action, Call, Reply
from fhir_server.kernel.keys import Key
from fhir_server.kernel.times import now
from fhir_server.store import audit_seal
from fhir_server.targeting import UsageError
from tests.auditing import auditing

NURSE = Caller("professional", actors=(Key("PractitionerRole", "ide"),), purpose="TREAT")


@pytest.fixture
def log(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[psycopg.Connection[Any]]:
    """A sealed log of three reads, and settings that name it."""
    for name in [name for name in os.environ if name.startswith("CORDEE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("CORDEE_DATABASE__URL", url)
    monkeypatch.setenv("CORDEE_AUDIT__KEY_FILE", str(tmp_path / "key"))
    monkeypatch.setenv("CORDEE_AUDIT__HEADS_FILE", str(tmp_path / "heads"))
    monkeypatch.setattr(audit_seal, "LAG_MS", 0)

    async def fill() -> None:
        async with auditing(url, tmp_path) as opened:
            for number in range(3):
                key = Key("Observation", str(number))
                await opened.log.write(
                    trace_of(Call(Action.READ, *key), Reply(200, b"", key, 1), NURSE, at=now())
                )
            await asyncio.sleep(0.003)
            await opened.sealer.seal()

    asyncio.run(fill())
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(audit, [str(one) for one in arguments])


def test_a_log_in_order_is_said_to_be(
    log: psycopg.Connection[Any], capfd: pytest.CaptureFixture[str]
) -> None:
    result = run("verify")

    said = capfd.readouterr().err + result.output
    assert result.exit_code == 0
    assert "3 traces in 1 sealed blocks" in said
    assert "The audit log is in order." in said


def test_a_log_that_was_tampered_with_is_an_error(log: psycopg.Connection[Any]) -> None:
    log.execute("set cordee.purge = 'on'")
    log.execute("update audit set data = '{}' where pk = (select min(pk) from audit)")

    result = run("verify")

    assert result.exit_code == 1


def test_without_its_key_nothing_is_verified(log: psycopg.Connection[Any], tmp_path: Path) -> None:
    (tmp_path / "key").unlink()

    result = run("verify")

    assert isinstance(result.exception, UsageError)


def test_an_export_is_audit_events_in_lines(log: psycopg.Connection[Any], tmp_path: Path) -> None:
    path = tmp_path / "traces.ndjson"

    result = run("export", "--since", "2020-01-01", "--output", path)

    assert result.exit_code == 0
    events = [json.loads(line) for line in path.read_text().splitlines()]
    assert [one["resourceType"] for one in events] == ["AuditEvent"] * 3
    assert path.stat().st_mode & 0o777 == 0o600
    assert isinstance(run("export", "--since", "2020-01-01", "--output", path).exception, UsageError)


def test_an_export_to_standard_output_is_syslog_when_asked(log: psycopg.Connection[Any]) -> None:
    result = run("export", "--since", "2020-01-01", "--format", "syslog")

    lines = [line for line in result.stdout_bytes.splitlines() if line.startswith(b"<85>1 ")]
    assert len(lines) == 3
    assert all(line.endswith(b"</AuditMessage>") for line in lines)


def test_an_export_is_of_its_time(log: psycopg.Connection[Any], tmp_path: Path) -> None:
    path = tmp_path / "none"

    run("export", "--since", "2020-01-01", "--until", "2021-01-01T12:00:00", "--output", path)

    assert path.read_bytes() == b""


@pytest.mark.parametrize(
    "arguments",
    [
        ("--to", "tls://siem:6514"),
        ("--to", "siem", "--format", "syslog"),
        ("--to", "tcp://siem:1", "--format", "syslog", "--output", "file"),
    ],
)
def test_an_export_that_cannot_be_meant_is_refused(
    log: psycopg.Connection[Any], arguments: tuple[str, ...]
) -> None:
    assert isinstance(run("export", "--since", "2020-01-01", *arguments).exception, UsageError)


def test_a_collector_that_is_away_is_said(log: psycopg.Connection[Any]) -> None:
    result = run("export", "--since", "2020-01-01", "--format", "syslog", "--to", "tcp://127.0.0.1:1")

    assert result.exit_code == 1
