from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_server.validation.gathered import GATHERED, Gathered
from fhir_server.validation.primitives import LEAVES, MAX_STRING

TYPES = {"texts": "string", "words": "uri", "codes": "code", "ids": "id"}
STRINGS = st.one_of(
    st.text(max_size=6),
    st.sampled_from(
        [
            "",
            " ",
            "a b",
            "a  b",
            "a\n",
            "\x00",
            "\x1f",
            "\u00a0",
            "\u2028",
            "é",
            "#a",
            "urn:x",
            "a-b.1",
            "-",
            "a" * 65,
        ]
    ),
)


@given(kind=st.sampled_from(sorted(TYPES)), values=st.lists(STRINGS, max_size=5))
def test_all_at_once_says_what_is_said_one_by_one(kind: str, values: list[str]) -> None:
    gathered = Gathered({}, iter(()))

    getattr(gathered, kind).extend(values)

    assert gathered.are_right() == all(LEAVES[TYPES[kind]](value) for value in values)


def test_every_gathered_type_is_judged_as_those_of_its_list() -> None:
    assert {LEAVES[type_] is LEAVES[TYPES[kind]] for type_, kind in GATHERED.items()} == {True}


@pytest.mark.parametrize("value", [None, 1, True, ["a"], {"a": "b"}])
def test_what_is_no_string_raises_as_a_pattern_does(value: Any) -> None:
    gathered = Gathered({}, iter(()))
    gathered.texts += ["a", value]

    with pytest.raises(TypeError):
        gathered.are_right()


def test_one_text_is_too_long_but_all_together_are_not() -> None:
    gathered = Gathered({}, iter(()))
    gathered.texts += ["a" * MAX_STRING, "b"]
    assert gathered.are_right()

    gathered.texts.append("a" * (MAX_STRING + 1))
    assert not gathered.are_right()


def test_names_are_those_of_strings_and_of_links_in_narratives() -> None:
    gathered = Gathered({}, iter(()))
    gathered.words += ["#a", "urn:x"]
    gathered.divs.append('<div xmlns="http://www.w3.org/1999/xhtml"><a href="#b">b</a> #c</div>')

    assert gathered.named() == {"#a", "#b"}
