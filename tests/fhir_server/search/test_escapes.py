"""https://hl7.org/fhir/R4/search.html#escaping"""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_server.search.escapes import escaped, halves, is_legal, pieces, split, unescaped


@pytest.mark.parametrize(
    ("text", "sign", "found"),
    [
        ("a|b|c", "|", ["a", "b", "c"]),
        ("a", "|", ["a"]),
        ("", "|", [""]),
        ("|", "|", ["", ""]),
        (r"a\|b|c", "|", [r"a\|b", "c"]),
        (r"a\\|b", "|", [r"a\\", "b"]),
        (r"a\,b$c\$d", "$", [r"a\,b", r"c\$d"]),
        ("a\\", "|", ["a\\"]),
        ("a|\\", "|", ["a", "\\"]),
        ("a\\\n|b", "|", ["a\\\n", "b"]),
    ],
)
def test_a_sign_divides_unless_a_backslash_stands_before_it(text: str, sign: str, found: list[str]) -> None:
    assert pieces(text, sign) == found


def test_empty_alternatives_are_none() -> None:
    assert split(r"a,,b\,c,") == ["a", r"b\,c"]
    assert split("") == split(",") == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a", None),
        (r"a\|b", None),
        ("a|b", ("a", "b")),
        ("|b", ("", "b")),
        ("a|b|c", ("a", "b|c")),
        (r"a\|b|c\,d", ("a|b", "c,d")),
    ],
)
def test_the_first_bar_divides_a_value(text: str, found: tuple[str, str] | None) -> None:
    assert halves(text) == found


@pytest.mark.parametrize(
    ("text", "legal"),
    [("", True), ("a,b|c$d", True), (r"\\\,\|\$", True), (r"a\b", False), ("a\\", False), ("\\\n", False)],
)
def test_a_backslash_stands_before_a_sign_only(text: str, *, legal: bool) -> None:
    assert is_legal(text) == legal


@given(st.text())
def test_what_is_escaped_is_one_alternative_that_means_itself(text: str) -> None:
    assert unescaped(escaped(text)) == text
    assert split(escaped(text)) == ([escaped(text)] if text else [])
    assert pieces(escaped(text), "|") == [escaped(text)]


@given(st.text("ab\\,|$", max_size=30), st.sampled_from(",|$"))
def test_pieces_put_together_are_the_text(text: str, sign: str) -> None:
    assert sign.join(pieces(text, sign)) == text


@pytest.mark.parametrize("text", ["\\" * 200_001, "a," * 100_000 + "\\", "a" * 200_000 + "\\"])
def test_long_texts_take_no_longer_than_their_length(text: str) -> None:
    start = time.process_time()
    split(text)
    assert time.process_time() - start < 1
