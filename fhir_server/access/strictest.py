"""Several stamps as one: what is made of several resources, or belongs to them, is read by those who read each.

A Binary is as strict as all that refers to it, a Provenance as what it is about, a Bundle as what it holds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from fhir_server.access.cells import PARTIES, Cells, Part
from fhir_server.kernel.keys import Key
from fhir_server.search.sight import OPENING, OPERATORS, PUBLIC, Label, Stamp

_SEVERAL: Final = int(Label.SEVERAL)
_OPENING: Final = int(OPENING)


def strictest(stamps: Sequence[Stamp], cells: Cells) -> Stamp:
    """One stamp that only those pass who pass each of several; never empty.

    Where cells differ, the one counts that is read by those who read both: what is refused to more roles, sensitive
    health before health. Where there is none, the resource is left to those who are party of each.
    """
    first, *others = stamps
    for other in others:
        labels = _both(first.labels, other.labels)
        parties = _common(first.parties, other.parties)
        cell = first.cell if first.cell == other.cell else _stricter(first.cell, other.cell, cells)
        owner = first.owner if first.owner == other.owner else None
        persons = tuple(sorted({*first.persons, *other.persons}))
        if len(persons) > 1:
            labels |= _SEVERAL
        authors = _common(first.authors, other.authors)
        first = Stamp(cell, labels, persons, parties, authors, owner)
    return first


def _both(first: int, second: int) -> int:
    """Labels of two together: what hides is added, what opens must be on both."""
    return ((first | second) & ~_OPENING) | (first & second & _OPENING)


def _common(first: tuple[Key, ...], second: tuple[Key, ...]) -> tuple[Key, ...]:
    return tuple(sorted(frozenset(first) & frozenset(second)))


def _stricter(first: int, second: int, cells: Cells) -> int:
    """The cell that is read by those who read both, where there is one."""
    if OPERATORS in {first, second}:
        return OPERATORS
    if PUBLIC in {first, second}:
        return max(first, second)
    one, other = cells.at(first), cells.at(second)
    if one is None or other is None:
        return PARTIES
    refused = one.refused | other.refused
    if one.category == other.category:
        category, part = one.category, one.part if one.part is other.part else Part.WHOLE
    elif {one.category, other.category} == {"sante", "sante-sensible"}:
        category, part = "sante-sensible", one.part or other.part
    else:
        return PARTIES
    try:
        return cells.of(category, refused, part)
    except KeyError:
        return PARTIES
