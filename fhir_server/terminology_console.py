"""`cordee terminology`: code systems that are licensed or large, from files that the operator has."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from fhir_server.targeting import UsageError, any_database, settings_of_environment
from fhir_server.terminal import DataDir, complain, progress, say

# What a command needs is imported when it runs: this module is read by every command.

terminology = typer.Typer(
    no_args_is_help=True,
    help="Load, list and remove code systems that are licensed or large.",
)


@terminology.command(
    name="load",
    epilog="Examples:\n\n"
    "- `cordee terminology load Loinc_2.78.zip`\n"
    "- `cordee terminology load SnomedCT_InternationalRF2.zip SnomedCT_ExtensionFR.zip`\n"
    "- `cordee terminology load codes.csv --url https://example.org/codes --version 2024`",
)
def load_(
    files: Annotated[
        list[Path],
        typer.Argument(
            help="Zip archives, folders or files. Several of SNOMED CT are one release.", metavar="FILES"
        ),
    ],
    *,
    kind: Annotated[
        str,
        typer.Option(
            help="What the files are: loinc, snomed, fhir, svs, claml, cim10, csv. Default: as they look.",
            metavar="KIND",
        ),
    ] = "",
    url: Annotated[
        str, typer.Option(help="URL of the code system, where the files do not say it.", metavar="URL")
    ] = "",
    version: Annotated[
        str, typer.Option(help="Its version, where the files do not say it.", metavar="VERSION")
    ] = "",
    data_dir: DataDir = None,
) -> None:
    """Load code systems: LOINC, SNOMED CT, CIM-10, those of the NOS, FHIR CodeSystems, tables.

    Each version is one transaction: until it ends, and when it is interrupted, what was there before stays. The same
    files again change nothing. What is wrong with a file is said with its line, and nothing of it is loaded. The server
    may go on working; it answers from what is loaded at once.
    """
    from fhir_server import terminology_loading_console as console  # noqa: PLC0415

    if kind and kind not in console.KINDS:
        raise UsageError(f"--kind is one of {', '.join(console.KINDS)}.")
    with _database(data_dir) as database:
        good = console.load_files(files, kind, console.Wanted(url, version), database, say)
    if not good:
        raise typer.Exit(1)


@terminology.command(name="list")
def list_(*, data_dir: DataDir = None) -> None:
    """Say which versions are loaded, the newest of each code system first."""
    from rich.console import Console  # noqa: PLC0415
    from rich.markup import escape  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415

    from fhir_server.store.codes_loading import loaded  # noqa: PLC0415

    with _database(data_dir) as database:
        found = loaded(database)
    if not found:
        say.print("No code system is loaded.")
        return
    table = Table("URL", "Version", "Title", "Concepts", box=None, pad_edge=False)
    for one in found:
        table.add_row(escape(one.url), escape(one.version or "-"), escape(one.title), f"{one.count:,}")
    Console(highlight=False).print(table)


@terminology.command(name="remove", epilog="Example: `cordee terminology remove 'http://loinc.org|2.78'`")
def remove_(
    canonical: Annotated[
        str, typer.Argument(help="URL, or URL|VERSION where several are loaded.", metavar="URL|VERSION")
    ],
    *,
    data_dir: DataDir = None,
) -> None:
    """Remove one version of a code system."""
    from fhir_server.store.codes_loading import loaded, remove  # noqa: PLC0415

    url, bar, version = canonical.partition("|")
    with _database(data_dir) as database:
        versions = [one.version for one in loaded(database) if one.url == url]
        if not bar and len(versions) == 1:
            version = versions[0]
        elif not bar and len(versions) > 1:
            raise UsageError(
                "Several versions are loaded; one of these would be right: "
                + ", ".join(f"{url}|{one}" for one in versions)
            )
        if not remove(database, url, version):
            complain("It is not loaded. `cordee terminology list` says what is.")
            raise typer.Exit(1)
    say.print("Removed.")


@contextmanager
def _database(data_dir: Path | None) -> Iterator[str]:
    from fhir_server.store.migrations.migrate import migrate  # noqa: PLC0415

    with any_database(settings_of_environment(), data_dir, progress) as url:
        migrate(url)
        yield url
