"""Which rows of the access matrix a code gives: professions, roles of care, registrations of clients and accounts.

`sources` say where a code was found: `psc:codeProfession` and `psc:SubjectRole` in the identity that Pro Santé Connect
states, `cda:author` and `role` in `PractitionerRole.code`, `client` in the registration of a client system, `account`
in the account of a citizen, `circle` in a CareTeam. A code that the table does not know gives nothing.

The roles `operateur`, `annuaire`, `trace-feeder`, `identitovigilance` and `regulateur` have no row in the matrix:
`access/policy.py` says what they may do. `medecin-traitant` is in no token: it comes with a tie to one person.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Final

from fhir_server.access.shipped import rows_of, shipped

OPERATOR: Final = "operateur"
DIRECTORY: Final = "annuaire"
TRACE_FEEDER: Final = "trace-feeder"
IDENTITY: Final = "identitovigilance"
REGULATOR: Final = "regulateur"
PCP: Final = "medecin-traitant"
PERSON: Final = "personne"
REPRESENTATIVE: Final = "representant-legal"
CARER: Final = "aidant"
TRUSTED: Final = "personne-confiance"
DPO: Final = "dpo"
MDPH: Final = "agent-mdph"
MJPM: Final = "mjpm"

_COLUMNS: Final = ("role", "source", "system", "code", "display", "mark")


def roles_of(source: str, system: str, code: str) -> tuple[str, ...]:
    """The roles that a code gives where it was found, sorted; empty when it gives none.

    A row without system counts for any system. A speciality does not change the role: `G15_10/SM26` is `G15_10`.
    """
    table = _table()
    plain = code.partition("/")[0]
    return table.get((source, system, plain)) or table.get((source, "", plain)) or ()


@cache
def known_roles() -> frozenset[str]:
    """Every role that some code gives."""
    return frozenset(role for roles in _table().values() for role in roles)


@cache
def _table() -> Mapping[tuple[str, str, str], tuple[str, ...]]:
    found: dict[tuple[str, str, str], set[str]] = {}
    for _, row in rows_of("roles", shipped("roles"), _COLUMNS):
        found.setdefault((row["source"], row["system"], row["code"]), set()).add(row["role"])
    return {place: tuple(sorted(roles)) for place, roles in found.items()}
