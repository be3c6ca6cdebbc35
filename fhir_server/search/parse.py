"""The query part of a URL becomes a Query, with a remark on everything that was not understood.

A value that cannot be read, or a modifier that the parameter does not take, is always refused. A parameter that does
not exist or is not supported is refused under `Prefer: handling=strict`; otherwise it is ignored, a warning says so,
and the self link leaves it out. In criteria of conditional interactions nothing is ever ignored: a typo must not
delete everything.

https://hl7.org/fhir/R4/search.html · https://hl7.org/fhir/R4/http.html#ccreate
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cache
from typing import Literal, Protocol, cast
from urllib.parse import quote, unquote_plus

from fhir_server.definitions.parameters import Parameter, parameters_of
from fhir_server.kernel.errors import Malformed
from fhir_server.kernel.issues import Issue
from fhir_server.kernel.times import now as this_moment
from fhir_server.kernel.values import immutable
from fhir_server.search.extract import is_indexed
from fhir_server.search.query import Include, Name, Predicate, Query, Sort
from fhir_server.search.values import KINDS, Here, place, predicate_of, split

Summary = Literal["", "true", "text", "data", "count", "false"]

CURSOR = "_cursor"  # our page links carry it; opaque
# Parameters of R4 that this server knows by name and does not answer.
_UNSUPPORTED = frozenset(
    {
        "_has",
        "_filter",
        "_list",
        "_text",
        "_content",
        "_query",
        "_type",
        "_contained",
        "_containedType",
        "_score",
    }
)
_RESULT = frozenset({"_count", "_sort", "_total", "_summary", "_elements", "_include", "_revinclude", CURSOR})
_TRANSPORT = frozenset({"_format", "_pretty"})
_SORTABLE = frozenset({"date", "string"})
_TOTALS = ("none", "estimate", "accurate")
_SUMMARIES = ("true", "text", "data", "count", "false")


class PageLimits(Protocol):
    @property
    def page(self) -> int:
        """Resources on a page when the client does not say."""

    @property
    def max_page(self) -> int:
        """The most that a client may ask for."""


@immutable
class Presentation:
    """How the resources found are shown; it changes nothing about which are found."""

    summary: Summary = ""
    elements: tuple[str, ...] = ()


@immutable
class Parsed:
    """`issues`: warnings, one for each thing ignored. `understood`: the query text of the self link, without `?`."""

    query: Query
    issues: tuple[Issue, ...]
    understood: str
    presentation: Presentation


def query_of(
    resource_type: str,
    text: str,
    *,
    lenient: bool,
    limits: PageLimits,
    base: str | tuple[str, ...] = (),
    now: int | None = None,
) -> Parsed:
    """The search that `text`, percent-encoded as it came, asks for on a resource type.

    `base`: the server's public base URL or URLs, without a slash at the end. `now` (µs): what `ap` measures from.

    Raises `Malformed`, with one issue for each thing wrong.
    """
    reading = _Reading(parameters_of(resource_type), _here(base, now))
    for name, value in _pairs(text):
        reading.take(name, value)
    if reading.errors or (reading.ignored and not lenient):
        raise _refusal([*reading.errors, *reading.ignored])
    count = limits.page if reading.count is None else min(reading.count, limits.max_page)
    total = reading.total
    if reading.summary == "count":
        count, total = 0, "accurate"
    query = Query(
        type=resource_type,
        where=tuple(reading.where),
        sort=tuple(reading.sort),
        count=count,
        cursor=reading.cursor,
        total=cast("Literal['none', 'estimate', 'accurate'] | None", total or None),
        includes=tuple(dict.fromkeys(reading.includes)),
    )
    understood = "&".join(
        f"{_encoded(name)}={count if name == '_count' else _encoded(value)}"
        for name, value in reading.understood
    )
    warnings = tuple(Issue(i.code, i.text, i.expression, "warning") for i in reading.ignored)
    return Parsed(
        query, warnings, understood, Presentation(cast("Summary", reading.summary), reading.elements)
    )


def criteria_of(resource_type: str, text: str, base: str | tuple[str, ...] = ()) -> Query:
    """The criteria of a conditional interaction: every one understood, and at least one.

    `_format` and `_pretty` belong to HTTP and are passed over. Raises `Malformed`.
    """
    try:
        parameters = parameters_of(resource_type)
    except KeyError:
        raise Malformed("The criteria are not about a resource type of FHIR R4", code="value") from None
    reading = _Reading(parameters, _here(base, None))
    for name, value in _pairs(text.removeprefix("?")):
        if name in _TRANSPORT:
            continue
        if name.partition(":")[0] in _RESULT:
            reading.errors.append(
                Issue(
                    "invalid",
                    f"'{name}' shapes the result of a search; it is no criterion of a conditional interaction",
                )
            )
        else:
            reading.take(name, value)
    if reading.errors or reading.ignored:
        raise _refusal([*reading.errors, *reading.ignored])
    if not reading.where:
        raise Malformed("A conditional interaction needs at least one criterion", code="required")
    return Query(type=resource_type, where=tuple(reading.where))


@cache
def searchable(resource_type: str) -> Mapping[str, Parameter]:
    """The parameters of a type that this server answers: what its CapabilityStatement may list."""
    return {code: p for code, p in parameters_of(resource_type).items() if p.kind in KINDS and is_indexed(p)}


_SAFE = "/:,$-._~!*'()"
_CLEAN = re.compile(r"[A-Za-z0-9/:,$\-._~]*\Z")


def _encoded(text: str) -> str:
    return text if _CLEAN.match(text) else quote(text, safe=_SAFE)


@dataclass(slots=True)
class _Reading:
    """What has been read so far. A step notes what it finds and never stops the others."""

    parameters: Mapping[str, Parameter]
    here: Here
    where: list[Predicate] = field(default_factory=list)
    sort: list[Sort] = field(default_factory=list)
    includes: list[Include] = field(default_factory=list)
    count: int | None = None
    cursor: str = ""
    total: str = ""
    summary: str = ""
    elements: tuple[str, ...] = ()
    understood: list[tuple[str, str]] = field(default_factory=list)
    errors: list[Issue] = field(default_factory=list)
    ignored: list[Issue] = field(default_factory=list)

    @property
    def type(self) -> str:
        return self.parameters["_id"].type

    def take(self, name: str, value: str) -> None:
        remarks = len(self.ignored)
        try:
            code, _, modifier = name.partition(":")
            if not value:
                self._ignore(f"The parameter '{_shown(name)}' has no value")
            elif code in _RESULT:
                self._result(code, modifier, value)
            elif name not in _TRANSPORT:
                self._criterion(name, code, modifier, value)
        except Malformed as error:
            self.errors += error.issues
            return
        if len(self.ignored) == remarks and name != CURSOR:
            self.understood.append((name, value))

    def _criterion(self, name: str, code: str, modifier: str, value: str) -> None:
        parameter = self.parameters.get(code)
        if "." in name or code in _UNSUPPORTED:
            first = self.parameters.get(code.partition(".")[0])
            if code in _UNSUPPORTED or (first is not None and first.kind == "reference"):
                what = "chained parameters" if "." in name and code not in _UNSUPPORTED else f"'{code}'"
                self._ignore(f"This server does not support {what}")
            else:
                self._unknown(code)
        elif parameter is None:
            self._unknown(code)
        elif code not in searchable(self.type):
            self._ignore(f"This server does not support searching by '{code}', a {parameter.kind} parameter")
        else:
            self.where.append(predicate_of(parameter, modifier, value, self.here))

    def _result(self, code: str, modifier: str, value: str) -> None:
        if code in {"_include", "_revinclude"}:
            self._include(code, modifier, value)
            return
        if modifier:
            raise Malformed(f"'{code}' takes no modifier", code="not-supported")
        if code not in {"_sort", "_elements"} and any(name == code for name, _ in self.understood):
            raise Malformed(f"'{code}' is there more than once", code="value")
        match code:
            case "_count":
                self.count = _count(value)
            case "_sort":
                for key in split(value):
                    self._sort(key)
            case "_total":
                self.total = _one_of(code, value, _TOTALS)
            case "_summary":
                self.summary = _one_of(code, value, _SUMMARIES)
            case "_elements":
                self.elements += tuple(part.strip() for part in split(value))
            case _:
                if self.cursor:
                    raise Malformed(f"'{code}' is there more than once", code="value")
                self.cursor = value

    def _sort(self, key: str) -> None:
        descending = key.startswith("-")
        code = key.removeprefix("-").strip()
        parameter = self.parameters.get(code)
        if code == "_id":
            self.sort.append(Sort("id", None, descending))
        elif code == "_lastUpdated":
            self.sort.append(Sort("updated", None, descending))
        elif parameter is None:
            self._unknown(code)
        elif parameter.kind in _SORTABLE and code in searchable(self.type):
            kind = cast("Literal['date', 'string']", parameter.kind)
            self.sort.append(Sort(kind, Name(self.type, parameter.rows), descending))
        else:
            self._ignore(f"This server does not support sorting by '{code}', a {parameter.kind} parameter")

    def _include(self, code: str, modifier: str, value: str) -> None:
        if modifier in {"iterate", "recurse"}:
            self._ignore(f"This server does not support '{code}:{modifier}'")
            return
        if modifier:
            raise Malformed(f"'{code}' has a modifier that FHIR R4 does not know", code="not-supported")
        reverse = code == "_revinclude"
        if value == "*":
            self.includes.append(Include(Name("*" if reverse else self.type, "*"), reverse=reverse))
            return
        source, _, rest = value.partition(":")
        parameter, _, target = rest.partition(":")
        if not parameter:
            raise Malformed(f"'{code}' is written Type:parameter or Type:parameter:Target", code="value")
        try:
            known = parameters_of(source)
            if target:
                parameters_of(target)
        except KeyError:
            self._ignore(f"'{code}' names a resource type that FHIR R4 does not know")
            return
        if parameter != "*" and (parameter not in known or known[parameter].kind != "reference"):
            self._ignore(f"{source} has no reference parameter of the name that '{code}' gives")
            return
        self.includes.append(Include(Name(source, parameter), target, reverse))

    def _unknown(self, code: str) -> None:
        names = [*searchable(self.type), *_RESULT, *_TRANSPORT]
        close = get_close_matches(code[:64], names, n=1)
        hint = f". Did you mean '{close[0]}'?" if close else ""
        self._ignore(f"{self.type} has no search parameter '{_shown(code)}'{hint}")

    def _ignore(self, text: str) -> None:
        self.ignored.append(Issue("not-supported", text))


def _here(base: str | tuple[str, ...], now: int | None) -> Here:
    return Here((base,) if isinstance(base, str) else base, this_moment() if now is None else now)


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    """Names and values of `application/x-www-form-urlencoded` text, decoded."""
    if "\x00" in text or "%00" in text:
        raise Malformed("The query holds a NUL character", code="value")
    for part in text.split("&"):
        if part:
            name, _, value = part.partition("=")
            yield _decoded(name), _decoded(value)


def _decoded(text: str) -> str:
    if "%" not in text and "+" not in text and text.isascii():
        return text
    try:
        found = unquote_plus(text, errors="strict")
        found.encode()  # half of a surrogate pair cannot be compared with anything
    except UnicodeError:
        raise Malformed("The query is not UTF-8 in percent-encoding", code="value") from None
    return found


def _count(value: str) -> int:
    if not (value.isascii() and value.isdigit()):
        raise Malformed("'_count' is a whole number, 0 or more", code="value")
    return int(value[:18])


def _one_of(code: str, value: str, allowed: tuple[str, ...]) -> str:
    if value not in allowed:
        raise Malformed(f"'{code}' is one of {', '.join(allowed)}", code="value")
    return value


def _shown(name: str) -> str:
    """A name of the sender's, short enough and clean enough for a message."""
    return "".join(c for c in name[:64] if c.isprintable())


def _refusal(issues: list[Issue]) -> Malformed:
    refusal = Malformed(issues[0].text)
    refusal.issues = tuple(issues)
    return refusal


__all__ = ["CURSOR", "PageLimits", "Parsed", "Presentation", "criteria_of", "place", "query_of", "searchable"]
