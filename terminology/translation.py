"""What a code is in another code system, as concept maps say and `$translate` answers.

https://hl7.org/fhir/R4/conceptmap-operation-translate.html · https://hl7.org/fhir/R4/conceptmap.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from terminology.errors import UnknownDefinition
from terminology.library import Library
from terminology.membership import Code
from terminology.systems import Tree

_DEPTH: Final = 10  # maps that send to other maps
_NONE: Final = frozenset({"unmatched", "disjoint"})  # that a translation ends with: there is none
_REVERSED: Final = {
    "wider": "narrower",
    "narrower": "wider",
    "subsumes": "specializes",
    "specializes": "subsumes",
}


@dataclass(frozen=True, slots=True)
class Scope:
    """What a translation is asked for. Empty: whatever."""

    source: str = ""  # a value set
    target: str = ""  # a value set
    target_system: str = ""
    dependencies: tuple[tuple[str, frozenset[tuple[str, str]]], ...] = ()  # element, its codes
    reverse: bool = False


@dataclass(frozen=True, slots=True)
class Match:
    equivalence: str
    concept: Tree  # a Coding; empty: it has no target
    products: tuple[Tree, ...]
    source: str  # the map

    @property
    def found(self) -> bool:
        return bool(self.concept) and self.equivalence not in _NONE


def translated(codes: Sequence[Code], maps: Iterable[Tree], scope: Scope, library: Library) -> list[Match]:
    """The matches of all codes, each once.

    Raises `UnknownDefinition` for a map that another sends to, and `TooLong`.
    """
    found: dict[tuple[Any, ...], Match] = {}
    work = _Work(scope, library)
    for tree in maps:
        if not _is_about(tree, scope):
            continue
        for code in codes:
            for match in work.in_map(code, tree, ()):
                key = (
                    match.equivalence,
                    match.concept.get("system"),
                    match.concept.get("code"),
                    str(match.products),
                )
                found.setdefault(key, match)
    return sorted(found.values(), key=lambda match: not match.found)


def _is_about(tree: Tree, scope: Scope) -> bool:
    source, target = _scope(tree, "source"), _scope(tree, "target")
    if scope.reverse:
        source, target = target, source
    return _fits(scope.source, source) and _fits(scope.target, target)


def _fits(asked: str, there: str) -> bool:
    """Without a version any will do; a map that does not say is not about anything else."""
    return not asked or not there or asked == there or asked.partition("|")[0] == there.partition("|")[0]


def _scope(tree: Tree, side: str) -> str:
    return str(tree.get(f"{side}Canonical") or tree.get(f"{side}Uri") or "")


@dataclass(slots=True)
class _Work:
    """One translation. `by_code`: the groups that were looked at, by identity, with their elements by code."""

    scope: Scope
    library: Library
    by_code: dict[int, tuple[Tree, Mapping[str, Sequence[tuple[Tree, Tree]]]]] = field(default_factory=dict)
    sent: set[tuple[str, str, str]] = field(default_factory=set)  # system, code, map that others sent to

    def in_map(self, code: Code, tree: Tree, path: tuple[str, ...]) -> Iterator[Match]:
        self.library.patience.look()
        for group in tree.get("group", ()):
            if self.scope.reverse:
                yield from self._backward(code, tree, group)
            else:
                yield from self._forward(code, tree, group, path)

    def _forward(self, code: Code, tree: Tree, group: Tree, path: tuple[str, ...]) -> Iterator[Match]:
        scope, target_system = self.scope, group.get("target", "")
        if code.system not in {None, "", group.get("source", code.system)}:
            return
        if scope.target_system and target_system and scope.target_system != target_system:
            return
        found = self._indexed(group).get(code.code, ())
        for _, target in found:
            if target and _depends(target, scope):
                yield _match(target.get("equivalence", "equivalent"), target_system, group, target, tree)
        if not found and "unmapped" in group:
            yield from self._unmapped(code, tree, group, path)

    def _backward(self, code: Code, tree: Tree, group: Tree) -> Iterator[Match]:
        """From a target to the sources that it is the target of."""
        source_system = group.get("source", "")
        if code.system not in {None, "", group.get("target", code.system)}:
            return
        if self.scope.target_system and source_system and self.scope.target_system != source_system:
            return
        for element, target in self._indexed(group).get(code.code, ()):
            if element.get("code"):
                told = str(target.get("equivalence", "equivalent"))
                coding = _coding(source_system, group.get("sourceVersion", ""), element)
                yield Match(_REVERSED.get(told, told), coding, (), tree.get("url", ""))

    def _indexed(self, group: Tree) -> Mapping[str, Sequence[tuple[Tree, Tree]]]:
        """Elements with their targets (empty where there is none), by the code of the one that is asked for."""
        kept = self.by_code.get(id(group))
        if kept is None:
            known: dict[str, list[tuple[Tree, Tree]]] = {}
            nothing: tuple[Tree, ...] = ({},)
            for element in group.get("element", ()):
                for target in element.get("target") or nothing:
                    asked = target if self.scope.reverse else element
                    known.setdefault(asked.get("code", ""), []).append((element, target))
            kept = self.by_code[id(group)] = group, known
        return kept[1]

    def _unmapped(self, code: Code, tree: Tree, group: Tree, path: tuple[str, ...]) -> Iterator[Match]:
        unmapped = group["unmapped"]
        match unmapped.get("mode"):
            case "provided":
                coding = {"code": code.code, **({"display": code.display} if code.display else {})}
                yield _match("equal", group.get("target", ""), group, coding, tree)
            case "fixed":
                yield _match("inexact", group.get("target", ""), group, unmapped, tree)
            case "other-map":
                url = unmapped.get("url", "")
                once = code.system or "", code.code, url  # what it says the second time was said before
                if once in self.sent or len(path) >= _DEPTH:
                    return
                self.sent.add(once)
                other = self.library.find("ConceptMap", url)
                if other is None:
                    raise UnknownDefinition("concept map", url)
                yield from self.in_map(code, other, (*path, url))


def _match(equivalence: str, system: str, group: Tree, target: Tree, tree: Tree) -> Match:
    products = tuple(
        {
            "property": one.get("property", ""),
            "concept": _coding(one.get("system", ""), "", {**one, "code": one["value"]}),
        }
        for one in target.get("product", ())
        if "value" in one
    )
    coding = _coding(system, group.get("targetVersion", ""), target) if target.get("code") else {}
    return Match(equivalence, coding, products, tree.get("url", ""))


def _coding(system: str, version: str, said: Tree) -> Mapping[str, Any]:
    coding = {"system": system, "version": version, "code": said["code"], "display": said.get("display", "")}
    return {name: value for name, value in coding.items() if value}


def _depends(target: Tree, scope: Scope) -> bool:
    """Whether all that a mapping depends on is given as it wants it."""
    given = dict(scope.dependencies)
    return all(
        (one.get("system", ""), one.get("value", "")) in given.get(one.get("property", ""), ())
        or ("", one.get("value", "")) in given.get(one.get("property", ""), ())
        for one in target.get("dependsOn", ())
    )
