"""Several stamps as one."""

from __future__ import annotations

import pytest

from fhir_server.access.cells import PARTIES, Cells
from fhir_server.access.strictest import strictest
from fhir_server.access.tables import shipped_tables
from fhir_server.kernel.keys import Key
from fhir_server.search.sight import OPERATORS, PUBLIC, Label, Stamp

CELLS = shipped_tables().cells()
PERSON = Key("Patient", "1")
NURSE, TEAM = Key("PractitionerRole", "nurse"), Key("Organization", "team")


def made(
    cell: int, labels: int = 0, persons: tuple[Key, ...] = (PERSON,), *parties: Key, owner: Key | None = None
) -> Stamp:
    return Stamp(cell, labels, persons, parties, parties, owner)


SHARED, MASKED = int(Label.PARTAGE_SOCIAL), int(Label.MASQUE_PS)
OTHER = Key("Patient", "2")


@pytest.mark.parametrize(
    ("first", "second", "strict"),
    [
        (made(4), made(4), made(4)),
        (made(4), made(5), made(5)),
        (made(5), made(18), made(5)),
        (made(4), made(23), made(23)),
        (made(5), made(23), made(24)),
        (made(18), made(4), made(18)),
        (made(18), made(23), made(25)),
        (made(24), made(23), made(24)),
        (made(7), made(8), made(PARTIES)),
        (made(PUBLIC), made(8), made(8)),
        (made(OPERATORS), made(8), made(OPERATORS)),
        (made(PARTIES), made(8), made(PARTIES)),
        (made(15), made(19), made(15)),
        (made(4, SHARED), made(4, SHARED), made(4, SHARED)),
        (made(4, SHARED), made(4), made(4)),
        (made(4, MASKED), made(4), made(4, MASKED)),
        (made(4, 0, (PERSON,)), made(4, 0, (OTHER,)), made(4, int(Label.SEVERAL), (PERSON, OTHER))),
        (made(4, 0, (), NURSE, TEAM), made(4, 0, (), NURSE), made(4, 0, (), NURSE)),
        (made(4, owner=TEAM), made(4, owner=TEAM), made(4, owner=TEAM)),
        (made(4, owner=TEAM), made(4), made(4)),
    ],
)
def test_the_strictest_of_two(first: Stamp, second: Stamp, strict: Stamp) -> None:
    assert strictest((first, second), CELLS) == strict
    assert strictest((second, first), CELLS) == strict


def test_two_refusals_that_no_cell_joins_leave_it_to_the_parties() -> None:
    cells = Cells([("plan", frozenset({"medecin"})), ("plan", frozenset({"infirmier"}))])

    assert (
        strictest((made(cells.of("plan", {"medecin"})), made(cells.of("plan", {"infirmier"}))), cells).cell
        == PARTIES
    )
