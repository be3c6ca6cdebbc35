"""Indexing by hand: a slice of the work, all of it, and whether its rows are what they ought to be."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from fhir_server.interactions.call import Action, Call, Reply
from fhir_server.kernel.wire import Tree
from fhir_server.operations.reindexing import Reindexing
from tests.builders import patient
from tests.fhir_server.interactions.performing import BASE, Performer
from tests.indexes import rows_there, rows_wanted

Open = Callable[[], Awaitable[Performer]]


async def index_all(worker: Performer, slice: int = 100) -> int:
    """Do every job; how many steps that took."""
    reindexing = Reindexing(worker.server, slice)
    await worker.store.definitions.refresh()
    steps = 0
    while await reindexing.step():
        steps += 1
        assert steps < 5000
    return steps


async def reindex(worker: Performer, type: str | None = None, *, safe: bool = False) -> Reply:
    """Ask for the operation; `safe`: by GET."""
    return await worker.engine.perform(
        Call(Action.OPERATION, type, operation="$reindex", safe=safe, base=BASE)
    )


def assert_exact(url: str, worker: Performer) -> None:
    """Every row that ought to be in the index is there, and no other."""
    there, wanted = rows_there(url), rows_wanted(url, worker.server, BASE)
    for table, rows in wanted.items():
        assert there[table] - rows == set(), f"{table}: rows that ought not to be there"
        assert rows - there[table] == set(), f"{table}: rows that are missing"


def single(code: str = "M", **elements: Any) -> Tree:
    """A Patient whose marital status has a code."""
    return patient(maritalStatus={"coding": [{"system": "urn:s", "code": code}]}, **elements)


async def found(worker: Performer, query: str, type: str = "Patient") -> int:
    return await worker.count(type, query)
