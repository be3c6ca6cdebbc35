"""Who may have tokens, as the server asks for it: clients and their keys, accounts of citizens, keys that sign.

Each question is one statement. An assertion is used once in all processes, for the insert of its number says whether it
was the first. What an operator changes is written by `registrations.py`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from fhir_server.kernel.keys import Key
from fhir_server.store.binary import (
    BYTEA,
    INT8,
    TEXT,
    pack_int8,
    pack_text,
    unpack_int,
    unpack_text,
    unpack_texts,
)
from fhir_server.store.connections import translated
from fhir_server.store.pipeline import Row, Statement
from fhir_server.store.watermark import Run

_SECOND: Final = 1_000_000  # µs
_KEPT: Final = (
    60 * _SECOND
)  # that a used assertion is remembered past its end: clocks of processes may differ

_CLIENT: Final = Statement(
    "client",
    """
    select c.name, c.organisation, c.roles, c.purposes, c.types, c.scopes, c.jwks_url, k.jwk
    from client c
    left join client_key k on k.client = c.id and k.since <= $2 and (k.until is null or k.until > $2)
    where c.id = $1 and c.active order by k.since desc""",
    (TEXT, INT8),
)
# What has expired long ago goes away with the next one that comes, a few at a time.
_USE: Final = Statement(
    "use_assertion",
    """
    with gone as (
        delete from client_assertion where ctid = any(array(
            select ctid from client_assertion where expires < $4 order by expires limit 20
            for update skip locked)))
    insert into client_assertion values ($1, $2, $3) on conflict do nothing returning 1""",
    (TEXT, BYTEA, INT8, INT8),
)
_ACCOUNTS: Final = Statement(
    "accounts",
    "select type, id from account where issuer = $1 and subject = $2 order by type, id",
    (TEXT, TEXT),
)
_SIGNING: Final = Statement(
    "signing_keys",
    """
    select kid, jwk, since, until from signing_key where until is null or until > $1
    order by until is null desc, since desc, kid""",
    (INT8,),
)
# Two processes may do this at once: then there are two new keys, and either is as good.
_RENEW: Final = Statement(
    "renew_signing_key",
    """
    with gone as (delete from signing_key where until < $3),
    superseded as (update signing_key set until = $4 where until is null and since <= $5)
    insert into signing_key select $1, $2, $3
    where not exists (select from signing_key where until is null and since > $5)""",
    (TEXT, TEXT, INT8, INT8, INT8),
)


@dataclass(frozen=True, slots=True)
class Client:
    """A registered client system. `keys`: JWKs in force now, the newest first; may be empty, as all but `id` may be.

    `types`: of the resources that it may touch; none: any. `scopes`: what it may ask for.
    """

    id: str
    name: str = ""
    organisation: Key | None = None
    roles: tuple[str, ...] = ()
    purposes: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    scopes: str = ""
    jwks_url: str = ""
    keys: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class SigningKey:
    """What signs tokens. `jwk`: all of it, as JSON. `until` (µs): when it stops being believed; None: it is current."""

    kid: str
    jwk: str
    since: int
    until: int | None = None


class PostgresCredentials:
    def __init__(self, read: Run, write: Run) -> None:
        self._read = read
        self._write = write

    async def client(self, id: str, now: int) -> Client | None:
        """The client, with the keys that are in force; None if there is none, or it was revoked. `now`: µs."""
        if not _is_text(id):
            return None
        with translated():
            rows = await self._read(_CLIENT, (pack_text(id), pack_int8(now)))
        return _client_of(id, rows) if rows else None

    async def use(self, client: str, jti: str, expires: int, now: int) -> bool:
        """Whether the assertion `jti` of a client is used for the first time, in all processes. Times: µs."""
        digest = hashlib.sha256(jti.encode("utf-8", "surrogatepass")).digest()
        params = (pack_text(client), digest, pack_int8(expires), pack_int8(now - _KEPT))
        with translated():
            return bool(await self._write(_USE, params))

    async def accounts(self, issuer: str, subject: str) -> tuple[Key, ...]:
        """The Patients and RelatedPersons that somebody's account stands for; may be empty."""
        if not (_is_text(issuer) and _is_text(subject)):
            return ()
        with translated():
            rows = await self._read(_ACCOUNTS, (pack_text(issuer), pack_text(subject)))
        return tuple(Key(_text(row[0]), _text(row[1])) for row in rows)

    async def account(self, issuer: str, subject: str) -> Key | None:
        """The first of them: a Patient if there is one. None: nobody."""
        return next(iter(await self.accounts(issuer, subject)), None)

    async def signing_keys(self, now: int) -> tuple[SigningKey, ...]:
        """The keys whose tokens are believed, the current one first; none before `cordee admin init`. `now`: µs."""
        with translated():
            rows = await self._read(_SIGNING, (pack_int8(now),))
        return tuple(_signing_key_of(row) for row in rows)

    async def renew(self, key: SigningKey, *, older_than: int, overlap: int) -> None:
        """Put a new key in the place of those that are as old as `older_than`, unless another process just did.

        The old ones are believed for `overlap` µs more. Times: µs.
        """
        params = (
            pack_text(key.kid),
            pack_text(key.jwk),
            pack_int8(key.since),
            pack_int8(key.since + overlap),
            pack_int8(older_than),
        )
        with translated():
            await self._write(_RENEW, params)


def key_of(text: str) -> Key | None:
    """`Organization/7` as a key; None for an empty text."""
    type_, _, id_ = text.partition("/")
    return Key(type_, id_) if id_ else None


def _client_of(id: str, rows: list[Row]) -> Client:
    name, organisation, roles, purposes, types, scopes, jwks_url, _ = rows[0]
    return Client(
        id,
        _text(name),
        key_of(_text(organisation)),
        _texts(roles),
        _texts(purposes),
        _texts(types),
        _text(scopes),
        _text(jwks_url),
        tuple(orjson.loads(row[7]) for row in rows if row[7] is not None),
    )


def _signing_key_of(row: Row) -> SigningKey:
    kid, jwk, since, until = row
    assert since is not None
    return SigningKey(_text(kid), _text(jwk), unpack_int(since), None if until is None else unpack_int(until))


def _is_text(text: str) -> bool:
    """Whether PostgreSQL can hold it."""
    return "\x00" not in text and text.isprintable()


def _text(data: bytes | None) -> str:
    return "" if data is None else unpack_text(data)


def _texts(data: bytes | None) -> tuple[str, ...]:
    return () if data is None else tuple(text or "" for text in unpack_texts(data))
