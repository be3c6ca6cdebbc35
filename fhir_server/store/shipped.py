"""The definitions that this version ships, beside those that the index was made with."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Final

import orjson
import psycopg

from fhir_server.definitions.catalogue import national_search_parameters
from fhir_server.definitions.parameters import types_of
from fhir_server.kernel.wire import Tree, encode
from fhir_server.store.definitions import plans_of
from fhir_server.store.scheduling import begin_generation

_NATIONAL: Final = "national"  # the setting: URL → what of the definition the index depends on


async def keep_up_with_shipped(connection: psycopg.AsyncConnection[Any], base: str) -> None:
    """Have the types indexed whose definitions are others now. `base`: the public base URL, if it is known."""
    shipped = {definition["url"]: _digest(definition) for definition in national_search_parameters()}
    text = orjson.dumps(shipped, option=orjson.OPT_SORT_KEYS)
    query = "select value from setting where name = %s"
    cursor = await connection.execute(query, (_NATIONAL,))
    row = await cursor.fetchone()
    if row is not None and bytes(row[0]) == text:
        return
    async with connection.transaction():
        await connection.execute("select number from generation for update")  # one process does it
        cursor = await connection.execute(query, (_NATIONAL,))
        row = await cursor.fetchone()
        if row is not None and bytes(row[0]) == text:
            return
        await connection.execute(
            "insert into setting (name, value) values (%s, %s) on conflict (name) do update set value = excluded.value",
            (_NATIONAL, text),
        )
        known = {} if row is None else orjson.loads(bytes(row[0]))
        types = _moved_types(known, shipped) if row is not None else {}
        if types:
            await begin_generation(connection, plans_of(types), base)


def _digest(definition: Tree) -> list[Any]:
    """What of a definition the index depends on, and where it counts."""
    says = [definition.get(name) for name in ("code", "type", "expression", "target")]
    return [
        hashlib.blake2b(encode(says), digest_size=16).hexdigest(),
        definition["code"],
        sorted(definition["base"]),
    ]


def _moved_types(known: Mapping[str, list[Any]], shipped: Mapping[str, list[Any]]) -> dict[str, set[str]]:
    """The types that a definition came to, changed on or left, with the codes that must be indexed first."""
    types: dict[str, set[str]] = {}
    for url in known.keys() | shipped.keys():
        old, new = known.get(url), shipped.get(url)
        if old == new:
            continue
        if old:
            for name in types_of(old[2]):
                types.setdefault(name, set())
        if new:
            for name in types_of(new[2]):
                types.setdefault(name, set()).add(new[1])
    return types
