"""The profiles that resources of each type may declare, as a CapabilityStatement lists them.

https://hl7.org/fhir/R4/capabilitystatement-definitions.html#CapabilityStatement.rest.resource.supportedProfile
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from fhir_server.definitions.packaged import is_core
from profiles.registry import Registry


@lru_cache(maxsize=4)
def supported_profiles(registry: Registry) -> Mapping[str, tuple[str, ...]]:
    """Canonical URLs by resource type, without versions, sorted; those that R4 itself publishes are left out."""
    found: dict[str, set[str]] = {}
    for entry in registry.entries("StructureDefinition"):
        if is_core(entry):
            continue
        definition = registry.tree(entry)
        if definition.get("kind") == "resource" and definition.get("derivation") == "constraint":
            found.setdefault(definition.get("type", ""), set()).add(entry.url)
    return {name: tuple(sorted(urls)) for name, urls in found.items()}
