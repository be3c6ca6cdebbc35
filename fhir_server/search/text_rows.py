"""Strings, folded, each part of a name or an address on its own; and dates, as the spans that they cover.

https://hl7.org/fhir/R4/search.html#string · https://hl7.org/fhir/R4/search.html#date
"""

from __future__ import annotations

from collections.abc import Mapping

from fhir_server.kernel.wire import Tree
from fhir_server.search.folding import cut, tails
from fhir_server.search.rows import Rows, Slot, Writer
from fhir_server.search.spans import Span, period_of, span_of, timing_of

# The parts of a HumanName and of an Address; `use`, `type` and `period` are none.
_PARTS = dict.fromkeys(
    ("text", "family", "city", "district", "state", "postalCode", "country"), False
) | dict.fromkeys(("given", "prefix", "suffix", "line"), True)


def _string(rows: Rows, slot: Slot, value: str) -> None:
    folded = cut(value)
    if folded:
        rows.strings.add((slot.seed, folded))


def family(rows: Rows, slot: Slot, value: str) -> None:
    """A family name, and under `code:parts` what begins with each of its later words: `Garcia` of `Lopez Garcia`."""
    folded = cut(value)
    if not folded:
        return
    rows.strings.add((slot.seed, folded))
    for rest in tails(folded):
        rows.strings.add((slot.parts, rest))


def _person(rows: Rows, slot: Slot, value: Tree) -> None:
    """Each part of a HumanName."""
    _strings(rows, slot, value)
    if "family" in value:
        family(rows, slot, value["family"])


def _strings(rows: Rows, slot: Slot, value: Tree) -> None:
    """Each part of a HumanName or an Address."""
    seed, add = slot.seed, rows.strings.add
    for name, text in value.items():
        repeats = _PARTS.get(name)
        if repeats is None:
            continue
        for part in text if repeats else (text,):
            if part is not None and (folded := cut(part)):
                add((seed, folded))


def _date(rows: Rows, slot: Slot, value: str) -> None:
    low, high = span_of(value)
    rows.dates.add((slot.seed, low, high))


def _period(rows: Rows, slot: Slot, value: Tree) -> None:
    _span(rows, slot, period_of(value))


def _timing(rows: Rows, slot: Slot, value: Tree) -> None:
    _span(rows, slot, timing_of(value))


def _span(rows: Rows, slot: Slot, span: Span | None) -> None:
    if span is not None:
        rows.dates.add((slot.seed, *span))


TEXTS: Mapping[tuple[str, str], Writer] = {
    **{("string", name): _string for name in ("string", "markdown", "code", "id", "uri", "url", "canonical")},
    ("string", "HumanName"): _person,
    ("string", "Address"): _strings,
    **{("date", name): _date for name in ("date", "dateTime", "instant")},
    ("date", "Period"): _period,
    ("date", "Timing"): _timing,
}
