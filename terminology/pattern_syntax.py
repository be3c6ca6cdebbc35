"""The text of a regular expression as a tree. What is not understood is refused.

http://hl7.org/fhirpath/N1/#matchesregex-string-boolean
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

Test = Callable[[str], bool]

WORD: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")
_DEPTH: Final = 50
_DIGITS: Final = frozenset("0123456789")
_SPACE: Final = frozenset(" \t\n\r\f\v")
_CONTROLS: Final = {"n": "\n", "r": "\r", "t": "\t", "f": "\f", "v": "\v", "0": "\0", "a": "\a", "e": "\x1b"}


class BadPattern(Exception):
    """Not a regular expression of the kind that is understood."""


@dataclass(frozen=True, slots=True)
class Atom:
    test: Test


@dataclass(frozen=True, slots=True)
class Row:
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Either:
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    part: Part
    least: int
    most: int | None
    greedy: bool


@dataclass(frozen=True, slots=True)
class Group:
    part: Part
    number: int


@dataclass(frozen=True, slots=True)
class Place:
    """`^ $ b B`"""

    kind: str


@dataclass(frozen=True, slots=True)
class Ahead:
    part: Part
    wanted: bool


Part = Atom | Row | Either | Repeat | Group | Place | Ahead


class Reader:
    """`names` and `groups` tell, once the whole is read, which groups there are."""

    def __init__(self, text: str) -> None:
        self.names: dict[str, int] = {}
        self.groups = 0
        self._fold = False
        self._text = text
        self._at = 0
        while self._text.startswith(("(?i)", "(?s)"), self._at):
            self._fold = self._fold or self._text[self._at + 2] == "i"
            self._at += 4

    def whole(self) -> Part:
        part = self._either(0)
        if self._at < len(self._text):
            raise BadPattern
        return part

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _take(self) -> str:
        sign = self._peek()
        if not sign:
            raise BadPattern
        self._at += 1
        return sign

    def _accept(self, text: str) -> bool:
        if self._text.startswith(text, self._at):
            self._at += len(text)
            return True
        return False

    def _either(self, depth: int) -> Part:
        if depth > _DEPTH:
            raise BadPattern
        parts = [self._row(depth)]
        while self._accept("|"):
            parts.append(self._row(depth))
        return parts[0] if len(parts) == 1 else Either(tuple(parts))

    def _row(self, depth: int) -> Part:
        parts: list[Part] = []
        while self._peek() not in {"", "|", ")"}:
            parts.append(self._repeated(self._one(depth)))
        return Row(tuple(parts))

    def _repeated(self, part: Part) -> Part:
        counts = self._counts()
        if counts is None:
            return part
        if isinstance(part, Place | Ahead):
            raise BadPattern
        greedy = not self._accept("?")
        if self._peek() in {"*", "+"} or self._counts() is not None:
            raise BadPattern  # `a++` holds on to what it has; it means something else
        return Repeat(part, *counts, greedy)

    def _counts(self) -> tuple[int, int | None] | None:
        for sign, counts in (("*", (0, None)), ("+", (1, None)), ("?", (0, 1))):
            if self._accept(sign):
                return counts
        if self._peek() != "{":
            return None
        end = self._text.find("}", self._at)
        low, comma, high = self._text[self._at + 1 : max(end, self._at)].partition(",")
        if end < 0 or not _is_count(low) or (high and not _is_count(high)):
            raise BadPattern
        self._at = end + 1
        least = int(low)
        most = least if not comma else int(high) if high else None
        if most is not None and most < least:
            raise BadPattern
        return least, most

    def _one(self, depth: int) -> Part:
        sign = self._take()
        match sign:
            case "(":
                return self._group(depth)
            case "[":
                return Atom(self._class())
            case ".":
                return Atom(lambda _: True)
            case "^" | "$":
                return Place(sign)
            case "\\":
                return self._escaped()
            case "*" | "+" | "?" | "{":
                raise BadPattern
        return Atom(self._literal(sign))

    def _group(self, depth: int) -> Part:
        ahead = None
        number = 0
        if self._accept("?"):
            if self._accept("=") or self._accept("!"):
                ahead = self._text[self._at - 1] == "="
            elif not self._accept(":"):
                number = self._named()
        else:
            self.groups += 1
            number = self.groups
        inner = self._either(depth + 1)
        if not self._accept(")"):
            raise BadPattern
        if ahead is not None:
            return Ahead(inner, ahead)
        return Group(inner, number) if number else inner

    def _named(self) -> int:
        self._accept("P")
        end = self._text.find(">", self._at)
        name = self._text[self._at + 1 : max(end, self._at)]
        if not self._accept("<") or not name.isidentifier() or name in self.names:
            raise BadPattern
        self._at = end + 1
        self.groups += 1
        self.names[name] = self.groups
        return self.groups

    def _escaped(self) -> Part:
        if self._peek() in {"b", "B"}:
            return Place(self._take())
        found = self._escape()
        return Atom(self._literal(found) if isinstance(found, str) else found)

    def _literal(self, character: str) -> Test:
        if self._fold:
            folded = character.casefold()
            return lambda one: one.casefold() == folded
        return character.__eq__

    def _escape(self) -> str | Test:
        """What stands behind a backslash: one character, or a kind of characters."""
        sign = self._take()
        match sign:
            case "d" | "D":
                return _within(_DIGITS, sign)
            case "w" | "W":
                return _within(WORD, sign)
            case "s" | "S":
                return _within(_SPACE, sign)
            case "p" | "P":
                return self._category(positive=sign == "p")
            case "x":
                return self._hexadecimal(2)
            case "u":
                return self._hexadecimal(4)
        if sign in _CONTROLS:
            return _CONTROLS[sign]
        if sign.isalnum():
            raise BadPattern
        return sign

    def _hexadecimal(self, digits: int) -> str:
        code = self._text[self._at : self._at + digits]
        if len(code) < digits or not all(digit in "0123456789abcdefABCDEF" for digit in code):
            raise BadPattern
        self._at += digits
        return chr(int(code, 16))

    def _category(self, *, positive: bool) -> Test:
        end = self._text.find("}", self._at)
        name = self._text[self._at + 1 : max(end, self._at)]
        if not self._accept("{") or not name.isalpha() or len(name) > 2:
            raise BadPattern
        self._at = end + 1
        return lambda one: unicodedata.category(one).startswith(name) == positive

    def _class(self) -> Test:
        negative = self._accept("^")
        singles: set[str] = set()
        ranges: list[tuple[str, str]] = []
        kinds: list[Test] = []
        first = True
        while first or self._peek() != "]":
            first = False
            low = self._member(kinds)
            if low is None:
                continue
            if self._peek() == "-" and self._text[self._at + 1 : self._at + 2] not in {"]", ""}:
                self._at += 1
                high = self._member(kinds)
                if high is None or high < low:
                    raise BadPattern
                ranges.append((low, high))
            else:
                singles.add(low)
        self._at += 1
        return _class_test(
            frozenset(singles), tuple(ranges), tuple(kinds), negative=negative, fold=self._fold
        )

    def _member(self, kinds: list[Test]) -> str | None:
        """A character of a class; None: a kind of characters, which is added."""
        sign = self._take()
        if sign == "[" or (sign == "&" and self._peek() == "&"):
            raise BadPattern  # classes in classes
        if sign != "\\":
            return sign
        if self._accept("b"):
            return "\b"
        found = self._escape()
        if isinstance(found, str):
            return found
        kinds.append(found)
        return None


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 4


def _within(characters: frozenset[str], sign: str) -> Test:
    if sign.islower():
        return characters.__contains__
    return lambda one: one not in characters


def _class_test(
    singles: frozenset[str],
    ranges: tuple[tuple[str, str], ...],
    kinds: tuple[Test, ...],
    *,
    negative: bool,
    fold: bool,
) -> Test:
    def is_in(one: str) -> bool:
        return (
            one in singles
            or any(low <= one <= high for low, high in ranges)
            or any(kind(one) for kind in kinds)
        )

    def test(one: str) -> bool:
        found = is_in(one) or (fold and (is_in(one.lower()) or is_in(one.upper())))
        return found != negative

    return lru_cache(maxsize=512)(test)
