"""Whose codes the table `entry_person` has: the main codes of resources that somebody may see, by person.

Rows may be missing there, of what an older server wrote or what got its stamp later, and may be left over. Each
resource says in `told` for which version and person its rows were written; where that is not so by now, it is met by an
index that has nothing else. So no search has to believe that all rows are there, and whoever changes a version or a
person without knowing of this table says so by leaving `told` alone.
"""

from __future__ import annotations

from typing import Final

from fhir_server.search.entries import Entries, Hasher
from fhir_server.search.sight import UNSTAMPED
from fhir_server.store.seeing import person_of

TABLE: Final = "entry_person"
NOBODY: Final = -(2**63)  # of what is about nobody, or about several: comes after all persons
NOBODY_SQL: Final = f"'{NOBODY}'::bigint"

# On a row called {c}: what `told` is where the rows of this version are there.
TOLD_SQL: Final = f"(coalesce({{c}}compartment, {NOBODY_SQL}) # {{c}}version)"
UNTOLD_SQL: Final = (
    f"not {{c}}deleted and {{c}}cell < {UNSTAMPED.cell} and {{c}}told is distinct from {TOLD_SQL}"
)


def codes_of(entries: Entries) -> list[tuple[int]]:
    """The column `code`: a hash of key and space."""
    if entries.stamp.cell >= UNSTAMPED.cell:
        return []
    return [(key ^ space,) for key, space in entries.codes]


def person_in(entries: Entries, hasher: Hasher) -> int:
    """The column `person`."""
    person = person_of(entries.stamp)
    return NOBODY if person is None else hasher.self_of(person)


def told_by(entries: Entries, hasher: Hasher, version: int) -> int | None:
    """The column `told`; None: nobody sees it, and it has no rows."""
    return None if entries.stamp.cell >= UNSTAMPED.cell else person_in(entries, hasher) ^ version
