"""Regular expressions agree with Python's own where both understand them, and cannot be kept busy."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from terminology.pattern_syntax import BadPattern
from terminology.patterns import pattern_of


def free(_: int) -> None:
    """Nothing is charged."""


@pytest.mark.parametrize(
    ("pattern", "text", "somewhere", "whole"),
    [
        ("Library", "http://x/Library|4", True, False),
        ("^Library$", "http://x/Library|4", False, False),
        ("A.*B", "A\n\tB", True, True),
        ("[A-Z]([A-Za-z0-9_]){0,254}", "Name_1", True, True),
        (r"[A-Za-z][A-Za-z0-9]*(\.[a-z][A-Za-z0-9]*(\[x])?)*", "Patient.deceased[x]", True, True),
        (r"^[^\s]+(\s[^\s]+)*$", "a b  c", False, False),
        (r"\p{Lu}\p{L}+\s\P{L}", "Éva 7", True, True),
        ("(?i)straße[é-ü]", "STRASSEÊ", False, False),
        ("(?i)ab[c-d]", "xABD", True, False),
        ("(?!.*secret)[a-z]+", "nothing", True, True),
        ("(?!.*secret)[a-z]+$", "secret", True, False),
        ("a(?=b)", "ab", True, False),
        (r"\bword\b", "a word.", True, False),
        (r"\Bord", "word", True, False),
        (r"\d{2,3}?", "1234", True, False),
        (r"\x41[\u0042\-]", "AB", True, True),
        ("[^]a]", "]", False, False),
        ("", "", True, True),
        ("a|", "b", True, False),
        (r"(a*)*", "aab", True, False),
    ],
)
def test_a_pattern_is_found_somewhere_or_fits_the_whole(
    pattern: str, text: str, somewhere: bool, whole: bool
) -> None:
    found = pattern_of(pattern)

    assert (found.search(text, free), found.fits(text, free)) == (somewhere, whole)


@pytest.mark.parametrize(
    "pattern",
    [
        "(", ")", "[", "a{2,1}", "a{", "*a", "a**", "a++", r"(a)\1", "(?<=a)b", "(?P<1>a)", "(?<n>a)(?<n>b)", r"\q",
        "[z-a]", "[a[b]]", r"\p{Greek}", r"\x4", "(" * 60 + ")" * 60, "(a{100}){100}", "((){9999}){9999}", "^*", "\\",
    ],
)  # fmt: skip
def test_what_is_not_understood_or_too_large_is_refused(pattern: str) -> None:
    with pytest.raises(BadPattern):
        pattern_of(pattern)


def test_what_groups_matched_is_told() -> None:
    pattern = pattern_of(r"\b(?<month>\d{1,2})/(\d{1,2})")

    assert pattern.find("on 11/30", 0, free) == (3, 8, 3, 5, 6, 8)
    assert pattern.names == {"month": 1}


@pytest.mark.parametrize("pattern", ["(a+)+b", "(a|a)*b", "(a?){30}a{30}b", ".*.*.*b", "(?=(a+)+b)a"])
def test_the_cost_is_text_times_pattern(pattern: str) -> None:
    spent = 0

    def charge(steps: int) -> None:
        nonlocal spent
        spent += steps

    assert not pattern_of(pattern).fits("a" * 200, charge)
    assert spent < 200 * 200 * 10


_ATOMS = st.sampled_from(["a", "b", ".", "[ab]", "[^a]", r"\w", "^", "$", r"\b"])
_PATTERNS = st.recursive(
    _ATOMS,
    lambda inner: st.one_of(
        st.builds("({})".format, inner),
        st.builds("{}{}".format, inner, inner),
        st.builds("(?:{}|{})".format, inner, inner),
        st.builds("(?:{}){}".format, inner, st.sampled_from(["*", "+", "?", "{1,2}", "*?", "??"])),
        st.builds("(?={})".format, inner),
        st.builds("(?!{})".format, inner),
    ),
    max_leaves=5,
)


@given(_PATTERNS, st.text("ab \n", max_size=8))
def test_python_finds_the_same(pattern: str, text: str) -> None:
    # Python's `$` also stands before the last line break; ours is the end.
    theirs = re.compile(pattern.replace("$", r"\Z"), re.DOTALL | re.ASCII)
    ours = pattern_of(pattern)

    assert ours.search(text, free) == (theirs.search(text) is not None)
    assert ours.fits(text, free) == (theirs.fullmatch(text) is not None)
    begin = ours.find(text, 0, free)
    match = theirs.search(text)
    assert (begin and begin[0]) == (match and match.start())
