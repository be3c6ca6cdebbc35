"""All chapters of the table, by name."""

from __future__ import annotations

from tests.fhir_server.search.sentences import (
    chains,
    combining,
    contexts,
    dates,
    everywhere,
    filters,
    numbers,
    quantities,
    references,
    results,
    strings,
    tokens,
    uris,
)

MODULES = (
    numbers,
    quantities,
    dates,
    strings,
    uris,
    tokens,
    references,
    combining,
    everywhere,
    chains,
    filters,
    contexts,
    results,
)
CHAPTERS = {module.CHAPTER.name: module.CHAPTER for module in MODULES}
