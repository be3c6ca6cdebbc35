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
from fhir_server.validation.coded import code_in
from fhir_server.validation.judging import Judging
from terminology.membership import Code, Held

_OBJECTS: Final = frozenset({dict})
# What is asked of an object that has nothing of a choice.
_NOTHING: Final = ("", "", Element("", "", "", array=False, choice=True, primitive=False))

if TYPE_CHECKING:
    from fhir_server.validation.profile_rules import Binding, Field, Rules, Slice, Slicing


@dataclass(slots=True, eq=False)
class Left:
    """What is left to be judged: an item by all its `rules` or only by what they say of the item `itself`, the items
    of a field, or only their slices. `steps` lead to the item from the one that was asked about, the last one first.
    """

    kind: Literal["item", "itself", "field", "slices"]
    rules: Rules | None = None
    inside: tuple[str, list[Left]] | None = None  # the profile of the item's type, and what is left by that
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
        if inside is not None or not _surely_right(rules, value, type_, judging):
            left.append(Left("itself", rules, inside))
    if rules.fields:
        holder = value if type(value) is dict else {}
        for one in rules.fields:
            only = one.only
            if only is not None and only[1] not in holder:
                found = holder.get(only[0])
                if found is None:
                    if not one.needed:
                        continue
                elif one.presence:
                    continue
            _look_under(one, holder, judging, left)


def _surely_right(rules: Rules, value: Any, type_: str, judging: Judging) -> bool:
    """Of the item itself, what is inside it aside."""
    if rules.value is not None and not rules.value.fits(value):
        return False
    if rules.limits is not None or (rules.targets and type_ == "Reference"):
        return False
    for constraint in rules.constraints:
        if constraint.form is None or type(value) is not dict or not constraint.form(value):
            return False
    return rules.binding is None or _is_bound(rules.binding, value, type_, judging)


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


def _is_bound(binding: Binding, value: Any, type_: str, judging: Judging) -> bool:
    """Whether a code is of the value set."""
    within = judging.world.codes.within
    if type(value) is str:
        return within(binding.value_set, Code(None, value)) is Held.YES
    if type(value) is not dict:
        return False
    for coding in value.get("coding", ()) if type_ == "CodeableConcept" else (value,):
        code = code_in(coding)
        if code is not None and within(binding.value_set, code) is Held.YES:
            return True
    return False


def _look_under(one: Field, holder: dict[str, Any], judging: Judging, left: list[Left]) -> None:
    """Add what is left of all that an object has under one name."""
    only = one.only if one.only is not None else _chosen(one, holder)
    if only is None:
        left.append(Left("field", below=one))
        return
    key, beside, element = only
    value = holder.get(key)
    if value is None or beside in holder:
        if one.needed or beside in holder:
            left.append(Left("field", below=one))
        return
    several = type(value) is list
    if several and None in value:
        left.append(Left("field", below=one))
        return
    items = value if several else (value,)
    count = len(items)
    if count < one.min or (one.max is not None and count > one.max):
        left.append(Left("field", below=one))
        return
    rules, slicing = one.rules, one.slicing
    if rules is None and slicing is None:
        return
    judging.charge(count)
    if element.type == "Resource" or not (element.primitive or set(map(type, items)) <= _OBJECTS):
        left.append(Left("field", below=one))
        return
    if rules is not None:
        for index, item in enumerate(items):
            before = len(left)
            look_at(rules, item, element.type, judging, left)
            for that in left[before:] if len(left) > before else ():
                that.steps.append((element, index if several else None, item))
    if slicing is not None:
        before = len(left)
        if not _look_at_slices(slicing, items, element, several, judging, left):
            del left[before:]
            left.append(Left("slices", below=one))


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


def _look_at_slices(
    slicing: Slicing,
    items: Sequence[Any],
    element: Element,
    several: bool,
    judging: Judging,
    left: list[Left],
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
        if len(mine.get(number, ())) < slices[number].min or number not in mine:
            return False
    for number in sorted(mine) if len(mine) > 1 else mine:
        one, taken = slices[number], mine[number]
        if one.slicing is not None or (one.max is not None and len(taken) > one.max):
            return False
        if one.rules is not None:
            for index in taken:
                before = len(left)
                look_at(one.rules, items[index], element.type, judging, left)
                for that in left[before:] if len(left) > before else ():
                    that.steps.append((element, index if several else None, items[index]))
    return True


def _slice_of(slicing: Slicing, item: Any, mine: Mapping[int, list[int]]) -> int | None:
    """As `slicing` tells it: the first that an item fits in, if possible one that is not full."""
    if slicing.urls is not None:
        return slicing.urls.get(item.get("url"))
    if slicing.codings is not None and slicing.keys:
        return _slice_of_coding(slicing, slicing.codings, item, mine)
    reached = [_under(item, keys) for keys in slicing.keys or ()]
    full: int | None = None
    for number, one in enumerate(slicing.slices):
        if _fits(one, reached):
            if one.max is None or len(mine.get(number, ())) < one.max:
                return number
            full = number if full is None else full
    return full


def _slice_of_coding(
    slicing: Slicing, codings: Mapping[tuple[str, str], int], item: Any, mine: Mapping[int, list[int]]
) -> int | None:
    """The same where codes tell the slices apart."""
    found: list[int] = []
    for concept in _under(item, (slicing.keys or ((),))[0]):
        for coding in concept.get("coding", ()):
            number = codings.get((coding.get("system"), coding.get("code")))
            if number is not None:
                found.append(number)
    if len(found) > 1:
        found.sort()
    for number in found:
        most = slicing.slices[number].max
        if most is None or len(mine.get(number, ())) < most:
            return number
    return found[0] if found else None


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
