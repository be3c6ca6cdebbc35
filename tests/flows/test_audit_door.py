"""What happens at the door is traced: who came in, and who was turned away, known or not."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import httpx
import pytest
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
from tests.flows.traced import TEXT, Log
from tests.guarded import OPERATOR

pytestmark = pytest.mark.asyncio(loop_scope="session")


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


async def test_whoever_brings_no_good_token_is_traced_without_it(log: Log) -> None:
    good = await log.by(NURSE)
    bad = f"{good.headers['authorization'].partition(' ')[2][:-6]}AAAAAA"
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    async with door(log.url) as opened:
        client = await opened.with_token(bad)
        log.rows()

        answer = await client.get(
            "Observation?code=29463-7", headers={"traceparent": f"00-{trace}-00f067aa0ba902b7-01"}
        )
        [first] = await log.since()
        for _ in range(20):
            await client.get("Observation/weight")
        nobody = await client.get("Observation/weight", headers={"Authorization": "Basic bnVyc2U6c2VjcmV0"})
        [without] = await log.since()
    [rest] = await log.since()  # the minute, or the server, has ended

    assert (answer.status_code, nobody.status_code) == (401, 401)
    for one in (first, rest, without):
        assert (one.kind, one.event["outcome"]) == ("110122", "8")
        assert one.event["agent"][0]["who"] == {"display": "unknown"}
        assert one.event["agent"][0]["network"]["address"] == "127.0.0.1"
        for word in (bad, bad[:20], "bnVyc2U6c2VjcmV0", "29463", "weight"):
            assert word not in one.text
    assert first.event["outcomeDesc"] == rest.event["outcomeDesc"]
    assert first.event["outcomeDesc"] in answer.json()["issue"][0]["diagnostics"]
    assert {"value": trace} in [one.get("what", {}).get("identifier") for one in first.event["entity"]]
    assert rest.kept["count"] == 20
    assert rest.event["period"]["end"] >= rest.event["period"]["start"]


async def test_guesses_at_the_token_endpoint_are_few_traces_too(log: Log) -> None:
    async with door(log.url) as opened:
        client = await opened.by(NURSE)
        log.rows()
        for _ in range(20):
            assert (await _login(client, aud="https://elsewhere.example")).status_code == 401
        [first] = await log.since()
    [rest] = await log.since()

    assert first.event["outcomeDesc"] == rest.event["outcomeDesc"] == "invalid_client"
    assert rest.kept["count"] == 19


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
