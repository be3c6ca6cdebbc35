"""Preconditions and criteria: If-Match, If-None-Match, If-Modified-Since, and "the one resource that matches".

https://hl7.org/fhir/R4/http.html#concurrency · https://hl7.org/fhir/R4/http.html#cond-update
"""

from __future__ import annotations

import re
from dataclasses import replace
from email.utils import parsedate_to_datetime

from fhir_server.interactions.call import Call, Conditions
from fhir_server.kernel.errors import Malformed, PreconditionFailed
from fhir_server.kernel.times import moment_of
from fhir_server.search.alone import is_told_alone
from fhir_server.search.parse import criteria_of
from fhir_server.search.query import Query
from fhir_server.search.terms import settled
from fhir_server.store.contract import Stored, Transaction

_TAG = re.compile(r'\s*(?:W/)?"([^"]*)"\s*\Z')


def require_match(call: Call, current: Stored | None) -> None:
    """Refuse a write whose If-Match names another version than `current`, or whose If-None-Match names this one.

    Raises `PreconditionFailed`; `Malformed` when a header is no entity tag.
    """
    there = current is not None and not current.deleted
    if call.conditions.if_none_match and there:
        assert current is not None
        _refuse_match(call.conditions.if_none_match, current)
    if not call.conditions.if_match or call.conditions.if_match.strip() == "*":
        if call.conditions.if_match and not there:
            raise PreconditionFailed("If-Match asked for an existing resource, and there is none")
        return
    tags = tags_in(call.conditions.if_match, "If-Match")
    # A deletion is a version too: whoever knows its tag may bring the resource back to life.
    if current is None:
        raise PreconditionFailed("If-Match asked for a version of a resource that does not exist")
    if str(current.version) not in tags:
        asked = " or ".join(sorted(tags))
        shown = f"version {asked}" if all(tag.isdigit() for tag in tags) else "another version"
        raise PreconditionFailed(
            f"{current.key} is at version {current.version}, and If-Match asked for {shown}"
        )


def _refuse_match(header: str, current: Stored) -> None:
    """If-None-Match on a write (RFC 9110, 13.1.2): `*` means "only if there is none"."""
    if header.strip() == "*":
        raise PreconditionFailed(
            f"If-None-Match asked for no such resource, and {current.key} exists at version {current.version}"
        )
    if str(current.version) in tags_in(header, "If-None-Match"):
        raise PreconditionFailed(
            f"{current.key} is at version {current.version}, which If-None-Match excludes"
        )


def not_modified(conditions: Conditions, current: Stored) -> bool:
    """Whether a conditional read may be answered 304: the client has this version already.

    If-None-Match wins over If-Modified-Since (RFC 9110, 13.1.3). A date that cannot be read is ignored, as it asks.
    """
    if conditions.if_none_match:
        if conditions.if_none_match.strip() == "*":
            return True
        return str(current.version) in tags_in(conditions.if_none_match, "If-None-Match")
    if conditions.if_modified_since:
        try:
            since = moment_of(parsedate_to_datetime(conditions.if_modified_since))
        except (ValueError, TypeError, OverflowError):
            return False
        return current.updated // 1_000_000 <= since // 1_000_000
    return False


def tags_in(header: str, name: str) -> set[str]:
    """The version ids that an entity-tag header lists. Weak and strong tags are the same to FHIR."""
    found = set()
    for part in header.split(","):
        tag = _TAG.match(part)
        if tag is None:
            raise Malformed(f'{name} is not an entity tag; W/"1" would be one', code="value")
        found.add(tag[1])
    return found


async def matches_of(
    resource_type: str, criteria: str, tx: Transaction, base: str, most: int = 2
) -> list[Stored]:
    """Up to `most` resources that meet the criteria of a conditional interaction, kept still until commit.

    Nobody else can make, change or delete a resource under the same criteria meanwhile. Raises `Malformed` for unknown
    parameters, modifiers and empty criteria, whatever Prefer says.
    """
    parsed = criteria_of(resource_type, criteria, base, tx.definitions.parameters)
    query = await settled(parsed, tx, tx.definitions.registry)
    await tx.guard(guards_of(query))
    page = await tx.search(replace(query, count=most, total="none"))
    return list(page.items)


def guards_of(query: Query) -> list[str]:
    """What to lock for a query: its type and each predicate; not its text, since order is no matter."""
    return sorted({f"{type_of(query)} {predicate!r}" for predicate in query.where})


def type_of(query: Query) -> str:
    """The one type that criteria are about."""
    (only,) = query.types
    return only


def require_alone(query: Query) -> None:
    """Refuse criteria that resources around the one in question decide about. Raises `Malformed`.

    A transaction judges them on what it has yet to write, and sees no further.
    """
    if not all(map(is_told_alone, query.where)):
        raise Malformed(
            "In a transaction, criteria cannot follow references ('subject.name', '_has', '_list') nor ask"
            " terminology; an identifier would be right",
            code="not-supported",
        )


def many(resource_type: str) -> PreconditionFailed:
    return PreconditionFailed(
        f"The criteria match more than one {resource_type}; criteria that name exactly one would be right",
        code="multiple-matches",
    )
