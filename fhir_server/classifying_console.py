"""`cordee admin classify`, as a person sees it, and what `cordee serve` does before it lets anybody in."""

from __future__ import annotations

import time
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from fhir_server.access.classifying import fingerprint_of
from fhir_server.admitting import authority_of
from fhir_server.app import kept_up, opened
from fhir_server.operations.classifying import classify as do
from fhir_server.settings import Settings
from fhir_server.store.classifying import Classifying, Place, is_classified

_NOTHING: Final = "Everything is classified already."


def is_to_be_done(settings: Settings) -> bool:
    """Whether there is anything in the database that nobody sees only because it was never classified."""
    authority = authority_of(_guarded(settings))
    assert authority is not None, "tokens need an authority"
    return not is_classified(settings.database.url, fingerprint_of(authority.policy.tables))


async def classify(settings: Settings, say: Console, *, again: bool = False) -> None:
    """Classify what is not, in the database of `settings`. `again`: everything. It says what it did.

    Raises `Unavailable` when a server or an import without access control works there.
    """
    if not (again or is_to_be_done(settings)):
        say.print(_NOTHING)
        return
    settings = _guarded(settings)
    base = settings.base_url
    columns = (
        TextColumn("{task.description}"),
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
            task = bar.add_task("Classifying", total=None, what="")
            told: Place | None = None  # the first of what is being done now
            since = began

            def progress(place: Place) -> None:
                nonlocal told, since
                if told is None or bool(told.type) != bool(place.type):
                    told, since = place, time.monotonic()
                rate = (place.done - told.done) / max(time.monotonic() - since, 0.001)
                what = place.type or "ties of persons"
                bar.update(
                    task,
                    total=place.total,
                    completed=place.done,
                    what=f"{place.done:,} · {what} · {rate:,.0f}/s",
                )

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
