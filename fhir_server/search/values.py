"""One search criterion, `parameter:modifier=value,value`, as a predicate: what each kind of parameter makes of a value.

A reader is made once for a parameter and a modifier, and then reads any number of values.

https://hl7.org/fhir/R4/search.html#ptypes
"""

from __future__ import annotations

import re
from typing import Literal, cast

from fhir_server.definitions.parameters import Parameter, Parameters
from fhir_server.definitions.targets import local_key, relative, type_in
from fhir_server.kernel.errors import Malformed
from fhir_server.kernel.keys import Key, is_id
from fhir_server.search.composites import composites
from fhir_server.search.escapes import split, unescaped
from fhir_server.search.folding import fold
from fhir_server.search.modifiers import modifier_of
from fhir_server.search.positions import positions
from fhir_server.search.quantities import numbers, quantities
from fhir_server.search.query import (
    AllOf,
    Dates,
    DateValue,
    Ids,
    Listed,
    Missing,
    Name,
    Not,
    Nothing,
    Predicate,
    Prefix,
    References,
    Strings,
    StringValue,
    Updated,
    Words,
)
from fhir_server.search.reading import (
    Here,
    Reader,
    Unknown,
    any_of,
    name_of,
    place,
    unreadable,
    unsupported,
)
from fhir_server.search.spans import span_of, widened
from fhir_server.search.tokens import (
    ancestors,
    descendants,
    has_mime_types,
    identifiers,
    mime_types,
    of_types,
    texts,
    tokens,
    value_sets,
)
from fhir_server.search.uris import above, below, uris, versions
from fhir_server.search.words import expression_of
from fhir_server.search.writers import has_families, is_indexed

_PREFIXED = re.compile(r"(eq|ne|gt|lt|ge|le|sa|eb|ap)?(.*)\Z", re.DOTALL)
_UNENCODED_PLUS = re.compile(r"(T[\d:.]+) (\d\d:\d\d)\Z", re.ASCII)
_WITHOUT_ROWS = frozenset({"_id", "_lastUpdated", "_text", "_content", "_list"})


def is_answered(parameter: Parameter) -> bool:
    """Whether this server can search by the parameter; `_filter` is no matter of single values and not among them."""
    if parameter.code in _WITHOUT_ROWS or parameter.parts:
        return True
    return is_indexed(parameter)


def reader_of(parameter: Parameter, written: str, parameters: Parameters) -> Reader:
    """What reads the values of `parameter:written`.

    Raises `Unknown` for a parameter that is not answered, and `Malformed` when the modifier does not apply to it.
    """
    if not is_answered(parameter):
        raise Unknown(
            f"This server does not support searching by '{parameter.code}', a {parameter.kind} parameter"
        )
    modifier = modifier_of(parameter, written)
    if modifier == "missing":
        return _missing(parameter)
    if modifier in {"not", "not-in"}:
        return _without(_reader_of(parameter, "in" if modifier == "not-in" else "", parameters))
    return _reader_of(parameter, modifier, parameters)


def _reader_of(parameter: Parameter, modifier: str, parameters: Parameters) -> Reader:
    if parameter.parts:
        others = parameters.of(parameter.type)
        return _any_part([_reader_of(others[code], modifier, parameters) for code in parameter.parts])
    match parameter.code:
        case "_id":
            return _ids
        case "_lastUpdated":
            return lambda text, here: Updated(_dates(parameter, text, here))
        case "_list":
            return _lists
        case "_text":
            return lambda text, here: any_of(_words("narrative", value) for value in split(text))
        case "_content":
            return lambda text, here: any_of(_words("content", value) for value in split(text))
    match parameter.kind, modifier:
        case "token", "":
            return tokens(parameter)
        case "token", "text":
            return texts(parameter)
        case "token", "of-type":
            return of_types(parameter)
        case "token", "in":
            return value_sets(parameter)
        case "token", "above":
            return ancestors(parameter)
        case "token", _:
            return mime_types(parameter) if has_mime_types(parameter) else descendants(parameter)
        case "string", _:
            return _strings(parameter, modifier)
        case "date", _:
            name = name_of(parameter)
            return lambda text, here: Dates(name, _dates(parameter, text, here))
        case "number", _:
            return numbers(parameter)
        case "quantity", _:
            return quantities(parameter)
        case "uri", "":
            version = parameters.of(parameter.type).get("version") if parameter.code == "url" else None
            return uris(parameter, version)
        case "uri", _:
            return above(parameter) if modifier == "above" else below(parameter)
        case "reference", "identifier":
            return identifiers(parameter)
        case "reference", "below":
            return versions(parameter)
        case "reference", _:
            return _references(parameter, modifier)
        case "composite", _:
            return composites(parameter, parameters, lambda part: _reader_of(part, "", parameters))
        case _:
            return positions(parameter)


def _without(reader: Reader) -> Reader:
    """`:not`: no value is any of these."""
    return lambda text, here: Not(reader(text, here))


def _any_part(readers: list[Reader]) -> Reader:
    """A parameter whose values are those of other parameters."""
    return lambda text, here: any_of(reader(text, here) for reader in readers)


def _missing(parameter: Parameter) -> Reader:
    names = [Name(parameter.type, code) for code in parameter.parts or (parameter.code,)]

    def read(text: str, here: Here) -> Predicate:
        if text not in {"true", "false"}:
            raise unreadable(f"{place(parameter)} with ':missing' is either true or false")
        missing = text == "true"
        if parameter.code in {"_id", "_lastUpdated"}:  # no resource is without
            return Nothing() if missing else Not(Nothing())
        each = tuple(Missing(name, missing) for name in names)
        return any_of(each) if not missing or len(each) == 1 else AllOf(each)

    return read


def _ids(text: str, here: Here) -> Predicate:
    """An id that no resource can have matches none, which is an answer and no error."""
    ids = tuple(dict.fromkeys(value for value in split(text) if is_id(value)))
    return Ids(ids) if ids else Nothing()


def _lists(text: str, here: Here) -> Predicate:
    """`_list`: what the List of this id lists. https://hl7.org/fhir/R4/search.html#list"""
    found = []
    for value in split(text):
        identity = unescaped(value)
        if identity.startswith("$"):
            raise unsupported("This server keeps no functional lists; '_list' takes the id of a List")
        key = Key("List", identity) if is_id(identity) else local_key(identity, here.bases)
        if key is None or key.type != "List":
            raise unreadable("'_list' takes the id of a List")
        found.append(Listed(key))
    return any_of(found)


def _words(part: Literal["narrative", "content"], value: str) -> Predicate:
    """A text without any word in it says nothing that could be looked for."""
    text = unescaped(value)
    return Nothing() if expression_of(text) is None else Words(part, text)


def _strings(parameter: Parameter, modifier: str) -> Reader:
    name = name_of(parameter)
    names = [name]
    if not modifier and has_families(parameter):
        names.append(Name(name.type, f"{name.code}:parts"))

    def exact(text: str, here: Here) -> Predicate:
        return Strings(name, tuple(StringValue(unescaped(value), "exact") for value in split(text)))

    def folded(text: str, here: Here) -> Predicate:
        # A text of punctuation alone folds to nothing, and no indexed text is empty.
        words = [word for value in split(text) if (word := fold(unescaped(value)))]
        if not words:
            return Nothing()
        values = tuple(
            StringValue(word, "contains" if modifier == "contains" else "starts") for word in words
        )
        return any_of(Strings(one, values) for one in names)

    return exact if modifier == "exact" else folded


def _dates(parameter: Parameter, text: str, here: Here) -> tuple[DateValue, ...]:
    return tuple(_date(parameter, value, here) for value in split(text))


def _date(parameter: Parameter, value: str, here: Here) -> DateValue:
    found = _PREFIXED.match(value)
    assert found is not None
    prefix = cast("Prefix", found[1] or "eq")
    # A `+` that was not percent-encoded arrives as a space.
    written = _UNENCODED_PLUS.sub(r"\1+\2", found[2])
    try:
        span = span_of(written)
    except Malformed as error:
        raise unreadable(f"{place(parameter)}: {error}") from None
    return DateValue(prefix, *(widened(span, here.now) if prefix == "ap" else span))


def _references(parameter: Parameter, modifier: str) -> Reader:
    """By id, `Type/id`, URL, canonical with or without version. `modifier`: the one type that the target has."""
    targets = (modifier,) if modifier else (parameter.only,) if parameter.only else ()
    name = name_of(parameter)

    def read(text: str, here: Here) -> Predicate:
        keys: list[Key] = []
        others: list[str] = []
        for value in split(text):
            literal = relative(unescaped(value), here.bases)
            key = local_key(literal)
            if key is not None and "/_history/" not in literal and "#" not in literal:
                if not targets or key.type in targets:
                    keys.append(key)
            elif is_id(literal):
                keys += [Key(target, literal) for target in targets or parameter.targets]
            elif not targets or type_in(literal) in targets:
                others.append(literal)
        if not keys and not others:
            return Nothing()
        return References(name, tuple(dict.fromkeys(keys)), tuple(dict.fromkeys(others)))

    return read
