"""Log lines."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from fhir_server.kernel.errors import Unavailable
from fhir_server.kernel.logs import JsonLines, configure, trace_id

SECRET = "Marie-Josèphe Payet"


def record(text: str, fail: Callable[[], object] | None = None, name: str = "cordee") -> logging.LogRecord:
    cause: Any = None
    if fail is not None:
        try:
            fail()
        except Exception:
            cause = sys.exc_info()
    return logging.LogRecord(name, logging.ERROR, __file__, 1, text, None, cause)


def line(*arguments: Any, **named: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(JsonLines().format(record(*arguments, **named)))
    return found


def test_a_line_is_one_json_object_with_the_trace() -> None:
    token = trace_id.set("t1")
    try:
        found = line("Something\nhappened")
    finally:
        trace_id.reset(token)

    assert found["text"] == "Something\nhappened"
    assert found["level"] == "error"
    assert found["trace"] == "t1"


def number_of(text: str) -> int:
    return int(text)


def chained() -> None:
    try:
        number_of(SECRET)
    except ValueError as error:
        raise KeyError(SECRET) from error


def grouped() -> None:
    raise ExceptionGroup(SECRET, [ValueError(SECRET)])


@pytest.mark.parametrize("fail", [lambda: number_of(SECRET), chained, grouped])
def test_a_failure_says_where_it_was_and_not_what_it_was_about(fail: Callable[[], object]) -> None:
    found = line("Failed", fail)

    assert "test_logs.py" in found["error"]
    assert "builtins.ValueError" in found["error"]
    assert "Payet" not in json.dumps(found)


def test_what_led_to_a_failure_is_told_before_it() -> None:
    told = line("Failed", chained)["error"]

    assert told.index("builtins.ValueError") < told.index("builtins.KeyError")
    assert "in number_of" in told


def away() -> None:
    raise Unavailable("The database is away") from ConnectionRefusedError(111, "Connection refused")


def test_our_own_words_and_those_of_the_operating_system_are_kept() -> None:
    told = line("Failed", away)["error"]

    assert "Unavailable: The database is away" in told
    assert "Connection refused" in told


def clash() -> None:
    raise psycopg.errors.UniqueViolation(f"Key (value)=({SECRET}) already exists")


def test_of_what_postgresql_says_the_code_is_kept() -> None:
    assert line("Failed", clash)["error"].endswith("UniqueViolation (23505)\n")


@pytest.fixture
def restored() -> Iterator[None]:
    """After a test the logs are what they were."""
    root = logging.getLogger()
    before = (root.level, root.handlers[:])
    yield
    root.setLevel(before[0])
    root.handlers[:] = before[1]


async def test_what_nobody_waited_for_is_told_without_its_words(
    restored: None, capsys: pytest.CaptureFixture[str]
) -> None:
    configure("DEBUG")

    async def fail() -> None:
        number_of(SECRET)

    task = asyncio.create_task(fail())
    await asyncio.wait([task])
    asyncio.get_running_loop().call_exception_handler(
        {"message": "Nobody waited", "future": task, "exception": task.exception()}
    )
    logging.getLogger("httpx").info("HTTP Request: GET https://issuer.example/userinfo?name=%s", SECRET)

    said = capsys.readouterr().err
    assert json.loads(said)["text"] == "Nobody waited"
    assert "Payet" not in said
