"""Finding concepts by what a person types: each word begins a word of a text, without case, accents and punctuation.

`Insuffisance rénale (œdème)` has the words `insuffisance`, `renale` and `oedeme`. The index of large code systems is
made of these words: what is changed here needs `cordee terminology load` again.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

# Letters that Unicode does not take apart, though a French or European keyboard may.
_LETTERS: Final = str.maketrans(
    {"œ": "oe", "æ": "ae", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i"}
)
_MARKS: Final = re.compile("[\u0300-\u036f]+")
_WORD: Final = re.compile(r"[^\W_]+")
_LONGEST: Final = 100  # characters of a word


def words_of(text: str) -> list[str]:
    """The words of a text, folded, in order; may be empty."""
    if text.isascii():
        folded = text.lower()
    else:
        plain = unicodedata.normalize("NFKD", text).casefold().translate(_LETTERS)
        folded = _MARKS.sub("", unicodedata.normalize("NFKD", plain))
    return [word[:_LONGEST] for word in _WORD.findall(folded)]


def is_found(wanted: Iterable[str], texts: Iterable[str]) -> bool:
    """Whether each of the folded words `wanted` begins a word of `texts`."""
    there = {word for text in texts for word in words_of(text)}
    return all(any(word.startswith(one) for word in there) for one in wanted)
