"""Stamps of what is there already: which are kept, what each starts from, and when all are made anew."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_server.access import classifying
from fhir_server.access.classifying import Past, fingerprint_of, is_stamped, restamped
from fhir_server.access.tables import SHARED, DocumentType, Tables
from fhir_server.kernel.wire import Tree
from fhir_server.search.sight import OPERATORS, PUBLIC, UNSTAMPED, Stamp
from tests.fhir_server.access.stamping import ICD, LOINC, NURSE, PERSON, TABLES, TEAM

K = TypeVar("K")
V = TypeVar("V")


def started(tree: Tree, start: Stamp | None) -> Stamp:
    """A stamp that tells which version it is of (its cell), and from which cell it started (its labels)."""
    return Stamp(int(tree["id"]), 0 if start is None else start.cell)


def new(cell: int) -> Past:
    return Past({"id": str(cell)}, UNSTAMPED)


def old(cell: int) -> Past:
    """A version that has a stamp, which it did not get here."""
    return Past({"id": str(cell + 30)}, Stamp(cell, persons=(PERSON,)))


def kept(cell: int) -> Stamp:
    return Stamp(cell, persons=(PERSON,))


GONE = Past(None, UNSTAMPED, deleted=True)
GONE_STAMPED = Past(None, kept(9), deleted=True)


@pytest.mark.parametrize(
    ("versions", "stamps"),
    [
        ([], []),
        ([new(4), new(5), new(6)], [Stamp(4), Stamp(5, 4), Stamp(6, 5)]),
        ([old(4), new(5)], [kept(4), Stamp(5, 4)]),
        ([new(4), old(5), new(6)], [Stamp(4), kept(5), Stamp(6, 5)]),
        ([new(4), GONE], [Stamp(4), Stamp(4)]),
        ([old(4), GONE], [kept(4), kept(4)]),
        ([new(4), GONE, new(5)], [Stamp(4), Stamp(4), Stamp(5)]),
        ([new(4), GONE, GONE], [Stamp(4), Stamp(4), Stamp(OPERATORS)]),
        ([GONE], [Stamp(OPERATORS)]),
        ([new(4), GONE_STAMPED, new(5)], [Stamp(4), kept(9), Stamp(5)]),
        ([Past(None, kept(4)), new(5)], [kept(4), Stamp(5, 4)]),  # nobody asks for its tree
    ],
)
def test_what_has_a_stamp_keeps_it_and_the_rest_starts_from_the_version_before(
    versions: list[Past], stamps: list[Stamp]
) -> None:
    assert restamped(versions, started, whole=False) == stamps


@pytest.mark.parametrize(
    ("versions", "stamps"),
    [
        ([old(4), old(5)], [Stamp(34, 4), Stamp(35, 5)]),
        ([old(4), new(5)], [Stamp(34, 4), Stamp(5, 34)]),
        ([old(4), GONE_STAMPED], [Stamp(34, 4), Stamp(34, 4)]),
        ([GONE_STAMPED], [Stamp(OPERATORS)]),
        ([old(4), GONE_STAMPED, old(5)], [Stamp(34, 4), Stamp(34, 4), Stamp(35, 5)]),
    ],
)
def test_a_stamp_that_is_made_anew_starts_from_the_one_it_had(
    versions: list[Past], stamps: list[Stamp]
) -> None:
    assert restamped(versions, started, whole=True) == stamps


PASTS = st.one_of(st.builds(new, st.integers(0, 20)), st.builds(old, st.integers(0, 20)), st.just(GONE))


@given(st.lists(PASTS, max_size=6))
def test_each_version_has_a_stamp_after_which_nothing_is_left_to_do(versions: list[Past]) -> None:
    stamps = restamped(versions, started, whole=False)

    assert len(stamps) == len(versions)
    assert all(map(is_stamped, stamps))
    again = [replace(one, stamp=stamp) for one, stamp in zip(versions, stamps, strict=True)]
    assert restamped(again, started, whole=False) == stamps


@pytest.mark.parametrize("cell", [PUBLIC, OPERATORS, 61])
def test_only_the_cell_that_nobody_sees_is_no_stamp(cell: int) -> None:
    assert is_stamped(Stamp(cell))
    assert not is_stamped(UNSTAMPED)
    assert not is_stamped(replace(UNSTAMPED, persons=(PERSON,), parties=(NURSE, TEAM)))


# When all are made anew


def backwards(table: Mapping[K, V]) -> dict[K, V]:
    return dict(reversed(list(table.items())))


def test_the_order_of_the_rows_of_a_table_changes_no_stamp() -> None:
    turned = Tables(
        backwards(TABLES.documents),
        backwards(TABLES.forms),
        backwards(TABLES.codes),
        {system: tuple(reversed(found)) for system, found in backwards(TABLES.beginnings).items()},
    )

    assert list(turned.documents) != list(TABLES.documents)
    assert fingerprint_of(turned) == fingerprint_of(TABLES)
    assert re.fullmatch("[0-9a-f]{16}", fingerprint_of(TABLES))


def test_each_thing_that_a_row_says_changes_stamps() -> None:
    others = [
        replace(TABLES, documents={}),
        *(
            replace(TABLES, documents={**TABLES.documents, coding: said})
            for coding, said in [
                ((LOINC, "x"), DocumentType("plan")),
                ((ICD, "x"), DocumentType("plan")),
                ((LOINC, "y"), DocumentType("plan")),
                ((LOINC, "x"), DocumentType("social")),
                ((LOINC, "x"), DocumentType("plan", frozenset({"medecin"}))),
                ((LOINC, "x"), DocumentType("plan", frozenset({"medecin", "infirmier"}))),
            ]
        ),
        replace(TABLES, forms={**TABLES.forms, "https://x.example/Questionnaire/1": "plan"}),
        replace(TABLES, forms={**TABLES.forms, "https://x.example/Questionnaire/1": "social"}),
        replace(TABLES, codes={**TABLES.codes, (ICD, "x"): "sante-sensible"}),
        replace(TABLES, codes={**TABLES.codes, (ICD, "x"): SHARED}),
        replace(TABLES, beginnings={**TABLES.beginnings, ICD: (("x", "sante-sensible"),)}),
        replace(TABLES, beginnings={**TABLES.beginnings, ICD: (("x", SHARED),)}),
    ]

    assert len({fingerprint_of(tables) for tables in (TABLES, *others)}) == 1 + len(others)


def test_other_rules_change_stamps_of_the_same_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    before = fingerprint_of(TABLES)

    monkeypatch.setattr(classifying, "RULES", classifying.RULES + 1)

    assert fingerprint_of(TABLES) != before
