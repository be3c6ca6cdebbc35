"""What a caller may see at all, and a query narrowed to that: at its start, and at every resource that it goes by.

A query that was narrowed asks no more of a hidden resource than of one that is not there: neither its matches, nor the
resources that chains and `_has` lead to, nor what is counted, nor what is sorted by, can tell of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, replace
from typing import Final

from fhir_server.kernel.values import immutable
from fhir_server.search.query import (
    AllOf,
    AnyOf,
    Chain,
    Has,
    Name,
    Not,
    Nothing,
    OfTypes,
    Predicate,
    Query,
    Visible,
)
from fhir_server.search.sight import Sight


@immutable
class View:
    """`sight`: of the person. `types`, `among`: what their client may read at all, and of each type."""

    sight: Sight
    types: frozenset[str] | None = None  # None: any
    among: Mapping[str, Predicate] = field(default_factory=dict, hash=False)

    def reads(self, type: str) -> bool:
        """Whether the client may read all that the caller sees of a type."""
        return (self.types is None or type in self.types) and type not in self.among

    def criteria(self, type: str) -> tuple[Predicate, ...]:
        """What a resource of a type must meet to be seen."""
        if self.types is not None and type not in self.types:
            return (Nothing(),)
        return (Visible(), self.among[type]) if type in self.among else (Visible(),)


def narrowed(query: Query, view: View | None) -> Query:
    """The query, of what is seen alone. Lists that it names, and what it includes, are for the store to narrow."""
    if view is None:
        return query
    where = [_narrowed(one, view) if type(one) in _OF_OTHERS else one for one in query.where]
    types = query.types
    if view.types is not None:
        allowed = tuple([one for one in types if one in view.types]) if types else tuple(sorted(view.types))
        if not allowed:
            return replace(query, where=(Nothing(),), sight=view.sight)
        types = allowed
    several = len(types) != 1
    own = (Visible(), *_among_several(types, view)) if several else view.criteria(types[0])
    # `replace` takes seven times as long as this, which most searches come by.
    return Query(
        types, (*where, *own), query.sort, query.count, query.cursor, query.total, query.includes, view.sight
    )


_OF_OTHERS: Final = frozenset({Chain, Has, AllOf, AnyOf, Not})


def _narrowed(predicate: Predicate, view: View) -> Predicate:
    match predicate:
        case Chain(link, target, inner):
            return Chain(link, target, AllOf((_narrowed(inner, view), *view.criteria(target))))
        case Has(link, inner):
            return Has(link, AllOf((_narrowed(inner, view), *view.criteria(_holder(link)))))
        case AllOf(of):
            return AllOf(tuple([_narrowed(one, view) for one in of]))
        case AnyOf(of):
            return AnyOf(tuple([_narrowed(one, view) for one in of]))
        case Not(inner):
            return Not(_narrowed(inner, view))
        case _:
            return predicate


def _holder(name: Name) -> str:
    """Whose row it is, though the name may be of a resource inside it."""
    return name.type.partition(".")[0].partition("#")[0]


def _among_several(types: tuple[str, ...], view: View) -> tuple[Predicate, ...]:
    """That a resource of one of several types is among what the client may read of its type."""
    limited = [one for one in view.among if not types or one in types]
    if not limited:
        return ()
    return (
        AnyOf(
            (
                Not(OfTypes(tuple(limited))),
                *[AllOf((OfTypes((one,)), view.among[one])) for one in limited],
            )
        ),
    )
