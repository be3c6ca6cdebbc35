"""The words of a source file: texts in quotes, units in apostrophes, and everything else between blanks.

A word that opens a bracket goes on to the one that closes it: `Reference(A or B)`, `SlicedBy(value, system)`.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from tools.fsh.model import Place

_BLANK: Final = re.compile(r"\s+|//[^\n]*|/\*.*?\*/", re.DOTALL)
_NEWLINE: Final = re.compile(r"\n")
_LONG: Final = re.compile(r'"""(.*?)"""', re.DOTALL)
_TEXT: Final = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_UNIT: Final = re.compile(r"'([^']*)'")
_ESCAPE: Final = re.compile(r"\\(.)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Token:
    kind: Literal["word", "text", "unit"]
    text: str
    start: int  # in the source
    line: int
    column: int  # from 0


def tokens_of(source: str, place: Place) -> Iterator[Token]:
    """`place` is that of the first line."""
    starts = [0, *(found.end() for found in _NEWLINE.finditer(source))]
    at = 0
    while at < len(source):
        if blank := _BLANK.match(source, at):
            at = blank.end()
            continue
        index = bisect_right(starts, at) - 1
        line = place.line + index
        kind, text, end = _token(source, at, Place(place.file, line))
        yield Token(kind, text, at, line, at - starts[index])
        at = end


def _token(source: str, at: int, place: Place) -> tuple[Literal["word", "text", "unit"], str, int]:
    if source.startswith('"""', at):
        if long := _LONG.match(source, at):
            return "text", _unindented(long[1]), long.end()
        place.wrong('a text in """ does not end')
    if source[at] == '"':
        if text := _TEXT.match(source, at):
            return "text", unescaped(text[1]), text.end()
        place.wrong("a text in quotes does not end")
    if unit := _UNIT.match(source, at):
        return "unit", unit[1], unit.end()
    end = _word_end(source, at, place)
    return "word", source[at:end], end


def _word_end(source: str, at: int, place: Place) -> int:
    depth = 0
    while at < len(source):
        character = source[at]
        if source.startswith("[[", at) and depth and (closing := source.find("]]", at)) > 0:
            at = closing + 2
            continue
        if character == '"' and (depth or source[at - 1] in {"#", "("}):
            quoted = _TEXT.match(source, at)
            if quoted is None:
                place.wrong("a text in quotes does not end")
            at = quoted.end()
            continue
        if character == "(":
            depth += 1
        elif character == ")":
            depth -= 1
        elif character.isspace() and depth <= 0:
            break
        at += 1
    if depth > 0:
        place.wrong("a bracket '(' is not closed")
    return at


def unescaped(text: str) -> str:
    return _ESCAPE.sub(lambda found: {"n": "\n", "t": "\t"}.get(found[1], found[1]), text)


def _unindented(text: str) -> str:
    """A long text without the blanks that all its lines begin with."""
    lines = text.strip("\n").rstrip().split("\n")
    blanks = min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
    return "\n".join(line[blanks:].rstrip() for line in lines)
