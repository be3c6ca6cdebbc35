"""Tokens for client systems, asked for over HTTP of two workers on one database."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from functools import cache
from itertools import count
from typing import Any

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from fhir_server.kernel.counting import Rate
from fhir_server.kernel.errors import Unauthenticated, Unavailable
from fhir_server.kernel.keys import Key
from fhir_server.kernel.times import now
from fhir_server.settings import TokenSettings
from fhir_server.store import registrations
from fhir_server.store.credentials import Client, PostgresCredentials
from fhir_server.store.pipeline import Pipeline
from fhir_server.web.api import api_of
from fhir_server.web.client_keys import ClientKeys
from fhir_server.web.origin import Origin
from fhir_server.web.own_keys import OwnKeys
from fhir_server.web.public_documents import Document, Unfetchable
from fhir_server.web.smart import TokenAct, smart_configuration, smart_of, smart_router
from fhir_server.web.throttling import Lockout, Throttling
from fhir_server.web.token_endpoint import ASSERTION_TYPE, TokenEndpoint
from tests.databases import Databases

BASE = "http://test.example/fhir"
ENDPOINT = f"{BASE}/auth/token"
SSIAD = Key("Organization", "ssiad")
MSP = Key("Organization", "msp")
NEVER = Rate(0, 1)


@cache
def ec(kid: str = "ec") -> ECKey:
    return ECKey.generate_key("P-384", parameters={"kid": kid})


@cache
def rsa(kid: str = "rsa") -> RSAKey:
    return RSAKey.generate_key(2048, parameters={"kid": kid})


def public(*keys: ECKey | RSAKey) -> tuple[dict[str, Any], ...]:
    return tuple({**key.as_dict(private=False)} for key in keys)


DUI = Client(
    "dui",
    "Le DUI",
    SSIAD,
    ("infirmier",),
    ("TREAT", "COC"),
    (),
    "system/Observation.rs system/Patient.r",
    "",
    public(ec(), rsa()),
)


async def heard_nowhere(act: TokenAct) -> None:
    """A trace that nobody reads."""


class Worker:
    """One process of the server, as far as tokens go."""

    def __init__(self, credentials: PostgresCredentials, **options: Any) -> None:
        async def standing(organisation: Key) -> tuple[Key, ...]:
            return organisation, MSP

        async def ready() -> bool:
            return True

        async def published(url: str) -> Document:
            if self.published is None:
                raise Unfetchable("The address leads to a network that is not public")
            return Document(json.dumps({"keys": list(self.published)}).encode())

        async def hear(act: TokenAct) -> None:
            self.acts.append(act)
            if self.deaf:
                raise Unavailable("The trace cannot be written")

        self.published: tuple[dict[str, Any], ...] | None = None
        self.acts: list[TokenAct] = []
        self.deaf = False
        self.own = OwnKeys(lambda: credentials)
        endpoint = TokenEndpoint(
            lambda: credentials,
            self.own.current,
            ClientKeys(published),
            issuer=BASE,
            standing=standing,
            **options.pop("endpoint", {}),
        )
        throttling = options.pop("throttling", Throttling(NEVER, NEVER, Lockout(0, 60, 60)))
        router = smart_router(endpoint, throttling, origin=Origin(), heard=hear, **options)
        self.client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app=api_of(ready, [router])), base_url="http://test.example"
        )

    async def ask(self, assertion: str | None = None, **form: str) -> httpx.Response:
        """`client_credentials` with an assertion; `form` adds, changes, or with an empty value leaves out."""
        told = {
            "grant_type": "client_credentials",
            "scope": "system/Observation.rs",
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": signed() if assertion is None else assertion,
            **form,
        }
        return await self.client.post(
            "/fhir/auth/token", data={name: value for name, value in told.items() if value}
        )


_numbers = count()


def signed(key: ECKey | RSAKey | None = None, header: dict[str, Any] | None = None, **claims: Any) -> str:
    key = key or ec()
    moment = now() // 1_000_000
    told = {"iss": "dui", "sub": "dui", "aud": ENDPOINT, "iat": moment, "exp": moment + 200}
    told |= {"jti": f"number {next(_numbers)}", **claims}
    algorithm = "RS384" if isinstance(key, RSAKey) else "ES384"
    return jwt.encode({"alg": algorithm, "kid": key.kid, **(header or {})}, told, key, algorithms=[algorithm])


@pytest.fixture(scope="module")
def template(databases: Databases, migrated: str) -> Iterator[str]:
    """A database that knows a client; each test works on a copy."""
    url = databases.create(migrated)
    registrations.add(url, DUI, now())
    yield url
    databases.drop(url)


@pytest.fixture
def url(databases: Databases, template: str) -> Iterator[str]:
    url = databases.create(template)
    yield url
    databases.drop(url)


@pytest.fixture
async def credentials(url: str) -> AsyncIterator[list[PostgresCredentials]]:
    async with AsyncExitStack() as opened:
        found = []
        for _ in range(2):
            pipeline = await Pipeline.open(url)
            opened.push_async_callback(pipeline.close)
            found.append(PostgresCredentials(pipeline.run, pipeline.run))
        yield found


@pytest.fixture
def workers(credentials: list[PostgresCredentials]) -> list[Worker]:
    return [Worker(one) for one in credentials]


@pytest.fixture
def worker(workers: list[Worker]) -> Worker:
    return workers[0]


def refused(answer: httpx.Response) -> tuple[int, str]:
    body = answer.json()
    assert set(body) == {"error", "error_description"}
    assert answer.headers["cache-control"] == "no-store"
    return answer.status_code, body["error"]


@pytest.mark.parametrize("key", [ec(), rsa()], ids=["ES384", "RS384"])
async def test_a_client_that_proves_who_it_is_gets_a_token_for_five_minutes(
    workers: list[Worker], key: ECKey | RSAKey
) -> None:
    answer = await workers[0].ask(signed(key))

    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["pragma"] == "no-cache"
    body = answer.json()
    assert (body["token_type"], body["expires_in"], body["scope"]) == ("bearer", 300, "system/Observation.rs")
    caller, thumbprint = await workers[1].own.verified(body["access_token"], issuer=BASE, now=now())
    assert (caller.kind, caller.client, caller.roles, caller.purpose) == (
        "system",
        "dui",
        ("infirmier",),
        "TREAT",
    )
    assert caller.actors == (SSIAD, MSP, Key("class", "infirmier"))
    assert caller.organisation == SSIAD
    assert caller.grants is not None
    assert caller.grants.permits("Observation", "r")
    assert not caller.grants.permits("Patient", "r")
    assert thumbprint == ""


async def test_a_token_dies_with_its_time(worker: Worker) -> None:
    token = (await worker.ask()).json()["access_token"]

    with pytest.raises(Unauthenticated, match="expired"):
        await worker.own.verified(token, issuer=BASE, now=now() + 300_000_000)


async def test_an_assertion_is_used_once_whichever_worker_gets_it(workers: list[Worker]) -> None:
    assertion = signed()

    answers = await asyncio.gather(*(worker.ask(assertion) for _ in range(5) for worker in workers))

    assert sorted(answer.status_code for answer in answers) == [200] + [401] * 9
    assert {refused(answer) for answer in answers if answer.status_code != 200} == {(401, "invalid_client")}


async def test_a_request_that_is_refused_for_its_scope_does_not_spend_its_assertion(worker: Worker) -> None:
    assertion = signed()

    assert refused(await worker.ask(assertion, scope="system/Goal.r")) == (400, "invalid_scope")
    assert (await worker.ask(assertion)).status_code == 200


@pytest.mark.parametrize(
    ("asked", "got"),
    [
        ("system/*.rs", "system/Observation.rs system/Patient.r"),
        ("system/Observation.r user/Patient.r launch", "system/Observation.r"),
        ("system/Observation.read system/Patient.*", "system/Observation.rs system/Patient.r"),
        ("system/Observation.s?category=laboratory", "system/Observation.s?category=laboratory"),
    ],
)
async def test_a_client_gets_what_it_asks_for_and_may_have(worker: Worker, asked: str, got: str) -> None:
    assert (await worker.ask(scope=asked)).json()["scope"] == got


@pytest.mark.parametrize("scope", ["", "openid", "user/Observation.rs", "system/Observation.c", "a" * 5000])
async def test_a_client_that_may_have_nothing_of_it_gets_no_token(worker: Worker, scope: str) -> None:
    assert refused(await worker.ask(scope=scope)) == (400, "invalid_scope")


async def test_a_client_may_touch_the_types_of_its_registration_alone(worker: Worker, url: str) -> None:
    keys = public(ec("limited"))
    registrations.add(
        url, Client("limited", types=("Goal", "Task"), scopes="system/*.cruds", keys=keys), now()
    )

    answer = await worker.ask(signed(ec("limited"), iss="limited", sub="limited"), scope="system/*.rs")

    assert answer.json()["scope"] == "system/Goal.rs system/Task.rs"


async def test_an_operator_s_software_is_an_operator(worker: Worker, url: str) -> None:
    client = Client("tools", roles=("operateur",), scopes="system/*.cruds", keys=public(ec("tools")))
    registrations.add(url, client, now())

    token = (await worker.ask(signed(ec("tools"), iss="tools", sub="tools"))).json()["access_token"]

    assert (await worker.own.verified(token, issuer=BASE, now=now()))[0].kind == "operator"


@pytest.mark.parametrize(
    ("form", "refusal"),
    [
        ({"grant_type": ""}, (400, "unsupported_grant_type")),
        ({"grant_type": "authorization_code"}, (400, "unsupported_grant_type")),
        ({"grant_type": "password"}, (400, "unsupported_grant_type")),
        ({"client_assertion_type": ""}, (400, "invalid_request")),
        (
            {"client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"},
            (400, "invalid_request"),
        ),
        ({"client_assertion": ""}, (400, "invalid_request")),
        ({"client_assertion": "nonsense"}, (401, "invalid_client")),
        ({"client_id": "other"}, (400, "invalid_request")),
    ],
)
async def test_anything_else_is_refused_as_oauth_says(
    worker: Worker, form: dict[str, str], refusal: tuple[int, str]
) -> None:
    assert refused(await worker.ask(**form)) == refusal


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": BASE},
        {"aud": "https://other.example/fhir/auth/token"},
        {"sub": "other"},
        {"iss": "other", "sub": "other"},
        {"exp": 1},
        {"exp": 2**40 - 1},
        {"jti": ""},
    ],
)
async def test_an_assertion_that_proves_nothing_is_refused(worker: Worker, claims: dict[str, Any]) -> None:
    assert refused(await worker.ask(signed(**claims))) == (401, "invalid_client")


async def test_nobody_learns_which_clients_there_are(worker: Worker) -> None:
    unknown = await worker.ask(signed(iss="other", sub="other"))
    forged = await worker.ask(signed(ECKey.generate_key("P-384", parameters={"kid": "ec"})))

    assert unknown.content == forged.content
    assert unknown.status_code == forged.status_code == 401


async def test_a_revoked_client_gets_nothing_from_any_worker(workers: list[Worker], url: str) -> None:
    registrations.revoke(url, "dui", now())

    for worker in workers:
        assert refused(await worker.ask()) == (401, "invalid_client")


async def test_both_keys_are_believed_while_they_overlap(worker: Worker, url: str) -> None:
    registrations.rotate(url, "dui", public(ec("new")), "", now=now(), overlap=3_600_000_000)

    assert (await worker.ask(signed(ec("new")))).status_code == 200
    assert (await worker.ask(signed(ec()))).status_code == 200
    registrations.rotate(url, "dui", public(ec("newer")), "", now=now(), overlap=0)
    assert refused(await worker.ask(signed(ec("new")))) == (401, "invalid_client")
    assert (await worker.ask(signed(ec("newer")))).status_code == 200


async def test_a_client_whose_keys_cannot_be_fetched_gets_no_token(worker: Worker, url: str) -> None:
    client = Client("remote", scopes="system/*.rs", jwks_url="https://keys.example/jwks")
    registrations.add(url, client, now())

    answer = await worker.ask(signed(ec("remote"), iss="remote", sub="remote"))

    assert refused(answer) == (401, "invalid_client")
    assert "network" not in answer.text


async def test_published_keys_prove_who_a_client_is(workers: list[Worker], url: str) -> None:
    client = Client("remote", scopes="system/*.rs", jwks_url="https://keys.example/jwks")
    registrations.add(url, client, now())
    workers[1].published = public(ec("remote"))

    good = signed(ec("remote"), iss="remote", sub="remote")
    named = signed(ec("remote"), {"jku": "https://keys.example/jwks"}, iss="remote", sub="remote")
    other = signed(ec("remote"), {"jku": "https://evil.example/jwks"}, iss="remote", sub="remote")

    assert (await workers[1].ask(good)).status_code == 200
    assert (await workers[1].ask(named)).status_code == 200
    assert refused(await workers[1].ask(other)) == (401, "invalid_client")


async def test_as_it_is_built_the_server_fetches_keys_from_hosts_inside_that_it_is_told_to_trust_alone(
    credentials: list[PostgresCredentials], url: str
) -> None:
    body = json.dumps({"keys": list(public(ec("remote")))}).encode()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
        await writer.drain()
        writer.close()

    async def asked(private_hosts: tuple[str, ...]) -> httpx.Response:
        worker = Worker(credentials[0])
        settings = TokenSettings(seconds=60, private_hosts=private_hosts)
        throttling = Throttling(NEVER, NEVER, Lockout(0, 1, 1))
        worker.own, router = smart_of(
            lambda: credentials[0], settings, BASE, throttling, origin=Origin(BASE), standing=alone
        )
        worker.client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app=api_of(is_ready, [router])), base_url="http://elsewhere.example"
        )
        return await worker.ask(signed(ec("remote"), iss="remote", sub="remote"))

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with listening:
        place = f"127.0.0.1:{listening.sockets[0].getsockname()[1]}"
        client = Client("remote", scopes="system/*.rs", jwks_url=f"http://{place}/jwks")
        registrations.add(url, client, now())

        assert refused(await asked(())) == (401, "invalid_client")
        good = await asked((place,))

    assert (good.status_code, good.json()["expires_in"]) == (200, 60)


async def is_ready() -> bool:
    return True


async def alone(organisation: Key) -> tuple[Key, ...]:
    return (organisation,)


async def test_a_client_says_for_what_it_acts_among_what_it_may(worker: Worker) -> None:
    good = await worker.ask(signed(purpose_of_use="COC"))
    bad = await worker.ask(signed(purpose_of_use="HMARKT"))

    caller, _ = await worker.own.verified(good.json()["access_token"], issuer=BASE, now=now())
    assert caller.purpose == "COC"
    assert refused(bad) == (400, "invalid_request")


async def test_a_token_is_bound_to_the_certificate_that_its_client_showed(
    credentials: list[PostgresCredentials],
) -> None:
    worker = Worker(credentials[0], thumbprint_of=lambda scope, headers: "a thumbprint")

    token = (await worker.ask()).json()["access_token"]

    assert (await worker.own.verified(token, issuer=BASE, now=now()))[1] == "a thumbprint"


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({"content-type": "application/json"}, b"{}"),
        ({}, b""),
        ({"content-type": "application/x-www-form-urlencoded"}, b"nonsense"),
        ({"content-type": "application/x-www-form-urlencoded"}, b"a=\xff"),
        ({"content-type": "application/x-www-form-urlencoded"}, b"scope=a&scope=b"),
        ({"content-type": "application/x-www-form-urlencoded"}, b"a=b&" * 100),
        ({"content-type": "application/x-www-form-urlencoded"}, b"a=" + b"b" * 70_000),
        ({"content-type": "application/x-www-form-urlencoded", "authorization": "Basic YTpi"}, b"a=b"),
    ],
)
async def test_what_is_no_form_is_refused(worker: Worker, headers: dict[str, str], body: bytes) -> None:
    answer = await worker.client.post("/fhir/auth/token", headers=headers, content=body)

    assert refused(answer) == (400, "invalid_request")


async def test_a_token_is_asked_for_by_post(worker: Worker) -> None:
    assert (await worker.client.get("/fhir/auth/token")).status_code == 405


async def test_who_guesses_is_not_listened_to(credentials: list[PostgresCredentials]) -> None:
    worker = Worker(credentials[0], throttling=Throttling(NEVER, NEVER, Lockout(3, 60, 60)))

    guesses = [await worker.ask(signed(iss=f"guess {number}")) for number in range(4)]
    answer = await worker.ask()

    assert [guess.status_code for guess in guesses] == [401, 401, 401, 429]
    assert refused(answer) == (429, "temporarily_unavailable")
    assert 0 < int(answer.headers["retry-after"]) <= 60


async def test_a_client_that_asks_for_the_wrong_scope_does_not_guess(
    credentials: list[PostgresCredentials],
) -> None:
    worker = Worker(credentials[0], throttling=Throttling(NEVER, NEVER, Lockout(1, 60, 60)))

    for _ in range(3):
        assert refused(await worker.ask(scope="system/Goal.r")) == (400, "invalid_scope")


async def test_a_client_gets_a_number_of_tokens_at_a_time(credentials: list[PostgresCredentials]) -> None:
    worker = Worker(credentials[0], throttling=Throttling(NEVER, Rate(0.01, 2), Lockout(0, 60, 60)))

    answers = [await worker.ask() for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 429]


async def test_every_request_is_told_to_the_trace_before_the_client_has_its_token(worker: Worker) -> None:
    await worker.ask()
    await worker.ask("nonsense")

    issued, refusal = worker.acts
    assert issued.issued is not None
    assert issued.issued.caller.client == "dui"
    assert issued.address == "127.0.0.1"
    assert (refusal.issued, refusal.reason) == (None, "invalid_client")
    worker.deaf = True
    assert refused(await worker.ask()) == (503, "temporarily_unavailable")
    assert refused(await worker.ask("nonsense")) == (503, "temporarily_unavailable")


async def test_while_the_server_starts_a_client_is_told_to_come_again(
    credentials: list[PostgresCredentials],
) -> None:
    worker = Worker(credentials[0])

    def starting() -> PostgresCredentials:
        raise Unavailable("The server is starting")

    endpoint = TokenEndpoint(starting, worker.own.current, ClientKeys(unpublished), issuer=BASE)

    async def ready() -> bool:
        return False

    router = smart_router(
        endpoint, Throttling(NEVER, NEVER, Lockout(0, 1, 1)), origin=Origin(), heard=heard_nowhere
    )
    worker.client = httpx.AsyncClient(
        transport=httpx.ASGITransport(app=api_of(ready, [router])), base_url="http://test.example"
    )
    answer = await worker.ask()
    assert refused(answer) == (503, "temporarily_unavailable")
    assert answer.headers["retry-after"] == "1"


async def unpublished(url: str) -> Document:
    raise Unfetchable("Nobody publishes here")


@pytest.mark.parametrize(
    "path", ["/fhir/.well-known/smart-configuration", "/.well-known/smart-configuration"]
)
async def test_clients_are_told_where_tokens_are(credentials: list[PostgresCredentials], path: str) -> None:
    worker = Worker(
        credentials[0],
        authorization_endpoint="https://login.example/authorize",
        issuer="https://login.example",
    )

    answer = await worker.client.get(path)

    body = answer.json()
    assert body["token_endpoint"] == ENDPOINT
    assert body["authorization_endpoint"] == "https://login.example/authorize"
    assert body["token_endpoint_auth_methods_supported"] == ["private_key_jwt"]
    assert body["token_endpoint_auth_signing_alg_values_supported"] == ["RS384", "ES384"]
    assert {"client-confidential-asymmetric", "permission-v1", "permission-v2"} <= set(body["capabilities"])
    assert answer.headers["access-control-allow-origin"] == "*"


def test_a_server_where_nobody_logs_in_says_nothing_of_it() -> None:
    assert "authorization_endpoint" not in smart_configuration(BASE)


async def test_a_host_that_is_none_is_refused(worker: Worker) -> None:
    answer = await worker.client.post("/fhir/auth/token", headers={"host": "a b"})

    assert refused(answer) == (400, "invalid_request")
