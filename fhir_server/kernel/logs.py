"""Logs: one JSON object a line on standard error, without identifiers of people and without bodies.

A failure is told by the kinds of its errors and by where they came from. Their words are left out, for libraries put
into them what they failed on: a value of a resource, a parameter of a search. Ours have no such thing in them.
"""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Final

import orjson

from fhir_server.kernel.errors import FhirError
from fhir_server.kernel.times import instant_text

trace_id: ContextVar[str] = ContextVar("trace_id", default="")

# What uvicorn says of its own start and stop would drown the address for the person at the terminal; what the HTTP
# client says has addresses and headers of others in it.
_QUIET: Final = ("uvicorn", "httpx", "httpcore")


class JsonLines(logging.Formatter):
    """A record as one JSON object; a traceback goes into `error`, as text."""

    def format(self, record: logging.LogRecord) -> str:
        text = record.getMessage()
        if record.name == "asyncio":  # whose further lines repeat the words of errors
            text = text.partition("\n")[0]
        line = {
            "time": instant_text(int(record.created * 1_000_000)),
            "level": record.levelname.lower(),
            "logger": record.name,
            "text": text,
        }
        if trace := trace_id.get():
            line["trace"] = trace
        if record.exc_info and record.exc_info[1] is not None:
            line["error"] = "".join(_told(record.exc_info[1]))
        return orjson.dumps(line).decode()


def configure(level: str) -> None:
    """Send every log of this process to standard error as JSON lines."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


def _told(error: BaseException) -> Iterator[str]:
    """As Python tells an error and those that led to it, without their words."""
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if before is not None:
        yield from _told(before)
        yield "\nThat led to this:\n\n"
    if isinstance(error, BaseExceptionGroup):
        for one in error.exceptions:
            yield from _told(one)
    yield "Traceback (most recent call last):\n"
    yield from traceback.format_tb(error.__traceback__)
    yield f"{type(error).__module__}.{type(error).__qualname__}{_words(error)}\n"


def _words(error: BaseException) -> str:
    if isinstance(error, FhirError | OSError):
        return f": {error}"
    state = getattr(error, "sqlstate", None)  # of PostgreSQL, whose words quote the row
    return f" ({state})" if state else ""
