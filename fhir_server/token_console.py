"""`cordee token`: a token of somebody of the demonstration, to see in a minute what each of them sees."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from fhir_server.demo.cast import CAST, Player, player
from fhir_server.kernel.keys import Key
from fhir_server.kernel.times import now
from fhir_server.targeting import UsageError, any_database, require_data, settings_of_environment
from fhir_server.terminal import DataDir, progress, say

# What signs is imported when it is needed: this module is read by every command.

_LOOK = "Observation?patient=Patient/payet"


def token(
    *,
    who: Annotated[
        str,
        typer.Option("--as", help="Whose. Default: says who there are.", metavar="ROLE", show_default=False),
    ] = "",
    seconds: Annotated[int, typer.Option(help="How long it lives.", min=1, max=300, metavar="N")] = 300,
    data_dir: DataDir = None,
) -> None:
    """Print a token of the demonstration: `cordee token --as infirmier`.

    Only a server that was started with `cordee serve --demo` takes it. The token alone goes to standard output; what
    to do with it is said beside.
    """
    settings = settings_of_environment()
    if not who:
        _tell_cast()
        return
    one = player(who)
    if one is None:
        names = ", ".join(player.name for player in CAST)
        raise UsageError(f"--as: one of {names} would be right.")
    require_data(settings, data_dir)

    from fhir_server.access.own_tokens import issuer_of  # noqa: PLC0415
    from fhir_server.store import registrations as store  # noqa: PLC0415

    with any_database(settings, data_dir, progress) as url:
        store.require_there(url, Key("Patient", "payet"))
        text = _token(url, one, issuer_of(settings.base_url), seconds)
    base = settings.base_url or f"http://{settings.host}:{settings.port}/fhir"
    typer.echo(text)
    say.print(f"\n  {one.who}", markup=False)
    say.print(f"  Good for {seconds} seconds, on a server that shows the demonstration:\n", style="dim")
    say.print(
        f"    curl -H \"Authorization: Bearer $(cordee token --as {one.name})\" '{base}/{_LOOK}'\n",
        markup=False,
    )


def _token(url: str, one: Player, issuer: str, seconds: int) -> str:
    from fhir_server.access import own_tokens  # noqa: PLC0415
    from fhir_server.access.caller import Caller  # noqa: PLC0415
    from fhir_server.store import registrations as store  # noqa: PLC0415
    from fhir_server.store.credentials import SigningKey, key_of  # noqa: PLC0415

    moment = now()
    key = store.signing_key(url, moment)
    if key is None:
        key = SigningKey(*own_tokens.new_key(), moment)
        store.put_signing_key(url, key, overlap=0)
    caller = Caller(
        one.kind,
        subject=f"demo:{one.name}",
        client="cordee-demo",
        roles=one.roles,
        actors=tuple(filter(None, map(key_of, one.actors))),
        organisation=key_of(one.organisation),
        level=one.level,
        purpose=one.purpose,
    )
    signing = own_tokens.key_of(key.jwk)
    return own_tokens.signed(
        caller, one.scope, signing, issuer=issuer, now=moment, seconds=seconds, demo=True
    )


def _tell_cast() -> None:
    table = Table("--as", "Who", box=None, pad_edge=False)
    for one in CAST:
        table.add_row(one.name, one.who)
    say.print(table)
