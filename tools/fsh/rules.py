"""One rule, from its words.

https://hl7.org/fhir/uv/shorthand/reference.html#rules
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final, Literal

from tools.fsh.model import (
    Assignment,
    Binding,
    CanonicalOf,
    Cardinality,
    Caret,
    Coded,
    Codes,
    Concept,
    Contains,
    Filter,
    Flags,
    Insert,
    Obeys,
    Only,
    Place,
    Quantified,
    Referred,
    Rule,
    Slice,
    Text,
    TypeChoice,
    Value,
    Word,
)
from tools.fsh.tokens import Token, unescaped

UCUM: Final = "http://unitsofmeasure.org"
_FLAGS: Final = frozenset({"MS", "SU", "?!"})
_STRENGTHS: Final = frozenset({"required", "extensible", "preferred", "example"})
_CARDINALITY: Final = re.compile(r"(\d*)\.\.(\d+|\*|)$")
_NUMBER: Final = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?$")
_WORD: Final = re.compile(r"(true|false|[+-]?\d[\d.eE+:TZ-]*)$")
_CODE: Final = re.compile(r'([^#\s]*)#(?:"((?:[^"\\]|\\.)*)"|(\S+))$')
_CALL: Final = re.compile(r"([^\s(]+)\((.*)\)$", re.DOTALL)
_ARGUMENT: Final = re.compile(r"\s*(?:\[\[(.*?)\]\]|((?:\\.|[^,\\])*))\s*(?:,|$)", re.DOTALL)


def rule_of(place: Place, tokens: Sequence[Token]) -> Rule:
    """The rule that stands after its `*`. Raises `FshError`."""
    if not tokens:
        place.wrong("an empty rule")
    first = tokens[0]
    if first.kind != "word":
        place.wrong("a rule begins with a path, a code or a keyword")
    if first.text in {"include", "exclude"}:
        return _codes(place, tokens[1:], include=first.text == "include")
    if first.text == "codes":
        return _codes(place, tokens, include=True)
    if _CODE.match(first.text):
        return _about_concept(place, tokens)
    if first.text == "insert":
        return _insert(place, "", (), tokens[1:])
    if first.text == "obeys":
        return Obeys(place, "", _names(place, tokens[1:]))
    if first.text.startswith("^"):
        return _caret(place, "", (), tokens)
    path = "" if first.text == "." else first.text
    if len(tokens) < 2:
        place.wrong("nothing is said about the path")
    return _about_element(place, path, tokens[1:])


def _about_element(place: Place, path: str, tokens: Sequence[Token]) -> Rule:
    second = tokens[0]
    if second.kind != "word":
        place.wrong("a path is followed by a cardinality, flags or a keyword")
    if limits := _CARDINALITY.match(second.text):
        return Cardinality(place, path, limits[1], limits[2], _flags(place, tokens[1:]))
    if second.text in _FLAGS:
        return Flags(place, (path,), _flags(place, tokens))
    match second.text:
        case "and":
            flags = next((at for at, token in enumerate(tokens) if token.text in _FLAGS), len(tokens))
            paths = (path, *_names(place, tokens[1:flags]))
            return Flags(place, paths, _flags(place, tokens[flags:]))
        case "only":
            return Only(place, path, tuple(_choices(place, tokens[1:])))
        case "from":
            return _binding(place, path, tokens[1:])
        case "=":
            exactly = len(tokens) > 2 and tokens[-1].text == "(exactly)"
            return Assignment(place, path, value_of(place, tokens[1:-1] if exactly else tokens[1:]), exactly)
        case "contains":
            return Contains(place, path, tuple(_slices(place, tokens[1:])))
        case "obeys":
            return Obeys(place, path, _names(place, tokens[1:]))
        case "insert":
            return _insert(place, path, (), tokens[1:])
        case _ if second.text.startswith("^"):
            return _caret(place, path, (), tokens)
        case _:
            return place.wrong(f"'{second.text}' is no rule that is read here")


def _flags(place: Place, tokens: Sequence[Token]) -> tuple[str, ...]:
    for token in tokens:
        if token.text not in _FLAGS:
            place.wrong(f"'{token.text}' is not one of the flags MS, SU and ?!")
    return tuple(token.text for token in tokens)


def _separated(place: Place, tokens: Sequence[Token], by: str) -> Iterator[Sequence[Token]]:
    part: list[Token] = []
    for token in tokens:
        if token.kind == "word" and token.text == by:
            if not part:
                place.wrong(f"nothing stands before '{by}'")
            yield part
            part = []
        else:
            part.append(token)
    if not part:
        place.wrong(f"nothing stands after '{by}'")
    yield part


def _names(place: Place, tokens: Sequence[Token], by: str = "and") -> tuple[str, ...]:
    found = []
    for part in _separated(place, tokens, by):
        if len(part) != 1 or part[0].kind != "word":
            place.wrong(f"names are separated by '{by}'")
        found.append(part[0].text)
    return tuple(found)


def _choices(place: Place, tokens: Sequence[Token]) -> Iterator[TypeChoice]:
    for name in _names(place, tokens, "or"):
        call = _CALL.match(name)
        if call is None:
            yield TypeChoice("type", (name,))
            continue
        kind: Literal["Reference", "canonical"]
        if call[1] == "Reference":
            kind = "Reference"
        elif call[1] == "Canonical":
            kind = "canonical"
        else:
            place.wrong(f"'{call[1]}(…)' is no type")
        targets = call[2].split()
        if not targets or targets[1::2] != ["or"] * (len(targets) // 2) or len(targets) % 2 == 0:
            place.wrong("targets are separated by 'or'")
        yield TypeChoice(kind, tuple(targets[::2]))


def _binding(place: Place, path: str, tokens: Sequence[Token]) -> Binding:
    words = [token.text for token in tokens]
    strength = words[1].strip("()") if len(words) == 2 else "required"
    if not words or len(words) > 2 or strength not in _STRENGTHS:
        place.wrong("a binding is written 'path from VALUE-SET (required|extensible|preferred|example)'")
    return Binding(place, path, words[0], strength)


def _slices(place: Place, tokens: Sequence[Token]) -> Iterator[Slice]:
    for part in _separated(place, tokens, "and"):
        words = [token.text for token in part]
        definition = ""
        if len(words) > 2 and words[1] == "named":
            definition, words = words[0], words[2:]
        limits = _CARDINALITY.match(words[1]) if len(words) > 1 else None
        if limits is None or not limits[1] or not limits[2]:
            place.wrong("a slice is written '[URL named] NAME min..max'")
        yield Slice(
            definition,
            words[0],
            limits[1],
            limits[2],
            _flags(place, part[-len(words) + 2 :] if len(words) > 2 else ()),
        )


def _insert(place: Place, path: str, codes: tuple[Coded, ...], tokens: Sequence[Token]) -> Insert:
    if len(tokens) != 1:
        place.wrong("'insert' is followed by one rule set, its arguments in brackets")
    call = _CALL.match(tokens[0].text)
    if call is None:
        return Insert(place, path, codes, tokens[0].text, ())
    return Insert(place, path, codes, call[1], tuple(_arguments(call[2])))


def _arguments(text: str) -> Iterator[str]:
    at = 0
    while at < len(text):
        found = _ARGUMENT.match(text, at)
        if found is None or found.end() == at:
            break
        yield found[1] if found[1] is not None else re.sub(r"\\([,)\\])", r"\1", found[2].strip())
        at = found.end()


def _caret(place: Place, path: str, codes: tuple[Coded, ...], tokens: Sequence[Token]) -> Caret:
    if len(tokens) < 3 or tokens[1].text != "=":
        place.wrong("a caret rule is written 'path ^element = value'")
    return Caret(place, path, codes, tokens[0].text[1:], value_of(place, tokens[2:]))


def _about_concept(place: Place, tokens: Sequence[Token]) -> Rule:
    codes: list[Coded] = []
    texts: list[str] = []
    for at, token in enumerate(tokens):
        if token.kind == "text":
            texts.append(token.text)
        elif not texts and (code := _CODE.match(token.text)):
            codes.append(_coded(code, ""))
        elif token.text == "insert":
            return _insert(place, "", tuple(codes), tokens[at + 1 :])
        elif token.text.startswith("^"):
            return _caret(place, "", tuple(codes), tokens[at:])
        else:
            place.wrong('a concept is written \'#code "display" "definition"\'')
    if len(texts) > 2:
        place.wrong("a concept has a display and a definition, no more")
    last = codes[-1]
    codes[-1] = Coded(last.system, last.code, texts[0] if texts else "")
    return Concept(place, True, tuple(codes), texts[1] if len(texts) > 1 else "")


def _codes(place: Place, tokens: Sequence[Token], *, include: bool) -> Rule:
    words = [token.text for token in tokens]
    if words and _CODE.match(words[0]):
        concept = _about_concept(place, tokens)
        if not isinstance(concept, Concept):
            place.wrong("a code is followed by its display")
        return Concept(place, include, concept.codes, "")
    if words[:2] != ["codes", "from"]:
        place.wrong("codes are written '[include|exclude] codes from system|valueset …' or 'SYSTEM#code'")
    where = words.index("where") if "where" in words else len(words)
    system, value_sets = "", []
    rest = words[2:where]
    while rest:
        if rest[0] == "and":
            rest = rest[1:]
        elif rest[0] == "system" and not system and len(rest) > 1:
            system, rest = rest[1], rest[2:]
        elif rest[0] == "valueset" and len(rest) > 1:
            rest = rest[1:]
            value_sets.append(rest[0])
            rest = rest[1:]
            while len(rest) > 1 and rest[0] == "and" and rest[1] != "system":
                value_sets.append(rest[1])
                rest = rest[2:]
        else:
            place.wrong("codes come from 'system NAME' or 'valueset NAME and NAME'")
    filters = tuple(_filters(place, tokens[where + 1 :])) if where < len(words) else ()
    return Codes(place, include, system, tuple(value_sets), filters)


def _filters(place: Place, tokens: Sequence[Token]) -> Iterator[Filter]:
    for part in _separated(place, tokens, "and"):
        if len(part) < 2:
            place.wrong("a filter is written 'property operator value'")
        value: Value | None = None
        if len(part) > 2:
            text = part[2].text
            regex = part[2].kind == "word" and len(text) > 1 and text[0] == text[-1] == "/"
            value = Text(text[1:-1]) if regex else value_of(place, part[2:])
        yield Filter(part[0].text, part[1].text, value)


def value_of(place: Place, tokens: Sequence[Token]) -> Value:
    """A literal value. Raises `FshError`."""
    if not tokens:
        place.wrong("a value is missing")
    first, rest = tokens[0], tokens[1:]
    if first.kind == "text":
        return Text(first.text) if not rest else place.wrong("a text stands alone")
    if _NUMBER.match(first.text) and rest:
        return Quantified(first.text, _unit(place, rest))
    display = rest[0].text if len(rest) == 1 and rest[0].kind == "text" else ""
    if rest and not display:
        place.wrong("a value is one word, perhaps with a display in quotes")
    if call := _CALL.match(first.text):
        if call[1] == "Reference":
            return Referred(call[2].strip(), display)
        if call[1] == "Canonical":
            return CanonicalOf(call[2].strip())
    if code := _CODE.match(first.text):
        return _coded(code, display)
    if _WORD.match(first.text):
        return Word(first.text)
    return place.wrong(f"'{first.text}' is no value; texts stand in quotes")


def _unit(place: Place, tokens: Sequence[Token]) -> Coded:
    display = tokens[1].text if len(tokens) == 2 and tokens[1].kind == "text" else ""
    if len(tokens) > 2 or (len(tokens) == 2 and not display):
        place.wrong("a quantity is written \"5 'mg'\" or '5 SYSTEM#code \"unit\"'")
    if tokens[0].kind == "unit":
        return Coded(UCUM, tokens[0].text, display)
    code = _CODE.match(tokens[0].text)
    return _coded(code, display) if code else place.wrong("a quantity has a unit")


def _coded(found: re.Match[str], display: str) -> Coded:
    return Coded(found[1], unescaped(found[2]) if found[2] is not None else found[3], display)
