"""Reading what is committed, for everybody or within the view of one caller: each a statement that asks who sees it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from fhir_server.definitions.parameters import Parameters
from fhir_server.kernel.keys import Key
from fhir_server.kernel.trace import Foretold
from fhir_server.search.entries import Hasher
from fhir_server.search.query import Ids, Query
from fhir_server.search.sight import Link, Stamp
from fhir_server.search.view import View
from fhir_server.store import rows, ties
from fhir_server.store.connections import translated
from fhir_server.store.contract import Hits, Page, Span, Stored
from fhir_server.store.definitions_state import PostgresDefinitions
from fhir_server.store.disclosing import Disclosing
from fhir_server.store.disclosing_lists import DisclosingLists
from fhir_server.store.explaining import explained
from fhir_server.store.history import history
from fhir_server.store.pages import search
from fhir_server.store.statements import Compiler
from fhir_server.store.together import Together
from fhir_server.store.watermark import Clock, Run


@dataclass(frozen=True, slots=True)
class Ways:
    """What readers share: the statements' ways in, and what these are made with."""

    hasher: Hasher
    clock: Clock
    read: Run
    together: Together  # what is read in one turn
    disclosing: Disclosing  # what is read with its trace
    disclosing_lists: DisclosingLists
    search: Run
    search_alone: Run  # on one connection
    fence: Run  # the others cannot write
    compiler: Compiler
    definitions: PostgresDefinitions


class PostgresReader:
    """See `contract.Reader`."""

    def __init__(self, ways: Ways, view: View | None = None, trace: Foretold | None = None) -> None:
        self._ways = ways
        self._view = view
        self._trace = trace
        self._met: set[int] = set()

    @property
    def met(self) -> Collection[int]:
        return self._met

    async def read(self, key: Key, version: int | None = None) -> Stored | None:
        ways, view = self._ways, self._view
        sight = None if view is None else view.sight
        if view is not None and not view.reads(key.type) and (version or not await self._is_found(key)):
            return None
        with translated():
            if version is not None:
                stored = await rows.version(ways.read, ways.hasher, key, version, sight=sight)
            elif (trace := self._trace) is None or trace.thing != key or sight is None:
                stored = await ways.together.current(key, sight)
            else:
                stored = await ways.disclosing.current(trace, sight)
                if stored is None:
                    found = await rows.seen(ways.read, ways.hasher, key, sight)
                    stored = found.stored if found else None
        if view is not None and stored is not None and stored.person is not None:
            self._met.add(stored.person)
        return stored

    async def search(self, query: Query) -> Page:
        with translated():
            return await self._found(self._ways.search, query, self._trace)

    async def explain(self, query: Query) -> Sequence[tuple[str, str]]:
        with translated():
            return await explained(self._ways.search_alone, lambda run: self._found(run, query))

    async def history(self, span: Span) -> Page:
        ways = self._ways
        with translated():
            page = await history(
                ways.search, ways.hasher, ways.clock, span, fence=ways.fence, view=self._view
            )
        if self._view is not None:
            note(page.items, self._met)
        return page

    async def unseen(self, keys: Sequence[Key]) -> list[Key]:
        with translated():
            return await unseen(self._ways.read, self._ways.hasher, keys, self._view)

    async def links(self, persons: Sequence[Key], actors: Sequence[Key]) -> list[Link]:
        with translated():
            return await ties.links(self._ways.read, self._ways.hasher, persons, actors)

    async def stamps(self, keys: Sequence[Key]) -> Mapping[Key, Stamp]:
        with translated():
            return await rows.stamps(self._ways.read, self._ways.hasher, keys)

    async def _found(self, run: Run, query: Query, trace: Foretold | None = None) -> Page:
        ways = self._ways
        parameters: Parameters = ways.definitions.current.parameters
        told = None if trace is None else partial(ways.disclosing_lists.page, trace)
        page = await search(run, ways.compiler, query, parameters, self._view, told)
        if self._view is not None:
            note(page.items, self._met)
            if page.included:
                note(page.included, self._met)
        return page

    async def _is_found(self, key: Key) -> bool:
        """Whether it is among what a client may read of its type."""
        page = await self.search(Query((key.type,), (Ids((key.id,)),), count=1, total="none"))
        return bool(page.items)


def note(given: Iterable[Stored], met: set[int]) -> None:
    """Remember the Patients of what was given out."""
    met.update(
        given.persons()
        if isinstance(given, Hits)
        else [one.person for one in given if one.person is not None]
    )


async def unseen(run: Run, hasher: Hasher, keys: Sequence[Key], view: View | None) -> list[Key]:
    """See `contract.Reader.unseen`: for everybody, nothing is hidden, and what exists is for the commit to tell."""
    if view is None or not keys:
        return []
    hidden = [key for key in keys if not view.reads(key.type)]
    shown = [key for key in keys if view.reads(key.type)]
    return hidden + (await rows.unseen(run, hasher, shown, view.sight) if shown else [])
