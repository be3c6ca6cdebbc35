"""Places in a tree that a patch changes: one property of one element, alone or as a list.

A primitive stands under two properties, its value and, beside it, its extensions (`given`, `_given`); in lists the two
run in step, with `null` for what is missing. Here both change together. What becomes empty disappears, because FHIR
JSON has neither empty lists nor empty objects.

https://hl7.org/fhir/R4/json.html#primitive
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fhir_server.fhirpath.values import Element, Node
from fhir_server.kernel.wire import Tree

Item = tuple[Any, Tree | None]  # a value (None: only extensions), and the object beside a primitive


@dataclass(frozen=True, slots=True)
class Slot:
    """The property `element` of `parent`; there may be nothing in it yet."""

    parent: Node
    element: Element

    @property
    def items(self) -> list[Item]:
        """What stands there, in order; at most one where JSON has no list."""
        holder, key = self.parent.inside, self.element.key
        value = holder.get(key)
        extra = holder.get(f"_{key}") if self.element.primitive else None
        if not isinstance(value, list) and not isinstance(extra, list):
            return [] if value is None and extra is None else [(value, extra)]
        values = value if isinstance(value, list) else []
        extras = extra if isinstance(extra, list) else []
        return [
            (values[i] if i < len(values) else None, extras[i] if i < len(extras) else None)
            for i in range(max(len(values), len(extras)))
        ]

    def write(self, items: list[Item]) -> None:
        """Put `items` in the place of what stands there. A property that is kept keeps its place in the object."""
        values = [value for value, _ in items]
        extras = [extra for _, extra in items]
        holder, key = _holder(self.parent), self.element.key
        _assign(holder, key, values, array=self.element.array)
        _assign(holder, f"_{key}", extras, array=self.element.array)


def replace(slot: Slot, index: int | None, item: Item, element: Element) -> None:
    """Put `item` where a node of `slot` stands. `element` is what it becomes: another alternative, for a choice."""
    if index is not None:
        items = slot.items
        items[index] = item
        slot.write(items)
        return
    if element.key != slot.element.key:
        _rename(slot.parent.inside, slot.element.key, element.key)
    Slot(slot.parent, element).write([item])


def remove(node: Node) -> None:
    """Take a node out of the tree, and then every element around it that is left empty."""
    assert node.parent is not None
    assert node.element is not None
    slot = Slot(node.parent, node.element)
    items = slot.items
    del items[node.index or 0]
    slot.write(items)
    _prune(node.parent)


def _prune(node: Node) -> None:
    if node.inside or node.parent is None or node.element is None:
        return
    if isinstance(node.value, dict) or node.value is None:
        remove(node)
        return
    # A primitive that lost its last extension keeps its value.
    slot = Slot(node.parent, node.element)
    items = slot.items
    items[node.index or 0] = (node.value, None)
    slot.write(items)


def _holder(node: Node) -> Tree:
    """The object that a child of `node` goes into; made for a primitive that has no extensions yet."""
    if isinstance(node.value, dict) or node.extra is not None:
        return node.inside
    assert node.parent is not None
    assert node.element is not None
    slot = Slot(node.parent, node.element)
    items = slot.items
    made: Tree = {}
    items[node.index or 0] = (node.value, made)
    slot.write(items)
    return made


def _assign(holder: Tree, key: str, values: list[Any], *, array: bool) -> None:
    if all(value is None for value in values):
        holder.pop(key, None)
    else:
        holder[key] = values if array else values[0]


def _rename(holder: Tree, old: str, new: str) -> None:
    """Give a property another name where it stands."""
    names = {old: new, f"_{old}": f"_{new}"}
    content = {names.get(key, key): value for key, value in holder.items()}
    holder.clear()
    holder.update(content)
