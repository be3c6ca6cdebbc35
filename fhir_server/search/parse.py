"""The query part of a URL becomes a Query, with a remark on everything that was not understood.

A value that cannot be read, or a modifier that the parameter does not take, is always refused. A parameter that does
not exist or is not supported is refused under `Prefer: handling=strict`; otherwise it is ignored, a warning says so,
and the self link leaves it out. In criteria of conditional interactions nothing is ever ignored: a typo must not
delete everything.

https://hl7.org/fhir/R4/search.html · https://hl7.org/fhir/R4/http.html#ccreate
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, Protocol

from fhir_server.definitions.catalogue import resource_types
from fhir_server.definitions.parameters import CORE, Parameter, Parameters
from fhir_server.kernel.errors import Malformed
from fhir_server.kernel.issues import Issue
from fhir_server.kernel.keys import Key
from fhir_server.kernel.values import immutable
from fhir_server.search.contained import groups_of, held
from fhir_server.search.criteria import criterion_of, leaves_of, read
from fhir_server.search.escapes import split
from fhir_server.search.filtering import filtered
from fhir_server.search.forms import encoded, pairs
from fhir_server.search.modifiers import parted
from fhir_server.search.query import AllOf, OfTypes, Predicate, Query
from fhir_server.search.reading import (
    MOST_CRITERIA,
    MOST_LEAVES,
    Here,
    Unknown,
    any_of,
    shown,
    unreadable,
    unsupported,
)
from fhir_server.search.results import CURSOR, RESULT, Contained, ContainedType, Shape, Summary
from fhir_server.search.scopes import Scope, scope_of
from fhir_server.search.values import is_answered

_TRANSPORT: Final = frozenset({"_format", "_pretty"})
_UNSUPPORTED: Final = frozenset({"_query"})  # names an operation, and there is none that is a search
_KEPT_CHARACTERS: Final = 1000  # of a query that is remembered
_MOST_CONTAINED: Final = 8  # types of contained resources in one search


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


_WHOLE: Final = Presentation()


@immutable
class Inside:
    """A search for contained resources (`_contained`)."""

    mode: Contained  # true: them alone; both: the others too
    shown: ContainedType  # what the result shows of one: the resource around it, or itself
    types: tuple[str, ...]  # of the contained resources
    where: tuple[Predicate, ...]  # what each of them must meet


@immutable
class Parsed:
    """`issues`: warnings, one for each thing ignored. `understood`: the query text of the self link, without `?`."""

    query: Query
    issues: tuple[Issue, ...]
    understood: str
    presentation: Presentation
    inside: Inside | None = None  # None: contained resources are only looked at by chains
    explain: bool = False


def query_of(
    resource_type: str | None,
    text: str,
    *,
    lenient: bool,
    limits: PageLimits,
    base: str | tuple[str, ...] = (),
    now: int | None = None,
    compartment: Key | None = None,
    parameters: Parameters = CORE,
) -> Parsed:
    """The search that `text`, percent-encoded as it came, asks for on a resource type, or on all of them.

    `base`: the server's public base URL or URLs, without a slash at the end. `now` (µs): what `ap` measures from.

    Raises `Malformed`, with one issue for each thing wrong.
    """
    bases = (base,) if isinstance(base, str) else base
    about = resource_type, text, lenient, limits.page, limits.max_page, compartment, parameters
    if now is not None or len(text) > _KEPT_CHARACTERS:
        return _parsed(*about, Here(bases, now))
    try:
        return _kept(*about, bases)
    except _Timed as timed:
        return timed.parsed


class _Timed(Exception):
    """What was read is true of this moment alone."""

    def __init__(self, parsed: Parsed) -> None:
        self.parsed = parsed


@lru_cache(maxsize=2048)
def _kept(
    resource_type: str | None,
    text: str,
    lenient: bool,
    page: int,
    max_page: int,
    compartment: Key | None,
    parameters: Parameters,
    bases: tuple[str, ...],
) -> Parsed:
    """Clients send the same searches again and again."""
    here = Here(bases)
    parsed = _parsed(resource_type, text, lenient, page, max_page, compartment, parameters, here)
    if here.timed:
        raise _Timed(parsed)
    return parsed


def _parsed(
    resource_type: str | None,
    text: str,
    lenient: bool,
    page: int,
    max_page: int,
    compartment: Key | None,
    parameters: Parameters,
    here: Here,
) -> Parsed:
    asked = list(pairs(text))
    if resource_type is None or compartment is not None or "_type" in text:
        scope = scope_of(resource_type, compartment, _types_in(asked), parameters)
    else:
        scope = Scope((resource_type,))
    reading = _Reading(scope, parameters, here)
    for name, value in asked:
        reading.take(name, value)
    reading.agree()
    if reading.errors or (reading.ignored and not lenient):
        raise _refusal([*reading.errors, *reading.ignored])
    return reading.parsed(page, max_page)


def criteria_of(
    resource_type: str, text: str, base: str | tuple[str, ...] = (), parameters: Parameters = CORE
) -> Query:
    """The criteria of a conditional interaction: every one understood, and at least one.

    `_format` and `_pretty` belong to HTTP and are passed over. Raises `Malformed`.
    """
    if resource_type not in resource_types():
        raise Malformed("The criteria are not about a resource type of FHIR R4", code="value")
    reading = _Reading(Scope((resource_type,)), parameters, Here((base,) if isinstance(base, str) else base))
    for name, value in pairs(text.removeprefix("?")):
        if name in _TRANSPORT:
            continue
        if name.partition(":")[0] in {*RESULT, "_type"}:
            reading.errors.append(
                Issue(
                    "invalid",
                    f"'{shown(name)}' shapes the result of a search; it is no criterion of a conditional interaction",
                )
            )
        else:
            reading.take(name, value)
    if reading.errors or reading.ignored:
        raise _refusal([*reading.errors, *reading.ignored])
    if not reading.where:
        raise Malformed("A conditional interaction needs at least one criterion", code="required")
    return Query((resource_type,), tuple(reading.where))


@lru_cache(maxsize=1024)
def searchable(resource_type: str, parameters: Parameters = CORE) -> Mapping[str, Parameter]:
    """The parameters of a type that this server answers: what its CapabilityStatement may list."""
    return {
        code: p for code, p in parameters.of(resource_type).items() if is_answered(p) or code == "_filter"
    }


@dataclass(slots=True)
class _Reading:
    """What has been read so far. A step notes what it finds and never stops the others."""

    scope: Scope
    parameters: Parameters
    here: Here
    where: list[Predicate] = field(default_factory=list)
    shape: Shape | None = None  # None: nothing is asked of the result
    understood: list[tuple[str, str]] = field(default_factory=list)
    leaves: int = 0  # comparisons
    errors: list[Issue] = field(default_factory=list)
    ignored: list[Issue] = field(default_factory=list)

    def take(self, name: str, value: str) -> None:
        if name in _TRANSPORT:
            self.understood.append((name, value))
            return
        try:
            code = name.partition(":")[0]
            if not value:
                raise Unknown(f"The parameter '{shown(name)}' has no value")
            if code in RESULT:
                if self.shape is None:
                    self.shape = Shape(self.scope.types, self.parameters)
                self.shape.take(*parted(name), value)
            elif code != "_type":
                self._criterion(name, code, value)
            elif name != code:
                raise unsupported("'_type' takes no modifier")
        except Malformed as error:
            self.errors += error.issues
        except Unknown as error:
            self.ignored.append(Issue("not-supported", str(error)))
        else:
            if name != CURSOR:
                self.understood.append((name, value))

    def agree(self) -> None:
        """Pass over what does not go together. https://hl7.org/fhir/R4/search.html#summary"""
        shape = self.shape
        if shape is None:
            return
        if shape.summary == "text" and shape.includes:
            self._ignore(
                {"_include", "_revinclude"},
                "'_summary=text' brings nothing along: no '_include' and no '_revinclude'",
            )
            shape.includes.clear()
        if shape.contained != "false" and any(key.name is not None for key in shape.sort):
            self._ignore({"_sort"}, "With '_contained', a result is sorted by '_id' and '_lastUpdated' only")
            shape.sort.clear()

    def _ignore(self, codes: Collection[str], why: str) -> None:
        self.ignored.append(Issue("not-supported", why))
        self.understood = [
            (name, value) for name, value in self.understood if name.partition(":")[0] not in codes
        ]

    def _criterion(self, name: str, code: str, value: str) -> None:
        if len(self.where) >= MOST_CRITERIA:
            raise Malformed(f"A search has at most {MOST_CRITERIA} criteria", code="too-costly")
        types = self.scope.types
        if code == "_filter":
            if name != code:
                raise unsupported("'_filter' takes no modifier")
            self.where.append(filtered(types, value, self.parameters, self.here))
        elif code in _UNSUPPORTED:
            raise unsupported(f"This server has no named queries for '{code}'")
        else:
            criterion = criterion_of(types, name, self.parameters)
            leaves, self.leaves = self.leaves, self.leaves + leaves_of(criterion, value)
            if leaves and self.leaves > MOST_LEAVES:
                raise Malformed(
                    "The criteria of this search have too many values together", code="too-costly"
                )
            self.where.append(read(criterion, value, self.here))

    def parsed(self, page: int, max_page: int) -> Parsed:
        understood = self.understood
        if self.shape is None:  # most searches, by far
            query = Query(self.scope.narrowed, self._where(), count=page)
            return Parsed(query, self._warnings(), _text_of(understood), _WHOLE)
        shape = self.shape
        count = page if shape.count is None else min(shape.count, max_page)
        total = shape.total
        if shape.summary == "count" or count == 0:  # both ask for the total alone, says R4
            count, total = 0, "accurate"
        types, where, inside = self._meant(shape)
        query = Query(
            types=types,
            where=where,
            sort=tuple(shape.sort),
            count=count,
            cursor=shape.cursor,
            total=total,
            includes=tuple(dict.fromkeys(shape.includes)),
        )
        understood = [(name, str(count) if name == "_count" else value) for name, value in understood]
        presentation = Presentation(shape.summary, shape.elements)
        return Parsed(query, self._warnings(), _text_of(understood), presentation, inside, shape.explain)

    def _warnings(self) -> tuple[Issue, ...]:
        return tuple([Issue(i.code, i.text, i.expression, "warning") for i in self.ignored])

    def _where(self) -> tuple[Predicate, ...]:
        within = self.scope.within
        return tuple(self.where) if within is None else (within, *self.where)

    def _meant(self, shape: Shape) -> tuple[tuple[str, ...], tuple[Predicate, ...], Inside | None]:
        """Types and predicates of the query, and what is asked of contained resources."""
        scope, where = self.scope, self._where()
        if shape.contained == "false":
            return scope.narrowed, where, None
        if len(scope.types) > _MOST_CONTAINED:
            raise Malformed(
                f"'_contained' works on at most {_MOST_CONTAINED} types; '_type' with their names would be right",
                code="too-costly",
            )
        if self.leaves * sum(len(groups_of(one, self.parameters)) for one in scope.types) > MOST_LEAVES:
            raise Malformed(
                "The criteria have too many values for a search with '_contained'", code="too-costly"
            )
        inside = Inside(shape.contained, shape.contained_type, scope.types, where)
        found = any_of(held(where, one, self.parameters) for one in scope.types)
        if shape.contained == "both":
            found = any_of((AllOf((OfTypes(scope.types), *where)), found))
        return (), (found,), inside


def _text_of(pairs: Sequence[tuple[str, str]]) -> str:
    return "&".join([f"{encoded(name)}={encoded(value)}" for name, value in pairs])


def _types_in(asked: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    """What `_type` lists; may be empty."""
    lists = [value for name, value in asked if name == "_type" and value]
    if len(lists) > 1:
        raise unreadable("'_type' is there more than once; one list, separated by commas, would be right")
    return tuple(dict.fromkeys(part.strip() for value in lists for part in split(value)))


def _refusal(issues: list[Issue]) -> Malformed:
    refusal = Malformed(issues[0].text)
    refusal.issues = tuple(dict.fromkeys(issues))  # the same may be wrong with many
    return refusal


__all__ = [
    "CURSOR",
    "Inside",
    "PageLimits",
    "Parsed",
    "Presentation",
    "criteria_of",
    "query_of",
    "searchable",
]
