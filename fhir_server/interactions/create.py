"""create, and create if none exists.

https://hl7.org/fhir/R4/http.html#create · https://hl7.org/fhir/R4/http.html#ccreate
"""

from __future__ import annotations

from fhir_server.interactions.call import Call, Reply, Server
from fhir_server.interactions.conditional import many, matches_of
from fhir_server.interactions.drafting import put, tree_in
from fhir_server.interactions.judging import judged, remarked
from fhir_server.kernel.keys import Key
from fhir_server.store.contract import Transaction


async def create(call: Call, tx: Transaction, server: Server) -> Reply:
    """`call.id`, set by a transaction only, is the id that was promised to the entry; a client's own id is ignored."""
    assert call.type is not None, "the web layer gives a create its type"
    tree = tree_in(call, server)
    remarks = await judged(tree, call, tx, server)

    if call.conditions.if_none_exist:
        found = await matches_of(call.type, call.conditions.if_none_exist, tx, call.base)
        if len(found) > 1:
            raise many(call.type)
        if found:
            return Reply(200, found[0].body, found[0].key, found[0].version, found[0].updated)

    key = Key(call.type, call.id or server.store.new_id())
    return remarked(await put(tree, key, "POST", None, call, tx, server), remarks)
