"""The numbers of categories."""

from __future__ import annotations

import pytest

from fhir_server.access.cells import CATEGORIES, PARTIES, Cell, Cells, Part
from fhir_server.search.sight import OPERATORS, PUBLIC

COORDINATOR = frozenset({"coordonnateur"})
CELLS = Cells([("sante", COORDINATOR), ("autonomie", COORDINATOR), ("plan", frozenset())])


def test_categories_have_the_numbers_of_their_order() -> None:
    assert [CELLS.of(category) for category in CATEGORIES] == list(range(1, 16))
    assert CELLS.sensitive == 5


def test_the_numbers_of_parts_never_change() -> None:
    parts = [
        CELLS.of("sante-sensible", (), Part.URGENT),
        CELLS.of("sollicitation", (), Part.TOLD),
        CELLS.of("plan", (), Part.ACTION),
        CELLS.of("coordination", (), Part.NOTE),
        CELLS.of("coordination", (), Part.AGENDA),
    ]

    assert parts == [18, 19, 20, 21, 22]


def test_types_of_documents_that_are_refused_have_cells_of_their_own() -> None:
    assert CELLS.of("sante", COORDINATOR) == 23
    assert CELLS.of("sante-sensible", COORDINATOR) == 24  # the author may say so of the document
    assert CELLS.of("sante-sensible", COORDINATOR, Part.URGENT) == 25
    assert CELLS.of("autonomie", COORDINATOR) == 26
    with pytest.raises(KeyError):
        CELLS.of("plan", COORDINATOR)


def test_a_number_says_what_it_stands_for() -> None:
    assert CELLS.at(23) == Cell("sante", Part.WHOLE, COORDINATOR)
    assert CELLS.at(OPERATORS) is None
    assert [CELLS.name(number) for number in (PUBLIC, 4, 23, OPERATORS, PARTIES)] == [
        "public",
        "sante",
        "sante",
        "operators",
        "parties",
    ]


def test_a_category_is_all_its_parts() -> None:
    assert CELLS.bits(("plan",)) == 1 << 8 | 1 << 20
    assert CELLS.bits(("plan",), Part.ACTION) == 1 << 20
    assert CELLS.bits(("sante",)) == 1 << 4 | 1 << 23
    assert CELLS.bits(("sante",), Part.WHOLE) == 1 << 4 | 1 << 23
    assert CELLS.all == CELLS.bits(CATEGORIES)
    assert not CELLS.all & (1 << PUBLIC | 1 << OPERATORS | 1 << PARTIES)


def test_what_is_refused_to_a_role_is_not_open_to_it() -> None:
    assert CELLS.open_to("coordonnateur", "sante") == 1 << 4
    assert CELLS.open_to("infirmier", "sante") == 1 << 4 | 1 << 23


def test_the_version_changes_with_the_numbering_and_only_then() -> None:
    same = Cells([("autonomie", COORDINATOR), ("sante", COORDINATOR)])
    other = Cells([("autonomie", COORDINATOR)])

    assert same.version == CELLS.version
    assert other.version != CELLS.version


def test_more_cells_than_a_mask_has_bits_are_refused() -> None:
    with pytest.raises(ValueError, match="39 are possible"):
        Cells([("plan", frozenset({str(number)})) for number in range(40)])
