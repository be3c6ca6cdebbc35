"""The values of token parameters: `code`, `system|code`, `|code`, `system|`, and what modifiers make of them.

Case matters where the code system says so, and only there. A code without a system is asked for in each way in which a
resource may hold it; where the definition leaves only one way (`Patient.gender` has codes of one system) in that alone.

https://hl7.org/fhir/R4/search.html#token
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from fhir_server.definitions.catalogue import required_codes
from fhir_server.definitions.parameters import Parameter, routes
from fhir_server.definitions.targets import local_key, relative
from fhir_server.kernel.values import immutable
from fhir_server.search.cases import is_sensitive
from fhir_server.search.escapes import halves, pieces, split, unescaped
from fhir_server.search.folding import cut
from fhir_server.search.query import (
    Coded,
    Name,
    Nothing,
    Predicate,
    StringValue,
    Terms,
    Tokens,
    TokenValue,
)
from fhir_server.search.reading import Here, Reader, any_of, name_of, place, unreadable

BOOLEANS: Final = "http://hl7.org/fhir/special-values"
_MIME_TYPES: Final = "http://hl7.org/fhir/ValueSet/mimetypes"
_CODED: Final = frozenset({"Coding", "CodeableConcept", "Extension"})


@immutable
class Ways:
    """How the codes of a parameter are kept. `bound`: of elements bound to a value set, by code: the ways to ask."""

    open: bool  # a code may be of any system, which may care for case
    folded: bool  # a code may be of a system that nobody knows, such as an identifier's: case does not matter
    bound: Mapping[str, tuple[TokenValue, ...]]

    def of(self, code: str) -> tuple[TokenValue, ...]:
        """The ways to ask for a bare code."""
        if self.open:
            return TokenValue(None, code), TokenValue(None, code.casefold(), True)
        found = self.bound.get(code, ())
        return (*found, TokenValue(None, code.casefold(), True)) if self.folded else found

    def within(self, system: str, code: str) -> tuple[TokenValue, ...]:
        """The ways to ask for a code of a system; empty: of none."""
        lower = TokenValue(system, code.casefold(), True)
        if not (self.open or self.bound) or not is_sensitive(system):
            return (lower,)
        return (TokenValue(system, code), lower) if self.folded else (TokenValue(system, code),)


def ways_of(parameter: Parameter) -> Ways:
    """How the parameter's codes are kept, from the elements that it reads."""
    types = {route.type for route in routes(parameter)}
    bound: dict[str, tuple[TokenValue, ...]] = {}
    free = not types
    for route in routes(parameter):
        if route.type == "boolean":
            for code in ("true", "false"):
                bound[code] = (_exact(BOOLEANS, code),)
        elif route.type == "code":
            systems = required_codes().get(route.value_set or "", {})
            free = free or not systems
            for system, codes in systems.items():
                for code in codes:
                    bound[code] = tuple(dict.fromkeys((*bound.get(code, ()), _exact(system, code))))
    folded = free or bool(types - _CODED - {"code", "boolean"}) or "Extension" in types
    return Ways(bool(types & _CODED) or not types, folded, bound)


def _exact(system: str, code: str) -> TokenValue:
    return TokenValue(system, code) if is_sensitive(system) else TokenValue(system, code.casefold(), True)


def tokens(parameter: Parameter) -> Reader:
    """Any of the codes."""
    ways, name = ways_of(parameter), name_of(parameter)

    def read(text: str, here: Here) -> Predicate:
        found = token_values(parameter, ways, text)
        return Tokens(name, found) if found else Nothing()

    return read


def token_values(parameter: Parameter, ways: Ways, text: str) -> tuple[TokenValue, ...]:
    """The ways to ask for each of the alternatives in `text`. Empty: no resource can have any of them."""
    if "," not in text:
        return _token(parameter, ways, text)
    return tuple(dict.fromkeys(v for value in split(text) for v in _token(parameter, ways, value)))


def _token(parameter: Parameter, ways: Ways, value: str) -> tuple[TokenValue, ...]:
    found = halves(value)
    if found is None:
        return ways.of(unescaped(value))
    system, code = found
    if code:
        return ways.within(system, code)
    if not system:
        raise unreadable(f"{place(parameter)} has neither a system nor a code")
    return (TokenValue(system, None),)


def identifiers(parameter: Parameter) -> Reader:
    """`:identifier` of a reference: the identifier that stands in it."""
    name, ways = Name(parameter.type, f"{parameter.rows}:identifier"), Ways(False, True, {})

    def read(text: str, here: Here) -> Predicate:
        return Tokens(name, token_values(parameter, ways, text))

    return read


def texts(parameter: Parameter) -> Reader:
    """`:text`: the words beside a code, which begin with these from one of them on."""
    name = Name(parameter.type, f"{parameter.rows}:text")

    def read(text: str, here: Here) -> Predicate:
        words = dict.fromkeys(cut(unescaped(value)) for value in split(text))
        found = tuple(StringValue(word) for word in words if word)
        return Terms(name, found) if found else Nothing()

    return read


def of_types(parameter: Parameter) -> Reader:
    """`:of-type`: an identifier by its type and value, `system|code|value`."""
    name = Name(parameter.type, f"{parameter.rows}:of-type")

    def one(value: str) -> TokenValue:
        parts = [unescaped(part) for part in pieces(value, "|")]
        if len(parts) != 3 or not all(parts):
            raise unreadable(f"{place(parameter)} with ':of-type' is written system|code|value")
        return TokenValue(parts[0], f"{parts[1]}|{parts[2]}".casefold(), True)

    def read(text: str, here: Here) -> Predicate:
        return Tokens(name, tuple(dict.fromkeys(map(one, split(text)))))

    return read


def value_sets(parameter: Parameter) -> Reader:
    """`:in`: a code of the value set whose URL this is, or its address on this server, relative or absolute."""
    name = name_of(parameter)

    def read(text: str, here: Here) -> Predicate:
        return any_of(_value_set(name, unescaped(value), here) for value in split(text))

    return read


def _value_set(name: Name, url: str, here: Here) -> Coded:
    address = relative(url, here.bases)
    key = local_key(address)
    stored = key is not None and key.type == "ValueSet" and str(key) == address  # no version of it
    return Coded(name, "in", None, url, key if stored else None)


def mime_types(parameter: Parameter) -> Reader:
    """`:below` of a MIME type: with whatever parameters; `text` alone: every text."""
    name = name_of(parameter)

    def read(text: str, here: Here) -> Predicate:
        found: list[StringValue] = []
        for value in split(text):
            code = unescaped(value).casefold()
            if "/" in code:
                found += [StringValue(code, "exact"), StringValue(f"{code};", "starts")]
            else:
                found.append(StringValue(f"{code}/", "starts"))
        return Terms(name, tuple(dict.fromkeys(found)))

    return read


def has_mime_types(parameter: Parameter) -> bool:
    return any(route.value_set == _MIME_TYPES for route in routes(parameter))


def ancestors(parameter: Parameter) -> Reader:
    """`:above`: the code, or one that subsumes it."""
    return _each(lambda value: _related(parameter, value, above=True))


def descendants(parameter: Parameter) -> Reader:
    """`:below`: the code, or one that it subsumes."""
    return _each(lambda value: _related(parameter, value, above=False))


def _related(parameter: Parameter, value: str, *, above: bool) -> Predicate:
    system, code = halves(value) or (None, unescaped(value))
    if not code:
        raise unreadable(
            f"{place(parameter)} has a system and no code, and only a code is above or below another"
        )
    return Coded(name_of(parameter), "above" if above else "below", system, code)


def _each(one: Callable[[str], Predicate]) -> Reader:
    def read(text: str, here: Here) -> Predicate:
        return any_of(one(value) for value in split(text))

    return read
