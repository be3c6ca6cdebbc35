"""`cordee audit …`: whether the audit log is in order, and copies of it."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, BinaryIO

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from fhir_server.store.migrations.migrate import migrate as bring_up
from fhir_server.targeting import UsageError, any_database, settings_of_environment, with_data_dir
from fhir_server.terminal import DataDir, complain, progress, say

# What reads the log is imported where it is needed: `serve` answers sooner without it.

audit = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="Look after the audit log: who did what to whose data.",
)


class Format(StrEnum):
    NDJSON = "ndjson"
    SYSLOG = "syslog"


@audit.command()
def verify(*, data_dir: DataDir = None) -> None:
    """Say whether every trace is as it was sealed, and none is missing. Exit code 1: it is not.

    It needs the key file (CORDEE_AUDIT__KEY_FILE) and, to miss an end that was cut off, the file of heads
    (CORDEE_AUDIT__HEADS_FILE). A server may work meanwhile.
    """
    from fhir_server.auditing import files_of  # noqa: PLC0415
    from fhir_server.kernel.times import instant_text  # noqa: PLC0415
    from fhir_server.store.audit_key import BadKeyFile, keys_in  # noqa: PLC0415
    from fhir_server.store.audit_verify import verify as verified  # noqa: PLC0415

    files = files_of(with_data_dir(settings_of_environment(), data_dir))
    try:
        keys = keys_in(files.key)
        columns = TextColumn("Blocks"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
        with (
            _database(data_dir) as url,
            Progress(*columns, console=say, disable=not say.is_terminal, transient=True) as bar,
        ):
            task = bar.add_task("", total=None)
            report = verified(
                url, keys, files.heads, lambda done, total: bar.update(task, completed=done, total=total)
            )
    except BadKeyFile as error:
        raise UsageError(f"{error}.") from error
    for problem in report.problems:
        complain(f"{problem}.")
    for note in report.notes:
        say.print(f"{note}.", style="yellow", markup=False)
    until = f", up to {instant_text(report.sealed_until)}" if report.sealed_until else ""
    purged = f"; {report.purged:,} blocks were purged" if report.purged else ""
    say.print(
        f"{report.traces:,} traces in {report.blocks:,} sealed blocks{until}{purged};"
        f" {report.unsealed:,} traces not sealed yet"
    )
    if report.problems:
        complain("The audit log is not as it was sealed.")
        raise typer.Exit(1)
    say.print("The audit log is in order.")


@audit.command(
    epilog="Examples:\n\n"
    "- `cordee audit export --since 2026-01-01 --output january.ndjson --until 2026-02-01`\n"
    "- `cordee audit export --since 2026-01-01 --format syslog --to tls://siem.example.org:6514`"
)
def export(
    *,
    since: Annotated[
        datetime, typer.Option(help="From this moment on, UTC.", formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"])
    ],
    until: Annotated[
        datetime | None,
        typer.Option(
            help="Before this moment, UTC.", formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"], show_default=False
        ),
    ] = None,
    form: Annotated[
        Format, typer.Option("--format", help="AuditEvents as JSON, or ATNA messages in lines of syslog.")
    ] = Format.NDJSON,
    output: Annotated[
        Path | None, typer.Option(help="A new file; without it, standard output.", show_default=False)
    ] = None,
    to: Annotated[
        str, typer.Option(help="A collector, instead: tls://, tcp:// or udp://host:port.", show_default=False)
    ] = "",
    data_dir: DataDir = None,
) -> None:
    """Write the traces of a time, oldest first, a line for each."""
    from fhir_server.auditing import Collector, events_in, lines_of, observer_of  # noqa: PLC0415
    from fhir_server.kernel.wire import encode  # noqa: PLC0415
    from fhir_server.settings import AuditSettings  # noqa: PLC0415
    from fhir_server.store.audit_export import exported  # noqa: PLC0415

    settings = settings_of_environment()
    if to and (output is not None or form is not Format.SYSLOG):
        raise UsageError("--to goes with --format syslog, and without --output.")
    try:
        target = AuditSettings(collector=to, collector_ca=settings.audit.collector_ca) if to else None
    except ValueError:
        raise UsageError("tls://host:6514, tcp://host:port or udp://host:514 would be right.") from None
    observer = observer_of(settings)
    count = 0

    def lines(url: str) -> Iterator[bytes]:
        nonlocal count
        for batch in exported(url, _moment(since), None if until is None else _moment(until)):
            count += len(batch.traces)
            events = events_in(batch, observer)
            yield from map(encode, events) if form is Format.NDJSON else lines_of(events)

    with _database(data_dir) as url:
        if target is not None:
            try:
                with Collector(target) as collector:
                    collector.send(lines(url))
            except OSError as error:
                complain(f"The collector cannot be reached: {error}.")
                raise typer.Exit(1) from None
        else:
            with _opened(output) as file:
                _write(file, lines(url))
    say.print(f"{count:,} traces")


def _write(file: BinaryIO, lines: Iterable[bytes]) -> None:
    for line in lines:
        file.write(line + b"\n")
    file.flush()


@contextmanager
def _opened(path: Path | None) -> Iterator[BinaryIO]:
    """Traces are of persons: a new file is its owner's alone."""
    if path is None:
        yield sys.stdout.buffer
        return
    try:
        path.touch(mode=0o600, exist_ok=False)
    except FileExistsError:
        raise UsageError(f"{path} is there already.") from None
    with path.open("wb") as file:
        yield file


def _moment(of: datetime) -> int:
    return round(of.replace(tzinfo=UTC).timestamp()) * 1_000_000


@contextmanager
def _database(data_dir: Path | None) -> Iterator[str]:
    with any_database(settings_of_environment(), data_dir, progress) as url:
        bring_up(url)
        yield url
