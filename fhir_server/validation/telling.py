"""What is known of slices before any item is seen: how they are told apart by values alone, and what need not be asked.

https://hl7.org/fhir/R4/profiling.html#discriminator
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from fhir_server.definitions.model import R4
from fhir_server.fhirpath.values import Element
from fhir_server.validation.profile_rules import Field, Rules, Slice, Slicing
from fhir_server.validation.reach import Step

# The slice of an item of JSON, from how many items each slice has by now; None: it is of none.
Tell = Callable[[Any, Sequence[int]], int | None]


def keys_of(
    paths: Sequence[tuple[str, tuple[Step, ...] | None]],
    slices: Sequence[Slice],
    elements: tuple[Element, ...],
) -> tuple[tuple[str, ...], ...] | None:
    """The discriminators' paths as JSON properties, where there is one way to go, and values alone decide."""
    if len(elements) != 1 or not all(
        one.tests and all(test.fits is not None for test in one.tests) for one in slices
    ):
        return None
    found: list[tuple[str, ...]] = []
    for _, steps in paths:
        keys: list[str] = []
        type_ = elements[0].type
        for kind, name in steps or ():
            below = R4.alternatives(type_, name)
            if kind != "name" or len(below) != 1:
                return None
            keys.append(below[0].key)
            type_ = below[0].type
        found.append(tuple(keys))
    return tuple(found)


def codings_of(slices: Sequence[Slice]) -> Mapping[tuple[str, str], tuple[int, ...]] | None:
    """System and code → the slices whose items must have this coding, where each slice asks for one."""
    found: dict[tuple[str, str], tuple[int, ...]] = {}
    for number, one in enumerate(slices):
        coding = one.tests[0].coding if len(one.tests) == 1 else None
        if coding is None:
            return None
        found[coding] = (*found.get(coding, ()), number)
    return found


def without_tested(rules: Rules | None, paths: Sequence[tuple[str, tuple[Step, ...] | None]]) -> Rules | None:
    """The rules of a slice without the values that an item must have to be of the slice at all."""
    for kind, steps in paths:
        if rules is None or kind not in {"value", "pattern"} or steps is None or len(steps) > 1:
            continue
        if not steps:
            rules = replace(rules, value=None)
        elif steps[0][0] == "name":
            rules = replace(
                rules,
                fields=tuple(
                    _without_value(field) if field.name == steps[0][1] else field for field in rules.fields
                ),
            )
    return None if rules is None or rules == Rules(rules.path) else rules


def _without_value(field: Field) -> Field:
    if field.rules is None or any(element.array for element in field.keys.values()):
        return field
    rules = replace(field.rules, value=None)
    return replace(field, rules=None if rules == Rules(rules.path) else rules)


def told_by_values(slicing: Slicing) -> Tell | None:
    """What tells the slice of an item by its values, as `slicing` does by its nodes; None: values alone do not tell.

    It is the first that the item fits in, if possible one that is not full.
    """
    if slicing.keys is None:
        return None
    if slicing.urls is not None:
        of_url = slicing.urls.get
        return lambda item, _counts: of_url(item.get("url"))
    reaches = [_reach(keys) for keys in slicing.keys]
    slices, codings = slicing.slices, slicing.codings
    tests = [
        [(place, fits) for place, test in enumerate(one.tests) for fits in test.fits or ()] for one in slices
    ]

    def tell(item: Any, counts: Sequence[int]) -> int | None:
        reached = [reach(item) for reach in reaches]
        full: int | None = None
        for number in range(len(slices)) if codings is None else _with_codings(codings, reached[0]):
            for place, fits in tests[number]:
                if not any(map(fits, reached[place])):
                    break
            else:
                most = slices[number].max
                if most is None or counts[number] < most:
                    return number
                full = number if full is None else full
        return full

    return tell


def _with_codings(
    codings: Mapping[tuple[str, str], tuple[int, ...]], concepts: Sequence[Any]
) -> Sequence[int]:
    """The slices that an item may be of by its codes."""
    found: list[int] = []
    for concept in concepts:
        for coding in concept.get("coding", ()):
            found += codings.get((coding.get("system"), coding.get("code")), ())
    return sorted(found) if len(found) > 1 else found


def _reach(keys: Sequence[str]) -> Callable[[Any], Sequence[Any]]:
    """What gives the values where a path of JSON properties ends."""
    if not keys:
        return lambda item: (item,)
    if len(keys) == 1:
        return partial(_under, keys[0])

    def reach(item: Any) -> Sequence[Any]:
        found: Sequence[Any] = (item,)
        for key in keys:
            found = [below for one in found for below in _under(key, one)]
        return found

    return reach


def _under(key: str, item: Any) -> Sequence[Any]:
    value = item.get(key) if type(item) is dict else None
    if type(value) is list:
        return value
    return () if value is None else (value,)
