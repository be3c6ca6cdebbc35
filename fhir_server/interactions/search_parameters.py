"""What the write of a SearchParameter means: with the same commit, something else can be searched by.

https://hl7.org/fhir/R4/searchparameter.html
"""

from __future__ import annotations

from typing import Final

from fhir_server.kernel.keys import Key
from fhir_server.kernel.wire import Tree
from fhir_server.search.custom import change_of, is_active, require_admissible
from fhir_server.store.contract import Transaction
from fhir_server.store.definitions import Redefinition

TYPE: Final = "SearchParameter"
_SAYS: Final = ("url", "code", "base", "type", "expression", "target")


async def redefine(key: Key, tree: Tree | None, base: str, tx: Transaction) -> None:
    """Put in force what `tree`, a judged SearchParameter, says; None: it is deleted. `base`: the server's public one.

    Raises `Invalid` or `Conflict` when it cannot be in force, and `NeedsLocks` in a buffered transaction.
    """
    before = tx.definitions.custom
    others = {name: definition for name, definition in before.items() if name != key.id}
    after = others
    if tree is not None and is_active(tree):
        require_admissible(tree, others)
        after = {**others, key.id: tree}
    if _said(before.get(key.id)) == _said(after.get(key.id)):
        return
    change = change_of(before, after)
    await tx.redefine(Redefinition(key.id, after.get(key.id), change.types, change.exact, base))


def _said(definition: Tree | None) -> list[object] | None:
    """What of a definition counts."""
    return None if definition is None else [definition.get(name) for name in _SAYS]
