"""What `_text` and `_content` ask for: words that must all be there, unless the text says otherwise.

    chute escalier              both, in any order
    "chute dans l'escalier"     one after the other
    (bone OR liver) and metastases      `and`, `or` and `not` in capitals or not; `and` need not be written
    fracture -poignet           the first without the second
    cardio*                     a word that begins so

No text is an error: what makes no sense is passed over. How words are inflected is the store's business.

https://hl7.org/fhir/R4/search.html#content
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, TypeAlias

from fhir_server.kernel.errors import Malformed
from fhir_server.kernel.values import immutable
from fhir_server.search.folding import fold

MAX_TERMS: Final = 100
_MAX_DEPTH: Final = 20  # of parentheses; those further in are passed over
_LETTERS: Final = 120  # of a word: beyond them there is none that anybody would look for
_TOKEN: Final = re.compile(r'(-?)(?:"([^"]*)"?|([()])|([^\s()"]+))')
_LONG: Final = re.compile(rf"(\w{{{_LETTERS}}})\w+")


@immutable
class Said:
    """A word, or several one after the other. `begins`: the last one may go on."""

    text: str
    begins: bool = False


@immutable
class Every:
    of: tuple[Expression, ...]


@immutable
class Either:
    of: tuple[Expression, ...]


@immutable
class Unsaid:
    inner: Expression


Expression: TypeAlias = Said | Every | Either | Unsaid


def expression_of(text: str) -> Expression | None:
    """What `text` asks for; None when there is no word in it. Raises `Malformed` for more than `MAX_TERMS` words."""
    tokens = _tokens(text)
    if sum(isinstance(token, Said) for token in tokens) > MAX_TERMS:
        raise Malformed(f"At most {MAX_TERMS} words can be asked for at once", code="too-costly")
    return _Reader(tokens).all()


def parts_of(expression: Expression) -> list[str]:
    """The expression as a flat list: `=word`, `*beginning`, and `(`, `)`, `&`, `|`, `!` between them."""
    match expression:
        case Said(text, begins):
            return [f"{'*' if begins else '='}{text}"]
        case Unsaid(inner):
            return ["!", "(", *parts_of(inner), ")"]
        case Every(of) | Either(of):
            sign = "&" if isinstance(expression, Every) else "|"
            parts = ["("]
            for one in of:
                parts += [*parts_of(one), sign]
            return [*parts[:-1], ")"]


def says(expression: Expression, words: Sequence[str]) -> bool:
    """Whether a text meets the expression. `words`: the text, folded and split; none is inflected here."""
    match expression:
        case Every(of):
            return all(says(one, words) for one in of)
        case Either(of):
            return any(says(one, words) for one in of)
        case Unsaid(inner):
            return not says(inner, words)
        case Said(text, begins):
            asked = fold(text).split()
            return bool(asked) and any(
                _same(asked, words[start : start + len(asked)], begins=begins)
                for start in range(len(words) - len(asked) + 1)
            )


def _same(asked: list[str], found: Sequence[str], *, begins: bool) -> bool:
    if not begins:
        return asked == list(found)
    return asked[:-1] == list(found[:-1]) and found[-1].startswith(asked[-1])


def _tokens(text: str) -> list[Said | str]:
    """Terms, and `(`, `)`, `and`, `or`, `not`."""
    found: list[Said | str] = []
    for match in _TOKEN.finditer(text):
        minus, phrase, parenthesis, word = match.groups()
        if parenthesis:
            found += ["not"] * (bool(minus) and parenthesis == "(")
            found.append(parenthesis)
        elif word and not minus and word.lower() in {"and", "or", "not"}:
            found.append(word.lower())
        else:
            said, begins = (word, word.endswith("*")) if phrase is None else (phrase, False)
            if fold(said):
                found += ["not"] * bool(minus)
                found.append(Said(_LONG.sub(r"\1", said), begins))
    return found


class _Reader:
    """Recursive descent; `not` binds most, then `and`."""

    def __init__(self, tokens: list[Said | str]) -> None:
        self._tokens = tokens
        self._place = 0

    def all(self) -> Expression | None:
        """Also what comes behind a parenthesis that nobody opened."""
        parts = []
        while self._place < len(self._tokens):
            parts.append(self._either(0))
            self._place += self._next() == ")"
        return _joined(Every, parts)

    def _next(self) -> Said | str:
        return self._tokens[self._place] if self._place < len(self._tokens) else ""

    def _either(self, depth: int) -> Expression | None:
        parts = [self._every(depth)]
        while self._next() == "or":
            self._place += 1
            parts.append(self._every(depth))
        return _joined(Either, parts)

    def _every(self, depth: int) -> Expression | None:
        parts = []
        while self._next() not in {"", ")", "or"}:
            parts.append(self._one(depth))
        return _joined(Every, parts)

    def _one(self, depth: int) -> Expression | None:
        negated = False
        while (here := self._next()) in {"and", "not"}:
            negated ^= here == "not"
            self._place += 1
        if isinstance(here, Said):
            self._place += 1
            found: Expression | None = here
        elif here == "(":
            self._place += 1
            if depth == _MAX_DEPTH:
                return None
            found = self._either(depth + 1)
            self._place += self._next() == ")"
        else:
            return None
        return Unsaid(found) if negated and found else found


def _joined(kind: type[Every | Either], parts: Sequence[Expression | None]) -> Expression | None:
    found = tuple(part for part in parts if part is not None)
    return found[0] if len(found) == 1 else kind(found) if found else None
