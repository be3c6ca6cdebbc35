"""The values of uri parameters: the uri itself, what lies below it, what it lies below; and the versions of canonicals.

`:below` and `:above` go along the steps of a URL: what a slash begins, and the query and the fragment behind a path.
Urns have none, so these modifiers do not apply to them. Below a canonical are its versions.

https://hl7.org/fhir/R4/search.html#uri · https://hl7.org/fhir/R4/search.html#versions
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from fhir_server.definitions.parameters import Parameter, routes
from fhir_server.definitions.targets import local_key, relative
from fhir_server.search.escapes import split, unescaped
from fhir_server.search.query import Predicate, References, StringValue, Terms, Tokens, TokenValue
from fhir_server.search.reading import (
    Here,
    Reader,
    all_of,
    any_of,
    name_of,
    place,
    unreadable,
    unsupported,
)

_DEEPEST = 100  # steps of a URL
_SIGNS = "/?#"  # each begins a step
_STEP = re.compile(f"[{_SIGNS}]")


def uris(parameter: Parameter, version: Parameter | None) -> Reader:
    """Exactly this uri, by case and by accent.

    With `version`, the parameter is the canonical URL of its resources: what stands behind a bar is their version.
    """
    name = name_of(parameter)
    points = any(route.type == "canonical" for route in routes(parameter))

    def read(text: str, here: Here) -> Predicate:
        values = [unescaped(value) for value in split(text)]
        if points:
            values = [way for value in values for way in _ways(value, here)]
        plain = [value for value in values if version is None or "|" not in value]
        found: list[Predicate] = []
        if plain:
            found.append(Tokens(name, tuple(TokenValue(None, value) for value in plain)))
        for value in values if version is not None else ():
            url, bar, number = value.partition("|")
            if bar and version is not None:
                ways = (TokenValue(None, number.casefold(), True),)  # a string: case does not matter
                found.append(all_of((Tokens(name, (TokenValue(None, url),)), Tokens(name_of(version), ways))))
        return any_of(found)

    return read


def _ways(value: str, here: Here) -> Iterable[str]:
    """A canonical, in each way to write it where it is the address of a resource here: relative, and absolute."""
    address = relative(value, here.bases)
    if local_key(address.partition("|")[0]) is None:
        return (value,)
    return dict.fromkeys((value, address, *(f"{base}/{address}" for base in here.bases)))


def versions(parameter: Parameter) -> Reader:
    """Every version of a canonical, or those that begin with the one behind the bar: `|1` is 1, 1.0 and 1.1, not 10."""
    name = name_of(parameter)

    def read(text: str, here: Here) -> Predicate:
        found: list[Predicate] = []
        for value in split(text):
            url, _, number = relative(unescaped(value), here.bases).partition("|")
            if not number and (key := local_key(url)):
                found.append(References(name, (key,)))
            elif number:
                canonical = f"{url}|{number}"
                terms = StringValue(canonical, "exact"), StringValue(f"{canonical}.", "starts")
                found.append(Terms(name, terms))
            else:  # it is also kept without its version
                found.append(Tokens(name, (TokenValue(None, url),)))
        return any_of(found)

    return read


def below(parameter: Parameter) -> Reader:
    """The URL, and every one that continues it by a step."""
    name = name_of(parameter)

    def read(text: str, here: Here) -> Predicate:
        found = []
        for value in split(text):
            url = _url(parameter, value)
            if url.endswith(tuple(_SIGNS)):
                found.append(StringValue(url, "starts"))
            else:
                found.append(StringValue(url, "exact"))
                found += [StringValue(url + sign, "starts") for sign in _SIGNS]
        return Terms(name, tuple(dict.fromkeys(found)))

    return read


def above(parameter: Parameter) -> Reader:
    """The URL, and every one that it continues by a step."""
    name = name_of(parameter)

    def read(text: str, here: Here) -> Predicate:
        found: dict[TokenValue, None] = {}
        for value in split(text):
            url = _url(parameter, value)
            steps = [step.start() for step in _STEP.finditer(url, url.index("://") + len("://"))]
            if len(steps) >= _DEEPEST:
                raise unreadable(f"{place(parameter)}: a URL of more than {_DEEPEST} steps")
            found[TokenValue(None, url)] = None
            for at in reversed(steps):
                found[TokenValue(None, url[: at + 1])] = None
                found[TokenValue(None, url[:at])] = None
        return Tokens(name, tuple(found))

    return read


def _url(parameter: Parameter, value: str) -> str:
    url = unescaped(value)
    if "://" not in url:
        raise unsupported(f"{place(parameter)}: only a URL is above or below another, and this is none")
    return url
