"""The command line: `cordee serve`, and what an operator needs beside it."""

from __future__ import annotations

import asyncio
import ipaddress
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError
from rich.console import Console

from fhir_server.kernel.errors import FhirError
from fhir_server.settings import Settings
from fhir_server.store.account import EmbeddedError
from fhir_server.store.embedded import Embedded, running
from fhir_server.store.migrations.migrate import WrongSchema
from fhir_server.store.migrations.migrate import migrate as bring_up
from fhir_server.supervisor import Supervisor, SupervisorError, listen

cli = typer.Typer(
    name="cordee",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    help="Cordée: a FHIR R4 server for French health and social-care coordination.\n\n"
    "Start with `cordee serve --demo`, then open the addresses it prints. Settings come from the environment "
    "(`CORDEE_…`, see docs/settings.md); without `CORDEE_DATABASE__URL` the server brings its own PostgreSQL.",
)
say = Console(stderr=True, highlight=False, soft_wrap=True)

DataDir = Annotated[
    Path | None, typer.Option(help="Where the embedded PostgreSQL keeps its data.", show_default=False)
]


@cli.command()
def serve(
    *,
    demo: Annotated[bool, typer.Option("--demo", help="Load the demonstration dossier first.")] = False,
    host: Annotated[str | None, typer.Option(help="Address to listen on; loopback only, for now.")] = None,
    port: Annotated[int | None, typer.Option(help="Port; 0 takes any free one.")] = None,
    workers: Annotated[int | None, typer.Option(help="Worker processes.", min=1)] = None,
    data_dir: DataDir = None,
) -> None:
    """Start the server: PostgreSQL if need be, then the workers. Ctrl-C stops it cleanly."""
    settings = _settings()
    address = host or settings.host
    _require_loopback(address)
    sock = listen(address, settings.port if port is None else port)
    base = settings.base_url or _address(address, sock.getsockname()[1])
    with _database(settings, data_dir, own=True) as (url, embedded):
        bring_up(url)
        if demo:
            asyncio.run(_load_demo(settings, url))
        supervisor = Supervisor(sock, workers or settings.workers, {"CORDEE_DATABASE__URL": url})

        def watch() -> None:
            if embedded is not None and embedded.watch():
                say.print("PostgreSQL had died and was started again.")

        supervisor.run(watch, lambda: _greet(base, demo=demo))
    say.print("Stopped.")


@cli.command(name="import")
def import_(
    files: Annotated[
        list[Path], typer.Argument(help="Transaction Bundles, NDJSON, or folders of them; .gz too.")
    ],
    *,
    url: Annotated[
        str | None,
        typer.Option(help="Base address of a running server; without it, straight into the store."),
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Load files. Each is remembered by its content: a second run adds only what is missing."""
    from fhir_server.importing_console import import_files  # noqa: PLC0415 - httpx and rich's progress: only here

    settings = _settings()
    if url is not None:
        failed = asyncio.run(import_files(files, say, base=url))
    else:
        with _database(settings, data_dir) as (database, _):
            bring_up(database)
            failed = asyncio.run(import_files(files, say, settings=_with_url(settings, database)))
    if failed:
        raise typer.Exit(1)


@cli.command()
def demo(*, data_dir: DataDir = None) -> None:
    """Load the demonstration dossier into the store. Loading it again changes nothing."""
    settings = _settings()
    with _database(settings, data_dir) as (url, _):
        bring_up(url)
        asyncio.run(_load_demo(settings, url))
    say.print("The demonstration dossier is loaded.")


@cli.command()
def check(*, data_dir: DataDir = None) -> None:
    """Check settings, package names, definitions and the database, and say what is wrong."""
    from fhir_server.checks import checks_of  # noqa: PLC0415

    settings = _settings()
    failed = False
    with _database(settings, data_dir) as (url, _):
        for result in checks_of(_with_url(settings, url)):
            failed = failed or not result.good
            mark = "[green]ok[/green]  " if result.good else "[red]FAIL[/red]"
            say.print(f"{mark} {result.subject}: {result.text}")
    if failed:
        raise typer.Exit(1)


@cli.command()
def migrate(*, data_dir: DataDir = None) -> None:
    """Bring the database's tables to this version. `serve` does it too."""
    with _database(_settings(), data_dir) as (url, _):
        bring_up(url)
    say.print("The database is up to date.")


@cli.command()
def backup(
    file: Annotated[Path, typer.Argument(help="The file to write (pg_dump's custom format).")],
    *,
    data_dir: DataDir = None,
) -> None:
    """Write a backup. The server may run meanwhile; the backup is of one moment."""
    from fhir_server.store.backup import backup as write  # noqa: PLC0415

    with _database(_settings(), data_dir) as (url, _), say.status("Writing the backup"):
        write(url, file)
    say.print(f"Written: {file} ({file.stat().st_size:,} bytes)")


@cli.command()
def restore(
    file: Annotated[
        Path, typer.Argument(help="A file that `cordee backup` wrote.", exists=True, dir_okay=False)
    ],
    *,
    data_dir: DataDir = None,
) -> None:
    """Read a backup into an empty database. Stop the server first."""
    from fhir_server.store.backup import restore as read  # noqa: PLC0415

    with _database(_settings(), data_dir) as (url, _), say.status("Restoring"):
        read(file, url)
    say.print("Restored.")


@contextmanager
def _database(
    settings: Settings, data_dir: Path | None, *, own: bool = False
) -> Iterator[tuple[str, Embedded | None]]:
    """The database's URL, and the embedded PostgreSQL if this process runs it.

    `own`: this process is the server; else a PostgreSQL that a server runs already is used beside it.
    """
    if settings.database.url:
        yield settings.database.url, None
        return
    directory = data_dir or settings.data_dir
    if not own and (url := running(directory)) is not None:
        yield url, None
        return
    with Embedded(directory, progress=lambda text: say.print(text, style="dim")) as embedded:
        yield embedded.url, embedded


async def _load_demo(settings: Settings, url: str) -> None:
    from fhir_server.app import opened  # noqa: PLC0415
    from fhir_server.demo import dossier  # noqa: PLC0415
    from fhir_server.interactions.call import Action, Call  # noqa: PLC0415

    async with opened(_with_url(settings, url)) as engine:
        await engine.perform(Call(Action.BUNDLE, body=dossier()))


def _settings() -> Settings:
    try:
        return Settings()
    except ValidationError as error:
        for problem in error.errors():
            name = "CORDEE_" + "__".join(str(part) for part in problem["loc"]).upper()
            say.print(f"[red]{name}[/red]: {problem['msg']}")
        raise typer.Exit(2) from None


def _with_url(settings: Settings, url: str) -> Settings:
    return settings.model_copy(update={"database": settings.database.model_copy(update={"url": url})})


def _require_loopback(host: str) -> None:
    try:
        loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise SupervisorError(
            f"{host} is not a loopback address. The server has no access control yet and listens to this machine only"
        )


def _address(host: str, port: int) -> str:
    return f"http://[{host}]:{port}/fhir" if ":" in host else f"http://{host}:{port}/fhir"


def _greet(base: str, *, demo: bool) -> None:
    say.print(f"\n[bold]Cordée[/bold] answers at [link]{base}[/link]   (Ctrl-C stops it)\n")
    if demo:
        from fhir_server.demo import ADDRESSES  # noqa: PLC0415

        for path, what in ADDRESSES:
            say.print(f"  curl '{base}/{path}'\n      {what}", markup=False)
    else:
        say.print(f"  curl {base}/metadata", markup=False)
    say.print()


def main() -> None:
    """Run the command line; problems that a person can mend are said in a line, not as a traceback."""
    try:
        cli()
    except (EmbeddedError, SupervisorError, WrongSchema, FhirError) as error:
        say.print(f"[red]{error}[/red]")
        sys.exit(1)


if __name__ == "__main__":
    main()
