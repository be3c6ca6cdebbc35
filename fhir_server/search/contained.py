"""Criteria about contained resources: the same predicates, asked of what a container holds.

The entries of a contained resource stand among its container's, under names of their own such as
`Name("CarePlan.care-team#CareTeam", "participant")`. So a predicate about CareTeams is *moved* there. What only a
stored resource has (an id, a stamp, what points to it) a contained one lacks: none of them meets such a predicate.

https://hl7.org/fhir/R4/search.html#contained · https://hl7.org/fhir/R4/references.html#contained
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

from fhir_server.definitions.catalogue import resource_types
from fhir_server.definitions.elements import shape_of
from fhir_server.definitions.parameters import Parameters
from fhir_server.search.query import (
    AllOf,
    AnyOf,
    Chain,
    Coded,
    Dates,
    Missing,
    Name,
    Near,
    Not,
    Nothing,
    OfTypes,
    Predicate,
    Quantities,
    References,
    Strings,
    Terms,
    Tokens,
)
from fhir_server.search.reading import all_of, any_of


def group_of(container: str, link: str, target: str) -> str:
    """The type in the names of what a `container` holds of type `target`, where it points to it by `link`.

    An empty `link` means that no parameter of the container points there.
    """
    return f"{container}.{link}#{target}"


def moved(predicate: Predicate, target: str, group: str) -> Predicate:
    """`predicate`, which is about resources of type `target`, about those of `group`; `Nothing` if none can meet it."""
    match predicate:
        case (
            Tokens(name)
            | References(name)
            | Strings(name)
            | Dates(name)
            | Quantities(name)
            | Terms(name)
            | Near(name)
        ) if name.type == target:
            return replace(predicate, name=Name(group, name.code))
        case Coded(name) if name.type == target:
            return replace(predicate, name=Name(group, name.code))
        case Chain(link, type, inner) if link.type == target:
            return Chain(Name(group, link.code), type, inner)
        case Missing(name, missing) if name.type == target:
            found = Missing(Name(group, name.code), missing)
            return AllOf((_there(group), found)) if missing else found
        case OfTypes(types) if target in types:
            return _there(group)
        case Not(inner):
            inside = moved(inner, target, group)
            return _there(group) if isinstance(inside, Nothing) else AllOf((_there(group), Not(inside)))
        case AnyOf(of):
            return any_of(moved(one, target, group) for one in of)
        case AllOf(of):
            return all_of(moved(one, target, group) for one in of)
        case _:
            return Nothing()


def held(where: Sequence[Predicate], target: str, parameters: Parameters) -> Predicate:
    """A resource that contains one of type `target` which meets all of `where`."""
    return any_of(
        all_of([moved(one, target, group) for one in where] or [_there(group)])
        for group in groups_of(target, parameters)
    )


@lru_cache(maxsize=1024)
def groups_of(target: str, parameters: Parameters) -> tuple[str, ...]:
    """Under which types names of contained resources of type `target` may stand, whatever contains them."""
    found: dict[str, None] = {}
    for container in sorted(resource_types()):
        if "contained" not in shape_of(container).children:
            continue
        for parameter in parameters.of(container).values():
            if parameter.kind == "reference" and target in parameter.targets:
                found[group_of(container, parameter.rows, target)] = None
        found[group_of(container, "", target)] = None
    return tuple(found)


def _there(group: str) -> Predicate:
    """That there is a contained resource of the group at all."""
    return Missing(Name(group, ""), False)
