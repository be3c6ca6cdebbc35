"""`cordee reindex` as a person sees it: a progress bar that ends when every index row is as it ought to be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from fhir_server.app import kept_up, opened
from fhir_server.definitions.catalogue import resource_types
from fhir_server.kernel.errors import NotFound
from fhir_server.settings import Settings
from fhir_server.store.definitions import Job

_LOOK_SECONDS: Final = 0.5


async def reindex(types: Sequence[str], settings: Settings, say: Console) -> None:
    """Index the types, none: all, in the database of `settings`; beside a server that runs, it does the work.

    Raises `NotFound` for a type that FHIR does not have.
    """
    unknown = [name for name in types if name not in resource_types()]
    if unknown:
        raise NotFound(f"FHIR R4 has no resource type {', '.join(unknown)}")
    columns = (
        TextColumn("Indexing"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[at]}"),
        TimeElapsedColumn(),
    )
    async with opened(settings) as engine, kept_up(engine, rest=0):
        keeper = engine.server.store.definitions
        await keeper.request(types or sorted(resource_types()), settings.base_url)
        with Progress(*columns, console=say, disable=not say.is_terminal) as bar:
            task = bar.add_task("", total=None, at="")
            most = 1
            while jobs := await keeper.progress():
                most = max(most, len(jobs))
                bar.update(task, total=most, completed=most - _left(jobs), at=jobs[0].type)
                await keeper.heard(_LOOK_SECONDS)


def _left(jobs: Sequence[Job]) -> float:
    """How many types are still to be done, those under way in part."""
    return len(jobs) - sum(job.percent for job in jobs) / 100
