"""A syntax tree becomes a program: a Python function for each of its parts, so that nothing is looked up twice.

The same expression is asked of many resources (an invariant of each element); its program is kept.

http://hl7.org/fhirpath/N1/#expressions
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

from fhir_server.fhirpath import operators
from fhir_server.fhirpath.errors import CannotEvaluate
from fhir_server.fhirpath.functions import function_of
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
from fhir_server.fhirpath.types import derives, fits, is_a, require_type
from fhir_server.fhirpath.use import Program, Run, Scope, Use
from fhir_server.fhirpath.values import SYSTEM, Node, made

CONSTANTS = {
    "ucum": "http://unitsofmeasure.org",
    "sct": "http://snomed.info/sct",
    "loinc": "http://loinc.org",
}
DEFINED = {
    "vs-": "http://hl7.org/fhir/ValueSet/",
    "ext-": "http://hl7.org/fhir/StructureDefinition/",
}
_ORDERS = {"<": (-1,), "<=": (-1, 0), ">": (1,), ">=": (1, 0)}
_DECIDED = {"and": False, "or": True}

# A step of a path: from the items so far to those behind it.
_Walk = Callable[[Run, Sequence[Node], Scope], list[Node]]


def program_of(expression: Expression) -> Program:
    """The program of an expression; the same object has the same one.

    Raises `Meaningless` for a function that there is not, or that takes other arguments.
    """
    return _kept(_Same(expression))


@lru_cache(maxsize=2048)
def _kept(same: _Same) -> Program:
    return _compiled(same.expression)


class _Same:
    """An expression as the object that it is: to Python, `1`, `1.0` and `true` are equal."""

    __slots__ = ("expression",)

    def __init__(self, expression: Expression) -> None:
        self.expression = expression

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.expression is other.expression

    def __hash__(self) -> int:
        return id(self.expression)


def _compiled(expression: Expression) -> Program:
    match expression:
        case Path():
            return _path(expression)
        case Member():
            return _head(expression)
        case Call():
            walk = _call(expression)
            return lambda run, scope: walk(run, scope.this, scope)
        case Literal(value=value):
            node = made(value)
            return lambda run, scope: [node]
        case Operation():
            return _operation(expression)
        case Variable():
            return _variable(expression)
        case External():
            return _external(expression)
        case TypeTest():
            return _type_test(expression)
        case Sign():
            return _sign(expression)
        case Empty():
            return lambda run, scope: []


def _path(path: Path) -> Program:
    origin, steps = _compiled(path.origin), tuple(_step(step) for step in path.steps)

    def program(run: Run, scope: Scope) -> list[Node]:
        items = origin(run, scope)
        for step in steps:
            items = step(run, items, scope)
        return items

    return program


def _step(step: Step) -> _Walk:
    match step:
        case Member():
            return _member(step)
        case Call():
            return _call(step)
        case At():
            return _at(step)
        case Variable():
            variable = _variable(step)
            return lambda run, items, scope: variable(run, scope)


def _member(member: Member) -> _Walk:
    name, position = member.name, member.position

    def walk(run: Run, items: Sequence[Node], scope: Scope) -> list[Node]:
        run.budget.charge(len(items), position)
        if len(items) == 1:
            return run.named(items[0], name, position)
        return [child for node in items for child in run.named(node, name, position)]

    return walk


def _head(member: Member) -> Program:
    """A name at the head of a path: a type says what the path starts from, any other name is a child."""
    name, walk = member.name, _member(member)
    if not name[:1].isupper():
        return lambda run, scope: walk(run, scope.this, scope)

    def program(run: Run, scope: Scope) -> list[Node]:
        found = []
        for node in scope.this:
            if not node.type.startswith(SYSTEM) and derives(node.type, name, run.model):
                found.append(node)
            else:
                found += walk(run, (node,), scope)
        return found

    return program


def _call(call: Call) -> _Walk:
    function = function_of(call)
    arguments = tuple(_argument(argument, call.name) for argument in call.arguments)
    position = call.position

    def walk(run: Run, items: Sequence[Node], scope: Scope) -> list[Node]:
        run.budget.charge(1 + len(items), position)
        return function(Use(run, items, call, arguments, scope))

    return walk


def _argument(argument: Expression, of: str) -> Program:
    """The criterion `-family` of `sort` says which way to sort, and not to reckon with a name."""
    return _compiled(argument.operand if of == "sort" and isinstance(argument, Sign) else argument)


def _at(at: At) -> _Walk:
    index, position = _compiled(at.index), at.position

    def walk(run: Run, items: Sequence[Node], scope: Scope) -> list[Node]:
        number = operators.value_of(index(run, scope), position)
        if number is None:
            return []
        if not isinstance(number, int) or isinstance(number, bool):
            raise CannotEvaluate("an index is an integer", position)
        return list(items[number : number + 1]) if number >= 0 else []

    return walk


def _operation(operation: Operation) -> Program:
    symbol, position = operation.symbol, operation.position
    left, right = _compiled(operation.left), _compiled(operation.right)
    if symbol in {"and", "or", "xor", "implies"}:
        return _logic(symbol, left, right, position)
    combine = _combination(symbol, position)

    def program(run: Run, scope: Scope) -> list[Node]:
        run.budget.charge(1, position)
        return combine(run, left(run, scope), right(run, scope))

    return program


_Combine = Callable[[Run, list[Node], list[Node]], list[Node]]


def _combination(symbol: str, position: int) -> _Combine:
    match symbol:
        case "|":
            return lambda run, a, b: operators.distinct([*a, *b], run.budget, position)
        case "=":
            return lambda run, a, b: _known(operators.equal(a, b, run.budget, position))
        case "!=":
            return lambda run, a, b: _denied(operators.equal(a, b, run.budget, position))
        case "~":
            return lambda run, a, b: [made(operators.equivalent(a, b, run.budget, position))]
        case "!~":
            return lambda run, a, b: [made(not operators.equivalent(a, b, run.budget, position))]
        case "in":
            return lambda run, a, b: _known(_is_in(a, b, run, position))
        case "contains":
            return lambda run, a, b: _known(_is_in(b, a, run, position))
    if symbol in _ORDERS:
        wanted = _ORDERS[symbol]

        def compare(run: Run, a: list[Node], b: list[Node]) -> list[Node]:
            order = operators.order(a, b, position)
            return [] if order is None else [made(order in wanted)]

        return compare
    return lambda run, a, b: operators.calculate(symbol, a, b, run.budget, position)


def _known(answer: bool | None) -> list[Node]:
    return [] if answer is None else [made(answer)]


def _denied(answer: bool | None) -> list[Node]:
    return [] if answer is None else [made(not answer)]


def _is_in(items: list[Node], collection: list[Node], run: Run, position: int) -> bool | None:
    node = operators.single(items, position)
    if node is None:
        return None
    return any(operators.equal([node], [other], run.budget, position) for other in collection)


def _logic(symbol: str, left: Program, right: Program, position: int) -> Program:
    """Three-valued logic; the right side is not asked where the left one decides.

    http://hl7.org/fhirpath/N1/#boolean-logic
    """

    def program(run: Run, scope: Scope) -> list[Node]:
        run.budget.charge(1, position)
        one = operators.truth(left(run, scope), position)
        if symbol == "xor":
            other = operators.truth(right(run, scope), position)
            return [] if one is None or other is None else [made(one is not other)]
        if symbol == "implies" and one is not None:
            one = not one
        decided = _DECIDED.get(symbol, True)
        if one is decided:
            return [made(decided)]
        other = operators.truth(right(run, scope), position)
        if other is decided:
            return [made(decided)]
        return [] if one is None or other is None else [made(not decided)]

    return program


def _sign(sign: Sign) -> Program:
    operand, position = _compiled(sign.operand), sign.position
    if sign.symbol == "-":
        return lambda run, scope: operators.negative(operand(run, scope), position)

    def program(run: Run, scope: Scope) -> list[Node]:
        items = operand(run, scope)
        operators.negative(items, position)  # the same things have a sign
        return items

    return program


def _type_test(test: TypeTest) -> Program:
    operand, type_name, position = _compiled(test.operand), test.type, test.position

    def program(run: Run, scope: Scope) -> list[Node]:
        node = operators.single(operand(run, scope), position)
        if node is None:
            require_type(type_name, run.model, position)
            return []
        if test.symbol == "is":
            return [made(is_a(node, type_name, run.model, position))]
        return [node] if fits(node, type_name, run.model, position) else []

    return program


def _variable(variable: Variable) -> Program:
    name, position = variable.name, variable.position
    if name == "$this":
        return lambda run, scope: list(scope.this)

    def program(run: Run, scope: Scope) -> list[Node]:
        if name == "$index" and scope.index is not None:
            return [made(scope.index)]
        if name == "$total" and scope.total is not None:
            return list(scope.total)
        raise CannotEvaluate(f"{name} means nothing here", position)

    return program


def _external(external: External) -> Program:
    name, position = external.name, external.position
    text = constant(name)

    def program(run: Run, scope: Scope) -> list[Node]:
        if name in run.variables:
            return list(run.variables[name])
        if text is not None:
            return [made(text)]
        raise CannotEvaluate("there is no constant of this name", position)

    return program


def constant(name: str) -> str | None:
    """What `%sct`, `%vs-…` and their like stand for."""
    for prefix, base in DEFINED.items():
        if name.startswith(prefix):
            return base + name.removeprefix(prefix)
    return CONSTANTS.get(name)
