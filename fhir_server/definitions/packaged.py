"""The definitions that are there: those that Cordée brings, those of packages installed over them, and uploaded ones.

A packaged definition has an id of its own as a resource, made from its package and its id there, so that the versions
of one definition stand side by side. Nobody else's resource may have it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any, Final

import profiles
from fhir_server.kernel.keys import Key
from fhir_server.kernel.wire import Tree, decode, same
from profiles import shipped
from profiles.registry import Entry, Registry
from terminology import data

# What a judgement asks for by URL. Uploads of other kinds are ordinary resources to it.
KINDS: Final = frozenset({"StructureDefinition", "ValueSet", "CodeSystem", "ConceptMap", "Questionnaire"})
# The types that have a canonical URL, hence all that packages can bring.
_CANONICAL: Final = """
ActivityDefinition CapabilityStatement ChargeItemDefinition CodeSystem CompartmentDefinition ConceptMap
EffectEvidenceSynthesis EventDefinition Evidence EvidenceVariable ExampleScenario GraphDefinition
ImplementationGuide Library Measure MessageDefinition OperationDefinition PlanDefinition Questionnaire
ResearchDefinition ResearchElementDefinition RiskEvidenceSynthesis SearchParameter StructureDefinition
StructureMap TerminologyCapabilities TestScript ValueSet
"""
CANONICAL: Final = frozenset(_CANONICAL.split())
_LONGEST_ID: Final = 64
_DIGEST: Final = 8
_OF_A_COPY: Final = frozenset({"id", "meta", "text"})  # what may differ between two copies of one definition


def _layers() -> Iterator[Iterable[Entry]]:
    core, *others = shipped.packages()
    yield shipped.entries(core)
    yield data.entries()
    yield from map(shipped.entries, others)


SHIPPED: Final = Registry(_layers())  # nothing is read before it is asked


def is_core(entry: Entry) -> bool:
    """Whether it is one of R4's own."""
    return entry.package.startswith(f"{profiles.R4_CORE}#")


class Packaged:
    """The definitions of all packages, installed ones over those that are shipped."""

    def __init__(self, registry: Registry = SHIPPED) -> None:
        self.registry = registry

    @cached_property
    def by_key(self) -> Mapping[Key, Entry]:
        """What each of them is as a resource."""
        return {key_of(entry): entry for entry in self.registry.entries()}

    def taken(self, tree: Tree) -> Entry | None:
        """The definition with the same canonical URL and version as `tree`, if what it says is another."""
        url, version = tree.get("url"), tree.get("version", "")
        if not (isinstance(url, str) and isinstance(version, str)):
            return None
        entry = self.registry.exactly(tree["resourceType"], url, version)
        if entry is None or same(_said(tree), _said(decode(entry.body()))):
            return None
        return entry


NONE_INSTALLED: Final = Packaged()


def key_of(entry: Entry) -> Key:
    """The key of a packaged definition as a resource: `ValueSet/hl7.fhir.fr.core-2.2.0-fr-core-vs-…`."""
    whole = f"{entry.package.replace('#', '-')}-{entry.id}".replace("_", "-").replace("+", "-")
    if len(whole) > _LONGEST_ID:
        digest = hashlib.blake2b(whole.encode(), digest_size=_DIGEST // 2).hexdigest()
        whole = f"{whole[: _LONGEST_ID - _DIGEST - 1]}-{digest}"
    return Key(entry.kind, whole)


def _said(tree: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in tree.items() if name not in _OF_A_COPY}
