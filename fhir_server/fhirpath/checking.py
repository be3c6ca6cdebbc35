"""Whether an expression can mean anything on a type of resource, before it is asked of one.

A name that no possible item has is a mistake (`Patient.name.given1`), and so is taking the first of what has no order.
Where types are not known (children, contained resources, what an extension may hold) nothing is held against it.

http://hl7.org/fhirpath/N1/#type-safety-and-strict-evaluation
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from fhir_server.fhirpath.compiler import constant
from fhir_server.fhirpath.errors import Meaningless
from fhir_server.fhirpath.functions import function_of, type_argument
from fhir_server.fhirpath.strings import STRINGS
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
from fhir_server.fhirpath.types import derives, require_type
from fhir_server.fhirpath.values import SYSTEM, Model, made
from fhir_server.kernel.values import immutable

_Types = frozenset[str] | None  # None: not known


@immutable
class _Found:
    """The possible types of the items of a collection, and whether their order means anything."""

    types: _Types
    ordered: bool = True


_BOOLEAN: Final = _Found(frozenset({"System.Boolean"}))
_UNKNOWN: Final = _Found(None)
_ABSTRACT: Final = frozenset({"Resource", "DomainResource", "Element", "BackboneElement"})
_IN_ORDER: Final = frozenset({"first", "last", "tail", "skip", "take"})
_SAME: Final = frozenset(
    {
        *_IN_ORDER,
        "single",
        "where",
        "distinct",
        "trace",
        "exclude",
        "intersect",
        "checkModifiers",
        "slice",
        "sort",
    }
)
_PER_ITEM: Final = frozenset(
    {"where", "select", "repeat", "all", "exists", "aggregate", "sort", "trace", "iif"}
)
_BOTH: Final = frozenset({"union", "combine"})
_ASKS_TYPE: Final = frozenset({"ofType", "as", "is"})
_NUMBERS: Final = frozenset({"count", "length", "indexOf", "toInteger", "precision"})
_ASKS: Final = frozenset(
    {
        "empty", "all", "exists", "not", "allTrue", "anyTrue", "allFalse", "anyFalse", "subsetOf", "supersetOf",
        "isDistinct", "hasValue", "startsWith", "endsWith", "contains", "matches", "matchesFull", "conformsTo",
        "memberOf", "subsumes", "subsumedBy", "htmlChecks", "comparable", "toBoolean",
    }
)  # fmt: skip
_GIVES: Final = {
    "extension": "Extension",
    "elementDefinition": "ElementDefinition",
    "now": "System.DateTime",
    "today": "System.Date",
    "timeOfDay": "System.Time",
    "toString": "System.String",
    "toDecimal": "System.Decimal",
    "toDate": "System.Date",
    "toDateTime": "System.DateTime",
    "toTime": "System.Time",
    "toQuantity": "System.Quantity",
}
# Primitive types of FHIR that are no strings to FHIRPath.
_NO_STRINGS: Final = frozenset(
    {
        "boolean", "integer", "unsignedInt", "positiveInt", "decimal", "date", "dateTime", "instant", "time",
    }
)  # fmt: skip


def check(
    expression: Expression,
    type: str,
    model: Model,
    *,
    resource: str | None = None,
    variables: Collection[str] = (),
) -> None:
    """Raises `Meaningless` where an expression is none for an item of `type`, in a resource of type `resource`.

    `resource` None: the item is the resource. `variables`: the names of further `%name`s.
    """
    context = _Found(frozenset({type}))
    root = context if resource is None else _Found(frozenset({resource}))
    _Checking(model, root, context, variables).types_of(expression, context)


class _Checking:
    def __init__(self, model: Model, root: _Found, context: _Found, variables: Collection[str]) -> None:
        self.model = model
        self.root = root
        self.context = context
        self.variables = variables

    def types_of(self, expression: Expression, this: _Found) -> _Found:
        match expression:
            case Path(origin=origin, steps=steps):
                found = self.types_of(origin, this)
                for step in steps:
                    found = self.step(found, step, this)
                return found
            case Member():
                return self.head(expression, this)
            case Call():
                return self.call(this, expression, this)
            case Literal(value=value):
                return _Found(frozenset({made(value).type}))
            case Empty():
                return _Found(frozenset())
            case Operation():
                return self.operation(expression, this)
            case TypeTest(symbol=symbol, operand=operand, type=name, position=position):
                self.types_of(operand, this)
                return self.typed(symbol, name, position)
            case Sign(operand=operand):
                return self.types_of(operand, this)
            case Variable():
                return self.variable(expression, this)
            case External(name=name, position=position):
                return self.external(name, position)

    def step(self, found: _Found, step: Step, this: _Found) -> _Found:
        match step:
            case Member(name=name, position=position):
                return self.member(found, name, position)
            case Call():
                return self.call(found, step, this)
            case At(index=index, position=position):
                self.types_of(index, this)
                self.require_order(found, position)
                return found
            case Variable():
                return self.variable(step, this)

    def head(self, member: Member, this: _Found) -> _Found:
        name = member.name
        if name[:1].isupper() and self.model.knows(name):
            if this.types is None or any(self.may_be(one, name) for one in this.types):
                return _Found(frozenset({name}) if this.types is None else self.narrowed(this.types, name))
            raise Meaningless("the path starts at another type than the item has", member.position)
        return self.member(this, name, member.position)

    def may_be(self, type: str, name: str) -> bool:
        return derives(type, name, self.model) or (type in _ABSTRACT and derives(name, type, self.model))

    def narrowed(self, types: frozenset[str], name: str) -> frozenset[str]:
        return frozenset(one if derives(one, name, self.model) else name for one in types)

    def member(self, found: _Found, name: str, position: int) -> _Found:
        if found.types is None:
            return found
        inside: set[str] = set()
        for outer in found.types:
            if outer in {"System.SimpleTypeInfo", "System.ClassInfo"}:
                inside.add("System.String")
                continue
            elements = self.model.alternatives(outer, name)
            inside.update(element.type for element in elements)
            if not elements and (outer in _ABSTRACT or (name == "value" and outer[:1].islower())):
                return _Found(None, found.ordered)
        if not inside and found.types:
            raise Meaningless("no item here has an element of this name", position)
        return _Found(frozenset(inside), found.ordered)

    def call(self, found: _Found, call: Call, this: _Found) -> _Found:
        function_of(call)
        name = call.name
        if name in _ASKS_TYPE:
            return self.typed(name, type_argument(call), call.position, ordered=found.ordered)
        if name in _IN_ORDER:
            self.require_order(found, call.position)
        if name in STRINGS and name != "join":
            self.require_string(found, call)
        inner = found if name in _PER_ITEM else this
        arguments = [self.types_of(argument, inner) for argument in call.arguments]
        return self.result(found, call, arguments)

    def result(self, found: _Found, call: Call, arguments: list[_Found]) -> _Found:
        name = call.name
        if name == "iif":
            self.require_boolean(arguments[0], call)
            return _united(arguments[1:])
        if name in _SAME:
            return _Found(found.types, ordered=name == "sort" or found.ordered)
        if name in _BOTH:
            return _united([found, *arguments])
        if name == "select":
            return _Found(arguments[0].types, found.ordered and arguments[0].ordered)
        if name in {"children", "descendants"}:
            return _Found(None, ordered=False)
        if name in _ASKS or name.startswith("convertsTo"):
            return _BOOLEAN
        if name in _NUMBERS:
            return _Found(frozenset({"System.Integer"}))
        if name in STRINGS:
            return _Found(frozenset({"System.String"}))
        return _Found(frozenset({_GIVES[name]})) if name in _GIVES else _UNKNOWN

    def operation(self, operation: Operation, this: _Found) -> _Found:
        left, right = self.types_of(operation.left, this), self.types_of(operation.right, this)
        match operation.symbol:
            case "|":
                return _united([left, right])
            case "+" | "-" | "*" | "/" | "div" | "mod":
                return _UNKNOWN
            case "&":
                return _Found(frozenset({"System.String"}))
        return _BOOLEAN

    def typed(self, symbol: str, name: str, position: int, *, ordered: bool = True) -> _Found:
        require_type(name, self.model, position)
        if symbol == "is":
            return _BOOLEAN
        local = name.rpartition(".")[2]
        known = self.model.knows(local) and not name.startswith(SYSTEM)
        return _Found(frozenset({local if known else SYSTEM + local}), ordered)

    def variable(self, variable: Variable, this: _Found) -> _Found:
        if variable.name == "$this":
            return this
        return _Found(frozenset({"System.Integer"})) if variable.name == "$index" else _UNKNOWN

    def external(self, name: str, position: int) -> _Found:
        if name in self.variables:
            return _UNKNOWN
        if name == "context":
            return self.context
        if name in {"resource", "rootResource"}:
            return self.root
        if constant(name) is not None:
            return _Found(frozenset({"System.String"}))
        raise Meaningless("there is no constant of this name", position)

    def require_order(self, found: _Found, position: int) -> None:
        if not found.ordered:
            raise Meaningless("children have no order that could be relied on", position)

    def require_string(self, found: _Found, call: Call) -> None:
        if found.types and not any(map(_may_be_string, found.types)):
            raise Meaningless(f"{call.name}(): this function is applied to a string", call.position)

    def require_boolean(self, criterion: _Found, call: Call) -> None:
        if criterion.types and not criterion.types & {"System.Boolean", "boolean"}:
            raise Meaningless(f"{call.name}(): the criterion is true or false", call.position)


def _may_be_string(type: str) -> bool:
    if type.startswith(SYSTEM):
        return type == "System.String"
    return type[:1].islower() and "." not in type and type not in _NO_STRINGS


def _united(collections: list[_Found]) -> _Found:
    types: frozenset[str] = frozenset()
    for found in collections:
        if found.types is None:
            return _Found(None, ordered=all(one.ordered for one in collections))
        types |= found.types
    return _Found(types, ordered=all(one.ordered for one in collections))
