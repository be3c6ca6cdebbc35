"""Code systems whose codes follow a grammar, so that nobody can list them: units, languages, media types.

https://hl7.org/fhir/R4/terminologies-systems.html · https://www.rfc-editor.org/rfc/rfc5646#section-2.1
https://www.rfc-editor.org/rfc/rfc6838#section-4.2
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from terminology.data.reader import names
from terminology.systems import Concept
from terminology.units import UCUM, is_unit

LANGUAGES: Final = "urn:ietf:bcp:47"
MEDIA_TYPES: Final = "urn:ietf:bcp:13"

_LONGEST: Final = 200
_LANGUAGE: Final = re.compile(
    r"(?:(?P<language>[a-z]{2,3})(?:-[a-z]{3}){0,3}|[a-z]{4,8})"
    r"(?:-[a-z]{4})?"  # script
    r"(?:-(?P<region>[a-z]{2})|-[0-9]{3})?"
    r"(?:-(?:[a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*"  # variants
    r"(?:-[0-9a-wy-z](?:-[a-z0-9]{2,8})+)*"  # extensions
    r"(?:-x(?:-[a-z0-9]{1,8})+)?"
    r"|x(?:-[a-z0-9]{1,8})+",
    re.IGNORECASE | re.ASCII,
)
_IRREGULAR: Final = frozenset(
    (
        *("en-gb-oed", "i-ami", "i-bnn", "i-default", "i-enochian", "i-hak", "i-klingon", "i-lux", "i-mingo"),
        *(
            "i-navajo",
            "i-pwn",
            "i-tao",
            "i-tay",
            "i-tsu",
            "sgn-be-fr",
            "sgn-be-nl",
            "sgn-ch-de",
            "art-lojban",
        ),
        *("cel-gaulish", "no-bok", "no-nyn", "zh-guoyu", "zh-hakka", "zh-min", "zh-min-nan", "zh-xiang"),
    )
)
_NAME: Final = r"[A-Za-z0-9!#$&^_.+-]{1,127}"
_MEDIA_TYPE: Final = re.compile(
    rf"{_NAME}/{_NAME}(?:\s*;\s*{_NAME}=(?:[^\s;\"]+|\"[^\"]*\"))*\s*;?",
)
_SHORT: Final = frozenset({"xml", "json", "ttl", "html"})  # https://hl7.org/fhir/R4/http.html#parameters


@dataclass(frozen=True, slots=True)
class Grammar:
    """`display_of`: the text of a code, empty where it has none; None: it is not one of them."""

    url: str
    display_of: Callable[[str], str | None]
    case_sensitive: bool
    version: str = ""

    def find(self, code: str) -> Concept | None:
        display = self.display_of(code) if 0 < len(code) <= _LONGEST else None
        if display is None:
            return None
        return Concept(code, display, {"code": code, **({"display": display} if display else {})}, {})


def _unit(code: str) -> str | None:
    return code if is_unit(code) else None


def _language(code: str) -> str | None:
    """Well-formed, with a language and a region that exist where those have two letters."""
    if code.lower() in _IRREGULAR:
        return ""
    found = _LANGUAGE.fullmatch(code)
    if found is None:
        return None
    languages, countries = names("languages"), names("countries")
    language, region = (found["language"] or "").lower(), (found["region"] or "").upper()
    if (len(language) == 2 and language not in languages) or (region and region not in countries):
        return None
    named = languages.get(language, "")
    return f"{named} ({countries[region]})" if named and region else named


def _media_type(code: str) -> str | None:
    return "" if code in _SHORT or _MEDIA_TYPE.fullmatch(code) else None


GRAMMARS: Final[Mapping[str, Grammar]] = {
    one.url: one
    for one in (
        Grammar(UCUM, _unit, case_sensitive=True),
        Grammar(LANGUAGES, _language, case_sensitive=False),
        Grammar(MEDIA_TYPES, _media_type, case_sensitive=False),
    )
}
