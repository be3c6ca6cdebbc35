from __future__ import annotations

import pytest

from fhir_server.access.levels import level_of, reaches


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
