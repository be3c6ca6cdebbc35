"""Snapshots compiled to the rules that a profile adds to FHIR's own.

Each element is compared with what is judged anyway: the same element of the base type, and the element that a slice
is a slice of. Only what is different becomes a rule, so most of a snapshot becomes nothing.

https://hl7.org/fhir/R4/profiling.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, Final, cast

from fhir_server.definitions.catalogue import resource_types, structure, type_of_profile
from fhir_server.definitions.model import R4
from fhir_server.definitions.outlines import CHOICE, BadDefinition, Outline, find_slice, outline_of
from fhir_server.definitions.snapshots import CORE, definition_of, is_type, pinned, whole
from fhir_server.fhirpath.values import Element
from fhir_server.kernel.wire import Tree
from fhir_server.validation.discriminators import test_of, url_of
from fhir_server.validation.invariants import Constraint, constraint_of
from fhir_server.validation.national_forms import NATIONAL
from fhir_server.validation.patterns import value_in
from fhir_server.validation.profile_rules import (
    Binding,
    Field,
    Profile,
    Rules,
    Slice,
    Slicing,
    Strength,
    Test,
    Unusable,
    Use,
)
from fhir_server.validation.profiled import conforms_to, in_reach
from fhir_server.validation.reach import Step, by_key, steps_of
from fhir_server.validation.said import (
    aggregation_in,
    binding_in,
    is_of_base,
    limits_in,
    raw_value,
    targets_in,
    types_of,
)
from fhir_server.validation.telling import codings_of, keys_of, without_tested
from profiles.registry import Registry

_EXTENSIONS: Final = frozenset({"extension", "modifierExtension"})
_EVERYWHERE: Final = frozenset({"ele-1", "ext-1", "dom-2", "dom-3", "dom-4", "dom-5", "dom-6"})
_DEFAULT: Final = "@default"


def compiled(canonical: str, registry: Registry) -> Profile | Unusable | None:
    """The rules of a profile, or why it has none; None: it is not known."""
    definition = definition_of(canonical, registry)
    if definition is None:
        return None
    url, version = str(definition.get("url", "")), str(definition.get("version", ""))
    type_ = type_of_profile(str(definition.get("type", "")))
    if definition.get("kind") == "logical" or not is_type(type_):
        return Unusable(
            "not-supported",
            f"{url} is a logical model, not a profile of a FHIR type: no resource can be judged against it",
            f"{url} est un modèle logique, pas un profil d'un type FHIR : aucune ressource ne peut y être confrontée",
        )
    name = f"{url}|{version}" if version else url
    abstract = definition.get("abstract") is True
    if definition.get("derivation") != "constraint" and url.startswith(CORE):
        return Profile(name, url, type_, Rules(type_), abstract)
    try:
        root = whole(definition, registry)
        compiler = _Compiler(registry, version)
        rules = compiler.root(root, type_)
        use = compiler.use(definition, root) if type_ == "Extension" else None
    except BadDefinition as problem:
        return Unusable(
            problem.code,
            f"The profile {url} cannot be used: {problem.text}",
            f"Le profil {url} est inutilisable : {problem.french}",
        )
    except (AttributeError, TypeError, KeyError, ValueError, RecursionError):
        return Unusable(
            "structure",
            f"The profile {url} cannot be used: it is no valid StructureDefinition",
            f"Le profil {url} est inutilisable : ce n'est pas une StructureDefinition valide",
        )
    return Profile(name, url, type_, rules, abstract, use)


@lru_cache(maxsize=48)
def _base(type: str) -> Outline:
    """The elements of a type of FHIR's own."""
    return outline_of(structure(type)["snapshot"]["element"])


class _Compiler:
    def __init__(self, registry: Registry, version: str) -> None:
        self._registry = registry
        self._version = version
        self._roots: dict[str, Outline | None] = {}

    def root(self, root: Outline, type: str) -> Rules:
        return self._rules(root, [_base(type)], type, type) or Rules(type)

    def use(self, definition: Mapping[str, Any], root: Outline) -> Use:
        """Where the extensions of a definition may stand."""
        inside = root.child("extension")
        return Use(
            tuple(
                (str(one.get("type")), str(one.get("expression"))) for one in definition.get("context", ())
            ),
            tuple(definition.get("contextInvariant", ())),
            root.own.get("isModifier") is True,
            frozenset(
                url
                for one in (inside.slices if inside is not None else ())
                if (url := url_of(one, self._inside)) is not None
            ),
        )

    def _rules(self, part: Outline, known: Sequence[Outline], type: str, path: str) -> Rules | None:
        """What an element says beyond each of `known`; `type`: that of its items, as its children are looked up."""
        if "." in path:
            known = [*known, *self._profiled(part)]
        own, others = part.own, [one.own for one in known]
        types = None
        targets: tuple[str, ...] = ()
        if "." in path and self._is_asked(part) and types_of(own) not in [types_of(one) for one in others]:
            types, targets = self._types(own, others)
        rules = Rules(
            path,
            types,
            targets,
            value_in(own) if raw_value(own) not in [raw_value(one) for one in others] else None,
            self._binding(own, others),
            limits_in(own, others),
            self._constraints(part, others, type),
            tuple(
                field
                for child in part.children
                if (field := self._field(child, known, type, path)) is not None
            ),
            aggregation_in(own) if aggregation_in(own) not in map(aggregation_in, others) else frozenset(),
        )
        return None if rules == Rules(path) else rules

    def _profiled(self, part: Outline) -> list[Outline]:
        """What the profile of an element's type says: its items are judged by that, so it need not be said again."""
        types = part.own.get("type") or [{}]
        profiles = types[0].get("profile") or []
        if len(types) != 1 or len(profiles) != 1:
            return []
        root = self._root(self._pinned(profiles[0]))
        return [] if root is None else [root]

    def _is_asked(self, part: Outline) -> bool:
        """Whether the profile of an item's type is this profile's to ask for.

        Every extension is judged by its own definition anyway; of those with several, this profile means one.
        """
        if part.name not in _EXTENSIONS:
            return True
        profiles = [one for type_ in part.own.get("type", ()) for one in type_.get("profile", ())]
        return any(
            len(self._registry.versions("StructureDefinition", one.partition("|")[0])) > 1 for one in profiles
        )

    def _field(self, part: Outline, known: Sequence[Outline], parent: str, path: str) -> Field | None:
        name = part.name.removesuffix(CHOICE)
        elements = tuple(R4.alternatives(parent, name))
        if not elements:
            return None
        here = f"{path}.{part.name}"
        below = [found for one in known if (found := _down(one, part.name, parent)) is not None]
        type_ = _type_of(part, elements)
        rules = self._rules(part, below, type_, here)
        slicing = self._slicing(part, below, elements, here)
        least = max((one.own.get("min", 0) for one in below), default=0)
        most = [one.own.get("max", "*") for one in below]
        min_ = part.own.get("min", 0)
        max_ = part.own.get("max", "*")
        field = Field(
            name,
            here,
            by_key(parent, name),
            min_ if min_ > least else 0,
            None if max_ in {"*", *most} else int(max_),
            f"{min_}..{max_}",
            rules,
            slicing,
        )
        return field if field.min or field.max is not None or rules or slicing else None

    def _types(
        self, own: Tree, others: Sequence[Tree]
    ) -> tuple[Mapping[str, tuple[str, ...]] | None, tuple[str, ...]]:
        types: dict[str, tuple[str, ...]] = {}
        targets: list[str] = []
        for type_ in own.get("type", ()):
            code = type_of_profile(str(type_.get("code", "")))
            if "://" in code:
                continue
            profiles = tuple(self._pinned(one) for one in type_.get("profile", ()))
            types[code] = (*types.get(code, ()), *profiles)
            targets += [self._pinned(one) for one in type_.get("targetProfile", ())]
        sames = [{type_of_profile(str(t.get("code", ""))) for t in one.get("type", ())} for one in others]
        if types.keys() in sames and not any(types.values()):
            types = {}
        bases = [set(targets_in(one)) for one in others]
        if {one.partition("|")[0] for one in targets} in bases or CORE + "Resource" in targets:
            targets = []
        return types or None, tuple(targets)

    def _pinned(self, canonical: str, kind: str = "StructureDefinition") -> str:
        return pinned(canonical, self._version, self._registry, kind)

    def _binding(self, own: Tree, others: Sequence[Tree]) -> Binding | None:
        said = binding_in(own)
        if said is None or said in [binding_in(one) for one in others]:
            return None
        strength, value_set, maximum = said
        if strength not in {"required", "extensible", "preferred"}:
            return None
        return Binding(
            cast(Strength, strength),
            self._pinned(value_set, "ValueSet"),
            self._pinned(maximum, "ValueSet") if maximum else "",
        )

    def _constraints(self, part: Outline, others: Sequence[Tree], type: str) -> tuple[Constraint, ...]:
        known = {
            (one.get("key"), one.get("expression")) for other in others for one in other.get("constraint", ())
        }
        found = []
        for one in part.own.get("constraint", ()):
            key = one.get("key")
            if (key, one.get("expression")) in known or key in _EVERYWHERE or is_of_base(one.get("source")):
                continue
            if part.name in _EXTENSIONS and part.slice:
                continue  # those of the extension's own definition, which every extension is judged by
            constraint = constraint_of(one, type)
            form = NATIONAL.get(constraint.expression)
            found.append(constraint if form is None else replace(constraint, form=form))
        return tuple(found)

    def _slicing(
        self, part: Outline, known: Sequence[Outline], elements: tuple[Element, ...], path: str
    ) -> Slicing | None:
        if not part.slices:
            return None
        spec = part.own.get("slicing", {})
        discriminators = [
            (str(one.get("type", "value")), str(one.get("path", "$this")))
            for one in spec.get("discriminator", ())
        ]
        if not discriminators and part.name in _EXTENSIONS:
            discriminators = [("value", "url")]
        elif not discriminators and part.name.endswith(CHOICE):
            discriminators = [("type", "$this")]
        paths = [(kind, steps_of(path)) for kind, path in discriminators]
        closed, ordered = spec.get("rules") == "closed", spec.get("ordered") is True
        at_end = spec.get("rules") == "openAtEnd"
        above = [*known, part]
        slices = [self._slice(one, part, above, elements, paths, path) for one in part.slices]
        rest = next((one for one in slices if one.name == _DEFAULT), None)
        slices = [one for one in slices if one.name != _DEFAULT]
        if not (closed or ordered or at_end or rest):
            slices = [one for one in slices if one.min or one.max is not None or one.rules or one.slicing]
            if not slices:
                return None
        return Slicing(
            closed,
            at_end,
            ordered,
            tuple(in_reach(steps) for _, steps in paths if steps is not None),
            keys_of(paths, slices, elements),
            tuple(slices),
            codings_of(slices),
            self._urls(part, slices) if discriminators == [("value", "url")] else None,
            rest,
        )

    def _slice(
        self,
        one: Outline,
        part: Outline,
        above: Sequence[Outline],
        elements: tuple[Element, ...],
        paths: Sequence[tuple[str, tuple[Step, ...] | None]],
        path: str,
    ) -> Slice:
        here = f"{path}:{one.slice}"
        known = [
            same for other in above if (same := find_slice(other, one.slice)) is not None and same is not one
        ]
        rules = self._rules(one, [*above, *known], _type_of(one, elements), here)
        tests: list[Test] = []
        for kind, steps in paths:
            test = None if steps is None else test_of(kind, steps, one, self._inside, conforms_to)
            if test is None:
                tests = []
                break
            tests.append(test)
        if len(tests) == len(paths):
            rules = without_tested(rules, paths)
        max_, min_ = one.own.get("max", "*"), one.own.get("min", 0)
        return Slice(
            one.slice,
            here,
            tuple(tests),
            min_ if min_ > max((same.own.get("min", 0) for same in known), default=0) else 0,
            None
            if max_ in {"*", part.own.get("max", "*"), *(same.own.get("max") for same in known)}
            else int(max_),
            f"{one.own.get('min', 0)}..{max_}",
            rules,
            self._slicing(one, above, elements, here),
        )

    def _urls(self, part: Outline, slices: Sequence[Slice]) -> Mapping[str, int] | None:
        urls = {one.slice: url_of(one, self._inside) for one in part.slices}
        found = {urls[one.name]: number for number, one in enumerate(slices)}
        return None if None in found or len(found) != len(slices) else cast(Mapping[str, int], found)

    def _inside(self, part: Outline) -> list[Outline]:
        """The children of an element: its own, or those of the profile of its type."""
        if part.children:
            return part.children
        for type_ in part.own.get("type", ()):
            for profile in type_.get("profile", ()):
                root = self._root(self._pinned(str(profile)))
                return [] if root is None else root.children
        return []

    def _root(self, canonical: str) -> Outline | None:
        """The elements of another profile, where it is known and right."""
        if canonical not in self._roots:
            definition = definition_of(canonical, self._registry)
            try:
                self._roots[canonical] = None if definition is None else whole(definition, self._registry)
            except BadDefinition:
                self._roots[canonical] = None
        return self._roots[canonical]


def _down(known: Outline, name: str, parent: str) -> Outline | None:
    """The same element in what is known: where that is folded, in the type."""
    found = known.child(name)
    if found is None and not known.children:
        root, *rest = parent.split(".")
        part: Outline | None = _base(root)
        for step in rest:
            part = part.child(step) if part is not None else None
        found = part.child(name) if part is not None else None
    return found


def _type_of(part: Outline, elements: tuple[Element, ...]) -> str:
    """The type of an element's items, `Element` where there are several."""
    codes = {type_of_profile(str(type_.get("code", ""))) for type_ in part.own.get("type", ())}
    found = {element.type for element in elements}
    if len(found) == 1:
        (only,) = found
        if only == "Resource" and len(codes) == 1 and codes <= resource_types():
            return codes.pop()
        return only
    narrowed = found & codes
    return narrowed.pop() if len(narrowed) == 1 else "Element"
