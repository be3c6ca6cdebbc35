"""One application of a function: what it is applied to, and how it gets at its arguments.

A function evaluates its arguments itself, because `where` asks its criteria once for each item.

http://hl7.org/fhirpath/N1/#functions
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from fhir_server.fhirpath import operators
from fhir_server.fhirpath.errors import CannotEvaluate
from fhir_server.fhirpath.syntax import Call, Expression
from fhir_server.fhirpath.values import Budget, Model, Node, System, made


@dataclass(frozen=True, slots=True)
class Scope:
    """What names mean at one place of an expression: `$this`, `$index`, `$total`."""

    this: Sequence[Node]
    index: int | None = None
    total: Sequence[Node] | None = None


class Engine(Protocol):
    """What functions need of the evaluator."""

    @property
    def model(self) -> Model: ...
    @property
    def budget(self) -> Budget: ...
    def evaluate(self, expression: Expression, scope: Scope) -> list[Node]: ...
    def named(self, node: Node, name: str, position: int) -> list[Node]: ...
    def children(self, node: Node, position: int) -> list[Node]: ...


@dataclass(frozen=True, slots=True)
class Use:
    """One application of a function."""

    engine: Engine
    items: Sequence[Node]
    call: Call
    scope: Scope  # of the expression around the call

    @property
    def position(self) -> int:
        return self.call.position

    def argument(self, number: int = 0) -> list[Node]:
        """An argument that does not look at the items. An absent one is empty."""
        if number >= len(self.call.arguments):
            return []
        return self.engine.evaluate(self.call.arguments[number], self.scope)

    def each(self, number: int = 0) -> Iterator[tuple[Node, list[Node]]]:
        """Every item and what an argument gives for it."""
        for index, node in enumerate(self.items):
            yield node, self.of(node, number, index)

    def of(self, node: Node, number: int = 0, index: int | None = None) -> list[Node]:
        """What an argument gives for an item."""
        scope = replace(self.scope, this=(node,), index=index)
        return self.engine.evaluate(self.call.arguments[number], scope)

    def integer(self, number: int = 0) -> int | None:
        value = operators.value_of(self.argument(number), self.position)
        if value is None or (isinstance(value, int) and not isinstance(value, bool)):
            return value
        raise self.refusal("an integer is expected as argument")

    def string(self, number: int = 0) -> str | None:
        return self._string(self.argument(number), "a string is expected as argument")

    def text(self) -> str | None:
        """The one string that the function is applied to."""
        return self._string(self.items, "this function is applied to a string")

    def _string(self, items: Sequence[Node], complaint: str) -> str | None:
        value = operators.value_of(items, self.position)
        if value is None:
            return None
        if not isinstance(value, str):
            raise self.refusal(complaint)
        self.engine.budget.charge(len(value) // 256, self.position)
        return value

    def truths(self) -> list[bool | None]:
        return [operators.truth([node], self.position) for node in self.items]

    def distinct(self, items: Sequence[Node]) -> list[Node]:
        return operators.distinct(items, self.engine.budget, self.position)

    def keys(self, items: Sequence[Node]) -> list[object]:
        return [operators.key_of(node, self.engine.budget, self.position) for node in items]

    def made_text(self, value: str) -> list[Node]:
        return [operators.text(value, self.position)]

    def refusal(self, text: str, *, code: str = "processing") -> CannotEvaluate:
        return CannotEvaluate(f"{self.call.name}(): {text}", self.position, code=code)


Function = Callable[[Use], list[Node]]

# name → the function, and how many arguments it takes at least and at most
Table = dict[str, tuple[Function, int, int]]


def answer(value: System | None) -> list[Node]:
    """The collection of a value that may be absent."""
    return [] if value is None else [made(value)]
