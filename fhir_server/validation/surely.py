"""What of an item has surely nothing wrong: asked of JSON itself, before the walk that can tell what is wrong.

Most of a resource keeps its profile in the plainest way, and is done with here: no node is made, no place is known. So
that it costs little, rules are not read again for every item: a function is written for them when the first item of a
type is met, straight down the properties that they speak of.

What is `Left` is for the slow walk (`profiled`), and so is always what is rare: what stands beside primitives, limits,
what references lead to, slices in an order.

https://hl7.org/fhir/R4/profiling.html
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final, Literal

from fhir_server.fhirpath.values import Element, Node
from fhir_server.validation.coded import is_bound
from fhir_server.validation.judging import Judging
from fhir_server.validation.telling import told_by_values

if TYPE_CHECKING:
    from fhir_server.validation.profile_rules import Field, Look, Rules, Slicing

Step = tuple[Element, int | None, Any]

_MOST_MAKERS: Final = 1000  # most rules are written as others are


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
    steps: list[Step] = field(default_factory=list)

    def node(self, node: Node) -> Node:
        """The item, from the node of the one that was asked about."""
        for element, index, value in reversed(self.steps):
            node = Node(value, element.type, node, element, index)
        return node


def look_at(rules: Rules, value: Any, type_: str, judging: Judging) -> list[Left] | None:
    """What is left of an item of a type, which has nothing beside it; None: nothing is."""
    return (rules.looks.get(type_) or _first(rules, type_))(value, judging)


def left_by(canonical: str, value: Any, type_: str, judging: Judging) -> tuple[str, list[Left]] | None:
    """What is left of an item by the profile of its type; None: nothing is, and that is known."""
    meant = judging.library.meant(canonical)[0]
    known = judging.known.get((id(value), meant))
    if known is not None:
        return (meant, []) if known else None
    rules = judging.library.rules_for(meant, type_)
    if rules is None:
        return meant, []
    left = (rules.looks.get(type_) or _first(rules, type_))(value, judging)
    if left is not None:
        judging.leave(value, meant, left)
        return meant, left
    judging.know(value, meant, [])
    return None


def _first(rules: Rules, type_: str) -> Look:
    """The function for items of a type, which the rules remember from now on."""
    look = rules.looks[type_] = _written(rules, type_)
    return look


# How rules are asked, as a function says it. `{n}` is the number of a field. Whatever a definition says is handed to
# the function as a value, and never becomes a part of its text.
_ITSELF: Final = """
        inside = {inside}
        sure = {sure}
        if inside is not None or not sure:
            left = [Left("itself", rules, inside, sure)]"""
_FIELD: Final = """
        value = node.get(key{n})
        if value is None:
            {missing}
        elif {wrong}:
            left = more(left, field{n})"""
_CHOICE: Final = """
        found = names{n}.intersection(node)
        if not found:
            {missing}
        elif len(found) > 1 or {wrong} or (element := elements{n}.get(key := next(iter(found)))) is None:
            left = more(left, field{n})
        elif (value := node[key]) is None or type(value) is list or (type(value) is dict) is element.primitive:
            left = more(left, field{n})"""
_VALUE: Final = """
        elif not ({sure}):
            left = led(left, [Left("itself", rules{n})], (element{n}, None, value))"""
_NOTHING: Final = "pass"
_MORE: Final = "left = more(left, field{n})"
_BESIDE: Final = "if beside{n} in node: left = more(left, field{n})"
_ITEMS: Final = """
        else:{items}"""
_CHARGE: Final = """
            judging.charge(len(value) * cost{n})"""
_ONE: Final = """
            found = (rules{n}.looks.get(type_{n}) or first(rules{n}, type_{n}))(value, judging)
            if found is not None:
                left = led(left, found, (element{n}, None, value))"""
_CHOSEN: Final = """
            found = (rules{n}.looks.get(element.type) or first(rules{n}, element.type))(value, judging)
            if found is not None:
                left = led(left, found, (element, None, value))"""
_EACH: Final = """
            look = rules{n}.looks.get(type_{n}) or first(rules{n}, type_{n})
            for index, item in enumerate(value):
                found = look(item, judging)
                if found is not None:
                    left = led(left, found, (element{n}, index, item))"""
_SLICES: Final = """
            found = slices{n}({items}, judging)
            if found is not None:
                left = found if left is None else left + found"""


def _written(rules: Rules, type_: str) -> Look:
    """The function that looks at items of a type by rules."""
    if rules.types is not None and type_ not in rules.types:
        return lambda _value, _judging: [Left("item", rules)]
    given: dict[str, Any] = {"rules": rules, "type_": type_}
    lines = [_itself(rules, type_, given)] if rules.itself else []
    if rules.fields:
        lines.append("\n        if type(node) is not dict:\n            node = {}")
    lines += [_field(one, number, given) for number, one in enumerate(rules.fields)]
    look: Look = _maker(tuple(given), "".join(lines))(*given.values())
    return look


@lru_cache(maxsize=_MOST_MAKERS)
def _maker(given: tuple[str, ...], lines: str) -> Callable[..., Look]:
    """What makes a function of the values that are given to it. Rules of the same form share it."""
    names: dict[str, Any] = dict(_NAMES)
    text = f"def make({', '.join(given)}):\n    def look(node, judging):\n        left = None{lines}"
    exec(f"{text}\n        return left\n    return look", names)  # noqa: S102  # nothing of a definition is in it
    make: Callable[..., Look] = names["make"]
    return make


def _itself(rules: Rules, type_: str, given: dict[str, Any]) -> str:
    """What is asked of the item itself: the profile of its type, and what is not inside it."""
    profiles = rules.types[type_] if rules.types is not None else ()
    inside = "None"
    if profiles:
        given["profile"] = profiles[0]
        inside = "left_by(profile, node, type_, judging)"
    return _ITSELF.format(inside=inside, sure=_sure(rules, type_, "node", "", given))


def _sure(rules: Rules, type_: str, item: str, n: int | str, given: dict[str, Any]) -> str:
    """Whether an item surely keeps what is asked of it alone. `item`: its name in the function."""
    if rules.limits is not None or ((rules.targets or rules.aggregation) and type_ == "Reference"):
        return "False"
    sure = []
    if rules.value is not None:
        given[f"fits{n}"] = rules.value.fits
        sure.append(f"fits{n}({item})")
    if rules.constraints:
        sure.append(f"type({item}) is dict")
    for number, constraint in enumerate(rules.constraints):
        given[f"form{n}_{number}"] = constraint.form
        sure.append("False" if constraint.form is None else f"form{n}_{number}({item})")
    if rules.binding is not None:
        given[f"binding{n}"] = rules.binding
        sure.append(f"is_bound(binding{n}, {item}, type_{n}, judging)")
    return " and ".join(sure) or "True"


def _field(one: Field, n: int, given: dict[str, Any]) -> str:
    """What is asked of the items under a name, the n-th of all that rules speak of."""
    given[f"field{n}"], given[f"rules{n}"] = one, one.rules
    if len(one.keys) != 1:
        return _choice(one, n, given)
    ((key, element),) = one.keys.items()
    given |= {f"key{n}": key, f"element{n}": element, f"type_{n}": element.type}
    missing, wrong = _NOTHING, ["type(value) is not list" if element.array else "type(value) is list"]
    if element.primitive:
        given[f"beside{n}"] = f"_{key}"
        missing = _BESIDE.format(n=n)
        wrong.append(f"beside{n} in node")
    if one.needed:
        missing = _MORE.format(n=n)
    if element.array:
        given |= {f"least{n}": one.min, f"most{n}": one.max}
        wrong += ["None in value"] if one.bare or element.primitive else []
        wrong += [f"len(value) < least{n}"] if one.min else []
        wrong += [f"len(value) > most{n}"] if one.max is not None else []
    elif not one.alone:
        wrong.append("True")
    if one.bare:
        return _FIELD.format(n=n, missing=missing, wrong=" or ".join(wrong))
    if element.type == "Resource":
        wrong.append("True")
    elif not element.primitive:
        wrong.append("not are_objects(map(type, value))" if element.array else "type(value) is not dict")
    rules = one.rules
    if not element.array and one.slicing is None and rules is not None and not (rules.types or rules.fields):
        sure = _sure(rules, element.type, "value", n, given)
        return _FIELD.format(n=n, missing=missing, wrong=" or ".join(wrong)) + _VALUE.format(n=n, sure=sure)
    items = ""
    if element.array:
        given[f"cost{n}"] = 1 + (len(one.slicing.slices) if one.slicing is not None else 0)
        items += _CHARGE.format(n=n)
    if rules is not None:
        items += (_EACH if element.array else _ONE).format(n=n)
    if one.slicing is not None:
        given[f"slices{n}"] = _slices(one, one.slicing, element)
        items += _SLICES.format(n=n, items="value" if element.array else "(value,)")
    return _FIELD.format(n=n, missing=missing, wrong=" or ".join(wrong)) + _ITEMS.format(items=items)


def _choice(one: Field, n: int, given: dict[str, Any]) -> str:
    """The same of an element of several types, of which an object has one."""
    given[f"elements{n}"] = one.keys
    given[f"names{n}"] = frozenset(one.keys) | {f"_{key}" for key in one.keys}
    missing = _MORE.format(n=n) if one.needed else _NOTHING
    line = _CHOICE.format(n=n, missing=missing, wrong="False" if one.alone else "True")
    items = "" if one.rules is None else _CHOSEN.format(n=n)
    if one.slicing is not None:
        given[f"slices{n}"] = lambda _items, _judging: [Left("slices", below=one)]  # types tell them apart
        items += _SLICES.format(n=n, items="(value,)")
    return line + _ITEMS.format(items=items) if items else line


Slices = Callable[[Sequence[Any], Judging], list[Left] | None]


def _slices(one: Field, slicing: Slicing, element: Element) -> Slices:
    """What is left of the items of a field by their slices; the slices themselves, where the slow walk has to tell."""
    tell = told_by_values(slicing)
    if tell is None or slicing.ordered or slicing.at_end or slicing.rest is not None:
        return lambda _items, _judging: [Left("slices", below=one)]
    closed, type_ = slicing.closed, element.type
    rules_of = [each.rules for each in slicing.slices]
    none = [0] * len(rules_of)
    least = [(number, max(1, slicing.slices[number].min)) for number in slicing.least]
    # What is sliced again, the slow walk tells.
    most = [
        (number, 0 if each.slicing is not None else each.max or 0)
        for number, each in enumerate(slicing.slices)
        if each.max is not None or each.slicing is not None
    ]

    def look(items: Sequence[Any], judging: Judging) -> list[Left] | None:
        counts = none.copy()
        found: list[tuple[int, list[Left]]] = []
        for index, item in enumerate(items):
            number = tell(item, counts)
            if number is None:
                if closed:
                    return [Left("slices", below=one)]
                continue
            counts[number] += 1
            rules = rules_of[number]
            if rules is not None:
                left = (rules.looks.get(type_) or _first(rules, type_))(item, judging)
                if left is not None:
                    step = element, index if element.array else None, item
                    found.append((number, _led(None, left, step)))
        for number, few in least:
            if counts[number] < few:
                return [Left("slices", below=one)]
        for number, many in most:
            if counts[number] > many:
                return [Left("slices", below=one)]
        if not found:
            return None
        found.sort(key=itemgetter(0))
        return [one for _, left in found for one in left]

    return look


def _more(left: list[Left] | None, one: Field) -> list[Left]:
    """Leave all of a field."""
    return [*(left or ()), Left("field", below=one)]


def _led(left: list[Left] | None, found: list[Left], step: Step) -> list[Left]:
    """Leave what was found one step further in."""
    for one in found:
        one.steps.append(step)
    return found if left is None else left + found


_NAMES: Final = {
    "Left": Left,
    "are_objects": frozenset({dict}).issuperset,
    "first": _first,
    "is_bound": is_bound,
    "led": _led,
    "left_by": left_by,
    "more": _more,
}
