"""Log lines."""

from __future__ import annotations

import json
import logging
import sys

from fhir_server.kernel.logs import JsonLines, trace_id


def record(text: str, *, failed: bool = False) -> logging.LogRecord:
    try:
        raise ValueError("why")
    except ValueError:
        cause = sys.exc_info() if failed else None
    return logging.LogRecord("cordee", logging.ERROR, __file__, 1, text, None, cause)


def test_a_line_is_one_json_object_with_the_trace() -> None:
    token = trace_id.set("t1")
    try:
        line = json.loads(JsonLines().format(record("Something\nhappened")))
    finally:
        trace_id.reset(token)

    assert line["text"] == "Something\nhappened"
    assert line["level"] == "error"
    assert line["trace"] == "t1"


def test_a_failure_carries_its_traceback() -> None:
    assert "ValueError: why" in json.loads(JsonLines().format(record("Failed", failed=True)))["error"]
