from __future__ import annotations

import re
import time
import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st

from terminology.patterns import BadPattern, Pattern


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        ("[A-Z]{3}", "ABC", True),
        ("[A-Z]{3}", "ABCD", False),
        ("[A-Z]{3}", "AbC", False),
        ("^[0-9]+$", "0042", True),
        (r"\d{3}-?\d{2}", "123-45", True),
        (r"\d{3}-?\d{2}", "12345", True),
        (r"a\.b", "axb", False),
        ("(foo|ba[rz])+", "foobarbaz", True),
        ("(?:a|b)?c", "c", True),
        ("a{2,}", "a", False),
        ("a{2,}", "aaaaa", True),
        ("a{,2}", "a", None),
        ("(ab){0}c", "c", True),
        ("(a*)*b", "b", True),
        ("a.*?b", "a-b-b", True),
        ("[^a]", "b", True),
        ("[]a]+", "]a", True),
        ("", "", True),
        ("", "a", False),
        (".", "\n", False),
    ],
)
def test_a_pattern_matches_the_whole_text(pattern: str, text: str, found: bool | None) -> None:
    if found is None:
        with pytest.raises(BadPattern):
            Pattern(pattern)
    else:
        assert Pattern(pattern).matches(text) is found


@pytest.mark.parametrize(
    "pattern",
    [
        *("(", ")", "a)", "(a", "*", "a**", "a++", "a{2}{3}", "{2}", "a{3,2}", "[a", "\\", "a^b", "a$b"),
        *("(?=a)", "(?<!a)b", "(?P<n>a)", "(?i)a", r"(a)\1", r"\ba", r"\p{Lu}", "[z-a]", "[[a]]", "a{99999}"),
        *("(((a{100}){100}){100})", "(((()" + "{1000}){1000}){1000}", "(" * 100 + ")" * 100),
    ],
)
def test_what_is_not_understood_is_refused_quickly(pattern: str) -> None:
    start = time.perf_counter()

    with pytest.raises(BadPattern):
        Pattern(pattern)

    assert time.perf_counter() - start < 1


@pytest.mark.parametrize("pattern", ["(a+)+", "(a|a)*", "(a|aa)+", "(.*a){10}", "a?" * 20 + "a*"])
def test_no_text_takes_long(pattern: str) -> None:
    start = time.perf_counter()

    assert not Pattern(pattern).matches("a" * 2000 + "!")

    assert time.perf_counter() - start < 1


_PIECES = st.recursive(
    st.sampled_from(["a", "b", ".", "[ab]", "[^a]", r"\d", r"\."]),
    lambda inner: st.one_of(
        st.tuples(inner, inner).map("".join),
        st.tuples(inner, inner).map(lambda two: f"({two[0]}|{two[1]})"),
        st.tuples(inner, st.sampled_from(["*", "+", "?", "{2}", "{1,2}", "{0,1}", "{1,}"])).map(
            lambda two: f"({two[0]}){two[1]}"
        ),
    ),
    max_leaves=6,
)


@given(_PIECES, st.lists(st.text("ab1.", max_size=6), min_size=1, max_size=8))
def test_a_pattern_says_what_python_says(pattern: str, texts: list[str]) -> None:
    compiled = Pattern(pattern)

    for text in texts:
        assert compiled.matches(text) is bool(re.fullmatch(pattern, text))


@given(st.text(alphabet="ab([{^$|*+?.\\-,12]})&~:=<d", max_size=12))
def test_any_text_is_a_pattern_or_refused(pattern: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            compiled = Pattern(pattern)
        except BadPattern:
            return

    compiled.matches("ab12")
