"""$reindex: every index row of a type, or of all, compared with what it ought to be, in the background.

POST has it done, and answers 202 at once; GET says how far it has come. Searches go on as before meanwhile, apart from
those by parameters that are new.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from fhir_server.definitions.catalogue import resource_types
from fhir_server.interactions.call import Call, Reply, Server
from fhir_server.kernel.errors import Forbidden, Malformed
from fhir_server.kernel.wire import Tree, encode
from fhir_server.operations.inputs import Inputs
from fhir_server.operations.operation import Operation, given, own
from fhir_server.store.contract import Reader, Transaction
from fhir_server.store.definitions import Job


async def reindex(call: Call, inputs: Inputs, reader: Reader, server: Server) -> Reply:
    keeper = server.store.definitions
    if not call.caller.operates:
        raise Forbidden("$reindex is for operators", french="$reindex est réservé aux opérateurs")
    if not call.safe:
        if isinstance(reader, Transaction):
            raise Malformed("$reindex is no part of a transaction: POST it alone", code="not-supported")
        await keeper.request([call.type] if call.type else sorted(resource_types()), call.base)
    jobs = [job for job in await keeper.progress() if call.type in {None, job.type}]
    return Reply(200 if call.safe else 202, encode(progress_of(jobs)))


def progress_of(jobs: Sequence[Job]) -> Tree:
    """The Parameters that say how far the jobs have come."""
    return {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "state", "valueCode": "indexing" if jobs else "complete"},
            *(
                {
                    "name": "type",
                    "part": [
                        {"name": "code", "valueCode": job.type},
                        {"name": "done", "valueUnsignedInt": job.done},
                        *([] if job.total is None else [{"name": "total", "valueUnsignedInt": job.total}]),
                        {"name": "percent", "valueUnsignedInt": job.percent},
                    ],
                }
                for job in jobs
            ),
        ],
    }


OPERATION: Final = Operation(
    own(
        "Resource-reindex",
        name="Reindex",
        title="Make the search index anew",
        description="Compares every row of the search index with what it ought to be. POST starts it, GET follows it.",
        resource=("Resource",),
        parameter=(given("Parameters", "The state, and for each type under way how far it has come"),),
        system=True,
        type=True,
    ),
    ask=reindex,
)
