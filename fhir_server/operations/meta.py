"""$meta: the profiles, tags and security labels of a resource, of a version, of a type or of the whole system.

https://hl7.org/fhir/R4/resource-operation-meta.html
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from dataclasses import replace
from typing import Final

from fhir_server.definitions.catalogue import resource_types
from fhir_server.interactions.call import Call, Reply, Server
from fhir_server.interactions.read import read, vread
from fhir_server.kernel.errors import Unprocessable
from fhir_server.kernel.wire import Tree, decode, encode
from fhir_server.operations.inputs import Inputs
from fhir_server.operations.labels import united
from fhir_server.operations.operation import Operation, standard
from fhir_server.search.query import Missing, Name, Query
from fhir_server.search.reading import any_of
from fhir_server.store.contract import Reader

MOST = 20_000  # resources with labels that are looked through for those in use
_SLICE = 1000  # resources read at a time
_LABELLED = ("_profile", "_security", "_tag")


async def meta(call: Call, inputs: Inputs, reader: Reader, server: Server) -> Reply:
    if call.id is None:
        types = sorted(resource_types()) if call.type is None else [call.type]
        return Reply(200, returned(united([found async for found in _in_use(types, reader)])))
    reply = await (read if call.version is None else vread)(call, reader, server)
    if reply.status != 200:  # the client has this version
        return reply
    return replace(reply, body=returned(decode(reply.body)["meta"]), key=None)


def returned(meta: Tree) -> bytes:
    """The Parameters that answer with a Meta. One without content cannot be said in FHIR, and is left out."""
    tree: Tree = {"resourceType": "Parameters"}
    if meta:
        tree["parameter"] = [{"name": "return", "valueMeta": meta}]
    return encode(tree)


async def _in_use(types: Iterable[str], reader: Reader) -> AsyncIterator[Tree]:
    """The `meta` of every resource that has labels. Raises `Unprocessable` when there are too many to look through."""
    read = 0
    for name in types:
        labelled = any_of(Missing(Name(name, code), missing=False) for code in _LABELLED)
        query = Query((name,), (labelled,), count=_SLICE, total="none")
        while True:
            page = await reader.search(query)
            for stored in page.items:
                yield decode(stored.body)["meta"]
            read += len(page.items)
            if read > MOST:
                raise Unprocessable(
                    f"More than {MOST:,} resources have labels; ask for those of a type or of a resource",
                    code="too-costly",
                )
            if not page.next:
                break
            query = replace(query, cursor=page.next)


OPERATION: Final = Operation(standard("Resource-meta"), ask=meta, versions=True)
