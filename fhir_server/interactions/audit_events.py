"""AuditEvents, which are no stored resources: they are made of the traces in the audit log when somebody reads them.

Whoever may read all traces reads all that is known of each; whoever may read those about themselves, or about a child,
reads the record that is for that person (`access/audit_event.py`). Nobody changes or deletes one.

https://hl7.org/fhir/R4/auditevent.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final, Protocol

from fhir_server.access.audit_event import Observer, event_for, event_of, persons_of, place_of
from fhir_server.access.audit_search import Asked, question_of
from fhir_server.interactions import bundles
from fhir_server.interactions.call import Call, Reply, Server
from fhir_server.interactions.conditional import not_modified
from fhir_server.interactions.read import key_of
from fhir_server.kernel import times
from fhir_server.kernel.errors import NotFound
from fhir_server.kernel.keys import Key
from fhir_server.kernel.trace import BROKEN, DONE, FAILED, REFUSED, Outcome, Recorded, TracePage, TraceQuery
from fhir_server.kernel.wire import Tree, encode
from fhir_server.search.results import CURSOR
from fhir_server.store.contract import Stored

Within = tuple[Key, ...] | None
"""About whom the asker may read traces; None: about everybody, with all that is known."""

_OUTCOMES: Final[tuple[Outcome, ...]] = (DONE, FAILED, REFUSED, BROKEN)


class Traces(Protocol):
    """The audit log, to be read: see `store/audit.py`."""

    async def search(self, query: TraceQuery) -> TracePage:
        """Traces, newest first. Raises `Malformed` for a cursor that is not ours."""

    async def read(self, id: str) -> tuple[Recorded, Sequence[tuple[int, Key]]] | None:
        """A trace, and the names of its Patients."""


async def search_traces(
    call: Call, traces: Traces, server: Server, observer: Observer, within: Within
) -> Reply:
    """Traces that meet the criteria; in the compartment of a patient, those about them."""
    now = times.now()
    asked = question_of(
        call.query,
        now=now,
        limits=server.limits,
        lenient=call.conditions.prefer_handling != "strict",
        bases=(call.base,),
        within=within,
    )
    query = _inside(asked.query, call.compartment)
    if query is not None and within is not None:
        query = _without_refusals(query)
    page = TracePage(()) if query is None else await traces.search(query)
    names = dict(page.names)
    about = None if within is None else _both(within, query.patients if query else ())
    events = [event for one in page.items for event in _events(one, names, observer, about)]
    matches = [bundles.Match(f"{call.base}/AuditEvent/{event['id']}", encode(event)) for event in events]
    links = _links(call, asked, page)
    return Reply(200, bundles.searchset(matches, (), asked.issues, links, None, call.base, updated=now))


async def read_trace(call: Call, traces: Traces, observer: Observer, within: Within) -> Reply:
    """One record of a trace. Raises `NotFound` for what is not there, and for what is somebody else's."""
    key = key_of(call)
    place = place_of(key.id)
    found = await traces.read(place.id)
    event = None
    if found is not None and (within is None or found[0].outcome != REFUSED):
        recorded, named = found
        names = dict(named)
        if place.person and _may_read(place.person, persons_of(recorded, names), within):
            event = event_for(recorded, names, place.person, observer)
        elif not place.person and within is None:
            event = event_of(recorded, names, observer)
    if found is None or event is None:
        raise NotFound(f"{key} is not known here")
    stored = Stored(key, 1, found[0].recorded, encode(event), method="POST")
    if not_modified(call.conditions, stored):
        return Reply(304, b"", key, 1, stored.updated)
    return Reply(200, stored.body, key, 1, stored.updated)


def _inside(query: TraceQuery, compartment: Key | None) -> TraceQuery | None:
    """The same within the compartment of a patient; None: nothing is in both."""
    if compartment is None:
        return query
    if query.patients and compartment not in query.patients:
        return None
    return replace(query, patients=(compartment,))


def _without_refusals(query: TraceQuery) -> TraceQuery | None:
    """The same among what a person reads: which refusals there are would tell what is hidden from whoever asked."""
    outcomes = tuple(one for one in query.outcomes or _OUTCOMES if one != REFUSED)
    return replace(query, outcomes=outcomes) if outcomes else None


def _both(within: tuple[Key, ...], patients: tuple[Key, ...]) -> frozenset[Key]:
    """Whose records are shown: of those whom the asker may read about, the ones that were asked for."""
    return frozenset(within).intersection(patients) if patients else frozenset(within)


def _may_read(person: int, persons: Sequence[Key | None], within: Within) -> bool:
    return person <= len(persons) and (within is None or persons[person - 1] in within)


def _events(
    recorded: Recorded, names: Mapping[int, Key], observer: Observer, about: frozenset[Key] | None
) -> Iterator[Tree]:
    """The records of a trace that are shown: all that is known, or one for each person it is read about."""
    if about is None:
        yield event_of(recorded, names, observer)
        return
    seen: set[Key] = set()
    for place, person in enumerate(persons_of(recorded, names), 1):
        if person is None or person not in about or person in seen:
            continue
        seen.add(person)
        event = event_for(recorded, names, place, observer)
        assert event is not None, "there is a person"
        yield event


def _links(call: Call, asked: Asked, page: TracePage) -> list[tuple[str, str]]:
    at = f"{call.compartment}/AuditEvent" if call.compartment is not None else "AuditEvent"

    def link(cursor: str) -> str:
        query = "&".join(part for part in (asked.understood, f"{CURSOR}={cursor}" if cursor else "") if part)
        return f"{call.base}/{at}?{query}" if query else f"{call.base}/{at}"

    links = [("self", link(asked.query.cursor))]
    if asked.query.cursor or page.next:
        links.append(("first", link("")))
    if page.next:
        links.append(("next", link(page.next)))
    return links
