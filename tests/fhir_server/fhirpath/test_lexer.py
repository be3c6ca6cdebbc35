from __future__ import annotations

from contextlib import suppress
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_server.fhirpath.errors import NotAnExpression
from fhir_server.fhirpath.lexer import MAX_LENGTH, tokens_of
from fhir_server.fhirpath.temporal import Temporal


def kinds(text: str) -> list[tuple[str, str]]:
    return [(token.kind, token.text) for token in tokens_of(text)[:-1]]


def test_names_symbols_and_variables_are_told_apart() -> None:
    assert kinds("Patient.name[$index] != `a b`") == [
        ("identifier", "Patient"),
        ("symbol", "."),
        ("identifier", "name"),
        ("symbol", "["),
        ("variable", "$index"),
        ("symbol", "]"),
        ("symbol", "!="),
        ("delimited", "a b"),
    ]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("12", 12),
        ("007", 7),
        ("1.10", Decimal("1.10")),
        ("2147483648", Decimal(2147483648)),  # no Integer any more
        ("'it\\'s'", "it's"),
        (r"'P\u0065ter'", "Peter"),
        (r"'a\\b\/c\t'", "a\\b/c\t"),
        ("''", ""),
    ],
)
def test_a_literal_has_the_value_it_is_written_with(text: str, value: object) -> None:
    token = tokens_of(text)[0]

    assert token.value == value
    assert type(token.value) is type(value)


@pytest.mark.parametrize(
    ("text", "kind", "parts"),
    [
        ("@2015", "Date", 1),
        ("@2015-02-04", "Date", 3),
        ("@2015T", "DateTime", 1),
        ("@2015-02-04T14:34", "DateTime", 5),
        ("@2015-02-04T14:34:28.123+10:00", "DateTime", 6),
        ("@T14", "Time", 1),
        ("@T14:34:28.123", "Time", 3),
    ],
)
def test_a_moment_keeps_its_precision(text: str, kind: str, parts: int) -> None:
    value = tokens_of(text)[0].value

    assert isinstance(value, Temporal)
    assert (value.kind, len(value.parts)) == (kind, parts)


def test_comments_and_white_space_are_no_tokens() -> None:
    assert kinds("1 /* one // two */ +\n2 // three") == kinds("1+2")


@pytest.mark.parametrize(
    ("text", "position", "reason"),
    [
        ("a = 'b", 4, "string is not closed"),
        ("a.`b", 2, "identifier is not closed"),
        ("a /* b", 2, "comment is not closed"),
        ("a # b", 2, "no part of the language"),
        ("$that", 0, "variable"),
        ("@20", 0, "date or time"),
        ("@2015-02-30", 0, "does not exist"),
        ("@T25:00", 0, "does not exist"),
        (r"'a\q'", 2, "backslash"),
        ("1" * 41, 0, "digits"),
        ("a " * MAX_LENGTH, MAX_LENGTH, "at most"),
    ],
)
def test_a_text_that_has_no_tokens_is_refused_where_it_goes_wrong(
    text: str, position: int, reason: str
) -> None:
    with pytest.raises(NotAnExpression, match=reason) as refusal:
        tokens_of(text)

    assert refusal.value.position == position
    assert refusal.value.status == 400


def test_a_refusal_never_repeats_the_expression() -> None:
    with pytest.raises(NotAnExpression) as refusal:
        tokens_of("name.family = 'Payet")

    assert "Payet" not in str(refusal.value)


@given(st.text(alphabet="abz019_ .'`\\/*@T:-+$%[](){}<>=!~|&,#é\n", max_size=40))
def test_any_text_is_tokens_or_a_refusal(text: str) -> None:
    with suppress(NotAnExpression):
        assert tokens_of(text)[-1].kind == "end"
