"""Tokens to a syntax tree, by the precedence of the grammar's alternatives.

http://hl7.org/fhirpath/N1/grammar.html · http://hl7.org/fhirpath/N1/#operator-precedence
"""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache

from fhir_server.fhirpath.durations import WORDS
from fhir_server.fhirpath.errors import NotAnExpression
from fhir_server.fhirpath.lexer import Token, tokens_of
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
    parts_of,
)
from fhir_server.fhirpath.values import Quantity

MAX_DEPTH = 100  # of nested parts and of operators in a row: evaluation uses the stack
_OPERATORS = {
    "implies": 1,
    **dict.fromkeys(("or", "xor"), 2),
    "and": 3,
    **dict.fromkeys(("in", "contains"), 4),
    **dict.fromkeys(("=", "~", "!=", "!~"), 5),
    **dict.fromkeys(("<=", "<", ">", ">="), 6),
    "|": 7,
    **dict.fromkeys(("is", "as"), 8),
    **dict.fromkeys(("+", "-", "&"), 9),
    **dict.fromkeys(("*", "/", "div", "mod"), 10),
}
_SIGN = 11
_RESERVED = frozenset({"true", "false", "and", "or", "xor", "implies", "div", "mod"})
_USUAL = 4000  # characters of an expression whose tree is kept: no definition of R4 has more


def parse(text: str) -> Expression:
    """The syntax tree of an expression. Raises `NotAnExpression`, also for one that nests deeper than `MAX_DEPTH`."""
    return _kept(text) if len(text) <= _USUAL else _parse(text)


def _parse(text: str) -> Expression:
    expression = _Parser(tokens_of(text)).whole()
    _require_shallow(expression)
    return expression


_kept = lru_cache(maxsize=1024)(_parse)


class _Parser:
    def __init__(self, tokens: list[Token]) -> None:
        self.tokens = tokens
        self.at = 0
        self.depth = 0

    @property
    def token(self) -> Token:
        return self.tokens[self.at]

    def whole(self) -> Expression:
        expression = self.expression(0)
        if self.token.kind != "end":
            raise NotAnExpression(
                "the expression should end here, or an operator follow", self.token.position
            )
        return expression

    def expression(self, above: int) -> Expression:
        """The longest expression from here whose operators bind more tightly than `above`."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise NotAnExpression(
                f"the expression nests more than {MAX_DEPTH} levels deep", self.token.position
            )
        left = self.signed()
        while (strength := self.strength()) > above:
            operator = self.take()
            if operator.text in {"is", "as"}:
                left = TypeTest(operator.text, left, self.type_specifier(), operator.position)
            else:
                left = Operation(operator.text, left, self.expression(strength), operator.position)
        self.depth -= 1
        return left

    def strength(self) -> int:
        token = self.token
        return _OPERATORS.get(token.text, 0) if token.kind in {"symbol", "identifier"} else 0

    def signed(self) -> Expression:
        token = self.token
        if token.kind == "symbol" and token.text in {"+", "-"}:
            self.take()
            return Sign(token.text, self.expression(_SIGN), token.position)
        return self.path()

    def path(self) -> Expression:
        position = self.token.position
        origin = self.term()
        steps: list[Step] = []
        while True:
            if self.accept("."):
                steps.append(self.invocation(reserved=True))
            elif self.token.kind == "symbol" and self.token.text == "[":
                bracket = self.take()
                index = self.expression(0)
                self.expect("]")
                steps.append(At(index, bracket.position))
            else:
                return Path(origin, tuple(steps), position) if steps else origin

    def term(self) -> Expression:
        token = self.token
        if token.kind == "literal":
            return self.literal()
        if token.kind == "identifier" and token.text in {"true", "false"}:
            self.take()
            return Literal(token.text == "true", token.position)
        if self.accept("("):
            inner = self.expression(0)
            self.expect(")")
            return inner
        if self.accept("{"):
            self.expect("}")
            return Empty(token.position)
        if self.accept("%"):
            return External(self.external(), token.position)
        return self.invocation()

    def literal(self) -> Literal:
        token = self.take()
        value, unit = token.value, self.token
        assert value is not None
        if isinstance(value, int | Decimal) and unit.kind == "identifier" and unit.text in WORDS:
            self.take()
            value = Quantity(Decimal(value), WORDS[unit.text], calendar=True)
        elif isinstance(value, int | Decimal) and unit.kind == "literal" and isinstance(unit.value, str):
            self.take()
            value = Quantity(Decimal(value), unit.value)
        return Literal(value, token.position)

    def external(self) -> str:
        token = self.token
        if token.kind == "literal" and isinstance(token.value, str):
            self.take()
            return token.value
        return self.identifier()

    def invocation(self, *, reserved: bool = False) -> Member | Call | Variable:
        token = self.token
        if token.kind == "variable":
            self.take()
            return Variable(token.text, token.position)
        name = self.identifier(reserved=reserved)
        if not self.accept("("):
            return Member(name, token.position)
        arguments: list[Expression] = []
        if not self.accept(")"):
            arguments.append(self.expression(0))
            while self.accept(","):
                arguments.append(self.expression(0))
            self.expect(")")
        return Call(name, tuple(arguments), token.position)

    def type_specifier(self) -> str:
        name = self.identifier()
        while self.accept("."):
            name += "." + self.identifier()
        return name

    def identifier(self, *, reserved: bool = False) -> str:
        """A name. `reserved`: also a word of the language, as in `Patient.text.div`; behind a point none can follow."""
        token = self.token
        if token.kind == "delimited" or (
            token.kind == "identifier" and (reserved or token.text not in _RESERVED)
        ):
            self.take()
            return token.text
        raise NotAnExpression("a name, a literal or an opening parenthesis is expected here", token.position)

    def accept(self, symbol: str) -> bool:
        if self.token.kind == "symbol" and self.token.text == symbol:
            self.at += 1
            return True
        return False

    def expect(self, symbol: str) -> None:
        if not self.accept(symbol):
            raise NotAnExpression(f"'{symbol}' is expected here", self.token.position)

    def take(self) -> Token:
        token = self.token
        self.at += 1
        return token


def _require_shallow(expression: Expression) -> None:
    """Refuse what the parser's own depth does not show: thousands of operators in a row lean to the left."""
    waiting: list[tuple[Expression | At, int]] = [(expression, 1)]
    while waiting:
        part, depth = waiting.pop()
        if depth > MAX_DEPTH:
            raise NotAnExpression(f"the expression nests more than {MAX_DEPTH} levels deep", part.position)
        waiting.extend((inner, depth + 1) for inner in parts_of(part))
