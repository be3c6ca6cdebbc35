"""transaction: all entries or none, in the order that FHIR demands, on one Transaction of the store.

The entries are first settled (which resource is each about?), then linked (`urn:uuid`, relative and conditional
references become ids), then performed as ordinary calls by the ordinary handlers.

https://hl7.org/fhir/R4/http.html#transaction
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace

from fhir_server.interactions.call import Action, Call, Handler, Reply, Server
from fhir_server.interactions.conditional import guards_of, many
from fhir_server.interactions.delete import require_unreferenced
from fhir_server.interactions.entries import Entry, entries_of, placed, response_of
from fhir_server.interactions.references import references_in
from fhir_server.interactions.rewriting import Links, rewrite
from fhir_server.kernel.errors import FhirError, Malformed, NotFound, PreconditionFailed
from fhir_server.kernel.keys import Key
from fhir_server.kernel.wire import Tree
from fhir_server.search.entries import Entries
from fhir_server.search.match import matches
from fhir_server.search.parse import criteria_of
from fhir_server.search.query import Query
from fhir_server.store.contract import Transaction

_SLICE = 40  # entries between two chances for other requests of this worker


async def transaction(
    bundle: Tree, call: Call, tx: Transaction, server: Server, handlers: Mapping[Action, Handler]
) -> Reply:
    """Perform every entry or raise what the first failing one raised, its place in `expression`.

    A transaction that is a file's content is remembered by the file's hash, in the same commit: the second time it is
    refused as a duplicate, and nothing is added.
    """
    if call.file and not await tx.note_file(call.file, ""):
        raise PreconditionFailed("This file was imported before; nothing was added", code="duplicate")
    entries = entries_of(bundle, call, server)
    await _guard(entries, bundle, tx, call.base)
    settled: dict[int, Reply] = {}
    for entry in entries:
        found = await _settle(entry, tx, server)
        if found is not None:
            settled[entry.index] = found
    _refuse_twice(entries, settled)
    await _link(entries, settled, tx, server)

    replies: dict[int, Reply] = dict(settled)
    for done, entry in enumerate(sorted(entries, key=lambda e: e.rank)):
        if entry.index not in replies:
            replies[entry.index] = await _perform(entry, tx, server, handlers)
        if done % _SLICE == _SLICE - 1:
            await asyncio.sleep(0)

    deleted = [
        change.key for reply in replies.values() for change in reply.changes if change.method == "DELETE"
    ]
    await require_unreferenced(deleted, tx, server)
    in_order = [replies[entry.index] for entry in entries]
    return Reply(
        200,
        response_of("transaction-response", entries, in_order, call.base),
        changes=tuple(change for reply in in_order for change in reply.changes),
    )


async def _guard(entries: Sequence[Entry], bundle: Tree, tx: Transaction, base: str) -> None:
    """Lock the criteria of every conditional entry and reference at once, before any search decides anything."""
    criteria: set[str] = set()
    for entry in entries:
        query = _criteria(entry)
        if query is not None:
            criteria.update(guards_of(query))
    for item in bundle.get("entry", ()):
        for _, literal in references_in(item.get("resource") or {}):
            if (found := _conditional_reference(literal, base)) is not None:
                criteria.update(guards_of(found))
    if criteria:
        await tx.guard(sorted(criteria))


def _criteria(entry: Entry) -> Query | None:
    call = entry.call
    if call.type is None:
        return None
    try:
        if call.action is Action.CREATE and call.conditions.if_none_exist:
            return criteria_of(call.type, call.conditions.if_none_exist, call.base)
        if call.action in {Action.UPDATE, Action.PATCH, Action.DELETE} and call.id is None:
            return criteria_of(call.type, call.query, call.base)
    except FhirError as error:
        raise placed(error, f"Bundle.entry[{entry.index}].request") from error
    return None


def _conditional_reference(literal: str, base: str) -> Query | None:
    """The search that `Patient?identifier=…` stands for, or None when the reference is of another kind."""
    resource_type, question, criteria = literal.partition("?")
    if not question or not resource_type.isalpha():
        return None
    return criteria_of(resource_type, criteria, base)


async def _settle(entry: Entry, tx: Transaction, server: Server) -> Reply | None:
    """Give the entry the id it is about. Returns the answer when there is nothing left to do."""
    call = entry.call
    if call.action is Action.CREATE:
        assert call.type is not None
        query = _criteria(entry)
        found = [] if query is None else (await tx.search(replace(query, count=2, total="none"))).items
        if len(found) > 1:
            raise placed(many(call.type), f"Bundle.entry[{entry.index}].request.ifNoneExist")
        if found:
            stored = found[0]
            entry.call = replace(call, id=stored.key.id)
            return Reply(200, stored.body, stored.key, stored.version, stored.updated)
        entry.call = replace(
            call, id=server.store.new_id(), conditions=replace(call.conditions, if_none_exist="")
        )
    elif call.action in {Action.UPDATE, Action.PATCH, Action.DELETE} and call.id is None:
        await _settle_conditional(entry, tx, server)
    return None


async def _settle_conditional(entry: Entry, tx: Transaction, server: Server) -> None:
    """Turn a conditional update, patch or delete that matches one resource into the plain one.

    A delete that matches none or several stays as it is: its handler knows what to do.
    """
    call = entry.call
    assert call.type is not None
    query = _criteria(entry)
    assert query is not None
    found = (await tx.search(replace(query, count=2, total="none"))).items
    place = f"Bundle.entry[{entry.index}].request.url"
    if len(found) > 1 and call.action is not Action.DELETE:
        raise placed(many(call.type), place)
    if len(found) == 1:
        given = call.tree.get("id") if call.action is Action.UPDATE and call.tree is not None else None
        if given not in {None, found[0].key.id}:
            raise Malformed(
                f"The criteria match {found[0].key}, and the entry's resource has another id", place
            )
        if call.tree is not None and call.action is Action.UPDATE:
            call.tree["id"] = found[0].key.id
        entry.call = replace(call, id=found[0].key.id, query="")
    elif call.action is Action.UPDATE:
        assert call.tree is not None
        given = call.tree.setdefault("id", server.store.new_id())
        if (current := await tx.read(Key(call.type, given))) is not None and not current.deleted:
            raise placed(
                PreconditionFailed(
                    f"Nothing matches the criteria, and {current.key} exists and does not match them"
                ),
                place,
            )
        entry.call = replace(call, id=given, query="")
    elif call.action is Action.PATCH:
        raise placed(NotFound(f"No {call.type} matches the criteria"), place)


def _refuse_twice(entries: Sequence[Entry], settled: Mapping[int, Reply]) -> None:
    """One identity, one entry: else the order of entries would matter. https://hl7.org/fhir/R4/http.html#trules"""
    seen: dict[Key, int] = {}
    urls: set[str] = set()
    for entry in entries:
        call = entry.call
        if entry.full_url and entry.writes:
            if entry.full_url in urls:
                raise Malformed(
                    "Two entries have this fullUrl", f"Bundle.entry[{entry.index}].fullUrl", code="duplicate"
                )
            urls.add(entry.full_url)
        if not entry.writes or call.type is None or call.id is None or entry.index in settled:
            continue
        key = Key(call.type, call.id)
        if key in seen:
            text = f"Entries {seen[key]} and {entry.index} are about the same resource; a transaction names each once"
            raise Malformed(text, f"Bundle.entry[{entry.index}]", code="duplicate")
        seen[key] = entry.index


async def _link(
    entries: Sequence[Entry], settled: Mapping[int, Reply], tx: Transaction, server: Server
) -> None:
    keys = {
        entry.full_url: Key(entry.call.type, entry.call.id)
        for entry in entries
        if entry.full_url and entry.writes and entry.call.type is not None and entry.call.id is not None
    }
    links = Links(keys)
    for done, entry in enumerate(entries):
        if entry.call.tree is not None and entry.index not in settled:
            rewrite(entry.call.tree, links, entry.full_url)
        if done % _SLICE == _SLICE - 1:
            await asyncio.sleep(0)

    known: dict[str, Key] = {}
    rows: dict[int, Entries] = {}
    for entry in entries:
        if entry.call.tree is None or entry.index in settled:
            continue
        for node, literal in references_in(entry.call.tree):
            query = _conditional_reference(literal, entry.call.base)
            if query is not None:
                if literal not in known:
                    known[literal] = await _the_one(query, entries, settled, rows, tx, server, entry)
                node["reference"] = str(known[literal])


async def _the_one(
    query: Query,
    entries: Sequence[Entry],
    settled: Mapping[int, Reply],
    rows: dict[int, Entries],
    tx: Transaction,
    server: Server,
    at: Entry,
) -> Key:
    """What a conditional reference points to once this transaction is done: its own entries count as written.

    `rows` keeps the index rows of the entries that were looked at before.
    """
    written: set[Key] = set()
    found: set[Key] = set()
    for entry in entries:
        call = entry.call
        if not entry.writes or call.type != query.type or call.id is None or entry.index in settled:
            continue
        key = Key(query.type, call.id)
        written.add(key)
        if call.tree is None or call.action not in {Action.CREATE, Action.UPDATE}:
            continue
        if entry.index not in rows:
            rows[entry.index] = server.extract(call.tree, call.base)
        if matches(query, rows[entry.index], key=key, updated=await tx.stamp(), hasher=server.store.hasher):
            found.add(key)
    page = await tx.search(replace(query, count=len(written) + 2, total="none"))
    found.update(stored.key for stored in page.items if stored.key not in written)
    if len(found) != 1:
        what = "no" if not found else "more than one"
        raise PreconditionFailed(
            f"A conditional reference matches {what} {query.type}; exactly one would be right",
            f"Bundle.entry[{at.index}].resource",
            code="multiple-matches" if found else "not-found",
        )
    return found.pop()


async def _perform(
    entry: Entry, tx: Transaction, server: Server, handlers: Mapping[Action, Handler]
) -> Reply:
    try:
        handler = handlers.get(entry.call.action)
        if handler is None:
            raise Malformed("A transaction cannot hold this interaction", code="not-supported")
        return await handler(entry.call, tx, server)
    except FhirError as error:
        raise placed(error, f"Bundle.entry[{entry.index}]") from error
