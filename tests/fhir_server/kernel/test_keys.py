"""Ids and keys."""

from __future__ import annotations

import pytest

from fhir_server.kernel.keys import Key, is_id


@pytest.mark.parametrize("text", ["1", "a-b.C", "x" * 64])
def test_letters_digits_hyphens_and_dots_make_an_id(text: str) -> None:
    assert is_id(text)


@pytest.mark.parametrize("text", ["", "x" * 65, "a/b", "é", "a_b", "a\n", " a"])
def test_anything_else_does_not(text: str) -> None:
    assert not is_id(text)


def test_a_key_reads_as_a_relative_reference() -> None:
    assert str(Key("Patient", "7")) == "Patient/7"
