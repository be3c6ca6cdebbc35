from __future__ import annotations

import pytest

from fhir_server.access.levels import level_of, levels_from, reaches


@pytest.mark.parametrize(
    ("said", "level"),
    [
        ("eidas1", "eidas1"),
        ("http://eidas.europa.eu/LoA/substantial", "eidas2"),
        ("silver", "eidas1"),
        (3, "eidas3"),  # Keycloak counts
        ("EIDAS1", ""),
        ("", ""),
        (None, ""),
        (True, ""),
        (["eidas3"], ""),
        ("eidas4", ""),
    ],
)
def test_a_level_is_known_or_it_is_none(said: object, level: str) -> None:
    assert level_of(said, {"silver": "eidas1", "3": "eidas3"}) == level


@pytest.mark.parametrize(
    ("level", "least", "enough"),
    [
        ("eidas1", "eidas1", True),
        ("eidas2", "eidas1", True),
        ("eidas1", "eidas2", False),
        ("", "eidas1", False),
        ("", "none", True),
        ("eidas3", "none", True),
        ("none", "eidas1", False),
        ("eidas3", "", False),  # a least that nobody knows lets nobody in
    ],
)
def test_a_level_is_enough_from_the_least_on(level: str, least: str, *, enough: bool) -> None:
    assert reaches(level, least) is enough


@pytest.mark.parametrize(
    ("least", "names", "asked"),
    [
        ("eidas2", {}, ("eidas2", "eidas3")),
        ("none", {}, ("eidas1", "eidas2", "eidas3")),
        ("eidas2", {"loa-3": "eidas3", "loa-2": "eidas2", "loa-1": "eidas1"}, ("loa-2", "loa-3")),
        ("eidas3", {"loa-2": "eidas2"}, ("eidas3",)),  # one that the issuer has no name for
    ],
)
def test_a_surer_login_is_asked_for_in_the_words_of_the_issuer(
    least: str, names: dict[str, str], asked: tuple[str, ...]
) -> None:
    assert levels_from(least, names) == asked
