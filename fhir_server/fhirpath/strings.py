"""The functions on strings, and `toString`.

Each counts the text it reads and makes: a short expression can double a string many times.

http://hl7.org/fhirpath/N1/#string-manipulation
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from fhir_server.fhirpath import operators
from fhir_server.fhirpath.use import Function, Table, Use, answer
from fhir_server.fhirpath.values import Node, made


def _to_string(use: Use) -> list[Node]:
    value = operators.value_of(use.items, use.position)
    match value:
        case None:
            return []
        case bool():
            return [made("true" if value else "false")]
        case int() | str():
            return [made(str(value))]
        case Decimal():
            return [made(f"{value:f}")]
    text = getattr(value, "text", None)
    if text is None:
        raise use.refusal("quantities are not supported", code="not-supported")
    return use.made_text(text)


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
    return [made(text[start:] if length is None else text[start : start + max(0, length)])]


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
    use.engine.budget.charge(len(parts), use.position)
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
    "toString": (_to_string, 0, 0),
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
    "toChars": (lambda use: [made(character) for character in use.text() or ""], 0, 0),
    "split": (_split, 1, 1),
    "join": (_join, 0, 1),
}
