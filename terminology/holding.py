"""Whether a code is of a value set, told without listing it.

Who does not know a code system cannot tell that a code is not in it: where a part of the answer is missing, and the
rest does not decide, the answer is `UNKNOWN`, with the reason.

https://hl7.org/fhir/R4/valueset.html#compositions · https://hl7.org/fhir/R4/valueset-operation-validate-code.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from terminology.composition import Component, Composition, composition_of, contained_in, is_whole
from terminology.desk import Later
from terminology.errors import NoAnswer, NotExpandable, UnknownDefinition
from terminology.expansion import require_supplements
from terminology.filters import judge_of, passing
from terminology.grammars import Grammar
from terminology.library import AnySystem, Large, Library
from terminology.membership import Code, Held
from terminology.patience import Patience
from terminology.systems import Concept, System, Tree

_DEPTH: Final = 20  # value sets that include value sets


@dataclass(slots=True)
class Holding:
    """One code. `reason`: why the answer is `UNKNOWN`. `system`: that of a code without one, once it was found."""

    library: Library
    code: Code
    reason: NoAnswer | None = None
    system: str = ""
    concept: Concept | None = None  # where the answer is YES and the code system was looked at
    said: Tree = field(default_factory=dict)  # of the code, in the value set
    _known: dict[str, Held] = field(default_factory=dict)  # value sets that were asked, by canonical

    def of(self, tree: Tree) -> Held:
        """Whether the code is of a ValueSet. Raises `Later`."""
        try:
            return self.of_composition(composition_of(tree))
        except NoAnswer as reason:
            return self._unknown(reason)

    def of_composition(self, composition: Composition) -> Held:
        """The same of one that was read before."""
        try:
            return self._composed(composition, ())
        except NoAnswer as reason:
            return self._unknown(reason)

    def _composed(self, composition: Composition, path: tuple[str, ...]) -> Held:
        answer = Held.UNKNOWN
        if composition.composed:
            require_supplements(composition, self.library)
            answer = _either(partial(self._of, part, path) for part in composition.include)
            if answer is Held.YES and not composition.inactive and self.concept and self.concept.inactive:
                answer = Held.NO
            if answer is not Held.NO and composition.exclude:
                found = self.concept, self.said
                out = _either(partial(self._of, part, path) for part in composition.exclude)
                self.concept, self.said = found
                if out is Held.YES:
                    answer = Held.NO
                elif out is Held.UNKNOWN:
                    answer = Held.UNKNOWN
        if answer is Held.UNKNOWN and composition.expansion is not None:
            return self._given(composition.expansion)
        return answer

    def _of(self, component: Component, path: tuple[str, ...]) -> Held:
        self.library.patience.look()
        asked: list[Callable[[], Held]] = [
            partial(self._imported, canonical, path) for canonical in component.sets
        ]
        if component.system:
            asked.insert(0, partial(self._of_system, component))
        return _all(asked)

    def _imported(self, canonical: str, path: tuple[str, ...]) -> Held:
        if canonical in path or len(path) >= _DEPTH:
            return self._unknown(
                NotExpandable(
                    "it includes itself, or too many others within one another",
                    "il s'inclut lui-même, ou trop d'autres les uns dans les autres",
                )
            )
        if canonical not in self._known:
            try:
                inner = composition_of(self.library.value_set(canonical))
                self._known[canonical] = self._composed(inner, (*path, canonical))
            except NoAnswer as reason:
                self._known[canonical] = self._unknown(reason)
        return self._known[canonical]

    def _of_system(self, component: Component) -> Held:
        code = self.code
        if code.system is not None and code.system != component.system:
            return Held.NO
        try:
            answer = self._in_system(component)
        except NoAnswer as reason:
            return self._unknown(reason)
        if answer is Held.YES and code.system is None:
            self.system = component.system
        return answer

    def _in_system(self, component: Component) -> Held:
        url, code = component.system, self.code.code
        version = self.library.versions.of(url, component.version)
        if component.listed is not None:
            return self._one_by_one(component, version)
        system = self._version(url, version)
        if system is None:
            raise UnknownDefinition("code system", f"{url}|{version}" if version else url)
        concept = system.find(code)
        if concept is None:
            return Held.NO if isinstance(system, Grammar) or system.complete else self._in_part(system)
        if component.filters and not _passes(system, concept, component, self.library.patience):
            return Held.NO if isinstance(system, Grammar) or system.complete else self._in_part(system)
        self.concept = concept
        return Held.YES

    def _one_by_one(self, component: Component, version: str) -> Held:
        listed = component.listed or {}
        system = self.library.near(component.system, version)
        concept = system.find(self.code.code) if system is not None else None
        code = concept.code if concept is not None and concept.code in listed else self.code.code
        if code not in listed:
            return Held.NO
        self.concept, self.said = concept, listed[code]
        return Held.YES

    def _version(self, url: str, version: str) -> AnySystem | None:
        """The version that the value set asks for, else that of the code itself, else the newest."""
        if not version and self.code.version:
            return self.library.system(url, self.code.version) or self.library.system(url)
        return self.library.system(url, version)

    def _in_part(self, system: System | Large) -> Held:
        return self._unknown(
            NotExpandable(
                f"only a part of the concepts of {system.url} is known here",
                f"seule une partie des concepts de {system.url} est connue ici",
            )
        )

    def _given(self, expansion: Tree) -> Held:
        listed = list(contained_in(expansion))
        for one in listed:
            if one["code"] == self.code.code and self.code.system in {None, one.get("system")}:
                self.said, self.system = one, one.get("system", "")
                return Held.YES
        return Held.NO if is_whole(expansion, listed) else Held.UNKNOWN

    def _unknown(self, reason: NoAnswer) -> Held:
        # Without the frames it came through: they would keep all that was judged until the collector finds the circle.
        self.reason = self.reason or reason.with_traceback(None)
        return Held.UNKNOWN


def _passes(system: AnySystem, concept: Concept, component: Component, patience: Patience) -> bool:
    """Raises `NotExpandable`, `TooLong`."""
    match system:
        case System():
            return concept.code in passing(system, component.filters, patience)
        case Large():
            return system.passes(concept.code, (component.selection,))
    own = frozenset({"code"})
    return all(
        judge_of(one, own, system.url)((concept.code,)) for one in component.filters if one.property == "code"
    ) and all(_of_code(one.property, system.url) for one in component.filters)


def _of_code(property: str, url: str) -> bool:
    if property != "code":
        raise NotExpandable(
            f"the property '{property}' of {url} is not known here",
            f"la propriété « {property} » de {url} n'est pas connue ici",
        )
    return True


def _either(asked: Iterable[Callable[[], Held]]) -> Held:
    """YES if one is; raises `Later` where that depends on what must be looked up."""
    return _unless(Held.YES, asked, Held.NO)


def _all(asked: Iterable[Callable[[], Held]]) -> Held:
    """NO if one is; raises `Later` where that depends on what must be looked up."""
    return _unless(Held.NO, asked, Held.YES)


def _unless(decisive: Held, asked: Iterable[Callable[[], Held]], otherwise: Held) -> Held:
    later = unknown = False
    for one in asked:
        try:
            answer = one()
        except Later:
            later = True
            continue
        if answer is decisive:
            return answer
        unknown = unknown or answer is Held.UNKNOWN
    if later:
        raise Later
    return Held.UNKNOWN if unknown else otherwise
