"""The concepts that the filters of a value set let through.

https://hl7.org/fhir/R4/valueset-filter-operator.html · https://hl7.org/fhir/R4/codesystem.html#defined-props
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final
from weakref import WeakKeyDictionary

from terminology.errors import NotExpandable
from terminology.large import Filter
from terminology.patience import Patience
from terminology.pattern_syntax import BadPattern
from terminology.patterns import pattern_of
from terminology.systems import Concept, System

_OWN: Final = frozenset({"code", "concept", "display", "definition", "parent", "child"})
_RELATIONS: Final = frozenset({"is-a", "descendent-of", "is-not-a", "generalizes"})
_LONGEST_PATTERN: Final = 500  # characters
_MOST_STEPS: Final = 1_000_000  # of the machine that follows a regular expression, in one filter

_KEPT: Final = 64  # sets of filters of one code system
_passing: WeakKeyDictionary[System, dict[tuple[Filter, ...], frozenset[str]]] = WeakKeyDictionary()

Judge = Callable[[Sequence[str]], bool]


def filtered(system: System, filters: Iterable[Filter], patience: Patience | None = None) -> list[Concept]:
    """Those that pass all filters, in the order of the code system. Raises `NotExpandable`, `TooLong`."""
    found = list(system.concepts.values())
    for one in filters:
        if patience is not None:
            patience.look()
        related = _related(system, one)
        if related is not None:
            found = [concept for concept in found if concept.code in related]
        else:
            judge = judge_of(one, system.declared, system.url)
            found = [concept for concept in found if judge(_values(system, concept, one.property))]
    return found


def passing(system: System, filters: tuple[Filter, ...], patience: Patience | None = None) -> frozenset[str]:
    """The codes of those that pass all filters. What was found last is kept. Raises as `filtered` does."""
    kept = _passing.setdefault(system, {})
    found = kept.get(filters)  # taken out once: another thread may clear what is kept at any time
    if found is None:
        found = frozenset(concept.code for concept in filtered(system, filters, patience))
        if len(kept) >= _KEPT:
            kept.clear()
        kept[filters] = found
    return found


def judge_of(one: Filter, declared: frozenset[str], url: str) -> Judge:
    """Whether the values of a property are as a filter wants them. Raises `NotExpandable`."""
    value = one.value
    if one.property not in _OWN and one.property not in declared:
        raise NotExpandable(
            f"{url} has no property '{one.property}'", f"{url} n'a pas de propriété « {one.property} »"
        )
    match one.op:
        case "=":
            return lambda values: value in values
        case "in" | "not-in":
            wanted = {part.strip() for part in value.split(",")}
            return lambda values: wanted.isdisjoint(values) is (one.op == "not-in")
        case "exists":
            if value not in {"true", "false"}:
                raise NotExpandable(
                    "the value of 'exists' is true or false", "la valeur de « exists » est true ou false"
                )
            return lambda values: bool(values) is (value == "true")
        case "regex":
            fits = _regex(value)
            return lambda values: any(map(fits, values))
        case _:
            raise NotExpandable(
                f"the filter '{one.op}' is not one of R4", f"le filtre « {one.op} » n'est pas de R4"
            )


def _related(system: System, one: Filter) -> frozenset[str] | None:
    """Those that stand in a relation to the concept `value`; None for a filter of another kind."""
    if one.op not in _RELATIONS:
        return None
    if one.property not in {"concept", "code", "parent"}:
        raise NotExpandable(
            f"'{one.op}' is not about the property '{one.property}'",
            f"« {one.op} » ne porte pas sur la propriété « {one.property} »",
        )
    concept = system.find(one.value)
    if concept is None:
        raise NotExpandable(
            f"'{one.op}' names a concept that {system.url} does not have",
            f"« {one.op} » nomme un concept que {system.url} n'a pas",
        )
    if one.op == "generalizes":
        return frozenset(system.above(concept.code))
    below = frozenset(system.below(concept.code))
    if one.op == "is-a":
        return below
    return below - {concept.code} if one.op == "descendent-of" else frozenset(system.concepts) - below


def _regex(text: str) -> Callable[[str], bool]:
    if len(text) > _LONGEST_PATTERN:
        raise NotExpandable("a regular expression is too long", "une expression régulière est trop longue")
    try:
        pattern = pattern_of(text)
    except BadPattern:
        raise NotExpandable(
            "a regular expression cannot be understood", "une expression régulière n'est pas comprise"
        ) from None
    left = _MOST_STEPS

    def charge(steps: int) -> None:
        nonlocal left
        left -= steps
        if left < 0:
            raise NotExpandable(
                "a regular expression costs too much here", "une expression régulière coûte trop cher ici"
            )

    return lambda value: pattern.fits(value, charge)


def _values(system: System, concept: Concept, property: str) -> Sequence[str]:
    match property:
        case "parent":
            return system.parents(concept.code)
        case "child":
            return system.children(concept.code)
        case _:
            return told_by(concept, property)


def told_by(concept: Concept, property: str) -> Sequence[str]:
    """What a concept says of itself: its code, its texts, or the values of a property."""
    match property:
        case "code" | "concept":
            return (concept.code,)
        case "display":
            return (concept.display,) if concept.display else ()
        case "definition":
            return (concept.tree["definition"],) if "definition" in concept.tree else ()
        case _:
            return concept.properties.get(property, ())
