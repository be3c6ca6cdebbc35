"""The text of a query, `name=value&name=value` in percent-encoding, and back.

https://url.spec.whatwg.org/#application/x-www-form-urlencoded
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import quote, unquote_plus

from fhir_server.kernel.errors import Malformed
from fhir_server.search.reading import LONGEST_QUERY, MOST_PARAMETERS, unreadable

_SAFE: Final = "/:,$-._~!*'()"
_CLEAN = re.compile(r"[A-Za-z0-9/:,$\-._~]*\Z")


def pairs(text: str) -> Iterator[tuple[str, str]]:
    """Names and values, decoded, in order. Raises `Malformed` for what is no text."""
    if len(text) > LONGEST_QUERY:
        raise Malformed(f"The query is longer than {LONGEST_QUERY} characters", code="too-long")
    if text.count("&") >= MOST_PARAMETERS:
        raise Malformed(f"The query has more than {MOST_PARAMETERS} parameters", code="too-costly")
    if "\x00" in text or "%00" in text:
        raise unreadable("The query holds a NUL character")
    for part in text.split("&"):
        if part:
            name, _, value = part.partition("=")
            yield _decoded(name), _decoded(value)


def encoded(text: str) -> str:
    return text if _CLEAN.match(text) else quote(text, safe=_SAFE)


def _decoded(text: str) -> str:
    if "%" not in text and "+" not in text and text.isascii():
        return text
    try:
        found = unquote_plus(text, errors="strict")
        found.encode()  # half of a surrogate pair cannot be compared with anything
    except UnicodeError:
        raise unreadable("The query is not UTF-8 in percent-encoding") from None
    return found
