"""transaction: all entries or none, in the order that FHIR demands, on one Transaction of the store.

The entries are first settled (which resource is each about?), then linked (`urn:uuid`, relative and conditional
references become ids), then performed as ordinary calls by the ordinary handlers.

https://hl7.org/fhir/R4/http.html#transaction
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from fhir_server.definitions.parameters import Parameters
from fhir_server.interactions.admission import admitted, marks_of
from fhir_server.interactions.call import Action, Call, Handler, Reply, Server
from fhir_server.interactions.conditional import guards_of, require_alone, type_of
from fhir_server.interactions.delete import remove_all, require_unreferenced, still_referenced
from fhir_server.interactions.entries import Entry, entries_of, placed, response_of, sliced
from fhir_server.interactions.own import Own
from fhir_server.interactions.patch import patched
from fhir_server.interactions.references import conditional_in, references_in
from fhir_server.interactions.rewriting import Links, rewrite
from fhir_server.interactions.settling import criteria_in, settle
from fhir_server.kernel.errors import FhirError, Malformed, PreconditionFailed
from fhir_server.kernel.keys import Key
from fhir_server.kernel.wire import Tree, decode
from fhir_server.search.parse import criteria_of
from fhir_server.search.query import Query
from fhir_server.store.contract import Referenced, Transaction

# A conditional reference, perhaps behind escapes: without one in the text no tree needs to be looked through.
_MAY_ASK = re.compile(rb'"reference"\s*:\s*"[A-Za-z]*[?\\]')


@dataclass(frozen=True, slots=True)
class _Question:
    """A conditional reference: `node` is the Reference that waits for its answer."""

    entry: Entry
    node: dict[str, Any]
    literal: str
    query: Query


async def transaction(
    bundle: Tree, call: Call, tx: Transaction, server: Server, handlers: Mapping[Action, Handler]
) -> Reply:
    """Perform every entry or raise what the first failing one raised, its place in `expression`.

    A transaction that is a file's content is remembered by the file's hashes, in the same commit: the second time it
    is refused as a duplicate, and nothing is added.
    """
    for place, digest in enumerate(marks_of(call)):
        if not await tx.note_file(digest):
            raise imported(place)
    entries = await entries_of(bundle, call, server)
    parameters = tx.definitions.parameters
    criteria = criteria_in(entries, parameters)
    questions = _questions_in(entries, parameters) if _MAY_ASK.search(call.body) else []
    # At once, and before any search decides anything.
    asked = [*criteria.values(), *(question.query for question in questions)]
    if asked:
        await tx.guard(sorted({guard for query in asked for guard in guards_of(query)}))
    await settle(entries, criteria, tx, server)
    await _link(entries)
    await _answer(questions, entries, tx, server)

    server = replace(server, coming=_coming(entries), born=_born(entries))
    replies: dict[int, Reply] = {}
    async for entry in sliced(sorted(entries, key=_turn)):
        if entry.made_by is not None:
            replies[entry.index] = replace(replies[entry.made_by], status=200, changes=())
        else:
            replies[entry.index] = entry.answer or await _perform(entry, tx, server, handlers)

    await _require_unreferenced(entries, replies, tx, server)
    in_order = [replies[entry.index] for entry in entries]
    return Reply(
        200,
        response_of("transaction-response", entries, in_order, call.base),
        changes=tuple(change for reply in in_order for change in reply.changes),
    )


def _coming(entries: Sequence[Entry]) -> dict[Key, Tree]:
    """What the entries will have written, but for patches."""
    return {
        key: entry.call.tree
        for entry in entries
        if entry.call.tree is not None and entry.call.action in {Action.CREATE, Action.UPDATE}
        for key in entry.identities
    }


def _born(entries: Sequence[Entry]) -> frozenset[Key]:
    """What the entries create under ids that nobody could know: an id that a client chose may be somebody's already."""
    return frozenset(
        key
        for entry in entries
        if entry.call.action is Action.CREATE and not entry.answered
        for key in entry.identities
    )


def _turn(entry: Entry) -> tuple[int, str, str]:
    """When an entry is performed: FHIR's order, and within it an order that all transactions keep.

    Two that write to the same resources then never hold what the other waits for. Ids that the server made are in the
    order of their making, in which a statement of the store takes its locks.
    """
    if entry.call.action is Action.CREATE:  # new ids: nobody waits for them
        return entry.rank, "", ""
    return entry.rank, entry.call.id or "", entry.call.type or ""


def imported(place: int) -> PreconditionFailed:
    """What refuses a file that was imported before; `place` says which of its hashes was known."""
    return PreconditionFailed(
        "This file was imported before; nothing was added", f"http.X-Import-File[{place}]", code="duplicate"
    )


def _questions_in(entries: Sequence[Entry], parameters: Parameters) -> list[_Question]:
    found = []
    for entry in entries:
        for node, literal in references_in(entry.call.tree or {}):
            if (conditional := conditional_in(literal)) is not None:
                try:
                    query = criteria_of(*conditional, entry.call.base, parameters)
                    require_alone(query)
                except FhirError as error:
                    raise placed(error, f"{entry.place}.resource") from error
                found.append(_Question(entry, node, literal, query))
    return found


async def _link(entries: Sequence[Entry]) -> None:
    links = Links(
        {
            entry.full_url: key
            for entry in entries
            if entry.full_url and entry.writes
            for key in entry.identities
        },
        {
            key: (entry.answer.version if entry.answer else None) or 1
            for entry in entries
            if entry.call.action is Action.CREATE
            for key in entry.identities
        },
    )
    async for entry in sliced(entries):
        if entry.call.tree is not None and not entry.answered:
            rewrite(entry.call.tree, links, entry.full_url)


async def _answer(
    questions: Sequence[_Question], entries: Sequence[Entry], tx: Transaction, server: Server
) -> None:
    """Turn conditional references into what they will point to once this transaction is done."""
    asking = [question for question in questions if not question.entry.answered]
    if not asking:
        return
    own, written = await _written(entries, {type_of(question.query) for question in asking}, tx, server)
    known: dict[str, Key] = {}
    for question in asking:
        if question.literal not in known:
            known[question.literal] = await _the_one(question, own, written, tx)
        question.node["reference"] = str(known[question.literal])


async def _written(
    entries: Sequence[Entry], types: set[str], tx: Transaction, server: Server
) -> tuple[Own, set[Key]]:
    """What the entries will make of resources of `types`, and every such resource that they change or delete."""
    own, written = Own(server, await tx.stamp()), set[Key]()
    for entry in entries:
        call = entry.call
        if call.type not in types or not entry.writes or entry.answered:
            continue
        written.update(entry.identities)
        for key in entry.identities:
            tree = call.tree
            try:
                if call.action is Action.PATCH:
                    current = await tx.read(key)
                    if current is None or current.deleted:
                        continue  # its handler says so
                    tree = patched(decode(current.body), call, server)
                if tree is not None:
                    own.add(key, tree, call.base)
            except FhirError as error:
                raise placed(error, entry.place) from error
    return own, written


async def _the_one(question: _Question, own: Own, written: set[Key], tx: Transaction) -> Key:
    query = question.query
    found = own.matching(query)
    page = await tx.search(replace(query, count=len(written) + 2, total="none"))
    found.update(stored.key for stored in page.items if stored.key not in written)
    if len(found) != 1:
        what = "no" if not found else "more than one"
        raise PreconditionFailed(
            f"A conditional reference matches {what} {type_of(query)}; exactly one would be right",
            f"{question.entry.place}.resource",
            code="multiple-matches" if found else "not-found",
        )
    return found.pop()


async def _perform(
    entry: Entry, tx: Transaction, server: Server, handlers: Mapping[Action, Handler]
) -> Reply:
    try:
        admitted(entry.call, server)
        handler = handlers.get(entry.call.action)
        if handler is None:
            raise Malformed("A transaction cannot hold this interaction", code="not-supported")
        if entry.matched is not None:
            return await remove_all(entry.matched, entry.call, tx, server)
        if entry.promised:
            server = replace(server, limits=replace(server.limits, client_ids=True))
        return await handler(entry.call, tx, server)
    except FhirError as error:
        raise placed(error, entry.place) from error


async def _require_unreferenced(
    entries: Sequence[Entry], replies: Mapping[int, Reply], tx: Transaction, server: Server
) -> None:
    for entry in entries:
        deleted = [change.key for change in replies[entry.index].changes if change.method == "DELETE"]
        try:
            await require_unreferenced(deleted, tx, server)
        except Referenced as error:
            raise placed(still_referenced(error), entry.place) from error
