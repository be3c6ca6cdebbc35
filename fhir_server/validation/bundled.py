"""What references between the entries of a Bundle lead to: one resource, of the type they name.

https://hl7.org/fhir/R4/bundle.html#references
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from fhir_server.definitions.catalogue import resource_types
from fhir_server.kernel.issues import Issue
from fhir_server.validation.entries import Entries, Entry
from fhir_server.validation.finding import Found, elements_of, is_absolute, text_of

_RELATIVE: Final = re.compile(r"([A-Z][A-Za-z]+)/([A-Za-z0-9\-.]{1,64})(?:/_history/([A-Za-z0-9\-.]{1,64}))?")
# There, the server makes the addresses; elsewhere an entry without one is wrong anyway, and told once.
_UNADDRESSED: Final = frozenset({"batch", "transaction", "batch-response", "transaction-response"})


def bundled_issues(found: Found, references: list[str], entries: Entries) -> Iterator[Issue]:
    """Of the `references` in a resource that stands, perhaps contained, in an entry of a Bundle."""
    source = entries.of(found.entry)
    if source is None or not any(_any(link, source, entries) for link in references):
        return
    for element in elements_of(found):
        if element.type == "Reference":
            yield from _led(text_of(element.value, "reference"), element.place, source, entries)


def _any(link: str, source: Entry, entries: Entries) -> bool:
    return next(_led(link, "", source, entries), None) is not None


def _led(link: str, place: str, source: Entry, entries: Entries) -> Iterator[Issue]:
    if not link or link.startswith("#"):
        return
    relative = None if is_absolute(link) else _RELATIVE.fullmatch(link)
    if relative and not source.full_url and text_of(entries.bundle, "type") not in _UNADDRESSED:
        yield Issue(
            "required",
            "A relative reference is resolved against the fullUrl of its entry, and there is none",
            place,
            french="Une référence relative part du fullUrl de son entrée, et il n'y en a pas",
        )
        return
    led = [entry for entry in _matches(link, relative, source, entries) if entry.resource is not None]
    if len(led) > 1:
        yield Issue(
            "invalid",
            "Several entries have the address that this reference leads to: it must lead to one",
            place,
            french="Plusieurs entrées ont l'adresse que désigne cette référence : elle doit en désigner une",
        )
    elif led and relative and relative[1] in resource_types() and led[0].type != relative[1]:
        yield Issue(
            "invalid",
            f"The entry that this reference leads to is a {led[0].type}, not a {relative[1]}",
            place,
            french=f"L'entrée que désigne cette référence est de type {led[0].type}, et non {relative[1]}",
        )


def _matches(link: str, relative: re.Match[str] | None, source: Entry, entries: Entries) -> list[Entry]:
    if relative is None:
        return entries.by_url.get(link, [])
    if source.full_url.startswith("urn:"):
        # Not an address that a relative reference could start from; the id alone may yet be meant.
        return entries.by_url.get(f"{source.full_url.rpartition(':')[0]}:{relative[2]}", [])
    base = source.full_url.rsplit("/", 2)[0] if source.full_url.count("/") > 2 else None
    return [] if base is None else entries.by_url.get(f"{base}/{link}", [])
