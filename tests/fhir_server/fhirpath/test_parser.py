from __future__ import annotations

from contextlib import suppress
from decimal import Decimal
from pathlib import Path as File

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from fhir_server.definitions.catalogue import search_parameters
from fhir_server.fhirpath.errors import NotAnExpression
from fhir_server.fhirpath.parser import MAX_DEPTH, parse
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
    TypeTest,
    Variable,
)
from fhir_server.fhirpath.values import Quantity

SUITE = File(__file__).parents[3] / "../shared/conformance/fhirpath/tests-fhir-r4.dev.xml"


def shown(expression: Expression | At) -> str:
    """The tree in brackets, which show what binds how."""
    match expression:
        case Literal(value=value):
            return str(value)
        case Empty():
            return "{}"
        case Member(name=name) | Variable(name=name):
            return name
        case External(name=name):
            return f"%{name}"
        case Call(name=name, arguments=arguments):
            return f"{name}({','.join(map(shown, arguments))})"
        case At(index=index):
            return f"[{shown(index)}]"
        case Path(origin=origin, steps=steps):
            return ".".join(map(shown, (origin, *steps)))
        case Sign(symbol=symbol, operand=operand):
            return f"({symbol}{shown(operand)})"
        case TypeTest(symbol=symbol, operand=operand, type=name):
            return f"({shown(operand)} {symbol} {name})"
        case Operation(symbol=symbol, left=left, right=right):
            return f"({shown(left)} {symbol} {shown(right)})"


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("a.b[0].c", "a.b.[0].c"),
        ("1+2*3+4", "((1 + (2 * 3)) + 4)"),
        ("a = b | c", "(a = (b | c))"),
        ("1 | 1 is Integer", "(1 | (1 is Integer))"),
        ("a and b or c implies d", "(((a and b) or c) implies d)"),
        ("a implies b implies c", "((a implies b) implies c)"),
        ("a < b = c in d", "(((a < b) = c) in d)"),
        ("-1.abs()", "(-1.abs())"),
        ("-1 + 2", "((-1) + 2)"),
        ("(a | b).count()", "(a | b).count()"),
        ("a as FHIR.Quantity", "(a as FHIR.Quantity)"),
        ("where(a contains 'x' and contains(b))", "where(((a contains x) and contains(b)))"),
        ("a.contains.is.as", "a.contains.is.as"),
        ("text.div", "text.div"),
        ("%resource.id", "%resource.id"),
        ("%`vs-a`", "%vs-a"),
        ("%'b c'", "%b c"),
        ("$this.x", "$this.x"),
        ("{} = {}", "({} = {})"),
        ("true and false", "(True and False)"),
    ],
)
def test_operators_bind_as_the_grammar_orders_them(text: str, tree: str) -> None:
    assert shown(parse(text)) == tree


@pytest.mark.parametrize(
    ("text", "quantity"),
    [
        ("4 days", Quantity(Decimal(4), "day", calendar=True)),
        ("4.50 'mg'", Quantity(Decimal("4.50"), "mg")),
    ],
)
def test_a_number_with_a_unit_is_a_quantity(text: str, quantity: Quantity) -> None:
    assert parse(text) == Literal(quantity, 0)


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("", 0),
        ("2 + 2 /", 7),
        ("a.", 2),
        ("a b", 2),
        ("where(a", 7),
        ("a[0", 3),
        ("a..b", 2),
        ("a is 'B'", 5),
        ("and", 0),
        ("{a}", 1),
        ("a,b", 1),
        ("f(a,)", 4),
        ("% ", 2),
    ],
)
def test_a_text_outside_the_grammar_is_refused_where_it_goes_wrong(text: str, position: int) -> None:
    with pytest.raises(NotAnExpression) as refusal:
        parse(text)

    assert refusal.value.position == position


@pytest.mark.parametrize(
    "text",
    [
        "(" * 5000 + "1" + ")" * 5000,
        "-" * 5000 + "1",
        "1" + "+1" * 5000,
        "a" + "[a" * 3000 + "]" * 3000,
        "f(" * 5000 + ")" * 5000,
    ],
)
def test_an_expression_that_nests_too_deep_is_refused(text: str) -> None:
    with pytest.raises(NotAnExpression, match="levels deep"):
        parse(text)


def test_a_long_path_is_not_deep() -> None:
    path = parse("a" + ".b" * 1000)

    assert isinstance(path, Path)
    assert len(path.steps) == 1000


def test_operators_in_a_row_are_allowed_up_to_the_depth() -> None:
    assert parse("1" + " | 1" * (MAX_DEPTH - 1))


WORDS = [
    "a",
    "1",
    "'b'",
    ".",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "+",
    "-",
    "is",
    "as",
    "in",
    "|",
    "=",
    "and",
    "$this",
    "%",
]


@given(st.lists(st.sampled_from(WORDS), max_size=12))
def test_any_row_of_tokens_is_an_expression_or_a_refusal(words: list[str]) -> None:
    with suppress(NotAnExpression):
        assert parse(" ".join(words))


@pytest.mark.skipif(not SUITE.exists(), reason="the shared conformance material is not beside this checkout")
def test_every_expression_of_the_official_suite_parses_unless_marked_as_wrong() -> None:
    expressions = list(etree.parse(SUITE).iter("expression"))

    assert len(expressions) > 500
    for element in expressions:
        try:
            parse(element.text or "")
            is_fhirpath = True
        except NotAnExpression:
            is_fhirpath = False
        assert is_fhirpath == (element.get("invalid") != "syntax"), element.text


def test_every_expression_of_r4s_search_parameters_parses() -> None:
    expressions = {
        parameter["expression"] for parameter in search_parameters() if parameter.get("expression")
    }

    assert len(expressions) > 1000
    assert all(map(parse, expressions))
