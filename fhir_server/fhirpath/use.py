"""One application of a function: what it is applied to, and how it gets at its arguments.

A function evaluates its arguments itself, because `where` asks its criteria once for each item.

http://hl7.org/fhirpath/N1/#functions
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from fhir_server.fhirpath import operators, tree
from fhir_server.fhirpath.errors import CannotEvaluate
from fhir_server.fhirpath.surroundings import Surroundings
from fhir_server.fhirpath.syntax import Call
from fhir_server.fhirpath.values import Budget, Model, Node, System, made
from fhir_server.kernel.values import immutable


@immutable
class Scope:
    """What names mean at one place of an expression: `$this`, `$index`, `$total`."""

    this: Sequence[Node]
    index: int | None = None
    total: Sequence[Node] | None = None


@dataclass(slots=True)
class Run:
    """One evaluation. `now` is the same all along it, as the language wants."""

    model: Model
    budget: Budget
    variables: Mapping[str, Sequence[Node]]
    surroundings: Surroundings
    typed_choices: bool
    _now: datetime | None = None

    @property
    def now(self) -> datetime:
        if self._now is None:
            self._now = datetime.now().astimezone()
        return self._now

    def named(self, node: Node, name: str, position: int) -> list[Node]:
        return tree.named(node, name, self.model, self.budget, position, typed_choices=self.typed_choices)

    def children(self, node: Node, position: int) -> list[Node]:
        return tree.children(node, self.model, self.budget, position)


# A compiled expression.
Program = Callable[[Run, Scope], list[Node]]


@dataclass(slots=True)
class Use:
    """One application of a function."""

    run: Run
    items: Sequence[Node]
    call: Call
    arguments: tuple[Program, ...]
    scope: Scope  # of the expression around the call

    @property
    def position(self) -> int:
        return self.call.position

    def argument(self, number: int = 0) -> list[Node]:
        """An argument that does not look at the items. An absent one is empty."""
        if number >= len(self.arguments):
            return []
        return self.arguments[number](self.run, self.scope)

    def each(self, number: int = 0) -> Iterator[tuple[Node, list[Node]]]:
        """Every item and what an argument gives for it."""
        for index, node in enumerate(self.items):
            yield node, self.of(node, number, index)

    def of(self, node: Node, number: int = 0, index: int | None = None) -> list[Node]:
        """What an argument gives for an item."""
        return self.arguments[number](self.run, Scope((node,), index, self.scope.total))

    def single(self) -> Node | None:
        return operators.single(self.items, self.position)

    def value(self) -> System | None:
        """The one simple value that the function is applied to."""
        return operators.value_of(self.items, self.position)

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
        self.charge(len(value) // 256)
        return value

    def truths(self) -> list[bool | None]:
        return [operators.truth([node], self.position) for node in self.items]

    def distinct(self, items: Sequence[Node]) -> list[Node]:
        return operators.distinct(items, self.run.budget, self.position)

    def keys(self, items: Sequence[Node]) -> list[object]:
        return [operators.key_of(node, self.run.budget, self.position) for node in items]

    def charge(self, visits: int) -> None:
        self.run.budget.charge(visits, self.position)

    def made_text(self, value: str) -> list[Node]:
        return [operators.text(value, self.run.budget, self.position)]

    def refusal(self, text: str, *, code: str = "processing") -> CannotEvaluate:
        return CannotEvaluate(f"{self.call.name}(): {text}", self.position, code=code)

    def unsupported(self) -> CannotEvaluate:
        """The refusal of a question that nobody here can answer."""
        return self.refusal("nothing here can answer this", code="not-supported")


Function = Callable[[Use], list[Node]]

# name → the function, and how many arguments it takes at least and at most
Table = dict[str, tuple[Function, int, int]]


def answer(value: System | None) -> list[Node]:
    """The collection of a value that may be absent."""
    return [] if value is None else [made(value)]
