"""The plain strings of a resource, judged all at once: one look at a long text costs less than a look at each of many.

While a resource is walked its strings are only gathered, by what their types ask of them. That a value is no string
shows when they are joined.

https://hl7.org/fhir/R4/datatypes.html#primitive
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain
from typing import Any, Final

from fhir_server.validation.primitives import LEAVES, MAX_STRING
from fhir_server.validation.references import Local, names_in

# Primitive type → the list that gathers its values.
GATHERED: Final = {
    "string": "texts",
    "markdown": "texts",
    "uri": "words",
    "url": "words",
    "canonical": "words",
    "code": "codes",
    "id": "ids",
}
_MAX_ID: Final = 64
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")


class Gathered:
    """Of one resource, those it contains included; `local` are the names that its references may use.

    `room`: as many layouts as may still be met for the first time, by all resources of one body.
    """

    __slots__ = ("codes", "divs", "ids", "local", "room", "texts", "words")

    def __init__(self, local: Local, room: Iterator[int]) -> None:
        self.local = local
        self.room = room
        self.texts: list[Any] = []
        self.words: list[Any] = []
        self.codes: list[Any] = []
        self.ids: list[Any] = []  # those in references too
        self.divs: list[str] = []  # narratives, which are judged by themselves

    def are_right(self) -> bool:
        """Whether every value is one of its type. Raises `TypeError` where one is no string."""
        return (
            self._texts()
            and self._words(self.words, "uri")
            and self._words(self.codes, "code")
            and self._are_ids(self.ids)
        )

    def named(self) -> set[str]:
        """The names of contained resources that may be meant by any of the strings; asked when all are right."""
        return set(names_in(chain(self.texts, self.words, self.codes, self.divs)))

    def _texts(self) -> bool:
        texts = self.texts
        joined = "".join(texts)
        if not joined.isprintable() and _CONTROL.search(joined):
            return False
        return all(texts) and (len(joined) <= MAX_STRING or max(map(len, texts)) <= MAX_STRING)

    def _words(self, words: list[Any], type: str) -> bool:
        joined = "".join(words)
        # All that is printable is allowed, but space, which is the only printable white space.
        if " " not in joined and joined.isprintable():
            return all(words)
        return all(map(LEAVES[type], words))

    def _are_ids(self, ids: list[Any]) -> bool:
        joined = "".join(ids)
        if joined.isascii() and joined.replace("-", "").replace(".", "").isalnum():
            return all(ids) and (len(joined) <= _MAX_ID or max(map(len, ids)) <= _MAX_ID)
        return all(map(LEAVES["id"], ids))
