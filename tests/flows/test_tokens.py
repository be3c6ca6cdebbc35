"""Tokens over HTTP, at two workers of one server: which are believed, which are not, and in which words that is said.

https://www.rfc-editor.org/rfc/rfc6750#section-3 · https://www.rfc-editor.org/rfc/rfc8725
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import count
from typing import Any, Final

import httpx
import pytest
import pytest_asyncio
from joserfc import jwt
from joserfc.jwk import ECKey

from fhir_server.access import own_tokens
from fhir_server.access.caller import Caller
from fhir_server.kernel.times import now
from fhir_server.store import registrations
from fhir_server.store.credentials import Client
from fhir_server.web.token_endpoint import ASSERTION_TYPE
from tests.flows.asking import issue_of
from tests.flows.callers import Door, door
from tests.simulators.psc import (
    CLIENT_ID,
    CLIENT_SECRET,
    SOFTWARE,
    Simulator,
    activity,
    exercise,
    new_key,
    served,
    signed_with_the_public_key,
    unsigned,
    userinfo,
)

pytestmark = pytest.mark.asyncio(loop_scope="session")

WORKERS: Final = (0, 1)
KEY: Final = ECKey.generate_key("P-384", parameters={"kid": "ec"})
DUI: Final = Client("dui", scopes="system/Patient.rs", keys=({**KEY.as_dict(private=False)},))
TWO: Final = userinfo(
    "899700000038",
    exercise("60", activity("R10000000000021"), activity("R10000000000038", finess="750000038")),
)
_numbers = count()


@asynccontextmanager
async def believing(
    databases: Any, template: str, **changed: Any
) -> AsyncIterator[tuple[Door, Simulator, str]]:
    """A server of two workers that believes a Pro Santé Connect of loopback, and its own tokens; and its database."""
    url = databases.create(template)
    with served(Simulator()) as psc:
        issuer = {
            "issuer": psc.issuer,
            "kind": "psc",
            "jwks_url": psc.url("certs"),
            "introspection_url": psc.url("token/introspect"),
            "userinfo_url": psc.url("userinfo"),
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "azp": [SOFTWARE],
            **changed,
        }
        registrations.add(url, DUI, now())
        async with door(url, workers=2, auth={"mode": "tokens", "issuers": [issuer]}) as opened:
            yield opened, psc, url
    databases.drop(url)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def world(databases: Any, migrated: str) -> AsyncIterator[tuple[Door, Simulator, str]]:
    async with believing(databases, migrated) as opened:
        yield opened


async def asked(server: Door, token: str, **headers: str) -> list[httpx.Response]:
    """What each worker says to a search with this token."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return [
        await (await server.with_token(token, worker=one)).get("Patient", headers=named) for one in WORKERS
    ]


def seconds(later: int) -> int:
    return int(time.time()) + later


async def test_a_token_of_pro_sante_connect_is_believed_by_each_worker(
    world: tuple[Door, Simulator, str],
) -> None:
    server, psc, _ = world

    assert [answer.status_code for answer in await asked(server, psc.token())] == [200, 200]


WRONG: Final[dict[str, Callable[[Simulator], str]]] = {
    "azp": lambda psc: psc.token(azp="another"),
    "no azp": lambda psc: psc.token(azp=None),
    "issuer": lambda psc: psc.token(iss="https://elsewhere.example"),
    "signature": lambda psc: psc.token(key=new_key(str(psc.keys[0].kid))),
    "no signature": lambda psc: psc.token().rpartition(".")[0] + ".",
    "algorithm none": lambda psc: unsigned(psc.claims()),
    "HS256 with the public key": lambda psc: signed_with_the_public_key(psc.claims(), psc.keys[0]),
    "expired": lambda psc: psc.token(exp=seconds(-70)),
    "no end": lambda psc: psc.token(exp=None),
    "future": lambda psc: psc.token(nbf=seconds(90)),
    "issued in the future": lambda psc: psc.token(iat=seconds(90), exp=seconds(150)),
    "unknown kid": lambda psc: psc.token(key=new_key("key-99")),
    "an ID token": lambda psc: psc.token(typ="ID"),
    "opaque": lambda psc: psc.opaque(),
}


@pytest.mark.parametrize("wrong", WRONG)
async def test_a_token_that_is_not_right_is_401_with_a_challenge(
    world: tuple[Door, Simulator, str], wrong: str
) -> None:
    server, psc, _ = world
    token = WRONG[wrong](psc)

    for answer in await asked(server, token):
        issue_of(answer, 401)
        (challenge,) = answer.headers.get_list("www-authenticate")
        assert challenge.startswith('Bearer realm="fhir", error="invalid_token", error_description="')
        assert token not in answer.text


async def test_a_token_for_somebody_else_is_401(databases: Any, migrated: str) -> None:
    async with believing(databases, migrated, audience=["https://fhir.example/fhir"]) as (
        server,
        psc,
        _,
    ):
        other = await asked(server, psc.token(aud="https://other.example/fhir"))
        ours = await asked(server, psc.token(aud=["https://fhir.example/fhir", "x"]))

    assert [answer.status_code for answer in (*other, *ours)] == [401, 401, 200, 200]


@pytest.mark.parametrize("level", [None, "eidas0", "", "gold"])
async def test_a_level_too_low_or_absent_is_403(
    world: tuple[Door, Simulator, str], level: str | None
) -> None:
    server, psc, _ = world

    for answer in await asked(server, psc.token(acr=level)):
        issue_of(answer, 403, "forbidden")
        told = answer.headers["www-authenticate"]
        assert told.startswith('Bearer realm="fhir", error="insufficient_user_authentication"')
        assert told.endswith(', acr_values="eidas1 eidas2 eidas3"')  # RFC 9470


async def test_a_level_is_asked_for_in_the_words_of_the_issuer(databases: Any, migrated: str) -> None:
    names = {"loa-2": "eidas2", "loa-3": "eidas3"}
    async with believing(databases, migrated, minimum_level="eidas2", levels=names) as (server, psc, _):
        for answer in await asked(server, psc.token(acr="eidas1")):
            assert answer.status_code == 403
            assert 'acr_values="loa-2 loa-3"' in answer.headers["www-authenticate"]


async def test_of_several_practices_one_is_to_be_named(world: tuple[Door, Simulator, str]) -> None:
    server, psc, _ = world
    token = psc.token(TWO)

    for answer in await asked(server, token):
        issue_of(answer, 403)
        choices = [issue["diagnostics"] for issue in answer.json()["issue"][1:]]
        assert choices == ["X-Cordee-Practice: 60-R10000000000021", "X-Cordee-Practice: 60-R10000000000038"]
    for practice, status in (("60-R10000000000038", 200), ("750000038", 200), ("R10000000000099", 403)):
        answers = await asked(server, token, X_Cordee_Practice=practice)
        assert [answer.status_code for answer in answers] == [status] * 2


async def test_while_pro_sante_connect_is_away_new_tokens_are_503_and_known_ones_good(
    databases: Any, migrated: str
) -> None:
    async with believing(databases, migrated) as (server, psc, _):
        known = psc.token()
        await asked(server, known)
        psc.broken["token/introspect"] = 500
        answers = [*await asked(server, psc.token()), *await asked(server, known)]

    assert [answer.status_code for answer in answers] == [503, 503, 200, 200]
    issue_of(answers[0], 503, "transient")


# ------------------------------------------------------------------------------------------- tokens of our own


def assertion(**claims: Any) -> str:
    told = {
        "iss": "dui",
        "sub": "dui",
        "aud": "http://test.example/fhir/auth/token",
        "iat": seconds(0),
        "exp": seconds(200),
        "jti": f"number {next(_numbers)}",
        **claims,
    }
    return jwt.encode({"alg": "ES384", "kid": "ec"}, told, KEY, algorithms=["ES384"])


async def token_for(server: Door, signed: str, worker: int = 0) -> httpx.Response:
    client = await server.with_token("", worker=worker)
    del client.headers["authorization"]
    form = {
        "grant_type": "client_credentials",
        "scope": "system/Patient.rs",
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": signed,
    }
    del client.headers["content-type"]
    return await client.post("auth/token", data=form)


async def test_an_assertion_is_good_once_at_one_of_the_workers(world: tuple[Door, Simulator, str]) -> None:
    server, _, _ = world
    signed = assertion()

    answers = await asyncio.gather(*(token_for(server, signed, one) for _ in range(4) for one in WORKERS))
    later = [await token_for(server, signed, one) for one in WORKERS]

    assert sorted(answer.status_code for answer in answers) == [200] + [401] * 7
    assert [(answer.status_code, answer.json()["error"]) for answer in later] == [(401, "invalid_client")] * 2
    assert all(answer.headers["cache-control"] == "no-store" for answer in answers)


async def test_what_one_worker_gave_each_believes_for_what_was_granted(
    world: tuple[Door, Simulator, str],
) -> None:
    server, _, _ = world

    token = (await token_for(server, assertion(), worker=1)).json()["access_token"]

    for one in WORKERS:
        client = await server.with_token(token, worker=one)
        assert (await client.get("Patient")).status_code == 200
        issue_of(await client.get("Observation"), 403, "forbidden")
        issue_of(await client.post("Patient", json={"resourceType": "Patient"}), 403, "forbidden")


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "https://other.example/fhir/auth/token"},
        {"aud": "http://test.example/fhir"},
        {"iss": "other", "sub": "other"},
        {"sub": "other"},
        {"exp": 1},
        {"exp": 2**40},  # longer than five minutes
        {"jti": ""},
    ],
    ids=str,
)
async def test_an_assertion_that_proves_nothing_gets_no_token(
    world: tuple[Door, Simulator, str], claims: dict[str, Any]
) -> None:
    for one in WORKERS:
        answer = await token_for(world[0], assertion(**claims), one)

        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


SYSTEM: Final = Caller("system", subject="dui", client="dui", roles=("infirmier",))


def ours(key: Any, issuer: str = "urn:cordee", later: int = 0) -> str:
    moment = now() + later * 1_000_000
    return own_tokens.signed(SYSTEM, "system/*.rs", key, issuer=issuer, now=moment)


async def test_tokens_like_ours_that_we_did_not_sign_are_401(world: tuple[Door, Simulator, str]) -> None:
    server, _, url = world
    key = registrations.signing_key(url, now())
    assert key is not None
    right, wrong = own_tokens.key_of(key.jwk), own_tokens.key_of(own_tokens.new_key()[1])
    name, jwk = own_tokens.new_key()
    same_name = own_tokens.key_of(jwk.replace(name, key.kid))
    head, body, signature = ours(right).split(".")
    demo = own_tokens.signed(SYSTEM, "system/*.rs", right, issuer="urn:cordee", now=now(), demo=True)
    tokens = {
        "another key": ours(wrong),
        "another issuer": ours(right, "urn:other"),
        "expired": ours(right, later=-400),
        "no signature": f"{head}.{body}.",
        "another body": f"{head}.{ours(right, later=1).split('.')[1]}.{signature}",
        "of the demonstration": demo,
        "same name": ours(same_name),
    }

    assert [answer.status_code for answer in await asked(server, ours(right))] == [200, 200]
    for what, token in tokens.items():
        for answer in await asked(server, token):
            assert answer.status_code == 401, what
            assert 'error="invalid_token"' in answer.headers["www-authenticate"], what


async def test_a_client_that_was_revoked_gets_no_token_from_any_worker(databases: Any, migrated: str) -> None:
    async with believing(databases, migrated) as (server, _, url):
        before = [(await token_for(server, assertion(), one)).status_code for one in WORKERS]
        registrations.revoke(url, "dui", now())
        after = [(await token_for(server, assertion(), one)).status_code for one in WORKERS]

    assert (before, after) == ([200, 200], [401, 401])
