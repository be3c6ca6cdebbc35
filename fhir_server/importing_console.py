"""`cordee import` as a person sees it: a progress bar, a rate, and a report of what was refused and why."""

from __future__ import annotations

import time
from collections.abc import Sequence
from itertools import chain
from pathlib import Path

import httpx
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from fhir_server import importing
from fhir_server.app import opened
from fhir_server.settings import Settings

_SHOWN = 50  # refusals that the report lists
_TIMEOUT_SECONDS = 600.0  # for one transaction


async def import_files(
    paths: Sequence[Path], say: Console, *, base: str = "", settings: Settings | None = None
) -> bool:
    """Load `paths` into the server at `base`, or with `settings` straight into the store; whether any was refused."""
    try:
        files = importing.files_in(paths)
    except (FileNotFoundError, ValueError) as error:
        say.print(f"[red]{error}[/red]")
        return True
    if settings is not None:
        async with opened(settings) as engine:
            return await _run(files, importing.into_engine(engine.perform), say)
    async with httpx.AsyncClient(timeout=_TIMEOUT_SECONDS) as client:
        return await _run(files, importing.into_server(client, base), say)


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
    with Progress(*columns, console=say) as bar:
        task = bar.add_task("", total=len(files), rate="")
        seen: set[Path] = set()

        def progress(part: importing.Part, outcome: importing.Outcome) -> None:
            nonlocal loaded
            seen.add(part.path)
            loaded += part.resources if outcome is importing.Outcome.LOADED else 0
            rate = loaded / max(time.monotonic() - started, 0.001)
            bar.update(task, completed=len(seen), rate=f"{loaded:,} resources · {rate:,.0f}/s")

        report = await importing.run(chain.from_iterable(map(importing.parts_of, files)), load, progress)
    _tell(report, time.monotonic() - started, say)
    return bool(report.refusals)


def _tell(report: importing.Report, seconds: float, say: Console) -> None:
    say.print(
        f"{report.loaded:,} resources loaded in {seconds:.1f} s ({report.loaded / max(seconds, 0.001):,.0f}/s)."
    )
    if report.parts_known:
        say.print(f"{report.parts_known:,} files had been loaded before; nothing of them was added.")
    if report.refusals:
        say.print(f"[red]{len(report.refusals):,} refused:[/red]")
    for refusal in report.refusals[:_SHOWN]:
        say.print(f"  {refusal.place}", markup=False)
        for reason in refusal.reasons[:5]:
            say.print(f"      {reason}", markup=False)
    if len(report.refusals) > _SHOWN:
        say.print(f"  … and {len(report.refusals) - _SHOWN:,} more")
