"""A value set as the list of its codes.

`compose` says what to include and exclude: codes one by one, all of a code system or those that pass its filters, and
other value sets; a component that has several of these asks for what they have in common. An `expansion` that the value
set brings along answers where there is no `compose`, or where that needs a code system that nobody here has.

The list comes in runs: members at hand, or what is selected from a large code system and need not be read to be paged.

https://hl7.org/fhir/R4/valueset.html#compositions · https://hl7.org/fhir/R4/valueset-operation-expand.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from terminology.composition import Component, Composition, composition_of, contained_in, is_whole
from terminology.errors import NoAnswer, NotExpandable, TooManyCodes, UnknownDefinition
from terminology.filters import filtered
from terminology.grammars import Grammar
from terminology.large import Selection
from terminology.library import AnySystem, Large, Library
from terminology.systems import Concept, System, Tree

MOST_CODES: Final = 10_000
_WORK: Final = 10  # times as many may be met on the way, before exclusions and intersections
_DEPTH: Final = 20  # value sets that include value sets


@dataclass(frozen=True, slots=True)
class Member:
    """One code of a value set."""

    system: str
    code: str
    display: str = ""
    version: str = ""  # of the code system, where the value set asks for one
    abstract: bool = False
    inactive: bool = False
    concept: Concept | None = None  # in its code system, where that was looked at
    said: Tree = field(default_factory=dict)  # of the code, in the value set


Members: TypeAlias = dict[tuple[str, str], Member]


@dataclass(frozen=True, slots=True)
class Listed:
    """Members at hand."""

    members: tuple[Member, ...]


@dataclass(frozen=True, slots=True)
class Selected:
    """What some selections let in, and others do not keep out, of a large code system."""

    system: Large
    version: str
    include: tuple[Selection, ...]
    exclude: tuple[Selection, ...]
    active_only: bool


@dataclass(frozen=True, slots=True)
class Expansion:
    """The codes, each once, in the order of the definition. `sets`, `systems`: canonicals of what was looked up.

    `partial`: those of `systems` of which only a part of the concepts is known here.
    """

    runs: tuple[Listed | Selected, ...]
    sets: tuple[Tree, ...] = ()
    systems: tuple[AnySystem, ...] = ()

    @property
    def partial(self) -> tuple[AnySystem, ...]:
        return tuple(one for one in self.systems if not isinstance(one, Grammar) and not one.complete)

    @property
    def members(self) -> tuple[Member, ...]:
        """Of an expansion that has nothing but members at hand."""
        return tuple(member for run in self.runs if isinstance(run, Listed) for member in run.members)

    def pairs(self) -> list[tuple[str, str]]:
        """System and code of each member."""
        return [(member.system, member.code) for member in self.members]


def expand(value_set: Tree, library: Library, *, limit: int = MOST_CODES) -> Expansion:
    """All codes of a ValueSet, at hand. Raises `NoAnswer`: which of its kinds says why, in words for the asker."""
    work = _Work(library, limit)
    members = work.value_set(composition_of(value_set), ())
    if len(members) > limit:
        raise TooManyCodes(limit)
    return work.expansion([Listed(tuple(members.values()))])


def expand_in_runs(value_set: Tree, library: Library, *, limit: int = MOST_CODES) -> Expansion:
    """The codes of a ValueSet, of which `limit` may be at hand. Of code systems known in part, what is known."""
    work = _Work(library, limit, partial=True)
    return work.expansion(work.runs(composition_of(value_set), ()))


@dataclass(slots=True)
class _Work:
    """One expansion, with what has been found on the way."""

    library: Library
    limit: int
    partial: bool = False  # whether a part of a code system will do
    met: int = 0
    sets: dict[str, Members] = field(default_factory=dict)  # expanded, by canonical
    used_sets: dict[str, Tree] = field(default_factory=dict)
    used_systems: dict[tuple[str, str], AnySystem] = field(default_factory=dict)

    def expansion(self, runs: Iterable[Listed | Selected]) -> Expansion:
        return Expansion(tuple(runs), tuple(self.used_sets.values()), tuple(self.used_systems.values()))

    def runs(self, composition: Composition, path: tuple[str, ...]) -> list[Listed | Selected]:
        """Large selections stay what they are where nothing but their own code system is about them."""
        include, exclude = composition.include, composition.exclude
        require_supplements(composition, self.library)
        if len(include) == 1 and not exclude and not include[0].system and len(include[0].sets) == 1:
            inner = composition_of(self._tree(include[0].sets[0], path))
            return self.runs(inner, (*path, include[0].sets[0]))
        if not composition.composed or any(part.sets for part in (*include, *exclude)):
            return [Listed(tuple(self.value_set(composition, path).values()))]
        found: list[Listed | Selected] = []
        for url, version in dict.fromkeys((part.system, part.version) for part in include):
            own = [part for part in include if (part.system, part.version) == (url, version)]
            without = [part for part in exclude if part.system == url]
            system = self._system(url, version) if any(part.listed is None for part in own) else None
            if isinstance(system, Large):
                selections = tuple(part.selection for part in own), tuple(part.selection for part in without)
                self._use(system)
                found.append(Selected(system, version, *selections, not composition.inactive))
            else:
                alone = Composition(
                    composition.url,
                    composition.version,
                    tuple(own),
                    tuple(without),
                    composition.inactive,
                    composition.expansion if len(include) == len(own) else None,
                )
                found.append(Listed(tuple(self.value_set(alone, path).values())))
        return found

    def value_set(self, composition: Composition, path: tuple[str, ...]) -> Members:
        """`path`: the canonicals of the value sets that include this one."""
        given = composition.expansion
        if not composition.composed:
            return self._given(given or {})
        try:
            return self._composed(composition, path)
        except (UnknownDefinition, NotExpandable):
            if given is None:
                raise
            try:
                return self._given(given)
            except NoAnswer:
                pass
            raise

    def _composed(self, composition: Composition, path: tuple[str, ...]) -> Members:
        require_supplements(composition, self.library)
        found: Members = {}
        for component in composition.include:
            found |= self._component(component, path)
        for component in composition.exclude:
            for key in self._component(component, path):
                found.pop(key, None)
        if not composition.inactive:
            found = {key: member for key, member in found.items() if not self._is_inactive(member)}
        return found

    def _component(self, component: Component, path: tuple[str, ...]) -> Members:
        """Of a system, of other value sets, or of all of them at once."""
        self.library.patience.look()
        parts = [self._counted(self._of_system(component))] if component.system else []
        for canonical in component.sets:
            parts.append(self._imported(canonical, path))
        first, *others = parts
        return {key: member for key, member in first.items() if all(key in other for other in others)}

    def _imported(self, canonical: str, path: tuple[str, ...]) -> Members:
        tree = self._tree(canonical, path)
        if canonical not in self.sets:
            self.sets[canonical] = self.value_set(composition_of(tree), (*path, canonical))
        return self.sets[canonical]

    def _tree(self, canonical: str, path: tuple[str, ...]) -> Tree:
        if canonical in path or len(path) >= _DEPTH:
            raise NotExpandable(
                "it includes itself, or too many others within one another",
                "il s'inclut lui-même, ou trop d'autres les uns dans les autres",
            )
        tree = self.library.value_set(canonical)
        self.used_sets[canonical] = tree
        return tree

    def _of_system(self, component: Component) -> Iterable[Member]:
        url, version = component.system, component.version
        if component.listed is not None:
            return self._one_by_one(component, component.listed)
        system = self._system(url, version)
        if system is None:
            raise UnknownDefinition("code system", _joined(url, self.library.versions.of(url, version)))
        if isinstance(system, Grammar):
            raise NotExpandable(
                f"the codes of {url} follow a grammar and cannot be listed",
                f"les codes de {url} suivent une grammaire et ne peuvent être énumérés",
            )
        if not system.complete and not (self.partial and system.content in {"fragment", "example"}):
            raise NotExpandable(
                f"the concepts of {url} are not known here", f"les concepts de {url} ne sont pas connus ici"
            )
        self._use(system)
        if isinstance(system, Large):
            page = system.select([component.selection], (), count=self.limit + 1)
            if len(page.concepts) > self.limit:
                raise TooManyCodes(self.limit)
            return [_member(url, version, concept) for concept in page.concepts]
        concepts: Iterable[Concept] = system.concepts.values()
        if component.filters:
            concepts = filtered(system, component.filters, self.library.patience)
        return [_member(url, version, concept) for concept in concepts]

    def _one_by_one(self, component: Component, listed: Mapping[str, Tree]) -> Iterable[Member]:
        """Codes that stand in the value set by themselves, with what their code system, if it is at hand, says."""
        url, version = component.system, component.version
        system = self.library.near(url, self.library.versions.of(url, version))
        if system is not None:
            self._use(system)
        for code, said in listed.items():
            concept = system.find(code) if system is not None else None
            display = said.get("display", "") or (concept.display if concept else "")
            yield Member(
                url,
                code,
                display,
                version,
                abstract=concept.abstract if concept else False,
                inactive=concept.inactive if concept else False,
                concept=concept,
                said=said,
            )

    def _system(self, url: str, version: str = "") -> AnySystem | None:
        return self.library.system(url, self.library.versions.of(url, version))

    def _use(self, system: AnySystem) -> None:
        self.used_systems[system.url, system.version] = system

    def _is_inactive(self, member: Member) -> bool:
        if member.concept is not None:
            return member.concept.inactive
        system = self._system(member.system, member.version)
        concept = system.find(member.code) if isinstance(system, System | Large) else None
        return concept.inactive if concept else member.inactive

    def _given(self, expansion: Tree) -> Members:
        """What the value set says itself that its codes are."""
        found: Members = {}
        for one in contained_in(expansion):
            member = Member(
                one.get("system", ""),
                one["code"],
                one.get("display", ""),
                one.get("version", ""),
                abstract=one.get("abstract", False) is True,
                inactive=one.get("inactive", False) is True,
                said=one,
            )
            found.setdefault((member.system, member.code), member)
        if not is_whole(expansion, found):
            raise NotExpandable(
                "the expansion that it brings along is only a part",
                "l'énumération qu'il apporte est partielle",
            )
        return self._counted(found.values())

    def _counted(self, members: Iterable[Member]) -> Members:
        found: Members = {}
        for member in members:
            found[member.system, member.code] = member
            self.met += 1
            if self.met > self.limit * _WORK:
                raise TooManyCodes(self.limit)
        return found


def require_supplements(composition: Composition, library: Library) -> None:
    """Raises `UnknownDefinition` for a supplement that a value set depends on and nobody has."""
    for canonical in composition.supplements:
        if library.find("CodeSystem", canonical) is None:
            raise UnknownDefinition("code system", canonical)


def _member(url: str, version: str, concept: Concept) -> Member:
    return Member(
        url, concept.code, concept.display, version, concept.abstract, concept.inactive, concept=concept
    )


def _joined(url: str, version: str) -> str:
    return f"{url}|{version}" if version else url
