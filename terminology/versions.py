"""Which of several loaded versions of a code system is meant, and which is the newest.

https://hl7.org/fhir/R4/snomedct.html#version
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from terminology.large import Summary

_NUMBERS = re.compile(r"\d+")


def order_of(version: str) -> tuple[int, ...]:
    """A key that sorts versions: number by number; of a SNOMED CT version the date."""
    return tuple(int(number[:18]) for number in _NUMBERS.findall(version.rpartition("/")[2]))


def matching(versions: Mapping[int, tuple[str, int]], wanted: str) -> int | None:
    """Of number → version and when it was loaded, the number of the newest that is meant; None: there is none.

    `wanted` is empty for any, a version, or an edition of SNOMED CT.
    """
    meant = {
        number: (order_of(version), loaded)
        for number, (version, loaded) in versions.items()
        if wanted in {"", version} or version.startswith(f"{wanted}/version/")
    }
    return max(meant, key=lambda number: meant[number]) if meant else None


def newest_first(summaries: Iterable[Summary]) -> list[Summary]:
    """By URL, the newest version first."""
    latest = sorted(summaries, key=lambda one: (order_of(one.version), one.loaded), reverse=True)
    return sorted(latest, key=lambda one: one.url)
