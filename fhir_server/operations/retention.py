"""Retention, done: person by person, what is due goes to the archive, and what is past its time goes for good.

A resource that is archived gets a version that says so, like any other change. A purge is one transaction for each
person: what goes is deleted, which takes it out of the index, then forgotten; tombstones and a trace come with it. What
somebody outside of the record refers to stays, with all that it refers to itself. The job may be killed at any moment:
what is left is due the next time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final
from urllib.parse import urlencode

from fhir_server.access.audit import Thing, event
from fhir_server.access.caller import Caller
from fhir_server.access.facts import OPEN_TASK, SOLLICITATION, TASK_TYPES
from fhir_server.access.retained import HOLD, archived, held_by, record_of
from fhir_server.access.retention import Fate, Record, Rule, Verdict, verdicts, without
from fhir_server.access.tables import Tables
from fhir_server.definitions.parameters import parameters_of
from fhir_server.interactions.call import Action, Call, Change, Server
from fhir_server.interactions.delete import reference_parameters, removed
from fhir_server.interactions.drafting import put
from fhir_server.interactions.references import attachments_of
from fhir_server.interactions.tying import tied
from fhir_server.kernel.errors import Unavailable
from fhir_server.kernel.keys import Key
from fhir_server.kernel.times import instant_text
from fhir_server.kernel.times import now as this_moment
from fhir_server.kernel.trace import Trace
from fhir_server.kernel.wire import decode
from fhir_server.operations.compartment import related
from fhir_server.operations.supporting import fetched, provenances
from fhir_server.search.parse import criteria_of
from fhir_server.search.query import Name, Query, References
from fhir_server.search.reading import any_of
from fhir_server.store.contract import Stale, Stored, Transaction

_JOB: Final = Caller("system", client="cordee retention")
_AT_ONCE: Final = 200  # resources of a search, or of a transaction that archives
_ATTEMPTS: Final = 5
_LAST_DAY: Final = len("2026-11-22")

Tell = Callable[[Verdict], None]
Act = Callable[[Transaction], Awaitable[None]]


@dataclass(slots=True)
class Report:
    """`fates`: how many resources by rule and fate. What was due may be done `later`: somebody was writing to it."""

    persons: int = 0
    fates: Counter[tuple[str, Fate]] = field(default_factory=Counter)
    archived: int = 0
    purged: int = 0
    later: int = 0  # persons


class _Needed(Exception):
    """Resources that are to go, and to which somebody refers who stays."""

    def __init__(self, keys: Iterable[Key]) -> None:
        super().__init__()
        self.keys = tuple(keys)


class _Changed(Exception):
    """Somebody has written to the record since it was looked at."""


class Retention:
    """Looks after the records of one server. `at`: the moment (µs) whose due dates count. `base`: its public URL."""

    def __init__(
        self, server: Server, rules: Sequence[Rule], tables: Tables, at: int, base: str = ""
    ) -> None:
        self._server = server
        self._rules = rules
        self._tables = tables
        self._at = at
        self._base = base
        self._bases = (base,) if base else ()

    async def run(
        self, progress: Callable[[Report], None], tell: Tell = lambda verdict: None, *, dry: bool = False
    ) -> Report:
        """Look at every record, and do what is due. `dry`: say it, and do nothing. `tell` gets all that is due."""
        report = Report()
        async for person in self._persons():
            await self._look_after(person, report, tell, dry=dry)
            report.persons += 1
            progress(report)
        await self._look_after(None, report, tell, dry=dry)
        return report

    async def note(self, text: str) -> None:
        """Leave a trace that something was purged which is in no record."""
        async with self._server.store.begin(interactive=True) as tx:
            await tx.trace(_trace("purge", None, (), text))

    async def count(self) -> int:
        """How many persons there are."""
        page = await self._server.store.search(Query(("Patient",), (), count=0))
        return page.total or 0

    async def _look_after(self, person: Key | None, report: Report, tell: Tell, *, dry: bool) -> None:
        found = {stored.key: stored for stored in await self._record(person)}
        trees = [decode(stored.body) for stored in found.values()]
        record = record_of(person, trees, self._tables, bases=self._bases)
        due: Sequence[Verdict] = verdicts(record, self._rules, self._at)
        if _number(due, "purge"):
            record = record_of(person, trees, self._tables, await self._holds(), self._bases)
            due = verdicts(record, self._rules, self._at)
        if not dry:
            try:
                due = await self._purge(record, due, found)
                report.purged += _number(due, "purge")
                await self._archive(person, due, found)
                report.archived += _number(due, "archive")
            except _Changed:
                report.later += 1
        report.fates.update((one.rule, one.fate) for one in due)
        for one in due:
            if one.fate in {"archive", "purge"}:
                tell(one)

    # What is there -----------------------------------------------------------------------------------------------

    async def _persons(self) -> AsyncIterator[Key]:
        async for stored in self._searched(Query(("Patient",), (), count=_AT_ONCE, total="none")):
            yield stored.key

    async def _record(self, person: Key | None) -> list[Stored]:
        reader = self._server.store
        if person is None:
            sollicitation = ("code", f"{TASK_TYPES}|{SOLLICITATION}")
            found = await self._asked("Task", sollicitation, ("patient:missing", "true"))
            found += await self._asked("Communication", ("subject:missing", "true"))
        else:
            patient = await reader.read(person)
            if patient is None or patient.deleted:
                return []
            # One search over all types: type by type would be seventy of them for each person.
            names = [
                Name(name, parameters_of(name)[code].rows)
                for name, codes in related().items()
                for code in codes
            ]
            about = any_of(References(name, (person,)) for name in dict.fromkeys(names))
            query = Query(tuple(related()), (about,), count=_AT_ONCE, total="none")
            found = [patient, *[one async for one in self._searched(query) if one.key != person]]
        known = {stored.key for stored in found}
        beside = await provenances(reader, known)
        beside |= {binary for stored in found for binary in attachments_of(decode(stored.body), self._base)}
        return [*found, *await fetched(reader, beside - known)]

    async def _holds(self) -> list[Key]:
        """What open Tasks hold. Asked before each purge: a hold counts from the moment when it is there."""
        is_open = ",".join(("draft", *OPEN_TASK))
        tasks = await self._asked("Task", ("code", f"{TASK_TYPES}|{HOLD}"), ("status", is_open))
        return [key for stored in tasks for key in held_by(decode(stored.body), self._bases)]

    async def _asked(self, type: str, *criteria: tuple[str, str]) -> list[Stored]:
        query = criteria_of(type, urlencode(criteria), self._base, self._server.parameters)
        asked = replace(query, count=_AT_ONCE, total="none")
        return [stored async for stored in self._searched(asked)]

    async def _searched(self, query: Query) -> AsyncIterator[Stored]:
        while True:
            page = await self._server.store.search(query)
            for stored in page.items:
                yield stored
            if not page.next:
                return
            query = replace(query, cursor=page.next)

    # What is done ------------------------------------------------------------------------------------------------

    async def _archive(self, person: Key | None, due: Sequence[Verdict], found: dict[Key, Stored]) -> None:
        keys = [one.key for one in due if one.fate == "archive"]
        for start in range(0, len(keys), _AT_ONCE):
            some = keys[start : start + _AT_ONCE]

            async def act(tx: Transaction, some: Sequence[Key] = some) -> None:
                day = instant_text(this_moment())[:_LAST_DAY]
                changes: list[Change] = []
                for key in some:
                    current = await _locked(key, found, tx)
                    tree = archived(decode(current.body), day)
                    reply = await put(tree, key, "PUT", current, self._call, tx, self._server)
                    changes += reply.changes
                await tied(changes, self._call, tx, self._server)
                things = [(*one.key, one.version, "", "U") for one in changes]
                await tx.trace(_trace("archive", person, things, "retention: archive"))

            await self._done(act)

    async def _purge(
        self, record: Record, due: Sequence[Verdict], found: dict[Key, Stored]
    ) -> Sequence[Verdict]:
        """What became of it, when some of it is needed elsewhere."""
        while going := {one.key: one.rule for one in due if one.fate == "purge"}:

            async def act(tx: Transaction, going: dict[Key, str] = going) -> None:
                changes: list[Change] = []
                for key in going:
                    current = await _locked(key, found, tx)
                    changes += (await removed(current, self._call, tx, self._server)).changes
                needed = [key for key in going if await tx.referrers(key, reference_parameters(), limit=1)]
                if needed:
                    raise _Needed(needed)
                await tied(changes, self._call, tx, self._server)
                person = record.person if record.person in going else None
                reasons = {key: f"retention: {rule}" for key, rule in going.items()}
                gone = await tx.purge(reasons, person)
                things = [(*key, found[key].version if key in found else 0, "", "D") for key in gone]
                await tx.trace(_trace("purge", record.person, things, "retention: purge"))

            try:
                await self._done(act)
            except _Needed as error:
                due = without(due, record, error.keys)
            else:
                break
        return due

    async def _done(self, act: Act) -> None:
        for _ in range(_ATTEMPTS):
            try:
                async with self._server.store.begin(interactive=True) as tx:
                    await act(tx)
            except Stale:
                continue
            return
        raise Unavailable("Too many others write to the same resources at this moment")

    @property
    def _call(self) -> Call:
        return Call(Action.UPDATE, base=self._base)


async def _locked(key: Key, found: dict[Key, Stored], tx: Transaction) -> Stored:
    """The version that was looked at. Raises `_Changed`."""
    current = await tx.lock(key)
    if current is None or current.deleted or current.version != found[key].version:
        raise _Changed
    return current


def _trace(kind: str, person: Key | None, things: Sequence[Thing], note: str) -> Trace:
    persons = [] if person is None else [person]
    return event(kind, _JOB, at=this_moment(), persons=persons, things=things, note=note)


def _number(due: Sequence[Verdict], fate: Fate) -> int:
    return sum(one.fate == fate for one in due)
