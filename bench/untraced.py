"""A server that knows its callers and keeps no trace of what they read: what the view costs without the audit.

`python -m bench.untraced PORT WORKERS` serves; with the numbers of `fhir_server.worker` it is one of the workers.
No setting of the product can do this.
"""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Collection
from typing import Final

from fhir_server import worker
from fhir_server.interactions.auditing import Auditor
from fhir_server.interactions.call import Call, Reply
from fhir_server.store.contract import Reader
from fhir_server.store.postgres import PostgresStore
from fhir_server.supervisor import Supervisor, listen

_MODULE: Final = "bench.untraced"


def _foretell_nothing(self: Auditor, call: Call, began: int) -> None:
    return None


async def _only_read(
    self: Auditor, call: Call, reader: Reader, reading: Awaitable[Reply], began: int, trace: object = None
) -> Reply:
    return await reading


async def _forget(self: Auditor, call: Call, reply: Reply, met: Collection[int], began: int) -> None:
    pass


def _stay(self: PostgresStore) -> None:
    """The server that traces does the background work."""


def main(module: str) -> None:
    """Serve, or be a worker: as the arguments say. `module`: what workers are started by."""
    numbers = [int(argument) for argument in sys.argv[1:]]
    if len(numbers) == 2:
        port, workers = numbers
        with listen("127.0.0.1", port) as sock:
            Supervisor(sock, workers, {}, lambda _: None, module=module).run(lambda: None, lambda: None)
    else:
        Auditor.foretold = _foretell_nothing  # type: ignore[method-assign]
        Auditor.read = _only_read  # type: ignore[method-assign]
        Auditor.done = _forget  # type: ignore[method-assign]  # what is written is traced with it all the same
        PostgresStore.volunteer = _stay  # type: ignore[method-assign]
        worker.main(*numbers)


if __name__ == "__main__":
    main(_MODULE)
