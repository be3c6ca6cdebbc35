"""A large code system, answering from the terms of its index.

A value set's filters become sets of places (`postings.py`), which are united, intersected and taken from one another
before a single concept is read; then those of one page are. Filters on what has no term (a regular expression on codes
or displays) are tried on each concept that the others leave, if these are few.

Where terms and concepts lie is the affair of a `Shelf` (`shelf.py`).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from terminology.errors import NotExpandable
from terminology.filters import judge_of, told_by
from terminology.indexing import (
    BEGINNING,
    INACTIVE,
    Kind,
    Term,
    key_of,
    known_by,
    roles_of,
    value_in,
    value_term,
    values_range,
)
from terminology.large import EVERYTHING, Filter, Page, Selection, Summary
from terminology.postings import all_below, bits_at, bits_of, places_of
from terminology.shelf import Held, Shelf
from terminology.systems import Concept, concept_of
from terminology.words import words_of

MOST_JUDGED: Final = 10_000  # concepts, or values of a property, that a filter is tried on one by one
_CHUNK: Final = 1000
_SHORTEST_CODE: Final = 4  # characters: shorter texts are no beginnings of codes
_MOST_CODES: Final = 100_000  # that begin with a text
_DOWN: Final = frozenset({"is-a", "descendent-of", "is-not-a"})
_CODES: Final = frozenset({"code", "concept"})
_TEXTS: Final = frozenset({"display", "definition"})
_SNOMED: Final = "http://snomed.info/sct"
_LAST: Final = "\U0010ffff"
# Of a regular expression, what all that it matches begins with.
_BEGINNING: Final = re.compile(r"\^?([A-Za-z0-9-]+)(?![A-Za-z0-9*?{-])")


@dataclass(slots=True)
class _Work:
    """One question, with what has been fetched for it."""

    among: int | None = None  # only these places are of interest; None: all
    bits: dict[Term, int] = field(default_factory=dict)
    places: dict[str, int] = field(default_factory=dict)


class Shelved:
    """See `large.LargeSystem`. `name` tells the sets of this code system from those of others."""

    def __init__(self, shelf: Shelf, held: Held, name: Hashable) -> None:
        self._shelf = shelf
        self._held = held
        self._name = name
        self._size = shelf.summary.count
        self._url = shelf.summary.url
        head = shelf.summary.head
        self._roles = roles_of(head)
        self._declared = frozenset(
            one.get("code", "") for part in ("property", "filter") for one in head.get(part, ())
        )

    @property
    def summary(self) -> Summary:
        return self._shelf.summary

    async def find(self, codes: Iterable[str]) -> dict[str, Concept]:
        keys = {code: self._key(code) for code in codes}
        found = await self._shelf.found(frozenset(keys.values()))
        trees = {key: concept_of(tree, self._roles) for key, tree in found.items()}
        return {code: trees[key] for code, key in keys.items() if key in trees}

    async def related(self, code: str, direction: Literal["above", "below"]) -> list[str]:
        key = self._key(code)
        if direction == "above":
            own = await self._shelf.found([key])
            if not own:
                return []
            places = await self._shelf.parents(key, all=True)
            return [own[key]["code"], *await self._codes(places)]
        work = _Work()
        below = Term(Kind.BELOW, key)
        await self._fetch(work, {below}, {key})
        place = work.places.get(key)
        if place is None:
            return []
        others = work.bits[below] & ~(1 << place)
        return await self._codes([place, *places_of(others)])

    async def subsumes(self, general: str, special: str) -> bool:
        work = _Work()
        one, other = self._key(general), self._key(special)
        below = Term(Kind.BELOW, one)
        await self._fetch(work, {below}, {one, other})
        if one not in work.places or other not in work.places:
            return False
        return one == other or bool(work.bits[below] >> work.places[other] & 1)

    async def select(
        self,
        include: Sequence[Selection] = EVERYTHING,
        exclude: Sequence[Selection] = (),
        *,
        text: str = "",
        active_only: bool = False,
        offset: int = 0,
        count: int = 100,
    ) -> Page:
        work = _Work()
        terms = {INACTIVE} if active_only else set()
        await self._prepare(work, (*include, *exclude), terms, ())
        bits = await self._composed(work, include, exclude)
        if active_only:
            bits &= ~work.bits[INACTIVE]
        if text and bits:
            bits &= await self._texts(text)
        trees = await self._shelf.at(places_of(bits, offset, count)) if count else ()
        return Page(tuple(concept_of(tree, self._roles) for tree in trees), bits.bit_count())

    async def within(
        self, codes: Iterable[str], include: Sequence[Selection], exclude: Sequence[Selection] = ()
    ) -> frozenset[str]:
        keys = {code: self._key(code) for code in codes}
        work = _Work()
        await self._prepare(work, (*include, *exclude), set(), keys.values())
        places = {code: work.places[key] for code, key in keys.items() if key in work.places}
        work.among = bits_at(places.values())
        bits = await self._composed(work, include, exclude)
        return frozenset(code for code, place in places.items() if bits >> place & 1)

    # Components and filters -------------------------------------------------------------------------------------------

    async def _composed(self, work: _Work, include: Sequence[Selection], exclude: Sequence[Selection]) -> int:
        bits = 0
        for one in include:
            bits |= await self._selected(work, one)
        for one in exclude:
            if not bits:
                break
            bits &= ~await self._selected(work, one)
        return bits

    async def _selected(self, work: _Work, selection: Selection) -> int:
        bits = all_below(self._size)
        if work.among is not None:
            bits &= work.among
        if selection.codes is not None:
            bits &= self._these(work, selection.codes)
        judged = []
        for one in selection.filters:
            found = await self._passed(work, one)
            if found is None:
                judged.append(one)
            else:
                bits &= found
        for one in judged:
            if one.property in _CODES and (start := _BEGINNING.match(one.value)) and "|" not in one.value:
                bits &= bits_at(await self._shelf.beginning(self._key(start[1]), self._size))
            bits = await self._judged(bits, one)
        return bits

    async def _passed(self, work: _Work, one: Filter) -> int | None:
        """The places that a filter lets through; None: concepts have to be looked at."""
        if one.op in _DOWN or one.op == "generalizes":
            return await self._relation(work, one)
        if self._is_ancestor(one):
            return await self._relation(work, Filter("concept", "descendent-of", one.value))
        judge = judge_of(one, self._declared, self._url)
        everything = all_below(self._size)
        if one.op == "exists":
            present = work.bits[Term(Kind.PRESENT, one.property)]
            if one.property in _CODES:
                present = everything
            return present if one.value == "true" else everything & ~present
        if one.property in _CODES and one.op != "regex":
            if self._is_reference_set(one):
                members = work.bits[value_term("refset", one.value)]
                if not members:
                    raise NotExpandable(
                        "a reference set that it names was not loaded",
                        "un jeu de références qu'il nomme n'a pas été chargé",
                    )
                return members
            these = self._these(work, _values(one))
            return everything & ~these if one.op == "not-in" else these
        if one.property in _CODES or one.property in _TEXTS:
            return None
        if one.property == "child":
            return await self._of_children(one)
        if one.op == "regex":
            low, high = values_range(one.property)
            values = await self._shelf.stretch(Kind.VALUE, low, high, MOST_JUDGED + 1)
            if len(values) > MOST_JUDGED or any(
                known_by(value_in(key)) != value_in(key) for key, _ in values
            ):
                return None
            return bits_of((kept for key, kept in values if judge([value_in(key)])), self._size)
        bits = 0
        for term in self._value_terms(one):
            bits |= work.bits[term]
        return everything & ~bits if one.op == "not-in" else bits

    async def _relation(self, work: _Work, one: Filter) -> int:
        if one.property not in {"concept", "code", "parent"}:
            raise NotExpandable(
                f"'{one.op}' is not about the property '{one.property}'",
                f"« {one.op} » ne porte pas sur la propriété « {one.property} »",
            )
        key = self._key(one.value)
        place = work.places.get(key)
        if place is None:
            raise NotExpandable(
                f"'{one.op}' names a concept that {self._url} does not have",
                f"« {one.op} » nomme un concept que {self._url} n'a pas",
            )
        if one.op == "generalizes":
            return bits_at([place, *await self._shelf.parents(key, all=True)])
        below = work.bits[Term(Kind.BELOW, key)] | 1 << place
        match one.op:
            case "is-a":
                return below
            case "descendent-of":
                return below & ~(1 << place)
            case _:
                return all_below(self._size) & ~below

    async def _of_children(self, one: Filter) -> int:
        """The parents of the concepts that a filter on `child` names."""
        if one.op == "regex":
            raise NotExpandable(
                "a regular expression on 'child' is not understood",
                "une expression régulière sur « child » n'est pas comprise",
            )
        places = [
            place
            for value in _values(one)
            for place in await self._shelf.parents(self._key(value), all=False)
        ]
        bits = bits_at(places)
        return all_below(self._size) & ~bits if one.op == "not-in" else bits

    async def _judged(self, bits: int, one: Filter) -> int:
        """Of `bits`, the concepts that a filter lets through, each looked at."""
        if bits.bit_count() > MOST_JUDGED:
            raise NotExpandable(
                f"its filter on '{one.property}' leaves more than {MOST_JUDGED:,} concepts to look at: "
                "others must narrow it down",
                f"son filtre sur « {one.property} » laisse plus de {MOST_JUDGED} concepts à examiner : "
                "d'autres doivent le restreindre",
            )
        judge = judge_of(one, self._declared, self._url)
        places = places_of(bits)
        found = []
        for at in range(0, len(places), _CHUNK):
            chunk = places[at : at + _CHUNK]
            for place, tree in zip(chunk, await self._shelf.at(chunk), strict=True):
                if judge(told_by(concept_of(tree, self._roles), one.property)):
                    found.append(place)
        return bits_at(found)

    # Texts ------------------------------------------------------------------------------------------------------------

    async def _texts(self, text: str) -> int:
        """The concepts of whose words some begin as these do; or whose code does."""
        bits = all_below(self._size)
        for part in text.split():
            words = words_of(part)
            found = await self._by_code(part)
            if words:
                by_words = all_below(self._size)
                for word in words:
                    by_words &= await self._word(word)
                found |= by_words
            elif not found:
                continue  # a dash between words
            bits &= found
        return bits

    async def _word(self, word: str) -> int:
        term = Term(Kind.BEGINNING, word)
        bits = self._held.get((self._name, term))
        if bits is None:
            if len(word) <= BEGINNING:
                kept: Iterable[bytes] = (await self._shelf.fetch([term], ())).terms.values()
            else:
                terms = await self._shelf.stretch(Kind.WORD, word, word + _LAST, self._size)
                kept = [data for _, data in terms]
            bits = bits_of(kept, self._size)
            self._held.put((self._name, term), bits)
        return bits

    async def _by_code(self, part: str) -> int:
        key = self._key(part)
        if len(key) < _SHORTEST_CODE:
            return bits_at((await self._shelf.fetch((), [key])).places.values())
        return bits_at(await self._shelf.beginning(key, _MOST_CODES))

    # What is fetched --------------------------------------------------------------------------------------------------

    async def _prepare(
        self, work: _Work, selections: Iterable[Selection], terms: set[Term], keys: Iterable[str]
    ) -> None:
        """Fetch all that the selections ask for, in one go."""
        wanted = set(keys)
        for selection in selections:
            wanted.update(map(self._key, selection.codes or ()))
            for one in selection.filters:
                if one.op in _DOWN or one.op == "generalizes" or self._is_ancestor(one):
                    wanted.add(self._key(one.value))
                    terms.add(Term(Kind.BELOW, self._key(one.value)))
                elif one.op == "exists":
                    terms.add(Term(Kind.PRESENT, one.property))
                elif one.op == "regex":
                    continue
                elif one.property in _CODES:
                    wanted.update(map(self._key, _values(one)))
                    if self._is_reference_set(one):
                        terms.add(value_term("refset", one.value))
                elif one.property not in _TEXTS:
                    terms.update(self._value_terms(one))
        await self._fetch(work, terms, wanted)

    async def _fetch(self, work: _Work, terms: Iterable[Term], keys: Collection[str]) -> None:
        missing = []
        for term in terms:
            bits = self._held.get((self._name, term))
            if bits is None:
                missing.append(term)
            else:
                work.bits[term] = bits
        if not missing and not keys:
            return
        fetched = await self._shelf.fetch(missing, keys)
        for term in missing:
            kept = fetched.terms.get(term)
            bits = work.bits[term] = bits_of([kept], self._size) if kept else 0
            self._held.put((self._name, term), bits)
        work.places.update(fetched.places)

    async def _codes(self, places: Sequence[int]) -> list[str]:
        found = []
        for at in range(0, len(places), _CHUNK):
            found += [tree["code"] for tree in await self._shelf.at(places[at : at + _CHUNK])]
        return found

    def _key(self, code: str) -> str:
        return key_of(code, case_sensitive=self._shelf.summary.case_sensitive)

    def _these(self, work: _Work, codes: Iterable[str]) -> int:
        return bits_at({work.places[key] for key in map(self._key, codes) if key in work.places})

    def _value_terms(self, one: Filter) -> list[Term]:
        values = _values(one)
        if one.property == "parent":
            values = [self._key(value) for value in values]
        return [value_term(one.property, value) for value in values]

    def _is_reference_set(self, one: Filter) -> bool:
        """https://hl7.org/fhir/R4/snomedct.html#implicit"""
        return self._url == _SNOMED and one.property == "concept" and one.op == "in" and "," not in one.value

    def _is_ancestor(self, one: Filter) -> bool:
        """https://hl7.org/fhir/R4/loinc.html: `ancestor` = a concept, anywhere above."""
        return one.property == "ancestor" and one.op == "=" and "ancestor" in self._declared


def _values(one: Filter) -> list[str]:
    return [one.value] if one.op == "=" else [value.strip() for value in one.value.split(",")]
