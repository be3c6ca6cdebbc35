"""`cordee packages`: which conformance packages resources are judged by, beside those that Cordée brings.

What is said is for a person: a line a package, and of each that is added what was left out and what it lacks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from fhir_server.store.migrations.migrate import migrate as bring_up
from fhir_server.targeting import UsageError, any_database, settings_of_environment
from fhir_server.terminal import DataDir, complain, progress, say

if TYPE_CHECKING:
    from profiles.archives import Package

# What reads archives and makes registries is imported where it is needed: `serve` answers sooner without it.

_SHOWN = 10  # files that were left out, of one package

packages = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="Add definitions to judge by: FHIR packages, as files.",
)


@packages.command(name="list")
def list_(*, data_dir: DataDir = None) -> None:
    """Say which packages are there: those that Cordée brings, and those that were added."""
    from fhir_server.store.packages import installed, missing_of  # noqa: PLC0415
    from profiles import shipped  # noqa: PLC0415

    with _database(data_dir) as url:
        there = installed(url)
    table = Table("Package", "Version", "Definitions", "Since", "Lacks", box=None, pad_edge=False)
    for name, version in shipped.packages().items():
        table.add_row(name, version, f"{sum(1 for _ in shipped.entries(name)):,}", "shipped", "")
    for one in there:
        since = datetime.fromtimestamp(one.at / 1_000_000, UTC).strftime("%Y-%m-%d")
        lacks = ", ".join(f"{missing.name}#{missing.version}" for missing in missing_of([one], there))
        table.add_row(one.name, one.version, f"{one.definitions:,}", since, lacks)
    say.print(table)


@packages.command(
    epilog="Examples:\n\n"
    "- `cordee packages add hl7.fhir.fr.core-2.2.0.tgz`\n"
    "- `cordee packages add --name hl7.fhir.fr.core --version 2.1.0 ./definitions`"
)
def add(
    files: Annotated[
        list[Path],
        typer.Argument(
            help="Packages: .tgz files, or folders of the same form.", metavar="FILES", exists=True
        ),
    ],
    *,
    name: Annotated[
        str, typer.Option(help="Of a folder without package.json.", metavar="NAME", show_default=False)
    ] = "",
    version: Annotated[
        str, typer.Option(help="Of a folder without package.json.", metavar="VERSION", show_default=False)
    ] = "",
    without_dependencies: Annotated[
        bool, typer.Option("--without-dependencies", help="Even if packages are missing that they need.")
    ] = False,
    data_dir: DataDir = None,
) -> None:
    """Add packages, all of them or none.

    Nothing is fetched: give a package together with those that it depends on. Versions of a package stand side by
    side. A server that runs judges by them at once.
    """
    from fhir_server.store import packages as store  # noqa: PLC0415

    if (name or version) and len(files) > 1:
        raise UsageError("--name and --version are for one folder.")
    most_bytes = settings_of_environment().max_package_bytes
    read = _read(files, most_bytes, name, version)
    if read is None:
        raise typer.Exit(1)
    with _database(data_dir) as url, say.status("Writing"):
        added, missing = store.add(url, read, without_dependencies=without_dependencies)
    for one in added:
        count = f"{len(one.package.definitions):,} definitions"
        say.print(f"{one.package}: {f'{count} added' if one.new else 'was there already'}", markup=False)
        for left in one.package.skipped[:_SHOWN]:
            say.print(f"  left out: {left.name}: {left.reason}", style="dim", markup=False)
        if (more := len(one.package.skipped) - _SHOWN) > 0:
            say.print(f"  left out: {more:,} more", style="dim")
    for lack in missing:
        say.print(f"{lack}: what is bound to it cannot be checked", style="yellow", markup=False)


@packages.command(epilog="Example: `cordee packages remove hl7.fhir.fr.core#2.1.0`")
def remove(
    package: Annotated[
        str, typer.Argument(help="Name and version, as `list` says them.", metavar="NAME#VERSION")
    ],
    *,
    force: Annotated[bool, typer.Option("--force", help="Even if other packages depend on it.")] = False,
    data_dir: DataDir = None,
) -> None:
    """Take a package away. A server that runs judges without it at once."""
    from fhir_server.store import packages as store  # noqa: PLC0415

    name, mark, version = package.partition("#")
    if not (name and mark and version):
        raise UsageError("NAME#VERSION would be right, such as hl7.fhir.fr.core#2.1.0.")
    with _database(data_dir) as url:
        removed = store.remove(url, name, version, force=force)
    say.print(f"{removed}: {removed.definitions:,} definitions removed", markup=False)


def _read(files: Sequence[Path], most_bytes: int, name: str, version: str) -> list[Package] | None:
    """The packages; None when one is refused, which is said."""
    from profiles.archives import Refused, read  # noqa: PLC0415

    found: list[Package] = []
    good = True
    columns = TextColumn("Reading"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*columns, console=say, disable=not say.is_terminal) as bar:
        for file in bar.track(files):
            try:
                found.append(read(file, most_bytes=most_bytes, name=name, version=version))
            except Refused as error:
                complain(f"{file}: {error}.")
                good = False
    if not good:
        complain("Nothing was added.")
    return found if good else None


@contextmanager
def _database(data_dir: Path | None) -> Iterator[str]:
    with any_database(settings_of_environment(), data_dir, progress) as url:
        bring_up(url)
        yield url
