"""Regular expressions that take time in proportion to the text, whoever wrote them.

A value set's `regex` filter may come from anybody, and Python's own engine can be kept busy for years by twenty
characters. Here an expression becomes an automaton without choices to come back to (Glushkov's): a bit for each place
in the expression, and all places that the text may have reached are followed at once.

Understood are alternatives, groups, classes, escapes and `* + ? {m,n}`; the whole text must match.

https://en.wikipedia.org/wiki/Glushkov%27s_construction_algorithm
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

_PLACES: Final = 2000  # of one expression, `{m,n}` written out
_STEPS: Final = 20_000  # pieces read, `{m,n}` written out: a group may have no place at all
_DEPTH: Final = 50
_COUNT: Final = re.compile(r"\{(\d{1,4})(,(\d{0,4}))?\}")
_CLASS: Final = re.compile(r"\[\^?\]?(?:[^\]\\]|\\.)*\]", re.DOTALL)

_AMBIGUOUS: Final = re.compile(r"^\[\^?\[|--|&&|\|\||~~")  # set operations to some engines


class BadPattern(Exception):
    """Not a regular expression of the kind that is understood."""


@dataclass(slots=True)
class _Piece:
    """A part of an expression: whether it may be empty, and the places where it can begin and end, as bits."""

    empty: bool
    first: int
    last: int


class Pattern:
    """Raises `BadPattern`."""

    def __init__(self, text: str) -> None:
        self._text = text.removeprefix("^")
        if self._text.endswith("$") and not self._text.endswith("\\$"):
            self._text = self._text[:-1]
        self._at = 0
        self._steps = 0
        self._atoms: list[re.Pattern[str]] = []
        self._follow: list[int] = []
        self._whole = self._either(0)
        if self._at < len(self._text):
            raise BadPattern
        self._known: dict[str, int] = {}  # the places that a character fits

    def matches(self, text: str) -> bool:
        """Whether the pattern matches the whole of `text`."""
        if not text:
            return self._whole.empty
        reached, after = 0, self._whole.first
        for character in text:
            reached = after & self._fitting(character)
            if not reached:
                return False
            after = 0
            rest = reached
            while rest:
                lowest = rest & -rest
                after |= self._follow[lowest.bit_length() - 1]
                rest ^= lowest
        return bool(reached & self._whole.last)

    def _fitting(self, character: str) -> int:
        found = self._known.get(character)
        if found is None:
            found = sum(1 << place for place, atom in enumerate(self._atoms) if atom.match(character))
            self._known[character] = found
        return found

    # The text, from left to right ------------------------------------------------------------------------------------

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _either(self, depth: int) -> _Piece:
        if depth > _DEPTH:
            raise BadPattern
        found = self._sequence(depth)
        while self._peek() == "|":
            self._at += 1
            other = self._sequence(depth)
            found = _Piece(found.empty or other.empty, found.first | other.first, found.last | other.last)
        return found

    def _sequence(self, depth: int) -> _Piece:
        found = _Piece(True, 0, 0)
        while self._peek() not in {"", "|", ")"}:
            found = self._then(found, self._repeated(depth))
        return found

    def _then(self, one: _Piece, other: _Piece) -> _Piece:
        self._link(one.last, other.first)
        return _Piece(
            one.empty and other.empty,
            one.first | other.first if one.empty else one.first,
            one.last | other.last if other.empty else other.last,
        )

    def _link(self, ends: int, beginnings: int) -> None:
        while ends:
            lowest = ends & -ends
            self._follow[lowest.bit_length() - 1] |= beginnings
            ends ^= lowest

    def _repeated(self, depth: int) -> _Piece:
        start = self._at
        found = self._one(depth)
        end = self._at
        least, most = self._count()
        if (least, most) == (1, 1):
            return found
        if self._peek() and self._peek() in "*+{":  # `a++` holds on to what it has; it means something else
            raise BadPattern
        if self._peek() == "?":  # a lazy one: of the whole text it says the same
            self._at += 1
        behind = self._at
        # Each turn has places of its own: the piece is read again. The last of an endless one follows itself.
        turns = max(least, 1) if most is None else most
        whole = _Piece(True, 0, 0)
        for turn in range(turns):
            if turn:
                self._at = start
                found = self._one(depth)
                assert self._at == end
            if most is None and turn == turns - 1:
                self._link(found.last, found.first)
            optional = found.empty or turn >= least
            whole = self._then(whole, _Piece(optional, found.first, found.last))
        self._at = behind
        return whole

    def _count(self) -> tuple[int, int | None]:
        sign = self._peek()
        if sign == "{":
            match = _COUNT.match(self._text, self._at)
            if match is None:
                raise BadPattern
            self._at = match.end()
            least = int(match[1])
            most = least if match[2] is None else int(match[3]) if match[3] else None
            if most is not None and (most < least or most > _PLACES):
                raise BadPattern
            return least, most
        if sign and sign in "*+?":
            self._at += 1
            return (1 if sign == "+" else 0), (1 if sign == "?" else None)
        return 1, 1

    def _one(self, depth: int) -> _Piece:
        self._steps += 1
        if self._steps > _STEPS:
            raise BadPattern
        sign = self._peek()
        if sign == "(":
            self._at += 3 if self._text.startswith("(?:", self._at) else 1
            found = self._either(depth + 1)
            if self._peek() != ")":
                raise BadPattern
            self._at += 1
            return found
        if sign in "*+?{)^$":
            raise BadPattern
        length = 1
        if sign == "\\":
            length = 2
            if self._text[self._at + 1 : self._at + 2] in {*"AbBZzG0123456789", ""}:
                raise BadPattern  # places between characters, and what groups have matched
        elif sign == "[":
            match = _CLASS.match(self._text, self._at)
            if match is None:
                raise BadPattern
            length = len(match[0])
        atom = self._text[self._at : self._at + length]
        self._at += length
        if len(self._atoms) >= _PLACES:
            raise BadPattern
        self._atoms.append(_atom(atom))
        self._follow.append(0)
        bit = 1 << len(self._atoms) - 1
        return _Piece(False, bit, bit)


@lru_cache(maxsize=1024)
def _atom(text: str) -> re.Pattern[str]:
    """What one character may be."""
    if text.startswith("[") and _AMBIGUOUS.search(text):
        raise BadPattern
    try:
        return re.compile(text)
    except (re.error, OverflowError):
        raise BadPattern from None
