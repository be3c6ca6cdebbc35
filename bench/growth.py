"""A database that is many times as large, in which the searches of a benchmark still find what they found before.

Everything is copied inside the database, and each copy is moved away: its hashes are changed by one mask, which keeps
references and their targets together, its dates lie centuries earlier, its numbers are beyond the old ones, its texts
are other texts. What stands on a large part of all rows, such as a status, stands on the copies too. Copies can be
found by searches; they cannot be read by id, which is not what their `self` is the hash of.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Final

import psycopg
from sqlalchemy import Table

from bench.search_seeding import settle
from bench.server import Running
from fhir_server.store.by_person import NOBODY_SQL
from fhir_server.store.tables import (
    entry,
    entry_date,
    entry_person,
    entry_quantity,
    entry_string,
    entry_term,
    entry_text,
    resource,
)

EVERYWHERE: Final = 0.15  # of all resources: what so many have keeps its hash
_PK: Final = "s.pk - m.n * 10871635968000000"  # 30 days, as ids count
_EARLIER: Final = "m.n * 6311520000000000"  # 200 years in µs
_ALPHABET: Final = "abcdefghijklmnopqrstuvwxyz"
_MOVED: Final = f"translate({{0}}, '{_ALPHABET}', substr('{_ALPHABET * 2}', m.n + 1, 26))"
_TEXT: Final = f"m.n || {_MOVED.format('s.value')}"
_KEY: Final = "case when s.key in (select key from everywhere) then s.key else s.key # m.mask end"

# Indexes that are dear to fill row by row.
_DEAR: Final = """
    select indexname, indexdef from pg_indexes
    where tablename in ('entry_string', 'entry_text') and indexdef like '% USING gin %'"""

# What is not the same in a copy.
_COPIES: Final[Mapping[Table, Mapping[str, str]]] = {
    resource: {
        "pk": _PK,
        "self": "s.self # m.mask",
        "id": "s.id || '-' || m.n",
        "updated": "s.updated - m.n * 2592000000000",
        "compartment": "s.compartment # m.mask",
        "told": "case when s.compartment is null then s.told else s.told # m.mask end",
        "moment": f"s.moment - {_EARLIER}",
        "refs": "array(select case when i % 2 = 0 then v # m.mask else v end"
        " from unnest(s.refs) with ordinality u(v, i) order by i)",
        "body": "convert_to(replace(convert_from(s.body, 'UTF8'),"
        """ '"id":"' || s.id || '"', '"id":"' || s.id || '-' || m.n || '"'), 'UTF8')""",
    },
    entry: {"key": _KEY, "moment": f"s.moment - {_EARLIER}", "pk": _PK},
    entry_person: {
        "code": "case when s.code in (select code from shared) then s.code else s.code # m.mask end",
        "person": f"case when s.person = {NOBODY_SQL} then s.person else s.person # m.mask end",
        "pk": _PK,
    },
    entry_string: {"value": _TEXT, "pk": _PK},
    entry_date: {"low": f"s.low - {_EARLIER}", "high": f"s.high - {_EARLIER}", "pk": _PK},
    entry_quantity: {"low": "s.low + m.n * 1e7", "high": "s.high + m.n * 1e7", "pk": _PK},
    entry_term: {"value": _TEXT, "key": _KEY},
    entry_text: {
        "pk": _PK,
        # The words that tell the type stay as they are.
        "words": r"regexp_replace(regexp_replace(s.words::text, '''([^'']+)''', '''\1x' || m.n || '''', 'g'),"
        r" '''(~[0-9]+)x[0-9]+''', '''\1''', 'g')::tsvector",
    },
}


def grown(server: Running, scale: int, everywhere: float = EVERYWHERE) -> None:
    """Make the database of `server` hold `scale` times as much as it does.

    `everywhere`: the share of all resources from which on the copies have the same tokens.
    """
    rng = random.Random(74)
    masks = ", ".join(f"({n}, {rng.getrandbits(62)}::bigint)" for n in range(1, scale))
    with psycopg.connect(server.superuser_url, autocommit=True) as connection:
        connection.execute("set maintenance_work_mem = '1GB'")
        connection.execute("set work_mem = '256MB'")
        connection.execute("set synchronous_commit = off")
        connection.execute(f"create temp table mask as select * from (values {masks}) m(n, mask)")
        connection.execute(
            f"create temp table everywhere as select key from entry group by key"
            f" having count(*) > {everywhere} * (select count(*) from resource)"
        )
        connection.execute(
            "create temp table shared as"
            " select distinct key # space as code from entry where key in (select key from everywhere)"
        )
        connection.execute("analyze mask, everywhere, shared")
        dear: dict[str, str] = dict(connection.execute(_DEAR).fetchall())
        for index in dear:
            connection.execute(f"drop index {index}")
        for table, changed in _COPIES.items():
            names = [column.name for column in table.columns]
            copied = ", ".join(f"{changed.get(name, f's.{name}')} as {name}" for name in names)
            # Narrow rows go into their index in its order; wide ones are not worth a sort.
            keys = ", ".join(column.name for column in table.primary_key)
            ordered = "" if table in {resource, entry_text} else f" order by {keys}"
            connection.execute(
                f"insert into {table.name} ({', '.join(names)})"
                f" select {copied} from {table.name} s cross join mask m{ordered} on conflict do nothing"
            )
        for definition in dear.values():
            connection.execute(definition)
    settle(server)
