"""What a large code system is asked by, found while its concepts go by once.

A `Term` is a question with a fixed answer: the concepts below another, those with a value of a property, with a word
in a text, with a beginning of a word. `Index` takes concepts in order and then gives the places that answer each term.
It keeps places, never texts: some 100 bytes a concept, and as much for each word that occurs.

https://hl7.org/fhir/R4/codesystem.html#hierarchy
"""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, NamedTuple

from terminology.hierarchy import Circle, Hierarchy
from terminology.postings import packed, runs_of
from terminology.systems import Concept, Tree, concept_of
from terminology.words import words_of

BEGINNING: Final = 3  # letters: a beginning of a word up to this length is a term of its own
_LONGEST: Final = 200  # characters of a value; a longer one is known by its hash
_LONGEST_CODE: Final = 400
_APART: Final = "\x1f"  # between a property and its value
_ROLES: Final = "http://hl7.org/fhir/concept-properties#"
_PARENTS: Final = frozenset({"parent", "subsumedBy"})
_OWN: Final = frozenset({"parent", "child"})  # told by the hierarchy


class Kind(IntEnum):
    """Numbers are stored."""

    BELOW = 1  # key of a concept → itself and those below, only of concepts that have some
    VALUE = 2  # property and value, see `value_term`
    PRESENT = 3  # property → the concepts that have a value
    WORD = 4
    BEGINNING = 5  # the first letters of words, one to three
    STATE = 6  # `inactive`


class Term(NamedTuple):
    kind: Kind
    key: str


INACTIVE: Final = Term(Kind.STATE, "inactive")


def value_term(property: str, value: str) -> Term:
    return Term(Kind.VALUE, f"{property}{_APART}{known_by(value)}")


def values_range(property: str) -> tuple[str, str]:
    """The keys of all values of a property: from, and behind the last."""
    return f"{property}{_APART}", f"{property}{chr(ord(_APART) + 1)}"


def value_in(key: str) -> str:
    return key.partition(_APART)[2]


def known_by(value: str) -> str:
    """What stands for a value. Only a value that is not longer stands for itself."""
    value = value.replace("\x00", " ")
    if len(value) <= _LONGEST:
        return value
    return f"{value[:_LONGEST]}\x1e{hashlib.sha256(value.encode()).hexdigest()}"


@dataclass(frozen=True, slots=True)
class Entry:
    """A concept on its way in. Its place is that in the order of entries."""

    tree: Tree  # CodeSystem.concept, without what is nested in it
    inside: int | None = None  # the place of the concept that it is nested in


@dataclass(frozen=True, slots=True)
class Row:
    """A concept as it is kept, but for its parents."""

    place: int
    code: str
    key: str  # by which it is found
    tree: Tree


class Unusable(Exception):
    """What stands in the way of keeping a code system, in a sentence."""


class Index:
    """Of one code system: `add` every concept, in order, and then ask for the rest."""

    def __init__(self, head: Tree) -> None:
        self.case_sensitive = is_case_sensitive(head)
        self._roles = roles_of(head)
        self._places: dict[str, int] = {}
        self._unmet: list[tuple[int, str, bool]] = []  # place, code of a relative, whether that is a parent
        self._children: array[int] = array("I")
        self._parents: array[int] = array("I")
        self._terms: dict[Kind, dict[str, array[int]]] = {kind: {} for kind in Kind}

    def __len__(self) -> int:
        return len(self._places)

    def add(self, entry: Entry) -> Row:
        """Raises `Unusable`: no code, or one that came before."""
        place = len(self._places)
        code = entry.tree.get("code")
        if not isinstance(code, str) or not code or "\x00" in code:
            raise Unusable("A concept has no code")
        if len(code) > _LONGEST_CODE:
            raise Unusable(f"A code is longer than {_LONGEST_CODE} characters")
        key = key_of(code, case_sensitive=self.case_sensitive)
        if self._places.setdefault(key, place) != place:
            raise Unusable(f"The code {code[:_LONGEST]} comes twice")
        concept = concept_of(entry.tree, self._roles)
        self._note_values(place, concept)
        for text in texts_of(entry.tree):
            for word in words_of(text):
                self._note(Kind.WORD, word, place)
        if entry.inside is not None:
            self._relate(place, entry.inside)
        for name, values in concept.properties.items():
            role = self._roles.get(name, name)
            if role in _PARENTS or role == "child":
                for value in values:
                    self._meet(place, value, parent=role in _PARENTS)
        return Row(place, code, key, entry.tree)

    def hierarchy(self) -> Hierarchy:
        """Who is whose parent, once every concept is there. A relative that is not there is none."""
        unmet, self._unmet = self._unmet, []
        for place, code, parent in unmet:
            self._meet(place, code, parent=parent)
        self._unmet = []
        return Hierarchy(len(self), self._children, self._parents)

    def terms(self, hierarchy: Hierarchy) -> Iterator[tuple[Term, bytes]]:
        """Every term and its places; the index is empty afterwards. Raises `Unusable` for a circle."""
        keys = list(self._places)
        self._places.clear()
        yield from _relations(keys, hierarchy)
        beginnings: dict[str, array[int]] = {}
        for kind, found in self._terms.items():
            while found:
                key, places = found.popitem()
                yield Term(kind, key), packed(runs_of(places))
                if kind is Kind.WORD:
                    for length in range(1, min(BEGINNING, len(key)) + 1):
                        beginnings.setdefault(key[:length], array("I")).extend(places)
        while beginnings:
            key, places = beginnings.popitem()
            yield Term(Kind.BEGINNING, key), packed(runs_of(sorted(places)))

    def _meet(self, place: int, code: str, *, parent: bool) -> None:
        other = self._places.get(key_of(code, case_sensitive=self.case_sensitive))
        if other is None:
            self._unmet.append((place, code, parent))
        elif parent:
            self._relate(place, other)
        else:
            self._relate(other, place)

    def _relate(self, child: int, parent: int) -> None:
        self._children.append(child)
        self._parents.append(parent)

    def _note(self, kind: Kind, key: str, place: int) -> None:
        places = self._terms[kind].get(key)
        if places is None:
            self._terms[kind][key] = array("I", (place,))
        elif places[-1] != place:
            places.append(place)

    def _note_values(self, place: int, concept: Concept) -> None:
        for name, values in concept.properties.items():
            if name in _OWN:
                continue
            if len(name) > _LONGEST or "\x00" in name:
                raise Unusable(f"The code of a property is longer than {_LONGEST} characters, or not a text")
            if values:
                self._note(Kind.PRESENT, name, place)
            for value in values:
                self._note(Kind.VALUE, value_term(name, value).key, place)
        for name in ("display", "definition"):
            if concept.tree.get(name):
                self._note(Kind.PRESENT, name, place)
        if concept.inactive:
            self._note(Kind.STATE, INACTIVE.key, place)


def _relations(keys: list[str], hierarchy: Hierarchy) -> Iterator[tuple[Term, bytes]]:
    """What the hierarchy says, whichever way it was told: also the properties `parent` and `child`."""
    for name, places in (("parent", hierarchy.with_parents()), ("child", hierarchy.with_children())):
        if places:
            yield Term(Kind.PRESENT, name), packed(runs_of(places))
    for place in hierarchy.with_children():
        yield value_term("parent", keys[place]), packed(runs_of(hierarchy.children_of(place)))
    try:
        for place, runs in hierarchy.below():
            yield Term(Kind.BELOW, keys[place]), packed(runs)
    except Circle as error:
        raise Unusable(f"The concept {keys[error.place]} stands below itself") from None


def is_case_sensitive(head: Tree) -> bool:
    """Unless a code system says that case does not matter, a code is as it is written."""
    return head.get("caseSensitive") is not False


def key_of(code: str, *, case_sensitive: bool) -> str:
    return code if case_sensitive else code.casefold()


def texts_of(tree: Tree) -> list[str]:
    """What a concept is called, in all languages."""
    found = [tree.get("display", ""), *(one.get("value", "") for one in tree.get("designation", ()))]
    return [text for text in found if isinstance(text, str)]


def roles_of(head: Tree) -> Mapping[str, str]:
    """Property of a code system → what FHIR calls it, of those that FHIR has a name for."""
    return {
        one.get("code", ""): one["uri"].removeprefix(_ROLES)
        for one in head.get("property", ())
        if one.get("uri", "").startswith(_ROLES)
    }
