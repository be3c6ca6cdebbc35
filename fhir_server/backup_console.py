"""`cordee backup`, `restore` and `upgrade`: all that the database holds, in one file or with a newer PostgreSQL."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fhir_server.store.migrations.migrate import migrate
from fhir_server.targeting import UsageError, any_database, refuse_both, require_data, settings_of_environment
from fhir_server.terminal import DataDir, progress, say

# What does the work is imported when it is needed: this module is read by every command.

Programs = Annotated[
    Path | None,
    typer.Option(
        "--binaries",
        help="Directory with other PostgreSQL programs, for a server newer than 18 or one that insists on TLS.",
        metavar="DIR",
        show_default=False,
    ),
]


def backup(
    file: Annotated[
        Path, typer.Argument(help="The file to write (pg_dump's custom format).", metavar="FILE")
    ],
    *,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Write over a file that exists.")] = False,
    binaries: Programs = None,
    data_dir: DataDir = None,
) -> None:
    """Write everything to one file.

    The server may go on working: the backup is of one moment. The file appears when it is complete.
    """
    from fhir_server.store.backup import backup as write  # noqa: PLC0415

    settings = settings_of_environment()
    require_data(settings, data_dir)
    with any_database(settings, data_dir, progress) as url, say.status("Writing the backup") as status:
        size = write(url, file, status.update, overwrite=overwrite, programs=binaries)
    say.print(f"Written: {file} ({size:,} bytes)", markup=False)


def restore(
    file: Annotated[Path, typer.Argument(help="A file that `cordee backup` wrote.", metavar="FILE")],
    *,
    replace: Annotated[
        bool, typer.Option("--replace", help="Throw away what the database holds; stop the server first.")
    ] = False,
    binaries: Programs = None,
    data_dir: DataDir = None,
) -> None:
    """Read a backup into an empty database.

    All or nothing. A backup of an older version is brought to this one.
    """
    from fhir_server.store.backup import restore as read  # noqa: PLC0415

    with (
        any_database(settings_of_environment(), data_dir, progress) as url,
        say.status("Restoring") as status,
    ):
        read(file, url, status.update, replace=replace, programs=binaries)
        migrate(url)
    say.print("Restored.")


def upgrade(
    *,
    old_binaries: Annotated[
        Path | None,
        typer.Option(
            help="Directory with `postgres` of the old version. Default: the copy beside the data.",
            metavar="DIR",
            show_default=False,
        ),
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Move embedded data to a newer PostgreSQL.

    Needed when a new Cordée brings a newer PostgreSQL; `serve` says so. The old data is put aside, not deleted.
    """
    from fhir_server.store.backup import upgrade as move  # noqa: PLC0415

    settings = settings_of_environment()
    refuse_both(settings, data_dir)
    if settings.database.url:
        raise UsageError(
            "The database of CORDEE_DATABASE__URL is not ours to upgrade: unset it for embedded data."
        )
    with say.status("Moving the data") as status:
        kept = move(data_dir or settings.data_dir, old_binaries=old_binaries, progress=status.update)
    say.print(f"Moved. The old data is kept in {kept}; delete it when you are sure.", markup=False)
