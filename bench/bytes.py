"""What the Synthea set takes on disk: by table and index, by type of resource, by search parameter.

`python -m bench.bytes`. Tables are vacuumed first. The words of `_text` and `_content` and the trigrams of `:contains`
are told apart from the rest.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import psycopg

from bench.search_seeding import absent, load_synthea, settle
from bench.server import running
from fhir_server.definitions.parameters import CORE
from fhir_server.kernel.wire import decode
from fhir_server.search.entries import Hasher
from fhir_server.search.extract import entries_of
from fhir_server.store.numbers import TYPES
from fhir_server.store.schema import METADATA
from fhir_server.store.tables import resource

WORDS: Final = "entry_text"  # the table of `_text` and `_content`
STRINGS: Final = "entry_string"
TRIGRAMS: Final = "entry_string_trigrams"  # its index for `:contains`
DICTIONARY: Final = "entry_term"  # shared by all resources
OF_A_RESOURCE: Final = ("resource", "entry", STRINGS, "entry_date", "entry_quantity", WORDS)
TARGET_KB: Final = 3.0
_SHOWN: Final = 40  # parameters
_SEED: Final = re.compile(r"(-?\d+)[=~]")  # what the text of a token's key begins with

_SIZES: Final = """
    select t.relname, t.reltuples::bigint, pg_table_size(t.oid), pg_indexes_size(t.oid)
    from pg_class t where t.relkind = 'r' and t.relnamespace = 'public'::regnamespace
    order by pg_total_relation_size(t.oid) desc"""
_INDEXES: Final = """
    select t.relname, i.relname, pg_relation_size(i.oid) from pg_index x
    join pg_class i on i.oid = x.indexrelid join pg_class t on t.oid = x.indrelid
    where t.relkind = 'r' and t.relnamespace = 'public'::regnamespace order by 3 desc"""


@dataclass(frozen=True, slots=True)
class Size:
    """Of a table, in bytes: its rows with what is stored out of line, and its indexes."""

    rows: int
    heap: int
    indexes: int

    @property
    def bytes(self) -> int:
        return self.heap + self.indexes


@dataclass(slots=True)
class Held:
    """What the resources of one type hold: rows and bytes by table, and the bytes of their bodies."""

    resources: int
    bodies: int
    rows: dict[str, int]
    shares: dict[str, float]  # of the table's bytes


class Noting(Hasher):
    """Remembers of which search parameter each key is."""

    def __init__(self) -> None:
        super().__init__(b"\0" * 16)
        self.names: dict[int, str] = {}
        self._parameters: dict[int, str] = {}

    def seed(self, resource_type: str, parameter: str) -> int:
        found = super().seed(resource_type, parameter)
        self._parameters[found] = f"{resource_type}.{parameter}"
        return found

    def parameter(self, seed: int) -> str:
        return self._parameters[seed]

    def of(self, text: str) -> int:
        found = super().of(text)
        seed = _SEED.match(text)
        if seed and int(seed[1]) in self._parameters:
            self.names[found] = self._parameters[int(seed[1])]
        return found

    def reference(self, seed: int, target: int) -> int:
        found = super().reference(seed, target)
        self.names[found] = self._parameters[seed]
        return found


def main() -> None:
    if reason := absent():
        print(reason)
        return
    with running() as server:
        load_synthea(server)
        settle(server)
        with psycopg.connect(server.superuser_url, autocommit=True) as connection:
            print("\n".join(report(connection)))


def report(connection: psycopg.Connection[Any]) -> Iterator[str]:
    sizes = {
        name: Size(rows, heap, indexes)
        for name, rows, heap, indexes in connection.execute(_SIZES)
        if name in METADATA.tables
    }
    held = held_in(connection)
    resources = sum(one.resources for one in held.values())
    indexes = connection.execute(_INDEXES).fetchall()
    trigrams = sum(taken for _, index, taken in indexes if index == TRIGRAMS)
    strings = sizes[STRINGS]
    plain = {**sizes, STRINGS: replace(strings, indexes=strings.indexes - trigrams)}
    yield from _summary(plain, trigrams, resources)
    yield from _tables(sizes, indexes, resources)
    yield from _columns(connection)
    yield from _types(plain, held)
    yield from _parameters(connection, resources)


def held_in(connection: psycopg.Connection[Any]) -> Mapping[str, Held]:
    """By type, the type that takes most first."""
    found = {
        TYPES[number - 1]: Held(count, bodies, {"resource": count}, {"resource": own})
        for number, count, bodies, own in connection.execute(
            "select type, count(*), sum(octet_length(body)), sum(pg_column_size(r.*))::float8"
            " / (select sum(pg_column_size(r.*)) from resource r) from resource r group by type order by 4 desc"
        )
    }
    for table in OF_A_RESOURCE[1:]:
        weight = "pg_column_size(e.words)" if table == WORDS else "1"
        for number, rows, weighed in connection.execute(
            f"select r.type, count(*), sum({weight})::float8 from {table} e join resource r using (pk) group by 1"
        ):
            found[TYPES[number - 1]].rows[table] = rows
            found[TYPES[number - 1]].shares[table] = weighed
        total = sum(one.shares.get(table, 0) for one in found.values())
        for one in found.values():
            one.shares[table] = one.shares.get(table, 0) / max(total, 1)
    return found


def _summary(sizes: Mapping[str, Size], trigrams: int, resources: int) -> Iterator[str]:
    """`sizes`: without the trigrams."""
    every = sum(size.bytes for size in sizes.values())
    words = sizes[WORDS].bytes
    yield f"{resources:,} resources, after vacuum."
    yield ""
    rest = _kb((every - words) / resources)
    yield f"- all other tables and indexes: **{rest} a resource** (target ≤ {TARGET_KB:.1f} kB)"
    yield f"- words, for `_text` and `_content`: {_kb(words / resources)} a resource"
    yield f"- trigrams, for `:contains`: {_kb(trigrams / resources)} a resource"


def _tables(
    sizes: Mapping[str, Size], indexes: Sequence[tuple[str, str, int]], resources: int
) -> Iterator[str]:
    lines = []
    for name, size in sizes.items():
        if size.bytes < resources:  # less than a byte of each
            continue
        lines.append(
            (f"**{name}**", f"{size.rows / resources:.2f}", *_each(size.bytes, size.rows, resources))
        )
        lines.append(("rows", "", *_each(size.heap, size.rows, resources)))
        lines += [
            (f"index {index}", "", *_each(taken, size.rows, resources))
            for table, index, taken in indexes
            if table == name
        ]
    yield from _table(
        "Tables and indexes", ("", "rows a resource", "MB", "bytes a resource", "bytes a row"), lines
    )


def _columns(connection: psycopg.Connection[Any]) -> Iterator[str]:
    names = [column.name for column in resource.columns]
    row = connection.execute(
        f"select {', '.join(f'avg(coalesce(pg_column_size({name}), 0))::float8' for name in names)} from resource"
    ).fetchone()
    assert row is not None
    lines = [(name, f"{size:,.0f}") for name, size in zip(names, row, strict=True)]
    yield from _table("Columns of a row of resource", ("column", "bytes"), lines)


def _each(taken: int, rows: int, resources: int) -> tuple[str, str, str]:
    return f"{taken / 1e6:,.1f}", f"{taken / resources:,.0f}", f"{taken / max(rows, 1):,.0f}"


def _types(sizes: Mapping[str, Size], held: Mapping[str, Held]) -> Iterator[str]:
    def line(name: str, one: Held) -> tuple[str, ...]:
        taken = {
            table: sizes[table].bytes * one.shares.get(table, 0) / one.resources for table in OF_A_RESOURCE
        }
        rows = {table: one.rows.get(table, 0) / one.resources for table in OF_A_RESOURCE[1:-1]}
        return (
            name,
            f"{one.resources:,}",
            f"{one.bodies / one.resources:,.0f}",
            _kb(sum(taken.values()) - taken[WORDS]),
            f"{sum(rows.values()):.1f}",
            *(f"{count:.1f}" for count in rows.values()),
            f"{taken['resource']:,.0f}",
            f"{sum(taken[table] for table in OF_A_RESOURCE[1:-1]):,.0f}",
            f"{taken[WORDS]:,.0f}",
        )

    yield from _table(
        "By type, per resource (the dictionary of terms, which all share, aside)",
        (
            "type",
            "resources",
            "body, bytes",
            "on disk without words and trigrams",
            "index rows",
            *(table.removeprefix("entry_").replace("entry", "equality") for table in OF_A_RESOURCE[1:-1]),
            "resource, bytes",
            "index, bytes",
            "words, bytes",
        ),
        [line(name, one) for name, one in held.items()],
    )


def _parameters(connection: psycopg.Connection[Any], resources: int) -> Iterator[str]:
    """How many rows each search parameter has, found by extracting them again."""
    hasher, rows = Noting(), Counter[tuple[str, str]]()
    with connection.cursor() as cursor:
        for (body,) in cursor.stream("select body from resource where not deleted"):
            entries = entries_of(decode(bytes(body)), hasher, "", CORE)
            rows.update((hasher.names[key], "equality") for key, _ in entries.tokens)
            rows.update((hasher.parameter(seed), "string") for seed, _ in entries.strings)
            rows.update((hasher.parameter(seed), "date") for seed, _, _ in entries.dates)
            rows.update((hasher.parameter(seed), "quantity") for seed, *_ in entries.quantities)
    yield from _table(
        f"The {_SHOWN} parameters with most rows",
        ("parameter", "table", "rows", "rows a resource of all"),
        [
            (name, table, f"{count:,}", f"{count / resources:.2f}")
            for (name, table), count in rows.most_common(_SHOWN)
        ],
    )


def _kb(taken: float) -> str:
    return f"{taken / 1000:.2f} kB"


def _table(title: str, heads: Sequence[str], lines: Sequence[Sequence[str]]) -> Iterator[str]:
    yield from ("", f"## {title}", "", f"| {' | '.join(heads)} |", "|---" * len(heads) + "|")
    yield from (f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    main()
