"""What a search would find among the resources that a transaction is about to write.

https://hl7.org/fhir/R4/http.html#trules
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from fhir_server.interactions.call import Server
from fhir_server.interactions.judging import require_sound
from fhir_server.kernel.keys import Key
from fhir_server.kernel.wire import Tree
from fhir_server.search.entries import Entries
from fhir_server.search.match import matches
from fhir_server.search.query import Query, Tokens


@dataclass(slots=True)
class Own:
    """Resources by key, with the index rows that they will have. `stamp` is the transaction's, in µs."""

    server: Server
    stamp: int
    _rows: dict[Key, tuple[Tree, Entries]] = field(default_factory=dict)
    _tokens: dict[int, list[Key]] = field(default_factory=lambda: defaultdict(list))

    def add(self, key: Key, tree: Tree, base: str) -> None:
        """Raises `Invalid`: only a sound resource has index rows."""
        rows = self.server.extract(require_sound(tree, self.server), base)
        self._rows[key] = tree, rows
        for number in {number for number, _ in rows.tokens}:
            self._tokens[number].append(key)

    def matching(self, query: Query) -> set[Key]:
        hasher = self.server.store.hasher
        found = set()
        for key in self._candidates(query):
            tree, rows = self._rows[key]
            if matches(
                query,
                rows,
                key=key,
                updated=self.stamp,
                hasher=hasher,
                tree=tree,
                parameters=self.server.parameters,
            ):
                found.add(key)
        return found

    def _candidates(self, query: Query) -> Iterable[Key]:
        """Every key that can match. Nearly all criteria have an identifier in them, which only few resources have."""
        hasher = self.server.store.hasher
        for predicate in query.where:
            match predicate:
                case Tokens(name, values) if all(value.code is not None for value in values):
                    seed = hasher.seed(name.type, name.code)
                    numbers = [
                        (hasher.folded if value.folded else hasher.code)(seed, value.code or "")
                        for value in values
                    ]
                    return [key for number in numbers for key in self._tokens.get(number, ())]
        return self._rows
