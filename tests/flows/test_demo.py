"""The demonstration dossier on a real server: it loads, again without a trace, and its addresses answer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from fhir_server.demo import ADDRESSES, dossier

pytestmark = pytest.mark.asyncio


async def load(client: httpx.AsyncClient) -> list[dict[str, Any]]:
    answer = await client.post("", content=dossier(), headers={"Content-Type": "application/fhir+json"})
    assert answer.status_code == 200, answer.text
    entries: list[dict[str, Any]] = answer.json()["entry"]
    return entries


async def test_loading_the_dossier_again_changes_nothing(client: httpx.AsyncClient) -> None:
    first = await load(client)
    second = await load(client)

    assert {entry["response"]["status"][:3] for entry in first} == {"201"}
    assert {entry["response"]["status"][:3] for entry in second} == {"200"}
    assert {entry["response"]["etag"] for entry in second} == {'W/"1"'}


async def test_each_address_finds_what_it_promises_and_nothing_is_ignored(client: httpx.AsyncClient) -> None:
    await load(client)

    found = []
    for path, _ in ADDRESSES:
        answer = await client.get(path, headers={"Prefer": "handling=strict"})
        assert answer.status_code == 200, answer.text
        found.append(answer.json())
    person, plan, pressures = found

    assert [entry["resource"]["id"] for entry in person["entry"]] == ["payet"]
    assert sorted(types_of(plan)) == ["Appointment", "CarePlan", *["Goal"] * 5, *["Task"] * 6]
    assert [systolic(entry["resource"]) for entry in pressures["entry"]] == [136, 141, 148, 158, 172]


async def test_a_document_of_the_dossier_opens_as_a_pdf(client: httpx.AsyncClient) -> None:
    await load(client)
    letter = await client.get("DocumentReference/payet-lettre-liaison")
    url = letter.json()["content"][0]["attachment"]["url"]

    answer = await client.get(url, headers={"Accept": "application/pdf"})

    assert answer.headers["content-type"] == "application/pdf"
    assert answer.content.startswith(b"%PDF-1.4")


async def test_every_resource_comes_back_as_it_was_sent(client: httpx.AsyncClient) -> None:
    await load(client)

    for entry in json.loads(dossier())["entry"]:
        answer = await client.get(entry["request"]["url"], headers={"Accept": "application/fhir+json"})
        got = answer.json()
        del got["meta"]["versionId"], got["meta"]["lastUpdated"]
        assert got == {"meta": {}, **entry["resource"]}


def types_of(bundle: dict[str, Any]) -> Iterator[str]:
    return (entry["resource"]["resourceType"] for entry in bundle["entry"])


def systolic(pressure: dict[str, Any]) -> int:
    value: int = pressure["component"][0]["valueQuantity"]["value"]
    return value
