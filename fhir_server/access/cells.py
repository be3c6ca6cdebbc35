"""Cells: the numbers under which categories of data are stored, and sets of them as bits.

A resource is in one cell. Most cells are a category. Some are a part of one, where a rule singles it out: the types of
documents refused to a role, what is sensitive yet readable in an emergency, actions of a plan. Whoever is granted a
category is granted its parts, unless the rule takes them away.

Numbers are stored with each version. Those up to `_FIRST_REFUSED` never change; those after it follow from the table of
document types, so another table means stamping again: `Cells.version` tells.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable
from enum import StrEnum
from typing import Final

from fhir_server.kernel.values import immutable
from fhir_server.search.sight import MOST_CELLS, OPERATORS, PUBLIC

CATEGORIES: Final = (
    "identite",
    "administratif",
    "social",
    "sante",
    "sante-sensible",
    "autonomie",
    "coordination",
    "plan",
    "liaison",
    "projet",
    "mdph",
    "message",
    "consentement",
    "trace",
    "sollicitation",
)
PARTIES: Final = (
    17  # about nobody, and read by those it names: appointments without a person, unreferenced Binaries
)


class Part(StrEnum):
    """A part of a category that a rule singles out; `WHOLE` is all the rest."""

    WHOLE = ""
    URGENT = "urgence"  # of sante-sensible: labelled readable in an emergency
    TOLD = "informe"  # of sollicitation: the médecin traitant was informed, and reads it
    ACTION = (
        "action"  # of plan: an action under a goal, which members without `create` may add for themselves
    )
    NOTE = "note"  # of coordination: an evolving note, which everyone who reads coordination edits
    AGENDA = "agenda"  # of coordination: availability, of no person


_PARTS: Final = (
    ("sante-sensible", Part.URGENT),
    ("sollicitation", Part.TOLD),
    ("plan", Part.ACTION),
    ("coordination", Part.NOTE),
    ("coordination", Part.AGENDA),
)
_FIRST_PART: Final = 18
_FIRST_REFUSED: Final = _FIRST_PART + len(_PARTS)


@immutable
class Cell:
    """What a number stands for. `refused`: the roles that may not read it although they read the category."""

    category: str
    part: Part = Part.WHOLE
    refused: frozenset[str] = frozenset()


class Cells:
    """The numbering that a table of document types asks for."""

    def __init__(self, refusals: Iterable[tuple[str, frozenset[str]]] = ()) -> None:
        """`refusals`: (category, roles to whom some type of document of it is refused).

        Raises `ValueError` when there are more cells than a mask has bits.
        """
        cells = {Cell(category): place for place, category in enumerate(CATEGORIES, 1)}
        cells |= {Cell(*pair): place for place, pair in enumerate(_PARTS, _FIRST_PART)}
        asked = sorted(_asked(refusals), key=_order)
        cells |= {cell: place for place, cell in enumerate(asked, _FIRST_REFUSED)}
        if max(cells.values()) >= MOST_CELLS:
            raise ValueError(
                f"Document types are refused to {len(asked)} different sets of roles; "
                f"{MOST_CELLS - _FIRST_REFUSED} are possible"
            )
        self._numbers = cells
        self._cells = {number: cell for cell, number in cells.items()}
        self.version = hashlib.sha256("\n".join(map(_text, asked)).encode()).hexdigest()[:12]

    @property
    def sensitive(self) -> int:
        """The number of `sante-sensible`."""
        return self._numbers[Cell("sante-sensible")]

    def of(self, category: str, refused: Collection[str] = (), part: Part = Part.WHOLE) -> int:
        """The number of a cell. Raises `KeyError` for a category, or a set of roles, that no table names."""
        return self._numbers[Cell(category, part, frozenset(refused))]

    def at(self, number: int) -> Cell | None:
        """What a number stands for; None: one of `PUBLIC`, `OPERATORS`, `PARTIES`, or none."""
        return self._cells.get(number)

    def name(self, number: int) -> str:
        """The category of a cell; for the three that have none, a word."""
        cell = self._cells.get(number)
        if cell is not None:
            return cell.category
        return {PUBLIC: "public", OPERATORS: "operators", PARTIES: "parties"}[number]

    def bits(self, categories: Iterable[str], part: Part | None = None) -> int:
        """The cells of categories: all of each, or only one part."""
        wanted = frozenset(categories)
        return sum(
            1 << number
            for cell, number in self._numbers.items()
            if cell.category in wanted and part in {None, cell.part}
        )

    def open_to(self, role: str, category: str) -> int:
        """The cells of a category without those refused to a role."""
        return sum(
            1 << number
            for cell, number in self._numbers.items()
            if cell.category == category and role not in cell.refused
        )

    @property
    def all(self) -> int:
        """Every cell of every category."""
        return self.bits(CATEGORIES)


def _asked(refusals: Iterable[tuple[str, frozenset[str]]]) -> set[Cell]:
    found: set[Cell] = set()
    for category, roles in refusals:
        if not roles:
            continue
        if category in {"sante", "sante-sensible"}:  # the author of a document may say that it is sensitive
            found.add(Cell("sante-sensible", Part.WHOLE, roles))
            found.add(Cell("sante-sensible", Part.URGENT, roles))
        found.add(Cell(category, Part.WHOLE, roles))
    return found


def _order(cell: Cell) -> tuple[int, str, list[str]]:
    return CATEGORIES.index(cell.category), cell.part, sorted(cell.refused)


def _text(cell: Cell) -> str:
    return " ".join((cell.category, cell.part or "-", *sorted(cell.refused)))
