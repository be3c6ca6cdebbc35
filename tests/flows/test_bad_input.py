"""Bad input: each is refused with an OperationOutcome, nothing is stored, and the server is well afterwards."""

from __future__ import annotations

import asyncio
import gzip
import json
import time
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import httpx
import pytest
import pytest_asyncio

from tests.flows.asking import FHIR_JSON, FHIR_XML, JSON_PATCH, bundle, created, entry, fresh, patient

pytestmark = pytest.mark.asyncio(loop_scope="session")

PATIENT = b'{"resourceType":"Patient"}'
XML = b'<Patient xmlns="http://hl7.org/fhir"><id value="x"/></Patient>'
PACKED = gzip.compress(PATIENT, mtime=0)
GZIP = {**FHIR_JSON, "Content-Encoding": "gzip"}


def deep(levels: int) -> bytes:
    inside = b'{"extension":[' * levels + b"]}" * levels
    return b'{"resourceType":"Patient","extension":[' + inside + b"]}"


def deep_xml(levels: int) -> bytes:
    inside = b'<extension url="u">' * levels + b"</extension>" * levels
    return b'<Patient xmlns="http://hl7.org/fhir">' + inside + b"</Patient>"


async def newest(client: httpx.AsyncClient) -> Any:
    page = await client.get("_history?_count=1")
    assert page.status_code == 200, page.text
    return page.json().get("entry")


def check_refusal(response: httpx.Response) -> None:
    assert 400 <= response.status_code < 500, response.text
    if response.request.method != "HEAD":
        tree = response.json()
        assert tree["resourceType"] == "OperationOutcome"
        assert tree["issue"][0]["severity"] in {"error", "fatal"}
        assert tree["issue"][0]["diagnostics"]


@pytest_asyncio.fixture(loop_scope="session")
async def refused(shared: httpx.AsyncClient) -> AsyncIterator[httpx.AsyncClient]:
    """A client whose every answer must be a refusal that leaves nothing behind."""
    before = await newest(shared)
    yield shared
    assert await newest(shared) == before
    assert (await shared.get("http://test.example/readyz")).status_code == 200


BODIES = [
    pytest.param(b"", id="nothing"),
    pytest.param(b"   ", id="blanks"),
    pytest.param(b"null", id="null"),
    pytest.param(b"17", id="a number"),
    pytest.param(b'"Patient"', id="a string"),
    pytest.param(b"[]", id="a list"),
    pytest.param(b"{}", id="an empty object"),
    pytest.param(PATIENT[:-1], id="truncated"),
    pytest.param(PATIENT[:-2], id="truncated in a string"),
    pytest.param(PATIENT + b"}", id="one brace too many"),
    pytest.param(PATIENT * 2, id="two resources"),
    pytest.param(b'{"resourceType":"Patient","active":true,"active":true}', id="a key twice"),
    pytest.param(b'{"resourceType":null}', id="resourceType null"),
    pytest.param(b'{"resourceType":["Patient"]}', id="resourceType a list"),
    pytest.param(b'{"resourceType":{"a":1}}', id="resourceType an object"),
    pytest.param(b'{"resourceType":17}', id="resourceType a number"),
    pytest.param(b'{"resourceType":"Patience"}', id="resourceType unknown"),
    pytest.param(b'{"resourceType":"Observation"}', id="another resourceType"),
    pytest.param(b'{"resourceType":"Patient","id":7}', id="id a number"),
    pytest.param(b'{"resourceType":"Patient","id":["7"]}', id="id a list"),
    pytest.param(b'{"resourceType":"Patient","id":"' + b"a" * 65 + b'"}', id="id of 65 characters"),
    pytest.param(b'{"resourceType":"Patient","id":"../x"}', id="id with ../"),
    pytest.param(b'{"resourceType":"Patient","id":"a\\u0000b"}', id="id with NUL"),
    pytest.param(b'{"resourceType":"Patient","meta":"x"}', id="meta a string"),
    pytest.param(b'{"resourceType":"Patient","meta":[]}', id="meta a list"),
    pytest.param(b'{"resourceType":"Patient","meta":{"tag":"x"}}', id="tag a string"),
    pytest.param(b'{"resourceType":"Patient","meta":{"profile":[1]}}', id="profile a number"),
    pytest.param(b'{"resourceType":"Patient","meta":{"versionId":1}}', id="versionId a number"),
    pytest.param(b'{"resourceType":"Patient","name":"x"}', id="name a string"),
    pytest.param(b'{"resourceType":"Patient","name":[[]]}', id="a list in a list"),
    pytest.param(b'{"resourceType":"Patient","name":[null]}', id="null in a list of objects"),
    pytest.param(b'{"resourceType":"Patient","name":[]}', id="an empty list"),
    pytest.param(b'{"resourceType":"Patient","name":[{}]}', id="an empty object in a list"),
    pytest.param(b'{"resourceType":"Patient","active":"true"}', id="a boolean as a string"),
    pytest.param(b'{"resourceType":"Patient","birthDate":19800101}', id="a date as a number"),
    pytest.param(b'{"resourceType":"Patient","birthDate":{"a":[]}}', id="a date as an object"),
    pytest.param(b'{"resourceType":"Patient","birthDate":"2023-02-29"}', id="a day that does not exist"),
    pytest.param(b'{"resourceType":"Patient","gender":["male"]}', id="a code as a list"),
    pytest.param(b'{"resourceType":"Patient","contained":{"a":1}}', id="contained an object"),
    pytest.param(b'{"resourceType":"Patient","contained":[1]}', id="contained a number"),
    pytest.param(
        b'{"resourceType":"Patient","contained":[{"resourceType":[],"id":{}}]}', id="contained of lists"
    ),
    pytest.param(b'{"resourceType":"Patient","extension":[{"url":1,"valueString":2}]}', id="url a number"),
    pytest.param(
        b'{"resourceType":"Patient","managingOrganization":{"reference":["a"]}}', id="reference a list"
    ),
    pytest.param(b'{"resourceType":"Patient","multipleBirthInteger":1e999999}', id="1e999999 as an integer"),
    pytest.param(b'{"resourceType":"Patient","multipleBirthInteger":1.0}', id="1.0 as an integer"),
    pytest.param(
        b'{"resourceType":"Patient","multipleBirthInteger":' + b"9" * 400 + b"}",
        id="an integer of 400 digits",
    ),
    pytest.param(
        b'{"resourceType":"Patient","multipleBirthInteger":' + b"9" * 5000 + b"}",
        id="an integer of 5000 digits",
    ),
    pytest.param(b'{"resourceType":"Patient","multipleBirthInteger":NaN}', id="NaN"),
    pytest.param(b'{"resourceType":"Patient","multipleBirthInteger":-Infinity}', id="-Infinity"),
    pytest.param(b'{"resourceType":"Patient","multipleBirthInteger":0x10}', id="a number in hexadecimal"),
    pytest.param(b'{"resourceType":"Patient","language":"\xff\xfe"}', id="not UTF-8"),
    pytest.param(b'{"resourceType":"Patient","language":"\xed\xa0\x80"}', id="a surrogate in UTF-8"),
    pytest.param(b'{"resourceType":"Patient","name":[{"text":"\\ud800"}]}', id="half of a surrogate pair"),
    pytest.param(PATIENT.decode().encode("utf-16"), id="UTF-16"),
    pytest.param(b'{"resourceType":"Patient","name":[{"text":"a\x00b"}]}', id="NUL"),
    pytest.param(b'{"resourceType":"Patient","name":[{"text":"a\\u0000b"}]}', id="NUL escaped"),
    pytest.param(b'{"resourceType":"Patient","name":[{"text":"a\x01b"}]}', id="a control character"),
    pytest.param(b'{"resourceType":"Patient","a\\u0000b":1}', id="NUL in a key"),
    pytest.param(b"\x00" * 100, id="only NUL"),
    pytest.param(deep(10_000), id="10 000 levels deep"),
    pytest.param(b"[" * 10_000, id="10 000 brackets"),
    pytest.param(b'{"a":' * 10_000, id="10 000 braces"),
    pytest.param(
        b'{"resourceType":"Patient","name":[{"family":"' + b"a" * 1_100_000 + b'"}]}', id="1 MB string"
    ),
]


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize(("method", "address"), [("POST", "Patient"), ("PUT", "Patient/bad"), ("POST", "")])
async def test_a_body_that_is_no_resource_is_refused(
    refused: httpx.AsyncClient, method: str, address: str, body: bytes
) -> None:
    check_refusal(await refused.request(method, address, content=body, headers=FHIR_JSON))


XML_BODIES = [
    pytest.param(b"", id="nothing"),
    pytest.param(b"<", id="one bracket"),
    pytest.param(XML[:-3], id="truncated"),
    pytest.param(XML * 2, id="two resources"),
    pytest.param(b"<Patient/>", id="no namespace"),
    pytest.param(XML.replace(b"Patient", b"Patience"), id="an unknown type"),
    pytest.param(XML.replace(b'value="x"', b'value="&e;"'), id="an entity that nobody declared"),
    pytest.param(b'<!DOCTYPE Patient [<!ENTITY e "x">]>' + XML.replace(b'"x"', b'"&e;"'), id="an entity"),
    pytest.param(
        b'<!DOCTYPE Patient [<!ENTITY e SYSTEM "file:///etc/passwd">]>' + XML.replace(b'"x"', b'"&e;"'),
        id="an external entity",
    ),
    pytest.param(
        b'<!DOCTYPE p [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>' + XML,
        id="entities in entities",
    ),
    pytest.param(b'<!DOCTYPE p SYSTEM "http://127.0.0.1:1/x.dtd">' + XML, id="a DTD elsewhere"),
    pytest.param(XML.replace(b'"x"', b'"\xff"'), id="not UTF-8"),
    pytest.param(b'<?xml version="1.0" encoding="latin-1"?>' + XML, id="another encoding"),
    pytest.param(XML.decode().encode("utf-16"), id="UTF-16"),
    pytest.param(XML.replace(b'"x"', b'"\x00"'), id="NUL"),
    pytest.param(XML.replace(b'"x"', b'"&#0;"'), id="NUL as a reference"),
    pytest.param(XML.replace(b'"x"', b'"../x"'), id="id with ../"),
    pytest.param(XML.replace(b'"x"', b'"' + b"a" * 65 + b'"'), id="id of 65 characters"),
    pytest.param(deep_xml(10_000), id="10 000 levels deep"),
    pytest.param(b"<a>" * 10_000, id="10 000 tags"),
    pytest.param(PATIENT, id="JSON"),
]


@pytest.mark.parametrize("body", XML_BODIES)
@pytest.mark.parametrize(("method", "address"), [("POST", "Patient"), ("PUT", "Patient/bad"), ("POST", "")])
async def test_xml_that_is_no_resource_is_refused(
    refused: httpx.AsyncClient, method: str, address: str, body: bytes
) -> None:
    check_refusal(await refused.request(method, address, content=body, headers=FHIR_XML))


async def test_the_body_of_a_message_that_says_one_thing_and_is_another_is_refused(
    refused: httpx.AsyncClient,
) -> None:
    for content_type in (
        "application/pdf",
        "text/plain",
        "image/png",
        "multipart/form-data; boundary=a",
        "x",
    ):
        response = await refused.post("Patient", content=PATIENT, headers={"Content-Type": content_type})
        assert response.status_code == 415
        check_refusal(response)


@pytest.mark.parametrize(
    "content_type",
    [
        "application/fhir+json; charset=latin-1",
        "application/fhir+json; fhirVersion=5.0",
        "application/json-patch+json",
        "application/x-www-form-urlencoded",
        "application/fhir+xml",
        "application/fhir+json, application/fhir+xml",
        ";",
        "\x01",
    ],
)
async def test_a_content_type_that_does_not_fit_the_body_is_refused(
    refused: httpx.AsyncClient, content_type: str
) -> None:
    check_refusal(await refused.post("Patient", content=PATIENT, headers={"Content-Type": content_type}))


async def test_a_large_body_in_xml_holds_up_nobody(refused: httpx.AsyncClient) -> None:
    body = b'<Patient xmlns="http://hl7.org/fhir">' + b'<name><family value="a"/></name>' * 100_000 + b"<x/>"
    gaps: list[float] = []

    async def watch() -> None:
        while True:
            before = time.perf_counter()
            await asyncio.sleep(0)
            gaps.append(time.perf_counter() - before)

    watching = asyncio.create_task(watch())
    before = time.perf_counter()
    response = await refused.post("Patient", content=body + b"</Patient>", headers=FHIR_XML)
    took = time.perf_counter() - before
    watching.cancel()

    check_refusal(response)
    assert max(gaps) < took / 2


@pytest.mark.parametrize("address", ["Patient", "Patient/bad", "Binary", "", "Patient/_search"])
@pytest.mark.parametrize(
    "content_type", ["application/fhir+json", "application/fhir+xml", "application/x-www-form-urlencoded"]
)
async def test_a_body_of_60_megabytes_is_too_large(
    refused: httpx.AsyncClient, address: str, content_type: str
) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(60):
            yield b" " * 1_000_000

    method = "PUT" if "/bad" in address else "POST"
    response = await refused.request(
        method, address, content=pieces(), headers={"Content-Type": content_type}
    )

    assert response.status_code in {413, 415}
    check_refusal(response)


async def test_a_gzip_bomb_is_too_large(refused: httpx.AsyncClient) -> None:
    bomb = gzip.compress(b" " * 60_000_000, compresslevel=9, mtime=0)
    assert len(bomb) < 100_000

    response = await refused.post("Patient", content=bomb, headers=GZIP)

    assert response.status_code == 413
    check_refusal(response)


@pytest.mark.parametrize(
    ("body", "encoding", "status"),
    [
        pytest.param(PATIENT, "gzip", 400, id="no gzip"),
        pytest.param(PACKED[:-4], "gzip", 400, id="cut off"),
        pytest.param(PACKED + b"more", "gzip", 400, id="something behind"),
        pytest.param(gzip.compress(PACKED, mtime=0), "gzip", 400, id="packed twice"),
        pytest.param(
            PACKED + gzip.compress(b"", mtime=0) * 500_000, "gzip", 400, id="half a million members"
        ),
        pytest.param(PATIENT, "br", 415, id="brotli"),
        pytest.param(PATIENT, "gzip, gzip", 415, id="two encodings"),
    ],
)
async def test_a_content_encoding_that_is_not_kept_is_refused(
    refused: httpx.AsyncClient, body: bytes, encoding: str, status: int
) -> None:
    response = await refused.post(
        "Patient", content=body, headers={**FHIR_JSON, "Content-Encoding": encoding}
    )

    assert response.status_code == status
    check_refusal(response)


async def test_a_packed_body_is_unpacked_and_stored(shared: httpx.AsyncClient) -> None:
    response = await shared.post("Patient", content=gzip.compress(PATIENT, mtime=0), headers=GZIP)

    assert response.status_code == 201


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


POST = {"method": "POST", "url": "Patient"}
NO_BUNDLES: list[Any] = [
    pytest.param({}, id="no type"),
    pytest.param({"type": ["batch"]}, id="type a list"),
    pytest.param({"type": {}}, id="type an object"),
    pytest.param({"type": 1}, id="type a number"),
    pytest.param({"type": "collection"}, id="a collection"),
    pytest.param({"entry": {}}, id="entry an object"),
    pytest.param({"entry": "x"}, id="entry a string"),
    pytest.param({"entry": 1}, id="entry a number"),
    pytest.param({"entry": None}, id="entry null"),
    pytest.param({"entry": []}, id="entry empty"),
    pytest.param({"entry": [1]}, id="an entry a number"),
    pytest.param({"entry": [None]}, id="an entry null"),
    pytest.param({"entry": [[]]}, id="an entry a list"),
    pytest.param({"entry": ["x"]}, id="an entry a string"),
    pytest.param({"entry": [{"request": "GET"}]}, id="request a string"),
    pytest.param({"entry": [{"request": []}]}, id="request a list"),
    pytest.param({"entry": [{"request": {}}]}, id="request empty"),
    pytest.param({"entry": [{"request": {"method": "GET"}}]}, id="no url"),
    pytest.param({"entry": [{"request": {"url": "Patient"}}]}, id="no method"),
    pytest.param({"entry": [{"request": {"method": "GET", "url": 1}}]}, id="url a number"),
    pytest.param({"entry": [{"request": {"method": 1, "url": "Patient"}}]}, id="method a number"),
    pytest.param({"entry": [{"request": {"method": ["GET"], "url": "Patient"}}]}, id="method a list"),
    pytest.param({"entry": [{"request": {"method": "BREW", "url": "Patient"}}]}, id="no such method"),
    pytest.param({"entry": [{"request": {**POST, "ifMatch": 1}}]}, id="ifMatch a number"),
    pytest.param({"entry": [{"request": {**POST, "ifNoneExist": []}}]}, id="ifNoneExist a list"),
    pytest.param({"entry": [{"request": POST, "fullUrl": 1}]}, id="fullUrl a number"),
    pytest.param({"entry": [{"request": POST, "fullUrl": []}]}, id="fullUrl a list"),
    pytest.param({"entry": [{"request": POST, "resource": "x"}]}, id="resource a string"),
    pytest.param({"entry": [{"request": POST, "resource": []}]}, id="resource a list"),
    pytest.param({"entry": [{"request": POST, "resource": [PATIENT.decode()]}]}, id="resources"),
    pytest.param({"meta": "x"}, id="meta a string"),
    pytest.param({"entry": [{"request": POST, "link": 1}]}, id="link a number"),
]


@pytest.mark.parametrize("kind", ["batch", "transaction"])
@pytest.mark.parametrize("parts", NO_BUNDLES)
async def test_a_bundle_that_is_none_is_refused(
    refused: httpx.AsyncClient, kind: str, parts: dict[str, Any]
) -> None:
    tree = {"resourceType": "Bundle", "type": kind, **parts}
    if parts == {}:
        del tree["type"]

    check_refusal(await refused.post("", json=tree, headers=FHIR_JSON))


def put(id: Any) -> dict[str, Any]:
    return entry("PUT", "Patient/x", {"resourceType": "Patient", "id": id})


BINARY = {"resourceType": "Binary", "contentType": "application/json-patch+json"}
BAD_ENTRIES: list[Any] = [
    pytest.param({"resource": {"resourceType": "Patient"}}, id="no request"),
    pytest.param(entry("POST", "Patient"), id="no resource"),
    pytest.param(entry("POST", "Patient", {}), id="an empty resource"),
    pytest.param(entry("POST", "Patient", {"active": True}), id="no resourceType"),
    pytest.param(entry("POST", "Patient", {"resourceType": ["Patient"]}), id="resourceType a list"),
    pytest.param(entry("POST", "Patient", {"resourceType": {}}), id="resourceType an object"),
    pytest.param(entry("POST", "Patient", {"resourceType": 1}), id="resourceType a number"),
    pytest.param(entry("POST", "Patient", {"resourceType": "Patience"}), id="an unknown type"),
    pytest.param(entry("POST", "Patient", {"resourceType": "Observation"}), id="another type"),
    pytest.param(
        entry("POST", "Patient", {"resourceType": "Patient", "contained": [{"resourceType": []}]}),
        id="contained resourceType a list",
    ),
    pytest.param(
        entry("POST", "Patient", {"resourceType": "Patient", "contained": [{"resourceType": "Patience"}]}),
        id="contained of an unknown type",
    ),
    pytest.param(
        entry("POST", "Patient", {"resourceType": "Patient", "contained": [{"active": True}]}),
        id="contained without a type",
    ),
    pytest.param(entry("POST", "Patient", {"resourceType": "Patient", "meta": "x"}), id="meta a string"),
    pytest.param(entry("POST", "Patient", {"resourceType": "Patient", "name": "x"}), id="name a string"),
    pytest.param(
        entry("POST", "Patient", {"resourceType": "Patient", "text": {"div": 1}}), id="narrative a number"
    ),
    pytest.param(entry("POST", "Patient/x", patient()), id="POST to an id"),
    pytest.param(entry("PUT", "Patient", patient()), id="PUT to a type"),
    pytest.param(put("a" * 65), id="another id"),
    pytest.param(put(["x"]), id="id a list"),
    pytest.param(put({"a": 1}), id="id an object"),
    pytest.param(put(1), id="id a number"),
    pytest.param(
        entry("PUT", "Patient?identifier=none|none", {"resourceType": "Patient", "id": ["x"]}),
        id="id a list, conditional",
    ),
    pytest.param(
        entry("PUT", "Patient?identifier=none|none", {"resourceType": "Patient", "id": 1}),
        id="id a number, conditional",
    ),
    pytest.param(
        entry("PUT", "Patient?identifier=none|none", {"resourceType": "Patient", "id": "a" * 65}),
        id="id of 65 characters, conditional",
    ),
    pytest.param(
        entry("PUT", "Patient?identifier=none|none", {"resourceType": "Patient", "id": "a\0b"}),
        id="id with NUL, conditional",
    ),
    pytest.param(entry("PUT", "Patient/" + "a" * 65, patient(id="a" * 65)), id="id of 65 characters"),
    pytest.param(entry("PUT", "Patient/../x", patient(id="x")), id="address with ../"),
    pytest.param(entry("PUT", "Patient/a%00b", patient(id="a\0b")), id="id with NUL"),
    pytest.param(entry("PUT", "Patient/\0", patient(id="\0")), id="NUL"),
    pytest.param(entry("GET", "Patient?identifier=a%00b"), id="query with NUL"),
    pytest.param(entry("GET", "Patient?identifier=%ff"), id="query not UTF-8"),
    pytest.param(entry("GET", "http://other.example/fhir/Patient"), id="another server"),
    pytest.param(entry("GET", "Patience/1"), id="an unknown type in the address"),
    pytest.param(entry("GET", "é"), id="a letter that is no type"),
    pytest.param(entry("GET", "Patient/x/_history/\0"), id="NUL as a version"),
    pytest.param(entry("POST", "", bundle("batch")), id="a bundle in a bundle"),
    pytest.param(entry("POST", "Patient/_search", patient()), id="a posted search"),
    pytest.param(entry("DELETE", "Patient"), id="delete everything"),
    pytest.param(entry("DELETE", "Patient?nothing=1"), id="delete by a typo"),
    pytest.param(entry("POST", "Patient", patient(), ifNoneExist="a=b"), id="ifNoneExist with a typo"),
    pytest.param(
        entry("POST", "Patient", patient(), ifNoneExist="identifier=a%00"), id="ifNoneExist with NUL"
    ),
    pytest.param(entry("PUT", "Patient/x", patient(id="x"), ifMatch="1"), id="ifMatch without quotes"),
    pytest.param(entry("PATCH", "Patient/x"), id="a patch without resource"),
    pytest.param(entry("PATCH", "Patient/x", {}), id="an empty patch"),
    pytest.param(entry("PATCH", "Patient/x", {"active": True}), id="a patch without a type"),
    pytest.param(entry("PATCH", "Patient/x", {"resourceType": ["x"]}), id="a patch's type a list"),
    pytest.param(entry("PATCH", "Patient/x", patient()), id="a patch that is a Patient"),
    pytest.param(
        entry("PATCH", "Patient/x", {"resourceType": "X", "a": {}}), id="a patch of an unknown type"
    ),
    pytest.param(entry("POST", "Patient", patient(birthDate={"a": {"b": {}}})), id="an object as a date"),
    pytest.param(entry("POST", "Patient", patient(text={"div": {"b": {"c": {}}}})), id="an object as a div"),
    pytest.param(entry("PATCH", "Patient/x", {"resourceType": "Parameters"}), id="a patch of nothing"),
    pytest.param(entry("PATCH", "Patient/x", {**BINARY, "data": 1}), id="a patch's data a number"),
    pytest.param(entry("PATCH", "Patient/x", {**BINARY, "data": "é"}), id="a patch's data not base64"),
    pytest.param(entry("PATCH", "Patient/x", {**BINARY, "data": "W10"}), id="a patch's data cut off"),
    pytest.param(
        entry("PATCH", "Patient/x", {"resourceType": "Binary", "contentType": 1}),
        id="a patch's contentType a number",
    ),
    pytest.param(
        entry("POST", "Observation", {"resourceType": "Observation", "subject": {"reference": "Patient?"}}),
        id="a conditional reference to anything",
    ),
    pytest.param(
        entry(
            "POST", "Observation", {"resourceType": "Observation", "subject": {"reference": "Patient?a=b"}}
        ),
        id="a conditional reference with a typo",
    ),
    pytest.param(
        entry(
            "POST", "Observation", {"resourceType": "Observation", "subject": {"reference": "Patience?a=b"}}
        ),
        id="a conditional reference to an unknown type",
    ),
    pytest.param(
        entry(
            "POST",
            "Patient",
            {"resourceType": "Patient", "link": [{"other": {"reference": "Patient?identifier=%00"}}]},
        ),
        id="a conditional reference with NUL",
    ),
]


@pytest.mark.parametrize("bad", BAD_ENTRIES)
async def test_an_entry_that_is_none_rolls_the_transaction_back(
    refused: httpx.AsyncClient, bad: dict[str, Any]
) -> None:
    good = entry("POST", "Patient", patient(), full_url="urn:uuid:11111111-1111-4111-8111-111111111111")

    response = await refused.post("", json=bundle("transaction", good, bad), headers=FHIR_JSON)

    check_refusal(response)
    assert "[1]" in response.json()["issue"][0].get("expression", [""])[0], response.text


@pytest.mark.parametrize("bad", BAD_ENTRIES)
async def test_an_entry_that_is_none_is_refused_in_a_batch_alone(
    shared: httpx.AsyncClient, bad: dict[str, Any]
) -> None:
    response = await shared.post("", json=bundle("batch", entry("GET", "metadata"), bad), headers=FHIR_JSON)

    if response.status_code != 200:  # an entry so wrong that the Bundle is none
        check_refusal(response)
        return
    good, refusal = response.json()["entry"]
    assert good["response"]["status"].startswith("200")
    assert refusal["response"]["status"].startswith("4"), refusal
    assert refusal["response"]["outcome"]["resourceType"] == "OperationOutcome"


@pytest.mark.parametrize(
    "candidate",
    [
        {"resourceType": "Patient", "identifier": "x"},
        {"resourceType": "Patient", "identifier": [{"value": {"a": []}}]},
        {"resourceType": "Patient", "identifier": [1]},
        {"resourceType": "Patient", "name": [{"family": {}}], "birthDate": [], "meta": 7},
        {"resourceType": "Patient", "contained": "x", "extension": {"url": 1}},
    ],
)
async def test_a_conditional_reference_to_nonsense_in_the_same_transaction_is_refused(
    refused: httpx.AsyncClient, candidate: dict[str, Any]
) -> None:
    link = {
        "resourceType": "Patient",
        "link": [{"other": {"reference": "Patient?identifier=x"}, "type": "refer"}],
    }
    tree = bundle("transaction", entry("POST", "Patient", candidate), entry("POST", "Patient", link))

    check_refusal(await refused.post("", json=tree, headers=FHIR_JSON))


NONSENSE = [
    {"name": "operation"},
    {"name": "operation", "part": "x"},
    {"name": "operation", "part": [1]},
    {"name": "operation", "part": [{"name": ["type"]}]},
    {"name": "operation", "part": [{"name": {}}]},
    {"name": ["operation"]},
    {"name": "operation", "part": [{"name": "type", "valueCode": ["add"]}]},
    {"name": "operation", "part": [{"name": "type", "valueCode": "brew"}]},
]


def op(path: str, kind: str = "replace", **value: Any) -> dict[str, Any]:
    parts: list[dict[str, Any]] = [
        {"name": "type", "valueCode": kind},
        {"name": "path", "valueString": path},
        {"name": "name", "valueString": "active"},
        {"name": "value", **value},
    ]
    return {"name": "operation", "part": parts if kind == "add" else [*parts[:2], *parts[3:]]}


NONSENSE += [
    op("Patient.active"),
    op("Patient.active", valueNothing=1),
    op("Patient.active", valueBoolean=[True]),
    op("Patient.active", valueBoolean={"a": 1}),
    op("Patient.active", valueBoolean="true"),
    op("Patient.active", valueBoolean=True, valueString="x"),
    op("Patient.active", resource="x"),
    op("Patient.active", resource={"resourceType": []}),
    op("Patient.active", part={}),
    op("Patient.active", part=[{"name": 1}]),
    op("Patient.active", valueString="x"),
    op("Patient.nothing", valueString="x"),
    op("Patient.id", valueId="other"),
    op("Patient", valueString="x"),
    op("Patient.(", valueString="x"),
    op("(" * 5000, valueString="x"),
    op("Patient" + ".extension" * 5000, valueString="x"),
    op("\0", valueString="x"),
    op("1 + 1", valueInteger=1),
    op("Patient.name.where(family = '", valueString="x"),
    op("Patient.contact[99999999999999999999]", valueString="x"),
    op("Patient.name.family.matches('(a+)+$')", valueString="x"),
    op("Patient", "add", valueBoolean="x"),
    op("Patient", "add", valueInteger=1),
    {
        "name": "operation",
        "part": [{"name": "type", "valueCode": "insert"}, {"name": "index", "valueInteger": -1}],
    },
]
NO_PATCHES = [
    b"",
    b"{}",
    b"null",
    b"1",
    b"[1]",
    b"[[]]",
    b"[{}]",
    b'[{"op":"brew","path":"/a"}]',
    b'[{"op":["add"],"path":"/a","value":1}]',
    b'[{"op":{},"path":"/a","value":1}]',
    b'[{"op":"add","path":1,"value":1}]',
    b'[{"op":"add","path":"active","value":1}]',
    b'[{"op":"add","path":"/active"}]',
    b'[{"op":"add","path":"/~2","value":1}]',
    b'[{"op":"move","path":"/active","from":1}]',
    b'[{"op":"move","path":"/active/x","from":"/active"}]',
    b'[{"op":"replace","path":"","value":[]}]',
    b'[{"op":"replace","path":"","value":1}]',
    b'[{"op":"replace","path":"","value":{}}]',
    b'[{"op":"replace","path":"/resourceType","value":["Patient"]}]',
    b'[{"op":"replace","path":"/id","value":["x"]}]',
    b'[{"op":"replace","path":"/id","value":{}}]',
    b'[{"op":"replace","path":"/meta","value":1}]',
    b'[{"op":"add","path":"/name/99999999999999999999","value":{}}]',
    b'[{"op":"add","path":"/name/-1","value":{}}]',
    b'[{"op":"add","path":"/active","value":"a\\u0000b"}]',
    b'[{"op":"add","path":"/active","value":1e999999}]',
    b'[{"op":"test","path":"/active","value":1e999999}]',
    b'[{"op":"test","path":"/id","value":1e-999999999999}]',
    b'[{"op":"test","path":"/active","value":1e99999999999999999999999999999}]',
    b'[{"op":"remove","path":""}]',
    b'[{"op":"copy","path":"/extension","from":""}]',
    b'[{"op":"add","path":"/contact","value":' + b"[" * 10_000 + b"]" * 10_000 + b"}]",
    b'[{"op":"add","path":"' + b"/a" * 100_000 + b'","value":1}]',
]


@pytest.mark.parametrize("operation", NONSENSE, ids=range(len(NONSENSE)))
async def test_a_fhirpath_patch_of_nonsense_changes_nothing(
    shared: httpx.AsyncClient, operation: dict[str, Any]
) -> None:
    kept = await created(shared, patient(active=True))
    tree = {"resourceType": "Parameters", "parameter": [operation]}

    lone = await shared.patch(f"Patient/{kept['id']}", json=tree, headers=FHIR_JSON)
    inside = await shared.post(
        "", json=bundle("transaction", entry("PATCH", f"Patient/{kept['id']}", tree)), headers=FHIR_JSON
    )

    check_refusal(lone)
    check_refusal(inside)
    assert (await shared.get(f"Patient/{kept['id']}")).json() == kept


@pytest.mark.parametrize("parameter", [1, "x", {}, [1], [[]], [None], [{"name": 1}]])
async def test_parameters_of_wrong_kinds_are_no_patch(shared: httpx.AsyncClient, parameter: Any) -> None:
    kept = await created(shared, patient(active=True))
    tree = {"resourceType": "Parameters", "parameter": parameter}

    check_refusal(await shared.patch(f"Patient/{kept['id']}", json=tree, headers=FHIR_JSON))
    assert (await shared.get(f"Patient/{kept['id']}")).json() == kept


@pytest.mark.parametrize("body", NO_PATCHES, ids=range(len(NO_PATCHES)))
async def test_a_json_patch_of_nonsense_changes_nothing(shared: httpx.AsyncClient, body: bytes) -> None:
    kept = await created(shared, patient(active=True))

    check_refusal(await shared.patch(f"Patient/{kept['id']}", content=body, headers=JSON_PATCH))
    assert (await shared.get(f"Patient/{kept['id']}")).json() == kept


async def test_an_identifier_of_6_kilobytes_is_stored_and_found(shared: httpx.AsyncClient) -> None:
    value = fresh() + "é" * 3000

    kept = await created(shared, patient(value))

    found = await shared.post("Patient/_search", data={"identifier": value})
    assert [item["resource"]["id"] for item in found.json()["entry"]] == [kept["id"]]
    assert (await shared.get(f"Patient/{kept['id']}")).json()["identifier"][0]["value"] == value
    other = await shared.post("Patient/_search", data={"identifier": value + "e"})
    assert "entry" not in other.json()


@pytest.mark.parametrize(
    "digits",
    [
        "1e999999",
        "-1e-999999",
        "1e" + "9" * 30,
        "1e-" + "9" * 5000,
        "9" * 400,
        "9" * 4300,
        "9" * 5000,
        "0." + "1" * 400,
        "0." + "1" * 5000,
        "1E+2",
        "-0",
        "-0.0e-5",
        "0.000",
        "12345678901234567890",
    ],
    ids=lambda digits: f"{digits[:12]} of {len(digits)}",
)
async def test_a_huge_decimal_is_stored_digit_for_digit_or_refused(
    shared: httpx.AsyncClient, digits: str
) -> None:
    body = '{"resourceType":"Observation","status":"final","code":{"text":"x"},"valueQuantity":{"value":%s}}'

    response = await shared.post("Observation", content=(body % digits).encode(), headers=FHIR_JSON)

    if response.status_code != 201:
        check_refusal(response)
        return
    read = await shared.get(response.headers["location"])
    assert f'"value":{digits}}}' in read.text
