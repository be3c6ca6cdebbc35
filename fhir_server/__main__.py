"""The command line: `cordee serve`, and what an operator needs beside it."""

from __future__ import annotations

import asyncio
import hashlib
import signal
import sys
from enum import StrEnum
from importlib.metadata import version
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from fhir_server.admin_console import admin
from fhir_server.audit_console import audit
from fhir_server.backup_console import backup, restore, upgrade
from fhir_server.kernel.errors import FhirError, PreconditionFailed
from fhir_server.packages_console import packages
from fhir_server.retention_console import retention
from fhir_server.settings import Settings
from fhir_server.store.account import EmbeddedError
from fhir_server.store.audit_key import BadKeyFile
from fhir_server.store.embedded import NeedsUpgrade
from fhir_server.store.migrations.migrate import WrongSchema
from fhir_server.store.migrations.migrate import migrate as bring_up
from fhir_server.supervisor import Supervisor, SupervisorError, listen
from fhir_server.targeting import (
    UsageError,
    any_database,
    has_data,
    require_loopback,
    server_database,
    settings_of_environment,
    with_auth,
    with_data_dir,
    with_url,
)
from fhir_server.terminal import KEEP, DataDir, complain, progress, say
from fhir_server.terminology_console import terminology
from fhir_server.token_console import token

# What only one command needs is imported where it is needed: `serve` answers sooner without httpx and progress bars.

cli = typer.Typer(
    name="cordee",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,  # they would show local variables, and those hold data
    help="Cordée, a FHIR R4 server for French health and social-care coordination.\n\n"
    "The first time: `cordee serve --demo`, then open the addresses that it prints.\n\n"
    "Without CORDEE_DATABASE__URL it brings a PostgreSQL of its own, whose data is in /var/lib/cordee (root) or "
    "~/.local/share/cordee. All settings are environment variables: docs/settings.md.",
    epilog="Exit codes: 0 done · 1 not done, the reason is said · 2 the command or a setting is wrong.",
)
_RUN, _FILL, _ADMIT = "Run the server", "Load resources", "Say who may come in"


class Mode(StrEnum):
    """How callers are known."""

    none = "none"
    tokens = "tokens"


cli.add_typer(packages, name="packages", rich_help_panel=KEEP)
cli.add_typer(terminology, name="terminology", rich_help_panel=_FILL)


@cli.callback(invoke_without_command=True)
def cordee(
    *, show_version: Annotated[bool, typer.Option("--version", help="Say the version.")] = False
) -> None:
    if show_version:
        typer.echo(f"cordee {version('cordee')}")
        raise typer.Exit


@cli.command(
    rich_help_panel=_RUN,
    epilog="Examples:\n\n"
    "- `cordee serve --demo`\n"
    "- `cordee serve --port 9000 --workers 4`\n"
    "- `CORDEE_DATABASE__URL=postgresql://user@host/name cordee serve`",
)
def serve(
    *,
    demo: Annotated[bool, typer.Option("--demo", help="Load the demonstration dossier first.")] = False,
    host: Annotated[
        str | None,
        typer.Option(
            help="Loopback address to listen on. Default: CORDEE_HOST, else 127.0.0.1.", metavar="ADDRESS"
        ),
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(
            help="Port; 0 takes any free one. Default: CORDEE_PORT, else 8080.", min=0, max=65535, metavar="N"
        ),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(help="Worker processes. Default: CORDEE_WORKERS, else 2.", min=1, metavar="N"),
    ] = None,
    auth: Annotated[
        Mode | None,
        typer.Option(
            help="none: everybody may do everything, on loopback. tokens: who may see what is decided by their token. "
            "Default: CORDEE_AUTH__MODE, else none.",
            show_default=False,
        ),
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Start the server; Ctrl-C stops it.

    PostgreSQL is started first if need be, and the tables are brought to this version. When the address is printed,
    the server answers. Ctrl-C or SIGTERM lets requests under way finish; a second one does not wait for them.
    """
    settings = settings_of_environment()
    if auth is not None:
        settings = with_auth(settings, auth.value)
    address = host or settings.host
    require_loopback(address, settings)
    sock = listen(address, settings.port if port is None else port)
    base = settings.base_url or _base(address, sock.getsockname()[1])
    with server_database(settings, data_dir, progress) as (url, embedded):
        bring_up(url)
        if demo:
            asyncio.run(_load_demo(settings, url))

        def watch() -> None:
            if embedded is not None:
                embedded.watch()

        count = workers or settings.workers
        mode = settings.auth.mode
        if mode != "none":
            from fhir_server.classifying_console import ensure  # noqa: PLC0415

            ensure(with_url(settings, url), say)
        environment = {
            "CORDEE_DATABASE__URL": url,
            **({"CORDEE_DATA_DIR": str(data_dir)} if data_dir is not None else {}),
            "CORDEE_AUTH__MODE": mode,
            "CORDEE_WORKERS": str(count),
        } | ({"CORDEE_DEMO": "true"} if demo else {})
        supervisor = Supervisor(sock, count, environment, progress)
        supervisor.run(watch, lambda: _greet(base, mode, demo=demo))
    say.print("Stopped.")


@cli.command(
    name="import",
    rich_help_panel=_FILL,
    epilog="Examples:\n\n"
    "- `cordee import ./bundles`\n"
    "- `cordee import --url http://127.0.0.1:8080/fhir patients.ndjson.gz`",
)
def import_(
    files: Annotated[
        list[Path],
        typer.Argument(
            help="Files .json, .ndjson, .json.gz or .ndjson.gz, or folders of them.", metavar="FILES"
        ),
    ],
    *,
    url: Annotated[
        str | None,
        typer.Option(
            help="Base address of a running server. Without it: straight into the store.",
            metavar="BASE",
            show_default=False,
        ),
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Load files of resources, each once.

    A transaction Bundle is one transaction. The resources of any other Bundle are written in one transaction too;
    lines of NDJSON in slices of 200. A resource with an id is PUT to it, one without is POSTed.

    Every file is remembered by its content, in the same commit as its resources: whatever was interrupted, the same
    command again adds what is missing and nothing else. What is refused is listed with the reasons.
    """
    from fhir_server import importing_console as console  # noqa: PLC0415

    settings = settings_of_environment()
    try:
        found = console.files_in(files)
        if url is not None:
            good = asyncio.run(console.into_server(found, url.rstrip("/"), say))
        else:
            with any_database(settings, data_dir, progress) as database:
                bring_up(database)
                good = asyncio.run(console.into_store(found, with_url(settings, database), say))
    except (console.NothingToImport, console.NoServer) as error:
        complain(str(error))
        good = False
    except KeyboardInterrupt:
        complain("Interrupted. What was loaded stays; the same command again loads the rest.")
        good = False
    if not good:
        raise typer.Exit(1)


@cli.command(rich_help_panel=_FILL)
def demo(*, data_dir: DataDir = None) -> None:
    """Load the demonstration dossier.

    Madame Payet, 87, who does not exist: her circle of care, her plan and her documents. Loading it again changes
    nothing.
    """
    settings = settings_of_environment()
    with any_database(settings, data_dir, progress) as url:
        bring_up(url)
        asyncio.run(_load_demo(settings, url))
    say.print("The demonstration dossier is loaded.")


@cli.command(rich_help_panel=_RUN)
def check(*, data_dir: DataDir = None) -> None:
    """Say whether this installation can be trusted.

    Looks at the settings, the package names, the FHIR definitions and the database, and says what would be right.
    """
    from fhir_server.checks import checks_of  # noqa: PLC0415

    settings = with_data_dir(settings_of_environment(), data_dir)
    good = True
    if settings.database.url or has_data(settings, data_dir):
        with any_database(settings, data_dir, progress) as url:
            results = list(checks_of(with_url(settings, url)))
    else:
        results = list(checks_of(settings))
    for result in results:
        good = good and result.good
        mark = "[green]ok  [/green]" if result.good else "[red]FAIL[/red]"
        say.print(mark, end=" ")
        say.print(f"{result.subject}: {result.text}", markup=False)
    if not good:
        raise typer.Exit(1)


@cli.command(rich_help_panel=KEEP)
def migrate(*, data_dir: DataDir = None) -> None:
    """Bring the tables to this version.

    `serve` does it too: this is for doing it at another moment.
    """
    with any_database(settings_of_environment(), data_dir, progress) as url:
        changed = bring_up(url)
    say.print(
        "The tables were brought to this version." if changed else "The tables are of this version already."
    )


@cli.command(rich_help_panel=KEEP, epilog="Examples: `cordee reindex` · `cordee reindex Patient Observation`")
def reindex(
    types: Annotated[
        list[str] | None,
        typer.Argument(help="Resource types. Default: all.", metavar="TYPES", show_default=False),
    ] = None,
    *,
    data_dir: DataDir = None,
) -> None:
    """Make the search index anew.

    Compares every row of the index with what it ought to be. The server may go on working, and does the work if it
    runs; what was interrupted goes on where it was, with this command or the next `serve`.
    """
    from fhir_server import reindexing_console as console  # noqa: PLC0415

    settings = settings_of_environment()
    with any_database(settings, data_dir, progress) as url:
        bring_up(url)
        asyncio.run(console.reindex(types or (), with_url(settings, url), say))
    say.print("The search index is complete.")


cli.command(rich_help_panel=KEEP, epilog="Example: `cordee backup cordee-$(date +%F).dump`")(backup)
cli.command(rich_help_panel=KEEP)(restore)
cli.command(rich_help_panel=KEEP)(upgrade)
cli.add_typer(admin, name="admin", rich_help_panel=_ADMIT)
cli.add_typer(audit, name="audit", rich_help_panel=_ADMIT)
cli.add_typer(retention, name="retention", rich_help_panel=KEEP)
cli.command(rich_help_panel=_ADMIT, epilog="Example: `cordee token --as infirmier`")(token)


async def _load_demo(settings: Settings, url: str) -> None:
    from fhir_server import app  # noqa: PLC0415
    from fhir_server.demo import dossier  # noqa: PLC0415
    from fhir_server.interactions.call import Action, Call  # noqa: PLC0415

    body = dossier()
    async with app.opened(with_url(settings, url)) as engine:
        try:
            await engine.perform(Call(Action.BUNDLE, body=body, files=(hashlib.sha256(body).hexdigest(),)))
        except PreconditionFailed as error:
            if error.issues[0].code != "duplicate":  # loaded before: what was changed since stays changed
                raise


def _base(host: str, port: int) -> str:
    return f"http://[{host}]:{port}/fhir" if ":" in host else f"http://{host}:{port}/fhir"


def _greet(base: str, mode: str, *, demo: bool) -> None:
    say.print(f"\n[bold]Cordée[/bold] answers at [bold]{base}[/bold]   (Ctrl-C stops it)\n")
    if mode == "none":
        say.print(
            "[bold yellow]No authentication[/bold yellow]: whoever reaches this machine's loopback may read and change"
            " everything.\n  `cordee serve --auth tokens` asks who everybody is.\n"
        )
    elif demo:
        say.print("  Somebody's token:   cordee token --as infirmier\n", markup=False)
        return
    if demo:
        from fhir_server.demo import ADDRESSES  # noqa: PLC0415

        for path, what in ADDRESSES:
            say.print(f"  {what}\n    curl '{base}/{path}'\n", markup=False)
    else:
        say.print(f"  What it can do:   curl {base}/metadata\n", markup=False)


def _text_of(error: Exception) -> str:
    if isinstance(error, NeedsUpgrade):
        return f"{error} `cordee upgrade` moves it."
    if isinstance(error, FhirError) and error.__cause__ is not None:
        reason = str(error.__cause__).partition("\n")[0]  # what PostgreSQL says about a connection
        return f"{error}: {reason}"
    return str(error)


def _end(number: int, frame: FrameType | None) -> None:
    sys.exit(128 + number)  # and with it every context manager: PostgreSQL is stopped, bars are taken away


def main() -> None:
    """Run the command line; what a person can mend is said in a sentence, not as a traceback."""
    signal.signal(signal.SIGTERM, _end)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup
        signal.signal(signal.SIGHUP, _end)
    try:
        cli()
    except UsageError as error:
        complain(str(error))
        sys.exit(2)
    except (EmbeddedError, SupervisorError, WrongSchema, BadKeyFile, FhirError) as error:
        complain(_text_of(error))
        sys.exit(1)


if __name__ == "__main__":
    main()
