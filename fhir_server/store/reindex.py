"""The statements of a `Job`: a slice of resources is read, and their index rows are written if they are still current.

A slice is one statement. It holds the row of its job, so that of two processes that believe to lead only one gets on,
and a job that has begun again is left alone. A resource that has changed since it was read is not touched, and the job
goes on in front of it.

Of an exact job, what the index has for a resource is compared with what it ought to have. The rows of `entry` are not
to be found by pk, so a large table gets an index for the time being: on an expression that no search can use. What is
deleted is visited too, in its place among the rest: it may have rows of a definition that nobody knew any more at its
deletion, and whatever is deleted or comes back meanwhile is still met once.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any, Final

from fhir_server.definitions.parameters import Parameters
from fhir_server.kernel.keys import Key
from fhir_server.kernel.values import immutable
from fhir_server.search.contained import group_of
from fhir_server.search.entries import Entries, Hasher
from fhir_server.store import by_person
from fhir_server.store.binary import (
    INT2,
    INT4_ARRAY,
    INT8,
    INT8_ARRAY,
    pack_int2,
    pack_int4s,
    pack_int8,
    pack_int8s,
    unpack_float8,
    unpack_int,
    unpack_text,
)
from fhir_server.store.by_person import told_by
from fhir_server.store.definitions import Indexed, Job, Slice, Unindexed
from fhir_server.store.index_rows import Values, index_rows, moment_of
from fhir_server.store.numbers import TYPE_NUMBERS
from fhir_server.store.pipeline import Statement
from fhir_server.store.seeing import stamp_in
from fhir_server.store.watermark import Run
from fhir_server.store.write_statement import ENTRY_TABLES, PACK_ARRAY, TERM, UNSURE

SLICE_BYTES: Final = 8_000_000  # of bodies in a slice; a longer one comes alone
_LOOKED_AT: Final = 5000  # resources of a slice where few are wanted


def _slice(name: str, scanned: str) -> Statement:
    """The first columns say how many were looked at, the last pk, and how many of them are wanted."""
    return Statement(
        name,
        f"""
        with scanned as materialized ({scanned}),
        taken as materialized (
            select pk from (
                select pk, row_number() over w as place, sum(size) over w - size as before
                from scanned where wanted window w as (order by pk)) t
            where place <= $6 and before < $4)
        select s.scanned, s.through, s.wanted, r.pk, r.id, r.version, r.body, r.cell, r.labels, r.stamp
        from (select count(*) as scanned, max(pk) as through, count(*) filter (where wanted) as wanted
              from scanned) s
        left join taken t on true left join resource r on r.pk = t.pk order by r.pk""",
        (INT2, INT8, INT8, INT8, INT8_ARRAY, INT8),
    )


_LIVE: Final = """
    select pk, $5::bigint[] is null or present && $5 as wanted, octet_length(body) as size
    from resource where type = $1 and pk > $2 and not deleted order by pk limit $3"""
_DELETED: Final = """
    select pk, true, 0 from resource where type = $1 and pk > $2 and deleted order by pk limit $3"""
_SLICE: Final = _slice("reindex_slice", _LIVE)
_EXACT_SLICE: Final = _slice(  # each half by an index of its own
    "reindex_exact_slice",
    f"select * from (({_LIVE}) union all ({_DELETED})) t order by pk limit $3",
)
_UNPACK: Final = {"bigint": unpack_int, "text": unpack_text, "float8": unpack_float8}


# Index tables in which no index leads from a pk to its rows: see `definitions_state.py`.
WITHOUT_PK: Final = ("entry", by_person.TABLE)


def _held(table: str, columns: dict[str, str]) -> Statement:
    """What an index table has for some resources."""
    pk = "pk + 0" if table in WITHOUT_PK else "pk"
    return Statement(
        f"reindex_held_{table}",
        f"select {', '.join(columns)} from {table} where {pk} = any($1::bigint[])",
        (INT8_ARRAY,),
    )


_HELD: Final = {table: _held(table, columns) for table, columns in ENTRY_TABLES.items()}


def _write() -> Statement:
    oids = [INT2, INT8, INT8, INT8, INT8, INT8_ARRAY, INT4_ARRAY, INT8_ARRAY]
    oids += [INT8_ARRAY, INT8_ARRAY, INT4_ARRAY, INT4_ARRAY, INT4_ARRAY, INT4_ARRAY, INT8_ARRAY]

    def rows(columns: dict[str, str]) -> str:
        arrays = []
        for kind in columns.values():
            oids.append(PACK_ARRAY[kind][1])
            arrays.append(f"${len(oids)}::{kind}[]")
        return f"unnest({', '.join(arrays)}) u({', '.join(columns)})"

    current = "exists (select 1 from current c where c.pk = u.pk)"
    parts = [
        """
        job as materialized (
            select 1 from reindex where type = $1 and since = $2 and position = $3 for update)""",
        """
        current as materialized (
            select r.pk, u.moment, ($9::bigint[])[u.present_from:u.present_to] as present,
                ($10::bigint[])[u.refs_from:u.refs_to] as refs, u.told
            from job cross join unnest(
                $6::bigint[], $7::int[], $8::bigint[], $11::int[], $12::int[], $13::int[], $14::int[],
                $15::bigint[])
                u(pk, version, moment, present_from, present_to, refs_from, refs_to, told)
            join resource r on r.pk = u.pk and r.version = u.version
            order by r.pk for no key update of r)""",
        """
        moved as (
            update reindex set done = done + $5, position = coalesce(
                (select min(u.pk) - 1 from unnest($6::bigint[]) u(pk)
                 where not exists (select 1 from current c where c.pk = u.pk)), $4)
            from job where type = $1 returning position, done)""",
        """
        updated as (
            update resource r set present = c.present, refs = c.refs, moment = c.moment, told = c.told from current c
            where r.pk = c.pk and (r.present, r.refs, r.moment, r.told)
                is distinct from (c.present, c.refs, c.moment, c.told))""",
    ]
    for table, columns in ENTRY_TABLES.items():
        parts.append(
            f"added_{table} as (insert into {table} ({', '.join(columns)}) select u.* from {rows(columns)}"
            f" where {current} on conflict do nothing)"
        )
    for table, columns in ENTRY_TABLES.items():
        same = " and ".join(f"e.{name} = u.{name}" for name in columns)
        parts.append(
            f"removed_{table} as (delete from {table} e using {rows(columns)} where {same} and {current})"
        )
    parts.append(
        f"added_terms as (insert into entry_term ({', '.join(TERM)}) select u.* from {rows(TERM)}"
        " where exists (select 1 from job) on conflict do nothing)"
    )
    return Statement(
        "reindex_write", f"with {', '.join(parts)} select position, done from moved", tuple(oids)
    )


_WRITE: Final = _write()


@immutable
class _Rows:
    """The rows that some resources ought to have."""

    tables: tuple[set[Values], ...]  # of `ENTRY_TABLES`
    moments: list[int]
    arrays: list[tuple[list[int], list[int]]]  # `present` and `refs`
    told: list[int | None]
    terms: set[tuple[int, str, int]]


async def slice_of(run: Run, hasher: Hasher, job: Job, parameters: Parameters, count: int) -> Slice:
    """The next resources of a job, `count` at most."""
    seeds = None if job.holding is None else _seeds(hasher, job.type, job.holding, parameters)
    params = (
        pack_int2(TYPE_NUMBERS[job.type]),
        pack_int8(job.position),
        pack_int8(count if seeds is None else max(count, _LOOKED_AT)),
        pack_int8(SLICE_BYTES),
        None if seeds is None else pack_int8s(seeds),
        pack_int8(count),
    )
    resources = []
    looked_at = last = wanted = 0
    for scanned, through, all_wanted, *values in await run(_EXACT_SLICE if job.exact else _SLICE, params):
        looked_at, last, wanted = map(_number, (scanned, through, all_wanted))
        pk, name, version, body, cell, labels, stamp = values
        if pk is not None:
            assert name is not None
            key = Key(job.type, name.decode())
            known = stamp_in(_number(cell), _number(labels), stamp)
            resources.append(Unindexed(unpack_int(pk), key, _number(version), body or b"", known))
    if len(resources) < wanted:
        last = resources[-1].pk
    return Slice(tuple(resources), last, looked_at)


def _seeds(hasher: Hasher, type: str, holding: Collection[str], parameters: Parameters) -> list[int]:
    """What `present` may have of resources that contain one of the types `holding`."""
    links = {""}
    for parameter in parameters.of(type).values():
        if parameter.kind == "reference":
            links |= {parameter.code, parameter.rows}
    return [
        hasher.seed(group_of(type, link, target), "") for link in sorted(links) for target in sorted(holding)
    ]


def _same(one: Entries, other: Entries) -> bool:
    """Whether two sets of rows are the same, where no parameter has other rows in one than in the other."""
    return one.present == other.present and len(one.references) == len(other.references)


async def write(
    run: Run, hasher: Hasher, job: Job, slice: Slice, rows: Sequence[Indexed]
) -> tuple[int, int] | None:
    """Write a slice: where the job goes on, and how many it has done. None: the job is not to be done any more."""
    resources = [one for one in rows if one.known is None or not _same(one.entries, one.known)]
    pks = [one.resource.pk for one in resources]
    wanted = _rows_of(hasher, resources)
    known = _rows_of(hasher, [replace(one, entries=one.known) for one in resources if one.known])
    added = tuple(
        one if table in UNSURE else one - other
        for table, one, other in zip(ENTRY_TABLES, wanted.tables, known.tables, strict=True)
    )
    removed = tuple(set[Values]() for _ in ENTRY_TABLES)
    if job.exact and pks:
        held = [await _held_rows(run, table, pks) for table in ENTRY_TABLES]
        pairs = tuple(zip(wanted.tables, held, strict=True))
        added = tuple(one - other for one, other in pairs)
        removed = tuple(other - one for one, other in pairs)
    all_present: list[int] = []
    all_refs: list[int] = []
    ranges = []
    for present, refs in wanted.arrays:
        starts = len(all_present) + 1, len(all_refs) + 1
        all_present += present
        all_refs += refs
        ranges.append((starts[0], len(all_present), starts[1], len(all_refs)))
    params: list[bytes | None] = [
        pack_int2(TYPE_NUMBERS[job.type]),
        pack_int8(job.since),
        pack_int8(job.position),
        pack_int8(slice.through),
        pack_int8(slice.scanned),
        pack_int8s(pks),
        pack_int4s([one.resource.version for one in resources]),
        pack_int8s(wanted.moments),
        pack_int8s(all_present),
        pack_int8s(all_refs),
        *map(pack_int4s, zip(*ranges, strict=True) if ranges else [()] * 4),
        pack_int8s(wanted.told),
    ]
    tables = [
        *zip(ENTRY_TABLES.values(), added, strict=True),
        *zip(ENTRY_TABLES.values(), removed, strict=True),
    ]
    for columns, values in (*tables, (TERM, wanted.terms - known.terms)):
        params += _packed(columns, sorted(values))
    for moved, done in await run(_WRITE, params):
        assert moved is not None
        assert done is not None
        return unpack_int(moved), unpack_int(done)
    return None


def _rows_of(hasher: Hasher, resources: Sequence[Indexed]) -> _Rows:
    found = _Rows(tuple(set() for _ in ENTRY_TABLES), [], [], [], set())
    for one in resources:
        pk, entries = one.resource.pk, one.entries
        entries.stamp = one.resource.stamp
        moment = moment_of(entries, pk)
        tables = index_rows(hasher, entries, one.resource.key, one.targets, moment, pk)
        for rows, (own, shared) in zip(found.tables, tables, strict=True):
            rows.update((*values, *shared) for values in own)
        found.moments.append(moment)
        refs = [number for seed, target in entries.references for number in (seed, hasher.self_of(target))]
        found.arrays.append((entries.present, refs))
        found.told.append(told_by(entries, hasher, one.resource.version))
        found.terms.update(entries.terms)
    return found


async def _held_rows(run: Run, table: str, pks: Sequence[int]) -> set[Values]:
    unpack = [_UNPACK[kind] for kind in ENTRY_TABLES[table].values()]
    found = set()
    for row in await run(_HELD[table], (pack_int8s(pks),)):
        values: list[Any] = []
        for read, data in zip(unpack, row, strict=True):
            assert data is not None
            values.append(read(data))
        found.add(tuple(values))
    return found


def _number(data: bytes | None) -> int:
    return 0 if data is None else unpack_int(data)


def _packed(columns: dict[str, str], rows: Sequence[Values]) -> list[bytes | None]:
    """An array for each column."""
    values = zip(*rows, strict=True) if rows else [()] * len(columns)
    return [PACK_ARRAY[kind][0](column) for kind, column in zip(columns.values(), values, strict=True)]
