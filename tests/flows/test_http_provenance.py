"""The header X-Provenance: taken along with a write, refused elsewhere.

https://hl7.org/fhir/R4/provenance.html#header
"""

from __future__ import annotations

import json
from typing import Final

import httpx
import pytest

from tests.flows.asking import FHIR_JSON, bundle, created, entry, issue_of, patient

pytestmark = pytest.mark.asyncio(loop_scope="session")

HEADER: Final = {
    **FHIR_JSON,
    "X-Provenance": json.dumps(
        {
            "resourceType": "Provenance",
            "recorded": "2026-10-01T08:00:00Z",
            "agent": [{"who": {"display": "Hôpital"}}],
        }
    ),
}


async def targets(client: httpx.AsyncClient, of: str) -> list[list[str]]:
    page = (await client.get(f"Provenance?target={of}&_sort=_lastUpdated")).json()
    return [[one["reference"] for one in each["resource"]["target"]] for each in page.get("entry", ())]


async def test_a_write_and_where_it_comes_from_are_written_together(shared: httpx.AsyncClient) -> None:
    made = await shared.post("Patient", json=patient(active=True), headers=HEADER)
    address = f"Patient/{made.json()['id']}"
    changed = await shared.put(address, json={**made.json(), "active": False}, headers=HEADER)

    assert (made.status_code, changed.status_code) == (201, 200)
    assert await targets(shared, address) == [[f"{address}/_history/1"], [f"{address}/_history/2"]]


async def test_in_a_batch_it_is_about_each_entry(shared: httpx.AsyncClient) -> None:
    two = bundle("batch", entry("POST", "Patient", patient()), entry("POST", "Patient", patient()))

    answer = await shared.post("", json=two, headers=HEADER)

    for one in answer.json()["entry"]:
        version = one["response"]["location"]
        assert await targets(shared, version.partition("/_history/")[0]) == [[version]]


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "Patient"), ("GET", "Patient/{}"), ("DELETE", "Patient/{}"), ("GET", "Patient/{}/$everything")],
)
async def test_it_belongs_to_a_write_of_a_version(shared: httpx.AsyncClient, method: str, path: str) -> None:
    kept = await created(shared, patient())

    answer = await shared.request(method, path.format(kept["id"]), headers=HEADER)

    issue_of(answer, 400, "invalid", "http.X-Provenance")


async def test_what_is_wrong_with_it_is_told_by_its_place(shared: httpx.AsyncClient) -> None:
    answer = await shared.post(
        "Patient", json=patient(), headers={**FHIR_JSON, "X-Provenance": '{"resourceType":"Provenance"}'}
    )

    issue_of(answer, 422, expression="http.X-Provenance")
