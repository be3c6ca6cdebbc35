"""Which of the texts of a concept a reader of some language is shown.

https://hl7.org/fhir/R4/codesystem.html#designations · https://www.rfc-editor.org/rfc/rfc4647#section-3.4
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

Tree = Mapping[str, Any]

# What a designation is used for: no name at all, and a name for those who must not mistake it (SNOMED CT).
_DEFINITIONS: Final = frozenset({"definition", "900000000000550004"})
_FULL: Final = "900000000000003001"


def matches(language: str, wanted: str) -> bool:
    """Whether a text of `language` is for whoever wants `wanted`: `fr-FR` serves `fr`, and `fr` serves `fr-FR`."""
    one, other = language.lower(), wanted.lower()
    return bool(one) and (one == other or one.startswith(f"{other}-") or other.startswith(f"{one}-"))


def shown(display: str, own: str, designations: Iterable[Tree], wanted: str) -> str:
    """The text in the language `wanted`, else `display`, which is in the language `own` (empty: not said)."""
    if not wanted or matches(own, wanted):
        return display
    language = wanted.partition("-")[0]
    found = [
        one
        for one in designations
        if one.get("value") and matches(one.get("language", ""), language) and _use(one) not in _DEFINITIONS
    ]
    best = min(
        found, key=lambda one: (_use(one) == _FULL, not matches(one["language"], wanted)), default=None
    )
    return str(best["value"]) if best else display


def _use(designation: Tree) -> str:
    return str(designation.get("use", {}).get("code", ""))


def texts(display: str, designations: Iterable[Tree]) -> Iterator[str]:
    """All texts that stand for a concept."""
    if display:
        yield display
    for one in designations:
        if one.get("value"):
            yield one["value"]
