"""The trace of every act, and the acts on traces themselves.

A write is traced in its own transaction: neither is there without the other. What only reads is traced before it is
answered, or in the statement that reads, if its trace can be foretold; and so is what failed, before it is answered.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Collection, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import ClassVar, Final, Protocol

from fhir_server.access.audit import fed, trace_of
from fhir_server.access.audit_event import Observer
from fhir_server.access.authority import Denied
from fhir_server.access.caller import Caller
from fhir_server.access.decisions import WHO, Decision, refused
from fhir_server.access.foretelling import foretold, foretold_list
from fhir_server.access.roles import DPO
from fhir_server.definitions.targets import local_key
from fhir_server.interactions.audit_events import Traces, Within, read_trace, search_traces
from fhir_server.interactions.authorising import actors_of
from fhir_server.interactions.call import Action, Call, Handler, Reply, Server
from fhir_server.interactions.drafting import tree_in
from fhir_server.interactions.entries import entry_of
from fhir_server.interactions.judging import judged
from fhir_server.kernel.errors import (
    FhirError,
    Forbidden,
    Gone,
    Malformed,
    MethodNotAllowed,
    NotFound,
    Unprocessable,
)
from fhir_server.kernel.keys import Key
from fhir_server.kernel.times import now
from fhir_server.kernel.trace import Foretold, Trace
from fhir_server.kernel.wire import decode, require_shallow
from fhir_server.search.sight import Stamp, Tie
from fhir_server.store.contract import Missing, Reader, Transaction

TYPE: Final = "AuditEvent"
_LARGE: Final = 500_000  # bytes: from here on, reading a Bundle once more would hold up everybody else
# Searches that most likely list what is about one person: what else they are, the store sees.
_LIST: Final = re.compile(
    r"(?:patient|subject)=(?:Patient(?:/|%2[Ff]))?[A-Za-z0-9.-]{1,64}(?:&_count=[0-9]{1,4})?\Z"
)
_ENTRY: Final = re.compile(r"Bundle\.entry\[(\d+)\]")


class Log(Traces, Protocol):
    def expect(self) -> AbstractContextManager[None]:
        """An act begins, whose trace comes when it is over."""

    async def write(self, trace: Trace) -> str:
        """Wait until a trace is durable: its id. Raises `Unavailable`."""


class Broken(FhirError):
    """A defect of ours, as the trace tells it."""

    status: ClassVar[int] = 500


class Auditor:
    """What the engine traces by. `observer`: this server, as AuditEvents name it."""

    def __init__(self, log: Log, observer: Observer, server: Server) -> None:
        self._log = log
        self._observer = observer
        self._server = server

    def foretold(self, call: Call, began: int) -> Foretold | None:
        """The trace of a call that reads a resource, or lists what is about a person, to be written where it is read.

        None: it is not so plain.
        """
        if call.type is None:
            return None
        if call.action is Action.SEARCH:
            if call.compartment is not None or not _LIST.match(call.query):
                return None
            return foretold_list(call, call.type, call.query, call.caller, at=began)
        if (
            call.action is not Action.READ
            or call.query
            or call.id is None
            or call.conditions.if_none_match
            or call.conditions.if_modified_since
        ):
            return None
        return foretold(call, Key(call.type, call.id), call.caller, at=began)

    async def read(
        self,
        call: Call,
        reader: Reader,
        reading: Awaitable[Reply],
        began: int,
        trace: Foretold | None = None,
    ) -> Reply:
        """Trace what `reading` answers, by what `reader` has met. Returns when the trace is durable.

        `trace`: what was foretold of it, and is `written` perhaps.
        """
        if trace is not None:
            reply = await reading
            if trace.written:
                return reply
        else:
            with self._log.expect():
                reply = await reading
        await self.done(call, reply, reader.met, began)
        return reply

    async def done(self, call: Call, reply: Reply, met: Collection[int], began: int) -> None:
        """Trace what was done without writing. Returns when the trace is durable."""
        await self._log.write(self._made(call, reply, met, began))

    async def written(self, call: Call, reply: Reply, tx: Transaction, began: int) -> None:
        """Trace what a transaction writes, with its commit."""
        await tx.trace(self._made(call, reply, tx.met, began))

    async def failed(self, call: Call, error: Exception, began: int) -> None:
        """Trace what was refused or went wrong: which gate refused, never what is behind it."""
        told = error if isinstance(error, FhirError) else Broken("The server failed")
        if call.action is not Action.BUNDLE:
            asked = call
        elif len(call.body) < _LARGE:
            asked = _entry_behind(call, told, self._server)
        else:
            asked = await asyncio.to_thread(_entry_behind, call, told, self._server)
        decision, persons = await self._refusal(asked, error)
        await self._log.write(
            trace_of(
                asked,
                told,
                call.caller,
                at=began,
                decision=decision,
                address=call.address,
                persons=persons,
            )
        )

    def within(self, handler: Handler) -> Handler:
        """The same as part of a transaction, where acts on traces are ours."""

        async def acting(call: Call, tx: Transaction, server: Server) -> Reply:
            told = await self.act(call, alone=False)
            return await handler(call, tx, server) if told is None else told

        return acting

    async def act(self, call: Call, *, alone: bool = True) -> Reply | None:
        """The answer to a call about traces; None: it is about something else. `alone`: it is no part of another."""
        if call.type != TYPE:
            return None
        match call.action:
            case Action.READ:
                return await read_trace(call, self._log, self._observer, await self._within(call.caller))
            case Action.SEARCH:
                within = await self._within(call.caller)
                return await search_traces(call, self._log, self._server, self._observer, within)
            case Action.CREATE if not alone:
                raise Malformed(
                    "A transaction keeps no AuditEvent: a POST of its own, or a batch, would be right",
                    code="not-supported",
                )
            case Action.CREATE:
                return await self._fed(call)
            case Action.UPDATE | Action.PATCH | Action.DELETE:
                raise MethodNotAllowed("Traces are kept as they are", allow=("GET", "POST"))
        return None

    async def _fed(self, call: Call) -> Reply:
        """A trace that another system keeps here."""
        server, access = self._server, self._server.access
        assert access is not None, "whoever audits knows callers"
        if call.conditions.if_none_exist:
            raise Malformed("An AuditEvent is kept without conditions", code="not-supported")
        tree = tree_in(call, server)
        await judged(tree, call, server.store, server)
        stamped = access.stamp_of({**tree, "id": "-"}, creator=call.caller)
        decision = access.policy.may_create(call.caller, stamped, (), now(), type=TYPE)
        if not decision.allowed:
            raise Denied(decision)
        trace = fed(tree, call.caller, at=now(), address=call.address)
        require_shallow(tree, trace.data)
        id_ = await self._log.write(trace)
        kept = await read_trace(replace(call, id=id_), self._log, self._observer, None)
        return replace(kept, status=201)

    async def _within(self, caller: Caller) -> Within:
        """About whom a caller may read traces."""
        if caller.kind == "operator" or DPO in caller.roles:
            return None
        found = [actor for actor in caller.actors if actor.type == "Patient"]
        for actor in caller.actors:
            if actor.type == "RelatedPerson":
                found += await self._represented(actor)
        return tuple(found)

    async def _represented(self, relative: Key) -> list[Key]:
        """The person whom a relative represents now, if the measure does not leave out what is done with their data."""
        access, store = self._server.access, self._server.store
        assert access is not None, "whoever audits knows callers"
        stored = await store.read(relative)
        if stored is None or stored.deleted:
            return []
        person = local_key(decode(stored.body).get("patient", {}).get("reference", ""))
        if person is None or person.type != "Patient":
            return []
        links = await store.links([person], [relative])
        moment, traces = now(), access.policy.cells.bits(("trace",))
        represents = any(
            link.tie is Tie.REPRESENTATIVE and link.allow & traces and link.since <= moment < link.until
            for link in links
        )
        return [person] if represents else []

    def _made(self, call: Call, reply: Reply, met: Collection[int], began: int) -> Trace:
        access = self._server.access
        assert access is not None, "whoever audits knows callers"
        changes, cells = reply.changes, access.policy.cells
        return trace_of(
            call,
            reply,
            call.caller,
            at=began,
            address=call.address,
            persons=[*reply.persons, *[one for change in changes for one in change.stamp.persons]],
            numbers=list(met),
            categories={change.key: cells.name(change.stamp.cell) for change in changes},
        )

    async def _refusal(self, call: Call, error: Exception) -> tuple[Decision | None, tuple[Key, ...]]:
        """Which gate refused, if one did, and the persons whom the call was about.

        What failed for another reason tells nothing about persons whose data the caller does not see: they may read
        what is traced about themselves.
        """
        access, store = self._server.access, self._server.store
        assert access is not None, "whoever audits knows callers"
        caller, moment = call.caller, now()
        if isinstance(missing := error.__cause__, Missing):
            named = list(missing.keys)
        else:
            named = [Key(call.type, call.id)] if call.type is not None and call.id is not None else []
        found = await store.stamps(named) if named else {}
        hidden = set(await store.within(access.view_of(caller)).unseen(list(found)))
        if isinstance(error, Denied):
            return error.decision, error.persons or _persons(found, found)
        if isinstance(error, Forbidden):
            return refused(WHO, "not granted"), _persons(found, found)
        if not hidden or not isinstance(error, NotFound | Gone | Unprocessable):
            return None, _persons(found, found.keys() - hidden)
        if missing is None and isinstance(error, Unprocessable):
            return None, ()
        stamp = found[min(hidden)]
        links = await store.links(stamp.persons, actors_of(caller))
        decision = access.policy.decision_of(caller, stamp, links, "read", moment)
        return refused(WHO, "not granted") if decision.allowed else decision, _persons(found, hidden)


def _persons(stamps: Mapping[Key, Stamp], keys: Iterable[Key]) -> tuple[Key, ...]:
    """The persons whom some resources are about."""
    return tuple({person for key in keys for person in stamps[key].persons})


def _entry_behind(call: Call, error: FhirError, server: Server) -> Call:
    """The entry that a Bundle failed by, as part of it; the Bundle itself, where it is not clear which."""
    place = _ENTRY.match(error.issues[0].expression)
    if place is None:
        return call
    number = int(place[1])
    try:
        bundle = decode(call.body)
        if server.judge_shell(bundle):  # what is there is no entry, perhaps
            return call
        inner = entry_of(number, bundle["entry"][number], call).call
    except (FhirError, LookupError):
        return call
    return replace(inner, action=Action.BUNDLE)
