"""`cordee admin classify`, as a person sees it, and what `cordee serve` does before it lets anybody in."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final

from rich.console import Console

from fhir_server.access.classifying import fingerprint_of
from fhir_server.access.tables import shipped_tables
from fhir_server.settings import Settings
from fhir_server.store.classifying import is_classified

if TYPE_CHECKING:
    from fhir_server.store.classifying import Place

# What the work needs is imported when there is any: `serve` asks each time whether there is, and answers sooner so.

_NOTHING: Final = "Everything is classified already."


def is_to_be_done(settings: Settings) -> bool:
    """Whether there is anything in the database that nobody sees only because it was never classified."""
    return not is_classified(settings.database.url, fingerprint_of(shipped_tables()))


def ensure(settings: Settings, say: Console) -> None:
    """Classify what is not; where there is nothing to do, say nothing. Raises as `classify` does."""
    if is_to_be_done(settings):
        asyncio.run(classify(settings, say))


async def classify(settings: Settings, say: Console, *, again: bool = False) -> None:
    """Classify what is not, in the database of `settings`. `again`: everything. It says what it did.

    Raises `Unavailable` when a server or an import without access control works there.
    """
    from rich.progress import (  # noqa: PLC0415
        BarColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeElapsedColumn,
    )

    from fhir_server.app import kept_up, opened  # noqa: PLC0415
    from fhir_server.operations.classifying import classify as do  # noqa: PLC0415
    from fhir_server.store.classifying import Classifying  # noqa: PLC0415

    if not (again or is_to_be_done(settings)):
        say.print(_NOTHING)
        return
    settings = _guarded(settings)
    base = settings.base_url
    columns = (
        TextColumn("Classifying"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[what]}"),
        TimeElapsedColumn(),
    )
    began = time.monotonic()
    async with (
        opened(settings) as engine,
        kept_up(engine, rest=0),
        Classifying.opened(settings.database.url, engine.server.store.hasher) as work,
    ):
        with Progress(*columns, console=say, disable=not say.is_terminal, transient=True) as bar:
            task = bar.add_task("", total=None, what="")
            told: Place | None = None  # the first of what is being done now
            since = began

            def progress(place: Place) -> None:
                nonlocal told, since
                if told is None or bool(told.type) != bool(place.type):
                    told, since = place, time.monotonic()
                rate = (place.done - told.done) / max(time.monotonic() - since, 0.001)
                what = f"{place.done:,} · {place.type or 'ties of persons'} · {rate:,.0f}/s"
                bar.update(task, total=place.total, completed=place.done, what=what)

            done = await do(engine.server, work, (base,) if base else (), progress, again=again)
    if done is None:
        say.print(_NOTHING)
        return
    took = time.monotonic() - began
    ties = " and the ties of all persons are made" if done.tying else ""
    say.print(f"Everything is classified{ties} ({done.done:,} looked at in {took:.1f} s).", markup=False)


def _guarded(settings: Settings) -> Settings:
    """The same, of a server that knows its callers: whatever is written from here on has its stamps."""
    return settings.model_copy(update={"auth": settings.auth.model_copy(update={"mode": "tokens"})})
