from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_server.search.entries import STRING_LENGTH
from fhir_server.search.folding import cut, fold


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Payet", "payet"),
        ("HÉLÈNE", "helene"),
        ("Le\u0301a", "lea"),
        ("L'Haÿ-les-Roses", "l hay les roses"),
        ("L’Haÿ–les–Roses", "l hay les roses"),
        ("Œuvre", "oeuvre"),
        ("Lætitia", "laetitia"),
        ("Straße", "strasse"),
        ("Łukasz Ødegård", "lukasz odegard"),
        ("İstanbul", "istanbul"),
        ("ﬁn", "fin"),
        ("  Jean   \t Paul ", "jean paul"),
        ("Jean-", "jean"),
        ("12, rue de l'Église", "12 rue de l eglise"),
        ("co\u00adopération", "cooperation"),
        ("Ελένη", "ελενη"),
        ("Алёна", "алена"),
        ("李 雷", "李 雷"),
        ("नमस्ते", "नमसते"),
        ("---", ""),
        ("", ""),
    ],
)
def test_case_accents_and_punctuation_do_not_count(text: str, folded: str) -> None:
    assert fold(text) == folded


@given(st.text())
def test_folding_twice_is_folding_once(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@given(st.text())
def test_case_does_not_count(text: str) -> None:
    assert fold(text.casefold()) == fold(text)


@given(st.text(min_size=150, max_size=500))
def test_the_index_holds_the_beginning(text: str) -> None:
    assert cut(text) == fold(text)[:STRING_LENGTH]
