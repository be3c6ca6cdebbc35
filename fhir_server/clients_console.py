"""`cordee admin client`: which systems may ask for tokens, for what, and with which keys."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import orjson
import typer

from fhir_server.kernel.keys import Key
from fhir_server.kernel.times import now
from fhir_server.store.migrations.migrate import migrate as bring_up
from fhir_server.targeting import UsageError, any_database, settings_of_environment
from fhir_server.terminal import DataDir, progress, say

# What a command needs is imported when it runs: this module is read by every command, and signing is slow to import.

_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/\-]{0,127}\Z")
_CODE: Final = re.compile(r"[A-Z][A-Z0-9]{1,15}\Z")
_DURATION: Final = re.compile(r"(\d{1,6})([smhd]?)\Z")
_FINESS: Final = re.compile(r"[0-9][0-9AB][0-9]{7}\Z")
_FINESS_SYSTEM: Final = "https://finess.esante.gouv.fr"
_UNITS: Final = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}
_SECOND: Final = 1_000_000  # µs

client = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="Client systems, and the keys they prove themselves with.",
)

ClientId = Annotated[str, typer.Argument(help="The id of the client, its `iss`.", metavar="CLIENT")]
Jwks = Annotated[
    Path | None,
    typer.Option("--jwks", help="File with its public keys: a JWK Set.", metavar="FILE", show_default=False),
]
JwksUrl = Annotated[
    str,
    typer.Option(
        "--jwks-url", help="Address where it publishes them, https.", metavar="URL", show_default=False
    ),
]
NewKey = Annotated[
    Path | None,
    typer.Option(
        "--new-key",
        help="Make a key pair: the private key goes into this file, which must not exist.",
        metavar="FILE",
        show_default=False,
    ),
]


@client.command(
    name="add",
    epilog="Examples:\n\n"
    "- `cordee admin client add dui-tilleuls --organisation Organization/ehpad-les-tilleuls --role infirmier "
    "--scope 'system/*.rs' --jwks keys.json`\n"
    "- `cordee admin client add essai --role operateur --scope 'system/*.cruds' --new-key essai.jwk`",
)
def add(
    id: ClientId,
    *,
    name: Annotated[str, typer.Option(help="What people call it.", metavar="TEXT", show_default=False)] = "",
    organisation: Annotated[
        str,
        typer.Option(
            help="For which it acts, and which is there: Organization/ID, or its FINESS number.",
            metavar="ORGANISATION",
            show_default=False,
        ),
    ] = "",
    role: Annotated[
        list[str] | None,
        typer.Option(
            help="A role of the access matrix; several times for several.", metavar="ROLE", show_default=False
        ),
    ] = None,
    purpose: Annotated[
        list[str] | None,
        typer.Option(
            help="For what it acts, a code of v3-ActReason; the first counts where it does not say.",
            metavar="CODE",
            show_default=False,
        ),
    ] = None,
    type: Annotated[
        list[str] | None,
        typer.Option(
            help="A resource type that it may touch. Default: all that its scopes name.",
            metavar="TYPE",
            show_default=False,
        ),
    ] = None,
    scope: Annotated[
        str, typer.Option(help="What it may ask for, separated by spaces.", metavar="SCOPES")
    ] = "system/*.rs",
    jwks: Jwks = None,
    jwks_url: JwksUrl = "",
    new_key: NewKey = None,
    data_dir: DataDir = None,
) -> None:
    """Register a client system.

    It sees what its organisation's roles see of the persons that the organisation is tied to, and of that what its
    scopes name. Its keys come from a file, from an address, or are made here.
    """
    from fhir_server.store import registrations as store  # noqa: PLC0415
    from fhir_server.store.credentials import Client  # noqa: PLC0415

    if not _ID.match(id):
        raise UsageError("CLIENT has up to 128 letters, digits and . _ : / -")
    for code in purpose or ():
        if not _CODE.match(code):
            raise UsageError("--purpose: a code of v3-ActReason, such as TREAT or COC, would be right.")
    keys = _keys(jwks, jwks_url, new_key)
    wanted = Client(
        id,
        name or id,
        None if _FINESS.match(organisation) else _organisation(organisation),
        _roles(role or ()),
        tuple(purpose or ()),
        _types(type or ()),
        _scopes(scope),
        jwks_url,
        keys.public,
    )
    with _database(data_dir) as url:
        if wanted.organisation:
            store.require_there(url, wanted.organisation)
        elif organisation:
            wanted = replace(wanted, organisation=asyncio.run(_by_finess(url, organisation)))
        with keys.written():
            store.add(url, wanted, now())
    say.print(f"{id} may ask for tokens.", markup=False)
    _tell_key(new_key)


@client.command(
    name="rotate",
    epilog="Examples:\n\n"
    "- `cordee admin client rotate dui-tilleuls --jwks new-keys.json`\n"
    "- `cordee admin client rotate dui-tilleuls --jwks new-keys.json --overlap 0`, when the old key was stolen",
)
def rotate(
    id: ClientId,
    *,
    jwks: Jwks = None,
    jwks_url: JwksUrl = "",
    new_key: NewKey = None,
    overlap: Annotated[
        str, typer.Option(help="How long the keys before are believed too: 90s, 30m, 12h, 7d; 0: no more.")
    ] = "7d",
    data_dir: DataDir = None,
) -> None:
    """Give a client other keys.

    Both are believed for a while, so that nothing has to happen at the same moment. A client that publishes its keys
    at an address changes them there.
    """
    from fhir_server.store import registrations as store  # noqa: PLC0415

    seconds = _seconds(overlap)
    keys = _keys(jwks, jwks_url, new_key)
    with _database(data_dir) as url, keys.written():
        store.rotate(url, id, keys.public, jwks_url, now=now(), overlap=seconds * _SECOND)
    say.print(f"{id} has other keys.", markup=False)
    _tell_key(new_key)


@client.command(name="revoke", epilog="Example: `cordee admin client revoke dui-tilleuls`")
def revoke(id: ClientId, *, data_dir: DataDir = None) -> None:
    """Give a client no more tokens, from now on.

    One that it has is good for five minutes at most; `cordee admin init --distrust` ends those of everybody sooner.
    """
    from fhir_server.store import registrations as store  # noqa: PLC0415

    with _database(data_dir) as url:
        store.revoke(url, id, now())
    say.print(f"{id} gets no more tokens.", markup=False)


@client.command(name="list")
def list_clients(*, data_dir: DataDir = None) -> None:
    """Say which clients there are, and what they may ask for."""
    from rich.table import Table  # noqa: PLC0415

    from fhir_server.store import registrations as store  # noqa: PLC0415

    with _database(data_dir) as url:
        there = store.clients(url, now())
    table = Table(
        "Client", "Organisation", "Roles", "Scopes", "Types", "Keys", "Since", box=None, pad_edge=False
    )
    for one in there:
        known = one.client
        kids = ", ".join(str(jwk["kid"]) for jwk in known.keys)
        keys = " · ".join(part for part in (kids, known.jwks_url) if part)
        table.add_row(
            known.id,
            str(known.organisation or ""),
            ", ".join(known.roles),
            known.scopes,
            ", ".join(known.types),
            keys if one.active else "revoked",
            _day(one.changed),
            style=None if one.active else "dim",
        )
    say.print(table)


@dataclass(frozen=True, slots=True)
class _Keys:
    """The public keys to register, and what is to be written of a pair that was made here."""

    public: tuple[Mapping[str, Any], ...] = ()
    file: Path | None = None
    private: bytes = b""

    @contextmanager
    def written(self) -> Iterator[None]:
        """The private key is in its file, if there is one, unless the block fails."""
        if self.file is None:
            yield
            return
        try:
            descriptor = os.open(self.file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except OSError as error:
            raise UsageError(f"{self.file} cannot be written: {error.strerror}.") from None
        with os.fdopen(descriptor, "wb") as out:
            out.write(self.private)
        try:
            yield
        except BaseException:
            self.file.unlink()
            raise


def _keys(jwks: Path | None, jwks_url: str, new_key: Path | None) -> _Keys:
    if sum(bool(way) for way in (jwks, jwks_url, new_key)) != 1:
        raise UsageError("One of --jwks, --jwks-url and --new-key says which keys the client has.")
    if jwks is not None:
        return _Keys(_usable(jwks))
    if new_key is not None:
        return _made(new_key)
    from fhir_server.web.public_documents import Unfetchable, require_allowed  # noqa: PLC0415

    try:
        require_allowed(jwks_url, settings_of_environment().tokens.private_hosts)
    except Unfetchable as error:
        raise UsageError(f"--jwks-url: {error}.") from None
    return _Keys()


def _usable(file: Path) -> tuple[Mapping[str, Any], ...]:
    from fhir_server.access.assertions import BadKey, usable  # noqa: PLC0415

    try:
        document = orjson.loads(file.read_bytes())
    except (OSError, orjson.JSONDecodeError):
        raise UsageError(f"{file} cannot be read: a JWK Set in JSON would be right.") from None
    if isinstance(document, dict) and "kty" in document:  # one key alone
        document = {"keys": [document]}
    try:
        return usable(document)
    except BadKey as error:
        raise UsageError(f"{file}: {error}.") from None


def _made(file: Path) -> _Keys:
    from joserfc.jwk import ECKey  # noqa: PLC0415

    key = ECKey.generate_key("P-384", parameters={"alg": "ES384", "use": "sig"})
    name = {"kid": key.thumbprint()}
    private = orjson.dumps(key.as_dict(private=True) | name, option=orjson.OPT_APPEND_NEWLINE)
    return _Keys((key.as_dict(private=False) | name,), file, private)


def _tell_key(file: Path | None) -> None:
    if file is not None:
        say.print(f"  Its private key is in {file}: nobody else has it.", style="dim", markup=False)


def _organisation(text: str) -> Key | None:
    from fhir_server.store.credentials import key_of  # noqa: PLC0415

    key = key_of(text)
    if text and (key is None or key.type != "Organization"):
        raise UsageError(
            "--organisation: Organization/ID, or a FINESS number of 9 characters, would be right."
        )
    return key


async def _by_finess(url: str, number: str) -> Key:
    """The one Organization that bears a FINESS number."""
    from fhir_server.search.parse import criteria_of  # noqa: PLC0415
    from fhir_server.store.postgres import PostgresStore  # noqa: PLC0415

    store = await PostgresStore.open(url)
    try:
        page = await store.search(criteria_of("Organization", f"identifier={_FINESS_SYSTEM}|{number}"))
    finally:
        await store.close()
    if len(page.items) != 1:
        raise UsageError(
            f"--organisation: {len(page.items)} Organizations bear this FINESS number. Organization/ID would be right."
        )
    return page.items[0].key


def _roles(roles: Sequence[str]) -> tuple[str, ...]:
    from fhir_server.access.roles import PCP, known_roles  # noqa: PLC0415

    possible = known_roles() - {PCP}
    if unknown := sorted(set(roles) - possible):
        raise UsageError(f"--role {unknown[0]}: one of {', '.join(sorted(possible))} would be right.")
    return tuple(sorted(set(roles)))


def _types(types: Sequence[str]) -> tuple[str, ...]:
    from fhir_server.definitions.catalogue import resource_types  # noqa: PLC0415

    if unknown := sorted(set(types) - resource_types()):
        raise UsageError(f"--type {unknown[0]}: FHIR R4 has no such resource type.")
    return tuple(sorted(set(types)))


def _scopes(text: str) -> str:
    from fhir_server.access.grants import grants_of  # noqa: PLC0415

    found = grants_of(text)
    of_systems = found.within(("system",))
    if found.ignored or not of_systems.of or len(of_systems.of) < len(found.of):
        raise UsageError("--scope: scopes of systems, such as system/Observation.rs, would be right.")
    return str(of_systems)


def _seconds(text: str) -> int:
    match = _DURATION.match(text)
    if match is None:
        raise UsageError("--overlap: 30m, 12h, 7d or 0 would be right.")
    return int(match[1]) * _UNITS[match[2]]


def _day(moment: int) -> str:
    return datetime.fromtimestamp(moment / _SECOND, UTC).strftime("%Y-%m-%d")


@contextmanager
def _database(data_dir: Path | None) -> Iterator[str]:
    with any_database(settings_of_environment(), data_dir, progress) as url:
        bring_up(url)
        yield url
