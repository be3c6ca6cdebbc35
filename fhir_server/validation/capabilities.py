"""What a CapabilityStatement says of definitions that are known: the type of a search parameter is its own.

https://hl7.org/fhir/R4/capabilitystatement.html
"""

from __future__ import annotations

from collections.abc import Iterator

from fhir_server.kernel.issues import Issue
from fhir_server.validation.finding import Found, objects, text_of
from fhir_server.validation.world import World


def capability_issues(found: Found, world: World) -> Iterator[Issue]:
    for i, rest in objects(found.tree, "rest"):
        for j, resource in objects(rest, "resource"):
            for k, parameter in objects(resource, "searchParam"):
                canonical = text_of(parameter, "definition")
                known = world.registry.find("SearchParameter", canonical) if canonical else None
                if known is not None and known.get("type") != parameter.get("type"):
                    yield Issue(
                        "invalid",
                        f"The definition of this search parameter says that it is of type {known.get('type')}",
                        f"{found.place}.rest[{i}].resource[{j}].searchParam[{k}]",
                        french=f"La définition de ce paramètre de recherche le dit de type {known.get('type')}",
                    )
