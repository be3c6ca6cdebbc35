"""Searches of the store in dictionaries: every row is asked, and includes are followed one by one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from fhir_server.definitions.parameters import CORE, Parameters
from fhir_server.kernel.keys import Key
from fhir_server.kernel.wire import Tree, decode
from fhir_server.search.entries import Entries, Hasher
from fhir_server.search.extract import dates_of
from fhir_server.search.match import Known, matches, needs_body
from fhir_server.search.order import sort_key
from fhir_server.search.query import Include, Query
from fhir_server.search.sight import Link, Sight, Stamp, sees
from fhir_server.search.view import View, narrowed
from fhir_server.store.contract import Stored
from fhir_server.store.includes import wanted
from fhir_server.store.numbers import TYPE_NUMBERS


@dataclass(frozen=True)
class Row:
    """A current version, with what the index knows of it. Also what `search/match.py` looks at."""

    pk: int
    stored: Stored
    entries: Entries
    targets: tuple[Key, ...]

    @property
    def key(self) -> Key:
        return self.stored.key

    @property
    def updated(self) -> int:
        return self.stored.updated

    @cached_property
    def tree(self) -> Tree:
        return decode(self.stored.body)

    @cached_property
    def numbers(self) -> frozenset[int]:
        """Keys of its tokens, to whatever system they belong."""
        return frozenset(number for number, _ in self.entries.tokens)

    @cached_property
    def pointers(self) -> frozenset[tuple[int, Key]]:
        return frozenset(self.entries.references)


@dataclass(frozen=True, slots=True)
class Live:
    """The resources of `rows` that are not deleted."""

    rows: Mapping[Key, Row]
    hasher: Hasher
    parameters: Parameters = CORE
    ties: Mapping[Key, Sequence[Link]] = field(default_factory=dict)  # by person
    view: View | None = None

    def __iter__(self) -> Iterator[Row]:
        return (row for row in self.rows.values() if not row.stored.deleted)

    def at(self, key: Key) -> Row | None:
        row = self.rows.get(key)
        return None if row is None or row.stored.deleted else row

    def pointing(self, seed: int, key: Key) -> Iterator[Row]:
        number = self.hasher.reference(seed, self.hasher.self_of(key))
        return (row for row in self if number in row.numbers or (seed, key) in row.pointers)

    def sees(self, sight: Sight, resource: Known) -> bool:
        stamp = resource.entries.stamp
        return sees(sight, stamp, self._links(stamp), dates_of(resource.entries, self.hasher))

    def shows(self, row: Row) -> bool:
        """Whether the view shows a resource."""
        return self.view is None or matches(
            narrowed(Query((row.key.type,)), self.view),
            row.entries,
            key=row.key,
            updated=row.updated,
            hasher=self.hasher,
            tree=row.tree,
            around=self,
            parameters=self.parameters,
        )

    def _links(self, stamp: Stamp) -> list[Link]:
        return [link for person in stamp.persons for link in self.ties.get(person, ())]

    def found(self, query: Query) -> list[Row]:
        """In the order asked for, then in that of their creation."""
        query = narrowed(query, self.view)
        reads = needs_body(query)
        sorts = any(sort.kind == "text" for sort in query.sort)

        def is_wanted(row: Row) -> bool:
            return (not query.types or row.key.type in query.types) and matches(
                query,
                row.entries,
                key=row.key,
                updated=row.updated,
                hasher=self.hasher,
                tree=row.tree if reads else None,
                around=self,
                parameters=self.parameters,
            )

        def place(row: Row) -> tuple[object, ...]:
            keys = sort_key(
                query.sort,
                row.entries,
                key=row.key,
                updated=row.updated,
                hasher=self.hasher,
                tree=row.tree if sorts else None,
                parameters=self.parameters,
            )
            return *keys, row.pk

        return sorted(filter(is_wanted, self), key=place)

    def included(self, includes: Sequence[Include], page: Sequence[Row]) -> Iterator[Row]:
        """What `includes` reach from the page, each once and none of the page."""
        known = {row.key for row in page}
        step, frontier = list(includes), list(page)
        while step and frontier:
            reached = {key for include in step for row in frontier for key in self._reached(include, row)}
            frontier = [
                row
                for key in sorted(reached - known)
                if (row := self.at(key))
                and (self.view is None or (self.view.reads(key.type) and self.shows(row)))
            ]
            known |= reached
            yield from frontier
            step = [include for include in includes if include.iterate]

    def _reached(self, include: Include, row: Row) -> Iterator[Key]:
        for seed, number in wanted(include, self.hasher, self.parameters):
            if include.reverse and number in {0, TYPE_NUMBERS[row.key.type]}:
                yield from (other.key for other in self.pointing(seed, row.key))
            elif not include.reverse:
                for found, key in row.entries.references:
                    if found == seed and number in {0, TYPE_NUMBERS[key.type]}:
                        yield key

    def referrers(self, key: Key, seeds: Iterable[int]) -> list[Key]:
        """Live resources that refer to `key` by one of the parameters, or by none at all; itself not among them."""
        target = self.hasher.self_of(key)
        numbers = {self.hasher.reference(seed, target) for seed in seeds}

        def refers(row: Row) -> bool:
            loose = key in row.targets and key not in {known for _, known in row.entries.references}
            return loose or not numbers.isdisjoint(row.numbers)

        return [row.key for row in self if row.key != key and refers(row)]
