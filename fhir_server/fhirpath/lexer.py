"""The text of an expression as tokens.

http://hl7.org/fhirpath/N1/#lexical-elements · http://hl7.org/fhirpath/N1/grammar.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from fhir_server.fhirpath.errors import NotAnExpression
from fhir_server.fhirpath.temporal import day_of, time_of
from fhir_server.fhirpath.values import System

TokenKind = Literal["identifier", "delimited", "literal", "variable", "symbol", "end"]

MAX_LENGTH = 20_000  # characters; R4's longest own expression has under 3 000
_MAX_DIGITS = 40
_INTEGER = 2**31 - 1  # http://hl7.org/fhirpath/N1/#integer

_CLOCK = r"\d\d(?::\d\d(?::\d\d(?:\.\d+)?)?)?"
_TOKEN = re.compile(
    rf"""
      (?P<space>      [ \t\r\n]+ | //[^\r\n]* | /\*.*?\*/ )
    | (?P<time>       @T{_CLOCK} )
    | (?P<day>        @\d{{4}}(?:-\d\d(?:-\d\d)?)?(?:T(?:{_CLOCK})?)?(?:Z|[+-]\d\d:\d\d)? )
    | (?P<number>     \d+(?:\.\d+)? )
    | (?P<identifier> [A-Za-z_][A-Za-z0-9_]* )
    | (?P<delimited>  `(?:[^`\\]|\\.)*` )
    | (?P<string>     '(?:[^'\\]|\\.)*' )
    | (?P<variable>   \$(?:this|index|total)\b )
    | (?P<symbol>     <= | >= | != | !~ | [-+*/&|<>=~.,()\[\]{{}}%] )
    """,
    re.VERBOSE | re.DOTALL | re.ASCII,
)
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_ESCAPES = {"f": "\f", "n": "\n", "r": "\r", "t": "\t"} | {c: c for c in "`'\"\\/"}


@dataclass(frozen=True, slots=True)
class Token:
    """`text` is an identifier unescaped, a symbol, or a variable with its `$`; `value` is that of a literal."""

    kind: TokenKind
    text: str
    position: int
    value: System | None = None


def tokens_of(text: str) -> list[Token]:
    """The tokens of an expression, white space and comments left out, an `end` behind them.

    Raises `NotAnExpression` where a character begins no token, a string or comment is not closed, a date does not
    exist, or `text` is longer than `MAX_LENGTH`.
    """
    if len(text) > MAX_LENGTH:
        raise NotAnExpression(f"an expression has at most {MAX_LENGTH:,} characters", MAX_LENGTH)
    found = []
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        # An unclosed comment would otherwise be read as a division.
        if match is None or (match["symbol"] == "/" and text.startswith("/*", position)):
            raise NotAnExpression(_complaint(text, position), position)
        if match.lastgroup != "space":
            found.append(_token(match))
        position = match.end()
    found.append(Token("end", "", position))
    return found


def _token(match: re.Match[str]) -> Token:
    text, position = match[0], match.start()
    match match.lastgroup:
        case "identifier":
            return Token("identifier", text, position)
        case "delimited":
            return Token("delimited", _unescaped(text, position), position)
        case "string":
            return Token("literal", "", position, _unescaped(text, position))
        case "number":
            return Token("literal", "", position, _number(text, position))
        case "time":
            return Token("literal", "", position, _existing(time_of(text[2:]), position))
        case "day":
            return Token("literal", "", position, _existing(day_of(text[1:]), position))
        case "variable":
            return Token("variable", text, position)
    return Token("symbol", text, position)


def _existing(value: System | None, position: int) -> System:
    if value is None:
        raise NotAnExpression("this date or time does not exist", position)
    return value


def _number(text: str, position: int) -> int | Decimal:
    if len(text) > _MAX_DIGITS:
        raise NotAnExpression(f"a number has at most {_MAX_DIGITS} digits", position)
    # Beyond 32 bits it is no Integer any more; a Decimal holds it exactly.
    return Decimal(text) if "." in text or int(text) > _INTEGER else int(text)


def _unescaped(quoted: str, position: int) -> str:
    def character(match: re.Match[str]) -> str:
        code = match[1]
        if len(code) == 5:
            return chr(int(code[1:], 16))
        if code not in _ESCAPES:
            raise NotAnExpression(
                r"a backslash stands before one of ` ' \" \\ / f n r t, or before u and four hexadecimal digits",
                position + 1 + match.start(),
            )
        return _ESCAPES[code]

    return _ESCAPE.sub(character, quoted[1:-1])


def _complaint(text: str, position: int) -> str:
    match text[position]:
        case "'":
            return "the string is not closed"
        case "`":
            return "the identifier is not closed"
        case "/":
            return "the comment is not closed"
        case "@":
            return "a date or time is written like @2014-01-25, @2014-01-25T14:30:14Z or @T14:30"
        case "$":
            return "a variable is one of $this, $index and $total"
    return "no part of the language begins with this character"
