"""All the writes of a transaction on their way into one statement: drafts → rows → parameters.

An update brings the index rows of the version that it supersedes, and writes only the difference.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

from fhir_server.kernel.keys import Key
from fhir_server.kernel.values import immutable
from fhir_server.search.entries import Entries, Hasher
from fhir_server.store.binary import pack_int8, pack_int8s, unpack_bool, unpack_int, unpack_int8s
from fhir_server.store.contract import Draft
from fhir_server.store.ids import created
from fhir_server.store.pipeline import Row, Statement
from fhir_server.store.tables import ANY_PARAMETER, METHOD_NUMBERS, SEVERAL_VALUES, TYPE_NUMBERS
from fhir_server.store.watermark import STAMP_LOCKS
from fhir_server.store.write_statement import (
    CREATED,
    CREATES,
    DELETIONS,
    ENTRY_BITS,
    ENTRY_TABLES,
    FILE,
    FILES,
    KEEP,
    KEPT,
    ONE,
    PACK,
    PACK_ARRAY,
    SHARED,
    SLICES,
    TARGETS,
    UPDATED,
    UPDATES,
    write_statement,
)

ALWAYS: Final = 1 << 62  # as a limit of the fence: the stamp was announced before, when it was checked


@immutable
class Verdict:
    """What became of a flush: `written`, or why not."""

    written: bool
    fence: int  # ms: stamps must be greater
    missing: tuple[int, ...]  # `self` of the targets that do not exist


class _Columns:
    """Rows on their way into a statement."""

    __slots__ = ("columns", "rows")

    def __init__(self, columns: dict[str, str]) -> None:
        self.columns = columns
        self.rows: list[tuple[object, ...]] = []

    def __bool__(self) -> bool:
        return bool(self.rows)

    def packed(self, *, one: bool = False) -> list[bytes | None]:
        """An array for each column. `one`: without those that are the same for all rows of one resource."""
        columns = zip(self.columns.items(), zip(*self.rows, strict=True), strict=True)
        return [
            PACK_ARRAY[kind][0](values) for (name, kind), values in columns if not (one and name in SHARED)
        ]


class _Drafts(_Columns):
    """Rows of `resource`, with two long arrays of which each row has a slice."""

    __slots__ = ("present", "refs")

    def __init__(self, columns: dict[str, str]) -> None:
        super().__init__(columns)
        self.present: list[int] = []
        self.refs: list[int] = []

    def add(
        self, row: tuple[object, ...], present: list[int], refs: list[int], rest: tuple[object, ...]
    ) -> None:
        slices = [len(self.present) + 1, 0, len(self.refs) + 1, 0]
        self.present += present
        self.refs += refs
        slices[1::2] = len(self.present), len(self.refs)
        self.rows.append((*row, *slices, *rest))

    def packed(self, *, one: bool = False) -> list[bytes | None]:
        """The two arrays, then one for each column. `one`: the values of the only row, which needs no slices."""
        arrays: list[bytes | None] = [pack_int8s(self.present), pack_int8s(self.refs)]
        if not one:
            return arrays + super().packed()
        return arrays + [
            None if value is None else PACK[kind][0](value)
            for (name, kind), value in zip(self.columns.items(), self.rows[0], strict=True)
            if name not in SLICES
        ]


class Flush:
    """Collects drafts, then is one statement."""

    def __init__(self, hasher: Hasher) -> None:
        self._hasher = hasher
        self._any = hasher.seed(*ANY_PARAMETER)
        self._several = hasher.seed(*SEVERAL_VALUES)
        self._created = _Drafts(CREATED)
        self._updated = _Drafts(UPDATED)
        self._added = [_Columns(columns) for columns in ENTRY_TABLES.values()]
        self._removed = [_Columns(columns) for columns in ENTRY_TABLES.values()]
        self._kept = _Columns(KEEP)
        self._files = _Columns(FILE)
        self._targets: dict[int, Key] = {}
        self._deletes = False

    def add(self, draft: Draft, pk: int) -> None:
        """`pk`: of the resource, a fresh one if the draft creates it."""
        new, old = draft.entries, draft.old or Entries()
        moment = created(pk) if new.moment is None else new.moment
        old_moment = created(pk) if old.moment is None else old.moment
        hasher = self._hasher
        compartment = None if draft.compartment is None else hasher.self_of(draft.compartment)
        refs = [number for seed, target in new.references for number in (seed, hasher.self_of(target))]
        row = (pk, draft.version, draft.updated, compartment, moment, METHOD_NUMBERS[draft.method])
        if draft.version == 1:
            key = draft.key
            identity = (hasher.self_of(key), TYPE_NUMBERS[key.type], key.id)
            self._created.add(row, new.present, refs, (draft.body, *identity))
        else:
            self._deletes = self._deletes or draft.deleted
            body = None if draft.deleted else draft.body
            self._updated.add(row, new.present, refs, (body, draft.deleted))
        self._differ(
            0,
            [(key, space, moment, pk) for key, space in self._tokens(new, draft.targets)],
            [(key, space, old_moment, pk) for key, space in self._tokens(old, draft.old_targets)],
        )
        self._differ(1, [(*s, pk) for s in new.strings], [(*s, pk) for s in old.strings])
        self._differ(2, [(*d, pk) for d in new.dates], [(*d, pk) for d in old.dates])
        self._differ(3, [(*q, pk) for q in new.quantities], [(*q, pk) for q in old.quantities])

    def require(self, targets: Iterable[Key]) -> None:
        """These must exist when the transaction commits."""
        self._targets.update((self._hasher.self_of(key), key) for key in targets)

    def keep(self, pk: int, version: int) -> None:
        """This version must be current when the transaction commits."""
        self._kept.rows.append((pk, version))

    def note(self, sha256: str, at: int) -> None:
        self._files.rows.append((sha256, at))

    def missing(self, verdict: Verdict) -> list[Key]:
        return [self._targets[number] for number in verdict.missing]

    def statement(self, stamp: int, limit: int) -> tuple[Statement, list[bytes | None]]:
        """The text and its parameters. `stamp` (ms) is announced; `limit` (ms) must be past the fence."""
        shape = bool(self._targets) * TARGETS | bool(self._created) * CREATES | bool(self._updated) * UPDATES
        shape |= bool(self._kept) * KEPT | self._deletes * DELETIONS | bool(self._files) * FILES
        for bit, columns in enumerate((*self._added, *self._removed), ENTRY_BITS):
            shape |= bool(columns) << bit
        one = len(self._created.rows) + len(self._updated.rows) == 1
        shape |= one * ONE
        params: list[bytes | None] = [pack_int8(STAMP_LOCKS | stamp), pack_int8(limit)]
        if self._targets:
            params.append(pack_int8s(list(self._targets)))
        if self._kept:
            params += self._kept.packed()
        for columns in (self._created, self._updated, *self._added):
            if columns:
                params += columns.packed(one=one)
        for columns in (*self._removed, self._files):
            if columns:
                params += columns.packed()
        return write_statement(shape), params

    def _tokens(self, entries: Entries, targets: Sequence[Key]) -> list[tuple[int, int]]:
        """With rows for what only the store asks.

        A target that no search parameter reaches has one, so that `referrers` finds it all the same; a date parameter
        with several values has one, because for the others two conditions on it are two on the same value.
        """
        hasher, rows = self._hasher, entries.tokens
        if targets:
            loose = set(targets).difference(target for _, target in entries.references)
            rows = rows + [(hasher.reference(self._any, hasher.self_of(key)), 0) for key in loose]
        if len(entries.dates) > 1:
            counts = Counter(seed for seed, _, _ in entries.dates)
            rows = rows + [
                (hasher.reference(self._several, seed), 0) for seed, count in counts.items() if count > 1
            ]
        return rows

    def _differ(self, table: int, new: list[tuple[object, ...]], old: list[tuple[object, ...]]) -> None:
        if old:
            both = set(new).intersection(old)
            self._removed[table].rows += [row for row in old if row not in both]
            new = [row for row in new if row not in both]
        self._added[table].rows += new


def verdict_of(rows: Sequence[Row]) -> Verdict:
    written, fence, missing = rows[0]
    assert written is not None
    assert fence is not None
    keys = () if missing is None else tuple(key for key in unpack_int8s(missing) if key is not None)
    return Verdict(unpack_bool(written), unpack_int(fence), keys)
