"""`cordee admin account`: which Patient or RelatedPerson somebody is, whom an issuer knows by a subject."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import typer

from fhir_server.kernel.keys import Key
from fhir_server.kernel.times import now
from fhir_server.store.migrations.migrate import migrate as bring_up
from fhir_server.targeting import UsageError, any_database, settings_of_environment
from fhir_server.terminal import DataDir, progress, say

_PERSONS: Final = ("Patient", "RelatedPerson")
_DAY: Final = 86_400_000_000  # µs
_LONGEST: Final = 512  # characters of an issuer or a subject

account = typer.Typer(
    no_args_is_help=True, rich_markup_mode="markdown", help="Who the citizens are that log in elsewhere."
)


@account.command(
    name="bind",
    epilog="Example: `cordee admin account bind https://login.example.org 8f2c… Patient/payet`",
)
def bind(
    issuer: Annotated[str, typer.Argument(help="Who logs them in, its `iss`.", metavar="ISSUER")],
    subject: Annotated[str, typer.Argument(help="What it calls them, its `sub`.", metavar="SUBJECT")],
    person: Annotated[
        str, typer.Argument(help="Who they are: Patient/ID or RelatedPerson/ID.", metavar="REFERENCE")
    ],
    *,
    data_dir: DataDir = None,
) -> None:
    """Say who a citizen is.

    Make sure of it first: from then on they see what this person may see.
    """
    from fhir_server.store import registrations as store  # noqa: PLC0415

    if not all(text and text.isprintable() and len(text) <= _LONGEST for text in (issuer, subject)):
        raise UsageError("ISSUER and SUBJECT: at most 512 characters, as they stand in the token.")
    key = _person(person)
    with _database(data_dir) as url:
        store.require_there(url, key)
        store.bind(url, store.Account(issuer, subject, key, now()))
    say.print("Bound.")


@account.command(
    name="unbind", epilog="Example: `cordee admin account unbind https://login.example.org 8f2c…`"
)
def unbind(
    issuer: Annotated[str, typer.Argument(metavar="ISSUER")],
    subject: Annotated[str, typer.Argument(metavar="SUBJECT")],
    person: Annotated[
        str,
        typer.Argument(
            help="Only this person. Default: all that they are.", metavar="REFERENCE", show_default=False
        ),
    ] = "",
    *,
    data_dir: DataDir = None,
) -> None:
    """Forget who a citizen is."""
    from fhir_server.store import registrations as store  # noqa: PLC0415

    key = _person(person) if person else None
    with _database(data_dir) as url:
        gone = store.unbind(url, issuer, subject, key)
    say.print("Unbound." if gone == 1 else f"Unbound from {gone} persons.")


@account.command(name="list")
def list_accounts(*, data_dir: DataDir = None) -> None:
    """Say which accounts are bound to whom."""
    from rich.table import Table  # noqa: PLC0415

    from fhir_server.store import registrations as store  # noqa: PLC0415

    with _database(data_dir) as url:
        there = store.accounts(url)
    table = Table("Issuer", "Subject", "Person", "Since", box=None, pad_edge=False)
    for one in there:
        table.add_row(
            one.issuer,
            one.subject,
            str(one.person),
            _date(one.since),
        )
    say.print(table)


@account.command(name="invite", epilog="Example: `cordee admin account invite Patient/payet`")
def invite(
    person: Annotated[
        str, typer.Argument(help="Who they will be: Patient/ID or RelatedPerson/ID.", metavar="REFERENCE")
    ],
    *,
    days: Annotated[int, typer.Option(min=1, max=90, help="For how long the code is good.")] = 7,
    data_dir: DataDir = None,
) -> None:
    """Make a code to hand over, with which a citizen becomes somebody here.

    They log in, and bring it back with their day of birth: `[base]/$redeem-invitation`. It takes the place of the code
    that was there before for the same person. The code alone goes to standard output.
    """
    from fhir_server.access.invitations import TRIES, digest_of, new_code  # noqa: PLC0415
    from fhir_server.store import registrations as store  # noqa: PLC0415
    from fhir_server.store.contract import Invitation  # noqa: PLC0415

    code, moment = new_code(), now()
    digest = digest_of(code)
    assert digest is not None, "our own codes are codes"
    invitation = Invitation(digest, _person(person), moment, moment + days * _DAY, TRIES)
    with _database(data_dir) as url:
        store.invite(url, invitation)
    typer.echo(code)
    say.print(f"\n  Good for {days} days. It is not kept, and not told again.", style="dim")


@account.command(name="invitations")
def list_invitations(*, data_dir: DataDir = None) -> None:
    """Say for whom codes are open, and until when."""
    from rich.table import Table  # noqa: PLC0415

    from fhir_server.store import registrations as store  # noqa: PLC0415

    with _database(data_dir) as url:
        there = store.invitations(url, now())
    table = Table("Person", "Until", "Tries left", box=None, pad_edge=False)
    for one in there:
        table.add_row(str(one.person), _date(one.until), str(one.tries))
    say.print(table)


@account.command(name="uninvite", epilog="Example: `cordee admin account uninvite Patient/payet`")
def uninvite(
    person: Annotated[str, typer.Argument(help="For whom the code was.", metavar="REFERENCE")],
    *,
    data_dir: DataDir = None,
) -> None:
    """Make a code worthless that nobody has brought back yet."""
    from fhir_server.store import registrations as store  # noqa: PLC0415

    key = _person(person)
    with _database(data_dir) as url:
        store.uninvite(url, key)
    say.print("Withdrawn.")


def _date(moment: int) -> str:
    return datetime.fromtimestamp(moment / 1_000_000, UTC).strftime("%Y-%m-%d")


def _person(text: str) -> Key:
    from fhir_server.store.credentials import key_of  # noqa: PLC0415

    key = key_of(text)
    if key is None or key.type not in _PERSONS:
        raise UsageError("REFERENCE: Patient/ID or RelatedPerson/ID would be right.")
    return key


@contextmanager
def _database(data_dir: Path | None) -> Iterator[str]:
    with any_database(settings_of_environment(), data_dir, progress) as url:
        bring_up(url)
        yield url
