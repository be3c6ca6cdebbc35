"""Codes of professions, roles, registrations and accounts as roles."""

from __future__ import annotations

import pytest

from fhir_server.access.matrix import ROLES
from fhir_server.access.roles import (
    DIRECTORY,
    IDENTITY,
    OPERATOR,
    REGULATOR,
    TRACE_FEEDER,
    known_roles,
    roles_of,
)

G15 = "https://mos.esante.gouv.fr/NOS/TRE_G15-ProfessionSante/FHIR/TRE-G15-ProfessionSante"
R85 = "https://mos.esante.gouv.fr/NOS/TRE_R85-RolePriseCharge/FHIR/TRE-R85-RolePriseCharge"


@pytest.mark.parametrize(
    ("source", "system", "code", "roles"),
    [
        ("psc:codeProfession", "", "10", ("medecin",)),
        ("psc:codeProfession", "any", "10", ("medecin",)),
        ("psc:SubjectRole", "1.2.250.1.213.1.1.5.5", "60", ("infirmier",)),
        ("psc:SubjectRole", "1.2.3", "60", ()),
        ("cda:author", G15, "G15_60", ("infirmier",)),
        ("cda:author", G15, "G15_10/SM26", ("medecin",)),
        ("cda:author", G15, "93", ("psychologue",)),
        ("role", R85, "330", ("coordonnateur",)),
        ("role", R85, "330 ", ()),
        ("role", G15, "330", ()),
        ("role", "", "SECRETARIAT_MEDICAL", ("secretariat",)),
        ("psc:Acces_Regulation_Medicale", "", "VRAI", (REGULATOR,)),
        ("psc:Acces_Regulation_Medicale", "", "FAUX", ()),
        ("client", "", "operateur", (OPERATOR,)),
        ("account", "", "personne", ("personne",)),
        ("circle", "", "PCP", ("medecin-traitant",)),
        ("psc:codeProfession", "", "PCP", ()),
        ("unknown", "", "10", ()),
    ],
)
def test_a_code_gives_the_roles_of_its_source(
    source: str, system: str, code: str, roles: tuple[str, ...]
) -> None:
    assert roles_of(source, system, code) == roles


def test_every_row_of_the_matrix_can_be_reached_and_the_others_are_known() -> None:
    assert known_roles() == {*ROLES, OPERATOR, DIRECTORY, TRACE_FEEDER, IDENTITY, REGULATOR}
