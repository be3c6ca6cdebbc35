"""A syntax tree applied to a resource: the items it finds, each knowing its type and its place.

The evaluator knows FHIR's types only through the `Model` it is given. It never changes the tree.

http://hl7.org/fhirpath/N1/ · https://hl7.org/fhir/R4/fhirpath.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fhir_server.fhirpath import operators
from fhir_server.fhirpath.errors import CannotEvaluate
from fhir_server.fhirpath.functions import apply, is_a
from fhir_server.fhirpath.parser import parse
from fhir_server.fhirpath.syntax import (
    At,
    Call,
    Empty,
    Expression,
    External,
    Literal,
    Member,
    Operation,
    Path,
    Sign,
    Step,
    TypeTest,
    Variable,
)
from fhir_server.fhirpath.use import Scope, Use
from fhir_server.fhirpath.values import SYSTEM, Budget, Element, Model, Node, made, system_of
from fhir_server.kernel.wire import Tree

_CONSTANTS = {
    "ucum": "http://unitsofmeasure.org",
    "sct": "http://snomed.info/sct",
    "loinc": "http://loinc.org",
}
_DEFINED = {
    "vs-": "http://hl7.org/fhir/ValueSet/",
    "ext-": "http://hl7.org/fhir/StructureDefinition/",
}


def evaluate(
    expression: str | Expression,
    tree: Tree,
    model: Model,
    *,
    variables: Mapping[str, Sequence[Node]] | None = None,
    budget: Budget | None = None,
    typed_choices: bool = False,
) -> list[Node]:
    """The items that an expression finds in a resource, in order, repetitions included.

    `variables` are further `%name` values. With `typed_choices`, `valueQuantity` is understood beside FHIRPath's own
    `value`. A `budget` may be shared by several evaluations.

    Raises `NotAnExpression` for text that is not FHIRPath, and `CannotEvaluate` where an operator or function does not
    fit its input, is not supported, or the budget is used up.
    """
    if isinstance(expression, str):
        expression = parse(expression)
    root = root_of(tree, model)
    known = {"resource": (root,), "rootResource": (root,), "context": (root,), **(variables or {})}
    evaluation = _Evaluation(model, budget or Budget(), known, typed_choices=typed_choices)
    return evaluation.evaluate(expression, Scope((root,)))


def root_of(tree: Tree, model: Model) -> Node:
    """The node of a whole resource."""
    return Node(tree, _resource_type(tree, model))


class _Evaluation:
    """One run: the engine that functions call back."""

    def __init__(
        self, model: Model, budget: Budget, variables: Mapping[str, Sequence[Node]], *, typed_choices: bool
    ) -> None:
        self.model = model
        self.budget = budget
        self.variables = variables
        self.typed_choices = typed_choices

    def evaluate(self, expression: Expression, scope: Scope) -> list[Node]:
        self.budget.charge(1, expression.position)
        match expression:
            case Path(origin=origin, steps=steps):
                items = self.evaluate(origin, scope)
                for step in steps:
                    items = self.step(items, step, scope)
                return items
            case Member():
                return self.head(expression, scope)
            case Call():
                return apply(Use(self, scope.this, expression, scope))
            case Literal(value=value):
                return [made(value)]
            case Operation():
                return self.operation(expression, scope)
            case Variable():
                return self.variable(expression, scope)
            case External(name=name, position=position):
                return self.external(name, position)
            case TypeTest():
                return self.type_test(expression, scope)
            case Sign(symbol=symbol, operand=operand, position=position):
                return self.sign(symbol, self.evaluate(operand, scope), position)
            case Empty():
                return []

    def step(self, items: list[Node], step: Step, scope: Scope) -> list[Node]:
        match step:
            case Member(name=name, position=position):
                self.budget.charge(len(items), position)
                return [child for node in items for child in self.named(node, name, position)]
            case Call():
                self.budget.charge(len(items), step.position)
                return apply(Use(self, items, step, scope))
            case At(index=index, position=position):
                number = operators.value_of(self.evaluate(index, scope), position)
                if number is None:
                    return []
                if not isinstance(number, int) or isinstance(number, bool):
                    raise CannotEvaluate("an index is an integer", position)
                return items[number : number + 1] if number >= 0 else []
            case Variable():
                return self.variable(step, scope)

    def head(self, member: Member, scope: Scope) -> list[Node]:
        """A name at the head of a path: a type says what the path starts from, any other name is a child."""
        found = []
        for node in scope.this:
            if member.name[:1].isupper() and self.is_named(node, member.name):
                found.append(node)
            else:
                found += self.named(node, member.name, member.position)
        return found

    def is_named(self, node: Node, type: str) -> bool:
        return self.model.knows(type) and is_a(node, f"FHIR.{type}", self.model, 0)

    def named(self, node: Node, name: str, position: int) -> list[Node]:
        """The children of a node that an element's name finds."""
        if node.type.startswith(SYSTEM):
            return []
        if name == "value" and node.element is not None and node.element.primitive:
            value = system_of(node)
            return [] if value is None else [made(value)]
        elements = self.model.alternatives(node.type, name)
        if not elements and self.typed_choices:
            element = self.model.properties(node.type).get(name)
            elements = (element,) if element is not None else ()
        return [child for element in elements for child in self.under(node, element, position)]

    def children(self, node: Node, position: int) -> list[Node]:
        """All children of a node, in the order of its type's definition."""
        if node.type.startswith(SYSTEM):
            return []
        elements = self.model.properties(node.type).values()
        return [child for element in elements for child in self.under(node, element, position)]

    def under(self, node: Node, element: Element, position: int) -> list[Node]:
        """What stands under one property of a node: a primitive and its `_` sibling are one item."""
        holder = node.inside
        value = holder.get(element.key)
        extra = holder.get(f"_{element.key}") if element.primitive else None
        if value is None and extra is None:
            return []
        if not isinstance(value, list) and not isinstance(extra, list):
            self.budget.charge(1, position)
            return [self.child(node, element, value, extra, None)]
        values = value if isinstance(value, list) else []
        extras = extra if isinstance(extra, list) else []
        length = max(len(values), len(extras))
        self.budget.charge(length, position)
        found = []
        for index in range(length):
            value = values[index] if index < len(values) else None
            extra = extras[index] if index < len(extras) else None
            if value is not None or extra is not None:
                found.append(self.child(node, element, value, extra, index))
        return found

    def child(self, parent: Node, element: Element, value: Any, extra: Any, index: int | None) -> Node:
        contained = isinstance(value, dict) and "resourceType" in value
        type_name = _resource_type(value, self.model) if contained else element.type
        return Node(value, type_name, parent, element, index, extra if isinstance(extra, dict) else None)

    def operation(self, operation: Operation, scope: Scope) -> list[Node]:
        symbol, position = operation.symbol, operation.position
        left = self.evaluate(operation.left, scope)
        if symbol in {"and", "or", "xor", "implies"}:
            return self.logic(operation, operators.truth(left, position), scope)
        right = self.evaluate(operation.right, scope)
        answer: bool | None
        match symbol:
            case "|":
                return operators.distinct([*left, *right], self.budget, position)
            case "=" | "!=":
                answer = operators.equal(left, right, self.budget, position)
                answer = answer if answer is None or symbol == "=" else not answer
            case "~" | "!~":
                answer = operators.equivalent(left, right, position) == (symbol == "~")
            case "in":
                answer = self.member(left, right, position)
            case "contains":
                answer = self.member(right, left, position)
            case "<" | "<=" | ">" | ">=":
                order = operators.order(left, right, position)
                answer = None if order is None else order in _ORDERS[symbol]
            case _:
                return operators.calculate(symbol, left, right, position)
        return [] if answer is None else [made(answer)]

    def logic(self, operation: Operation, left: bool | None, scope: Scope) -> list[Node]:
        """Three-valued logic; the right side is not asked where the left one decides.

        http://hl7.org/fhirpath/N1/#boolean-logic
        """
        symbol = operation.symbol
        decided = {"and": (False, False), "or": (True, True), "implies": (False, True)}
        if symbol in decided and left is decided[symbol][0]:
            return [made(decided[symbol][1])]
        right = operators.truth(self.evaluate(operation.right, scope), operation.position)
        if symbol == "implies":
            left = None if left is None else not left
            symbol = "or"
        if symbol in decided and right is decided[symbol][0]:
            return [made(right)]
        if left is None or right is None:
            return []
        return [made(left is not right if symbol == "xor" else right)]

    def member(self, items: list[Node], collection: list[Node], position: int) -> bool | None:
        node = operators.single(items, position)
        if node is None:
            return None
        return any(operators.equal([node], [other], self.budget, position) for other in collection)

    def sign(self, symbol: str, items: list[Node], position: int) -> list[Node]:
        if symbol == "+":
            return operators.calculate("+", [made(0)], items, position)
        return operators.calculate("-", [made(0)], items, position)

    def type_test(self, test: TypeTest, scope: Scope) -> list[Node]:
        node = operators.single(self.evaluate(test.operand, scope), test.position)
        if node is None:
            return []
        answer = is_a(node, test.type, self.model, test.position)
        if test.symbol == "is":
            return [made(answer)]
        return [node] if answer else []

    def variable(self, variable: Variable, scope: Scope) -> list[Node]:
        match variable.name:
            case "$this":
                return list(scope.this)
            case "$index" if scope.index is not None:
                return [made(scope.index)]
            case "$total" if scope.total is not None:
                return list(scope.total)
        raise CannotEvaluate(f"{variable.name} means nothing here", variable.position)

    def external(self, name: str, position: int) -> list[Node]:
        if name in self.variables:
            return list(self.variables[name])
        if name in _CONSTANTS:
            return [made(_CONSTANTS[name])]
        for prefix, base in _DEFINED.items():
            if name.startswith(prefix):
                return [made(base + name.removeprefix(prefix))]
        raise CannotEvaluate("there is no constant of this name", position)


_ORDERS = {"<": (-1,), "<=": (-1, 0), ">": (1,), ">=": (1, 0)}


def _resource_type(tree: Tree, model: Model) -> str:
    name = tree.get("resourceType")
    return name if isinstance(name, str) and model.knows(name) else "Resource"
