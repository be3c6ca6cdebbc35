"""Index entries in the making, and under which numbers the values of one parameter are written.

What a value of an element type becomes is said by `token_rows.py` (tokens, references, uris), `number_rows.py`
(numbers, quantities, positions) and `text_rows.py` (strings, dates).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from fhir_server.definitions.catalogue import required_codes
from fhir_server.definitions.parameters import ParameterKind
from fhir_server.kernel.keys import Key
from fhir_server.kernel.values import immutable
from fhir_server.kernel.wire import Tree
from fhir_server.search.entries import Hasher
from fhir_server.search.main_codes import MAIN_CODES
from fhir_server.search.units import Convert

KEPT = 4096  # codes that a slot remembers: what a server sees daily, and a bound on memory
LENGTH = 200  # characters of what is remembered


@dataclass(slots=True)
class Rows:
    """The entries of one resource so far, and what was found on the way that has entries of its own."""

    hasher: Hasher
    bases: tuple[str, ...]
    tokens: set[tuple[int, int]] = field(default_factory=set)
    codes: set[tuple[int, int]] = field(default_factory=set)  # of the tokens, the main codes
    strings: set[tuple[int, str]] = field(default_factory=set)
    dates: set[tuple[int, int, int]] = field(default_factory=set)
    quantities: set[tuple[int, int, float, float]] = field(default_factory=set)
    terms: set[tuple[int, str, int]] = field(default_factory=set)
    present: set[int] = field(default_factory=set)
    references: set[tuple[int, Key]] = field(default_factory=set)
    inner: list[tuple[str, str]] = field(default_factory=list)  # (parameter, id) of references to `#id`
    entered: list[tuple[str, Tree]] = field(default_factory=list)  # (parameter, resource) of a Bundle


@immutable
class Said:
    """What a code with the words beside it becomes."""

    tokens: tuple[tuple[int, int], ...]
    codes: tuple[tuple[int, int], ...]  # of the tokens, the main code
    terms: tuple[tuple[int, str, int], ...]  # from the first word on
    present: tuple[int, ...]


@immutable
class Unit:
    """How numbers of a unit are written: the rows that have them as they are, and the one that has them converted."""

    bare: tuple[tuple[int, int], ...]  # seed, unit
    space: int = 0  # 0: none has
    convert: Convert = float


@dataclass(frozen=True, slots=True)
class Slot:
    """Under which numbers the values of one parameter are written. Names as in `search/query.py`."""

    code: str  # of the parameter that answers for `#id`; empty: that is another's business
    seed: int
    exact: str  # what `Hasher.code` puts in front of a code
    folded: str  # what `Hasher.folded` does
    text: int | None = None  # seed of `code:text`; None: the words beside codes are not indexed
    of_type: str = ""  # `folded` of `code:of-type`
    unit: int = 0  # seed of `code:unit`
    parts: int = 0  # seed of `code:parts`
    identifier: Slot | None = None  # of `code:identifier`
    shared: bool = False  # the rows are another parameter's
    bound: Mapping[str, tuple[str, ...]] = field(
        default_factory=dict
    )  # code elements: code → systems that have it
    main: bool = False  # its codes are the main codes of their type
    # What came before comes back with every resource: system, code and words → what they become; system → member of
    # `present`, space; system, code and text of a unit → how its numbers are written.
    said: dict[tuple[str | None, str | None, str | None], Said] = field(default_factory=dict)
    systems: dict[str, tuple[int, int]] = field(default_factory=dict)
    units: dict[tuple[str | None, str | None, str | None], Unit] = field(default_factory=dict)


Writer = Callable[[Rows, Slot, Any], None]


def slot_of(
    hasher: Hasher,
    type: str,
    code: str,
    kind: ParameterKind,
    *,
    shared: bool = False,
    value_set: str | None = None,
    words: bool = True,
) -> Slot:
    """The slot of the parameter `type.code`. `words`: whether the words beside its codes are indexed."""
    seed = hasher.seed(type, code)
    identifier = None
    if kind == "reference" and not shared:
        identifier = slot_of(hasher, type, f"{code}:identifier", "token", words=False)
    return Slot(
        "" if shared or "$" in code else code,
        seed,
        f"{seed}=",
        f"{seed}~",
        hasher.seed(type, f"{code}:text") if kind == "token" and words else None,
        f"{hasher.seed(type, f'{code}:of-type')}~" if kind == "token" and words else "",
        hasher.seed(type, f"{code}:unit") if kind == "quantity" else 0,
        hasher.seed(type, f"{code}:parts") if kind == "string" else 0,
        identifier,
        shared,
        systems_of(value_set),
        main=MAIN_CODES.get(type) == code,
    )


@cache
def systems_of(value_set: str | None) -> Mapping[str, tuple[str, ...]]:
    """Code → systems of the value set, bound as `required`, that have it. Empty where R4 cannot list its codes."""
    found: dict[str, tuple[str, ...]] = {}
    for system, codes in required_codes().get(value_set or "", {}).items():
        for code in codes:
            found[code] = (*found.get(code, ()), system)
    return found
