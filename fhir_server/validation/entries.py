"""The entries of a Bundle, and how references between them are resolved.

https://hl7.org/fhir/R4/bundle.html#references
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from fhir_server.definitions.catalogue import resource_types
from fhir_server.kernel.wire import Tree
from fhir_server.validation.finding import is_absolute, objects, text_of

_RESTFUL: Final = re.compile(
    r"(?:https?://\S+?/)?([A-Z][A-Za-z]+)/[A-Za-z0-9\-.]{1,64}(?:/_history/[A-Za-z0-9\-.]{1,64})?"
)


@dataclass(frozen=True, slots=True)
class Entry:
    tree: Tree
    place: str

    @property
    def full_url(self) -> str:
        return text_of(self.tree, "fullUrl")

    @property
    def resource(self) -> Tree | None:
        resource = self.tree.get("resource")
        return resource if isinstance(resource, dict) else None

    @property
    def type(self) -> str:
        return text_of(self.resource or {}, "resourceType")

    @property
    def id(self) -> str:
        return text_of(self.resource or {}, "id")

    @property
    def version(self) -> str:
        meta = (self.resource or {}).get("meta")
        return text_of(meta, "versionId") if isinstance(meta, dict) else ""

    @property
    def is_restful(self) -> bool:
        """Whether its full URL is `[base]/[type]/[id]`; the base may be missing, which is wrong for another reason."""
        found = _RESTFUL.fullmatch(self.full_url)
        return found is not None and found[1] in resource_types()

    @property
    def base(self) -> str | None:
        """What relative references in it start from; None: they lead to no entry."""
        name = f"{self.type}/{self.id}"
        return self.full_url.removesuffix(name) if self.is_restful and self.full_url.endswith(name) else None


class Entries:
    """All entries of one Bundle, by their addresses."""

    def __init__(self, bundle: Tree, place: str) -> None:
        self.bundle = bundle
        self.place = place
        self.all = tuple(Entry(entry, f"{place}.entry[{i}]") for i, entry in objects(bundle, "entry"))

        self._by_tree = {id(entry.tree): entry for entry in self.all}

    def of(self, tree: Tree | None) -> Entry | None:
        """The entry that is this very object."""
        return self._by_tree.get(id(tree))

    @cached_property
    def by_url(self) -> dict[str, list[Entry]]:
        """Full URL, with `/_history/[version]` too where the version is known, → entries."""
        found: dict[str, list[Entry]] = {}
        for entry in self.all:
            if entry.full_url:
                found.setdefault(entry.full_url, []).append(entry)
                if entry.version:
                    found.setdefault(f"{entry.full_url}/_history/{entry.version}", []).append(entry)
        return found

    @cached_property
    def by_name(self) -> dict[str, list[Entry]]:
        """`[type]/[id]` → entries."""
        found: dict[str, list[Entry]] = {}
        for entry in self.all:
            if entry.type and entry.id:
                found.setdefault(f"{entry.type}/{entry.id}", []).append(entry)
        return found

    def led_to(self, reference: str, source: Entry) -> list[Entry]:
        """The entries that a reference in `source` leads to: one, none, or too many."""
        link = reference.partition("#")[0]
        if is_absolute(link):
            return self.by_url.get(link, [])
        return [] if source.base is None else self.by_url.get(source.base + link, [])

    def namesakes(self, reference: str) -> list[Entry]:
        """The entries that have the type and the id of a relative reference, whatever their addresses."""
        if is_absolute(reference):
            return []
        return self.by_name.get("/".join(reference.split("/")[:2]), [])
