"""A server that asks who everybody is, and callers with signed tokens, for black-box tests of who may see what."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import httpx
from joserfc import jwt
from joserfc.jwk import ECKey, KeyParameters
from starlette.types import ASGIApp

from fhir_server.access import own_tokens
from fhir_server.access.caller import Caller
from fhir_server.app import application, opened
from fhir_server.demo.cast import Player
from fhir_server.interactions.call import Action, Call
from fhir_server.kernel.keys import Key
from fhir_server.kernel.times import now
from fhir_server.kernel.wire import Tree, encode
from fhir_server.settings import DatabaseSettings, Settings
from fhir_server.store import registrations
from fhir_server.store.credentials import SigningKey, key_of
from tests.builders import bundle, entry
from tests.flows.serving import alive

JSON: Final = {"Content-Type": "application/fhir+json"}
ISSUER: Final = "https://login.example"
_AUDIENCE: Final = "cordee"
# By which the directory is searched for whom a token of another issuer names.
_NUMBERS: Final = {
    "Practitioner": "urn:oid:1.2.250.1.71.4.2.1",
    "Organization": "urn:oid:1.2.250.1.71.4.2.2",
}
_FIRST: Final = ("Organization", "Practitioner", "PractitionerRole", "Patient")


class Issuer:
    """An OpenID Connect issuer that everybody logs in with; its public key is in a file of `folder`."""

    def __init__(self, folder: Path) -> None:
        parameters: KeyParameters = {"kid": "1", "alg": "ES256", "use": "sig"}
        self._key = ECKey.generate_key("P-256", parameters=parameters)
        self._file = folder / "jwks.json"
        self._file.write_text(json.dumps({"keys": [self._key.as_dict(private=False)]}))

    @property
    def settings(self) -> dict[str, Any]:
        """What an operator writes to believe it."""
        return {
            "issuer": ISSUER,
            "kind": "oidc",
            "jwks_file": str(self._file),
            "audience": [_AUDIENCE],
            "callers": ["professional", "citizen"],
        }

    def token(self, caller: Caller) -> str:
        """A token of a professional of the directory (`numbered`), or of a citizen with an account (`Door.bind`)."""
        named = {key.type: key.id for key in reversed(caller.actors)}
        start = now() // 1_000_000
        claims = {
            "iss": ISSUER,
            "aud": _AUDIENCE,
            "sub": str(caller.actors[0]),
            "iat": start,
            "exp": start + 300,
        }
        claims |= {"acr": "eidas2", "scope": "user/*.cruds"}
        if caller.kind == "professional":
            claims |= {"SubjectNameID": named["Practitioner"], "SubjectOrganizationID": named["Organization"]}
        return jwt.encode({"alg": "ES256", "kid": "1"}, claims, self._key, algorithms=["ES256"])


def numbered(tree: Tree) -> Tree:
    """An actor with a national number of its own: its id will do."""
    system = _NUMBERS.get(tree["resourceType"])
    if system is None:
        return tree
    return {**tree, "identifier": [*tree.get("identifier", ()), {"system": system, "value": tree["id"]}]}


class Door:
    """Workers of one server on one database. `apps`: as many as were asked for; all of them believe the same tokens."""

    def __init__(self, url: str, apps: list[ASGIApp], settings: Settings, clients: AsyncExitStack) -> None:
        self._url = url
        self._apps = apps
        self._settings = settings
        self._clients = clients
        known = registrations.signing_key(url, now())  # of another door to the same database
        self._key = known or SigningKey(*own_tokens.new_key(), now())
        if known is None:
            registrations.put_signing_key(url, self._key, overlap=0)

    async def keep(self, *trees: Tree) -> None:
        """Put each under its own id, as the server itself does: it sees and may do everything."""
        ranks = {type_: rank for rank, type_ in enumerate(_FIRST)}
        ordered = sorted(trees, key=lambda tree: ranks.get(tree["resourceType"], len(_FIRST)))
        entries = [entry("PUT", f"{tree['resourceType']}/{tree['id']}", tree) for tree in ordered]
        await self.load(encode(bundle("transaction", *entries)))

    async def load(self, body: bytes) -> None:
        """Perform a transaction as the server itself."""
        async with opened(self._settings) as engine:
            await engine.perform(Call(Action.BUNDLE, body=body))

    def bind(self, person: Key) -> None:
        """Give somebody an account with the issuer."""
        registrations.bind(self._url, registrations.Account(ISSUER, str(person), person, now()))

    async def by(self, caller: Caller, scope: str = "", *, worker: int = 0) -> httpx.AsyncClient:
        """A client with a token of this caller, whose base is `/fhir/`."""
        granted = scope or ("system/*.cruds" if caller.kind in {"system", "operator"} else "user/*.cruds")
        token = own_tokens.signed(
            caller,
            granted,
            own_tokens.key_of(self._key.jwk),
            issuer=own_tokens.issuer_of(self._settings.base_url),
            now=now(),
            demo=caller.client == "cordee-demo",
        )
        return await self.with_token(token, worker=worker)

    async def with_token(self, token: str, *, worker: int = 0) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(app=self._apps[worker], raise_app_exceptions=False)
        client = httpx.AsyncClient(
            transport=transport,
            base_url="http://test.example/fhir/",
            headers={"Authorization": f"Bearer {token}", **JSON},
            timeout=60,
        )
        return await self._clients.enter_async_context(client)


@asynccontextmanager
async def door(
    url: str, *, workers: int = 1, issuer: Issuer | None = None, **settings: Any
) -> AsyncIterator[Door]:
    """A server with `auth.mode=tokens` on a database that has our tables."""
    given = {
        "publish": "off",
        "auth": {"mode": "tokens", "issuers": [issuer.settings] if issuer else []},
        "limits": {"client_per_second": 0, "address_per_second": 0},
        **settings,
    }
    async with AsyncExitStack() as running:
        folder = running.enter_context(TemporaryDirectory())  # of the seals of the audit log
        made = Settings(**{"database": DatabaseSettings(url=url), "data_dir": Path(folder), **given})
        apps = []
        for _ in range(workers):
            apps.append(application(made))
            await running.enter_async_context(alive(apps[-1]))
        async with AsyncExitStack() as clients:
            yield Door(url, apps, made, clients)


def played(one: Player) -> Caller:
    """Somebody of the demonstration, as `cordee token --as` signs for."""
    return Caller(
        one.kind,
        subject=f"demo:{one.name}",
        client="cordee-demo",
        roles=one.roles,
        actors=tuple(filter(None, map(key_of, one.actors))),
        organisation=key_of(one.organisation),
        level=one.level,
        purpose=one.purpose,
    )


async def found(client: httpx.AsyncClient, address: str) -> set[str]:
    """`Type/id` of all that a search finds, on all its pages."""
    keys: set[str] = set()
    while address:
        answer = await client.get(address)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        keys |= {
            str(Key(one["resource"]["resourceType"], one["resource"]["id"])) for one in page.get("entry", ())
        }
        address = next((link["url"] for link in page["link"] if link["relation"] == "next"), "")
    return keys
