"""One search criterion, `parameter:modifier=value,value`, as a predicate.

A comma means "or"; a backslash in front of a comma, a bar, a dollar or a backslash makes it an ordinary sign. What a
value means depends on the parameter's kind: token (`system|code`), string, date (with a prefix), reference, uri.

https://hl7.org/fhir/R4/search.html#ptypes · https://hl7.org/fhir/R4/search.html#escaping
"""

from __future__ import annotations

import re
from typing import cast

from fhir_server.definitions.catalogue import resource_types
from fhir_server.definitions.parameters import Parameter
from fhir_server.definitions.targets import local_key, type_in
from fhir_server.kernel.errors import Malformed
from fhir_server.kernel.keys import Key, is_id
from fhir_server.kernel.values import immutable
from fhir_server.search.folding import fold
from fhir_server.search.query import (
    Dates,
    DateValue,
    Ids,
    Missing,
    Name,
    Not,
    Nothing,
    Predicate,
    Prefix,
    References,
    Strings,
    StringValue,
    Tokens,
    TokenValue,
    Updated,
)
from fhir_server.search.spans import span_of, widened

# Every modifier of R4, `[type]` aside; `ofType` is the code that R4's value set has for `of-type`.
MODIFIERS = frozenset(
    {"missing", "exact", "contains", "text", "not", "above", "below", "in", "not-in", "of-type", "ofType"}
    | {"identifier", "iterate"}
)
_SUPPORTED = {
    "string": frozenset({"missing", "exact", "contains"}),
    "token": frozenset({"missing", "not"}),
    "date": frozenset({"missing"}),
    "uri": frozenset({"missing"}),
    "reference": frozenset({"missing"}),
}
KINDS = frozenset(_SUPPORTED)  # what can be searched by value

_ESCAPED = re.compile(r"\\([\\,$|])")
_COMMA = re.compile(r"((?:[^\\,]|\\.)*)(?:,|\Z)", re.DOTALL)
_BAR = re.compile(r"((?:[^\\|]|\\.)*)\|", re.DOTALL)
_PREFIXED = re.compile(r"(eq|ne|gt|lt|ge|le|sa|eb|ap)?(.*)\Z", re.DOTALL)
_UNENCODED_PLUS = re.compile(r"(T[\d:.]+) (\d\d:\d\d)\Z", re.ASCII)


@immutable
class Here:
    """Where and when a query is read."""

    bases: tuple[str, ...]  # the server's public base URLs, without a slash at the end
    now: int  # µs since 1970


def predicate_of(parameter: Parameter, modifier: str, text: str, here: Here) -> Predicate:
    """What `parameter:modifier=text` asks for.

    `text` is percent-decoded and not empty. Raises `Malformed` when the modifier does not apply to the parameter, as R4
    demands whatever Prefer says, and when the value cannot be read.
    """
    _require_modifier(parameter, modifier)
    if modifier == "missing":
        return _missing(parameter, text)
    values = split(text)
    if not values:
        raise Malformed(f"{place(parameter)} has no value", code="value")
    if parameter.code == "_id":
        return _negated(modifier, _ids(values))
    if parameter.code == "_lastUpdated":
        return Updated(_dates(parameter, values, here))
    name = Name(parameter.type, parameter.rows)
    match parameter.kind:
        case "token":
            return _negated(modifier, Tokens(name, tuple(_token(parameter, value) for value in values)))
        case "uri":
            return Tokens(name, tuple(TokenValue(None, unescaped(value)) for value in values))
        case "string":
            return _strings(name, modifier, values)
        case "date":
            return Dates(name, _dates(parameter, values, here))
        case _:
            return _references(parameter, modifier, values, here)


def place(parameter: Parameter) -> str:
    """How messages name a parameter."""
    return f"The search parameter '{parameter.code}' of {parameter.type}"


def split(text: str) -> list[str]:
    """The alternatives of a value, still escaped; empty ones are left out."""
    if "," not in text:
        return [text] if text else []
    return [value for value in _COMMA.findall(text) if value]


def unescaped(text: str) -> str:
    """`text` with `\\,` and its like as the sign itself."""
    return _ESCAPED.sub(r"\1", text) if "\\" in text else text


def _require_modifier(parameter: Parameter, modifier: str) -> None:
    if not modifier or modifier in _SUPPORTED[parameter.kind]:
        return
    if modifier in MODIFIERS:
        raise Malformed(
            f"{place(parameter)} does not take the modifier ':{modifier}' here", code="not-supported"
        )
    if parameter.kind == "reference" and modifier in resource_types():
        if modifier in parameter.targets:
            return
        raise Malformed(f"{place(parameter)} never points to a {modifier}", code="value")
    raise Malformed(f"{place(parameter)} has a modifier that FHIR R4 does not know", code="not-supported")


def _missing(parameter: Parameter, text: str) -> Predicate:
    if text not in {"true", "false"}:
        raise Malformed(f"{place(parameter)} with ':missing' is either true or false", code="value")
    if parameter.code in {"_id", "_lastUpdated"}:  # no resource is without
        return Nothing() if text == "true" else Not(Nothing())
    return Missing(Name(parameter.type, parameter.code), text == "true")


def _negated(modifier: str, predicate: Predicate) -> Predicate:
    return Not(predicate) if modifier == "not" else predicate


def _ids(values: list[str]) -> Predicate:
    """An id that no resource can have matches none, which is an answer and no error."""
    ids = tuple(value for value in values if is_id(value))
    return Ids(ids) if ids else Nothing()


def _token(parameter: Parameter, value: str) -> TokenValue:
    found = _BAR.match(value)
    if found is None:
        return TokenValue(None, unescaped(value))
    system, code = unescaped(found[1]), unescaped(value[found.end() :])
    if not system and not code:
        raise Malformed(f"{place(parameter)} has neither a system nor a code", code="value")
    return TokenValue(system, code or None)


def _strings(name: Name, modifier: str, values: list[str]) -> Predicate:
    if modifier == "exact":
        return Strings(name, tuple(StringValue(unescaped(value), "exact") for value in values))
    # A text of punctuation alone folds to nothing, and no indexed text is empty.
    folded = [text for value in values if (text := fold(unescaped(value)))]
    if not folded:
        return Nothing()
    return Strings(
        name, tuple(StringValue(text, "contains" if modifier == "contains" else "starts") for text in folded)
    )


def _dates(parameter: Parameter, values: list[str], here: Here) -> tuple[DateValue, ...]:
    return tuple(_date(parameter, value, here) for value in values)


def _date(parameter: Parameter, value: str, here: Here) -> DateValue:
    found = _PREFIXED.match(value)
    assert found is not None
    prefix = cast("Prefix", found[1] or "eq")
    # A `+` that was not percent-encoded arrives as a space.
    written = _UNENCODED_PLUS.sub(r"\1+\2", found[2])
    try:
        span = span_of(written)
    except Malformed as error:
        raise Malformed(f"{place(parameter)}: {error}", code="value") from None
    return DateValue(prefix, *(widened(span, here.now) if prefix == "ap" else span))


def _references(parameter: Parameter, modifier: str, values: list[str], here: Here) -> Predicate:
    targets = (modifier,) if modifier else (parameter.only,) if parameter.only else ()
    keys: list[Key] = []
    others: list[str] = []
    for value in values:
        text = unescaped(value)
        key = local_key(text, here.bases)
        if key is not None and "/_history/" not in text and "#" not in text:
            if not targets or key.type in targets:
                keys.append(key)
        elif is_id(text):
            keys += [Key(target, text) for target in targets or parameter.targets]
        elif not targets or type_in(text) in targets:
            others.append(text)
    if not keys and not others:
        return Nothing()
    return References(Name(parameter.type, parameter.rows), tuple(dict.fromkeys(keys)), tuple(others))
