"""The text of `_filter` as a tree: tests on paths, joined by `and`, `or` and `not`.

    given eq "peter" and birthdate ge 2014-10-10
    subject[active eq true].name co "pet" or not (status in http://hl7.org/fhir/ValueSet/observation-status)

`and` and `or` bind alike and are read from left to right, says R4; parentheses say it otherwise. Reading takes time in
proportion to the text.

https://hl7.org/fhir/R4/search_filter.html
"""

from __future__ import annotations

import json
import re
from typing import Final, TypeAlias

from fhir_server.kernel.errors import Malformed
from fhir_server.kernel.values import immutable

MOST_TESTS: Final = 100
MOST_NESTED: Final = 20  # parentheses and brackets inside one another
LONGEST_PATH: Final = 16  # names

OPERATORS: Final = frozenset(
    {
        "eq",
        "ne",
        "co",
        "sw",
        "ew",
        "gt",
        "lt",
        "ge",
        "le",
        "ap",
        "sa",
        "eb",
        "pr",
        "po",
        "ss",
        "sb",
        "in",
        "ni",
        "re",
    }
)
_SPACE = re.compile(r"\s*")
_WORD = re.compile(r"[A-Za-z]+")
# `_has:Observation:patient:code` and `subject:Patient` stand where a name does.
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_\-]*(?::[A-Za-z_][A-Za-z0-9_\-]*){0,40}")
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_BARE = re.compile(r"[^\s\])]+")


@immutable
class Step:
    """One name of a path, and what the resource that it leads to must meet."""

    name: str
    filter: Filter | None = None


@immutable
class Comparison:
    path: tuple[Step, ...]  # never empty
    operator: str
    value: str  # never empty


@immutable
class Both:
    left: Filter
    right: Filter


@immutable
class Either:
    left: Filter
    right: Filter


@immutable
class Opposite:
    inner: Filter


Filter: TypeAlias = Comparison | Both | Either | Opposite


def filter_of(text: str) -> Filter:
    """The filter that `text` says. Raises `Malformed`, with the place of what cannot be read."""
    reading = _Reading(text)
    found = reading.filter(0)
    reading.expect_end()
    return found


class _Reading:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._tests = 0

    def filter(self, depth: int) -> Filter:
        if depth > MOST_NESTED:
            raise Malformed(f"'_filter' has more than {MOST_NESTED} levels of parentheses", code="too-costly")
        found = self._term(depth)
        while (word := self._peek()) in {"and", "or"}:
            self._at += len(word)
            right = self._term(depth)
            found = Both(found, right) if word == "and" else Either(found, right)
        return found

    def expect_end(self) -> None:
        self._skip()
        if self._at < len(self._text):
            raise self._wrong("and, or, or the end")

    def _term(self, depth: int) -> Filter:
        self._skip()
        if self._sign("("):
            return self._closed(depth)
        if self._peek() == "not":
            before = self._at
            self._at += len("not")
            self._skip()
            if self._sign("("):
                return Opposite(self._closed(depth))
            self._at = before  # a parameter may be named so
        return self._test(depth)

    def _closed(self, depth: int) -> Filter:
        found = self.filter(depth + 1)
        self._skip()
        if not self._sign(")"):
            raise self._wrong("and, or, or a closing parenthesis")
        return found

    def _test(self, depth: int) -> Comparison:
        self._tests += 1
        if self._tests > MOST_TESTS:
            raise Malformed(f"'_filter' has more than {MOST_TESTS} tests", code="too-costly")
        path = [self._step(depth)]
        while self._sign("."):
            path.append(self._step(depth))
            if len(path) > LONGEST_PATH:
                raise Malformed(f"'_filter' has a path of more than {LONGEST_PATH} names", code="too-costly")
        if path[-1].filter is not None:
            raise self._wrong("a dot and a name behind the brackets")
        self._skip()
        operator = self._match(_WORD).lower()
        if operator not in OPERATORS:
            raise self._wrong(f"one of {', '.join(sorted(OPERATORS))}")
        self._skip()
        return Comparison(tuple(path), operator, self._value())

    def _step(self, depth: int) -> Step:
        name = self._match(_NAME)
        if not name:
            raise self._wrong("the name of a search parameter")
        if not self._sign("["):
            return Step(name)
        inner = self.filter(depth + 1)
        self._skip()
        if not self._sign("]"):
            raise self._wrong("and, or, or a closing bracket")
        return Step(name, inner)

    def _value(self) -> str:
        if not self._text.startswith('"', self._at):
            value = self._match(_BARE)
        else:
            start, written = self._at, self._match(_STRING)
            try:
                value = str(json.loads(written, strict=False))
                value.encode()  # half of a surrogate pair cannot be compared with anything
            except (ValueError, UnicodeError):
                self._at = start
                raise self._wrong("a string as JSON writes it") from None
        if not value:
            raise self._wrong("a value, in quotation marks where it has spaces")
        return value

    def _peek(self) -> str:
        """The word that comes next, in lower case, if it stands alone."""
        self._skip()
        found = _WORD.match(self._text, self._at)
        if found is None or self._text[found.end() : found.end() + 1] not in {"", " ", "\t", "\r", "\n", "("}:
            return ""
        return found[0].lower()

    def _match(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self._text, self._at)
        if found is None:
            return ""
        self._at = found.end()
        return found[0]

    def _sign(self, sign: str) -> bool:
        if not self._text.startswith(sign, self._at):
            return False
        self._at += len(sign)
        return True

    def _skip(self) -> None:
        found = _SPACE.match(self._text, self._at)
        assert found is not None, "nothing is a match"
        self._at = found.end()

    def _wrong(self, expected: str) -> Malformed:
        return Malformed(
            f"'_filter' cannot be read from character {self._at + 1} on: expected {expected}", code="value"
        )
