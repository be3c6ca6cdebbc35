"""What is sent: FHIR JSON, FHIR XML, a patch, or a Binary in its own form."""

from __future__ import annotations

import gzip
import json
from base64 import b64encode

import pytest

from tests.fhir_server.web.answering import BINARY, BODY, CREATED, FHIR_JSON, Server


@pytest.mark.parametrize(
    ("method", "path", "content_type"),
    [
        ("POST", "Patient", "text/plain"),
        ("POST", "Patient", "application/x-www-form-urlencoded"),
        ("POST", "Patient", "application/json-patch+json"),
        ("PUT", "Patient/7", "multipart/form-data; boundary=x"),
        ("PATCH", "Patient/7", "application/xml-patch+xml"),
        ("POST", "", "application/octet-stream"),
        ("POST", "Patient", "application/fhir+json; charset=iso-8859-1"),
        ("POST", "Patient", "application/fhir+json; fhirVersion=3.0"),
        ("POST", "Patient/_search", "application/json"),
    ],
)
async def test_a_body_of_another_type_is_415(method: str, path: str, content_type: str) -> None:
    server = Server()

    response = await server(method, path, BODY, content_type=content_type)

    assert response.status_code == 415
    assert server.calls == []


@pytest.mark.parametrize(("body", "status"), [(BODY, 201), (b"", 201), (b"name=x", 415), (b"[]", 415)])
async def test_without_content_type_only_what_looks_like_a_resource_passes(body: bytes, status: int) -> None:
    response = await Server(CREATED)("POST", "Patient", body)

    assert response.status_code == status


@pytest.mark.parametrize(
    ("content_type", "body", "media_type"),
    [
        ("application/json-patch+json", b"[]", "application/json-patch+json"),
        ("application/fhir+json", b"{}", "application/fhir+json"),
        ("", b" [", "application/json-patch+json"),
        ("application/fhir+xml", b'<Parameters xmlns="http://hl7.org/fhir"/>', "application/fhir+json"),
    ],
)
async def test_a_patch_says_which_it_is(content_type: str, body: bytes, media_type: str) -> None:
    server = Server()

    await server("PATCH", "Patient/7", body, content_type=content_type)

    assert server.call.media_type == media_type


async def test_xml_reaches_the_engine_as_json() -> None:
    server = Server(CREATED)
    xml = b'<Patient xmlns="http://hl7.org/fhir"><active value="true"/><birthDate value="1980"/></Patient>'

    declared = await server("POST", "Patient", xml, content_type="application/fhir+xml")
    seen = await server("POST", "Patient", xml)

    assert declared.status_code == seen.status_code == 201
    assert [call.body for call in server.calls] == [
        b'{"resourceType":"Patient","active":true,"birthDate":"1980"}'
    ] * 2


async def test_xml_with_entities_is_malformed() -> None:
    server = Server()
    xml = b'<!DOCTYPE x [<!ENTITY e "x">]><Patient xmlns="http://hl7.org/fhir"><id value="&e;"/></Patient>'

    response = await server("POST", "Patient", xml, content_type="application/fhir+xml")

    assert response.status_code == 400
    assert server.calls == []


async def test_gzip_is_taken_and_bounded() -> None:
    server = Server(CREATED, max_body_bytes=1000)

    fine = await server("POST", "Patient", gzip.compress(BODY, mtime=0), content_encoding="gzip", **FHIR_JSON)
    bomb = await server(
        "POST", "Patient", gzip.compress(bytes(10**6), mtime=0), content_encoding="gzip", **FHIR_JSON
    )
    large = await server("POST", "Patient", bytes(1001), **FHIR_JSON)
    other = await server("POST", "Patient", BODY, content_encoding="br", **FHIR_JSON)

    assert [r.status_code for r in (fine, bomb, large, other)] == [201, 413, 413, 415]
    assert server.call.body == BODY


async def test_content_posted_to_binary_is_wrapped() -> None:
    server = Server(CREATED)

    await server("POST", "Binary", b"%PDF", content_type="application/pdf", x_security_context="Patient/7")
    await server("PUT", "Binary/b", b"<ClinicalDocument/>", content_type="text/xml")
    await server("POST", "Binary", BODY, **FHIR_JSON)
    posted, put, foreign = (json.loads(call.body) for call in server.calls)

    assert posted == {
        "resourceType": "Binary",
        "contentType": "application/pdf",
        "securityContext": {"reference": "Patient/7"},
        "data": b64encode(b"%PDF").decode(),
    }
    assert (put["id"], put["contentType"]) == ("b", "text/xml")
    # "…including when the content type is application/fhir+json, except when the content is a Binary resource"
    assert foreign["data"] == b64encode(BODY).decode()


@pytest.mark.parametrize("content_type", ["application/fhir+json", "application/json", ""])
async def test_a_binary_resource_is_taken_as_it_is(content_type: str) -> None:
    server = Server(CREATED)
    body = BINARY % b"YWJj"

    await server("POST", "Binary", body, content_type=content_type)

    assert server.call.body == body


@pytest.mark.parametrize(
    ("content_type", "status"),
    [("application/fhir+json", 400), ("", 415), ("application/fhir+json;charset=x", 415)],
)
async def test_a_binary_that_cannot_be_read_is_refused(content_type: str, status: int) -> None:
    body = b'{"truncated' if content_type else b"plain"

    response = await Server()("POST", "Binary", body, content_type=content_type)

    assert response.status_code == status


async def test_content_for_a_binary_may_be_in_any_character_set() -> None:
    server = Server(CREATED)

    await server("POST", "Binary", b"<a>\xe9</a>", content_type="text/xml;charset=iso-8859-1")

    assert json.loads(server.call.body)["contentType"] == "text/xml;charset=iso-8859-1"
