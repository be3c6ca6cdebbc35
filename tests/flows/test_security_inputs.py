"""What hostile inputs do: addresses to be asked, too many or too large requests, words of SQL.

https://owasp.org/API-Security/editions/2023/en/0xa7-server-side-request-forgery/
"""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final
from urllib.parse import quote

import httpx
import pytest

from fhir_server.access.caller import Caller
from fhir_server.kernel.times import now
from fhir_server.store import registrations
from fhir_server.store.credentials import Client
from tests.flows.asking import bundle, entry, issue_of, link_of, observation, resources_of
from tests.flows.attacking import (
    FORM,
    INSIDE,
    of_the_cast_on,
    token_form,
    unknown,
)
from tests.flows.callers import Door, door

pytestmark = pytest.mark.asyncio(loop_scope="session")


@asynccontextmanager
async def listening() -> AsyncIterator[tuple[str, list[bytes]]]:
    """A server inside, and what it was asked."""
    asked: list[bytes] = []

    async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.read(1000))
        writer.close()

    server = await asyncio.start_server(hear, "127.0.0.1", 0)
    async with server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}", asked


async def test_no_address_in_a_resource_or_a_request_is_ever_asked(nurse: httpx.AsyncClient) -> None:
    async with listening() as (place, asked):
        url = f"http://{place}/x"
        attached = {
            "resourceType": "DocumentReference",
            "meta": {"source": url, "profile": [url]},
            "implicitRules": url,
            "status": "current",
            "subject": {"reference": "Patient/payet"},
            "content": [{"attachment": {"url": url, "contentType": "text/plain"}}],
        }
        weight = observation("Patient/payet", derivedFrom=[{"reference": f"{url}/Observation/1"}])
        weight["extension"] = [{"url": url, "valueUrl": url}]
        path = {"resourceType": "Parameters", "parameter": [
            {"name": "expression", "valueString": "Observation.derivedFrom.resolve()"},
            {"name": "resource", "resource": weight},
        ]}  # fmt: skip
        answers = [
            await nurse.post("DocumentReference", json=attached),
            await nurse.post("Observation", json=weight),
            await nurse.post("", json=bundle("batch", entry("POST", "Observation", weight, full_url=url))),
            await nurse.post("", json=bundle("batch", entry("GET", url))),
            await nurse.post("Observation/$validate", json=weight, params={"profile": url}),
            await nurse.post("DocumentReference/$validate", json=attached),
            await nurse.post("$fhirpath", json=path),
            await nurse.get("ValueSet/$expand", params={"url": url}),
            await nurse.get("CodeSystem/$lookup", params={"system": url, "code": "a"}),
            await nurse.get("Observation", params={"code:in": url}),
            await nurse.get("Observation", params={"subject": url, "_profile": url, "_source": url}),
            await nurse.get("Observation", headers={"Referer": url, "X-Forwarded-Host": place}),
            await nurse.post(
                "Subscription",
                json={"resourceType": "Subscription", "status": "requested", "reason": "x", "criteria": "Patient?",
                      "channel": {"type": "rest-hook", "endpoint": url}},
            ),
        ]  # fmt: skip
        await asyncio.sleep(0.3)

    assert asked == []
    assert {answer.status_code for answer in answers} >= {200, 201}
    assert all(answer.status_code < 500 for answer in answers)
    assert place not in link_of(answers[11].json(), "self")


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_the_keys_of_a_client_are_not_fetched_from_a_network_inside(
    databases: Any, migrated: str, scheme: str
) -> None:
    url = databases.create(migrated)
    async with listening() as (place, asked), door(url) as opened:
        registrations.add(
            url, Client("dui", scopes="system/*.rs", jwks_url=f"{scheme}://{place}/jwks"), now()
        )
        client = await unknown(opened)

        answer = await client.post("auth/token", content=token_form(), headers=FORM)
    databases.drop(url)

    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert asked == []
    assert place not in answer.text


async def test_too_many_requests_are_told_once_when_to_come_again(databases: Any, migrated: str) -> None:
    url = databases.create(migrated)
    limits = {"address_per_second": 0.01, "address_burst": 6, "client_per_second": 0}  # of two workers
    async with door(url, limits=limits) as opened:
        client = await unknown(opened)
        first = [(await client.get("Patient")).status_code for _ in range(2)]
        public = (await client.get("metadata")).status_code
        refused = [
            await client.get("Patient"),
            await client.get("metadata"),
            await client.post("auth/token", content=token_form(), headers=FORM),
        ]
        health = (await client.get("http://test.example/healthz")).status_code
    databases.drop(url)

    assert (first, public, health) == ([401, 401], 200, 200)
    for answer in refused:
        assert answer.status_code == 429
        (seconds,) = answer.headers.get_list("retry-after")
        assert 1 <= int(seconds) <= 200
    issue_of(refused[0], 429, "throttled")


async def test_a_database_that_is_away_says_once_when_to_come_again(databases: Any, migrated: str) -> None:
    url = databases.create(migrated)
    async with door(url) as opened:
        client = await of_the_cast_on(opened)
        assert (await client.get("Patient")).status_code == 200
        databases.drop(url)
        addresses = ("Patient", "Patient/payet", "http://test.example/readyz")
        *answers, beside = await asyncio.gather(*map(client.get, addresses))

    for answer in answers:
        issue_of(answer, 503, "transient")
        assert len(answer.headers.get_list("retry-after")) == 1
        assert [word for word in INSIDE if word in answer.text] == []
    assert beside.status_code == 503
    assert set(beside.json()) == {"status"}


async def test_who_guesses_is_locked_out_of_all_doors(databases: Any, migrated: str) -> None:
    url = databases.create(migrated)
    limits = {"failures": 4, "client_per_second": 0, "address_per_second": 0}
    async with door(url, limits=limits) as opened:
        known = await of_the_cast_on(opened)
        assert (await known.get("Patient")).status_code == 200
        guessing = await unknown(opened)
        guesses = [
            (await guessing.get("Patient", headers={"Authorization": "Bearer a.b.c"})).status_code,
            (await guessing.post("auth/token", content=token_form(), headers=FORM)).status_code,
            (await guessing.get("Patient", headers={"Authorization": "Bearer x"})).status_code,
            (await guessing.post("auth/token", content=token_form(), headers=FORM)).status_code,
        ]
        locked = [
            (await guessing.get("Patient", headers={"Authorization": "Bearer a.b.c"})).status_code,
            (await guessing.post("auth/token", content=token_form(), headers=FORM)).status_code,
            (await (await of_the_cast_on(opened)).get("Patient")).status_code,
        ]
        still = (await known.get("Patient")).status_code
    databases.drop(url)

    assert guesses == [401] * 4
    assert locked == [429] * 3
    assert still == 200


async def test_bodies_bundles_pages_and_expressions_have_their_limits(databases: Any, migrated: str) -> None:
    url = databases.create(migrated)
    async with door(url, max_body_bytes=4096, max_bundle_entries=3, max_page_size=2) as opened:
        nurse = await of_the_cast_on(opened)
        large = await nurse.post("Observation", content=b" " * 5000)
        announced = await nurse.post("Observation", content=b"{}", headers={"Content-Length": "9" * 12})
        packed = gzip.compress(b" " * 10_000_000)
        bomb = await nurse.post("Observation", content=packed, headers={"Content-Encoding": "gzip"})
        form = await nurse.post("Patient/_search", content=b"name=" + b"a" * 5000, headers=FORM)
        many = await nurse.post("", json=bundle("batch", *[entry("GET", "Patient")] * 4))
        await opened.keep(
            *({"resourceType": "Organization", "id": f"o{number}", "name": "A"} for number in range(3))
        )
        page = await nurse.get("Organization?_count=1000000")
        endless = "(1 | 2).repeat($this | $this + 1)"
        body = {"resourceType": "Parameters", "parameter": [
            {"name": "expression", "valueString": endless},
            {"name": "resource", "resource": {"resourceType": "Patient"}},
        ]}  # fmt: skip
        expression = await nurse.post("$fhirpath", json=body)
        token = await (await unknown(opened)).post("auth/token", content=b"a=" + b"b" * 70_000, headers=FORM)
    databases.drop(url)

    assert [one.status_code for one in (large, announced, bomb, form, many)] == [413] * 5
    assert len(page.json()["entry"]) == 2
    issue_of(expression, 422, "too-costly")
    assert "65536 bytes" in token.text


PAYLOADS: Final = (
    "'",
    "' or '1'='1",
    "'; drop table resource; --",
    "payet' or 1=1) --",
    "\\' or 1=1--",
    "1) or (1=1",
    "$$; select pg_sleep(9); $$",
    "' || (select string_agg(value, ',') from setting) || '",
    "%",
    "_",
    "a & | ! :* <-> (",
    '"}, {"',
    "${jndi:ldap://127.0.0.1/a}",
    "{{7*7}}",
    "../../etc/passwd",
    "\x00",
    "\r\nX-Injected: 1",
)
PARAMETERS: Final = (
    *("Patient?name", "Patient?name:exact", "Patient?name:contains", "Patient?phonetic", "Patient?address"),
    *(
        "Patient?identifier",
        "Patient?identifier:of-type",
        "Patient?gender:not",
        "Patient?gender",
        "Patient?active",
    ),
    *("Patient?birthdate", "Patient?general-practitioner", "Patient?general-practitioner:Practitioner.name"),
    *("Patient?_has:Observation:patient:code", "Patient?link:identifier", "Patient?name:missing"),
    *("Observation?code", "Observation?code:in", "Observation?code:below", "Observation?code:text"),
    *("Observation?value-quantity", "Observation?code-value-quantity", "Observation?value-string"),
    *("Observation?subject", "Observation?subject:Patient", "Observation?date", "Observation?patient.name"),
    *("RiskAssessment?probability", "ValueSet?url", "ValueSet?url:below", "ValueSet?url:contains"),
    *("Patient?_id", "Patient?_lastUpdated", "Patient?_tag", "Patient?_security", "Patient?_profile"),
    *("Patient?_source", "Patient?_text", "Patient?_content", "Patient?_list", "Patient?_filter"),
    *("Patient?_sort", "Patient?_include", "Patient?_revinclude", "Patient?_elements", "Patient?_summary"),
    *("Patient?_count", "Patient?_total", "Patient?_cursor", "Patient?_format", "Patient?_type", "?_type"),
    *("Patient/_history?_since", "Patient/_history?_at", "_history?_count", "Patient/payet/Observation?code"),
    *("Patient/payet/$everything?_type", "Observation/$lastn?patient", "ValueSet/$expand?url"),
    *("ValueSet/$expand?filter", "CodeSystem/$lookup?code", "ConceptMap/$translate?code", "AuditEvent?agent"),
    *("AuditEvent?patient", "AuditEvent?date", "AuditEvent?entity"),
)


@pytest.mark.parametrize("parameter", PARAMETERS)
async def test_no_value_of_a_parameter_becomes_a_statement(
    stranger: httpx.AsyncClient, nurse: httpx.AsyncClient, parameter: str
) -> None:
    path, _, name = parameter.partition("?")
    before = (await nurse.get("Patient?_summary=count")).json()["total"]

    for payload in PAYLOADS:
        began = asyncio.get_running_loop().time()
        answer = await stranger.get(path, params={name: payload})

        assert answer.status_code in {200, 400, 404, 406, 422}, (payload, answer.text)
        assert asyncio.get_running_loop().time() - began < 5
        assert "x-injected" not in answer.headers
        assert "Madeleine" not in answer.text
        if answer.status_code == 200 and path in {"Patient", "Observation"} and "total" in answer.json():
            assert answer.json()["total"] == 0, payload
    assert (await nurse.get("Patient?_summary=count")).json()["total"] == before


async def test_no_header_name_or_token_becomes_a_statement(shown: Door, nurse: httpx.AsyncClient) -> None:
    for payload in PAYLOADS[:-2]:
        sly = await shown.by(
            Caller("professional", subject=payload, client=payload, roles=(payload,), level="eidas2")
        )
        quoted = httpx.QueryParams({"identifier": payload})
        answers = [
            await sly.get("Patient"),
            await sly.post(
                "Observation", json=observation("Patient/payet"), headers={"If-None-Exist": str(quoted)}
            ),
            await nurse.get("Patient", headers={"X-Cordee-Practice": payload, "Accept-Language": payload}),
            await nurse.get("Patient/payet", headers={"If-None-Match": payload, "X-Request-Id": payload}),
            await nurse.request("PUT", f"Patient?{httpx.QueryParams({payload: payload})}", json={}),
            await nurse.get(f"Patient/{quote(payload, safe='')}"),
            await nurse.get(f"{quote(payload, safe='')}/1"),
        ]
        for answer in answers:
            assert answer.status_code < 500, (payload, answer.text)
            if answer.request.headers["authorization"] == sly.headers["authorization"]:
                assert "Madeleine" not in answer.text
    assert (await nurse.get("Patient/payet")).status_code == 200


async def test_a_cursor_is_of_the_search_and_of_the_caller_that_it_was_made_for(
    nurse: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    page = (await nurse.get("Observation?_count=1")).json()
    cursor = link_of(page, "next")
    assert cursor

    stolen = await stranger.get(cursor)
    moved = await nurse.get(cursor.replace("Observation", "Condition"))
    bent = await nurse.get(cursor[:-3] + "AAA")

    assert "entry" not in stolen.json() or resources_of(stolen.json()) == []
    assert moved.status_code in {200, 400}
    assert bent.status_code in {200, 400}
