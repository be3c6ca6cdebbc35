"""How slices are told apart: a discriminator and what a slice says at its end, as a test of what an item has there.

https://hl7.org/fhir/R4/profiling.html#discriminator
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Final

from fhir_server.definitions.catalogue import type_of_profile
from fhir_server.definitions.model import R4
from fhir_server.definitions.outlines import CHOICE, Outline
from fhir_server.fhirpath.types import derives
from fhir_server.fhirpath.values import Node
from fhir_server.validation.invariants import codes_of
from fhir_server.validation.judging import Judging
from fhir_server.validation.patterns import Fits, coding_in, value_in
from fhir_server.validation.profile_rules import Test
from fhir_server.validation.reach import Step, target_of, under
from terminology.membership import Held

# The inside of an element that the snapshot leaves folded: its type's profile.
Inside = Callable[[Outline], list[Outline]]
Conforms = Callable[[Node, str, Judging], bool]
One = Callable[[Node, Judging], bool]
Ask = Callable[[list[Node], Judging], bool]

_EXTENSIONS: Final = frozenset({"extension", "modifierExtension"})
_DEPTH: Final = 6


def test_of(
    kind: str, steps: tuple[Step, ...], slice: Outline, inside: Inside, conforms: Conforms
) -> Test | None:
    """The test of one discriminator for one slice; None where the slice says nothing that could be tested."""
    if slice.name in _EXTENSIONS and steps == (("name", "url"),):
        url = url_of(slice, inside)
        return None if url is None else _of_values([lambda value: bool(value == url)])
    ends = _ends([slice], steps, inside)
    if kind == "exists":
        exists = _exists(ends)
        return None if exists is None else Test(exists)
    if not ends:
        return None
    if kind in {"type", "profile"}:
        other = _type(ends) if kind == "type" else _profile(ends, conforms)
        return None if other is None else Test(other)
    plain = [value.fits for end in ends if (value := value_in(end.own)) is not None]
    if len(plain) == len(ends):
        return replace(_of_values(plain), coding=coding_in(ends[0].own) if len(ends) == 1 else None)
    tests = [one for end in ends if (one := _value(end, inside, 0)) is not None]
    if not tests:
        return None
    # Slices of one element stand beside each other: each names one of several values.
    return Test(lambda nodes, judging: all(any(test(node, judging) for node in nodes) for test in tests))


def _of_values(fits: Sequence[Fits]) -> Test:
    """The test of what is told by values alone."""
    return Test(
        lambda nodes, _judging: all(any(one(node.value) for node in nodes) for one in fits), tuple(fits)
    )


def url_of(extension: Outline, inside: Inside) -> str | None:
    """The URL of the extensions that a slice of `extension` is for."""
    for type_ in extension.own.get("type", ()):
        for profile in type_.get("profile", ()):
            return str(profile).partition("|")[0]
    url = next((child for child in inside(extension) if child.name == "url"), None)
    found = (
        next((value for key, value in url.own.items() if key.startswith(("fixed", "pattern"))), None)
        if url
        else None
    )
    return found if isinstance(found, str) else None


def _ends(parts: list[Outline], steps: tuple[Step, ...], inside: Inside) -> list[Outline]:
    """The elements of a slice where a path ends."""
    for kind, name in steps:
        found: list[Outline] = []
        for part in parts:
            match kind:
                case "name":
                    found += _children(part, name, inside)
                case "extension":
                    for holder in inside(part):
                        if holder.name == "extension":
                            found += [one for one in holder.slices if url_of(one, inside) == name]
                case "type":
                    found += _of_type(part, name)
                case _:
                    found += _targets(part)
        parts = found
    return parts


def _children(part: Outline, name: str, inside: Inside) -> list[Outline]:
    found: list[Outline] = []
    for child in inside(part):
        if child.name.removesuffix(CHOICE) == name:
            found.append(child)
            needed = [one for one in child.slices if one.own.get("min", 0)]
            found += needed or (child.slices if len(child.slices) == 1 else [])
    return found


def _of_type(part: Outline, type: str) -> list[Outline]:
    slices = [one for one in part.slices if [t.get("code") for t in one.own.get("type", ())] == [type]]
    return slices or ([part] if type in {t.get("code") for t in part.own.get("type", ())} else [])


def _targets(part: Outline) -> list[Outline]:
    """What a reference may lead to, each as an element of its type and profile."""
    found = []
    for type_ in part.own.get("type", ()):
        for profile in type_.get("targetProfile", ()):
            found.append(
                Outline("resolve()", "", {"type": [{"code": profile, "profile": [profile]}], "min": 1})
            )
    return found


def _exists(ends: Iterable[Outline]) -> Ask | None:
    for end in ends:
        if end.own.get("min", 0):
            return lambda nodes, _judging: bool(nodes)
        if end.own.get("max") == "0":
            return lambda nodes, _judging: not nodes
    return None


def _type(ends: Iterable[Outline]) -> Ask | None:
    types = frozenset(
        type_of_profile(str(type_.get("code", "")).partition("|")[0])
        for end in ends
        for type_ in end.own.get("type", ())
    )
    profiled = {name for name in types if ":" in name}
    if not types:
        return None

    def test(nodes: list[Node], judging: Judging) -> bool:
        wanted = types
        for canonical in profiled:
            profile = judging.library.profile(judging.library.near(canonical))
            wanted = wanted | {getattr(profile, "type", "")}
        return any(derives(node.type, name, R4) for node in nodes for name in wanted)

    return test


def _profile(ends: Iterable[Outline], conforms: Conforms) -> Ask | None:
    own = [type_ for end in ends for type_ in end.own.get("type", ())]
    profiles = [str(one) for type_ in own for one in type_.get("profile", ())]
    targets = [str(one) for type_ in own for one in type_.get("targetProfile", ())]
    if not profiles and not targets:
        return None

    def test(nodes: list[Node], judging: Judging) -> bool:
        for node in nodes:
            wanted, item = profiles, node
            if not profiles:
                target = target_of(node, judging)
                if not isinstance(target, Node):
                    continue
                wanted, item = targets, target
            if any(conforms(item, profile, judging) for profile in wanted):
                return True
        return False

    return test


def _value(end: Outline, inside: Inside, depth: int) -> One | None:
    """Whether an item has the value that an element asks for: its own, those of its children, or a code of its set."""
    value = value_in(end.own)
    if value is not None:
        fits = value.fits
        return lambda node, _judging: fits(node.value)
    if depth < _DEPTH and (end.children or _profiled(end)):
        found = _of_children(end, inside, depth)
        if found is not None:
            return found
    binding = end.own.get("binding", {})
    if binding.get("strength") == "required" and binding.get("valueSet"):
        value_set = str(binding["valueSet"])
        return lambda node, judging: any(
            judging.world.codes.within(value_set, code) is Held.YES for code in codes_of(node)
        )
    return None


def _profiled(end: Outline) -> bool:
    return any(type_.get("profile") for type_ in end.own.get("type", ()))


def _of_children(end: Outline, inside: Inside, depth: int) -> One | None:
    tests: list[tuple[str, One]] = []
    for child in inside(end):
        if child.name in _EXTENSIONS:
            continue
        name = child.name.removesuffix(CHOICE)
        needed = [child, *(one for one in child.slices if one.own.get("min", 0))]
        tests += [(name, one) for part in needed if (one := _value(part, inside, depth + 1)) is not None]
    if not tests:
        return None

    def test(node: Node, judging: Judging) -> bool:
        return all(
            any(one(child, judging) for child in under(node, R4.alternatives(node.type, name)))
            for name, one in tests
        )

    return test
