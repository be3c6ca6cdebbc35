"""All the writes of a transaction as one statement: drafts → SQL text and its parameters.

The text depends only on which parts are there (creates, updates, deletions, index tables), so there are few texts, and
the rows travel as arrays. The statement first takes its locks, then judges, and every part that writes asks the gate:

- `held`, `fence`: the stamp is announced, then found to be after all that a history has shown (`watermark.py`);
- `found`: every local target of a reference exists, and is locked against deletion until this commits;
- `current`: every superseded version is still current, and is locked. `for update` and its weaker kinds follow a row to
  its newest version, so this compare-and-set sees what was committed after the statement's snapshot.

If the gate is closed nothing is written, and the answer says why. A key that exists already, which only a concurrent
creation of the same id can cause, is a unique violation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from fhir_server.kernel.keys import Key
from fhir_server.search.entries import Entries, Hasher
from fhir_server.store.binary import (
    BOOL_ARRAY,
    BYTEA_ARRAY,
    FLOAT8_ARRAY,
    INT2_ARRAY,
    INT4_ARRAY,
    INT8,
    INT8_ARRAY,
    TEXT_ARRAY,
    pack_bools,
    pack_byteas,
    pack_float8s,
    pack_int2s,
    pack_int4s,
    pack_int8,
    pack_int8s,
    pack_texts,
    unpack_bool,
    unpack_int,
    unpack_int8s,
)
from fhir_server.store.contract import Draft
from fhir_server.store.ids import created
from fhir_server.store.pipeline import Row, Statement
from fhir_server.store.tables import METHOD_NUMBERS, TYPE_NUMBERS
from fhir_server.store.watermark import STAMP_LOCKS

ALWAYS: Final = 1 << 62  # as a limit of the fence: the stamp was announced before, when it was checked

ANY_PARAMETER: Final = ("*", "target")  # as a type and a parameter: of references that no parameter reaches

_TARGETS, _KEPT, _CREATES, _UPDATES, _DELETIONS, _FILES = (1 << bit for bit in range(6))
_OPEN: Final = "(select open from gate)"
# Then a bit for each index table with rows to add, and one for each with rows to remove.
_ENTRY_BITS: Final = 6

_PACK: Final[dict[str, tuple[Callable[[Any], bytes], int]]] = {
    "bool": (pack_bools, BOOL_ARRAY),
    "bytea": (pack_byteas, BYTEA_ARRAY),
    "float8": (pack_float8s, FLOAT8_ARRAY),
    "smallint": (pack_int2s, INT2_ARRAY),
    "int": (pack_int4s, INT4_ARRAY),
    "bigint": (pack_int8s, INT8_ARRAY),
    "text": (pack_texts, TEXT_ARRAY),
}
_ENTRY_TABLES: Final[dict[str, dict[str, str]]] = {
    "entry": {"key": "bigint", "space": "bigint", "moment": "bigint", "pk": "bigint"},
    "entry_string": {"parameter": "bigint", "value": "text", "pk": "bigint"},
    "entry_date": {"parameter": "bigint", "low": "bigint", "high": "bigint", "pk": "bigint"},
    "entry_quantity": {
        "parameter": "bigint",
        "unit": "bigint",
        "low": "float8",
        "high": "float8",
        "pk": "bigint",
    },
}
# What a draft writes into `resource`. Two arrays of each row, `present` and `refs`, come as slices of one long array.
_NEW: Final[dict[str, str]] = {
    "pk": "bigint",
    "version": "int",
    "updated": "bigint",
    "compartment": "bigint",
    "moment": "bigint",
    "method": "smallint",
    "present_from": "int",
    "present_to": "int",
    "refs_from": "int",
    "refs_to": "int",
    "body": "bytea",
}
_CREATED: Final = _NEW | {"self": "bigint", "type": "smallint", "id": "text"}
_UPDATED: Final = _NEW | {"deleted": "bool"}
_KEEP: Final = {"pk": "bigint", "version": "int"}
_FILE: Final = {"sha256": "text", "name": "text", "at": "bigint"}


@dataclass(frozen=True, slots=True)
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

    def packed(self) -> list[bytes | None]:
        """One array for each column."""
        values = zip(*self.rows, strict=True)
        return [_PACK[kind][0](column) for kind, column in zip(self.columns.values(), values, strict=True)]


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

    def packed(self) -> list[bytes | None]:
        return [pack_int8s(self.present), pack_int8s(self.refs), *super().packed()]


class Flush:
    """Collects drafts, then is one statement."""

    def __init__(self, hasher: Hasher) -> None:
        self._hasher = hasher
        self._any = hasher.seed(*ANY_PARAMETER)
        self._created = _Drafts(_CREATED)
        self._updated = _Drafts(_UPDATED)
        self._added = [_Columns(columns) for columns in _ENTRY_TABLES.values()]
        self._removed = [_Columns(columns) for columns in _ENTRY_TABLES.values()]
        self._kept = _Columns(_KEEP)
        self._files = _Columns(_FILE)
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

    def note(self, sha256: str, name: str, at: int) -> None:
        self._files.rows.append((sha256, name, at))

    def missing(self, verdict: Verdict) -> list[Key]:
        return [self._targets[number] for number in verdict.missing]

    def statement(self, stamp: int, limit: int) -> tuple[Statement, list[bytes | None]]:
        """The text and its parameters. `stamp` (ms) is announced; `limit` (ms) must be past the fence."""
        shape = (
            bool(self._targets) * _TARGETS | bool(self._created) * _CREATES | bool(self._updated) * _UPDATES
        )
        shape |= bool(self._kept) * _KEPT | self._deletes * _DELETIONS | bool(self._files) * _FILES
        for bit, columns in enumerate((*self._added, *self._removed), _ENTRY_BITS):
            shape |= bool(columns) << bit
        params: list[bytes | None] = [pack_int8(STAMP_LOCKS | stamp), pack_int8(limit)]
        if self._targets:
            params.append(pack_int8s(list(self._targets)))
        for columns in (self._kept, self._created, self._updated, *self._added, *self._removed, self._files):
            if columns:
                params += columns.packed()
        return _statement(shape), params

    def _tokens(self, entries: Entries, targets: Sequence[Key]) -> list[tuple[int, int]]:
        """With a row for each target that no search parameter reaches, so that `referrers` finds it all the same."""
        if not targets:
            return entries.tokens
        loose = set(targets).difference(target for _, target in entries.references)
        hasher = self._hasher
        return entries.tokens + [(hasher.reference(self._any, hasher.self_of(key)), 0) for key in loose]

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


class _Text:
    """A statement in the making: its parts, and its parameters, numbered as they come."""

    def __init__(self) -> None:
        self.oids = [INT8, INT8]
        self.parts = [
            "held as materialized (select pg_advisory_xact_lock_shared($1) is null as absent)",
            # It reads from `held`, so the lock is there before the fence is looked at.
            "fence as materialized (select coalesce(pg_sequence_last_value('fence'::regclass), 0) as value"
            " from held where not absent)",
        ]
        self.gates = ["(select value from fence) < $2"]
        self.writes: list[str] = []
        self.missing = "null::bigint[]"

    def array(self, kind: str) -> str:
        self.oids.append(_PACK[kind][1])
        return f"${len(self.oids)}::{kind}[]"

    def rows(self, columns: dict[str, str]) -> str:
        arrays = ", ".join([self.array(kind) for kind in columns.values()])
        return f"unnest({arrays}) u({', '.join(columns)})"

    def slices(self) -> tuple[str, str]:
        present, refs = self.array("bigint"), self.array("bigint")
        return f"({present})[u.present_from:u.present_to]", f"({refs})[u.refs_from:u.refs_to]"

    def targets(self) -> None:
        targets = self.array("bigint")
        self.parts.append(
            f"found as materialized (select self from resource where self = any({targets}) and not deleted"
            " order by self for key share)"
        )
        self.gates.append(f"(select count(*) from found) = cardinality({targets})")
        self.missing = (
            f"case when not gate.open then array(select unnest({targets}) except select self from found) end"
        )

    def keeps(self) -> None:
        size = f"cardinality(${len(self.oids) + 1}::bigint[])"  # of the first column
        self.parts.append(
            f"kept as materialized (select r.version, u.version as expected from {self.rows(_KEEP)}"
            " join resource r on r.pk = u.pk order by r.pk for share of r)"
        )
        self.gates.append(f"(select count(*) from kept where version = expected) = {size}")

    def creates(self) -> None:
        present, refs = self.slices()
        self.writes.append(
            "created as (insert into resource (pk, self, type, id, version, updated, compartment, moment, method,"
            " deleted, present, refs, body) select u.pk, u.self, u.type, u.id, u.version, u.updated, u.compartment,"
            f" u.moment, u.method, false, {present}, {refs}, u.body from {self.rows(_CREATED)} where {_OPEN})"
        )

    def updates(self, *, deletions: bool) -> None:
        present, refs = self.slices()
        size = f"cardinality(${len(self.oids) + 1}::bigint[])"  # of the first column
        self.parts.append(
            "current as materialized (select r.pk, r.version, r.type, r.compartment, r.updated, r.method, r.deleted,"
            " r.body, u.version as new_version, u.updated as new_updated, u.compartment as new_compartment,"
            " u.moment as new_moment, u.method as new_method, u.deleted as new_deleted, u.body as new_body,"
            f" {present} as new_present, {refs} as new_refs"
            f" from {self.rows(_UPDATED)} join resource r on r.pk = u.pk"
            f" order by r.pk for {'update' if deletions else 'no key update'} of r)"
        )
        self.gates.append(f"(select count(*) from current where version = new_version - 1) = {size}")
        self.writes += (
            "superseded as (insert into version (pk, version, type, compartment, updated, until, method, deleted,"
            " body) select pk, version, type, compartment, updated, new_updated, method, deleted, body"
            f" from current where {_OPEN})",
            "updated as (update resource r set version = u.new_version, updated = u.new_updated,"
            " compartment = u.new_compartment, moment = u.new_moment, method = u.new_method,"
            " deleted = u.new_deleted, present = u.new_present, refs = u.new_refs, body = u.new_body"
            f" from current u where r.pk = u.pk and {_OPEN})",
        )

    def adds(self, table: str, columns: dict[str, str]) -> None:
        self.writes.append(
            f"added_{table} as (insert into {table} ({', '.join(columns)})"
            f" select * from {self.rows(columns)} where {_OPEN})"
        )

    def removes(self, table: str, columns: dict[str, str]) -> None:
        same = " and ".join(f"e.{name} = u.{name}" for name in columns)
        self.writes.append(
            f"removed_{table} as (delete from {table} e using {self.rows(columns)} where {same} and {_OPEN})"
        )

    def statement(self, name: str) -> Statement:
        gate = f"gate as materialized (select {' and '.join(self.gates)} as open)"
        parts = ", ".join((*self.parts, gate, *self.writes))
        sql = f"with {parts} select gate.open, fence.value, {self.missing} from gate, fence"
        return Statement(name, sql, tuple(self.oids))


@lru_cache(maxsize=1024)
def _statement(shape: int) -> Statement:
    """The text for the parts that `shape` has bits for: parameters come in the order of `Flush.statement`."""
    text = _Text()
    if shape & _TARGETS:
        text.targets()
    if shape & _KEPT:
        text.keeps()
    if shape & _CREATES:
        text.creates()
    if shape & _UPDATES:
        text.updates(deletions=bool(shape & _DELETIONS))
    tables = tuple(_ENTRY_TABLES.items())
    for bit, (table, columns) in enumerate(tables, _ENTRY_BITS):
        if shape & 1 << bit:
            text.adds(table, columns)
    for bit, (table, columns) in enumerate(tables, _ENTRY_BITS + len(tables)):
        if shape & 1 << bit:
            text.removes(table, columns)
    if shape & _FILES:
        text.adds("import_file", _FILE)
    return text.statement(f"flush_{shape:x}")
