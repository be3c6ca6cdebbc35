"""https://hl7.org/fhir/R4/search_filter.html"""

from __future__ import annotations

import time
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_server.kernel.errors import Malformed
from fhir_server.search.filters import OPERATORS, Both, Comparison, Either, Filter, Opposite, Step, filter_of


def one(name: str, operator: str = "eq", value: str = "x") -> Comparison:
    return Comparison((Step(name),), operator, value)


A, B, C = one("a"), one("b"), one("c")


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("a eq x", A),
        ("  a   EQ\tx  ", A),
        ('a eq "x"', A),
        (r'a co "an \"x\", (or ]) \u00e9"', one("a", "co", 'an "x", (or ]) é')),
        ("a eq http://loinc.org|1234-5", one("a", value="http://loinc.org|1234-5")),
        ("a ge 2014-10-10T10:00:00+01:00", one("a", "ge", "2014-10-10T10:00:00+01:00")),
        ("_id eq x", one("_id")),
        ("a-b eq x", one("a-b")),
        ("a eq x and b eq x", Both(A, B)),
        ("a eq x or b eq x", Either(A, B)),
        ("a eq x AND b eq x", Both(A, B)),
        ("a eq x and b eq x or c eq x", Either(Both(A, B), C)),
        ("a eq x or b eq x and c eq x", Both(Either(A, B), C)),
        ("a eq x or (b eq x and c eq x)", Either(A, Both(B, C))),
        ("(a eq x)or(b eq x)", Either(A, B)),
        ("not(a eq x)", Opposite(A)),
        ("not (a eq x) and b eq x", Both(Opposite(A), B)),
        ("not (not (a eq x or b eq x))", Opposite(Opposite(Either(A, B)))),
        ("not eq x", one("not")),
        ("android eq x", one("android")),
        ("a.b eq x", Comparison((Step("a"), Step("b")), "eq", "x")),
        ("a[b eq x].c eq x", Comparison((Step("a", B), Step("c")), "eq", "x")),
        ("a[b eq x and c eq x].a eq x", Comparison((Step("a", Both(B, C)), Step("a")), "eq", "x")),
        ("a[b[c eq x].d eq x].e eq x", None),
        ("subject:Patient.name eq x", Comparison((Step("subject:Patient"), Step("name")), "eq", "x")),
        ("_has:Observation:patient:code eq x", one("_has:Observation:patient:code")),
    ],
)
def test_a_filter_is_tests_joined_from_left_to_right(text: str, tree: Filter | None) -> None:
    found = filter_of(text)

    assert tree is None or found == tree


@pytest.mark.parametrize("operator", sorted(OPERATORS))
def test_every_operator_is_known(operator: str) -> None:
    assert filter_of(f"a {operator} x") == one("a", operator)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", "character 1"),
        ("a", "character 2 on: expected one of ap, co"),
        ("a eq", "a value"),
        ("a xx x", "expected one of ap, co"),
        ('a eq "x', "a string as JSON"),
        (r'a eq "\x"', "a string as JSON"),
        (r'a eq "\ud800"', "a string as JSON"),
        ('a eq ""', "a value"),
        ("a eq x b eq x", "character 8 on: expected and, or, or the end"),
        ("a eq x and", "the name of a search parameter"),
        ("(a eq x", "a closing parenthesis"),
        ("a eq x)", "the end"),
        ("a[b eq x] eq x", "a dot and a name"),
        ("a[b eq x.c eq x", "a closing bracket"),
        ("a. eq x", "the name of a search parameter"),
        (".a eq x", "the name of a search parameter"),
        ("1a eq x", "the name of a search parameter"),
        ("not a eq x", "expected one of ap, co"),
        ("(" * 21 + "a eq x" + ")" * 21, "more than 20 levels"),
        (" and ".join(["a eq x"] * 101), "more than 100 tests"),
        (".".join("a" * 17) + " eq x", "more than 16 names"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_place(text: str, part: str) -> None:
    with pytest.raises(Malformed) as caught:
        filter_of(text)
    assert part in str(caught.value)


def test_as_much_as_is_allowed_can_be_read() -> None:
    assert filter_of("(" * 20 + "a eq x" + ")" * 20) == A
    assert filter_of(" or ".join(["a eq x"] * 100))


@given(st.text("ab eq[]().\":\\'orandnot 1", max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(Malformed):
        filter_of(text)


@pytest.mark.parametrize(
    "text", [" " * 200_000, "a" * 200_000, "a eq " + '"' * 200_001, "a:" * 100_000, "(" * 9]
)
def test_reading_takes_no_longer_than_the_text(text: str) -> None:
    start = time.process_time()
    with pytest.raises(Malformed):
        filter_of(text)
    assert time.process_time() - start < 1
