"""patch and conditional patch, by JSON Patch or FHIRPath Patch.

https://hl7.org/fhir/R4/http.html#patch
"""

from __future__ import annotations

from typing import Any

from fhir_server.interactions import fhirpath_patch, json_patch
from fhir_server.interactions.call import Call, Reply, Server
from fhir_server.interactions.conditional import many, matches_of, require_match
from fhir_server.interactions.drafting import put
from fhir_server.interactions.judging import judged, remarked
from fhir_server.interactions.read import key_of
from fhir_server.kernel.errors import Gone, Malformed, NotFound, Unprocessable, UnsupportedMediaType
from fhir_server.kernel.wire import Tree, decode, same
from fhir_server.store.contract import Stored, Transaction

JSON_PATCH = "application/json-patch+json"
FHIR_JSON = "application/fhir+json"

# What a narrative does not tell: a patch of these alone leaves it true.
_UNTOLD = frozenset({"id", "meta", "implicitRules", "language", "text"})


async def patch(call: Call, tx: Transaction, server: Server) -> Reply:
    current = await _target(call, tx)
    key = current.key
    require_match(call, current)

    before = decode(current.body)
    tree = patched(before, call, server)
    if tree.get("resourceType") != key.type or tree.get("id") != key.id:
        raise Unprocessable("A patch cannot change the type or the id of a resource", f"{key.type}.id")
    remarks = await judged(tree, call, tx, server)
    _keep_narrative_safe(before, tree)
    return remarked(await put(tree, key, "PATCH", current, call, tx, server), remarks)


async def _target(call: Call, tx: Transaction) -> Stored:
    assert call.type is not None, "the web layer gives a patch its type"
    if call.id is None:
        found = await matches_of(call.type, call.query, tx, call.base)
        if not found:
            raise NotFound(f"No {call.type} matches the criteria")
        if len(found) > 1:
            raise many(call.type)
        key = found[0].key
    else:
        key = key_of(call)
    current = await tx.lock(key)
    if current is None:
        raise NotFound(f"{key} is not known here")
    if current.deleted:
        raise Gone(f"{key} was deleted", version=current.version)
    return current


def patched(tree: Tree, call: Call, server: Server) -> Tree:
    """What the call's patch makes of `tree`; not judged yet. Raises a `FhirError` when it does not apply."""
    if call.media_type == JSON_PATCH:
        result: Tree = _without_empty(json_patch.apply(tree, call.body))
        return result
    if call.media_type != FHIR_JSON:
        raise UnsupportedMediaType(f"A patch is {JSON_PATCH}, or Parameters (FHIRPath Patch) as {FHIR_JSON}")
    parameters = call.tree if call.tree is not None else decode(call.body, max_bytes=server.limits.max_bytes)
    if parameters.get("resourceType") != "Parameters":
        raise Malformed("A FHIRPath Patch is a Parameters resource", "resourceType")
    return fhirpath_patch.apply(tree, parameters)


def _without_empty(value: Any) -> Any:
    """FHIR JSON has no empty lists and objects: when JSON Patch has removed the last item, its list goes too."""
    if isinstance(value, list):
        return [_without_empty(item) for item in value]
    if not isinstance(value, dict):
        return value
    kept = [(name, _without_empty(item)) for name, item in value.items()]
    return {name: item for name, item in kept if item not in ([], {})}


def _keep_narrative_safe(before: Tree, after: Tree) -> None:
    """See that no narrative tells what the data no longer say. https://hl7.org/fhir/R4/http.html#patch

    A narrative made from the data is taken away when the data change; one with more in it must be patched along with
    them. A patch that writes the narrative itself has seen to it.

    Raises `Unprocessable`.
    """
    text = after.get("text")
    if not isinstance(text, dict) or text.get("status") == "empty" or not same(text, before.get("text")):
        return
    if same(_told(before), _told(after)):
        return
    if text.get("status") == "additional":
        raise Unprocessable(
            "The narrative says more than the data, and the patch leaves it as it was: patch both, so that they agree",
            f"{after['resourceType']}.text",
            code="business-rule",
        )
    del after["text"]


def _told(tree: Tree) -> Tree:
    return {name: value for name, value in tree.items() if name not in _UNTOLD}
