"""update, update as create, and conditional update.

https://hl7.org/fhir/R4/http.html#update · https://hl7.org/fhir/R4/http.html#cond-update
"""

from __future__ import annotations

from fhir_server.interactions.call import Call, Reply, Server
from fhir_server.interactions.conditional import many, matches_of, require_match
from fhir_server.interactions.drafting import put, tree_in
from fhir_server.interactions.judging import judged, remarked
from fhir_server.interactions.read import key_of
from fhir_server.interactions.subsetted import require_whole
from fhir_server.kernel.errors import Conflict, Malformed, MethodNotAllowed
from fhir_server.kernel.keys import Key, is_id
from fhir_server.kernel.wire import Tree
from fhir_server.store.contract import Stored, Transaction


async def update(call: Call, tx: Transaction, server: Server) -> Reply:
    tree = tree_in(call, server)
    if call.id is None:
        remarks = await judged(tree, call, tx, server)
        return remarked(await _conditional(call, tree, tx, server), remarks)

    key = key_of(call)
    if tree.get("id") != key.id:
        said = "another id" if "id" in tree else "no id"
        raise Malformed(
            f"The address names {key}, and the body has {said}; both must be the same", f"{call.type}.id"
        )
    remarks = await judged(tree, call, tx, server)
    return remarked(await _replace(key, tree, call, tx, server), remarks)


async def _conditional(call: Call, tree: Tree, tx: Transaction, server: Server) -> Reply:
    assert call.type is not None, "the web layer gives an update its type"
    found = await matches_of(call.type, call.query, tx, call.base)
    given = tree.get("id")
    if len(found) > 1:
        raise many(call.type)
    if found:
        if given not in {None, found[0].key.id}:
            raise Malformed(
                f"The criteria match {found[0].key}, and the body has another id; no id or that one would be right",
                f"{call.type}.id",
            )
        return await _replace(found[0].key, tree, call, tx, server)
    if given is None:
        require_match(call, None)
        return await put(tree, Key(call.type, server.store.new_id()), "PUT", None, call, tx, server)

    key = Key(call.type, given)
    current = await tx.lock(key)
    if current is not None and not current.deleted:
        raise Conflict(
            f"Nothing matches the criteria, and {key}, which the body names, exists and does not match them"
        )
    return await _write(key, tree, current, call, tx, server)


async def _replace(key: Key, tree: Tree, call: Call, tx: Transaction, server: Server) -> Reply:
    current = await tx.lock(key)
    return await _write(key, tree, current, call, tx, server)


async def _write(
    key: Key, tree: Tree, current: Stored | None, call: Call, tx: Transaction, server: Server
) -> Reply:
    require_match(call, current)
    require_whole(tree, current)
    if current is None or current.deleted:
        if not server.limits.client_ids:
            raise MethodNotAllowed(
                f"{key} does not exist, and this server chooses the ids of new resources: POST to {key.type}",
                allow=("POST",),
            )
        assert is_id(key.id), "judged"
    return await put(tree, key, "PUT", current, call, tx, server)
