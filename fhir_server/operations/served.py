"""read, where the definitions of the operations are there beside what is stored.

A client that finds an operation in the CapabilityStatement reads its definition at `OperationDefinition/[id]`, the last
part of the canonical URL. Whoever stores one under the same id has theirs.

https://hl7.org/fhir/R4/operationdefinition.html
"""

from __future__ import annotations

from functools import cache

from fhir_server.interactions.call import Call, Reply, Server
from fhir_server.interactions.read import read
from fhir_server.kernel.errors import NotFound
from fhir_server.kernel.wire import encode
from fhir_server.operations.registry import operations
from fhir_server.store.contract import Reader


async def read_or_defined(call: Call, reader: Reader, server: Server) -> Reply:
    try:
        return await read(call, reader, server)
    except NotFound:
        body = _definitions().get(call.id or "") if call.type == "OperationDefinition" else None
        if body is None:
            raise
        return Reply(200, body)


@cache
def _definitions() -> dict[str, bytes]:
    """The definitions as bytes, by id."""
    return {operation.definition["id"]: encode(operation.definition) for operation in operations()}
