"""The one statement that writes a transaction, as text for each combination of parts.

The text depends only on which parts are there (creates, updates, deletions, index tables), so there are few texts, and
the rows travel as arrays; a lone draft, the ordinary case, as single values. The statement first takes its locks, then
judges, and every part that writes asks the gate:

- `held`, `fence`: the stamp is announced, then found to be after all that a history has shown (`watermark.py`), and the
  definitions that the rows were made with are still those in force (`definitions.py`);
- `found`: every local target of a reference exists, and is locked against deletion until this commits;
- `trace_held`, `trace_fence`: traces that go along are not behind what the sealer has sealed (`audit_seal.py`);
- `current`, `kept`: every superseded version, and every one that was locked, is still current, and is locked. A locking
  clause follows a row to its newest version, so this compare-and-set sees what was committed after the snapshot.

If the gate is closed nothing is written, and the answer says why. A key that exists already, which only a concurrent
creation of the same id can cause, is a unique violation.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

from fhir_server.search.sight import UNSTAMPED
from fhir_server.store import by_person
from fhir_server.store.audit_rows import AUDIT, FENCE_SQL, HELD_SQL
from fhir_server.store.binary import (
    BOOL,
    BOOL_ARRAY,
    BYTEA,
    BYTEA_ARRAY,
    FLOAT8_ARRAY,
    INT2,
    INT2_ARRAY,
    INT4,
    INT4_ARRAY,
    INT8,
    INT8_ARRAY,
    TEXT,
    TEXT_ARRAY,
    pack_bool,
    pack_bools,
    pack_byteas,
    pack_float8s,
    pack_int2,
    pack_int2s,
    pack_int4,
    pack_int4s,
    pack_int8,
    pack_int8s,
    pack_text,
    pack_texts,
)
from fhir_server.store.pipeline import Statement
from fhir_server.store.telling import TELL_SQL, TOLD_SQL

# A shape is the sum of these: which parts a statement has.
TARGETS, KEPT, CREATES, UPDATES, DELETIONS, FILES, ONE, TERMS, TOLERANT, TELLS, TRACES = (
    1 << bit for bit in range(11)
)
_OPEN: Final = "(select open from gate)"
# Then a bit for each index table with rows to add, and one for each with rows to remove.
ENTRY_BITS: Final = 11

PACK: Final[dict[str, tuple[Callable[[Any], bytes], int]]] = {
    "bool": (pack_bool, BOOL),
    "bytea": (bytes, BYTEA),
    "smallint": (pack_int2, INT2),
    "int": (pack_int4, INT4),
    "bigint": (pack_int8, INT8),
    "bigint[]": (pack_int8s, INT8_ARRAY),
    "text": (pack_text, TEXT),
}
PACK_ARRAY: Final[dict[str, tuple[Callable[[Any], bytes], int]]] = {
    "bool": (pack_bools, BOOL_ARRAY),
    "bytea": (pack_byteas, BYTEA_ARRAY),
    "float8": (pack_float8s, FLOAT8_ARRAY),
    "smallint": (pack_int2s, INT2_ARRAY),
    "int": (pack_int4s, INT4_ARRAY),
    "bigint": (pack_int8s, INT8_ARRAY),
    "text": (pack_texts, TEXT_ARRAY),
}
ENTRY_TABLES: Final[dict[str, dict[str, str]]] = {
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
    by_person.TABLE: {"code": "bigint", "person": "bigint", "pk": "bigint"},
}
# Tables in which a row that ought to be there may be missing, and one may be left over.
UNSURE: Final = frozenset({by_person.TABLE})
# What a draft writes into `resource`. The arrays of each row come as slices of long ones, from 1 on; of one that is
# null, the slice begins at 0.
ARRAYS: Final = ("present", "refs", "parties", "persons")
SLICES: Final = tuple(f"{name}_{end}" for name in ARRAYS for end in ("from", "to"))
_STAMP: Final = ("cell", "labels", "owner", "parties", "persons", "stamp")
SHARED: Final = ("moment", "pk", "person")  # of the index rows of one resource
_NEW: Final[dict[str, str]] = {
    "pk": "bigint",
    "version": "int",
    "updated": "bigint",
    "compartment": "bigint",
    "moment": "bigint",
    "method": "smallint",
    "cell": "smallint",
    "labels": "smallint",
    "owner": "bigint",
    "stamp": "text",
    **dict.fromkeys(SLICES, "int"),
    "body": "bytea",
}
CREATED: Final = _NEW | {"self": "bigint", "type": "smallint", "id": "text"}
UPDATED: Final = _NEW | {"deleted": "bool"}
# Of a draft, called u.
_TOLD: Final = f"case when u.cell < {UNSTAMPED.cell} then {by_person.TOLD_SQL.format(c='u.')} end"
_SUPERSEDED: Final = ("version", "compartment", "updated", "method", "deleted", "body", *_STAMP)
KEEP: Final = {"pk": "bigint", "version": "int"}
FILE: Final = {"sha256": "text", "at": "bigint"}
TERM: Final = {"parameter": "bigint", "value": "text", "key": "bigint"}


class _Text:
    """A statement in the making: its parts, and its parameters, numbered as they come."""

    def __init__(self, *, one: bool) -> None:
        """`one`: there is one draft, whose columns are single values."""
        self.one = one
        self.shared: dict[str, str] = {}  # then these are its pk, its moment and its person
        self.oids = [INT8, INT8, INT8]
        self.parts = [
            "held as materialized (select pg_advisory_xact_lock_shared($1) is null as absent)",
            # It reads from `held`, so the lock is there before the fence and the generation are looked at.
            "fence as materialized (select coalesce(pg_sequence_last_value('fence'::regclass), 0) as value,"
            " coalesce(pg_sequence_last_value('gate'::regclass), 0) as generation from held where not absent)",
        ]
        self.gates = ["(select value < $2 and generation = $3 from fence)"]
        self.writes: list[str] = []
        self.missing = "null::bigint[]"
        self.edition = "null::bigint"
        self.trace_fence = "null::bigint"

    def array(self, kind: str) -> str:
        self.oids.append(PACK_ARRAY[kind][1])
        return f"${len(self.oids)}::{kind}[]"

    def value(self, kind: str) -> str:
        self.oids.append(PACK[kind][1])
        return f"${len(self.oids)}::{kind}"

    def rows(self, columns: dict[str, str]) -> str:
        arrays = ", ".join([self.array(kind) for kind in columns.values()])
        return f"unnest({arrays}) u({', '.join(columns)})"

    def drafts(self, columns: dict[str, str]) -> tuple[str, dict[str, str], str]:
        """The relation of drafts, the arrays of a draft, and how many drafts there are."""
        arrays = {name: self.array("bigint") for name in ARRAYS}
        if not self.one:
            size = f"cardinality(${len(self.oids) + 1}::bigint[])"  # of the first column
            slices = {name: f"({array})[u.{name}_from:u.{name}_to]" for name, array in arrays.items()}
            for name in ("parties", "persons"):
                slices[name] = f"case when u.{name}_from > 0 then {slices[name]} end"
            return self.rows(columns), slices, size
        values = {name: self.value(kind) for name, kind in columns.items() if name not in SLICES}
        self.shared = {name: values[name] for name in ("moment", "pk")}
        self.shared["person"] = f"coalesce({values['compartment']}, {by_person.NOBODY_SQL})"
        return f"(values ({', '.join(values.values())})) u({', '.join(values)})", arrays, "1"

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
            f"kept as materialized (select r.version, u.version as expected from {self.rows(KEEP)}"
            " join resource r on r.pk = u.pk order by r.pk for share of r)"
        )
        self.gates.append(f"(select count(*) from kept where version = expected) = {size}")

    def creates(self) -> None:
        rows, arrays, _ = self.drafts(CREATED)
        own = "pk, self, type, id, version, updated, compartment, moment, method, cell, labels, owner, stamp, body"
        self.writes.append(
            f"created as (insert into resource ({own}, deleted, told, {', '.join(arrays)})"
            f" select u.{own.replace(', ', ', u.')}, false, {_TOLD}, {', '.join(arrays.values())} from {rows}"
            f" where {_OPEN})"
        )

    def updates(self, *, deletions: bool) -> None:
        rows, arrays, size = self.drafts(UPDATED)
        old = ("pk", "type", *_SUPERSEDED)
        plain = (
            "version",
            "updated",
            "compartment",
            "moment",
            "method",
            "deleted",
            "cell",
            "labels",
            "owner",
            "stamp",
            "body",
        )
        new = {name: f"u.{name}" for name in plain} | {"told": _TOLD} | arrays
        columns = [f"r.{name}" for name in old] + [f"{sql} as new_{name}" for name, sql in new.items()]
        self.parts.append(
            f"current as materialized (select {', '.join(columns)} from {rows} join resource r on r.pk = u.pk"
            f" order by r.pk for {'update' if deletions else 'no key update'} of r)"
        )
        self.gates.append(f"(select count(*) from current where version = new_version - 1) = {size}")
        self.writes += (
            f"superseded as (insert into version ({', '.join(old)}, until) select {', '.join(old)}, new_updated"
            f" from current where {_OPEN})",
            f"updated as (update resource r set {', '.join(f'{name} = u.new_{name}' for name in new)}"
            f" from current u where r.pk = u.pk and {_OPEN})",
        )

    def adds(self, table: str, columns: dict[str, str], *, conflict: str = "") -> None:
        """Rows of `columns`; what all of them share is left out of the parameters."""
        own = {name: kind for name, kind in columns.items() if name not in self.shared}
        values = ", ".join(self.shared.get(name, f"u.{name}") for name in columns)
        self.writes.append(
            f"added_{table} as (insert into {table} ({', '.join(columns)})"
            f" select {values} from {self.rows(own)} where {_OPEN}{conflict})"
        )

    def removes(self, table: str, columns: dict[str, str]) -> None:
        same = " and ".join(f"e.{name} = u.{name}" for name in columns)
        self.writes.append(
            f"removed_{table} as (delete from {table} e using {self.rows(columns)} where {same} and {_OPEN})"
        )

    def tells(self) -> None:
        self.writes.append(TELL_SQL.format(condition=f"where {_OPEN}", names=self.array("text")))
        self.edition = TOLD_SQL

    def traces(self) -> None:
        """Rows of the audit log, which has a fence of its own: see `audit_seal.py`."""
        lock, stamp = self.value("bigint"), self.value("bigint")
        self.parts += (
            f"trace_held as materialized ({HELD_SQL.format(lock=lock)})",
            f"trace_fence as materialized ({FENCE_SQL.format(held='trace_held')})",
        )
        self.gates.append(f"(select value < {stamp} from trace_fence)")
        self.adds("audit", AUDIT)
        self.trace_fence = "(select value from trace_fence)"

    def statement(self, name: str) -> Statement:
        gate = f"gate as materialized (select {' and '.join(self.gates)} as open)"
        parts = ", ".join((*self.parts, gate, *self.writes))
        answer = (
            f"gate.open, fence.value, fence.generation, {self.missing}, {self.edition}, {self.trace_fence}"
        )
        sql = f"with {parts} select {answer} from gate, fence"
        return Statement(name, sql, tuple(self.oids))


@lru_cache(maxsize=1024)
def write_statement(shape: int) -> Statement:
    """The text for the parts that `shape` has bits for: parameters come in the order of `Flush.statement`."""
    text = _Text(one=bool(shape & ONE))
    if shape & TARGETS:
        text.targets()
    if shape & KEPT:
        text.keeps()
    if shape & CREATES:
        text.creates()
    if shape & UPDATES:
        text.updates(deletions=bool(shape & DELETIONS))
    tables = tuple(ENTRY_TABLES.items())
    for bit, (table, columns) in enumerate(tables, ENTRY_BITS):
        if shape & 1 << bit:
            unsure = shape & TOLERANT or table in UNSURE
            text.adds(table, columns, conflict=" on conflict do nothing" if unsure else "")
    for bit, (table, columns) in enumerate(tables, ENTRY_BITS + len(tables)):
        if shape & 1 << bit:
            text.removes(table, columns)
    text.shared = {}
    if shape & TERMS:
        text.adds("entry_term", TERM, conflict=" on conflict do nothing")
    if shape & FILES:
        text.adds("import_file", FILE)
    if shape & TELLS:
        text.tells()
    if shape & TRACES:
        text.traces()
    return text.statement(f"flush_{shape:x}")
