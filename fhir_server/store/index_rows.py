"""The rows of the index tables that stand for one resource: what was extracted, and what only the store asks for."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, TypeAlias

from fhir_server.definitions.parameters import CORE, is_r4
from fhir_server.kernel.keys import Key
from fhir_server.search.entries import Entries, Hasher
from fhir_server.store.by_person import codes_of, person_in
from fhir_server.store.ids import created
from fhir_server.store.numbers import ANY_PARAMETER, SEVERAL_VALUES, UNDATED

Values: TypeAlias = tuple[Any, ...]  # of one row, in the order of the columns
Table: TypeAlias = tuple[Sequence[Values], Values]  # what its rows have of their own, and what they share


def moment_of(entries: Entries, pk: int) -> int:
    """The place of a resource in every list of `entry`."""
    return UNDATED + created(pk) if entries.moment is None else entries.moment


def index_rows(
    hasher: Hasher, entries: Entries, key: Key, targets: Sequence[Key], moment: int, pk: int
) -> tuple[Table, ...]:
    """For each of `ENTRY_TABLES`, in its order. `targets`: the local resources that `key`, whose pk this is, names.

    Whose codes they are is told by the stamp.
    """
    shared = (pk,)
    return (
        (_tokens(hasher, entries, key, targets), (moment, pk)),
        (entries.strings, shared),
        (entries.dates, shared),
        (entries.quantities, shared),
        (codes_of(entries), (person_in(entries, hasher), pk)),
    )


def _tokens(hasher: Hasher, entries: Entries, key: Key, targets: Sequence[Key]) -> list[tuple[int, int]]:
    """With rows for what only the store asks.

    A target that no search parameter of R4 reaches has one, so that `referrers` finds it all the same, whatever other
    parameters come and go; a date parameter with several values has one, because for the others two conditions on it
    are two on the same value.
    """
    rows = entries.tokens
    if targets:
        lasting = _lasting(hasher, key.type)
        reached = {target for seed, target in entries.references if seed in lasting}
        loose = [target for target in dict.fromkeys(targets) if target not in reached]
        if loose:
            seed = hasher.seed(*ANY_PARAMETER)
            rows = rows + [(hasher.reference(seed, hasher.self_of(target)), 0) for target in loose]
    if len(entries.dates) > 1:
        seeds = [seed for seed, _, _ in entries.dates]
        if len(set(seeds)) < len(seeds):
            several = hasher.seed(*SEVERAL_VALUES)
            twice = {seed for seed in seeds if seeds.count(seed) > 1}
            rows = rows + [(hasher.reference(several, seed), 0) for seed in twice]
    return rows


@lru_cache(maxsize=1024)
def _lasting(hasher: Hasher, type: str) -> frozenset[int]:
    """The seeds of the reference parameters that R4 defines for a type."""
    return frozenset(
        hasher.seed(type, code)
        for parameter in CORE.of(type).values()
        if parameter.kind == "reference" and is_r4(parameter.url)
        for code in (parameter.code, parameter.rows)
    )
