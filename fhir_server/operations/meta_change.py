"""$meta-add and $meta-delete: labels change, and nothing else does.

R4 allows both to change a resource in place. Here they make a version, as every change does: who set or lifted a
security label, and when, must be found in the history; an ETag must never name two contents; and who follows the
history must see the change. A call that changes nothing makes none. Decision 0010.

https://hl7.org/fhir/R4/resource-operation-meta-add.html · https://hl7.org/fhir/R4/resource-operation-meta-delete.html
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from fhir_server.interactions.call import Call, Reply, Server
from fhir_server.interactions.conditional import require_match
from fhir_server.interactions.drafting import put
from fhir_server.interactions.judging import judged
from fhir_server.interactions.read import key_of
from fhir_server.kernel.errors import Gone, NotFound
from fhir_server.kernel.wire import Tree, decode, same
from fhir_server.operations.inputs import Inputs
from fhir_server.operations.labels import with_labels, without_labels
from fhir_server.operations.meta import returned
from fhir_server.operations.operation import Operation, standard
from fhir_server.store.contract import Transaction


async def meta_add(call: Call, inputs: Inputs, tx: Transaction, server: Server) -> Reply:
    return await _changed(call, inputs, tx, server, with_labels)


async def meta_delete(call: Call, inputs: Inputs, tx: Transaction, server: Server) -> Reply:
    return await _changed(call, inputs, tx, server, without_labels, lifting=True)


async def _changed(
    call: Call,
    inputs: Inputs,
    tx: Transaction,
    server: Server,
    change: Callable[[Tree, Tree], Tree],
    *,
    lifting: bool = False,
) -> Reply:
    key = key_of(call)
    current = await tx.lock(key)
    if current is None:
        raise NotFound(f"{key} is not known here")
    if current.deleted:
        raise Gone(f"{key} was deleted", version=current.version)
    require_match(call, current)
    tree = decode(current.body)
    meta = change(tree["meta"], inputs.one("meta"))
    if same(meta, tree["meta"]):
        return Reply(200, returned(meta), version=current.version, updated=current.updated)
    tree["meta"] = meta
    await judged(tree, call, tx, server)
    reply = await put(tree, key, "PATCH", current, call, tx, server, lifting=lifting)
    written = decode(reply.body)["meta"]
    return Reply(200, returned(written), version=reply.version, updated=reply.updated, changes=reply.changes)


OPERATIONS: Final = (
    Operation(standard("Resource-meta-add", affects_state=True), act=meta_add),
    Operation(standard("Resource-meta-delete", affects_state=True), act=meta_delete),
)
