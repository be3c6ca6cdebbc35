"""Where in a resource a JSON text stops being one: the element, as FHIRPath names it.

The text before that place is sound, so that its brackets and keys tell the way. Nothing of what the sender wrote is
repeated but names that could be those of elements.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_MARK: Final = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+', re.DOTALL)
_NAME: Final = re.compile(r'"([A-Za-z][A-Za-z0-9]{0,63})"')
_TYPE: Final = re.compile(r'"?resourceType"?\s*:\s*"([A-Z][A-Za-z]{1,63})"')
_COMMENTS: Final = re.compile(r"(?:\s|//[^\n]*|/\*.*?\*/)*", re.DOTALL)
_LONGEST: Final = 1_000_000  # characters before the place that are read for it


@dataclass(slots=True)
class _Level:
    """An open object (`index` None) or array."""

    index: int | None
    key: str = ""


def place_of(body: bytes, line: int, column: int, *, inside: bool) -> str:
    """The place of what stands at a line and column, both from 1; empty where it cannot be told.

    `inside`: a value was expected there; else the place of the object or array around. A comment is at the key behind.
    """
    text = body.decode("utf-8", "replace")
    start = _offset(text, line, column)
    if start > _LONGEST:
        return ""
    root = _TYPE.search(text)
    levels = _levels(text[:start])
    name = root[1] if root else ""
    steps = [name, *(_step(level) for level in levels[:-1])]
    if levels:
        steps.append(_last(levels[-1], text[start:], inside=inside))
    if not name or None in steps:
        return ""
    return "".join(step for step in steps if step)


def _offset(text: str, line: int, column: int) -> int:
    start = 0
    for _ in range(line - 1):
        start = text.find("\n", start) + 1
    return start + column - 1


def _levels(text: str) -> list[_Level]:
    """What is open at the end of a text that is sound so far."""
    levels: list[_Level] = []
    last = ""
    for found in _MARK.finditer(text):
        mark = found[0]
        if mark == "{":
            levels.append(_Level(None))
        elif mark == "[":
            levels.append(_Level(0))
        elif mark in "}]":
            del levels[-1:]
        elif mark == "," and levels:
            top = levels[-1]
            if top.index is None:
                top.key = ""
            else:
                top.index += 1
        elif mark == ":" and levels:
            levels[-1].key = last
        last = mark
    return levels


def _step(level: _Level) -> str | None:
    """None: what the sender wrote there is no name of an element."""
    if level.index is not None:
        return f"[{level.index}]"
    name = _NAME.fullmatch(level.key)
    return f".{name[1]}" if name else None


def _last(level: _Level, rest: str, *, inside: bool) -> str | None:
    if level.index is not None:
        return _step(level) if inside else ""
    if level.key:
        return _step(level)
    comments = _COMMENTS.match(rest)
    behind = _NAME.match(rest, comments.end()) if comments and comments.end() else None
    return f".{behind[1]}" if behind else ""
