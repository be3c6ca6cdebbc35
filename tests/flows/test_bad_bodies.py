"""Bad bodies: each is refused with an OperationOutcome, nothing is stored, and the server is well afterwards."""

from __future__ import annotations

import asyncio
import gzip
import time
from collections.abc import AsyncIterator

import httpx
import pytest

from tests.flows.asking import FHIR_JSON, FHIR_XML, created, fresh, patient
from tests.flows.refusals import PATIENT, check_refusal

pytestmark = pytest.mark.asyncio(loop_scope="session")

XML = b'<Patient xmlns="http://hl7.org/fhir"><id value="x"/></Patient>'
PACKED = gzip.compress(PATIENT, mtime=0)
GZIP = {**FHIR_JSON, "Content-Encoding": "gzip"}


def deep(levels: int) -> bytes:
    inside = b'{"extension":[' * levels + b"]}" * levels
    return b'{"resourceType":"Patient","extension":[' + inside + b"]}"


def deep_xml(levels: int) -> bytes:
    inside = b'<extension url="u">' * levels + b"</extension>" * levels
    return b'<Patient xmlns="http://hl7.org/fhir">' + inside + b"</Patient>"


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
