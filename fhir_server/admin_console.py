"""`cordee admin`: who may have tokens. At a local shell only: whoever can run it can reach the database as well."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from fhir_server.accounts_console import account
from fhir_server.clients_console import client
from fhir_server.kernel.times import now
from fhir_server.store.migrations.migrate import migrate as bring_up
from fhir_server.targeting import any_database, settings_of_environment, with_url
from fhir_server.terminal import DataDir, progress, say

# What a command needs is imported when it runs: this module is read by every command, and signing is slow to import.

admin = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="Say who may come in: client systems, citizens that log in; and who may see what.",
)
admin.add_typer(client, name="client")
admin.add_typer(account, name="account")


@admin.callback()
def at_a_local_shell() -> None:
    """Say who may have tokens: client systems, and who the citizens are that log in."""


@admin.command(epilog="Example: `cordee admin init`")
def init(
    *,
    rotate: Annotated[
        bool, typer.Option("--rotate", help="Another key, although there is one; what it signed stays good.")
    ] = False,
    distrust: Annotated[
        bool,
        typer.Option(
            "--distrust", help="Another key; within two minutes no token issued so far is believed any more."
        ),
    ] = False,
    data_dir: DataDir = None,
) -> None:
    """Make the key that signs our tokens.

    Again, it changes nothing. A server makes another every 30 days by itself.
    """
    from fhir_server.access.own_tokens import LONGEST_SECONDS, new_key  # noqa: PLC0415
    from fhir_server.store import registrations as store  # noqa: PLC0415
    from fhir_server.store.credentials import SigningKey  # noqa: PLC0415

    moment = now()
    with any_database(settings_of_environment(), data_dir, progress) as url:
        bring_up(url)
        there = store.signing_key(url, moment) is not None
        if there and not (rotate or distrust):
            say.print("There is a key to sign tokens with already.")
            return
        kid, jwk = new_key()
        overlap = 0 if distrust else 2 * LONGEST_SECONDS * 1_000_000  # µs
        store.put_signing_key(url, SigningKey(kid, jwk, moment), overlap=overlap)
    say.print(
        "Tokens are signed by a new key, from now on." if there else "The key to sign tokens with is made."
    )
    say.print("  What may come next: cordee admin client add --help", style="dim", markup=False)


@admin.command(epilog="Example: `cordee admin classify`")
def classify(
    *,
    again: Annotated[
        bool, typer.Option("--again", help="Everything, and not only what was never classified.")
    ] = False,
    data_dir: DataDir = None,
) -> None:
    """Decide who may see what was written without access control.

    `serve --auth tokens` does it too, before it lets anybody in: this is for doing it at another moment, or after other
    tables of access were put in. What is interrupted goes on where it was.
    """
    from fhir_server import classifying_console as console  # noqa: PLC0415

    settings = settings_of_environment()
    with any_database(settings, data_dir, progress) as url:
        bring_up(url)
        asyncio.run(console.classify(with_url(settings, url), say, again=again))
