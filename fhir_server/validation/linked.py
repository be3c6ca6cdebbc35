"""Documents and messages: what their first entry refers to is inside, and everything inside hangs together.

https://hl7.org/fhir/R4/documents.html#content · https://hl7.org/fhir/R4/messaging.html
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from fhir_server.kernel.issues import Issue
from fhir_server.kernel.wire import Tree
from fhir_server.validation.entries import Entries, Entry
from fhir_server.validation.finding import (
    DEFINITIONS,
    Found,
    elements_of,
    is_absolute,
    objects,
    resources_in,
    text_of,
)

_NO_LINKS: Final = frozenset({"system", "fullUrl", "profile", "endpoint", "address"})


def linked(entries: Entries, type: str) -> Iterator[Issue]:
    first = entries.all[0]
    told: set[str] = set()
    if first.type == {"document": "Composition", "message": "MessageHeader"}[type] and first.resource:
        for reference, place in _asked(first.resource, f"{first.place}.resource"):
            for issue in _inside(reference, place, first, entries):
                told.add(place)
                yield issue
    targets: dict[int, set[int]] = {}
    number = {id(entry): i for i, entry in enumerate(entries.all)}
    for i, entry in enumerate(entries.all):
        for reference, place, is_reference in _references(entry):
            led = entries.led_to(reference, entry)
            if len(led) == 1:
                targets.setdefault(i, set()).add(number[id(led[0])])
            elif is_reference and place not in told:
                yield from _astray(reference, place, entry, entries, led)
    yield from _alone(entries, targets, type)


def _asked(tree: Tree, place: str) -> Iterator[tuple[str, str]]:
    """The references that a document or message makes to its own content."""
    names = {
        "Composition": ("subject", "author", "encounter", "custodian"),
        "MessageHeader": ("focus",),
    }[text_of(tree, "resourceType")]
    yield from _named(tree, names, place)
    for inside, name in (("attester", "party"), ("event", "detail")):
        for i, part in objects(tree, inside):
            yield from _named(part, (name,), f"{place}.{inside}[{i}]")
    yield from _sections(tree, place)


def _sections(tree: Tree, place: str) -> Iterator[tuple[str, str]]:
    for i, section in objects(tree, "section"):
        here = f"{place}.section[{i}]"
        yield from _named(section, ("author", "focus", "entry"), here)
        yield from _sections(section, here)


def _named(tree: Tree, names: Sequence[str], place: str) -> Iterator[tuple[str, str]]:
    for name in names:
        value = tree.get(name)
        several = isinstance(value, list)
        for i, one in enumerate(value if isinstance(value, list) else [value]):
            reference = text_of(one, "reference") if isinstance(one, dict) else ""
            if reference and not reference.startswith("#"):
                yield reference, f"{place}.{name}[{i}]" if several else f"{place}.{name}"


def _inside(reference: str, place: str, source: Entry, entries: Entries) -> Iterator[Issue]:
    led = entries.led_to(reference, source)
    if len(led) == 1:
        return
    astray = list(_astray(reference, place, source, entries, led))
    yield from astray
    if not astray and not _is_canonical(reference):
        yield Issue(
            "not-found",
            "What this reference leads to is not in the Bundle, as it must be",
            place,
            french="Ce que désigne cette référence n'est pas dans le Bundle, alors qu'il doit y être",
        )


def _astray(reference: str, place: str, source: Entry, entries: Entries, led: list[Entry]) -> Iterator[Issue]:
    """A reference that finds several entries, or whose entry has another address."""
    if len(led) > 1:
        yield Issue(
            "invalid",
            f"{len(led)} entries have the address that this reference leads to: their fullUrls must differ, "
            "or the reference names a version",
            place,
            french=f"{len(led)} entrées ont l'adresse que désigne cette référence : leurs fullUrl doivent "
            "différer, ou la référence nommer une version",
        )
    elif entries.namesakes(reference):
        yield Issue(
            "invalid",
            "The Bundle has a resource with this type and id, but at another address: a relative reference is "
            "resolved against the fullUrl of its own entry, which must be [base]/[type]/[id]",
            place,
            french="Le Bundle a une ressource de ce type et de cet id, mais à une autre adresse : une référence "
            "relative part du fullUrl de sa propre entrée, qui doit être [base]/[type]/[id]",
        )


def _is_canonical(reference: str) -> bool:
    """Whether it leads to a definition, which may be kept elsewhere."""
    parts = reference.split("/")
    return is_absolute(reference) and len(parts) > 2 and parts[-2] in DEFINITIONS


def _references(entry: Entry) -> Iterator[tuple[str, str, bool]]:
    """Every link in an entry, a Bundle inside aside: the text, its place, whether it is a Reference."""
    if entry.resource is None:
        return
    for found in resources_in(entry.resource, f"{entry.place}.resource"):
        if not _in_bundle(found):
            yield from _of_resource(found)


def _in_bundle(found: Found) -> bool:
    around = found.around
    return around is not None and (around.type == "Bundle" or _in_bundle(around))


def _of_resource(found: Found) -> Iterator[tuple[str, str, bool]]:
    for element in elements_of(found):
        if element.type == "Reference":
            link = text_of(element.value, "reference")
        elif element.type in {"uri", "url"} and element.child.element not in _NO_LINKS:
            link = element.value if isinstance(element.value, str) else ""
        else:
            continue
        if link and not link.startswith("#"):
            yield link, element.place, element.type == "Reference"


def _alone(entries: Entries, targets: dict[int, set[int]], type: str) -> Iterator[Issue]:
    """The entries that no chain of references joins to the first one, followed in either direction."""
    joined = _reached({0} | _style_sheets(entries), targets)
    back = {i for i in targets if i not in joined}
    while additions := {i for i in back if targets[i] & joined}:
        joined = _reached(joined | additions, targets)
        back -= joined
    for i, entry in enumerate(entries.all):
        if entry.resource is not None and i not in joined:
            yield Issue(
                "informational",
                "No chain of references joins this entry to the first one",
                entry.place,
                "error" if type == "document" else "warning",
                french="Aucune chaîne de références ne relie cette entrée à la première",
            )


def _reached(start: set[int], targets: dict[int, set[int]]) -> set[int]:
    found, waiting = set(start), list(start)
    while waiting:
        for other in targets.get(waiting.pop(), ()):
            if other not in found:
                found.add(other)
                waiting.append(other)
    return found


def _style_sheets(entries: Entries) -> set[int]:
    urls = {
        text_of(link, "url")
        for _, link in objects(entries.bundle, "link")
        if link.get("relation") == "stylesheet"
    }
    return {i for i, entry in enumerate(entries.all) if f"{entry.type}/{entry.id}" in urls}
