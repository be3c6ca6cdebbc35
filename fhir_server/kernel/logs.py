"""Logs: one JSON object a line on standard error, without identifiers of people and without bodies."""

from __future__ import annotations

import logging
import sys
from contextvars import ContextVar

import orjson

from fhir_server.kernel.times import instant_text

trace_id: ContextVar[str] = ContextVar("trace_id", default="")


class JsonLines(logging.Formatter):
    """A record as one JSON object; a traceback goes into `error`, as text."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": instant_text(int(record.created * 1_000_000)),
            "level": record.levelname.lower(),
            "logger": record.name,
            "text": record.getMessage(),
        }
        if trace := trace_id.get():
            line["trace"] = trace
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return orjson.dumps(line).decode()


def configure(level: str) -> None:
    """Send every log of this process to standard error as JSON lines."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    # What uvicorn says of its own start and stop would drown the address for the person at the terminal.
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
