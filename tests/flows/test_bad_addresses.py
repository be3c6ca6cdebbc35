"""Bad addresses, queries and headers: each is refused with an OperationOutcome, and nothing is stored."""

from __future__ import annotations

import json
from urllib.parse import quote

import httpx
import pytest

from tests.flows.asking import FHIR_JSON, JSON_PATCH, bundle
from tests.flows.refusals import PATIENT, check_refusal

pytestmark = pytest.mark.asyncio(loop_scope="session")

ADDRESSES = [
    "Patient/" + "a" * 65,
    "Patient/a%00b",
    "Patient/%00",
    "Patient/..%2Fx",
    "Patient/%2e%2e",
    "Patient/%2e",
    "Patient/a%2fb",
    "Patient/a_b",
    "Patient/é",
    "Patient/%ff",
    "Patient/%ED%A0%80",
    "Patient/%",
    "Patient/%zz",
    "Patient//x",
    "Patient/a;b",
    "Patient/a b",
    "%00",
    "Patient%00",
    "Patient/x/y/z",
    "Patient/x/_history/%00",
    "Patient/x/_history/-1",
    "Patient/x/_history/99999999999999999999",
    "Patient/x/_history/1.5",
    "Patient/x/_history/１",
    "Patient/x/_history/é",
    "patient/x",
    "Patience/x",
    "Élan",
    "$" + "a" * 100,
    "Patient/$everything/x",
]


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "POST"])
async def test_an_address_that_names_nothing_is_refused(
    refused: httpx.AsyncClient, method: str, address: str
) -> None:
    content = None if method in {"GET", "HEAD", "DELETE"} else PATIENT
    url = httpx.URL("http://test.example", raw_path=b"/fhir/" + quote(address, safe="%/;$").encode())
    check_refusal(await refused.request(method, url, content=content, headers=FHIR_JSON if content else None))


QUERIES = [
    "identifier=a%00b",
    "%00=1",
    "family=%ff",
    "family=%ED%A0%80",
    "family=\x01%00",
    "birthdate=x",
    "birthdate=2023-02-30",
    "birthdate=9" + "9" * 400,
    "birthdate=0000",
    "birthdate=ge",
    "birthdate=10000-01-01",
    "_lastUpdated=0001-01-01T00:00:00%2B14:00x",
    "_count=-1",
    "_count=x",
    "_count=1e3",
    "_count=１",
    "_cursor=x",
    "_cursor=%00",
    "_cursor=" + "A" * 5000,
    "_total=x",
    "_summary=x",
    "_pretty=x",
    "family:nonsense=x",
    "family:exact:exact=x",
    "_elements=nothing",
    "_summary=true&_elements=id",
]


@pytest.mark.parametrize(
    "number", ["1e400", "1e" + "9" * 30, "-1e-" + "9" * 30, "9" * 400, "0." + "1" * 5000]
)
async def test_a_huge_number_in_a_query_finds_nothing_or_is_refused(
    shared: httpx.AsyncClient, number: str
) -> None:
    for prefix in ("", "gt", "ap", "ne"):
        response = await shared.get(f"RiskAssessment?probability={prefix}{number}")
        other = await shared.get(f"Observation?value-quantity={prefix}{number}||kg&_id=nobody")
        for answer in (response, other):
            if answer.status_code != 200:
                check_refusal(answer)


@pytest.mark.parametrize("query", QUERIES)
async def test_a_query_that_cannot_be_read_is_refused(refused: httpx.AsyncClient, query: str) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}

    check_refusal(await refused.get(f"Patient?{quote(query, safe='%&=:')}"))
    check_refusal(await refused.post("Patient/_search", content=query.encode(), headers=form))


@pytest.mark.parametrize(
    "query", [*QUERIES, "", "_id=", "&&&", "nothing=1", "_format=json", "_count=1", "_sort=_id"]
)
@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
async def test_criteria_that_cannot_be_read_change_nothing(
    refused: httpx.AsyncClient, method: str, query: str
) -> None:
    url = f"Patient?{quote(query, safe='%&=:')}"
    content = {"PUT": PATIENT, "PATCH": b'[{"op":"remove","path":"/active"}]', "DELETE": None}[method]
    headers = {"PUT": FHIR_JSON, "PATCH": JSON_PATCH, "DELETE": None}[method]

    check_refusal(await refused.request(method, url, content=content, headers=headers))


@pytest.mark.parametrize(
    "query",
    ["_since=x", "_since=%00", "_at=x", "_count=-1", "_count=x", "_cursor=x", "_cursor=%00", "_since=%ff"],
)
@pytest.mark.parametrize("address", ["_history", "Patient/_history", "Patient/x/_history"])
async def test_a_history_query_that_cannot_be_read_is_refused(
    refused: httpx.AsyncClient, address: str, query: str
) -> None:
    check_refusal(await refused.get(f"{address}?{query}"))


HEADERS = [
    pytest.param([("If-Match", "3")], id="a tag without quotes"),
    pytest.param([("If-Match", 'W/"3')], id="a tag that does not end"),
    pytest.param([("If-Match", 'W/"\x00"')], id="NUL in a tag"),
    pytest.param([("If-Match", 'W/"1"'), ("If-None-Match", "*")], id="both matches"),
    pytest.param([("If-None-Exist", "identifier=x")], id="If-None-Exist on an update"),
    pytest.param([("Content-Type", "application/fhir+xml")], id="two content types"),
    pytest.param([("Host", "other.example"), ("Host", "another.example")], id="two hosts"),
    pytest.param([("Host", "a b\x01")], id="no host"),
    pytest.param([("Accept", "image/png")], id="an image"),
    pytest.param([("Accept", "application/fhir+json;fhirVersion=5.0")], id="another version"),
    pytest.param([("Content-Length", "60000000")], id="a length that is too much"),
    pytest.param([("X-Import-File", "x")], id="a file's hash that is none"),
]


@pytest.mark.parametrize("more", HEADERS)
async def test_headers_that_contradict_each_other_or_mean_nothing_are_refused(
    refused: httpx.AsyncClient, more: list[tuple[str, str]]
) -> None:
    headers = [("Content-Type", "application/fhir+json"), *more]
    address, content = "Patient/bad", b'{"resourceType":"Patient","id":"bad"}'
    method = "PUT"
    if more[0][0] == "X-Import-File":
        method, address, content = "POST", "", json.dumps(bundle("batch")).encode()

    check_refusal(await refused.request(method, address, content=content, headers=headers))


@pytest.mark.parametrize(
    "value", [b"", b"\xff", b"identifier=a%00b", b"identifier=a\x00b", b"nothing=1", b"_count=1", b"&"]
)
async def test_an_if_none_exist_that_cannot_be_read_creates_nothing(
    refused: httpx.AsyncClient, value: bytes
) -> None:
    headers = [(b"Content-Type", b"application/fhir+json"), (b"If-None-Exist", value)]

    check_refusal(await refused.post("Patient", content=PATIENT, headers=headers))
