"""Stretches of time during which something holds: half-open, in µs, so that a link can start or end later by itself.

https://hl7.org/fhir/R4/datatypes.html#Period
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final, TypeAlias

from fhir_server.kernel.errors import Malformed
from fhir_server.search.sight import FOREVER
from fhir_server.search.spans import period_of, span_of

Spell: TypeAlias = tuple[int, int]  # from the first to before the second

ALWAYS: Final[Spell] = (0, FOREVER)
DAY: Final = 24 * 60 * 60 * 1_000_000


def spell_of(period: dict[str, Any] | None) -> Spell | None:
    """When a Period holds, its last day, minute or second included. None when it cannot be read or is empty."""
    try:
        span = period_of(period or {})
    except Malformed:
        return None
    return ALWAYS if span is None else meet(ALWAYS, span)


def moment_in(text: object) -> int | None:
    """The first µs that a FHIR date or dateTime covers. None when it is none."""
    try:
        return max(0, span_of(text)[0]) if isinstance(text, str) else None
    except Malformed:
        return None


def meet(one: Spell | None, other: Spell | None) -> Spell | None:
    """When both hold. None: never."""
    if one is None or other is None:
        return None
    since, until = max(one[0], other[0]), min(one[1], other[1])
    return (since, until) if since < until else None


def after(spell: Spell | None, moment: int) -> Spell | None:
    """What of `spell` is not before `moment`."""
    return meet(spell, (moment, FOREVER))


def cut(spell: Spell, moments: Iterable[int]) -> Iterator[Spell]:
    """The pieces of `spell` between `moments`, in order."""
    since, until = spell
    inside = sorted({moment for moment in moments if since < moment < until})
    for end in (*inside, until):
        yield since, end
        since = end


def covers(spells: Iterable[Spell], wanted: Spell) -> bool:
    """Whether `spells` together hold during all of `wanted`."""
    since, until = wanted
    for start, end in sorted(spells):
        if start > since:
            break
        since = max(since, end)
    return since >= until
