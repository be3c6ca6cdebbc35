"""The syntax tree of an expression: one frozen dataclass for each form of the grammar.

Paths are flat (`a.b[0].c` is one `Path` of three steps), so that the depth of the tree is the nesting a reader sees.
`position` is the character, from 0, that an error points at. http://hl7.org/fhirpath/N1/grammar.html
"""

from __future__ import annotations

from dataclasses import dataclass

from fhir_server.fhirpath.values import System


@dataclass(frozen=True, slots=True)
class Literal:
    value: System
    position: int


@dataclass(frozen=True, slots=True)
class Empty:
    """`{}`"""

    position: int


@dataclass(frozen=True, slots=True)
class External:
    """`%resource`"""

    name: str
    position: int


@dataclass(frozen=True, slots=True)
class Variable:
    """`$this`, `$index`, `$total`"""

    name: str
    position: int


@dataclass(frozen=True, slots=True)
class Member:
    """`given`: the children of that name; at the head of a path also the type of what the path starts from."""

    name: str
    position: int


@dataclass(frozen=True, slots=True)
class Call:
    """`where(use = 'official')`"""

    name: str
    arguments: tuple[Expression, ...]
    position: int


@dataclass(frozen=True, slots=True)
class At:
    """`[0]`"""

    index: Expression
    position: int


@dataclass(frozen=True, slots=True)
class Path:
    """`origin` and the steps from there, at least one."""

    origin: Expression
    steps: tuple[Step, ...]
    position: int


@dataclass(frozen=True, slots=True)
class Sign:
    """`-x`"""

    symbol: str
    operand: Expression
    position: int


@dataclass(frozen=True, slots=True)
class Operation:
    """`left and right`; `position` is the operator's."""

    symbol: str
    left: Expression
    right: Expression
    position: int


@dataclass(frozen=True, slots=True)
class TypeTest:
    """`operand is type`, `operand as type`; `type` may be qualified (`System.Integer`)."""

    symbol: str
    operand: Expression
    type: str
    position: int


Step = Member | Call | Variable | At
Expression = Literal | Empty | External | Variable | Member | Call | Path | Sign | Operation | TypeTest


def parts_of(expression: Expression | At) -> tuple[Expression | At, ...]:
    """The expressions directly inside one."""
    match expression:
        case Call(arguments=arguments):
            return arguments
        case At(index=index):
            return (index,)
        case Path(origin=origin, steps=steps):
            return (origin, *steps)
        case Sign(operand=operand) | TypeTest(operand=operand):
            return (operand,)
        case Operation(left=left, right=right):
            return (left, right)
    return ()
