"""What happens at the door is traced: who came in, and who was known and turned away."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
import pytest_asyncio
from joserfc import jwt
from joserfc.jwk import ECKey

from fhir_server.kernel.keys import Key
from fhir_server.kernel.times import now
from fhir_server.store import registrations
from fhir_server.store.credentials import Client
from fhir_server.web.token_endpoint import ASSERTION_TYPE
from tests.circles import (
    DIRECTORY,
    NURSE,
)
from tests.flows.callers import Issuer, door, numbered
from tests.flows.traced import TEXT, Log, logged
from tests.guarded import OPERATOR

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def server(
    databases: Any, migrated_template: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Log]:
    async with logged(databases, migrated_template, tmp_path_factory.mktemp("audit")) as opened:
        yield opened


@pytest.fixture
def log(server: Log) -> Log:
    server.rows()
    return server


KEY: Final = ECKey.generate_key("P-384", parameters={"kid": "1"})
TOKENS: Final = "http://test.example/fhir/auth/token"


async def _login(client: httpx.AsyncClient, **claims: Any) -> httpx.Response:
    moment = now() // 1_000_000
    told = {"iss": "dui", "sub": "dui", "aud": TOKENS, "iat": moment, "exp": moment + 200, "jti": str(now())}
    form = {
        "grant_type": "client_credentials",
        "scope": "system/Observation.rs",
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": jwt.encode(
            {"alg": "ES384", "kid": "1"}, {**told, **claims}, KEY, algorithms=["ES384"]
        ),
    }
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Authorization": ""}
    request = client.build_request("POST", "auth/token", data=form, headers=headers)
    del request.headers["Authorization"]
    return await client.send(request)


async def test_a_login_is_traced_and_so_is_one_that_is_refused(log: Log) -> None:
    public = {**KEY.as_dict(private=False)}
    dac = Key("Organization", "dac")
    registrations.add(
        log.url,
        Client("dui", "Le DUI", dac, ("infirmier",), ("COC",), (), "system/Observation.rs", "", (public,)),
        now(),
    )
    client = await log.by(NURSE)
    log.rows()

    issued = await _login(client)
    [trace] = await log.since()
    wrong = await _login(client, aud="https://elsewhere.example")
    [refused] = await log.since()

    assert issued.status_code == 200, issued.text
    assert (trace.kind, trace.event["outcome"], trace.who) == ("110122", "0", "Organization/dac")
    assert trace.event["purposeOfEvent"][0]["coding"][0]["code"] == "COC"
    assert issued.json()["access_token"] not in trace.text
    assert wrong.status_code == 401
    assert (refused.kind, refused.event["outcome"]) == ("110122", "8")
    assert refused.event["outcomeDesc"] == "invalid_client"
    assert refused.event["agent"][0]["who"] == {"display": "unknown"}


async def test_somebody_known_whose_level_is_too_low_is_traced_at_the_door(log: Log, tmp_path: Path) -> None:
    issuer = Issuer(tmp_path)
    strict = {"mode": "tokens", "issuers": [{**issuer.settings, "minimum_level": "eidas3"}]}
    async with door(log.url, auth=strict) as opened:
        client = await opened.with_token(issuer.token(NURSE))
        log.rows()

        answer = await client.get("Observation/weight")
        [trace] = await log.since()

    assert answer.status_code == 403
    assert (trace.kind, trace.event["outcome"]) == ("110122", "8")
    assert "eidas3" in trace.event["outcomeDesc"]
    assert TEXT not in trace.text


async def test_whoever_is_written_into_the_directory_is_known_at_once(log: Log, tmp_path: Path) -> None:
    """By the same worker, whatever it has remembered of a token."""
    issuer = Issuer(tmp_path)
    async with door(log.url, issuer=issuer) as opened:
        client = await opened.with_token(issuer.token(NURSE))
        assert (await client.get("Observation/weight")).status_code == 404
        directory = await opened.by(OPERATOR)
        for tree in DIRECTORY:
            if tree["id"] in {"nurse", "ssiad"}:
                await directory.put(f"{tree['resourceType']}/{tree['id']}", json=numbered(tree))

        assert (await client.get("Observation/weight")).status_code == 200
