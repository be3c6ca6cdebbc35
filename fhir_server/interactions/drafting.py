"""From a judged tree to a Draft: the one place where a resource is stamped, indexed and turned into bytes."""

from __future__ import annotations

import asyncio
from typing import Final

from fhir_server.access.standing import Warrant
from fhir_server.interactions.authorising import authorised
from fhir_server.interactions.call import Call, Change, Reply, Server
from fhir_server.interactions.definitions import require_writable
from fhir_server.interactions.references import targets_of
from fhir_server.interactions.search_parameters import TYPE as SEARCH_PARAMETER
from fhir_server.interactions.search_parameters import redefine
from fhir_server.kernel.errors import Malformed
from fhir_server.kernel.keys import Key
from fhir_server.kernel.wire import Tree, decode, encode, require_shallow, stamp
from fhir_server.search.entries import Entries
from fhir_server.store.contract import Draft, Method, Stored, Transaction

_LARGE: Final = 500_000  # bytes: from here on its rows would hold up the other requests of this worker


def tree_in(call: Call, server: Server) -> Tree:
    """The call's resource, of the type that the address names, to be stamped. Raises `Malformed`."""
    if call.tree is None:
        tree = decode(call.body, max_bytes=server.limits.max_bytes)
    else:
        # What is stamped is a copy: when a race is lost, the call is performed again as it came.
        tree = dict(call.tree)
        if isinstance(meta := tree.get("meta"), dict):
            tree["meta"] = dict(meta)
    if type_in(tree) != call.type:
        raise Malformed(
            f"The address is one of {call.type}, and the body has another 'resourceType'", "resourceType"
        )
    return tree


def type_in(tree: Tree) -> str:
    """The type that a resource says it is of. Raises `Malformed` when it says none."""
    found = tree.get("resourceType")
    if not isinstance(found, str):
        raise Malformed("Element 'resourceType' is missing: it says what the resource is", code="required")
    return found


async def put(
    tree: Tree,
    key: Key,
    method: Method,
    old: Stored | None,
    call: Call,
    tx: Transaction,
    server: Server,
    *,
    lifting: bool = False,
    warrant: Warrant = "",
) -> Reply:
    """Write the next version of `key`: 201 when it is new or was deleted, else 200; none if nothing is different.

    `tree` has been judged. It is stamped in place and must not be used for another resource afterwards. `lifting`: what
    is left out of the labels is taken away. `warrant`: see `access.standing.Write`.
    """
    if server.access is None and old is not None and _is_said(tree, old):
        return _as_it_is(old)
    require_writable(key, tree, tx.definitions.packaged, server.limits)
    return await written(tree, key, method, old, call, tx, server, lifting=lifting, warrant=warrant)


async def written(
    tree: Tree,
    key: Key,
    method: Method,
    old: Stored | None,
    call: Call,
    tx: Transaction,
    server: Server,
    *,
    since: int | None = None,
    lifting: bool = False,
    warrant: Warrant = "",
) -> Reply:
    """`put`, of what the server itself writes: definitions of packages are no clients' to write.

    `since`: from when on it has been there, in µs; None: from now on. In the past, the transaction must be interactive.
    """
    updated = await tx.stamp() if since is None else since
    version = 1
    before = None
    previous = None
    previous_targets: tuple[Key, ...] = ()
    if old is not None:
        version = old.version + 1
        updated = max(updated, old.updated + 1000)
        if not old.deleted:
            before = decode(old.body)
            previous = await _rows(before, len(old.body), call, server)
            previous_targets = targets_of(before, call.base, stored=True)
    targets = targets_of(tree, call.base) if server.limits.references else ()
    added = [target for target in targets if target not in previous_targets]
    stamp(tree, key.id, version, updated)
    as_written = await authorised(
        tree, key, before, method, added, call, tx, server, lifting=lifting, warrant=warrant
    )
    tree = as_written.tree
    if server.access is not None:  # what is written is another tree by now
        if old is not None and _is_said(tree, old):
            return _as_it_is(old)
        stamp(tree, key.id, version, updated)
    if key.type == SEARCH_PARAMETER:
        await redefine(key, tree, call.base, tx)
    body = encode(tree)
    require_shallow(tree, body)
    entries = await _rows(tree, len(body), call, server)
    entries.stamp = as_written.stamp
    if previous is not None and as_written.previous is not None:
        previous.stamp = as_written.previous
    draft = Draft(
        key,
        version,
        updated,
        body,
        method,
        entries,
        old=previous,
        targets=targets,
        old_targets=previous_targets,
        hidden=as_written.hidden,
        retroactive=since is not None,
    )
    await tx.write(draft)
    for one, change in as_written.behind:
        await tx.restamp(one, change)
    created = old is None or old.deleted
    return Reply(
        201 if created else 200,
        draft.body,
        key,
        version,
        updated,
        changes=(Change(key, version, method, tree, before, as_written.stamp, warrant, as_written.previous),),
    )


def _is_said(tree: Tree, old: Stored) -> bool:
    """Whether `tree` says, in the same order, what `old` says already. `tree` gets the stamps of `old`."""
    if old.deleted:
        return False
    stamp(tree, old.key.id, old.version, old.updated)
    return encode(tree) == old.body


def _as_it_is(old: Stored) -> Reply:
    return Reply(200, old.body, old.key, old.version, old.updated)


async def _rows(tree: Tree, size_bytes: int, call: Call, server: Server) -> Entries:
    """The index rows of a resource."""
    if size_bytes < _LARGE:
        return server.extract(tree, call.base)
    return await asyncio.to_thread(server.extract, tree, call.base)
