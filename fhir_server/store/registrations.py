"""What an operator at a local shell writes: clients and their keys, accounts of citizens, the keys that sign tokens.

A server that runs obeys at once: it asks the database each time (`credentials.py`). The id of a client that was revoked
is never given to another: traces name clients by their ids.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import orjson
import psycopg

from fhir_server.kernel.errors import Conflict, NotFound
from fhir_server.kernel.keys import Key
from fhir_server.search.entries import Hasher
from fhir_server.store.connections import translated
from fhir_server.store.contract import Invitation
from fhir_server.store.credentials import Client, SigningKey, key_of
from fhir_server.store.numbers import TYPE_NUMBERS

_CLIENTS: Final = """
    select c.id, c.name, c.organisation, c.roles, c.purposes, c.types, c.scopes, c.jwks_url, c.active, c.changed,
      array(select k.jwk from client_key k where k.client = c.id and (k.until is null or k.until > %s)
            order by k.since desc, k.kid)
    from client c order by c.id"""
_ADD: Final = """
    insert into client (id, name, organisation, roles, purposes, types, scopes, jwks_url, active, changed)
    values (%s, %s, %s, %s, %s, %s, %s, %s, true, %s) on conflict do nothing"""
_FOUND: Final = "select jwks_url from client where id = %s and active for update"
_BORN: Final = """
    select tree_of(body) ->> 'birthDate', tree_of(body) #>> '{patient,reference}'
    from resource where self = %s and type = %s and id = %s and not deleted"""
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")
_UNKNOWN: Final = "There is no client of this id; `cordee admin client list` says which there are"


@dataclass(frozen=True, slots=True)
class Registered:
    """A client as an operator sees it. `changed`: µs."""

    client: Client
    active: bool
    changed: int


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody whom `issuer` calls `subject`, and the Patient or RelatedPerson that they are. `since`: µs."""

    issuer: str
    subject: str
    person: Key
    since: int


def clients(url: str, now: int) -> list[Registered]:
    """All clients, revoked ones too, each with the keys that are in force. `now`: µs."""
    with _connected(url) as connection:
        rows = connection.execute(_CLIENTS, (now,)).fetchall()
    return [_registered(row) for row in rows]


def add(url: str, client: Client, now: int) -> None:
    """Register a client. Raises `Conflict` when the id is taken, also by one that was revoked."""
    values = (
        client.id,
        client.name,
        str(client.organisation or ""),
        list(client.roles),
        list(client.purposes),
        list(client.types),
        client.scopes,
        client.jwks_url,
        now,
    )
    with _connected(url) as connection:
        if not connection.execute(_ADD, values).rowcount:
            raise Conflict(
                "A client of this id is there, or was: another id would be right", code="duplicate"
            )
        _write_keys(connection, client.id, client.keys, now)


def rotate(
    url: str, id: str, keys: Sequence[Mapping[str, Any]], jwks_url: str, *, now: int, overlap: int
) -> None:
    """Give a client other keys, or another address of them. Those that it has are believed for `overlap` µs more.

    Raises `NotFound`, and `Conflict` where a new key has the `kid` of another one that is still believed.
    """
    with _connected(url) as connection:
        before = connection.execute(_FOUND, (id,)).fetchone()
        if before is None:
            raise NotFound(_UNKNOWN)
        connection.execute("delete from client_key where client = %s and until <= %s", (id, now))
        connection.execute(
            "update client_key set until = least(coalesce(until, %(end)s), %(end)s) where client = %(id)s",
            {"end": now + overlap, "id": id},
        )
        if not overlap:
            connection.execute("delete from client_key where client = %s", (id,))
        _write_keys(connection, id, keys, now)
        connection.execute("update client set jwks_url = %s, changed = %s where id = %s", (jwks_url, now, id))


def revoke(url: str, id: str, now: int) -> None:
    """Give a client no more tokens. Raises `NotFound` where it has none to lose."""
    with _connected(url) as connection:
        statement = "update client set active = false, changed = %s where id = %s and active"
        if not connection.execute(statement, (now, id)).rowcount:
            raise NotFound(_UNKNOWN)
        connection.execute("delete from client_key where client = %s", (id,))


def accounts(url: str) -> list[Account]:
    with _connected(url) as connection:
        rows = connection.execute(
            "select issuer, subject, type, id, since from account order by issuer, subject, type, id"
        ).fetchall()
    return [Account(issuer, subject, Key(type_, id_), since) for issuer, subject, type_, id_, since in rows]


def bind(url: str, account: Account) -> None:
    """Say which person somebody is, whom an issuer calls by a subject.

    One subject may stand for several RelatedPersons, each of another patient, and for one Patient at most; and nobody
    else may be that Patient with the same issuer. Raises `Conflict`.
    """
    person = account.person
    with _connected(url) as connection:
        connection.execute("lock table account in share row exclusive mode")
        found = connection.execute(
            """
            select 1 from account where issuer = %(issuer)s and (
              (subject = %(subject)s and type = %(type)s and id = %(id)s)
              or (%(type)s = 'Patient' and type = 'Patient' and (subject = %(subject)s or id = %(id)s)))""",
            {"issuer": account.issuer, "subject": account.subject, "type": person.type, "id": person.id},
        ).fetchone()
        if found:
            raise Conflict(
                "This subject is somebody already, or this person is; `unbind` first", code="duplicate"
            )
        connection.execute(
            "insert into account values (%s, %s, %s, %s, %s)",
            (account.issuer, account.subject, person.type, person.id, account.since),
        )


def unbind(url: str, issuer: str, subject: str, person: Key | None = None) -> int:
    """Forget who a subject is, or that it is one of several persons. Gives how many bindings went; never 0.

    Raises `NotFound`.
    """
    with _connected(url) as connection:
        gone = connection.execute(
            """
            delete from account where issuer = %(issuer)s and subject = %(subject)s
              and (%(type)s = '' or (type = %(type)s and id = %(id)s))""",
            {
                "issuer": issuer,
                "subject": subject,
                "type": person.type if person else "",
                "id": person.id if person else "",
            },
        ).rowcount
        if not gone:
            raise NotFound("There is no such account; `cordee admin account list` says which there are")
        return gone


def invite(url: str, invitation: Invitation) -> None:
    """Let somebody become a person here. Raises `NotFound`, and `Conflict` where no day of birth would be shown."""
    person = invitation.person
    with _connected(url) as connection:
        if not _is_born(connection, person):
            raise Conflict("Who is invited shows a day of birth, and none is known here", code="required")
        connection.execute(
            "delete from invitation where (type = %s and id = %s) or until <= %s", (*person, invitation.since)
        )
        connection.execute(
            "insert into invitation (digest, type, id, since, until, tries) values (%s, %s, %s, %s, %s, %s)",
            (invitation.digest, *person, invitation.since, invitation.until, invitation.tries),
        )


def invitations(url: str, now: int) -> list[Invitation]:
    """Those that are open, the first to end first."""
    with _connected(url) as connection:
        rows = connection.execute(
            "select digest, type, id, since, until, tries from invitation where until > %s and tries > 0"
            " order by until, type, id",
            (now,),
        ).fetchall()
    return [Invitation(digest, Key(type_, id_), *rest) for digest, type_, id_, *rest in rows]


def uninvite(url: str, person: Key) -> None:
    """Take an invitation back. Raises `NotFound` where there is none."""
    with _connected(url) as connection:
        if not connection.execute("delete from invitation where type = %s and id = %s", person).rowcount:
            raise NotFound(
                "There is no such invitation; `cordee admin account invitations` says which there are"
            )


def signing_key(url: str, now: int) -> SigningKey | None:
    """The key that signs tokens now; None before there is one. `now`: µs."""
    with _connected(url) as connection:
        row = connection.execute(
            "select kid, jwk, since from signing_key where until is null and since <= %s"
            " order by since desc, kid limit 1",
            (now,),
        ).fetchone()
    return SigningKey(*row) if row else None


def put_signing_key(url: str, key: SigningKey, *, overlap: int) -> None:
    """Sign with another key from now on; those before are believed for `overlap` µs more."""
    with _connected(url) as connection:
        connection.execute("delete from signing_key where until < %s", (key.since,))
        if overlap:
            connection.execute(
                "update signing_key set until = %s where until is null", (key.since + overlap,)
            )
        else:
            connection.execute("delete from signing_key")
        connection.execute(
            "insert into signing_key (kid, jwk, since) values (%s, %s, %s)", (key.kid, key.jwk, key.since)
        )


def require_there(url: str, key: Key) -> None:
    """Raises `NotFound` unless the resource that an operator names is there."""
    with _connected(url) as connection:
        row = connection.execute(
            "select 1 from resource where self = %s and type = %s and id = %s and not deleted",
            (_hasher(connection).self_of(key), TYPE_NUMBERS.get(key.type, 0), key.id),
        ).fetchone()
    if row is None:
        raise NotFound(f"{key} is not there: load it first")


def _is_born(connection: psycopg.Connection[Any], person: Key) -> bool:
    """Whether the day of birth is known of somebody, or else of whom they are a relative of. Raises `NotFound`."""
    row = _born(connection, person)
    if row is None:
        raise NotFound(f"{person} is not there: load it first")
    day, patient = row
    if day is None and patient is not None:
        known = _born(connection, Key("Patient", patient.rpartition("/")[2]))
        day = known[0] if known else None
    return day is not None and _DAY.match(day) is not None


def _born(connection: psycopg.Connection[Any], key: Key) -> tuple[str | None, str | None] | None:
    number = _hasher(connection).self_of(key)
    return connection.execute(_BORN, (number, TYPE_NUMBERS.get(key.type, 0), key.id)).fetchone()


def _hasher(connection: psycopg.Connection[Any]) -> Hasher:
    secret = connection.execute("select value from setting where name = 'secret'").fetchone()
    assert secret is not None
    return Hasher(secret[0])


def _registered(row: tuple[Any, ...]) -> Registered:
    *said, active, changed, keys = row
    id_, name, organisation, roles, purposes, types, scopes, jwks_url = said
    client = Client(
        id_,
        name,
        key_of(organisation),
        tuple(roles),
        tuple(purposes),
        tuple(types),
        scopes,
        jwks_url,
        tuple(orjson.loads(jwk) for jwk in keys),
    )
    return Registered(client, active, changed)


def _write_keys(
    connection: psycopg.Connection[Any], id: str, keys: Sequence[Mapping[str, Any]], now: int
) -> None:
    for jwk in keys:
        written = connection.execute(
            "insert into client_key (client, kid, jwk, since) values (%s, %s, %s, %s) on conflict do nothing",
            (id, jwk["kid"], orjson.dumps(jwk).decode(), now),
        ).rowcount
        if not written:
            raise Conflict("A key has the 'kid' of one that is still believed: another would be right")


@contextmanager
def _connected(url: str) -> Iterator[psycopg.Connection[Any]]:
    with translated(), psycopg.connect(url) as connection:
        yield connection
