"""`cordee retention`: what is due for the archive or past its time, said first and then done."""

from __future__ import annotations

import asyncio
import csv
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, get_args

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from fhir_server.store.migrations.migrate import migrate as bring_up
from fhir_server.targeting import (
    UsageError,
    any_database,
    settings_of_environment,
    with_auth,
    with_data_dir,
    with_url,
)
from fhir_server.terminal import DataDir, progress, say

if TYPE_CHECKING:
    from fhir_server.access.retention import Rule, Verdict
    from fhir_server.operations.retention import Report
    from fhir_server.settings import Settings

# What the work needs is imported when it begins: this module is read by every command.

retention = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="Let go of what was kept long enough: archive, then purge.",
)
_DAY: Final = "%Y-%m-%d"


@retention.callback()
def by_rules() -> None:
    """Let go of what was kept long enough: archive, then purge."""


@retention.command(
    epilog="Examples:\n\n"
    "- `cordee retention run --dry-run`\n"
    "- `cordee retention run --dry-run --at 2040-01-01 --output due.csv`"
)
def run(
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what is due, and do nothing.")] = False,
    at: Annotated[
        datetime | None,
        typer.Option(
            help="As if it were this day. One that has not come yet goes with --dry-run.",
            formats=[_DAY],
            show_default=False,
        ),
    ] = None,
    rules: Annotated[
        Path | None,
        typer.Option(help="Other rules: a CSV with the columns of ours.", metavar="CSV", show_default=False),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(help="A new file that lists what is due, as CSV.", metavar="CSV", show_default=False),
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Archive what is due for it, and purge what is past its time.

    What is archived is seen by the person alone, and by whoever restores it. What is purged is gone with all versions;
    a tombstone and a trace say that it was there. An open Task `gel` stops the purge of what it holds. The server may
    go on working. What is interrupted is due the next time.
    """
    settings = settings_of_environment()
    moment = datetime.now(UTC) if at is None else at.replace(tzinfo=UTC)
    if moment > datetime.now(UTC) and not dry_run:
        raise UsageError("--at is a day to come: with --dry-run it would be right.")
    table = _rules_in(rules)
    with any_database(settings, data_dir, progress) as url, ExitStack() as opened:
        bring_up(url)
        writer = None
        if output is not None:
            writer = csv.writer(opened.enter_context(_new(output)))
            writer.writerow(("step", "type", "id", "rule", "due"))
        # Whatever is written here has its stamps, so that the record is still seen by whoever may see it.
        guarded = with_auth(with_url(settings, url), "tokens")
        report = asyncio.run(_look_after(guarded, table, moment, writer, dry=dry_run))
        _tell(report, dry=dry_run)
        _purge_traces(settings, url, table, moment, data_dir, dry=dry_run)


async def _look_after(
    settings: Settings, rules: Sequence[Rule], moment: datetime, writer: Any, *, dry: bool
) -> Report:
    from fhir_server import classifying_console as classifying  # noqa: PLC0415
    from fhir_server.app import kept_up, opened  # noqa: PLC0415
    from fhir_server.kernel.times import instant_text, moment_of  # noqa: PLC0415
    from fhir_server.operations.retention import Retention  # noqa: PLC0415

    if not dry and classifying.is_to_be_done(settings):
        await classifying.classify(settings, say)

    def listed(verdict: Verdict) -> None:
        if writer is not None:
            due = "" if verdict.at is None else instant_text(verdict.at)[: len("2026-11-22")]
            writer.writerow((verdict.fate, *verdict.key, verdict.rule, due))

    columns = TextColumn("Persons"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[what]}")
    async with opened(settings) as engine, kept_up(engine):
        server = engine.server
        assert server.access is not None, "tokens need an authority"
        tables = server.access.policy.tables
        job = Retention(server, rules, tables, moment_of(moment), settings.base_url)
        with Progress(
            *columns, TimeElapsedColumn(), console=say, disable=not say.is_terminal, transient=True
        ) as bar:
            task = bar.add_task("", total=await job.count(), what="")

            def show(report: Report) -> None:
                what = f"{report.archived:,} archived · {report.purged:,} purged"
                bar.update(task, completed=report.persons, what=what)

            report = await job.run(show, listed, dry=dry)
        if not dry and (years := _years_of_traces(rules)) is not None:
            await job.note(f"retention: traces of more than {years} years")  # before they go
        return report


def _tell(report: Report, *, dry: bool) -> None:
    from fhir_server.access.retention import Fate  # noqa: PLC0415

    fates = [fate for fate in get_args(Fate) if any(found == fate for _, found in report.fates)]
    table = Table("rule", box=None, pad_edge=False)
    for fate in fates:
        table.add_column(fate, justify="right")
    for rule in sorted({name for name, _ in report.fates}):
        counts = (report.fates[rule, fate] for fate in fates)
        table.add_row(rule or "no rule", *(f"{count:,}" if count else "·" for count in counts))
    if report.fates:
        say.print(table)
    if dry:
        due = {fate: sum(n for (_, found), n in report.fates.items() if found == fate) for fate in fates}
        say.print(
            f"{report.persons:,} persons looked at. Due: {due.get('archive', 0):,} resources to the archive, "
            f"{due.get('purge', 0):,} to be purged. Nothing was done."
        )
    else:
        say.print(
            f"{report.persons:,} persons looked at: {report.archived:,} resources archived, {report.purged:,} purged."
        )
    if report.later:
        say.print(f"{report.later:,} records were being written to: run it again for them.", style="yellow")


def _purge_traces(
    settings: Settings,
    url: str,
    rules: Sequence[Rule],
    moment: datetime,
    data_dir: Path | None,
    *,
    dry: bool,
) -> None:
    """What the audit log has kept long enough; its seals stay."""
    from fhir_server.access.retention import years_before  # noqa: PLC0415
    from fhir_server.auditing import files_of  # noqa: PLC0415
    from fhir_server.kernel.times import moment_of  # noqa: PLC0415
    from fhir_server.store.audit_key import BadKeyFile, keys_in  # noqa: PLC0415
    from fhir_server.store.audit_purge import purge  # noqa: PLC0415

    years = _years_of_traces(rules)
    if years is None or dry:
        return
    try:
        keys = keys_in(files_of(with_data_dir(settings, data_dir)).key)
    except BadKeyFile as error:
        progress(f"No trace was purged: {error}.")
        return
    _, traces = purge(url, keys, years_before(moment_of(moment), years))
    say.print(f"{traces:,} traces purged, which were more than {years} years old.")


def _years_of_traces(rules: Sequence[Rule]) -> int | None:
    return next((rule.purge for rule in rules if rule.since == "recorded"), None)


def _rules_in(file: Path | None) -> Sequence[Rule]:
    from fhir_server.access.retention import rules_of, shipped_rules  # noqa: PLC0415
    from fhir_server.access.shipped import BadTable  # noqa: PLC0415

    if file is None:
        return shipped_rules()
    try:
        return rules_of(file.read_bytes(), file.name)
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}.") from None
    except BadTable as error:
        raise UsageError(f"{error}.") from None


def _new(path: Path) -> Any:
    """It names records of persons: it is its owner's alone."""
    try:
        path.touch(mode=0o600, exist_ok=False)
    except FileExistsError:
        raise UsageError(f"{path} is there already.") from None
    return path.open("w", newline="", encoding="utf-8")
