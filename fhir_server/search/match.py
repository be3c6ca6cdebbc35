"""Whether a resource is what a query asks for, judged on its index entries: the oracle of the database's SQL.

It reads the same hashes and folded texts as the database, so both can be compared answer by answer. What an index
cannot decide (`:exact`, texts longer than the index keeps) is decided on the resource where the caller gives it.

https://hl7.org/fhir/R4/search.html
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import total_ordering
from typing import Any, TypeAlias

from fhir_server.kernel.keys import Key
from fhir_server.kernel.wire import Tree
from fhir_server.search.entries import STRING_LENGTH, Entries, Hasher
from fhir_server.search.extract import texts_of
from fhir_server.search.folding import cut, fold
from fhir_server.search.query import (
    Dates,
    Ids,
    Missing,
    Name,
    Not,
    Nothing,
    Predicate,
    Query,
    References,
    Sort,
    Strings,
    StringValue,
    Tokens,
    TokenValue,
    Updated,
)
from fhir_server.search.spans import agrees


def matches(
    query: Query, entries: Entries, *, key: Key, updated: int, hasher: Hasher, tree: Tree | None = None
) -> bool:
    """Whether the resource `key`, stamped `updated` (µs), meets every predicate of `query`.

    Without `tree`, `:exact` and texts beyond 200 characters are judged as the index alone would: perhaps true.
    """
    if key.type != query.type:
        return False
    return all(_holds(p, entries, key, updated, hasher, tree) for p in query.where)


def needs_body(query: Query) -> bool:
    """Whether a hit in the index must still be judged on the resource itself."""
    return any(_undecided(predicate) for predicate in query.where)


def _undecided(predicate: Predicate) -> bool:
    match predicate:
        case Strings(_, values):
            return any(value.mode == "exact" or len(value.text) > STRING_LENGTH for value in values)
        case Not(inner):
            return _undecided(inner)
        case _:
            return False


def _holds(
    predicate: Predicate, entries: Entries, key: Key, updated: int, hasher: Hasher, tree: Tree | None
) -> bool:
    match predicate:
        case Tokens(name, values):
            seed = hasher.seed(name.type, name.code)
            return any(_has_token(entries, value, seed, hasher) for value in values)
        case References(name, keys, others):
            seed = hasher.seed(name.type, name.code)
            wanted = {hasher.reference(seed, hasher.self_of(target)) for target in keys}
            wanted |= {hasher.code(seed, text) for text in others}
            return any(row in wanted for row, _ in entries.tokens)
        case Strings(name, values):
            seed = hasher.seed(name.type, name.code)
            rows = [text for row, text in entries.strings if row == seed]
            return any(_has_text(rows, value, name, tree) for value in values)
        case Dates(name, values):
            seed = hasher.seed(name.type, name.code)
            spans = [(low, high) for row, low, high in entries.dates if row == seed]
            return any(agrees(v.prefix, v.low, v.high, span) for v in values for span in spans)
        case Updated(values):
            # The stamp is written in milliseconds: it covers the one it names.
            return any(agrees(v.prefix, v.low, v.high, (updated, updated + 1000)) for v in values)
        case Ids(ids):
            return key.id in ids
        case Missing(name, missing):
            return (hasher.seed(name.type, name.code) not in entries.present) == missing
        case Not(inner):
            return not _holds(inner, entries, key, updated, hasher, tree)
        case Nothing():
            return False


def _has_token(entries: Entries, value: TokenValue, seed: int, hasher: Hasher) -> bool:
    if value.code is None:
        return hasher.system(seed, value.system or "") in entries.present
    row = hasher.code(seed, value.code)
    if value.system is None:
        return any(row == key for key, _ in entries.tokens)
    return (row, hasher.space(value.system)) in entries.tokens


def _has_text(rows: Sequence[str], value: StringValue, name: Name, tree: Tree | None) -> bool:
    match value.mode:
        case "contains":
            return any(value.text in row for row in rows)
        case "starts":
            start = value.text[:STRING_LENGTH]
            if not any(row.startswith(start) for row in rows):
                return False
            return (
                len(value.text) <= STRING_LENGTH
                or tree is None
                or any(fold(text).startswith(value.text) for text in texts_of(tree, name.code))
            )
        case "exact":
            if tree is not None:
                return value.text in texts_of(tree, name.code)
            return cut(value.text) in rows


SortKey: TypeAlias = tuple[Any, ...]


def sort_key(sort: Sequence[Sort], entries: Entries, *, key: Key, updated: int, hasher: Hasher) -> SortKey:
    """What `sorted()` puts resources in order by. Among several values the one that comes first counts.

    Dates count from their start when ascending and from their end when descending; a resource without a value is last
    in both directions. Resources that are equal under every key are for the caller to put in a stable order.
    """
    return tuple(_place(one, entries, key, updated, hasher) for one in sort)


def _place(sort: Sort, entries: Entries, key: Key, updated: int, hasher: Hasher) -> tuple[bool, Any]:
    values = _sorted_by(sort, entries, key, updated, hasher)
    if not values:
        return True, None
    return False, _Backwards(max(values)) if sort.descending else min(values)


def _sorted_by(sort: Sort, entries: Entries, key: Key, updated: int, hasher: Hasher) -> list[Any]:
    if sort.name is None:
        return [key.id if sort.kind == "id" else updated]
    seed = hasher.seed(sort.name.type, sort.name.code)
    match sort.kind:
        case "date":
            return [high if sort.descending else low for row, low, high in entries.dates if row == seed]
        case "string":
            return [text for row, text in entries.strings if row == seed]
        case "number" | "quantity":
            return [
                high if sort.descending else low for row, _, low, high in entries.quantities if row == seed
            ]
        case _:  # tokens, references and uris are kept as hashes, which have no order
            return []


@total_ordering
class _Backwards:
    """A value that compares the other way round."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Backwards) and bool(self.value == other.value)

    def __lt__(self, other: _Backwards) -> bool:
        return bool(other.value < self.value)

    def __hash__(self) -> int:
        return hash(self.value)


__all__ = ["SortKey", "matches", "needs_body", "sort_key"]
