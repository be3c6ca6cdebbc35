"""The definitions in force in the store in memory, and its jobs: one process, in which a commit is one step."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping, MutableMapping, Sequence
from contextlib import suppress
from dataclasses import replace

from fhir_server.definitions.packaged import SHIPPED, Packaged
from fhir_server.definitions.parameters import CORE, Parameters
from fhir_server.kernel.keys import Key
from fhir_server.search.custom import in_force
from fhir_server.store.contract import Draft
from fhir_server.store.definitions import (
    NONE,
    WHOLE,
    Definitions,
    Indexed,
    Job,
    Plan,
    Redefinition,
    Slice,
    Unindexed,
    plans_of,
)
from fhir_server.store.memory_search import Row
from fhir_server.store.uploads import Uploads, is_definition
from profiles.registry import Entry, Registry


class MemoryDefinitions:
    """See `definitions.Keeper`. `rows` are those of the store."""

    def __init__(self, rows: MutableMapping[Key, Row]) -> None:
        self._rows = rows
        self._current = NONE
        self._jobs: dict[str, Job] = {}
        self._uploads = Uploads()
        self._published: dict[Key, str] = {}
        self._news = asyncio.Event()

    @property
    def current(self) -> Definitions:
        return self._current

    def apply(self, changes: Sequence[Redefinition]) -> None:
        """Begin the generation that a transaction makes with its commit."""
        generation = self._current.generation + 1
        for change in changes:
            self._current = self._current.after(change)
            self._schedule(generation, plans_of(change.types), change.base, exact=change.exact)
        self._publish(generation)

    def edited(self, drafts: Iterable[Draft]) -> None:
        """These were committed: what of them is a definition is in force."""
        taken = self._current.packaged.by_key
        if self._uploads.learn([one for one in drafts if is_definition(one.key) and one.key not in taken]):
            self._judge_by(self._current.packaged)

    def install(self, entries: Iterable[Entry], below: Registry = SHIPPED) -> None:
        """Have these be what packages bring, over what is shipped."""
        self._judge_by(Packaged(below.over(list(entries))))

    async def published(self) -> Mapping[Key, str]:
        return dict(self._published)

    async def note_published(self, digests: Mapping[Key, str | None]) -> None:
        for key, digest in digests.items():
            self._published.pop(key, None)
            if digest:
                self._published[key] = digest

    async def refresh(self) -> Definitions:
        return self._current

    async def progress(self) -> Sequence[Job]:
        return self._current.jobs

    async def heard(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._news.wait()

    async def request(self, types: Collection[str], base: str) -> None:
        generation = self._current.generation + 1
        self._schedule(generation, dict.fromkeys(types, WHOLE), base, exact=True)
        self._publish(generation)

    async def prepare(self, job: Job) -> Job | None:
        if self._at(job) is None:
            return None
        return self._put(replace(job, total=len(self._live(job.type))))

    async def unindexed(self, job: Job, count: int) -> Slice:
        rows = sorted((row for row in self._live(job.type) if row.pk > job.position), key=lambda row: row.pk)
        found = tuple(Unindexed(row.pk, row.key, row.stored.version, row.stored.body) for row in rows[:count])
        return Slice(found, found[-1].pk if found else 0, len(found))

    async def index(self, job: Job, slice: Slice, rows: Sequence[Indexed]) -> Job | None:
        if self._at(job) is None:
            return None
        position = slice.through
        for one in rows:
            row = self._rows[one.resource.key]
            if row.stored.version == one.resource.version:
                self._rows[one.resource.key] = Row(row.pk, row.stored, one.entries, one.targets)
            else:
                position = min(position, row.pk - 1)
        return self._put(replace(job, position=position, done=job.done + slice.scanned))

    async def finish(self, job: Job) -> None:
        if self._at(job) is not None:
            del self._jobs[job.type]
            self._publish(self._current.generation)

    def _schedule(self, since: int, plans: Mapping[str, Plan], base: str, *, exact: bool) -> None:
        for name, plan in plans.items():
            if self._live(name):  # nobody else is writing the first of them
                before = self._jobs.get(name, Job(name))
                codes = before.codes | plan.codes
                self._jobs[name] = Job(name, codes, None, before.exact or exact, base, since)

    def _at(self, job: Job) -> Job | None:
        """The job as it stands, if it is still this one."""
        known = self._jobs.get(job.type)
        return known if known and (known.since, known.position) == (job.since, job.position) else None

    def _put(self, job: Job) -> Job:
        self._jobs[job.type] = job
        self._current = replace(self._current, jobs=tuple(self._jobs.values()))
        return job

    def _live(self, resource_type: str) -> list[Row]:
        return [
            row for row in self._rows.values() if row.key.type == resource_type and not row.stored.deleted
        ]

    def _publish(self, generation: int) -> None:
        added = in_force(self._current.custom)
        indexing = {pair for job in self._jobs.values() for pair in job.codes}
        parameters = Parameters(added, indexing) if added or indexing else CORE
        self._current = replace(
            self._current, generation=generation, jobs=tuple(self._jobs.values()), parameters=parameters
        )
        self._tell_waiting()

    def _judge_by(self, packaged: Packaged) -> None:
        self._current = replace(self._current, packaged=packaged, registry=self._uploads.over(packaged))
        self._tell_waiting()

    def _tell_waiting(self) -> None:
        self._news.set()
        self._news = asyncio.Event()
