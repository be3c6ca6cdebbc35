"""The signs inside a value: a comma between alternatives, bar and dollar between parts, a backslash to mean the sign.

Everything here takes time in proportion to the text, whatever the text is.

https://hl7.org/fhir/R4/search.html#escaping
"""

from __future__ import annotations

import re

_ESCAPED = re.compile(r"\\([\\,$|])")
_SIGNS = {sign: re.compile(rf"\\.|{re.escape(sign)}", re.DOTALL) for sign in ",|$"}
_SPECIAL = re.compile(r"([\\,$|])")
_LEGAL = re.compile(r"(?:[^\\]|\\[\\,$|])*\Z")


def pieces(text: str, sign: str) -> list[str]:
    """The parts of `text` between unescaped signs, themselves still escaped. Never empty; a part may be."""
    if "\\" not in text:
        return text.split(sign)
    found, start = [], 0
    for hit in _SIGNS[sign].finditer(text):
        if hit[0] == sign:
            found.append(text[start : hit.start()])
            start = hit.end()
    found.append(text[start:])
    return found


def split(text: str) -> list[str]:
    """The alternatives of a value, still escaped; empty ones are left out."""
    if "," not in text:
        return [text] if text else []
    return [value for value in pieces(text, ",") if value]


def halves(text: str) -> tuple[str, str] | None:
    """What stands before and after the first bar, without escapes; None when there is no bar."""
    if "|" not in text:
        return None
    if "\\" not in text:
        before, _, after = text.partition("|")
        return before, after
    first, *rest = pieces(text, "|")
    return (unescaped(first), unescaped("|".join(rest))) if rest else None


def unescaped(text: str) -> str:
    """`text` with `\\,` and its like as the sign itself."""
    return _ESCAPED.sub(r"\1", text) if "\\" in text else text


def is_legal(text: str) -> bool:
    """Whether every backslash stands before a sign that it can take the meaning from."""
    return "\\" not in text or _LEGAL.match(text) is not None


def escaped(text: str) -> str:
    """The value that means `text` as it stands: `unescaped(escaped(x)) == x`, and it is one alternative."""
    return _SPECIAL.sub(r"\\\1", text)
