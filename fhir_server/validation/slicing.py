"""Which slice each item is of, and whether the slices have as many items, in such an order, as their profile says.

https://hl7.org/fhir/R4/profiling.html#slicing
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from fhir_server.fhirpath.values import Node
from fhir_server.validation.judging import Judging
from fhir_server.validation.profile_rules import Rules, Slice, Slicing

# Judges an item by rules, and says what is wrong.
Judge = Callable[[Rules, Node, Judging], None]
# Whether an item keeps rules, nothing said.
Keeps = Callable[[Rules | None, Node, Judging], bool]


def judge_slices(
    slicing: Slicing, items: Sequence[Node], around: Node, judging: Judging, judge: Judge, keeps: Keeps
) -> None:
    """Judge items by their slices. `around`: the node that they are children of."""
    counts = [0] * len(slicing.slices)
    found = [_slice_of(slicing, item, counts, judging, keeps) for item in items]
    _order(slicing, found, items, judging)
    for number, one in enumerate(slicing.slices):
        mine = [item for item, index in zip(items, found, strict=True) if index == number]
        _slice(one, mine, around, judging, judge, keeps)
    left = [item for item, index in zip(items, found, strict=True) if index is None]
    if slicing.rest is not None:
        _slice(slicing.rest, left, around, judging, judge, keeps)
    elif slicing.closed:
        names = ", ".join(one.name for one in slicing.slices)
        for item in left:
            judging.say(
                "structure",
                f"This item is of none of the slices that the profile allows here: {names}",
                f"Cet élément n'entre dans aucune des tranches que le profil admet ici : {names}",
                item,
            )


def _slice(
    one: Slice, items: Sequence[Node], around: Node, judging: Judging, judge: Judge, keeps: Keeps
) -> None:
    count = len(items)
    if count < one.min:
        judging.say(
            "required" if not count else "structure",
            f"'{one.path}' is required ({one.range}): there are {count} items of slice '{one.name}'",
            f"« {one.path} » est obligatoire ({one.range}) : il y a {count} élément de la tranche « {one.name} »",
            around,
        )
    elif one.max is not None and count > one.max:
        judging.say(
            "structure",
            f"'{one.path}' may appear {one.max} times at most: there are {count} items of slice '{one.name}'",
            f"« {one.path} » apparaît au plus {one.max} fois : il y a {count} éléments de la tranche « {one.name} »",
            around,
        )
    if one.rules is not None:
        for item in items:
            judge(one.rules, item, judging)
    if one.slicing is not None:
        judge_slices(one.slicing, items, around, judging, judge, keeps)


def _slice_of(slicing: Slicing, item: Node, counts: list[int], judging: Judging, keeps: Keeps) -> int | None:
    """The number of the slice that takes an item: the first whose tests it passes, if possible one that is not full."""
    if slicing.urls is not None:
        url = item.inside.get("url")
        return slicing.urls.get(url) if isinstance(url, str) else None
    reached = [reach(item, judging) for reach in slicing.reaches]
    full: int | None = None
    for number, one in enumerate(slicing.slices):
        judging.charge()
        if one.tests:
            mine = all(test.holds(nodes, judging) for test, nodes in zip(one.tests, reached, strict=True))
        else:
            mine = keeps(one.rules, item, judging)
        if mine and (one.max is None or counts[number] < one.max):
            counts[number] += 1
            return number
        if mine and full is None:
            full = number
    return full


def _order(slicing: Slicing, found: Sequence[int | None], items: Sequence[Node], judging: Judging) -> None:
    last, ended = -1, False
    for index, item in zip(found, items, strict=True):
        if index is None:
            ended = True
            continue
        if slicing.at_end and ended:
            judging.say(
                "structure",
                "Items that are of no slice come after all others here",
                "Les éléments hors tranche viennent ici après tous les autres",
                item,
            )
        if slicing.ordered and index < last:
            judging.say(
                "structure",
                "The items stand in the order of the profile's slices here: this one comes too late",
                "Les éléments suivent ici l'ordre des tranches du profil : celui-ci vient trop tard",
                item,
            )
        last = max(last, index)
