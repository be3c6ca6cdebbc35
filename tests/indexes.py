"""The index of a database, row by row, beside what it ought to be."""

from __future__ import annotations

from typing import Any

import psycopg

from fhir_server.interactions.call import Server
from fhir_server.interactions.references import targets_of
from fhir_server.kernel.keys import Key
from fhir_server.kernel.wire import decode
from fhir_server.store.index_rows import index_rows, moment_of
from fhir_server.store.numbers import TYPES
from fhir_server.store.seeing import stamp_in
from fhir_server.store.write_statement import ENTRY_TABLES

Rows = dict[str, set[tuple[Any, ...]]]


def rows_there(url: str) -> Rows:
    """What the tables hold, `present` of the resources among it."""
    with psycopg.connect(url) as connection:
        found: Rows = {
            table: set(connection.execute(f"select {', '.join(columns)} from {table}").fetchall())
            for table, columns in ENTRY_TABLES.items()
        }
        live = connection.execute("select pk, present from resource where not deleted").fetchall()
    found["present"] = {(pk, number) for pk, present in live for number in present}
    return found


def rows_wanted(url: str, server: Server, base: str = "") -> Rows:
    """What they ought to hold by the definitions in force."""
    with psycopg.connect(url) as connection:
        live = connection.execute(
            "select pk, type, id, body, cell, labels, stamp from resource where not deleted"
        ).fetchall()
    found: Rows = {table: set() for table in (*ENTRY_TABLES, "present")}
    for pk, number, name, body, cell, labels, stamp in live:
        tree = decode(body)
        entries = server.extract(tree, base)
        entries.stamp = stamp_in(cell, labels, None if stamp is None else stamp.encode())
        moment = moment_of(entries, pk)
        key = Key(TYPES[number - 1], name)
        tables = index_rows(server.store.hasher, entries, key, targets_of(tree, base), moment, pk)
        for table, (rows, shared) in zip(ENTRY_TABLES, tables, strict=True):
            found[table] |= {(*row, *shared) for row in rows}
        found["present"] |= {(pk, seed) for seed in entries.present}
    return found
