"""Strings as a search compares them: without case, accents and punctuation.

`L'Haÿ-les-Roses` and `l hay les roses` are the same to a search: an apostrophe or a hyphen is a space. Folding happens
here, never in the database, so that both sides always agree.

https://hl7.org/fhir/R4/search.html#string
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

from fhir_server.search.entries import STRING_LENGTH

# Letters that Unicode does not take apart, though a French or European keyboard may.
_LETTERS = str.maketrans({"œ": "oe", "æ": "ae", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i"})
_GAPS = re.compile(r"[\W_]+")
_REMEMBERED = 64  # characters: names and towns come back, narratives do not


def fold(text: str) -> str:
    """`text` in lower case, without accents, words separated by one space. May be empty; `fold(fold(x)) == fold(x)`."""
    return _fold_kept(text) if len(text) <= _REMEMBERED else _fold(text)


def cut(text: str) -> str:
    """The folded text as the index holds it: its first 200 characters."""
    return _fold_kept(text) if len(text) <= _REMEMBERED else _fold(text)[:STRING_LENGTH]


def tails(folded: str) -> Iterator[str]:
    """What a folded text is from each of its later words on: `b c` and `c` of `a b c`."""
    rest = folded.partition(" ")[2]
    while rest:
        yield rest
        rest = rest.partition(" ")[2]


def _fold(text: str) -> str:
    if text.isascii():
        return _GAPS.sub(" ", text.lower()).strip()
    folded = unicodedata.normalize("NFKD", text).casefold()
    folded = unicodedata.normalize("NFKD", folded.translate(_LETTERS)).casefold()
    return " ".join("".join(map(_plain, folded)).split())


def _plain(character: str) -> str:
    """What stays of one character of a decomposed text: itself, a space, or nothing."""
    if character.isalnum():
        return character
    # Marks over or under a letter go, and so do invisible joiners; the vowel signs of Indic scripts stay.
    if unicodedata.combining(character):
        return ""
    match unicodedata.category(character):
        case "Mn" | "Mc" | "Me":
            return character
        case "Cf":
            return ""
        case _:
            return " "


_fold_kept = lru_cache(maxsize=16384)(_fold)
