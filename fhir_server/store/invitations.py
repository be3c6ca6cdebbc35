"""Invitations of citizens and the accounts that they lead to: a code, of which the digest is kept, used once.

A try is counted before what is shown with the code is looked at, by a statement of its own: however many tries come
at a time, there are no more of them than were given.
"""

from __future__ import annotations

from typing import Final

from fhir_server.kernel.errors import Conflict
from fhir_server.kernel.keys import Key
from fhir_server.store.binary import (
    BYTEA,
    INT2,
    INT8,
    TEXT,
    pack_int2,
    pack_int8,
    pack_text,
    unpack_text,
)
from fhir_server.store.contract import Account, Invitation
from fhir_server.store.pipeline import Row, Statement
from fhir_server.store.watermark import Run

_FORGET: Final = Statement(
    "forget_invitations",
    "delete from invitation where (type = $1 and id = $2) or until <= $3",
    (TEXT, TEXT, INT8),
)
_INVITE: Final = Statement(
    "invite",
    "insert into invitation (digest, type, id, since, until, tries) values ($1, $2, $3, $4, $5, $6)",
    (BYTEA, TEXT, TEXT, INT8, INT8, INT2),
)
_WITHDRAW: Final = Statement(
    "withdraw_invitation",
    "delete from invitation where type = $1 and id = $2 and until > $3 and tries > 0 returning 1",
    (TEXT, TEXT, INT8),
)
_TRY: Final = Statement(
    "try_invitation",
    "update invitation set tries = tries - 1 where digest = $1 and until > $2 and tries > 0 returning type, id",
    (BYTEA, INT8),
)
_ALONE: Final = Statement("lock_accounts", "lock table account in share row exclusive mode", ())
_USE: Final = Statement(
    "use_invitation",
    "delete from invitation where digest = $1 and until > $2 returning type, id",
    (BYTEA, INT8),
)
# Requests come as one person at a time: who is somebody here already is not made somebody else besides by a letter.
_TAKEN: Final = Statement(
    "account_taken",
    """
    select 1 from account where issuer = $1
        and (subject = $2 or ($3 = 'Patient' and type = 'Patient' and id = $4)) limit 1""",
    (TEXT, TEXT, TEXT, TEXT),
)
_BIND: Final = Statement(
    "bind_account",
    "insert into account (issuer, subject, type, id, since) values ($1, $2, $3, $4, $5)",
    (TEXT, TEXT, TEXT, TEXT, INT8),
)


async def invite(run: Run, invitation: Invitation) -> None:
    """Let this be the only invitation of its person. What has expired goes away."""
    type_, id_ = map(pack_text, invitation.person)
    await run(_FORGET, (type_, id_, pack_int8(invitation.since)))
    values = pack_int8(invitation.since), pack_int8(invitation.until), pack_int2(invitation.tries)
    await run(_INVITE, (invitation.digest, type_, id_, *values))


async def withdraw(run: Run, person: Key, now: int) -> bool:
    """Let nobody be invited as this person any more; whether somebody was."""
    return bool(await run(_WITHDRAW, (*map(pack_text, person), pack_int8(now))))


async def tried(run: Run, digest: bytes, now: int) -> Key | None:
    """The person of an invitation that is open, one try of which is gone with this."""
    return _person(await run(_TRY, (digest, pack_int8(now))))


async def redeem(run: Run, digest: bytes, account: Account, now: int) -> Key | None:
    """Bind an account to the person of an invitation, which is used up by it. None: it is open no more.

    Raises `Conflict` when the account is somebody else already, or somebody else is the person.
    """
    await run(_ALONE, ())
    person = _person(await run(_USE, (digest, pack_int8(now))))
    if person is None:
        return None
    names = (*map(pack_text, (account.issuer, account.subject)), *map(pack_text, person))
    if await run(_TAKEN, names):
        raise Conflict(
            "This account is somebody here already, or this person has one",
            code="duplicate",
            french="Ce compte est déjà rattaché à quelqu'un ici, ou cette personne en a déjà un",
        )
    await run(_BIND, (*names, pack_int8(now)))
    return person


def _person(rows: list[Row]) -> Key | None:
    return Key(*(unpack_text(value or b"") for value in rows[0])) if rows else None
