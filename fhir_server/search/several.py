"""One search of several types: what each of them makes of a criterion, joined into one predicate.

Index rows belong to a type, so that what holds by a row of one type never holds of another. A predicate that may hold
without any row (`:not`, `:missing=true`) is bound to its type instead.

https://hl7.org/fhir/R4/search.html#searchcontexts
"""

from __future__ import annotations

from collections.abc import Sequence

from fhir_server.search.query import (
    AllOf,
    AnyOf,
    Has,
    Ids,
    Listed,
    Missing,
    Not,
    Nothing,
    OfTypes,
    Predicate,
    Updated,
    Words,
)
from fhir_server.search.reading import all_of, any_of


def joined(each: Sequence[tuple[str, Predicate]]) -> Predicate:
    """What holds of a resource of any of the types where its own predicate does."""
    predicates = [predicate for _, predicate in each]
    if all(predicate == predicates[0] for predicate in predicates):
        return predicates[0] if _of_no_type(predicates[0]) or len(predicates) == 1 else _bound(each)
    negated = [p.inner for p in predicates if isinstance(p, Not)]
    if len(negated) == len(predicates) and all(map(_by_rows, negated)):
        return Not(any_of(negated))  # no row of any type: the plainest to ask
    return _bound(each)


def _bound(each: Sequence[tuple[str, Predicate]]) -> Predicate:
    return any_of(
        predicate if _by_rows(predicate) else all_of((OfTypes((of,)), predicate)) for of, predicate in each
    )


def _by_rows(predicate: Predicate) -> bool:
    """Whether it holds only where a row of its own type says so."""
    match predicate:
        case Not() | Has() | Ids() | Updated() | Words() | Listed():
            return False
        case Missing(_, missing):
            return not missing
        case AnyOf(of):
            return all(map(_by_rows, of))
        case AllOf(of):
            return any(map(_by_rows, of)) or any(isinstance(one, OfTypes) for one in of)
        case _:
            return True


def _of_no_type(predicate: Predicate) -> bool:
    """Whether it means the same for every type."""
    match predicate:
        case Ids() | Updated() | Words() | Listed() | Has() | Nothing() | OfTypes():
            return True
        case Not(inner):
            return _of_no_type(inner)
        case AnyOf(of) | AllOf(of):
            return all(map(_of_no_type, of))
        case _:
            return False
