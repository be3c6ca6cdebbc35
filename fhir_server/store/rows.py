"""One resource by its key: the current version, an old one, and the row that a write starts from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from fhir_server.kernel.keys import Key
from fhir_server.kernel.values import immutable
from fhir_server.search.entries import Hasher
from fhir_server.store.binary import (
    INT2,
    INT4,
    INT8,
    TEXT,
    pack_int2,
    pack_int4,
    pack_int8,
    pack_text,
    unpack_int,
)
from fhir_server.store.contract import Stored
from fhir_server.store.pipeline import Row, Statement
from fhir_server.store.tables import METHODS, TYPE_NUMBERS, TYPES
from fhir_server.store.watermark import Run

# What `stored_of` takes, in its order; `found_of` wants the pk in front.
VALUES: Final = "version, updated, method, deleted, body"

# `self` finds the row; the rest makes sure of it.
_OF_KEY: Final = "self = $1 and type = $2 and id = $3"
_KEY_OIDS: Final = (INT8, INT2, TEXT)

_CURRENT: Final = Statement("current", f"select pk, {VALUES} from resource where {_OF_KEY}", _KEY_OIDS)
_LOCKED: Final = Statement(
    "locked", f"select pk, {VALUES} from resource where {_OF_KEY} for no key update", _KEY_OIDS
)
_VERSION: Final = Statement(
    "version",
    f"""
    select pk, {VALUES} from resource where {_OF_KEY} and version = $4
    union all
    select r.pk, v.version, v.updated, v.method, v.deleted, v.body
    from resource r join version v on v.pk = r.pk and v.version = $4
    where r.self = $1 and r.type = $2 and r.id = $3""",
    (*_KEY_OIDS, INT4),
)
_GREATEST_VERSION: Final = 2**31 - 1


@immutable
class Found:
    """A current version, and the primary key of its resource."""

    pk: int
    stored: Stored


async def current(run: Run, hasher: Hasher, key: Key, *, lock: bool = False) -> Found | None:
    """The current version, a deletion too. With `lock`, no other transaction may supersede it before this one ends."""
    params = _params(hasher, key)
    rows = await run(_LOCKED if lock else _CURRENT, params) if params else ()
    return found_of(key, rows[0]) if rows else None


async def version(run: Run, hasher: Hasher, key: Key, number: int) -> Stored | None:
    """One version, current or not."""
    params = _params(hasher, key)
    if not params or not 1 <= number <= _GREATEST_VERSION:
        return None
    rows = await run(_VERSION, (*params, pack_int4(number)))
    return found_of(key, rows[0]).stored if rows else None


def _params(hasher: Hasher, key: Key) -> tuple[bytes, bytes, bytes] | None:
    number = TYPE_NUMBERS.get(key.type)
    if number is None:
        return None
    return pack_int8(hasher.self_of(key)), pack_int2(number), pack_text(key.id)


def found_of(key: Key, row: Row) -> Found:
    pk, *values = row
    assert pk is not None
    return Found(unpack_int(pk), stored_of(key, values))


def stored_of(key: Key, values: Sequence[bytes | None]) -> Stored:
    """From the columns `VALUES`."""
    number, updated, method, deleted, body = values
    assert number is not None
    assert updated is not None
    assert method is not None
    return Stored(
        key,
        unpack_int(number),
        unpack_int(updated),
        body or b"",
        deleted == b"\x01",
        METHODS[unpack_int(method) - 1],
    )


def key_of(type: bytes | None, id: bytes | None) -> Key:
    """From the columns `type` and `id`."""
    assert type is not None
    assert id is not None
    return Key(TYPES[unpack_int(type) - 1], id.decode())
