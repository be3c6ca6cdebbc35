"""All the writes of a transaction on their way into one statement: drafts → rows → parameters.

An update brings the index rows of the version that it supersedes, and writes only the difference; of tables that may
lack some of them, all that it has.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Sequence
from typing import Any, Final, TypeAlias

from fhir_server.kernel.keys import Key
from fhir_server.kernel.values import immutable
from fhir_server.search.entries import Hasher
from fhir_server.store.audit_rows import TraceRows
from fhir_server.store.binary import pack_int8, pack_int8s, pack_texts, unpack_bool, unpack_int, unpack_int8s
from fhir_server.store.contract import Draft
from fhir_server.store.index_rows import Table, Values, index_rows, moment_of
from fhir_server.store.numbers import METHOD_NUMBERS, TYPE_NUMBERS
from fhir_server.store.pipeline import Row, Statement
from fhir_server.store.seeing import labels_of, parties_of, person_of, persons_of, text_of
from fhir_server.store.watermark import STAMP_LOCKS
from fhir_server.store.write_statement import (
    ARRAYS,
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
    TELLS,
    TERM,
    TERMS,
    TOLERANT,
    TRACES,
    UNSURE,
    UPDATED,
    UPDATES,
    write_statement,
)

ALWAYS: Final = 1 << 62  # as a limit of the fence: the stamp was announced before, when it was checked

_Packers: TypeAlias = tuple[Callable[[Any], bytes], ...]
_KNOWN: Final = 65536  # terms that a process remembers


@immutable
class Verdict:
    """What became of a flush: `written`, or why not."""

    written: bool
    fence: int  # ms: stamps must be greater
    generation: int  # of the definitions in force
    missing: tuple[int, ...]  # `self` of the targets that do not exist
    edition: int = 0  # that begins with it; 0: none does
    trace_fence: int = 0  # ms: stamps of traces must be greater


class KnownTerms:
    """Keys of terms that are committed for certain, and so need not be written: a term is never taken back."""

    __slots__ = ("_keys",)

    def __init__(self) -> None:
        self._keys: set[int] = set()

    def __contains__(self, key: object) -> bool:
        return key in self._keys

    def learn(self, keys: Iterable[int]) -> None:
        if len(self._keys) >= _KNOWN:
            self._keys.clear()
        self._keys.update(keys)


def _packers(columns: dict[str, str], without: Sequence[str] = ()) -> _Packers:
    return tuple(PACK_ARRAY[kind][0] for name, kind in columns.items() if name not in without)


def _packed(packers: _Packers, rows: Iterable[Values]) -> list[bytes | None]:
    """An array for each column."""
    return [pack(values) for pack, values in zip(packers, zip(*rows, strict=True), strict=True)]


_OWN: Final = tuple(_packers(columns, SHARED) for columns in ENTRY_TABLES.values())
_ALL: Final = tuple(map(_packers, ENTRY_TABLES.values()))
_UNSURE: Final = frozenset([place for place, table in enumerate(ENTRY_TABLES) if table in UNSURE])
_CREATED: Final = _packers(CREATED, SLICES)
_UPDATED: Final = _packers(UPDATED, SLICES)
_SLICES: Final = _packers(dict.fromkeys(SLICES, "int"))
_ONE_CREATED: Final = tuple(PACK[kind][0] for name, kind in CREATED.items() if name not in SLICES)
_ONE_UPDATED: Final = tuple(PACK[kind][0] for name, kind in UPDATED.items() if name not in SLICES)
_KEEP: Final = _packers(KEEP)
_FILE: Final = _packers(FILE)
_TERM: Final = _packers(TERM)


class _Drafts:
    """Rows of `resource`, and the two arrays of each."""

    __slots__ = ("arrays", "rows")

    def __init__(self) -> None:
        self.rows: list[Values] = []
        self.arrays: list[tuple[list[int] | None, ...]] = []

    def packed(self, packers: _Packers) -> list[bytes | None]:
        """Long arrays, of which each row has slices, and one for each column."""
        whole: tuple[list[int], ...] = tuple([[] for _ in ARRAYS])
        slices: list[tuple[int, ...]] = []
        for arrays in self.arrays:
            ends: list[int] = []
            for numbers, together in zip(arrays, whole, strict=True):
                ends.append(0 if numbers is None else len(together) + 1)
                together.extend(numbers or ())
                ends.append(len(together))
            slices.append(tuple(ends))
        columns = _packed(packers, self.rows)
        columns[_BEFORE_SLICES:_BEFORE_SLICES] = _packed(_SLICES, slices)
        return [*map(pack_int8s, whole), *columns]

    def single(self, packers: _Packers) -> list[bytes | None]:
        """The arrays and the values of the only row."""
        (arrays,) = self.arrays
        values = zip(packers, self.rows[0], strict=True)
        return [
            *(None if numbers is None else pack_int8s(numbers) for numbers in arrays),
            *(None if value is None else pack(value) for pack, value in values),
        ]


_BEFORE_SLICES: Final = list(CREATED).index(SLICES[0])


class _Entries:
    """Rows of an index table: what each has of its own, and what it shares with the others of its resource."""

    __slots__ = ("own", "shared")

    def __init__(self) -> None:
        self.own: list[Values] = []
        self.shared: list[Values] = []

    def add(self, own: Sequence[Values], shared: Values) -> None:
        self.own += own
        self.shared += [shared] * len(own)

    def packed(self, packers: _Packers) -> list[bytes | None]:
        return _packed(packers, [own + shared for own, shared in zip(self.own, self.shared, strict=True)])


class Flush:
    """Collects drafts, then is one statement.

    `generation`: of the definitions that the rows were made with. `tolerant`: the index may have some of the rows
    already, left by others. `terms`: keys of those that the database has.
    """

    def __init__(
        self, hasher: Hasher, generation: int, *, tolerant: bool = False, terms: Container[int] = ()
    ) -> None:
        self._hasher = hasher
        self._generation = generation
        self._tolerant = tolerant
        self._known = terms
        self._created = _Drafts()
        self._updated = _Drafts()
        self._added: dict[int, _Entries] = {}  # by the place of the table
        self._removed: dict[int, _Entries] = {}
        self._terms: set[tuple[int, str, int]] = set()
        self._kept: list[tuple[int, int]] = []
        self._files: list[tuple[str, int]] = []
        self._targets: dict[int, Key] = {}
        self._told: list[str] = []
        self._traces: list[bytes | None] = []
        self._deletes = False

    @property
    def terms(self) -> Iterable[int]:
        """Keys of the terms that the statement writes."""
        return {number for _, _, number in self._terms}

    def add(self, draft: Draft, pk: int) -> None:
        """`pk`: of the resource, a fresh one if the draft creates it."""
        new, old, hasher = draft.entries, draft.old, self._hasher
        moment = moment_of(new, pk)
        stamp = new.stamp
        person, owner = person_of(stamp), stamp.owner
        compartment = None if person is None else hasher.self_of(person)
        refs = [number for seed, target in new.references for number in (seed, hasher.self_of(target))]
        arrays = new.present, refs, parties_of(stamp, hasher), persons_of(stamp, hasher)
        row = (
            pk,
            draft.version,
            draft.updated,
            compartment,
            moment,
            METHOD_NUMBERS[draft.method],
            stamp.cell,
            labels_of(stamp),
            None if owner is None else hasher.self_of(owner),
            text_of(stamp),
        )
        if draft.version == 1:
            key = draft.key
            identity = (hasher.self_of(key), TYPE_NUMBERS[key.type], key.id)
            self._created.rows.append((*row, draft.body, *identity))
            self._created.arrays.append(arrays)
        else:
            self._deletes = self._deletes or draft.deleted
            body = None if draft.deleted else draft.body
            self._updated.rows.append((*row, body, draft.deleted))
            self._updated.arrays.append(arrays)
        for term in new.terms:
            if term[2] not in self._known:
                self._terms.add(term)
        tables = index_rows(hasher, new, draft.key, draft.targets, moment, pk)
        if old is None:
            for table, (rows, shared) in enumerate(tables):
                if rows:
                    self._added.setdefault(table, _Entries()).add(rows, shared)
            return
        old_moment = moment_of(old, pk)
        old_tables = index_rows(hasher, old, draft.key, draft.old_targets, old_moment, pk)
        for table, (one, other) in enumerate(zip(tables, old_tables, strict=True)):
            self._differ(table, one, other)

    def require(self, targets: Iterable[Key]) -> None:
        """These must exist when the transaction commits."""
        for key in targets:
            self._targets[self._hasher.self_of(key)] = key

    def keep(self, pk: int, version: int) -> None:
        """This version must be current when the transaction commits."""
        self._kept.append((pk, version))

    def note(self, sha256: str, at: int) -> None:
        self._files.append((sha256, at))

    def tell(self, names: Iterable[str]) -> None:
        """All processes are to hear of these: see `telling.py`."""
        self._told += names

    def trace(self, rows: TraceRows) -> None:
        """Rows of the audit log that go along."""
        self._traces = rows.params()

    def missing(self, verdict: Verdict) -> list[Key]:
        return [self._targets[number] for number in verdict.missing]

    def statement(self, stamp: int, limit: int) -> tuple[Statement, list[bytes | None]]:
        """The text and its parameters. `stamp` (ms) is announced; `limit` (ms) must be past the fence."""
        one = len(self._created.rows) + len(self._updated.rows) == 1
        shape = one * ONE | self._deletes * DELETIONS | self._tolerant * TOLERANT
        params: list[bytes | None] = [
            pack_int8(STAMP_LOCKS | stamp),
            pack_int8(limit),
            pack_int8(self._generation),
        ]
        if self._targets:
            shape |= TARGETS
            params.append(pack_int8s(list(self._targets)))
        if self._kept:
            shape |= KEPT
            params += _packed(_KEEP, self._kept)
        if self._created.rows:
            shape |= CREATES
            params += self._created.single(_ONE_CREATED) if one else self._created.packed(_CREATED)
        if self._updated.rows:
            shape |= UPDATES
            params += self._updated.single(_ONE_UPDATED) if one else self._updated.packed(_UPDATED)
        for table, entries in sorted(self._added.items()):
            shape |= 1 << ENTRY_BITS + table
            params += _packed(_OWN[table], entries.own) if one else entries.packed(_ALL[table])
        for table, entries in sorted(self._removed.items()):
            shape |= 1 << ENTRY_BITS + len(ENTRY_TABLES) + table
            params += entries.packed(_ALL[table])
        if self._terms:
            shape |= TERMS
            # In one order everywhere: two transactions that write the same new terms wait for each other, once.
            params += _packed(_TERM, sorted(self._terms))
        if self._files:
            shape |= FILES
            params += _packed(_FILE, self._files)
        if self._told:
            shape |= TELLS
            params.append(pack_texts(self._told))
        if self._traces:
            shape |= TRACES
            params += self._traces
        return write_statement(shape), params

    def _differ(self, table: int, new: Table, old: Table) -> None:
        (rows, shared), (old_rows, old_shared) = new, old
        if old_rows and shared == old_shared:
            both = set(rows).intersection(old_rows)
            if table not in _UNSURE:
                rows = [row for row in rows if row not in both]
            old_rows = [row for row in old_rows if row not in both]
        if rows:
            self._added.setdefault(table, _Entries()).add(rows, shared)
        if old_rows:
            self._removed.setdefault(table, _Entries()).add(old_rows, old_shared)


def verdict_of(rows: Sequence[Row]) -> Verdict:
    written, fence, generation, missing, edition, trace_fence = rows[0]
    assert written is not None
    assert fence is not None
    assert generation is not None
    keys = () if missing is None else tuple(key for key in unpack_int8s(missing) if key is not None)
    return Verdict(
        unpack_bool(written),
        unpack_int(fence),
        unpack_int(generation),
        keys,
        0 if edition is None else unpack_int(edition),
        0 if trace_fence is None else unpack_int(trace_fence),
    )
