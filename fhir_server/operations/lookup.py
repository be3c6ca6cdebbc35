"""CodeSystem/$lookup: what a code system says of a code.

https://hl7.org/fhir/R4/codesystem-operation-lookup.html
"""

from __future__ import annotations

from typing import Final

from fhir_server.interactions.call import Call, Reply, Server
from fhir_server.kernel.errors import NotFound
from fhir_server.operations.inputs import Inputs
from fhir_server.operations.operation import Operation, standard
from fhir_server.operations.terminology import answer_of, codes_in, library_of, missing, parameters
from fhir_server.store.contract import Reader
from terminology.lookup import looked_up


async def lookup(call: Call, inputs: Inputs, reader: Reader, server: Server) -> Reply:
    (code,) = codes_in(inputs, names=("code", "coding"))
    url = code.system
    if not url:
        raise missing(
            "A code is looked up in its code system: the input 'system' is required",
            "Un code se cherche dans son système : l'entrée « system » est requise",
        )
    library = library_of(server)
    found = await answer_of(
        lambda: looked_up(
            library,
            url,
            code.version,
            code.code,
            language=inputs.one("displayLanguage") or "",
            properties=frozenset(inputs.all("property")),
        ),
        library,
        NotFound,
    )
    return parameters(found)


OPERATION: Final = Operation(standard("CodeSystem-lookup"), ask=lookup)
