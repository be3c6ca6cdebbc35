from __future__ import annotations

from typing import Any

import pytest

from terminology.languages import matches, shown
from terminology.words import is_found, words_of

DESIGNATIONS: list[dict[str, Any]] = [
    {"language": "fr", "value": "Plaie (trouble)", "use": {"code": "900000000000003001"}},
    {"language": "fr-FR", "value": "Plaie"},
    {"language": "de", "value": "Wunde", "use": {"code": "900000000000003001"}},
    {"value": "Trauma"},
]


@pytest.mark.parametrize(
    ("own", "wanted", "text"),
    [
        ("en", "", "Wound"),
        ("en", "en-GB", "Wound"),
        ("en", "fr", "Plaie"),
        ("", "fr-CA", "Plaie"),
        ("en", "de", "Wunde"),
        ("en", "es", "Wound"),
        ("", "", "Wound"),
    ],
)
def test_a_reader_is_shown_the_text_in_their_language(own: str, wanted: str, text: str) -> None:
    assert shown("Wound", own, DESIGNATIONS, wanted) == text


def test_languages_match_by_whole_parts() -> None:
    assert matches("fr-FR", "fr")
    assert matches("fr", "FR-fr")
    assert not matches("fr", "frr")
    assert not matches("", "fr")


@pytest.mark.parametrize(
    ("asked", "texts", "found"),
    [
        ("plai", ["Plaie ouverte"], True),
        ("OUVERTE pl", ["Plaie ouverte"], True),
        ("verte", ["Plaie ouverte"], False),
        ("oeil", ["Œil"], True),
        ("œdème", ["Oedeme"], True),
        ("brule", ["Brûlé"], True),
        ("plaie ouverte", ["Plaie", "ouverte"], True),
        ("8480-6", ["8480-6"], True),
    ],
)
def test_each_word_begins_a_word_without_case_and_accents(asked: str, texts: list[str], found: bool) -> None:
    assert is_found(words_of(asked), texts) is found
