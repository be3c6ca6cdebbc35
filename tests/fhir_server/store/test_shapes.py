from __future__ import annotations

import pytest

from fhir_server.kernel.keys import Key
from fhir_server.search.query import (
    AllOf,
    AnyOf,
    Chain,
    Dates,
    DateValue,
    Has,
    Ids,
    Missing,
    Name,
    Not,
    Predicate,
    Query,
    References,
    Sort,
    Strings,
    StringValue,
    Tokens,
    TokenValue,
    Words,
)
from fhir_server.store.shapes import inner_of, modes_of, prefixes_of, shape_of, tokens_form

PATIENT = "Patient"
GENDER, FAMILY, BIRTH, LINK = (Name(PATIENT, code) for code in ("gender", "family", "birthdate", "link"))


def token(*values: TokenValue) -> Tokens:
    return Tokens(GENDER, values)


def shape(*where: Predicate, sort: tuple[Sort, ...] = ()) -> object:
    return shape_of(Query((PATIENT,), where, sort))[0]


def text(value: str, mode: str = "starts") -> Strings:
    return Strings(FAMILY, (StringValue(value, mode),))  # type: ignore[arg-type]  # any mode


def born(prefix: str, *rest: str) -> Dates:
    values = [DateValue(one, number, number + 1) for number, one in enumerate((prefix, *rest))]  # type: ignore[arg-type]
    return Dates(BIRTH, tuple(values))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (token(TokenValue("s", "a")), token(TokenValue("t", "b", folded=True))),
        (token(TokenValue(None, "a")), token(TokenValue(None, "b"))),
        (
            token(TokenValue("s", "a"), TokenValue("s", "b")),
            token(*(TokenValue("s", str(number)) for number in range(9))),
        ),
        (text("a"), text("bcd")),
        (born("ge"), Dates(BIRTH, (DateValue("ge", 7, 8),))),
        (Ids(("1",)), Ids(("2", "3"))),
        (References(LINK, (Key(PATIENT, "1"),)), References(LINK, (Key(PATIENT, "2"),))),
        (Chain(LINK, PATIENT, text("a")), Chain(LINK, PATIENT, text("b"))),
        (AnyOf((Not(text("a")), Has(LINK, born("eq")))), AnyOf((Not(text("b")), Has(LINK, born("eq"))))),
    ],
)
def test_queries_that_differ_only_in_values_have_one_shape(one: Predicate, other: Predicate) -> None:
    assert shape(one) == shape(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (token(TokenValue("s", "a")), token(TokenValue(None, "a"))),
        (token(TokenValue("s", "a")), token(TokenValue("s", None))),
        (token(TokenValue("s", "a")), token(TokenValue("s", "a"), TokenValue("s", "b"))),
        (token(TokenValue("s", "a")), Tokens(FAMILY, (TokenValue("s", "a"),))),
        (text("a"), text("a", "contains")),
        (born("ge"), born("lt")),
        (born("ge"), born("ge", "ge")),
        (born("ge", "ge"), born("ge", "lt")),
        (Missing(GENDER, True), Missing(GENDER, False)),
        (Words("content", "a"), Words("content", "b")),
        (AnyOf((text("a"), born("eq"))), AllOf((text("a"), born("eq")))),
        (Not(text("a")), text("a")),
        (References(LINK, (Key(PATIENT, "1"),)), References(LINK, (Key("Group", "1"),))),
        (Chain(LINK, PATIENT, text("a")), Chain(LINK, "Group", text("a"))),
        (Chain(LINK, PATIENT, text("a")), Has(LINK, text("a"))),
    ],
)
def test_what_changes_a_text_changes_the_shape(one: Predicate, other: Predicate) -> None:
    assert shape(one) != shape(other)


def test_types_and_order_belong_to_the_shape() -> None:
    assert shape_of(Query(("Patient",)))[0] != shape_of(Query(("Group",)))[0]
    assert shape(sort=(Sort("id", None),)) != shape(sort=(Sort("id", None, True),))


def test_the_same_token_twice_is_one() -> None:
    assert tokens_form(token(TokenValue("s", "a"), TokenValue("s", "a"))) == tokens_form(
        token(TokenValue("s", "a"))
    )


def test_the_parts_stand_in_the_order_of_a_walk() -> None:
    where = (AnyOf((text("a"), Not(born("eq")))), Chain(LINK, PATIENT, text("b")))

    def walk(predicate: Predicate) -> list[Predicate]:
        return [predicate, *(one for inner in inner_of(predicate) for one in walk(inner))]

    _, parts = shape_of(Query((PATIENT,), where))

    assert parts == [None, *walk(where[0]), *walk(where[1])]


def test_several_values_are_told_from_one() -> None:
    assert modes_of(text("a")) == ("starts",)
    assert modes_of(Strings(FAMILY, (StringValue("a"), StringValue("b")))) == ("starts", "several")
    assert prefixes_of(born("ge")) == ("ge",)
    assert prefixes_of(born("lt", "ge", "lt")) == ("ge", "lt", "several")
