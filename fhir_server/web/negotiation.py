"""What the client wants to be given and says it sends: media types, `_format` and its companions, Prefer.

Every function is pure. The parsed form of a header is kept, because clients send the same few again and again.

https://hl7.org/fhir/R4/http.html#mime-type · https://hl7.org/fhir/R4/http.html#return ·
https://www.rfc-editor.org/rfc/rfc9110#name-content-negotiation · https://www.rfc-editor.org/rfc/rfc7240
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal
from urllib.parse import unquote_plus

from fhir_server.interactions.call import NONE, Conditions, Handling, Return
from fhir_server.kernel.errors import Malformed, UnsupportedMediaType
from fhir_server.kernel.issues import Language

FHIR_JSON = "application/fhir+json"
FHIR_XML = "application/fhir+xml"
JSON_PATCH = "application/json-patch+json"

Syntax = Literal["json", "xml"]
Kind = Literal["", "json", "xml", "json-patch", "form", "other"]
Summary = Literal["", "true", "text", "data", "count", "false"]

_SYNTAXES: Mapping[str, Syntax] = {
    FHIR_JSON: "json",
    "application/json": "json",
    "text/json": "json",
    FHIR_XML: "xml",
    "application/xml": "xml",
    "text/xml": "xml",
}
# What FHIR called them up to DSTU2; answered by the names of today.
_LEGACY: Mapping[str, str] = {"application/json+fhir": FHIR_JSON, "application/xml+fhir": FHIR_XML}
_SHORT: Mapping[str, str] = {"json": FHIR_JSON, "xml": FHIR_XML}
_WILD: Mapping[str, Mapping[Syntax, str]] = {
    "*/*": {"json": FHIR_JSON, "xml": FHIR_XML},
    "*": {"json": FHIR_JSON, "xml": FHIR_XML},  # what some old HTTP libraries send for `*/*`
    "application/*": {"json": FHIR_JSON, "xml": FHIR_XML},
    "text/*": {"json": "text/json", "xml": "text/xml"},
    # A browser shows JSON; XML, which it also asks for, would come without the style that makes it readable.
    "text/html": {"json": FHIR_JSON},
    "application/xhtml+xml": {"json": FHIR_JSON},
}
_VERSIONS = frozenset({"4.0", "4.0.1"})
_UTF8 = frozenset({"utf-8", "utf8"})
_QUALITY = re.compile(r"0(?:\.\d{0,3})?|1(?:\.0{0,3})?")
_CONTROL = re.compile(r"(?:_|%5[Ff])(?:format|pretty|summary|elements)")
_ETAGS = re.compile(r'(?:\*|(?:W/)?"[^"]*"(?:\s*,\s*(?:W/)?"[^"]*")*)')
_BARE = re.compile(r"[1-9][0-9]{0,9}")  # a version id that somebody forgot to quote
_CONDITIONAL = frozenset({b"if-match", b"if-none-match", b"if-modified-since", b"if-none-exist", b"prefer"})


@dataclass(frozen=True, slots=True)
class Form:
    """How to write the answer."""

    syntax: Syntax
    content_type: bytes
    fhir: bool  # asked for as a FHIR media type: then a Binary comes as a resource, else in its own form


JSON = Form("json", b"application/fhir+json;charset=utf-8", fhir=False)


@dataclass(frozen=True, slots=True)
class Controls:
    """The parameters that shape any answer."""

    format: str = ""
    pretty: bool = False
    summary: Summary = ""
    elements: tuple[str, ...] = ()


PLAIN = Controls()


@lru_cache(maxsize=1024)
def form_of(accept: bytes, format: str = "") -> Form | None:
    """The best form that `_format`, or else Accept, allows; None when there is none.

    The generic types (`application/json`, `text/xml` …) are answered with the name that was asked for. Nothing asked
    for means JSON.
    """
    if format:
        # An unescaped `+` of `application/fhir+json` reads as a space in a query.
        text = format.replace(" ", "+")
        named = _SHORT.get(text.lower(), text)
        return next((form for _, _, form in _offers(named, wild=False)), None)
    text = accept.decode("latin-1").strip()
    if not text:
        return JSON
    offers = sorted(_offers(text, wild=True), key=lambda offer: offer[:2])
    if not offers:
        return None
    rank, _, best = offers[0]
    # `image/png, application/fhir+json;q=0.5`: something else is preferred to a resource where there is a choice.
    if best.fhir and any(quality > -rank[0] for _, _, quality in _ranges(text)):
        return Form(best.syntax, best.content_type, fhir=False)
    return best


@lru_cache(maxsize=256)
def kind_of(content_type: bytes) -> Kind:
    """What a request's Content-Type announces; empty when there is none.

    Raises `UnsupportedMediaType` for FHIR in another character set than UTF-8, or of another version than 4.0.
    """
    if not content_type.strip():
        return ""
    name, parameters = _media_type(content_type.decode("latin-1"))
    syntax = _SYNTAXES.get(name)
    if syntax is None and name not in {JSON_PATCH, "application/x-www-form-urlencoded"}:
        return "other"
    if parameters.get("charset", "utf-8").lower() not in _UTF8:
        raise UnsupportedMediaType("The body must be UTF-8; its Content-Type names another character set")
    if parameters.get("fhirversion", "4.0") not in _VERSIONS:
        raise UnsupportedMediaType("This server speaks FHIR 4.0; the Content-Type names another fhirVersion")
    if syntax is not None:
        return syntax
    return "json-patch" if name == JSON_PATCH else "form"


def controls_of(query: str) -> Controls:
    """`_format`, `_pretty`, `_summary` and `_elements` of a query; of a repeated one, the first.

    Raises `Malformed` for a value that R4 does not give them.
    """
    if not query or not _CONTROL.search(query):
        return PLAIN
    found: dict[str, str] = {}
    for name, value in pairs_of(query):
        found.setdefault(name, value)
    pretty = found.get("_pretty", "")
    if pretty not in {"", "true", "false"}:
        raise Malformed("_pretty is true or false", code="value")
    return Controls(
        found.get("_format", "").strip(),
        pretty == "true",
        _summary_of(found.get("_summary", "")),
        _elements_of(found.get("_elements", "")),
    )


def pairs_of(query: str) -> Iterator[tuple[str, str]]:
    """The parameters of a query, decoded, in order."""
    for part in query.split("&"):
        if part:
            name, _, value = part.partition("=")
            yield unquote_plus(name), unquote_plus(value)


def without_controls(query: str) -> str:
    """The criteria alone: `query` without the parameters that `controls_of` reads, otherwise as it was written."""
    if not _CONTROL.search(query):
        return query
    return "&".join(
        part
        for part in query.split("&")
        if unquote_plus(part.partition("=")[0]) not in {"_format", "_pretty", "_summary", "_elements"}
    )


def conditions_of(headers: Mapping[bytes, bytes]) -> Conditions:
    """The conditional headers, as sent, and Prefer.

    Raises `Malformed` when an entity tag is not written as one, when both If-Match and If-None-Match are there, or when
    If-None-Exist has no criteria.
    """
    if _CONDITIONAL.isdisjoint(headers):
        return NONE
    if_match, if_none_match = _tags(headers, b"if-match"), _tags(headers, b"if-none-match")
    if if_match and if_none_match:
        raise Malformed("If-Match and If-None-Match contradict each other: send one of them", code="invalid")
    wanted_return, handling = preferences_of(headers.get(b"prefer", b""))
    return Conditions(
        if_match,
        if_none_match,
        headers.get(b"if-modified-since", b"").decode("latin-1").strip(),
        _criteria(headers),
        wanted_return,
        handling,
    )


@lru_cache(maxsize=256)
def preferences_of(prefer: bytes) -> tuple[Return, Handling]:
    """`return` and `handling` of Prefer. Unknown preferences and values are ignored, as RFC 7240 asks."""
    wanted_return: Return = ""
    handling: Handling = ""
    for part in re.split("[,;]", prefer.decode("latin-1")):
        name, _, value = part.partition("=")
        match name.strip().lower(), value.strip().strip('"').lower():
            case "return", "minimal" if not wanted_return:
                wanted_return = "minimal"
            case "return", "representation" if not wanted_return:
                wanted_return = "representation"
            case "return", "operationoutcome" if not wanted_return:
                wanted_return = "OperationOutcome"
            case "handling", "strict" if not handling:
                handling = "strict"
            case "handling", "lenient" if not handling:
                handling = "lenient"
    return wanted_return, handling


@lru_cache(maxsize=256)
def language_of(accept_language: bytes) -> Language:
    """The language of sentences that Accept-Language prefers; English where it names neither it nor French."""
    best: tuple[float, Language] = (0.0, "en")
    for name, _, quality in _ranges(accept_language.decode("latin-1")):
        spoken = name.partition("-")[0]
        if quality > best[0] and spoken in {"en", "fr"}:
            best = quality, "fr" if spoken == "fr" else "en"
    return best[1]


@lru_cache(maxsize=256)
def takes_gzip(accept_encoding: bytes) -> bool:
    """Whether an Accept-Encoding allows gzip."""
    return any(
        name in {"gzip", "x-gzip", "*"} and quality > 0
        for name, _, quality in _ranges(accept_encoding.decode("latin-1"))
    )


def _offers(text: str, *, wild: bool) -> Iterator[tuple[tuple[float, bool], int, Form]]:
    """What we can give for each media range: ((-quality, by a wildcard), place in the header, form)."""
    ranges = list(_ranges(text))
    # A wildcard says nothing about what the same header names: `application/fhir+json;q=0, */*` refuses JSON.
    named = {_SYNTAXES[name] for name, _, _ in ranges if name in {FHIR_JSON, FHIR_XML}}
    for place, (name, parameters, quality) in enumerate(ranges):
        if quality <= 0 or parameters.get("charset", "utf-8").lower() not in _UTF8:
            continue
        version = parameters.get("fhirversion", "")
        if version and version not in _VERSIONS:
            continue
        if name in _SYNTAXES:
            yield (-quality, False), place, _form(_SYNTAXES[name], name, version, fhir="fhir" in name)
        elif wild and name in _WILD:
            for syntax, content_type in _WILD[name].items():
                if syntax not in named:
                    yield (-quality, True), place, _form(syntax, content_type, version, fhir=False)


def _form(syntax: Syntax, content_type: str, version: str, *, fhir: bool) -> Form:
    suffix = ";fhirVersion=4.0" if version else ""
    return Form(syntax, f"{content_type};charset=utf-8{suffix}".encode(), fhir)


def _ranges(text: str) -> Iterator[tuple[str, Mapping[str, str], float]]:
    for part in text.split(","):
        if part.strip():
            name, parameters = _media_type(part)
            quality = parameters.get("q", "1")
            yield name, parameters, float(quality) if _QUALITY.fullmatch(quality) else 1.0


def _media_type(text: str) -> tuple[str, Mapping[str, str]]:
    """Its name in lower case, and its parameters: names in lower case, values without quotes."""
    name, *rest = text.split(";")
    parameters = {}
    for part in rest:
        key, _, value = part.partition("=")
        parameters[key.strip().lower()] = value.strip().strip('"')
    name = name.strip().lower()
    return _LEGACY.get(name, name), parameters


def _summary_of(text: str) -> Summary:
    match text:
        case "" | "true" | "text" | "data" | "count" | "false":
            return text
    raise Malformed("_summary is one of true, text, data, count and false", code="value")


def _elements_of(text: str) -> tuple[str, ...]:
    return tuple(name for part in text.split(",") if (name := part.strip()))


def _tags(headers: Mapping[bytes, bytes], name: bytes) -> str:
    value = headers.get(name)
    if value is None:
        return ""
    text = value.decode("latin-1").strip()
    if name == b"if-none-match" and _BARE.fullmatch(text):
        return (
            f'W/"{text}"'  # it can only mean this, and a mistake would cost a client no more than an answer
        )
    if not _ETAGS.fullmatch(text):
        shown = "If-Match" if name == b"if-match" else "If-None-Match"
        raise Malformed(f'{shown} holds an entity tag as the server gave it: W/"3"', code="value")
    return text


def _criteria(headers: Mapping[bytes, bytes]) -> str:
    value = headers.get(b"if-none-exist")
    if value is None:
        return ""
    try:
        text = value.decode().strip().removeprefix("?")
    except UnicodeDecodeError:
        raise Malformed("If-None-Exist must be UTF-8", code="value") from None
    if not text:
        raise Malformed(
            "If-None-Exist has no criteria; `identifier=system|value` would be right", code="value"
        )
    return text
