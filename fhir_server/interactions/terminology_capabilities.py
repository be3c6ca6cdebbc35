"""The TerminologyCapabilities: which code systems are there, in which versions, and what can be asked of them.

https://hl7.org/fhir/R4/terminologycapabilities.html
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from importlib.metadata import version
from typing import Any

from fhir_server.kernel.times import instant_text, now
from fhir_server.kernel.wire import encode
from profiles.registry import Registry
from terminology.grammars import GRAMMARS

_STARTED = instant_text(now())
_PARAMETERS = (
    "activeOnly",
    "check-system-version",
    "count",
    "designation",
    "displayLanguage",
    "exclude-system",
    "excludeNested",
    "excludeNotForUI",
    "filter",
    "force-system-version",
    "includeDefinition",
    "includeDesignations",
    "offset",
    "system-version",
)


@lru_cache(maxsize=4)
def terminology_capabilities(base: str, registry: Registry, large: tuple[tuple[str, str], ...]) -> bytes:
    """`large`: URL and version of the code systems in the database."""
    return encode(
        {
            "resourceType": "TerminologyCapabilities",
            "id": "cordee",
            "url": f"{base}/metadata?mode=terminology",
            "version": version("cordee"),
            "name": "CordeeTerminology",
            "status": "active",
            "date": _STARTED,
            "kind": "instance",
            "software": {"name": "Cordée", "version": version("cordee")},
            "implementation": {"description": "Cordée, a FHIR R4 server", "url": base},
            "codeSystem": list(_code_systems(registry, large)),
            "expansion": {
                "hierarchical": True,
                "paging": True,
                "incomplete": True,
                "parameter": [{"name": name} for name in _PARAMETERS],
                "textFilter": "Each word begins a word of a code or of one of its texts, without case and accents",
            },
            "codeSearch": "all",
            "validateCode": {"translations": True},
            "translation": {"needsMap": False},
        }
    )


def _code_systems(registry: Registry, large: tuple[tuple[str, str], ...]) -> Iterator[dict[str, Any]]:
    """By URL; of each the newest version first, which is the one that is meant where none is named."""
    found: dict[str, dict[str, None]] = {url: {} for url in GRAMMARS}
    for url, one in large:
        found.setdefault(url, {})[one] = None
    for entry in registry.entries("CodeSystem"):
        if entry.url not in found or not found[entry.url]:
            versions = registry.versions("CodeSystem", entry.url)
            found.setdefault(entry.url, {}).update(dict.fromkeys(reversed(versions)))
    for url, versions_of in sorted(found.items()):
        named = [one for one in versions_of if one]
        listed = [{"code": one, **({"isDefault": True} if one == named[0] else {})} for one in named]
        yield {"uri": url, **({"version": listed} if listed else {})}
