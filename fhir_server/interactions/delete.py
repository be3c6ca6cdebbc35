"""delete and conditional delete.

https://hl7.org/fhir/R4/http.html#delete
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from fhir_server.definitions.catalogue import resource_types
from fhir_server.definitions.parameters import parameters_of
from fhir_server.interactions.authorising import ending, writer_of
from fhir_server.interactions.call import Call, Change, Reply, Server
from fhir_server.interactions.conditional import many, matches_of, require_match
from fhir_server.interactions.definitions import require_writable
from fhir_server.interactions.drafting import put
from fhir_server.interactions.read import key_of
from fhir_server.interactions.references import targets_of
from fhir_server.interactions.search_parameters import TYPE as SEARCH_PARAMETER
from fhir_server.interactions.search_parameters import redefine
from fhir_server.kernel.errors import Conflict, NotFound, TooLarge
from fhir_server.kernel.keys import Key
from fhir_server.kernel.wire import decode
from fhir_server.search.entries import Entries
from fhir_server.search.query import Name
from fhir_server.store.contract import Draft, Referenced, Stored, Transaction

MOST_AT_ONCE = 1000  # resources that one conditional delete takes
_LOOKED_THROUGH = 10_000  # resources that refer to one, for those that are seen


async def delete(call: Call, tx: Transaction, server: Server) -> Reply:
    """204 whether or not there was anything to delete; a deletion is a version of its own, without a body."""
    reply = await remove(call, tx, server)
    deleted = [change.key for change in reply.changes if change.method == "DELETE"]
    await require_unreferenced(deleted, tx, server)
    return reply


async def remove(call: Call, tx: Transaction, server: Server) -> Reply:
    """A delete whose references are still to be checked: a transaction does so once, behind its last entry."""
    if call.id is not None:
        return await _one(key_of(call), call, tx, server)

    assert call.type is not None, "the web layer gives a delete its type"
    found = await matches_of(call.type, call.query, tx, call.base, most=MOST_AT_ONCE + 1)
    require_deletable(found, call.type, server)
    return await remove_all([stored.key for stored in found], call, tx, server)


def require_deletable(found: Sequence[Stored], resource_type: str, server: Server) -> None:
    """Refuse to delete more at once than the settings or reason allow: `PreconditionFailed` or `TooLarge`."""
    if len(found) > 1 and not server.limits.delete_many:
        raise many(resource_type)
    if len(found) > MOST_AT_ONCE:
        raise TooLarge(
            f"The criteria match more than {MOST_AT_ONCE:,} resources, the most that one request deletes"
        )


async def remove_all(keys: Sequence[Key], call: Call, tx: Transaction, server: Server) -> Reply:
    """Delete what a conditional delete matched; its references are still to be checked."""
    if not keys:
        require_match(call, None)
        return Reply(204)
    replies = [await _one(key, call, tx, server) for key in keys]
    if len(replies) == 1:
        return replies[0]
    return Reply(204, changes=tuple(change for reply in replies for change in reply.changes))


async def require_unreferenced(keys: Sequence[Key], tx: Transaction, server: Server) -> None:
    """Refuse the deletion of `keys`, already written, if a resource that stays refers to one of them.

    Raises `Referenced`.
    """
    if not server.limits.references:
        return
    for key in keys:
        by = await referrers(key, tx, server, most=5)
        if by:
            raise Referenced(key, by)


async def referrers(key: Key, tx: Transaction, server: Server, most: int) -> list[Key]:
    """Some of the other resources that refer to `key`, of those that are seen: the rest stands in nobody's way."""
    if server.access is None:
        return await tx.referrers(key, reference_parameters(), limit=most)
    found = await tx.referrers(key, reference_parameters(), limit=_LOOKED_THROUGH)
    hidden = set(await tx.unseen(found))
    return [one for one in found if one not in hidden][:most]


def still_referenced(error: Referenced) -> Conflict:
    """What to tell whoever wanted to delete it."""
    return Conflict(f"{error.key} cannot be deleted: {', '.join(map(str, error.by))} refers to it")


async def _one(key: Key, call: Call, tx: Transaction, server: Server) -> Reply:
    current = await tx.lock(key)
    require_match(call, current)
    if current is None:
        if server.access is not None and writer_of(call) is not None:
            raise NotFound(f"{key} is not known here")
        return Reply(204)
    if current.deleted:
        return Reply(204, key=key, version=current.version, updated=current.updated)
    require_writable(key, None, tx.definitions.packaged, server.limits)
    ended = await ending(current, call, tx, server)
    if ended is not None:
        return await put(ended, key, "PUT", current, call, tx, server)
    return await removed(current, call, tx, server)


async def removed(current: Stored, call: Call, tx: Transaction, server: Server) -> Reply:
    """Delete what is there, of which it is known that it may be."""
    key = current.key
    updated = max(await tx.stamp(), current.updated + 1000)
    before = decode(current.body)
    version = current.version + 1
    entries, previous = Entries(), server.extract(before, call.base)
    if server.access is not None:
        # Who saw it sees that it was deleted.
        entries.stamp = previous.stamp = (await tx.stamps([key]))[key]
    draft = Draft(
        key,
        version,
        updated,
        b"",
        "DELETE",
        entries,
        old=previous,
        old_targets=targets_of(before, call.base, stored=True),
        deleted=True,
    )
    if key.type == SEARCH_PARAMETER:
        await redefine(key, None, call.base, tx)
    await tx.write(draft)
    return Reply(
        204,
        b"",
        key,
        version,
        updated,
        changes=(Change(key, version, "DELETE", None, before, entries.stamp),),
    )


@cache
def reference_parameters() -> tuple[Name, ...]:
    """Every search parameter whose values are references."""
    return tuple(
        Name(resource_type, parameter.code)
        for resource_type in sorted(resource_types())
        for parameter in parameters_of(resource_type).values()
        if parameter.kind == "reference"
    )
