"""The background work behind new search parameters and `$reindex`: job after job, slice after slice.

A step may be killed at any moment; the next one, in whatever process, goes on where the last slice was committed.
"""

from __future__ import annotations

import asyncio
from typing import Final

from fhir_server.definitions.parameters import Parameters
from fhir_server.interactions.call import Server
from fhir_server.interactions.references import targets_of
from fhir_server.kernel.wire import decode
from fhir_server.search.entries import Entries
from fhir_server.store.definitions import Indexed, Job, Unindexed

SLICE: Final = 100  # resources
_YIELD_EVERY: Final = 5  # resources between two chances for requests to be answered


class Reindexing:
    """Does the jobs of one store. `step` is for one caller at a time."""

    def __init__(self, server: Server, slice: int = SLICE) -> None:
        self._server = server
        self._slice = slice
        self._job: Job | None = None
        self._earlier: Parameters | None = None  # of the job: those that every resource has the rows of

    async def step(self) -> bool:
        """Index one slice. False: there is nothing to do."""
        keeper = self._server.store.definitions
        if self._job is None:
            jobs = keeper.current.jobs
            if not jobs:
                return False
            self._job = job = await keeper.prepare(jobs[0])
            self._earlier = None
            if job is not None and not job.exact:
                self._earlier = self._server.parameters.without(job.codes)
        job, self._job = self._job, None  # when this fails, the job is taken up again as the store has it
        if job is None:
            await keeper.refresh()
            return True
        found = await keeper.unindexed(job, self._slice)
        if not found.scanned:
            await keeper.finish(job)
            return True
        rows = []
        for number, resource in enumerate(found.resources, 1):
            rows.append(self._indexed(resource, job.base))
            if number % _YIELD_EVERY == 0:
                await asyncio.sleep(0)
        self._job = await keeper.index(job, found, rows)
        return True

    def _indexed(self, resource: Unindexed, base: str) -> Indexed:
        if resource.deleted:
            return Indexed(resource, Entries(), ())
        server, tree = self._server, decode(resource.body)
        targets = targets_of(tree, base, stored=True) if server.limits.references else ()
        known = server.extract(tree, base, self._earlier) if self._earlier is not None else None
        return Indexed(resource, server.extract(tree, base), targets, known)
