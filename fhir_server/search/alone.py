"""Which criteria a resource answers by itself, without asking what else there is.

A chain, `_has` and `_list` depend on other resources; codes that terminology must be asked about, on that.
"""

from __future__ import annotations

from fhir_server.search.query import AllOf, AnyOf, Chain, Coded, Has, Listed, Not, Predicate


def is_told_alone(predicate: Predicate) -> bool:
    """Whether the resource and its index rows are all that it takes."""
    match predicate:
        case Chain() | Has() | Listed() | Coded():
            return False
        case Not(inner):
            return is_told_alone(inner)
        case AnyOf(of) | AllOf(of):
            return all(map(is_told_alone, of))
        case _:
            return True
