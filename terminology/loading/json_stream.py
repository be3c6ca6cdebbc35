"""The concepts of a CodeSystem in JSON, one by one, whatever its size and however deep they nest.

The text is read in pieces and cut where its tokens are; only one concept, without those nested in it, is ever whole.

https://hl7.org/fhir/R4/json.html
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from typing import IO, Any, Final

import orjson

from terminology.indexing import Entry

_CHUNK: Final = 1 << 18
_LONGEST: Final = 8_000_000  # bytes of one value that is said of a concept
_LONGEST_TEXT: Final = 1_000_000
_DEEPEST: Final = 100
_TOKEN: Final = re.compile(
    rb'[ \t\r\n]*("[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{},:]|[^\s"\[\]{},:]{1,400}(?=[\s"\[\]{},:]))', re.DOTALL
)
_CONCEPTS: Final = b'"concept"'


class BadJson(Exception):
    """Not JSON, or not that of a CodeSystem; the text says what."""


class OutOfOrder(Exception):
    """Something is said of a concept after those nested in it: FHIR's own order has these last."""


class Stream:
    """One pass over a file. `offset`: of the last token that was read, in bytes."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._tokens = self._read()
        self._place = 0
        self.offset = 0

    def survey(self) -> tuple[dict[str, Any], int]:
        """The resource without its concepts, and how many these are. Raises `BadJson`, `OutOfOrder`."""
        parts = []
        total = 0
        self._expect(b"{")
        for key in self._keys():
            if key == _CONCEPTS:
                total += sum(1 for _ in self._concepts(None, 0))
            else:
                parts.append(key + b":" + self._value())
        self._end()
        return _parsed(parts), total

    def entries(self) -> Iterator[Entry]:
        """The concepts, in the order of the text. Raises `BadJson`, `OutOfOrder`."""
        self._expect(b"{")
        for key in self._keys():
            if key == _CONCEPTS:
                yield from self._concepts(None, 0)
            else:
                self._value()

    def _concepts(self, inside: int | None, depth: int) -> Iterator[Entry]:
        if depth >= _DEEPEST:
            raise BadJson(f"Concepts nest more than {_DEEPEST} deep")
        self._expect(b"[")
        token = self._next()
        while token != b"]":
            if token != b"{":
                raise BadJson("A concept was expected here")
            yield from self._concept(inside, depth)
            token = self._next()
            if token == b",":
                token = self._next()
            elif token != b"]":
                raise BadJson("A comma is missing")

    def _concept(self, inside: int | None, depth: int) -> Iterator[Entry]:
        parts: list[bytes] = []
        place: int | None = None
        for key in self._keys():
            if key == _CONCEPTS:
                place = self._place
                self._place += 1
                yield Entry(_parsed(parts), inside)
                yield from self._concepts(place, depth + 1)
            elif place is not None:
                raise OutOfOrder
            else:
                parts.append(key + b":" + self._value())
        if place is None:
            self._place += 1
            yield Entry(_parsed(parts), inside)

    def _keys(self) -> Iterator[bytes]:
        """The keys of an object that was opened; whoever takes one reads its value before the next."""
        token = self._next()
        while token != b"}":
            if not token.startswith(b'"'):
                raise BadJson("A key was expected here")
            self._expect(b":")
            yield token
            token = self._next()
            if token == b",":
                token = self._next()
            elif token != b"}":
                raise BadJson("A comma is missing")

    def _value(self) -> bytes:
        """The next value as it is written, unless it goes on for ever."""
        token = self._next()
        if token not in _OPENING:
            return token
        parts = [token]
        depth, size = 1, 1
        while depth:
            token = self._next()
            parts.append(token)
            size += len(token)
            if size > _LONGEST:
                raise BadJson(f"What is said here is longer than {_LONGEST:,} bytes")
            if token in _OPENING:
                depth += 1
            elif token in _CLOSING:
                depth -= 1
        return b"".join(parts)

    def _expect(self, wanted: bytes) -> None:
        if self._next() != wanted:
            raise BadJson(f"'{wanted.decode()}' was expected here")

    def _next(self) -> bytes:
        token = next(self._tokens, None)
        if token is None:
            raise BadJson("The text ends too early")
        return token

    def _end(self) -> None:
        if next(self._tokens, None) is not None:
            raise BadJson("Something follows the resource")

    def _read(self) -> Iterator[bytes]:
        text = self._file.read(_CHUNK).removeprefix(codecs.BOM_UTF8)
        base = at = 0
        while True:
            while found := _TOKEN.match(text, at):
                at = found.end()
                self.offset = base + found.start(1)
                yield found[1]
            more = self._file.read(_CHUNK)
            if not more:
                rest = text[at:].strip()
                if rest:
                    self.offset = base + at
                    raise BadJson("It is not JSON")
                return
            if len(text) - at > _LONGEST_TEXT:
                self.offset = base + at
                raise BadJson(f"A text is longer than {_LONGEST_TEXT:,} bytes, or has no end")
            base += at
            text, at = text[at:] + more, 0


_OPENING: Final = frozenset({b"{", b"["})
_CLOSING: Final = frozenset({b"}", b"]"})


def _parsed(parts: list[bytes]) -> dict[str, Any]:
    try:
        tree: dict[str, Any] = orjson.loads(b"{" + b",".join(parts) + b"}")
    except orjson.JSONDecodeError as error:
        raise BadJson(f"It is not JSON ({error.msg.partition(':')[0]})") from None
    return tree
