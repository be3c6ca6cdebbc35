"""How surely somebody was identified: the three levels of eIDAS, whatever an issuer calls them.

`eidas1` is low, `eidas2` substantial, `eidas3` high. A level that nobody knows is none: it is never guessed.

https://eur-lex.europa.eu/eli/reg_impl/2015/1502/oj · https://openid.net/specs/openid-connect-core-1_0.html (`acr`)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

LEVELS: Final = ("eidas1", "eidas2", "eidas3")
SUBSTANTIAL: Final = "eidas2"  # what breaking the glass asks for

_NAMES: Final[Mapping[str, str]] = {level: level for level in LEVELS} | {
    "http://eidas.europa.eu/LoA/low": "eidas1",
    "http://eidas.europa.eu/LoA/substantial": "eidas2",
    "http://eidas.europa.eu/LoA/high": "eidas3",
}


def level_of(said: object, names: Mapping[str, str]) -> str:
    """The level that a claim says; empty when it says none that is known. `names`: what this issuer calls levels.

    Some issuers count (`"acr": 2`): their numbers are looked up as texts.
    """
    if isinstance(said, bool) or not isinstance(said, str | int):
        return ""
    text = str(said)
    return names.get(text) or _NAMES.get(text, "")


def levels_from(least: str, names: Mapping[str, str]) -> tuple[str, ...]:
    """The levels that reach `least`, as the issuer that has these names for them would be asked for them.

    https://www.rfc-editor.org/rfc/rfc9470#section-3
    """
    enough = LEVELS[LEVELS.index(least) :] if least in LEVELS else LEVELS
    return tuple(name for level in enough for name, meant in names.items() if meant == level) or enough


def reaches(level: str, least: str) -> bool:
    """Whether `level` is `least` or surer. Any level, and none, reaches the least of `none`."""
    if least not in LEVELS:
        return least == "none"
    return level in LEVELS and LEVELS.index(level) >= LEVELS.index(least)
