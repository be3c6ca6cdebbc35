"""Questions about codes, answered at once from what packages define, and after `settle` from large code systems.

A value set whose codes can be listed is kept as sets of codes with its stock, for all who ask later; of any other, each
code is asked by itself.

https://hl7.org/fhir/R4/terminologies.html
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, TypeAlias

from profiles.registry import Registry
from terminology.composition import Component, Composition, composition_of
from terminology.desk import Desk, Later
from terminology.errors import NoAnswer, TooLong
from terminology.expansion import Expansion, Selected, expand
from terminology.grammars import GRAMMARS, Grammar
from terminology.holding import Holding
from terminology.languages import texts
from terminology.large import LargeSystems
from terminology.library import AnySystem, Large, Library
from terminology.membership import LATER, NO, UNKNOWN, YES, Code, Held
from terminology.patience import Patience
from terminology.stock import Stock, stock_of
from terminology.systems import System

_MOST_LISTED: Final = 10_000  # codes of a value set that is kept as sets
_SECONDS: Final = 5.0  # for one question: a judgement asks many
_FEW: Final = 20  # codes that a reader is told


@dataclass(frozen=True, slots=True)
class _Listed:
    """All codes of a value set. `folded`: those of code systems where case does not matter, with their system."""

    pairs: frozenset[tuple[str, str]]
    codes: frozenset[str]
    folded: frozenset[tuple[str, str]]
    systems: frozenset[str]  # with folded codes
    few: tuple[str, ...]

    def holds(self, code: Code) -> bool:
        system, text = code.system, code.code
        if system is not None:
            if (system, text) in self.pairs:
                return True
            return system in self.systems and (system, text.casefold()) in self.folded
        return text in self.codes or any((url, text.casefold()) in self.folded for url in self.systems)


@dataclass(frozen=True, slots=True)
class _Written:
    """All that grammars allow."""

    grammars: tuple[Grammar, ...]
    few: tuple[str, ...] = ()

    def holds(self, code: Code) -> bool:
        system, text = code.system, code.code
        return any(one.find(text) is not None for one in self.grammars if system is None or system == one.url)


_Kept: TypeAlias = _Listed | _Written | Composition | None
_UNKNOWN: Final = object()  # kept of a value set that is not known, since None is what nothing was kept of


@dataclass(slots=True)
class KnownCodes:
    """See `terminology.membership.Codes`. For one asker: what is looked up is remembered until it is thrown away."""

    stock: Stock
    large: LargeSystems | None = None
    desk: Desk = field(default_factory=Desk)
    library: Library = field(init=False)

    def __post_init__(self) -> None:
        self.library = Library(self.stock, self.desk, large=self.large)

    @property
    def pending(self) -> bool:
        return self.desk.pending

    async def settle(self) -> None:
        await self.desk.settle()

    def within(self, value_set: str, code: Code) -> Held:
        kept = self.stock.kept(value_set)
        if kept is None:
            kept = self._keep(value_set)
        if type(kept) is _Listed or type(kept) is _Written:
            return YES if kept.holds(code) else NO
        if not isinstance(kept, Composition):
            return UNKNOWN
        self.library.patience = Patience(_SECONDS)
        try:
            if self._is_beyond(kept, code):
                return UNKNOWN
            return Holding(self.library, code).of_composition(kept)
        except Later:
            return LATER

    def _is_beyond(self, composition: Composition, code: Code) -> bool:
        """Whether plainly nobody can tell: all codes of one code system are meant, the code's own, and it is unknown.

        So it is for every code of a national code system that is not held, and nothing need be tried. Raises `Later`.
        """
        include = composition.include
        if len(include) != 1 or composition.exclude or composition.expansion or code.version:
            return False
        (part,) = include
        if part.listed is not None or part.sets or not part.system or part.system != code.system:
            return False
        try:
            return (
                self.library.system(part.system, self.library.versions.of(part.system, part.version)) is None
            )
        except NoAnswer:
            return False

    def known(self, code: Code) -> Held:
        if code.system is None:
            return UNKNOWN
        try:
            system = self._system(code)
            if system is None:
                return UNKNOWN
            if system.find(code.code) is not None:
                return YES
            return NO if isinstance(system, Grammar) or system.complete else UNKNOWN
        except NoAnswer:
            return UNKNOWN
        except Later:
            return LATER

    def displays(self, code: Code) -> frozenset[str] | None:
        try:
            system = self._system(code) if code.system is not None else None
            concept = None if system is None else system.find(code.code)
        except (NoAnswer, Later):
            return None
        if concept is None:
            return None
        return frozenset(texts(concept.display, concept.designations))

    def subsumes(self, general: Code, special: Code) -> Held:
        if general.system is None or general.system != special.system:
            return NO
        try:
            return subsumed(self._system(general), general.code, special.code)
        except NoAnswer:
            return UNKNOWN
        except Later:
            return LATER

    def few(self, value_set: str) -> tuple[str, ...]:
        kept = self.stock.kept(value_set) or self._keep(value_set)
        return kept.few if isinstance(kept, _Listed) else ()

    def _system(self, code: Code) -> AnySystem | None:
        """In its version where that is known here, else in the newest."""
        url = code.system or ""
        if code.version and (found := self.library.system(url, code.version)) is not None:
            return found
        return self.library.system(url)

    def _keep(self, value_set: str) -> object:
        try:
            kept = _compiled(value_set, self.stock, Patience(_SECONDS)) or _UNKNOWN
        except TooLong:  # with more time at hand, another asker may have better luck
            return _UNKNOWN
        self.stock.keep(value_set, kept)
        return kept


def codes_of(registry: Registry, large: LargeSystems | None = None) -> KnownCodes:
    """For one judgement."""
    return KnownCodes(stock_of(registry), large)


def subsumed(system: AnySystem | None, general: str, special: str) -> Held:
    """Whether a code is another or stands below it. Raises `Later`."""
    if system is None:
        return UNKNOWN
    one, other = system.find(general), system.find(special)
    if one is None or other is None:
        return NO if isinstance(system, Grammar) or system.complete else UNKNOWN
    if one.code == other.code:
        return YES
    match system:
        case System():
            found = one.code in system.above(other.code)
        case Large():
            found = system.subsumes(one.code, other.code)
        case _:
            found = False
    return YES if found else NO


def _compiled(value_set: str, stock: Stock, patience: Patience) -> _Kept:
    """A value set in the form that is asked fastest, from what definitions alone tell; None: they do not tell.

    Raises `TooLong`.
    """
    library = Library(stock, patience=patience)
    try:
        tree = library.value_set(value_set)
        composition = composition_of(tree)
    except NoAnswer:
        return None
    include = composition.include
    grammars = tuple(GRAMMARS[part.system] for part in include if part.system in GRAMMARS)
    if grammars and not composition.exclude and all(_is_free(part) for part in include):
        return _Written(grammars)
    try:
        return _listed(expand(tree, library, limit=_MOST_LISTED), library)
    except TooLong:
        raise
    except NoAnswer:
        return composition


def _is_free(component: Component) -> bool:
    """Whether all codes of a grammar are let in."""
    whole = component.listed is None and not component.filters and not component.sets
    return whole and component.system in GRAMMARS


def _listed(expansion: Expansion, library: Library) -> _Listed:
    assert not any(isinstance(run, Selected) for run in expansion.runs)
    members = expansion.members
    folding = {
        url
        for url in {member.system for member in members}
        if (system := library.near(url)) is not None and not system.case_sensitive
    }
    return _Listed(
        frozenset((member.system, member.code) for member in members),
        frozenset(member.code for member in members),
        frozenset((member.system, member.code.casefold()) for member in members if member.system in folding),
        frozenset(folding),
        tuple(member.code for member in members) if len(members) <= _FEW else (),
    )
