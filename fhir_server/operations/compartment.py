"""What is about a patient: the Patient compartment of R4, and what points at the patient from outside of it.

R4 leaves some types out of the compartment whose resources say whose they are all the same: a Task is `for` a patient,
a Device is a patient's. A record without them would not be whole.

https://hl7.org/fhir/R4/compartmentdefinition-patient.html
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from types import MappingProxyType

from fhir_server.definitions.catalogue import resource_types
from fhir_server.definitions.compartments import compartment_parameters
from fhir_server.definitions.parameters import parameters_of
from fhir_server.interactions.call import Server
from fhir_server.kernel.errors import Malformed
from fhir_server.kernel.keys import Key
from fhir_server.kernel.wire import Tree, decode
from fhir_server.search.entries import Entries
from fhir_server.search.extract import MAIN_DATES
from fhir_server.search.match import matches
from fhir_server.search.query import (
    AnyOf,
    Dates,
    DateValue,
    Missing,
    Name,
    Predicate,
    Query,
    References,
    Updated,
)
from fhir_server.search.reading import any_of
from fhir_server.store.contract import Page, Reader, Stored

_SEARCHES = 200  # in which a page is to be filled; a record has a search for each type
_AT_ONCE = 500  # resources: a record of no more is read by one search for all types


@cache
def related() -> Mapping[str, tuple[str, ...]]:
    """Type → the reference parameters that say which patient its resources are about. Patient comes first."""
    found = {"Patient": compartment_parameters("Patient", "Patient")}
    for name in sorted(resource_types() - {"Patient"}):
        if codes := compartment_parameters("Patient", name) or _beside(name):
            found[name] = codes
    return MappingProxyType(found)


def _beside(type: str) -> tuple[str, ...]:
    parameter = parameters_of(type).get("patient")
    return ("patient",) if parameter is not None and parameter.kind == "reference" else ()


def patients_in(tree: Tree, server: Server, base: str) -> set[Key]:
    """The local patients that a resource is about. Empty: it is nobody's."""
    of_type, hasher = tree["resourceType"], server.store.hasher
    seeds = {hasher.seed(of_type, code) for code in related().get(of_type, ())}
    references = server.extract(tree, base).references
    return {key for seed, key in references if seed in seeds and key.type == "Patient"}


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which of the resources about a patient: of `types` (None: all), changed at or after `since` (the span of it, µs),
    with a care date that `care` (µs, high excluded) touches. What has no care date is wanted whatever the dates.
    """

    types: frozenset[str] | None = None
    since: tuple[int, int] | None = None
    care: tuple[int, int] | None = None

    def criteria(self, type: str) -> tuple[Predicate, ...]:
        """The predicates for resources of a type; not whose they are."""
        found: list[Predicate] = []
        if self.since is not None:
            found.append(Updated((DateValue("ge", *self.since),)))
        main = MAIN_DATES.get(type)
        if self.care is not None and main is not None:
            name = Name(type, parameters_of(type)[main].rows)
            found.append(AnyOf((Missing(name, missing=True), Dates(name, (DateValue("ap", *self.care),)))))
        return tuple(found)

    def has_type(self, type: str) -> bool:
        return self.types is None or type in self.types


@dataclass(frozen=True, slots=True)
class Place:
    """Where a walk goes on: with this type, at this cursor of the store."""

    type: str
    cursor: str = ""

    def __str__(self) -> str:
        return f"{self.type}:{self.cursor}"

    @staticmethod
    def read(text: str) -> Place:
        """Raises `Malformed`."""
        name, colon, cursor = text.partition(":")
        if not colon or name not in related():
            raise Malformed("This cursor is not one of this server's", code="value")
        return Place(name, cursor)


@dataclass(frozen=True, slots=True)
class Walk:
    """Through the resources about `patient`, itself aside; None: about any patient. Type by type, each once."""

    reader: Reader
    server: Server
    base: str
    wanted: Wanted
    patient: Key | None

    @property
    def start(self) -> Place | None:
        return self._at_or_behind(next(iter(related())))

    def wants(self, stored: Stored, *, dated: bool = True) -> bool:
        """Whether a resource is one of those wanted, by what it says itself; not `dated`: whatever its care date."""
        wanted = self.wanted if dated else replace(self.wanted, care=None)
        query = Query((stored.key.type,), wanted.criteria(stored.key.type))
        rows = self.server.extract(decode(stored.body), self.base) if query.where else Entries()
        return wanted.has_type(stored.key.type) and matches(
            query, rows, key=stored.key, updated=stored.updated, hasher=self.server.store.hasher
        )

    async def take(self, place: Place | None, count: int) -> tuple[list[Stored], Place | None]:
        """The next resources, `count` at most, and where the others are; None: there are no others.

        Of all patients there may be fewer, or none yet, when many resources in between are about nobody.
        """
        found: list[Stored] = []
        for _ in range(_SEARCHES):
            if place is None or len(found) >= count:
                break
            asked = count - len(found)
            page = await self._page(place, asked)
            of_one = [stored for stored in page.items if self._is_one(stored)]
            found += of_one
            place = self._after(place, page)
            if self.patient is None and found and len(of_one) < len(page.items):
                break  # to fill the page might be to read one by one
        return found, place

    async def seek(self, place: Place | None) -> Place | None:
        """The same place, or the one behind it where the next resource really is; None: there is none."""
        while place is not None:
            page = await self._page(place, 1)
            if any(self.patient is None or self._is_one(stored) for stored in page.items):
                break
            place = self._after(place, page)
        return place

    async def at_once(self, count: int) -> list[Stored] | None:
        """All of them, in the order of a walk, by one search; None: it would not tell, or there are too many for it.

        Most records are short, and most types have nothing of a patient. `count`: at most so many are wanted; whoever
        wants few has a long record before them.
        """
        # Each type has a date of care of its own.
        if self.patient is None or self.wanted.care is not None or count < _AT_ONCE:
            return None
        types = [one for one in related() if self.wanted.has_type(one)]
        if not types:
            return []
        about = any_of(self._about(one, self.patient) for one in types)
        query = Query(tuple(types), (about, *self.wanted.criteria("")), count=_AT_ONCE, total="none")
        page = await self.reader.search(query)
        if page.next:
            return None
        places = {one: place for place, one in enumerate(types)}
        found = [stored for stored in page.items if self._is_one(stored)]
        return sorted(found, key=lambda stored: places[stored.key.type])

    async def all(self, slice: int) -> AsyncIterator[Stored]:
        """All of them, read `slice` at a time."""
        for stored in (short := await self.at_once(slice)) or ():
            yield stored
        place = self.start if short is None else None
        while place is not None:
            found, place = await self.take(place, slice)
            for stored in found:
                yield stored

    async def _page(self, place: Place, count: int) -> Page:
        criteria = self.wanted.criteria(place.type)
        if self.patient is not None:
            criteria = self._about(place.type, self.patient), *criteria
        query = Query((place.type,), criteria, count=count, cursor=place.cursor, total="none")
        return await self.reader.search(query)

    @staticmethod
    def _about(type: str, patient: Key) -> Predicate:
        rows = dict.fromkeys(parameters_of(type)[code].rows for code in related()[type])
        return any_of(References(Name(type, row), (patient,)) for row in rows)

    def _after(self, place: Place, page: Page) -> Place | None:
        return Place(place.type, page.next) if page.next else self._at_or_behind(place.type, behind=True)

    def _is_one(self, stored: Stored) -> bool:
        if self.patient is not None:
            return stored.key != self.patient
        # A subject may be a group, a performer a practitioner: only the body tells.
        return stored.key.type == "Patient" or bool(patients_in(decode(stored.body), self.server, self.base))

    def _at_or_behind(self, type: str, *, behind: bool = False) -> Place | None:
        """The first type that is wanted, from this one on."""
        types = list(related())
        return next(
            (Place(one) for one in types[types.index(type) + behind :] if self.wanted.has_type(one)), None
        )
