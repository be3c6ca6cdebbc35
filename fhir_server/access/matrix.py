"""The access matrix: what each role may read, create and update of each category of data.

It is data, which an operator may replace; a matrix that is incomplete, or says a word that nobody knows, is refused
when it is loaded and never used in part. `Matrix.version` names its content.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Final, Literal, cast, get_args

from fhir_server.access.cells import CATEGORIES
from fhir_server.access.shipped import BadTable, Row, rows_of, shipped
from fhir_server.kernel.values import immutable

Read = Literal["none", "own", "minimal", "consent", "all"]
Create = Literal["no", "action", "yes"]  # `action`: only actions of a plan that one owns
Update = Literal["none", "own", "all"]

ROLES: Final = (
    "medecin-traitant",
    "medecin",
    "pharmacien",
    "maieutique-dentaire",
    "infirmier",
    "auxiliaire-medical",
    "aide-soignant",
    "psychologue",
    "coordonnateur",
    "travailleur-social",
    "accompagnement",
    "aide-domicile",
    "encadrement",
    "secretariat",
    "agent-mdph",
    "mjpm",
    "personne",
    "representant-legal",
    "aidant",
    "personne-confiance",
    "dpo",
)

_COLUMNS: Final = ("role", "category", "read", "create", "update")


@immutable
class Rights:
    """One cell of the matrix."""

    read: Read
    create: Create
    update: Update


NOTHING: Final = Rights("none", "no", "none")


@immutable
class Matrix:
    """Every role × category. A role that is not in it may do nothing."""

    version: str
    rights: Mapping[tuple[str, str], Rights]

    def of(self, role: str, category: str) -> Rights:
        return self.rights.get((role, category), NOTHING)


@cache
def shipped_matrix() -> Matrix:
    """The matrix that comes with the server."""
    return matrix_of(shipped("matrix"))


def matrix_of(data: bytes, name: str = "access matrix") -> Matrix:
    """The matrix that a CSV is: `role,category,read,create,update`, one line for each role and category.

    Raises `BadTable`, which says where and what would be right.
    """
    found: dict[tuple[str, str], Rights] = {}
    for line, row in rows_of(name, data, _COLUMNS):
        place = row["role"], row["category"]
        found_twice = place in found
        found[place] = _rights(name, line, row)
        if found_twice:
            raise BadTable(name, line, f"role '{place[0]}' has a line for '{place[1]}' already")
    missing = [(role, category) for role in ROLES for category in CATEGORIES if (role, category) not in found]
    if missing:
        role, category = missing[0]
        raise BadTable(name, 0, f"{len(missing)} lines are missing; the first is role '{role}', '{category}'")
    return Matrix(hashlib.sha256(data).hexdigest()[:12], found)


def _rights(name: str, line: int, row: Row) -> Rights:
    _known(name, line, "role", row["role"], ROLES)
    _known(name, line, "category", row["category"], CATEGORIES)
    for column, words in (("read", Read), ("create", Create), ("update", Update)):
        _known(name, line, column, row[column], get_args(words))
    rights = Rights(cast(Read, row["read"]), cast(Create, row["create"]), cast(Update, row["update"]))
    if rights.create == "action" and row["category"] != "plan":
        raise BadTable(name, line, "'action' is for the category 'plan' alone")
    if row["category"] == "trace" and (rights.create, rights.update) != ("no", "none"):
        raise BadTable(name, line, "nobody writes traces: create is 'no' and update is 'none'")
    return rights


def _known(name: str, line: int, column: str, word: str, words: Iterable[str]) -> None:
    if word not in words:
        raise BadTable(name, line, f"column '{column}' has one of {', '.join(words)}")
