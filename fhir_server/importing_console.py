"""`cordee import` as a person sees it: a progress bar, a rate, and a report of what was refused and why."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import httpx
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from fhir_server import importing
from fhir_server.app import opened
from fhir_server.importing_files import NothingToImport, Part, Refusal, files_in, parts_of
from fhir_server.settings import Settings

__all__ = ["NoServer", "NothingToImport", "files_in", "into_server", "into_store", "tell"]

_SHOWN = 50  # refusals that the report lists
_SHOWN_REASONS = 5  # of one refusal
_TIMEOUT_SECONDS = 600.0  # for one transaction


class NoServer(Exception):
    """An import that cannot begin, in words for the person at the terminal."""


async def into_store(files: Sequence[Path], settings: Settings, say: Console) -> bool:
    """Load `files` into the database of `settings`; whether all of them are there now."""
    async with opened(settings) as engine:
        return await _run(files, importing.into_engine(engine.perform), say)


async def into_server(files: Sequence[Path], base: str, say: Console) -> bool:
    """Load `files` into the server at `base`; whether all of them are there now. Raises `NoServer`."""
    async with httpx.AsyncClient(timeout=_TIMEOUT_SECONDS) as client:
        await _require_fhir(client, base)
        return await _run(files, importing.into_server(client, base), say)


async def _require_fhir(client: httpx.AsyncClient, base: str) -> None:
    try:
        answer = await client.get(f"{base}/metadata")
        found = answer.is_success
    except (httpx.TransportError, httpx.InvalidURL):
        found = False
    if not found:
        raise NoServer(
            f"No FHIR server answers at {base}. The address that `cordee serve` prints ends in /fhir."
        )


async def _run(files: Sequence[Path], load: importing.Load, say: Console) -> bool:
    started = time.monotonic()
    loaded = 0
    columns = (
        TextColumn("Importing"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("files · {task.fields[rate]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=say, disable=not say.is_terminal) as bar:
        task = bar.add_task("", total=len(files), rate="")

        def parts() -> Iterator[Part | Refusal]:
            for done, file in enumerate(files, 1):
                yield from parts_of(file)
                bar.update(task, completed=done)

        def progress(part: Part, outcome: importing.Outcome) -> None:
            nonlocal loaded
            loaded += part.resources if outcome is importing.Outcome.LOADED else 0
            rate = loaded / max(time.monotonic() - started, 0.001)
            bar.update(task, rate=f"{loaded:,} resources · {rate:,.0f}/s")

        report = await importing.run(parts(), load, progress)
    tell(report, time.monotonic() - started, say)
    return not report.refusals and not report.away


def tell(report: importing.Report, seconds: float, say: Console) -> None:
    """Say what was loaded, what was there before, what was refused and why."""
    rate = report.loaded / max(seconds, 0.001)
    say.print(
        f"{_counted(report.loaded, 'resource')} loaded in {seconds:.1f} s ({rate:,.0f}/s).", markup=False
    )
    if report.parts_known:
        say.print(
            f"{_counted(report.parts_known, 'transaction')} had been loaded before: nothing was added.",
            markup=False,
        )
    if report.refusals:
        say.print(f"Not loaded: {len(report.refusals):,}, and why:", style="red", markup=False)
    for refusal in report.refusals[:_SHOWN]:
        say.print(f"  {refusal.place}", markup=False)
        for reason in refusal.reasons[:_SHOWN_REASONS]:
            say.print(f"      {reason}", markup=False)
        if len(refusal.reasons) > _SHOWN_REASONS:
            say.print(f"      … and {len(refusal.reasons) - _SHOWN_REASONS:,} more", markup=False)
    if len(report.refusals) > _SHOWN:
        say.print(f"  … and {len(report.refusals) - _SHOWN:,} more", markup=False)
    if report.away:
        say.print(f"{report.away}. Run the same command again to load the rest.", style="red", markup=False)


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
