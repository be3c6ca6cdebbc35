"""A value set as the list of its codes.

`compose` says what to include and exclude: codes one by one, all of a code system or those that pass its filters, and
other value sets; a component that has several of these asks for what they have in common. An `expansion` that the value
set brings along answers where there is no `compose`, or where that needs a code system that nobody here has.

Where definitions come from is the caller's affair (`Definitions`). Nothing here reads a file or a database.

https://hl7.org/fhir/R4/valueset.html#compositions · https://hl7.org/fhir/R4/valueset-operation-expand.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from terminology.errors import NoAnswer, NotExpandable, TooManyCodes, UnknownDefinition
from terminology.systems import Concept, System, Tree

MOST_CODES: Final = 10_000
_WORK: Final = 10  # times as many may be met on the way, before exclusions and intersections
_DEPTH: Final = 20  # value sets that include value sets


class Definitions(Protocol):
    """Who knows value sets and code systems, by canonical URL (`url` or `url|version`)."""

    async def value_set(self, canonical: str) -> Tree | None:
        """The ValueSet; None when it is not known."""

    async def code_system(self, canonical: str) -> System | None:
        """The code system; None when it is not known, or only by name."""


@dataclass(frozen=True, slots=True)
class Member:
    """One code of a value set."""

    system: str
    code: str
    display: str = ""
    version: str = ""  # of the code system, where the value set asks for one
    abstract: bool = False
    inactive: bool = False


@dataclass(frozen=True, slots=True)
class Expansion:
    """The codes, each once, in the order of the definition. `used`: canonicals of what was looked up, each once."""

    members: tuple[Member, ...]
    used: tuple[str, ...] = ()

    def pairs(self) -> list[tuple[str, str]]:
        """System and code of each member."""
        return [(member.system, member.code) for member in self.members]


Members = dict[tuple[str, str], Member]


async def expand(value_set: Tree, definitions: Definitions, *, limit: int = MOST_CODES) -> Expansion:
    """The codes of a ValueSet. Raises `NoAnswer`: which of its kinds says why, in words for the asker."""
    work = _Work(definitions, limit)
    members = await work.value_set(value_set, ())
    if len(members) > limit:
        raise TooManyCodes(limit)
    return Expansion(tuple(members.values()), tuple(work.used))


@dataclass(slots=True)
class _Work:
    """One expansion, with what has been found on the way."""

    definitions: Definitions
    limit: int
    met: int = 0
    used: dict[str, None] = field(default_factory=dict)
    sets: dict[str, Members] = field(default_factory=dict)  # expanded, by canonical
    systems: dict[str, System | None] = field(default_factory=dict)

    async def value_set(self, tree: Tree, path: tuple[str, ...]) -> Members:
        """`path`: the canonicals of the value sets that include this one."""
        given = tree.get("expansion")
        compose = tree.get("compose")
        if compose is None:
            if given is None:
                raise NotExpandable("it has neither a definition nor an expansion")
            return self._given(given)
        try:
            return await self._composed(compose, path)
        except (UnknownDefinition, NotExpandable):
            if given is None:
                raise
            try:
                return self._given(given)
            except NoAnswer:
                pass
            raise

    async def _composed(self, compose: Tree, path: tuple[str, ...]) -> Members:
        found: Members = {}
        for component in compose.get("include", ()):
            found |= await self._component(component, path)
        for component in compose.get("exclude", ()):
            for key in await self._component(component, path):
                found.pop(key, None)
        if compose.get("inactive", True) is False:
            found = {key: member for key, member in found.items() if not await self._is_inactive(member)}
        return found

    async def _component(self, component: Tree, path: tuple[str, ...]) -> Members:
        """Of a system, of other value sets, or of all of them at once."""
        parts = []
        if "system" in component:
            parts.append(self._counted(await self._of_system(component)))
        for canonical in component.get("valueSet", ()):
            parts.append(await self._imported(canonical, path))
        if not parts:
            raise NotExpandable("a component has neither a system nor a value set")
        first, *others = parts
        return {key: member for key, member in first.items() if all(key in other for other in others)}

    async def _imported(self, canonical: str, path: tuple[str, ...]) -> Members:
        if canonical in path or len(path) >= _DEPTH:
            raise NotExpandable("it includes itself, or too many others within one another")
        if canonical not in self.sets:
            tree = await self.definitions.value_set(canonical)
            if tree is None:
                raise UnknownDefinition("value set", canonical)
            self.used[_canonical(tree)] = None
            self.sets[canonical] = await self.value_set(tree, (*path, canonical))
        return self.sets[canonical]

    async def _of_system(self, component: Tree) -> Iterable[Member]:
        url, version = component["system"], component.get("version", "")
        concepts, filters = component.get("concept"), component.get("filter")
        if concepts:
            if filters:
                raise NotExpandable("a component has both codes and filters")
            return [
                Member(url, one["code"], one.get("display", ""), version) for one in concepts if "code" in one
            ]
        system = await self._system(url, version)
        if system is None:
            raise UnknownDefinition("code system", f"{url}|{version}" if version else url)
        if not system.complete:
            raise NotExpandable(f"the concepts of {url} are not known here")
        self.used[f"{system.url}|{system.version}" if system.version else system.url] = None
        found = list(system.concepts.values())
        for one in filters or ():
            passed = {
                concept.code
                for concept in system.filtered(
                    one.get("property", ""), one.get("op", ""), one.get("value", "")
                )
            }
            found = [concept for concept in found if concept.code in passed]
        return [_member(url, version, concept) for concept in found]

    async def _system(self, url: str, version: str = "") -> System | None:
        canonical = f"{url}|{version}" if version else url
        if canonical not in self.systems:
            self.systems[canonical] = await self.definitions.code_system(canonical)
        return self.systems[canonical]

    async def _is_inactive(self, member: Member) -> bool:
        """Also of a code that stands in the value set by itself, where its system is known."""
        system = await self._system(member.system, member.version)
        concept = system.find(member.code) if system else None
        return concept.inactive if concept else member.inactive

    def _given(self, expansion: Tree) -> Members:
        """What the value set says itself that its codes are."""
        found: Members = {}
        waiting: list[Mapping[str, Any]] = list(expansion.get("contains", ()))[::-1]
        while waiting:
            one = waiting.pop()
            waiting += list(one.get("contains", ()))[::-1]
            if "code" in one:
                member = Member(
                    one.get("system", ""),
                    one["code"],
                    one.get("display", ""),
                    one.get("version", ""),
                    abstract=one.get("abstract", False) is True,
                    inactive=one.get("inactive", False) is True,
                )
                found.setdefault((member.system, member.code), member)
        if expansion.get("offset") or expansion.get("total", 0) > len(found):
            raise NotExpandable("the expansion that it brings along is only a part")
        return self._counted(found.values())

    def _counted(self, members: Iterable[Member]) -> Members:
        found = {(member.system, member.code): member for member in members}
        self.met += len(found)
        if self.met > self.limit * _WORK:
            raise TooManyCodes(self.limit)
        return found


def _member(url: str, version: str, concept: Concept) -> Member:
    return Member(url, concept.code, concept.display, version, concept.abstract, concept.inactive)


def _canonical(tree: Tree) -> str:
    version = tree.get("version")
    return f"{tree.get('url', '')}|{version}" if version else str(tree.get("url", ""))
