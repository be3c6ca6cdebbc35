"""Texts inside others are found by an index of trigrams, three letters in a row, which is brought up to date later.

A text in which PostgreSQL finds no trigram is in too many places for any index. Letters beyond ASCII are such to some
locales of a database only, and are not counted on.

A write leaves its texts in a list before the index, as they are; each search reads that list. So it is kept short, by
the worker that leads, behind the writers' backs.

https://www.postgresql.org/docs/current/pgtrgm.html · https://www.postgresql.org/docs/current/gin.html
"""

from __future__ import annotations

import re
import time
from typing import Final

from fhir_server.search.query import Strings, StringValue
from fhir_server.store.pipeline import Statement
from fhir_server.store.watermark import Run

MERGE_SECONDS: Final = 1.0  # from one merging to the next

_TRIGRAM: Final = re.compile("[A-Za-z0-9]{3}")
_SPECIAL: Final = re.compile(r"[\\%_]")
# Whoever does not own the index leaves it to autovacuum and to the writers.
_MERGE: Final = Statement(
    "trigrams_merge",
    """
    select gin_clean_pending_list(c.oid) from pg_class c
    where c.oid = to_regclass('entry_string_trigrams') and pg_has_role(c.relowner, 'usage')""",
    (),
)


def has_trigrams(strings: Strings) -> bool:
    """Whether each value is a text inside others, or at their ends, that the index finds."""
    return all(
        value.mode in {"contains", "ends"} and _TRIGRAM.search(value.text) is not None
        for value in strings.values
    )


def pattern_of(value: StringValue) -> str:
    """A text inside others, or at their ends, as LIKE reads it."""
    text = _SPECIAL.sub(r"\\\g<0>", value.text)
    return f"%{text}%" if value.mode == "contains" else f"%{text}"


class Merging:
    """Sorts what was written lately into the index, now and then: many texts at once cost less than one by one.

    `run` is outside any transaction.
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        self._due = 0.0  # by the monotonic clock

    async def step(self) -> None:
        if time.monotonic() >= self._due:
            await self._run(_MERGE, ())
            self._due = time.monotonic() + MERGE_SECONDS
