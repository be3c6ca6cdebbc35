"""What a name stands for in one guide: its own definitions, those of its dependencies, R4's.

https://hl7.org/fhir/uv/shorthand/reference.html#item-identifiers
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final

from fhir_server.definitions.catalogue import structure
from tools.fsh.guides import Definition, Guide, Workspace
from tools.fsh.model import (
    Caret,
    Codes,
    Concept,
    Flags,
    Insert,
    Place,
    Rule,
    RuleSet,
)
from tools.fsh.reader import rules_in

R4: Final = "http://hl7.org/fhir/StructureDefinition/"
_URL: Final = re.compile(r"(https?://|urn:)")
_PARAMETER: Final = re.compile(r"\{([\w-]+)\}")
_DEPTH: Final = 8  # rule sets inside rule sets


@dataclass(frozen=True, slots=True)
class Named:
    """What a name stands for. `version` as it was written, or of the one generation that was meant."""

    url: str
    version: str = ""
    definition: Definition | None = None  # of our sources

    @property
    def canonical(self) -> str:
        return f"{self.url}|{self.version}" if self.version else self.url


class Scope:
    """The names of one guide."""

    def __init__(self, workspace: Workspace, guide: Guide) -> None:
        self.workspace = workspace
        self.guide = guide
        self.reach = workspace.reach(guide)
        self._beside: dict[Guide, Scope] = {guide: self}

    def of(self, guide: Guide) -> Scope:
        """The scope of a guide: a name in its files is its own."""
        if guide not in self._beside:
            self._beside[guide] = Scope(self.workspace, guide)
        return self._beside[guide]

    @cached_property
    def aliases(self) -> Mapping[str, str]:
        return self.workspace.aliases(self.guide)

    @cached_property
    def _named(self) -> Mapping[tuple[str, str], Definition]:
        """By type and name or id; the nearest guide wins, and an id over a name."""
        found: dict[tuple[str, str], Definition] = {}
        for guide in self.reach:
            for definition in guide.definitions:
                found.setdefault((definition.type, definition.item.id), definition)
            for definition in guide.definitions:
                found.setdefault((definition.type, definition.item.name), definition)
        return found

    @cached_property
    def _by_url(self) -> Mapping[tuple[str, str], Definition]:
        found: dict[tuple[str, str], Definition] = {}
        for guide in self.reach:
            for definition in guide.definitions:
                found.setdefault((definition.url, guide.version), definition)
                found.setdefault((definition.url, ""), definition)
        return found

    def plain(self, name: str) -> str:
        """A name without its alias."""
        head, bar, version = name.partition("|")
        return self.aliases.get(head, head) + bar + version

    def find(self, place: Place, name: str, type: str = "StructureDefinition") -> Named:
        """What a name stands for. Raises `FshError`."""
        url, _, version = self.plain(name).partition("|")
        if _URL.match(url):
            return Named(url, version, self._by_url.get((url, version)))
        definition = self._named.get((type, url))
        if definition is not None:
            several = definition.guide.canonical in self.workspace.several
            return Named(definition.url, version or (definition.guide.version if several else ""), definition)
        if type == "StructureDefinition" and r4_structure(R4 + url) is not None:
            return Named(R4 + url, version)
        close = sorted(
            {known for kind, known in self._named if kind == type and url.lower() in known.lower()}
        )
        hint = f"; there is {', '.join(close[:4])}" if close else ""
        return place.wrong(f"no {type} is known by the name '{name}'{hint}")

    def system(self, place: Place, name: str) -> Named:
        """A code system. A URL of somebody else's is taken as it is."""
        return self.find(place, name, "CodeSystem")

    def version(self, name: str) -> str:
        """The version that is written with a name: `|2.2.0`, or nothing."""
        _, bar, version = self.plain(name).partition("|")
        return bar + version

    def canonical(self, place: Place, name: str) -> str:
        """A definition of any type by its name. Raises `FshError`."""
        types = [kind for kind, known in self._named if known == name]
        return self.find(place, name, types[0] if types else "StructureDefinition").canonical

    def item(self, place: Place, name: str, type: str) -> Definition:
        """A definition of our sources. Raises `FshError`."""
        found = self._named.get((type, name))
        return found or place.wrong(f"no {type} is known by the name '{name}'")

    def rules(self, definition: Definition) -> tuple[Rule, ...]:
        """The rules of an item of this or another guide, with all rule sets inserted."""
        if definition.guide is not self.guide:
            return self.of(definition.guide).rules(definition)
        return tuple(self._expanded(definition.item.rules, 0))

    @cached_property
    def _rule_sets(self) -> Mapping[str, RuleSet]:
        return self.workspace.rule_sets(self.guide)

    def _expanded(self, rules: tuple[Rule, ...], depth: int) -> Iterator[Rule]:
        for rule in rules:
            if isinstance(rule, Insert):
                yield from self._expanded(tuple(self._inserted(rule, depth)), depth + 1)
            else:
                yield rule

    def _inserted(self, insert: Insert, depth: int) -> Iterator[Rule]:
        rule_set = self._rule_sets.get(insert.rule_set)
        if rule_set is None:
            insert.place.wrong(f"there is no rule set '{insert.rule_set}'")
        if depth > _DEPTH:
            insert.place.wrong("rule sets insert one another without end")
        if len(insert.arguments) != len(rule_set.parameters):
            insert.place.wrong(
                f"the rule set has {len(rule_set.parameters)} parameters, here are {len(insert.arguments)}"
            )
        given = dict(zip(rule_set.parameters, insert.arguments, strict=True))
        text = _PARAMETER.sub(lambda found: given.get(found[1], found[0]), rule_set.text)
        for rule in rules_in(text, rule_set.place):
            yield _at(rule, insert)


def _at(rule: Rule, insert: Insert) -> Rule:
    """A rule of a rule set, at the path where the set is inserted."""
    if isinstance(rule, Caret | Insert) and insert.codes and not rule.codes:
        return replace(rule, codes=insert.codes)
    if not insert.path or isinstance(rule, Concept | Codes):
        return rule
    if isinstance(rule, Flags):
        return replace(rule, paths=tuple(joined(insert.path, path) for path in rule.paths))
    return replace(rule, path=joined(insert.path, rule.path))


def joined(above: str, below: str) -> str:
    return f"{above}.{below}" if above and below else above or below


def r4_structure(url: str) -> dict[str, Any] | None:
    """A StructureDefinition of R4, extensions and profiles among them; None: R4 has none of that URL."""
    if not url.startswith(R4):
        return None
    try:
        return structure(url.removeprefix(R4))
    except KeyError:
        return None
