"""The functions on strings.

Each counts the text it reads and makes: a short expression can double a string many times.

http://hl7.org/fhirpath/N1/#string-manipulation
"""

from __future__ import annotations

import base64
import binascii
import html
import json
import re
from collections.abc import Callable
from typing import Final

from fhir_server.fhirpath import operators
from fhir_server.fhirpath.use import Function, Table, Use, answer
from fhir_server.fhirpath.values import Node, made
from terminology.pattern_syntax import BadPattern
from terminology.patterns import Groups, Pattern, pattern_of


def _length(use: Use) -> list[Node]:
    text = use.text()
    return answer(None if text is None else len(text))


def _index_of(use: Use) -> list[Node]:
    text, part = use.text(), use.string()
    return answer(None if text is None or part is None else text.find(part))


def _substring(use: Use) -> list[Node]:
    text, start, length = use.text(), use.integer(0), use.integer(1)
    if text is None or start is None or not 0 <= start < len(text):
        return []
    return use.made_text(text[start:] if length is None else text[start : start + max(0, length)])


def _replace(use: Use) -> list[Node]:
    text, old, new = use.text(), use.string(0), use.string(1)
    if text is None or old is None or new is None:
        return []
    if len(text) + text.count(old) * len(new) > operators.MAX_TEXT:
        raise use.refusal("the string would become too long", code="too-costly")
    return use.made_text(text.replace(old, new))


def _split(use: Use) -> list[Node]:
    text, separator = use.text(), use.string()
    if text is None or separator is None:
        return []
    parts = text.split(separator) if separator else list(text)
    use.charge(len(parts))
    return [made(part) for part in parts]


def _join(use: Use) -> list[Node]:
    separator = use.string() or ""
    texts = [operators.value_of([node], use.position) for node in use.items]
    strings = [text for text in texts if isinstance(text, str)]
    if len(strings) < len(texts):
        raise use.refusal("this function is applied to strings")
    if sum(map(len, strings)) + len(separator) * len(strings) > operators.MAX_TEXT:
        raise use.refusal("the string would become too long", code="too-costly")
    return use.made_text(separator.join(strings)) if strings else []


def _matches(use: Use) -> list[Node]:
    """Somewhere in the string, as the language has it since 2.0: `^` and `$` ask for all of it."""
    text, pattern = use.text(), _pattern(use)
    return answer(None if text is None or pattern is None else pattern.search(text, _charge(use)))


def _matches_full(use: Use) -> list[Node]:
    text, pattern = use.text(), _pattern(use)
    return answer(None if text is None or pattern is None else pattern.fits(text, _charge(use)))


def _replace_matches(use: Use) -> list[Node]:
    text, pattern, new = use.text(), _pattern(use), use.string(1)
    if text is None or pattern is None or new is None:
        return []
    pieces = []
    size = at = begun = 0
    while at <= len(text) and (groups := pattern.find(text, at, _charge(use))) is not None:
        begin, end = groups[:2]
        if begin == end:  # what matches nothing replaces nothing
            at = end + 1
            continue
        pieces += [text[begun:begin], _filled(new, pattern, groups, text)]
        size += len(pieces[-1])
        if size > operators.MAX_TEXT:
            raise use.refusal("the string would become too long", code="too-costly")
        at = begun = end
    return use.made_text("".join([*pieces, text[begun:]]))


def _pattern(use: Use) -> Pattern | None:
    text = use.string()
    try:
        return None if text is None else pattern_of(text)
    except BadPattern:
        raise use.refusal(
            "this is no regular expression, or one with back-references, look-behind or thousands of states"
        ) from None


def _charge(use: Use) -> Callable[[int], None]:
    """Eight steps of the machine cost about as much as a visit of an element."""
    return lambda steps: use.charge(steps // 8 + 1)


_SUBSTITUTION: Final = re.compile(r"\\(.)|\$(\d)|\$\{(\w+)\}", re.DOTALL)


def _filled(new: str, pattern: Pattern, groups: Groups, text: str) -> str:
    """A replacement with what `$1` and `${name}` stand for."""

    def substitute(found: re.Match[str]) -> str:
        if found[1] is not None:
            return found[1]
        name = found[2] or found[3]
        number = int(name) if name.isdecimal() else pattern.names.get(name)
        if number is None or number > pattern.groups:
            return found[0]
        begin, end = groups[2 * number : 2 * number + 2] or (-1, -1)
        return text[begin:end] if begin >= 0 else ""

    return _SUBSTITUTION.sub(substitute, new)


def _encode(use: Use) -> list[Node]:
    text, form = use.text(), use.string()
    if text is None or form is None:
        return []
    content = text.encode()
    match form:
        case "hex":
            return use.made_text(content.hex())
        case "base64":
            return use.made_text(base64.b64encode(content).decode())
        case "urlbase64":
            return use.made_text(base64.urlsafe_b64encode(content).decode())
    raise use.refusal("the form is hex, base64 or urlbase64")


def _decode(use: Use) -> list[Node]:
    text, form = use.text(), use.string()
    if text is None or form is None:
        return []
    try:
        match form:
            case "hex":
                return use.made_text(bytes.fromhex(text).decode())
            case "base64" | "urlbase64":
                plain = text if form == "base64" else text.replace("-", "+").replace("_", "/")
                return use.made_text(base64.b64decode(plain, validate=True).decode())
    except (ValueError, binascii.Error):
        raise use.refusal("the string is not a text in this form") from None
    raise use.refusal("the form is hex, base64 or urlbase64")


def _escape(use: Use) -> list[Node]:
    text, form = use.text(), use.string()
    if text is None or form is None:
        return []
    match form:
        case "html":
            return use.made_text(html.escape(text))
        case "json":
            return use.made_text(json.dumps(text, ensure_ascii=False)[1:-1])
    raise use.refusal("the form is html or json")


def _unescape(use: Use) -> list[Node]:
    text, form = use.text(), use.string()
    if text is None or form is None:
        return []
    match form:
        case "html":
            return use.made_text(html.unescape(text))
        case "json":
            try:
                return use.made_text(json.loads(f'"{text}"', strict=False))
            except ValueError:
                raise use.refusal("the string is not escaped as in JSON") from None
    raise use.refusal("the form is html or json")


def _to_chars(use: Use) -> list[Node]:
    text = use.text() or ""
    use.charge(len(text))
    return [made(character) for character in text]


def _asked(question: Callable[[str, str], bool]) -> Function:
    def function(use: Use) -> list[Node]:
        text, part = use.text(), use.string()
        return answer(None if text is None or part is None else question(text, part))

    return function


def _changed(change: Callable[[str], str]) -> Function:
    def function(use: Use) -> list[Node]:
        text = use.text()
        return [] if text is None else use.made_text(change(text))

    return function


STRINGS: Table = {
    "length": (_length, 0, 0),
    "indexOf": (_index_of, 1, 1),
    "substring": (_substring, 1, 2),
    "startsWith": (_asked(str.startswith), 1, 1),
    "endsWith": (_asked(str.endswith), 1, 1),
    "contains": (_asked(str.__contains__), 1, 1),
    "upper": (_changed(str.upper), 0, 0),
    "lower": (_changed(str.lower), 0, 0),
    "trim": (_changed(str.strip), 0, 0),
    "replace": (_replace, 2, 2),
    "toChars": (_to_chars, 0, 0),
    "split": (_split, 1, 1),
    "join": (_join, 0, 1),
    "matches": (_matches, 1, 1),
    "matchesFull": (_matches_full, 1, 1),
    "replaceMatches": (_replace_matches, 2, 2),
    "encode": (_encode, 1, 1),
    "decode": (_decode, 1, 1),
    "escape": (_escape, 1, 1),
    "unescape": (_unescape, 1, 1),
}
