"""What of an item has surely nothing wrong: asked of JSON itself, before the walk that can tell what is wrong.

Most of a resource keeps its profile in the plainest way, and is done with here: no node is made, no place is known.
What is `Left` is for the slow walk (`profiled`), and so is always what is rare: what stands beside primitives, limits,
what references lead to, slices in an order.

https://hl7.org/fhir/R4/profiling.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

from fhir_server.fhirpath.values import Element, Node
from fhir_server.validation.coded import is_bound
from fhir_server.validation.judging import Judging

_OBJECTS: Final = frozenset({dict})
# What is asked of an object that has nothing of a choice.
_NOTHING: Final = ("", "", Element("", "", "", array=False, choice=True, primitive=False))

if TYPE_CHECKING:
    from fhir_server.validation.profile_rules import Field, Rules, Slice, Slicing


@dataclass(slots=True, eq=False)
class Left:
    """What is left to be judged: an item by all its `rules` or only by what they say of the item `itself`, the items
    of a field, or only their slices. `steps` lead to the item from the one that was asked about, the last one first.
    """

    kind: Literal["item", "itself", "field", "slices"]
    rules: Rules | None = None
    inside: tuple[str, list[Left]] | None = None  # the profile of the item's type, and what is left by that
    sure: bool = False  # whether nothing but that is left of the item itself
    below: Field | None = None
    steps: list[tuple[Element, int | None, Any]] = field(default_factory=list)

    def node(self, node: Node) -> Node:
        """The item, from the node of the one that was asked about."""
        for element, index, value in reversed(self.steps):
            node = Node(value, element.type, node, element, index)
        return node


def look_at(rules: Rules, value: Any, type_: str, judging: Judging, left: list[Left]) -> None:
    """Add what is left of an item of a type, which has nothing beside it."""
    if rules.types is not None and type_ not in rules.types:
        left.append(Left("item", rules))
        return
    if rules.itself:
        profiles = rules.types[type_] if rules.types is not None else ()
        inside = _left_by(profiles[0], value, type_, judging) if profiles else None
        sure = _surely_right(rules, value, type_, judging)
        if inside is not None or not sure:
            left.append(Left("itself", rules, inside, sure))
    if rules.fields:
        _look_inside(rules.fields, value if type(value) is dict else {}, judging, left)


def _look_inside(fields: Sequence[Field], holder: dict[str, Any], judging: Judging, left: list[Left]) -> None:
    """Add what is left of all that an object holds."""
    for one in fields:
        only = one.only if one.only is not None else _chosen(one, holder)
        if only is None or (only[1] and only[1] in holder):
            left.append(Left("field", below=one))
            continue
        key, _, element = only
        value = holder.get(key)
        if value is None:
            if one.needed:
                left.append(Left("field", below=one))
        elif type(value) is list:
            _look_at_several(one, value, element, judging, left)
        elif not one.alone:
            left.append(Left("field", below=one))
        elif not one.bare:
            if element.type == "Resource" or not (element.primitive or type(value) is dict):
                left.append(Left("field", below=one))
                continue
            if one.rules is not None:
                before = len(left)
                look_at(one.rules, value, element.type, judging, left)
                if len(left) > before:
                    _lead(left, before, (element, None, value))
            if one.slicing is not None:
                _look_at_slicing(one, one.slicing, (value,), element, judging, left)


def _surely_right(rules: Rules, value: Any, type_: str, judging: Judging) -> bool:
    """Of the item itself, what is inside it aside."""
    if rules.value is not None and not rules.value.fits(value):
        return False
    if rules.limits is not None or ((rules.targets or rules.aggregation) and type_ == "Reference"):
        return False
    for constraint in rules.constraints:
        if constraint.form is None or type(value) is not dict or not constraint.form(value):
            return False
    return rules.binding is None or is_bound(rules.binding, value, type_, judging)


def _left_by(canonical: str, value: Any, type_: str, judging: Judging) -> tuple[str, list[Left]] | None:
    """What is left of an item by the profile of its type; None: nothing is, and that is known."""
    meant = judging.library.meant(canonical)[0]
    known = judging.known.get((id(value), meant))
    if known is not None:
        return (meant, []) if known else None
    rules = judging.library.rules_for(meant, type_)
    if rules is None:
        return meant, []
    left: list[Left] = []
    look_at(rules, value, type_, judging, left)
    if left:
        return meant, left
    judging.know(value, meant, [])
    return None


def _look_at_several(
    one: Field, items: list[Any], element: Element, judging: Judging, left: list[Left]
) -> None:
    """Add what is left of the items of an array."""
    count = len(items)
    if None in items or count < one.min or (one.max is not None and count > one.max):
        left.append(Left("field", below=one))
        return
    if one.bare:
        return
    judging.charge(count)
    if element.type == "Resource" or not (element.primitive or _OBJECTS.issuperset(map(type, items))):
        left.append(Left("field", below=one))
        return
    rules = one.rules
    if rules is not None:
        type_ = element.type
        before = len(left)
        for index, item in enumerate(items):
            look_at(rules, item, type_, judging, left)
            if len(left) > before:
                before = _lead(left, before, (element, index, item))
    if one.slicing is not None:
        _look_at_slicing(one, one.slicing, items, element, judging, left)


def _lead(left: list[Left], before: int, step: tuple[Element, int | None, Any]) -> int:
    """Lead to what is left from one step further out. Gives how much it is by now."""
    for one in left[before:]:
        one.steps.append(step)
    return len(left)


def _chosen(one: Field, holder: dict[str, Any]) -> tuple[str, str, Element] | None:
    """The property that an object has of a choice, any where it has none; None: it has two, or one beside a value."""
    found: tuple[str, str, Element] | None = None
    for key in holder:
        element = one.keys.get(key)
        if element is not None:
            if found is not None:
                return None
            found = key, f"_{key}", element
        elif key[:1] == "_" and key[1:] in one.keys:
            return None
    return found or _NOTHING


def _look_at_slicing(
    field: Field, slicing: Slicing, items: Sequence[Any], element: Element, judging: Judging, left: list[Left]
) -> None:
    before = len(left)
    if not _look_at_slices(slicing, items, element, judging, left):
        del left[before:]
        left.append(Left("slices", below=field))


def _look_at_slices(
    slicing: Slicing, items: Sequence[Any], element: Element, judging: Judging, left: list[Left]
) -> bool:
    """Add what is left of the items by their slices; no: which slices they are of is for the slow walk to tell."""
    if slicing.keys is None or slicing.ordered or slicing.at_end or slicing.rest is not None:
        return False
    slices = slicing.slices
    judging.charge(len(items) * len(slices))
    mine: dict[int, list[int]] = {}
    for index, item in enumerate(items):
        number = _slice_of(slicing, item, mine)
        if number is not None:
            mine.setdefault(number, []).append(index)
        elif slicing.closed:
            return False
    for number in slicing.least:
        if number not in mine or len(mine[number]) < slices[number].min:
            return False
    several = type(items) is list
    for number in sorted(mine) if len(mine) > 1 else mine:
        one, taken = slices[number], mine[number]
        if one.slicing is not None or (one.max is not None and len(taken) > one.max):
            return False
        if one.rules is not None:
            before = len(left)
            for index in taken:
                look_at(one.rules, items[index], element.type, judging, left)
                if len(left) > before:
                    before = _lead(left, before, (element, index if several else None, items[index]))
    return True


def _slice_of(slicing: Slicing, item: Any, mine: Mapping[int, list[int]]) -> int | None:
    """As `slicing` tells it: the first that an item fits in, if possible one that is not full."""
    if slicing.urls is not None:
        return slicing.urls.get(item.get("url"))
    reached = [_under(item, keys) for keys in slicing.keys or ()]
    full: int | None = None
    for number in _candidates(slicing, reached):
        one = slicing.slices[number]
        if _fits(one, reached):
            if one.max is None or len(mine.get(number, ())) < one.max:
                return number
            full = number if full is None else full
    return full


def _candidates(slicing: Slicing, reached: Sequence[Sequence[Any]]) -> Sequence[int]:
    """The slices that an item may be of, by its codes where they tell."""
    if slicing.codings is None:
        return range(len(slicing.slices))
    found: list[int] = []
    for concept in reached[0]:
        for coding in concept.get("coding", ()):
            found += slicing.codings.get((coding.get("system"), coding.get("code")), ())
    if len(found) > 1:
        found.sort()
    return found


def _fits(one: Slice, reached: Sequence[Sequence[Any]]) -> bool:
    for test, values in zip(one.tests, reached, strict=True):
        for fits in test.fits or ():
            if not any(map(fits, values)):
                return False
    return True


def _under(item: Any, keys: Sequence[str]) -> Sequence[Any]:
    """The values where a path of JSON properties ends."""
    found = [item]
    for key in keys:
        below: list[Any] = []
        for one in found:
            value = one.get(key) if type(one) is dict else None
            if type(value) is list:
                below += value
            elif value is not None:
                below.append(value)
        found = below
    return found
