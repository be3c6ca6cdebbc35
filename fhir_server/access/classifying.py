"""The stamps of versions that are there already, as they would be had they been written under access control.

A version that has a stamp keeps it, unless all are made anew because what stamps follow from has changed
(`fingerprint_of`). Who wrote a version is in its stamp and not always in its body: so a stamp that is made anew starts
from the one before.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Final

import orjson

from fhir_server.access.tables import Tables
from fhir_server.kernel.values import immutable
from fhir_server.kernel.wire import Tree
from fhir_server.search.sight import OPERATORS, UNSTAMPED, Stamp

# To be raised whenever the rules of this package make other stamps, or other ties, of the same resources.
RULES: Final = 1

StampOf = Callable[[Tree, Stamp | None], Stamp]
"""From a version, and the stamp that it starts from, to its stamp."""


@immutable
class Past:
    """One version. `tree`: None for a deletion, and where nobody will ask for it."""

    tree: Tree | None
    stamp: Stamp
    deleted: bool = False


def is_stamped(stamp: Stamp) -> bool:
    return stamp.cell != UNSTAMPED.cell


def restamped(versions: Sequence[Past], stamp_of: StampOf, *, whole: bool) -> list[Stamp]:
    """The stamps of all versions of a resource, given the oldest first. `whole`: those are made anew that are there.

    A deletion is seen by whoever saw what was deleted; what comes after it starts from nothing.
    """
    found: list[Stamp] = []
    before: Stamp | None = None
    for one in versions:
        known = is_stamped(one.stamp)
        if known and not whole:
            stamp = one.stamp
        elif one.deleted:
            stamp = before or Stamp(OPERATORS)
        else:
            assert one.tree is not None, "a version that is to be stamped is told"
            stamp = stamp_of(one.tree, one.stamp if known else before)
        found.append(stamp)
        before = None if one.deleted else stamp
    return found


def fingerprint_of(tables: Tables) -> str:
    """Names all that stamps and ties follow from beside the resources: the rules, and the tables with their cells."""
    documents = [
        (*said, known.category, sorted(known.refused)) for said, known in sorted(tables.documents.items())
    ]
    said = (
        RULES,
        documents,
        sorted(tables.forms.items()),
        sorted((*coding, meaning) for coding, meaning in tables.codes.items()),
        sorted((system, sorted(found)) for system, found in tables.beginnings.items()),
    )
    return sha256(orjson.dumps(said)).hexdigest()[:16]
