"""perform(Call): the one way in. Picks the handler, gives it a transaction of the right form, and tries again.

A write first runs in a *buffered* transaction, one statement without locks held; it moves to an *interactive* one when
it needs to decide under a lock, or when it lost a race twice. Races, deadlocks and serialisation failures end here and
are never shown.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import replace
from itertools import islice

from fhir_server.interactions.admission import admitted, marks_of
from fhir_server.interactions.auditing import Auditor
from fhir_server.interactions.batch import batch
from fhir_server.interactions.call import Action, Call, Handler, Reply, Server
from fhir_server.interactions.capabilities import capabilities
from fhir_server.interactions.create import create
from fhir_server.interactions.delete import delete, remove, still_referenced
from fhir_server.interactions.history import history
from fhir_server.interactions.patch import patch
from fhir_server.interactions.provenance import HEADER, vouched
from fhir_server.interactions.read import vread
from fhir_server.interactions.references import places_of
from fhir_server.interactions.search import search
from fhir_server.interactions.transaction import imported, transaction
from fhir_server.interactions.tying import TYING, tied
from fhir_server.interactions.update import update
from fhir_server.kernel.errors import FhirError, Malformed, Unavailable, Unprocessable
from fhir_server.kernel.issues import Issue
from fhir_server.kernel.keys import Key
from fhir_server.kernel.times import now
from fhir_server.kernel.wire import Tree, decode
from fhir_server.operations.registry import inputs_for, operation_of
from fhir_server.operations.registry import perform as perform_operation
from fhir_server.operations.served import read_or_defined
from fhir_server.search.view import View
from fhir_server.store.contract import Missing, NeedsLocks, Reader, Referenced, Stale, Transaction

READS: Mapping[Action, Callable[[Call, Reader, Server], Awaitable[Reply]]] = {
    Action.READ: read_or_defined,
    Action.VREAD: vread,
    Action.HISTORY: history,
    Action.SEARCH: search,
    Action.CAPABILITIES: capabilities,
}
WRITES: Mapping[Action, Handler] = {
    Action.CREATE: create,
    Action.UPDATE: update,
    Action.PATCH: patch,
    Action.DELETE: delete,
}
# Inside a transaction: deletes are checked together, behind the last entry; reads see what was written before.
INSIDE: Mapping[Action, Handler] = {
    **WRITES,
    **READS,
    Action.DELETE: remove,
    Action.OPERATION: perform_operation,
}

ATTEMPTS = 12
_LARGE = 500_000  # bytes: from here on, reading the inputs of an operation would hold up everybody else
MAX_PLACES = 100  # of references to nothing that an answer names: enough for a reader

Attempt = Callable[[Transaction], Awaitable[Reply]]


class Engine:
    """Performs calls on one store. Safe to share between tasks; keeps nothing of a call.

    `auditor`: traces what callers do; None: nobody is known, and nothing is traced.
    """

    def __init__(self, server: Server, auditor: Auditor | None = None) -> None:
        self._server = server
        self._auditor = auditor

    @property
    def server(self) -> Server:
        """The parts that its handlers use."""
        return self._server

    async def perform(self, call: Call) -> Reply:
        """The answer to `call`. Raises a `FhirError` when it is refused, `Unavailable` when it may succeed later."""
        auditor = self._auditor_of(call)
        if auditor is None:
            return await self._perform(call, 0)
        began = now()
        try:
            return await self._perform(call, began)
        except Exception as error:
            await auditor.failed(call, error, began)
            raise

    async def _perform(self, call: Call, began: int) -> Reply:
        """`began`: for the trace."""
        view = admitted(call, self._server)
        auditor = self._auditor_of(call)
        if auditor is not None and (told := await auditor.act(call)) is not None:
            await auditor.done(call, told, (), began)
            return told
        reading = READS.get(call.action)
        if reading is not None:
            trace = None if auditor is None else auditor.foretold(call, began)
            reader = self._server.store.within(view, trace)
            answer = reading(call, reader, self._server)
            return await (answer if auditor is None else auditor.read(call, reader, answer, began, trace))
        writing = WRITES.get(call.action)
        if writing is not None:
            handler = writing
            return await self._write(
                call,
                view,
                lambda tx: handler(call, tx, self._server),
                began,
                interactive=self._needs_locks(call),
            )
        if call.action is Action.OPERATION:
            return await self._operation(call, view, began)
        return await self._bundle(call, view, began)

    def _auditor_of(self, call: Call) -> Auditor | None:
        """Who traces a call; None: it is the server's own, or nobody is known here."""
        return None if call.caller.kind == "anyone" else self._auditor

    async def unread(self, call: Call, error: FhirError) -> None:
        """Trace what was refused before it could be performed: what is no call, or an entry that is none."""
        if (auditor := self._auditor_of(call)) is not None:
            await auditor.failed(call, error, now())

    async def ready(self) -> bool:
        """Whether the store answers."""
        return await self._server.store.ready()

    async def _operation(self, call: Call, view: View | None, began: int) -> Reply:
        operation = operation_of(call)
        if len(call.body) < _LARGE:
            inputs = inputs_for(operation, call, self._server)
        else:
            inputs = await asyncio.to_thread(inputs_for, operation, call, self._server)
        if (ask := operation.ask) is not None:
            reader = self._server.store.within(view)
            answer = ask(call, inputs, reader, self._server)
            auditor = self._auditor_of(call)
            return await (answer if auditor is None else auditor.read(call, reader, answer, began))
        act = operation.act
        assert act is not None, "an operation asks or acts"
        return await self._write(
            call,
            None if operation.whole else view,
            lambda tx: act(call, inputs, tx, self._server),
            began,
            interactive=operation.whole,
        )

    async def _bundle(self, call: Call, view: View | None, began: int) -> Reply:
        # Before the body is read: an import that runs again costs a question a file. The transaction asks once more.
        for place, digest in enumerate(marks_of(call)):
            if await self._server.store.noted(digest):
                raise imported(place)
        bundle = self._bundle_in(call)
        match bundle.get("type"):
            case "batch":
                return await batch(bundle, call, self._server, self.perform, self.unread)
            case "transaction":
                first = bundle
                auditor = self._auditor_of(call)
                inside = INSIDE
                if auditor is not None:
                    inside = {action: auditor.within(handler) for action, handler in INSIDE.items()}

                async def attempt(tx: Transaction) -> Reply:
                    # A failed attempt has rewritten links and stamped trees: each one begins with the body.
                    nonlocal first
                    tree, first = first or self._bundle_in(call), {}
                    return await transaction(tree, call, tx, self._server, inside)

                return await self._write(call, view, attempt, began, interactive=False)
            case _:
                raise Malformed(
                    "The server performs Bundles of type 'batch' and 'transaction'; others are stored: POST to Bundle",
                    "Bundle.type",
                    code="value",
                )

    def _bundle_in(self, call: Call) -> Tree:
        bundle = decode(call.body, max_bytes=self._server.limits.max_bytes)
        if bundle.get("resourceType") != "Bundle":
            raise Malformed(
                "The base address takes a Bundle; other resources go to [base]/Type", "resourceType"
            )
        issues = self._server.judge_shell(bundle)
        if issues:
            error = Malformed(issues[0].text)
            error.issues = tuple(issues)
            raise error
        return bundle

    def _needs_locks(self, call: Call) -> bool:
        return (
            call.action is Action.DELETE
            or bool(call.conditions.if_none_exist)
            or (call.id is None and call.action is not Action.CREATE)
            or (self._server.access is not None and call.type in TYING)
        )

    async def _write(
        self, call: Call, view: View | None, attempt: Attempt, began: int, *, interactive: bool
    ) -> Reply:
        auditor = self._auditor_of(call)
        for number in range(ATTEMPTS):
            reply: Reply | None = None
            try:
                async with self._server.store.begin(interactive=interactive, view=view) as tx:
                    reply = await attempt(tx)
                    told = await tied(reply.changes, call, tx, self._server)
                    told += await vouched(reply.changes, call, tx, self._server)
                    if told:
                        reply = replace(reply, changes=(*reply.changes, *told))
                    if auditor is not None:
                        await auditor.written(call, reply, tx, began)
            except NeedsLocks:
                interactive = True
            except Stale:
                interactive = interactive or number >= 1
                # Spread the losers of a race: full jitter, doubling from 2 ms to 250 ms.
                await asyncio.sleep(random.uniform(0, min(0.25, 0.002 * 2**number)))  # noqa: S311 - not a secret
            except Missing as error:
                raise _missing(error, call, reply) from error
            except Referenced as error:
                raise still_referenced(error) from error
            else:
                return reply
        raise Unavailable(
            "Too many others write to the same resources at this moment; the same request may succeed later"
        )


def _missing(error: Missing, call: Call, reply: Reply | None) -> Unprocessable:
    """Says of each missing target where the resource refers to it; `reply` is what it would have answered, if known."""
    places: list[tuple[Key, str]] = []
    if call.action is Action.BUNDLE:
        places += _places_in(decode(call.body), error, call)
    elif reply is not None:  # the resource as it would have been: a patch is not one
        for change in reply.changes:
            if change.key.type == call.type:  # not what is written besides
                places += _places_in(change.tree or {}, error, call)
    if call.provenance:  # it has been read before
        places += islice(places_of(decode(call.provenance), set(error.keys), call.base, HEADER), MAX_PLACES)
    known = {key for key, _ in places}
    places += [(key, "") for key in error.keys if key not in known]
    refused = Unprocessable("A reference points to nothing")
    refused.issues = tuple(
        Issue("not-found", f"{key} does not exist here, and this server keeps no reference to nothing", place)
        for key, place in places
    )
    return refused


def _places_in(tree: Tree, error: Missing, call: Call) -> Iterator[tuple[Key, str]]:
    found = places_of(tree, set(error.keys), call.base, tree.get("resourceType", ""))
    return islice(found, MAX_PLACES)
