"""The text of a query, `name=value&name=value` in percent-encoding, and back.

https://url.spec.whatwg.org/#application/x-www-form-urlencoded
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import quote, unquote_to_bytes

from fhir_server.kernel.errors import Malformed
from fhir_server.search.reading import LONGEST_QUERY, MOST_PARAMETERS, unreadable

_SAFE: Final = "/:,$-._~!*'()"
_UNSAFE = re.compile(r"[^A-Za-z0-9/:,$\-._~!*'()]")
_ESCAPES: Final = {chr(code): f"%{code:02X}" for code in range(0x80)}
_SHORT: Final = 200  # characters: of so few it is quicker to look for the unsafe ones than at each


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
    return _UNSAFE.sub(_escaped, text) if len(text) <= _SHORT else quote(text, safe=_SAFE)


def _escaped(found: re.Match[str]) -> str:
    return _ESCAPES.get(found[0]) or quote(found[0], safe="")


def _decoded(text: str) -> str:
    if "%" not in text and "+" not in text and text.isascii():
        return text
    try:
        return unquote_to_bytes(text.replace("+", " ")).decode()
    except UnicodeError:
        raise unreadable("The query is not UTF-8 in percent-encoding") from None
