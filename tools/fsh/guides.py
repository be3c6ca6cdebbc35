"""The folders of `profiles/source`: guides with their settings, and what their files say.

A folder with a `guide.toml` is a guide; the folder right below the root that it lies in, or is, is its package.
"""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

from tools.fsh.model import Caret, Item, Place, RuleSet, Source, Text
from tools.fsh.reader import read

ROOT: Final = Path(__file__).parents[2] / "profiles/source"
_NEEDED: Final = frozenset({"id", "canonical", "version", "name", "licence"})
_KNOWN: Final = _NEEDED | {"dependencies", "publisher", "status"}
_TYPES: Final = {"Profile": "StructureDefinition", "Extension": "StructureDefinition"}
_HEAD: Final = re.compile(r"[A-Za-z0-9\-.]{1,64}$")


@dataclass(frozen=True, eq=False)
class Guide:
    """One guide in one version."""

    key: str  # its folder below the root: `cordee.fr/cds`
    path: Path
    id: str
    canonical: str
    version: str
    name: str
    licence: str
    dependencies: tuple[str, ...] = ()  # keys
    publisher: str = "Cordée"
    status: str = "active"

    @property
    def package(self) -> str:
        return self.key.partition("/")[0]

    @cached_property
    def sources(self) -> tuple[Source, ...]:
        return tuple(_read(path, self.path.parent) for path in sorted(self.path.rglob("*.fsh")))

    @cached_property
    def definitions(self) -> tuple[Definition, ...]:
        """In the order of their ids. Raises `FshError` when two have the same type and id."""
        found: dict[tuple[str, str], Definition] = {}
        for source in self.sources:
            for item in source.items:
                definition = Definition(self, item)
                if found.setdefault((definition.type, item.id), definition).item is not item:
                    item.place.wrong(f"a second {item.kind} of the id '{item.id}'")
        return tuple(found[key] for key in sorted(found))


@dataclass(frozen=True, eq=False)
class Definition:
    """One item of a guide."""

    guide: Guide
    item: Item

    @property
    def type(self) -> str:
        """`StructureDefinition`, `ValueSet` …; of an instance its own; an `Invariant` is no resource."""
        if self.item.kind == "Instance":
            return self.item.keyword("InstanceOf")
        return _TYPES.get(self.item.kind, self.item.kind)

    @cached_property
    def url(self) -> str:
        for rule in self.item.rules:
            if (
                isinstance(rule, Caret)
                and not rule.path
                and rule.caret == "url"
                and isinstance(rule.value, Text)
            ):
                return rule.value.text
        return f"{self.guide.canonical}/{self.type}/{self.item.id}"

    def require_id(self) -> None:
        if not _HEAD.match(self.item.id):
            self.item.place.wrong("an id has at most 64 letters, digits, '-' and '.'")


class Workspace:
    """All guides under a root, and what they share."""

    def __init__(self, root: Path = ROOT) -> None:
        self.root = root
        self.guides: Mapping[str, Guide] = {guide.key: guide for guide in _guides(root)}
        self.shared = tuple(_read(path, root) for path in sorted(root.glob("*.fsh")))
        counted = Counter(guide.canonical for guide in self.guides.values())
        self.several = frozenset(canonical for canonical, number in counted.items() if number > 1)

    def packages(self) -> list[str]:
        return sorted({guide.package for guide in self.guides.values()})

    def of_package(self, package: str) -> list[Guide]:
        return [guide for _, guide in sorted(self.guides.items()) if guide.package == package]

    def reach(self, guide: Guide) -> tuple[Guide, ...]:
        """The guide and all that it depends on, the nearest first."""
        found, waiting = [guide], [guide]
        for current in waiting:
            for key in current.dependencies:
                if key not in self.guides:
                    Place(f"{current.key}/guide.toml", 1).wrong(f"there is no guide '{key}'")
                if self.guides[key] not in found:
                    found.append(self.guides[key])
                    waiting.append(self.guides[key])
        return tuple(found)

    def rule_sets(self, guide: Guide) -> Mapping[str, RuleSet]:
        return {rules.name: rules for source in self._said(guide) for rules in source.rule_sets}

    def aliases(self, guide: Guide) -> Mapping[str, str]:
        return {name: url for source in self._said(guide) for name, url in source.aliases.items()}

    def _said(self, guide: Guide) -> Iterator[Source]:
        """The weakest first."""
        yield from self.shared
        for one in reversed(self.reach(guide)):
            yield from one.sources


def _guides(root: Path) -> Iterator[Guide]:
    for path in sorted(root.rglob("guide.toml")):
        settings = tomllib.loads(path.read_text("utf-8"))
        key = path.parent.relative_to(root).as_posix()
        place = Place(f"{key}/guide.toml", 1)
        if missing := _NEEDED - settings.keys():
            place.wrong(f"missing: {', '.join(sorted(missing))}")
        if unknown := settings.keys() - _KNOWN:
            place.wrong(f"not a setting of a guide: {', '.join(sorted(unknown))}")
        settings["dependencies"] = tuple(settings.get("dependencies", ()))
        yield Guide(key, path.parent, **settings)


def _read(path: Path, above: Path) -> Source:
    return read(path.read_text("utf-8"), path.relative_to(above).as_posix())
