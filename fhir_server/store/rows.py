"""One resource by its key: the current version, an old one, and the row that a write starts from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, overload

from fhir_server.kernel.keys import Key
from fhir_server.kernel.values import immutable
from fhir_server.search.entries import Hasher
from fhir_server.search.sight import Sight, Stamp
from fhir_server.store.binary import (
    INT2,
    INT4,
    INT8,
    INT8_ARRAY,
    TEXT,
    pack_int2,
    pack_int4,
    pack_int8,
    pack_int8s,
    pack_text,
    unpack_int,
)
from fhir_server.store.contract import Hits, Stored
from fhir_server.store.numbers import METHODS, TYPE_NUMBERS, TYPES
from fhir_server.store.pipeline import Row, Statement
from fhir_server.store.seeing import (
    OIDS,
    PLAIN_COLUMNS,
    PLAIN_OIDS,
    is_plain,
    is_seen,
    numbered,
    packed,
    packed_plainly,
    stamp_in,
)
from fhir_server.store.watermark import Run

# What `stored_of` takes, in its order; `found_of` wants the pk in front.
VALUES: Final = "version, updated, method, deleted, body, compartment"
# What `Loaded` takes: a search finds nothing that is deleted, and tells nobody how it was written.
FOUND: Final = "type, id, version, updated, body, compartment"
BODY: Final = FOUND.split(", ").index("body")

_OF_VERSION: Final = ", ".join(f"v.{name}" for name in VALUES.split(", "))

# `self` finds the row; the rest makes sure of it.
_OF_KEY: Final = "self = $1 and type = $2 and id = $3"
_KEY_OIDS: Final = (INT8, INT2, TEXT)

# Where nobody is known, nobody asks about whom it is: the plainest read has no more than it shows.
_SHOWN: Final = VALUES.removesuffix(", compartment")
_CURRENT: Final = Statement("current", f"select pk, {_SHOWN} from resource where {_OF_KEY}", _KEY_OIDS)
_LOCKED: Final = Statement(
    "locked", f"select pk, {VALUES} from resource where {_OF_KEY} for no key update", _KEY_OIDS
)
_VERSION: Final = Statement(
    "version",
    f"""
    select pk, {VALUES} from resource where {_OF_KEY} and version = $4
    union all
    select r.pk, {_OF_VERSION}
    from resource r join version v on v.pk = r.pk and v.version = $4
    where r.self = $1 and r.type = $2 and r.id = $3""",
    (*_KEY_OIDS, INT4),
)
# The same, of what whoever has a sight sees, which follows the key. A version needs its own stamp and that of today.
_SIGHT: Final = numbered(4)
_SEEN: Final = Statement(
    "current_seen",
    f"select pk, {VALUES} from resource where {_OF_KEY} and {is_seen('resource', _SIGHT)}",
    (*_KEY_OIDS, *OIDS),
)
_SEEN_PLAINLY: Final = Statement(
    "current_plain",
    f"select pk, {VALUES} from resource where {_OF_KEY} and {is_plain('resource', numbered(4, PLAIN_COLUMNS))}",
    (*_KEY_OIDS, *PLAIN_OIDS),
)
_LOCKED_SEEN: Final = Statement("locked_seen", f"{_SEEN.sql} for no key update", (*_KEY_OIDS, *OIDS))
_LATER_SIGHT: Final = numbered(5)
_VERSION_SEEN: Final = Statement(
    "version_seen",
    f"""
    select pk, {VALUES} from resource where {_OF_KEY} and version = $4 and {is_seen("resource", _LATER_SIGHT)}
    union all
    select r.pk, {_OF_VERSION}
    from resource r join version v on v.pk = r.pk and v.version = $4
    where r.self = $1 and r.type = $2 and r.id = $3
        and {is_seen("r", _LATER_SIGHT)} and {is_seen("v", _LATER_SIGHT)}""",
    (*_KEY_OIDS, INT4, *OIDS),
)
_UNSEEN: Final = Statement(
    "unseen",
    f"""
    select u.place from unnest($1::bigint[]) with ordinality u(self, place)
    where not exists (
        select 1 from resource c where c.self = u.self and not c.deleted and {is_seen("c", numbered(2))})""",
    (INT8_ARRAY, *OIDS),
)
_STAMPS: Final = Statement(
    "stamps",
    "select self, cell, labels, stamp from resource where self = any($1) and not deleted",
    (INT8_ARRAY,),
)
_GREATEST_VERSION: Final = 2**31 - 1
_new_key: Final = tuple.__new__


@immutable
class Found:
    """A current version, and the primary key of its resource."""

    pk: int
    stored: Stored


async def current(
    run: Run, hasher: Hasher, key: Key, *, lock: bool = False, sight: Sight | None = None
) -> Found | None:
    """The current version, a deletion too. With `lock`, no other transaction may supersede it before this one ends."""
    if not lock:
        found = await plainly(run, hasher, key, sight)
        return found if found or sight is None else await seen(run, hasher, key, sight)
    params: tuple[bytes, ...] | None = _params(hasher, key)
    if params is None:
        return None
    if sight is None:
        rows = await run(_LOCKED, params)
    else:
        rows = await run(_LOCKED_SEEN, (*params, *packed(sight, hasher)))
    return found_of(key, rows[0]) if rows else None


async def plainly(run: Run, hasher: Hasher, key: Key, sight: Sight | None) -> Found | None:
    """The current version, without a lock; within a sight, if it is plainly seen: `seen` tells of others."""
    params = _params(hasher, key)
    if params is None:
        return None
    if sight is None:
        rows = await run(_CURRENT, params)
    else:
        rows = await run(_SEEN_PLAINLY, (*params, *packed_plainly(sight, hasher)))
    return found_of(key, rows[0]) if rows else None


async def seen(run: Run, hasher: Hasher, key: Key, sight: Sight) -> Found | None:
    """The current version, by all that decides who sees it."""
    params = _params(hasher, key)
    if params is None:
        return None
    rows = await run(_SEEN, (*params, *packed(sight, hasher)))
    return found_of(key, rows[0]) if rows else None


async def version(
    run: Run, hasher: Hasher, key: Key, number: int, *, sight: Sight | None = None
) -> Stored | None:
    """One version, current or not."""
    params = _params(hasher, key)
    if params is None or not 1 <= number <= _GREATEST_VERSION:
        return None
    if sight is None:
        rows = await run(_VERSION, (*params, pack_int4(number)))
    else:
        rows = await run(_VERSION_SEEN, (*params, pack_int4(number), *packed(sight, hasher)))
    return found_of(key, rows[0]).stored if rows else None


async def unseen(run: Run, hasher: Hasher, keys: Sequence[Key], sight: Sight) -> list[Key]:
    """Those that do not exist, or not for whoever has the sight."""
    numbers = pack_int8s([hasher.self_of(key) for key in keys])
    return [
        keys[unpack_int(place or b"") - 1]
        for (place,) in await run(_UNSEEN, (numbers, *packed(sight, hasher)))
    ]


async def stamps(run: Run, hasher: Hasher, keys: Sequence[Key]) -> dict[Key, Stamp]:
    """The stamps of resources; of those that do not exist, nothing."""
    by_number = {hasher.self_of(key): key for key in keys}
    found = {}
    for number, cell, labels, text in await run(_STAMPS, (pack_int8s(list(by_number)),)):
        key = by_number[unpack_int(number or b"")]
        found[key] = stamp_in(unpack_int(cell or b""), unpack_int(labels or b""), text)
    return found


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
    """From the columns `VALUES`; the last may be left out."""
    number, updated, method, deleted, body, *about = values
    assert number is not None
    assert updated is not None
    assert method is not None
    (person,) = about or (None,)
    return Stored(
        key,
        unpack_int(number),
        unpack_int(updated),
        body or b"",
        deleted == b"\x01",
        METHODS[unpack_int(method) - 1],
        None if person is None else unpack_int(person),
    )


class Loaded(Hits):
    """Those in loaded rows that begin with `FOUND`."""

    __slots__ = ("_rows",)

    def __init__(self, rows: Sequence[Sequence[Any]]) -> None:
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, place: int) -> Stored: ...

    @overload
    def __getitem__(self, place: slice) -> tuple[Stored, ...]: ...

    def __getitem__(self, place: int | slice) -> Stored | tuple[Stored, ...]:
        if isinstance(place, slice):
            return tuple(map(_found, self._rows[place]))
        return _found(self._rows[place])

    def __iter__(self) -> Iterator[Stored]:
        return map(_found, self._rows)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and tuple(self) == tuple(other)

    def __hash__(self) -> int:
        return hash(tuple(self))

    def written(self) -> list[tuple[str, str, bytes]]:
        return [(TYPES[row[0] - 1], row[1], row[4] or b"") for row in self._rows]

    def persons(self) -> list[int]:
        return [row[5] for row in self._rows if row[5] is not None]


def _found(row: Sequence[Any]) -> Stored:
    number, name, version, updated, body, person = row[:6]
    # A key that is asked for by its class is made in Python, which would be a third of all this.
    key = _new_key(Key, (TYPES[number - 1], name))
    return Stored(key, version, updated, body or b"", person=person)


def stored_in(rows: Iterable[Sequence[Any]]) -> tuple[Stored, ...]:
    """From loaded rows that begin with pk, type, id and `VALUES`."""
    found = []
    for row in rows:
        number, name, version, updated, method, deleted, body, person = row[1:9]
        key = _new_key(Key, (TYPES[number - 1], name))
        found.append(Stored(key, version, updated, body or b"", deleted, METHODS[method - 1], person))
    return tuple(found)


def key_of(type: bytes | None, id: bytes | None) -> Key:
    """From the columns `type` and `id`."""
    assert type is not None
    assert id is not None
    return Key(TYPES[unpack_int(type) - 1], id.decode())
