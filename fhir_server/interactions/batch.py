"""batch: a loop of independent calls, each in a transaction of its own.

https://hl7.org/fhir/R4/http.html#transaction
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from fhir_server.interactions.call import Call, Reply, Server
from fhir_server.interactions.entries import Entry, entry_of, listed_in, placed, response_of
from fhir_server.interactions.outcome import reply_of
from fhir_server.kernel.errors import FhirError
from fhir_server.kernel.wire import Tree

Perform = Callable[[Call], Awaitable[Reply]]
Unread = Callable[[Call, FhirError], Awaitable[None]]


async def _unheard(call: Call, error: FhirError) -> None:
    """Where nobody keeps a trace."""


async def batch(
    bundle: Tree, call: Call, server: Server, perform: Perform, unread: Unread = _unheard
) -> Reply:
    """Perform the entries one by one, in the order of a transaction; a failure is the answer to its own entry only.

    `unread` is told of each entry that is no request at all.
    """
    listed = listed_in(bundle, server)
    entries: list[Entry | None] = [None] * len(listed)
    replies: list[Reply] = [Reply(400)] * len(listed)
    for index, item in enumerate(listed):
        try:
            entries[index] = entry_of(index, item, call)
        except FhirError as error:
            await unread(call, error)
            replies[index] = reply_of(error, language=call.language)

    for entry in sorted((e for e in entries if e is not None), key=lambda e: e.rank):
        try:
            replies[entry.index] = await perform(entry.call)
        except FhirError as error:
            replies[entry.index] = reply_of(
                placed(error, f"Bundle.entry[{entry.index}]"), language=call.language
            )
    return Reply(
        200,
        response_of("batch-response", entries, replies, call.base),
        changes=tuple(change for reply in replies for change in reply.changes),
    )
