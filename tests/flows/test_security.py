"""What somebody meets who has no token, and what no answer tells: headers, failures, logs.

docs/security.md says what is shown here and what elsewhere. https://owasp.org/API-Security/editions/2023/en/0x11-t10/
"""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from io import StringIO
from typing import Any, Final

import httpx
import psycopg
import pytest
import pytest_asyncio

from fhir_server.kernel.logs import JsonLines
from tests.flows.asking import FHIR_XML, bundle, entry, issue_of, observation
from tests.flows.attacking import (
    FORM,
    INSIDE,
    demonstration,
    of_the_cast,
    token_form,
    unknown,
)
from tests.flows.callers import JSON, Door, door

pytestmark = pytest.mark.asyncio(loop_scope="session")

APP: Final = "https://app.example"
HIDDEN: Final = "Observation/payet-tension-1"
ABSENT: Final = "Observation/payet-tension-0"


# One address of each kind that FHIR REST has, and a method that works on it.
ROUTES: Final = [
    ("GET", ""),
    ("POST", ""),
    ("GET", "_history"),
    ("GET", "Patient"),
    ("HEAD", "Patient"),
    ("POST", "Patient"),
    ("PUT", "Patient?identifier=1"),
    ("PATCH", "Patient?identifier=1"),
    ("DELETE", "Patient?identifier=1"),
    ("POST", "Patient/_search"),
    ("GET", "Patient/_history"),
    ("GET", "Patient/payet"),
    ("HEAD", "Patient/payet"),
    ("PUT", "Patient/payet"),
    ("PATCH", "Patient/payet"),
    ("DELETE", "Patient/payet"),
    ("GET", "Patient/payet/_history"),
    ("GET", "Patient/payet/_history/1"),
    ("GET", "Patient/payet/Observation"),
    ("GET", "Patient/payet/*"),
    ("GET", "Patient/payet/$everything"),
    ("POST", "Patient/$validate"),
    ("POST", "$fhirpath"),
    ("GET", "$meta"),
    ("GET", "Binary/payet-synthese"),
    ("GET", "AuditEvent"),
    ("GET", "StructureDefinition"),
    ("GET", "ValueSet/$expand?url=urn:x"),
]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def shown(databases: Any, migrated: str) -> AsyncIterator[Door]:
    async with demonstration(databases, migrated, cors_origins=[APP]) as (opened, _):
        yield opened


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def nobody(shown: Door) -> httpx.AsyncClient:
    """Somebody without a token."""
    return await unknown(shown)


@pytest.fixture
def logged() -> Iterator[Callable[[], str]]:
    """What a worker would have logged at its most talkative."""
    stream = StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    root, client = logging.getLogger(), logging.getLogger("httpx")
    levels = root.level, client.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    client.setLevel(logging.WARNING)  # the client of the test
    yield stream.getvalue
    root.removeHandler(handler)
    root.setLevel(levels[0])
    client.setLevel(levels[1])


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_without_a_token_there_is_nothing(nobody: httpx.AsyncClient, method: str, path: str) -> None:
    answer = await nobody.request(method, path, content=b"{}" if method in {"POST", "PUT", "PATCH"} else None)

    assert answer.status_code == 401
    assert answer.headers.get_list("www-authenticate") == ['Bearer realm="fhir"']
    if method != "HEAD":
        assert issue_of(answer, 401, "login")


@pytest.mark.parametrize(
    "address",
    [
        "/",
        "/healthz",
        "/readyz",
        "/fhir/metadata",
        "/.well-known/smart-configuration",
        "/fhir/.well-known/smart-configuration",
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_what_anybody_may_ask_has_no_data(nobody: httpx.AsyncClient, method: str, address: str) -> None:
    answer = await nobody.request(method, f"http://test.example{address}")

    assert answer.status_code in {200, 405 if "smart" in address else 200}
    assert "ayet" not in answer.text


async def test_options_are_the_methods_of_an_address_and_nothing_of_what_is_there(
    nobody: httpx.AsyncClient,
) -> None:
    there, absent = await nobody.options(HIDDEN), await nobody.options(ABSENT)

    assert there.status_code == absent.status_code == 204
    assert there.headers["allow"] == absent.headers["allow"]
    assert there.content == b""


async def test_a_body_is_not_read_from_somebody_without_a_token(nobody: httpx.AsyncClient) -> None:
    async def endless() -> AsyncIterator[bytes]:
        pytest.fail("the body was read")
        yield b""

    for path, kind in (("Patient/_search", FORM), ("Patient", JSON), ("", JSON), ("Patient/$validate", JSON)):
        assert (await nobody.post(path, content=endless(), headers=kind)).status_code == 401


@pytest.mark.parametrize(
    ("authorization", "error"),
    [
        ("Basic dXNlcjpzZWNyZXQ=", ""),
        ("Bearer", ""),
        ("bearer nonsense", "invalid_token"),
        ("Bearer a.b.c", "invalid_token"),
        ("Bearer ..", "invalid_token"),
        ("Bearer one two", "invalid_token"),
        ("Bearer " + "a" * 20_000, "invalid_token"),
        ("Bearer eyJhbGciOiJub25lIn0.e30.", "invalid_token"),
    ],
)
async def test_a_bad_token_is_challenged_and_not_repeated(
    nobody: httpx.AsyncClient, authorization: str, error: str
) -> None:
    answer = await nobody.get("Patient", headers={"Authorization": authorization})

    issue_of(answer, 401)
    (challenge,) = answer.headers.get_list("www-authenticate")
    assert (f'error="{error}"' in challenge) if error else (challenge == 'Bearer realm="fhir"')
    assert len(challenge) < 300
    for word in authorization.split()[1:]:
        assert word not in answer.text + challenge or len(word) < 4


async def test_a_token_in_the_address_or_in_a_form_is_none(shown: Door, nobody: httpx.AsyncClient) -> None:
    token = (await of_the_cast(shown, "infirmier")).headers["authorization"].partition(" ")[2]

    assert (await nobody.get(f"Patient?access_token={token}")).status_code == 401
    posted = await nobody.post("Patient/_search", content=f"access_token={token}", headers=FORM)
    assert posted.status_code == 401


async def answers_of_every_kind(shown: Door) -> list[httpx.Response]:
    """Good ones and refused ones, of FHIR and of what stands beside it."""
    root = "http://test.example"
    nobody, nurse = await unknown(shown), await of_the_cast(shown, "infirmier")
    reader = await of_the_cast(shown, "infirmier", "user/Patient.rs")
    return [
        *[
            await nobody.get(f"{root}{path}")
            for path in ("/", "/healthz", "/readyz", "/no", "/fhirx", "/docs")
        ],
        await nobody.post(f"{root}/healthz"),
        await nobody.get(f"{root}/healthz/"),
        await nobody.get(f"{root}/fhir/.well-known/smart-configuration"),
        await nobody.get(f"{root}/fhir/auth/token"),
        await nobody.post(f"{root}/fhir/auth/token"),
        await nobody.get("metadata"),
        await nobody.get("Patient"),
        await nobody.options("Patient"),
        await nobody.get("Shoe"),
        await nurse.get("Patient/payet"),
        await nurse.head("Patient/payet"),
        await nurse.get("Patient/payet", headers={"If-None-Match": 'W/"1"'}),
        await nurse.get("Binary/payet-synthese", headers={"Accept": "*/*"}),
        await nurse.get("Patient/nobody"),
        await nurse.get("Patient?birthdate=x"),
        await nurse.post("Patient/payet"),
        await nurse.get("Patient", headers={"Accept": "text/turtle"}),
        await nurse.post("Patient", content=b"{}", headers={"Content-Type": "text/plain"}),
        await nurse.post("Patient", content=b"{"),
        await reader.get("Observation"),
    ]


async def test_every_answer_has_the_headers_that_keep_browsers_from_harm(shown: Door) -> None:
    answers = await answers_of_every_kind(shown)

    assert {200, 204, 304, 400, 401, 403, 404, 405, 406, 415} <= {answer.status_code for answer in answers}
    for answer in answers:
        told = answer.headers
        assert told.get_list("x-content-type-options") == ["nosniff"], answer.url
        assert {"default-src 'none'", "sandbox"} <= set(told["content-security-policy"].split("; "))
        assert (told["x-frame-options"], told["referrer-policy"]) == ("DENY", "no-referrer")
        assert not {"server", "x-powered-by", "set-cookie", "access-control-allow-credentials"} & set(told)
        assert answer.status_code != 307


async def test_nothing_that_is_answered_to_a_caller_is_kept_by_a_cache(shown: Door) -> None:
    for answer in await answers_of_every_kind(shown):
        public = "smart-configuration" in str(answer.url) and answer.status_code == 200
        assert answer.headers.get_list("cache-control") == ["public, max-age=300" if public else "no-store"]


async def test_whoever_keeps_a_version_asks_with_its_etag_whatever_caches_do(
    nurse: httpx.AsyncClient,
) -> None:
    kept = await nurse.get("Patient/payet")

    again = await nurse.get("Patient/payet", headers={"If-None-Match": kept.headers["etag"]})

    assert (again.status_code, again.content) == (304, b"")


async def test_a_server_of_https_is_not_asked_by_http_again(databases: Any, migrated: str) -> None:
    url = databases.create(migrated)
    async with door(url, base_url="https://fhir.example.org/fhir") as opened:
        client = await unknown(opened)
        answers = [await client.get(path) for path in ("metadata", "Patient", "http://test.example/no")]
    databases.drop(url)

    assert {answer.headers["strict-transport-security"] for answer in answers} == {"max-age=31536000"}


async def test_pages_of_origins_that_are_listed_may_call_and_no_others(
    nobody: httpx.AsyncClient, nurse: httpx.AsyncClient
) -> None:
    asks = {"Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "authorization"}

    preflight = await nobody.options("Patient/payet", headers={"Origin": APP, **asks})
    answers = [
        await nurse.get("Patient/payet", headers={"Origin": APP}),
        await nobody.get("Patient/payet", headers={"Origin": APP}),
    ]
    foreign = [
        await client.request(method, "Patient/payet", headers={"Origin": origin, **asks})
        for origin in (
            "https://evil.example",
            "null",
            f"{APP}.evil.example",
            "http://app.example",
            APP.upper(),
        )
        for client, method in ((nobody, "OPTIONS"), (nurse, "GET"))
    ]

    allowed = {name.strip().lower() for name in preflight.headers["access-control-allow-headers"].split(",")}
    assert {"authorization", "x-cordee-practice", "content-type", "if-match"} <= allowed
    for answer in (preflight, *answers):
        assert answer.headers["access-control-allow-origin"] == APP
        assert "Origin" in answer.headers["vary"]
    for answer in answers:
        exposed = {name.strip() for name in answer.headers["access-control-expose-headers"].split(",")}
        assert {"WWW-Authenticate", "ETag", "Location", "Retry-After"} <= exposed
    for answer in foreign:
        assert not [name for name in answer.headers if name.startswith("access-control-")]


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "PROPFIND", "GET ", "X" * 50])
async def test_methods_that_are_none_of_fhir_do_nothing(nurse: httpx.AsyncClient, method: str) -> None:
    answer = await nurse.request(method, "Patient/payet")

    issue_of(answer, 405, "not-supported")


async def test_a_defect_tells_nobody_of_the_inside(
    databases: Any, migrated: str, logged: Callable[[], str]
) -> None:
    async with demonstration(databases, migrated) as (opened, url):
        nurse = await of_the_cast(opened, "infirmier")
        client = await unknown(opened)
        await nurse.get("Patient/payet")
        with psycopg.connect(url, autocommit=True) as connection:
            for table in ("resource", "client", "access"):
                connection.execute(f"alter table {table} rename to {table}_away")
        before = len(logged())
        answers = [
            await nurse.get("Patient/payet"),
            await nurse.get("Patient?name=Payet"),
            await nurse.get("Patient/payet/$everything"),
            await nurse.post("", json=bundle("batch", entry("GET", "Patient/payet"))),
            await nurse.post("Observation", json=observation("Patient/payet")),
            await nurse.get("Patient/payet", headers={"Accept": "application/fhir+xml"}),
            await client.post("auth/token", content=b"grant_type=client_credentials", headers=FORM),
            await client.post("auth/token", content=token_form(), headers=FORM),
        ]
        said = logged()[before:]
        with psycopg.connect(url, autocommit=True) as connection:
            for table in ("resource", "client", "access"):
                connection.execute(f"alter table {table}_away rename to {table}")

    assert [answer.status_code for answer in answers][:3] == [500, 500, 500]
    for answer in answers:
        told = answer.text + str(dict(answer.headers))
        assert [word for word in INSIDE if word in told] == [], told
        if answer.status_code == 500 and "fhir" in answer.headers["content-type"]:
            assert answer.headers["x-request-id"] in answer.text
            assert answer.headers["x-request-id"] in said
    assert "(42P01)" in said
    assert "ayet" not in said


SECRET: Final = "Zéphirine-7f3"


async def test_no_log_has_a_token_or_a_word_of_a_person(shown: Door, logged: Callable[[], str]) -> None:
    nurse = await of_the_cast(shown, "infirmier")
    token = nurse.headers["authorization"].partition(" ")[2]
    guessing = await shown.with_token(f"{token[:-6]}AAAAAA")
    tree = observation("Patient/payet", note=[{"text": SECRET}])
    expression = {"resourceType": "Parameters", "parameter": [
        {"name": "expression", "valueString": f"'{SECRET}'.toInteger() / 0 + '{SECRET}'"},
        {"name": "resource", "resource": tree},
    ]}  # fmt: skip
    answers = [
        await nurse.post("Observation", json=tree),
        await nurse.post("Observation", json={**tree, "status": SECRET, SECRET: SECRET}),
        await nurse.post("Observation", content=f'{{"resourceType":"Observation","{SECRET}'.encode()),
        await nurse.post("Observation", content=f"<{SECRET}>".encode(), headers=FHIR_XML),
        await nurse.post("Binary", content=SECRET.encode(), headers={"Content-Type": "text/plain"}),
        await nurse.get("Patient", params={"name": SECRET, "birthdate": SECRET}),
        await nurse.get("Patient", params={"_filter": f"name eq {SECRET}", "_sort": SECRET}),
        await nurse.post("Patient/_search", data={"name": SECRET}, headers=FORM),
        await nurse.get(f"Patient/{SECRET}"),
        await nurse.put("Observation", params={"identifier": SECRET}, json=tree),
        await nurse.post("Observation", json=tree, headers={"If-None-Exist": "identifier=Zephirine-7f3"}),
        await nurse.post("", json=bundle("transaction", entry("PUT", f"Observation?identifier={SECRET}", tree))),
        await nurse.post("$fhirpath", json=expression),
        await nurse.get("Patient", headers={"X-Cordee-Practice": "Zephirine-7f3", "Referer": "http://x/Zephirine-7f3"}),
        await nurse.get("Shoe", headers={"X-Request-Id": "Zephirine-7f3", "X-Correlation-Id": "Zephirine-7f3"}),
        await guessing.get("Patient"),
        await guessing.post("auth/token", content=token_form(), headers=FORM),
    ]  # fmt: skip
    said = logged()

    assert {answer.status_code for answer in answers} >= {200, 201, 400, 401, 422}
    assert all(answer.status_code < 500 for answer in answers)
    for line in said.splitlines():
        assert json.loads(line)["text"]
    for word in (
        "phirine",
        "7f3",
        token,
        token.split(".")[1],
        token_form().decode().rpartition("=")[2],
        "Madeleine",
    ):
        assert word not in said
