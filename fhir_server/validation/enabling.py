"""Whether an item of a Questionnaire is asked, given the answers so far.

https://hl7.org/fhir/R4/questionnaire-definitions.html#Questionnaire.item.enableWhen
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from fhir_server.fhirpath.quantities import amounts
from fhir_server.fhirpath.temporal import Temporal, compare
from fhir_server.fhirpath.values import Node, Quantity, system_of
from fhir_server.kernel.wire import Tree
from fhir_server.validation.finding import objects, text_of

_ORDERS: Final = {">": (1,), ">=": (0, 1), "<": (-1,), "<=": (-1, 0)}


@dataclass(frozen=True, slots=True)
class Path:
    """A place in a response: the resource, then items and answers down to it."""

    steps: tuple[Tree, ...]
    listed: dict[int, Mapping[str, list[Tree]]] = field(
        default_factory=dict
    )  # by id() of a step: see `items`

    def into(self, tree: Tree) -> Path:
        return Path((*self.steps, tree), self.listed)

    def items(self, step: Tree) -> Mapping[str, list[Tree]]:
        """By linkId, the items of a step, itself included, in their order. Each step is gone through once."""
        found = self.listed.get(id(step))
        if found is None:
            listed: dict[str, list[Tree]] = {}
            for item in _within(step):
                listed.setdefault(text_of(item, "linkId"), []).append(item)
            found = self.listed[id(step)] = listed
        return found


def is_enabled(item: Tree, path: Path) -> bool:
    """Whether `item` (of the Questionnaire) is asked below `path` (in the response)."""
    conditions = [condition for _, condition in objects(item, "enableWhen")]
    if not conditions:
        return True
    answers = (_holds(condition, path) for condition in conditions)
    return any(answers) if item.get("enableBehavior") == "any" else all(answers)


def _holds(condition: Tree, path: Path) -> bool:
    values = list(_answers(text_of(condition, "question"), path))
    operator = text_of(condition, "operator")
    wanted = value_in(condition, "answer")
    if operator == "exists":
        return bool(values) is (wanted is not None and wanted.value is True)
    if wanted is None:
        return False
    if operator == "!=":
        return not any(_equal(value, wanted) for value in values)
    return any(_compares(value, wanted, operator) for value in values)


def _answers(question: str, path: Path) -> Iterator[Node]:
    """The answers to a question: those nearest to the place, looked for outward."""
    for tree in reversed(path.steps):
        found = path.items(tree).get(question)
        if found:
            for item in found:
                for _, answer in objects(item, "answer"):
                    value = value_in(answer, "value")
                    if value is not None:
                        yield value
            return


def _within(tree: Tree) -> Iterator[Tree]:
    """A part of the response, and all items and answers in it."""
    yield tree
    for name in ("item", "answer"):
        for _, inner in objects(tree, name):
            yield from _within(inner)


def value_in(tree: Tree, element: str) -> Node | None:
    """The value of a choice (`answer`, `value`), knowing its type."""
    for key, value in tree.items():
        if key.startswith(element) and key[len(element) :][:1].isupper():
            type_ = key[len(element) :]
            lower = type_[:1].lower() + type_[1:]
            return Node(value, type_ if isinstance(value, dict) else lower)
    return None


def _compares(value: Node, wanted: Node, operator: str) -> bool:
    if operator == "=":
        return _equal(value, wanted)
    order = order_of(value, wanted)
    return order is not None and order in _ORDERS.get(operator, ())


def _equal(value: Node, wanted: Node) -> bool:
    if value.type == wanted.type == "Coding":
        return same_coding(value.value, wanted.value)
    if value.type == wanted.type == "Reference":
        return bool(value.value.get("reference") == wanted.value.get("reference"))
    order = order_of(value, wanted)
    return order == 0 if order is not None else _plain(value) == _plain(wanted)


def _plain(node: Node) -> Any:
    return system_of(node) if not isinstance(node.value, dict) else node.value


def same_coding(one: Tree, other: Tree) -> bool:
    return one.get("code") == other.get("code") and (
        one.get("system") == other.get("system") or "system" not in one or "system" not in other
    )


def order_of(one: Node, other: Node) -> int | None:
    """-1, 0 or 1; None: they have no order."""
    mine, others = system_of(one), system_of(other)
    match mine, others:
        case (bool(), _) | (_, bool()):
            return None
        case (int() | Decimal(), int() | Decimal()):
            return _sign(mine, others)
        case (Temporal(), Temporal()):
            return compare(mine, others) if (mine.kind == "Time") is (others.kind == "Time") else None
        case (Quantity(), Quantity()):
            both = amounts(mine, others)
            return None if both is None else _sign(*both)
        case (str(), str()):
            return _sign(mine, others)
    return None


def _sign(one: Any, other: Any) -> int:
    return int(one > other) - int(one < other)
