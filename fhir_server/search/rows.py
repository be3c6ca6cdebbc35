"""One value of one element type becomes index rows, under the seed of one search parameter.

- token: code and system. An element of type `code` carries the system of the value set it is bound to.
- reference: the number of `Type/id` for a resource of this server, a hash of the text for any other. A versioned
  reference or canonical is there with its version and without. Contained and purely logical targets give no row.
- string: folded, each part of a name or an address on its own. date: the span it covers.
- number, quantity: the range that its written digits leave open, by unit as written.

https://hl7.org/fhir/R4/search.html#ptypes
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache, lru_cache
from math import inf
from typing import Any

from fhir_server.definitions.catalogue import required_codes
from fhir_server.definitions.targets import local_key
from fhir_server.kernel.keys import Key
from fhir_server.kernel.wire import Number, Tree
from fhir_server.search.entries import Hasher
from fhir_server.search.folding import cut
from fhir_server.search.spans import Span, period_of, span_of, timing_of

BOOLEANS = "http://hl7.org/fhir/special-values"  # the code system of true and false, says the specification
CURRENCIES = "urn:iso:std:iso:4217"


@dataclass(slots=True)
class Rows:
    """Entries in the making."""

    hasher: Hasher
    bases: tuple[str, ...]
    tokens: set[tuple[int, int]] = field(default_factory=set)
    strings: set[tuple[int, str]] = field(default_factory=set)
    dates: set[tuple[int, int, int]] = field(default_factory=set)
    quantities: set[tuple[int, int, float, float]] = field(default_factory=set)
    present: set[int] = field(default_factory=set)
    references: set[tuple[int, Key]] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Slot:
    """Under which numbers the values of one parameter are written."""

    seed: int
    prefix: str  # what `Hasher.code` puts in front of a code
    shared: bool  # the rows are another parameter's
    bound: dict[str, tuple[str, ...]]  # code elements: code → systems of the value set that have it
    # What came before comes back with every resource: (system, code) → row; system → member of `present`, space.
    codes: dict[tuple[str | None, str], tuple[int, int]] = field(default_factory=dict)
    systems: dict[str, tuple[int, int]] = field(default_factory=dict)


_KNOWN = 4096  # codes and systems that a slot keeps: what a server sees daily, and a bound on memory
Writer = Callable[[Rows, Slot, Any], None]


@cache
def systems_of(value_set: str | None) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for system, codes in required_codes().get(value_set or "", {}).items():
        for code in codes:
            found[code] = (*found.get(code, ()), system)
    return found


# Tokens -------------------------------------------------------------------------------------------------------------


def _token(rows: Rows, slot: Slot, system: str | None, code: str) -> None:
    row = slot.codes.get((system, code))
    if row is None:
        row = rows.hasher.code(slot.seed, code), rows.hasher.space(system or "")
        if len(slot.codes) < _KNOWN and len(code) + len(system or "") < 200:
            slot.codes[system, code] = row
    rows.tokens.add(row)
    if system:
        _space(rows, slot, system)


def _space(rows: Rows, slot: Slot, system: str) -> int:
    """The number of a system, which the resource then has a token of."""
    known = slot.systems.get(system)
    if known is None:
        known = rows.hasher.system(slot.seed, system), rows.hasher.space(system)
        if len(slot.systems) < _KNOWN and len(system) < 200:
            slot.systems[system] = known
    rows.present.add(known[0])
    return known[1]


def _coding(rows: Rows, slot: Slot, value: Tree) -> None:
    code, system = value.get("code"), value.get("system")
    if code is not None:
        _token(rows, slot, system, code)
    elif system:
        _space(rows, slot, system)


def _codeable_concept(rows: Rows, slot: Slot, value: Tree) -> None:
    for coding in value.get("coding", ()):
        _coding(rows, slot, coding)


def _identifier(rows: Rows, slot: Slot, value: Tree) -> None:
    text, system = value.get("value"), value.get("system")
    space = _space(rows, slot, system) if system else 0
    if text is not None:
        # Hashed and not kept: no other resource has the same.
        rows.tokens.add((rows.hasher.of(slot.prefix + text), space))


def _code(rows: Rows, slot: Slot, value: str) -> None:
    for system in slot.bound.get(value, (None,)):
        _token(rows, slot, system, value)


def _boolean(rows: Rows, slot: Slot, value: bool) -> None:
    _token(rows, slot, BOOLEANS, "true" if value else "false")


def _plain(rows: Rows, slot: Slot, value: str) -> None:
    rows.tokens.add((rows.hasher.of(slot.prefix + value), 0))


def _contact_point(rows: Rows, slot: Slot, value: Tree) -> None:
    text = value.get("value")
    if text is not None:
        _plain(rows, slot, text)


# References and uris ------------------------------------------------------------------------------------------------


def _reference(rows: Rows, slot: Slot, value: Tree) -> None:
    text = value.get("reference")
    if text is not None:
        _target(rows, slot, text)


def _target(rows: Rows, slot: Slot, text: str) -> None:
    if text.startswith("#"):
        return
    key = _local_key(text, rows.bases) if len(text) < 500 else None
    if key is None:
        if not slot.shared:
            _plain(rows, slot, text)
            if "/_history/" in text:
                _plain(rows, slot, text.partition("/_history/")[0])
        return
    rows.references.add((slot.seed, key))
    if not slot.shared:
        hasher = rows.hasher
        rows.tokens.add((hasher.reference(slot.seed, hasher.kept(f"{key[0]}/{key[1]}")), 0))
        if "/_history/" in text:
            _plain(rows, slot, text)


# Many resources point to the same patient.
_local_key = lru_cache(maxsize=8192)(local_key)


def _canonical(rows: Rows, slot: Slot, value: str) -> None:
    """A canonical may be local too (`Questionnaire/1`): a query that says so is about the resource of that id."""
    plain, bar, _ = value.partition("|")
    if bar:
        _plain(rows, slot, value)
    _target(rows, slot, plain)


def _inner_resource(rows: Rows, slot: Slot, value: Tree) -> None:
    """A resource inside a Bundle: found by its own type and id, yet no reference to anything stored."""
    if "id" in value:
        text = f"{value['resourceType']}/{value['id']}"
        rows.tokens.add((rows.hasher.reference(slot.seed, rows.hasher.of(text)), 0))


def _uri(rows: Rows, slot: Slot, value: str) -> None:
    _token(rows, slot, None, value)
    plain, bar, _ = value.partition("|")
    if bar:
        _token(rows, slot, None, plain)


# Strings ------------------------------------------------------------------------------------------------------------


# The parts of a HumanName and of an Address; `use`, `type` and `period` are none.
_PARTS = dict.fromkeys(
    ("text", "family", "city", "district", "state", "postalCode", "country"), False
) | dict.fromkeys(("given", "prefix", "suffix", "line"), True)


def _string(rows: Rows, slot: Slot, value: str) -> None:
    folded = cut(value)
    if folded:
        rows.strings.add((slot.seed, folded))


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


def parts_of(value: Tree) -> list[str]:
    """The parts of a HumanName or an Address, as they are written."""
    found: list[str] = []
    for name, text in value.items():
        repeats = _PARTS.get(name)
        if repeats is not None:
            found += [part for part in (text if repeats else (text,)) if part is not None]
    return found


# Dates --------------------------------------------------------------------------------------------------------------


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


# Numbers and quantities ---------------------------------------------------------------------------------------------


def range_of(number: int | Number) -> tuple[float, float]:
    """What a written number may stand for: `100` is [99.5, 100.5], `5.40` is [5.395, 5.405].

    Beyond what a double can hold it is infinite, or zero.
    """
    text = str(number) if isinstance(number, int) else bytes(number).decode()
    return _kept_range(text) if len(text) < 40 else _range_in(text)


def _range_in(text: str) -> tuple[float, float]:
    try:
        value = Decimal(text)
        exponent = value.as_tuple().exponent
        assert isinstance(exponent, int)
        half = Decimal((0, (5,), exponent - 1))
        return float(value - half), float(value + half)
    except ArithmeticError:  # an exponent that no decimal arithmetic takes
        return float(text), float(text)


_kept_range = lru_cache(maxsize=8192)(_range_in)


def _number(rows: Rows, slot: Slot, value: int | Number) -> None:
    rows.quantities.add((slot.seed, 0, *range_of(value)))


def _quantity(rows: Rows, slot: Slot, value: Tree) -> None:
    number = value.get("value")
    if number is None:
        return
    low, high = range_of(number)
    match value.get("comparator"):
        case "<" | "<=":
            low = -inf
        case ">" | ">=":
            high = inf
    rows.quantities.add((slot.seed, _unit(rows, value), low, high))


def _money(rows: Rows, slot: Slot, value: Tree) -> None:
    if "value" in value:
        unit = rows.hasher.space(f"{CURRENCIES}|{value['currency']}") if "currency" in value else 0
        rows.quantities.add((slot.seed, unit, *range_of(value["value"])))


def _range(rows: Rows, slot: Slot, value: Tree) -> None:
    low, high = value.get("low", {}), value.get("high", {})
    if "value" in low or "value" in high:
        start = range_of(low["value"])[0] if "value" in low else -inf
        end = range_of(high["value"])[1] if "value" in high else inf
        unit = _unit(rows, low if "value" in low else high)
        rows.quantities.add((slot.seed, unit, start, end))


def _unit(rows: Rows, quantity: Tree) -> int:
    if "code" in quantity:
        return rows.hasher.space(f"{quantity.get('system', '')}|{quantity['code']}")
    return rows.hasher.space(quantity.get("unit", ""))


_STRINGS = ("string", "id", "uri", "url", "canonical", "oid", "uuid", "markdown")
WRITERS: dict[tuple[str, str], Writer] = {
    ("token", "Coding"): _coding,
    ("token", "CodeableConcept"): _codeable_concept,
    ("token", "Identifier"): _identifier,
    ("token", "ContactPoint"): _contact_point,
    ("token", "code"): _code,
    ("token", "boolean"): _boolean,
    **{("token", name): _plain for name in _STRINGS},
    ("reference", "Reference"): _reference,
    ("reference", "canonical"): _canonical,
    ("reference", "uri"): _canonical,
    ("reference", "Resource"): _inner_resource,
    **{("uri", name): _uri for name in ("uri", "url", "canonical", "oid", "uuid")},
    ("string", "string"): _string,
    ("string", "markdown"): _string,
    ("string", "HumanName"): _strings,
    ("string", "Address"): _strings,
    ("date", "date"): _date,
    ("date", "dateTime"): _date,
    ("date", "instant"): _date,
    ("date", "Period"): _period,
    ("date", "Timing"): _timing,
    **{("number", name): _number for name in ("integer", "decimal", "positiveInt", "unsignedInt")},
    ("number", "Range"): _range,  # RiskAssessment.probability: a range of per cents says so
    **{("quantity", name): _quantity for name in ("Quantity", "Age", "Duration", "Count", "Distance")},
    ("quantity", "Money"): _money,
    ("quantity", "Range"): _range,
}
