"""What a reply looks like: its form and how much of it, its version, and where it is."""

from __future__ import annotations

import json
from base64 import b64encode

import pytest

from fhir_server.interactions.call import Reply
from fhir_server.kernel.errors import Gone, NotFound
from fhir_server.kernel.issues import Issue
from fhir_server.kernel.keys import Key
from tests.fhir_server.web.answering import (
    BINARY,
    BODY,
    CREATED,
    FHIR_JSON,
    READ,
    UPDATED,
    VERSION,
    Server,
    issue_of,
)


async def test_an_unmodified_answer_has_its_version_and_nothing_else() -> None:
    response = await Server(Reply(304, b"", Key("Patient", "7"), 3, UPDATED))("GET", "Patient/7")

    assert response.status_code == 304
    assert response.headers["etag"] == 'W/"3"'
    assert "content-length" not in response.headers
    assert "content-type" not in response.headers


async def test_a_create_says_where_the_new_resource_is() -> None:
    server = Server(CREATED)

    response = await server("POST", "Patient", BODY, **{"content-type": "application/fhir+json"})

    assert response.status_code == 201
    assert response.headers["location"] == VERSION
    assert response.headers["etag"] == 'W/"3"'
    assert server.call.body == BODY
    assert server.call.tree is None


async def test_a_conditional_create_that_finds_one_says_where_it_is() -> None:
    server = Server(READ)

    response = await server("POST", "Patient", BODY, if_none_exist="?identifier=a|b", **FHIR_JSON)

    assert response.status_code == 200
    assert response.headers["location"] == VERSION
    assert server.call.conditions.if_none_exist == "identifier=a|b"


@pytest.mark.parametrize(("reply", "located"), [(CREATED, True), (READ, False)])
async def test_an_update_has_a_location_when_it_created(reply: Reply, located: bool) -> None:
    response = await Server(reply)("PUT", "Patient/7", BODY, **FHIR_JSON)

    assert ("location" in response.headers) is located
    assert response.headers["content-location"] == VERSION


async def test_a_delete_answers_without_a_body() -> None:
    response = await Server(Reply(204, b"", Key("Patient", "7"), 4, UPDATED))("DELETE", "Patient/7")

    assert response.status_code == 204
    assert response.content == b""
    assert response.headers["etag"] == 'W/"4"'
    assert "location" not in response.headers


@pytest.mark.parametrize(
    ("prefer", "status", "body"),
    [
        ("return=minimal", 201, b""),
        ("return=representation", 201, BODY),
        ("handling=strict", 201, BODY),
    ],
)
async def test_prefer_says_how_much_a_write_answers(prefer: str, status: int, body: bytes) -> None:
    response = await Server(CREATED)("POST", "Patient", BODY, prefer=prefer, **FHIR_JSON)

    assert (response.status_code, response.content) == (status, body)
    assert response.headers["location"] == VERSION
    assert response.headers["content-length"] == str(len(body))


async def test_prefer_can_ask_for_an_outcome() -> None:
    remark = Issue("informational", "Matched by its identifier", severity="information")
    server = Server(Reply(201, BODY, Key("Patient", "7"), 1, UPDATED, issues=(remark,)))

    created = await server("POST", "Patient", BODY, prefer="return=OperationOutcome", **FHIR_JSON)
    server.reply = Reply(204)
    deleted = await server("DELETE", "Patient/7", prefer="return=OperationOutcome")

    assert issue_of(created)["diagnostics"] == "Matched by its identifier"
    assert "content-location" not in created.headers
    assert deleted.status_code == 200
    assert issue_of(deleted)["severity"] == "information"


async def test_the_form_of_the_answer_follows_accept_and_format() -> None:
    server = Server()

    xml = await server("GET", "Patient/7", accept="application/fhir+xml")
    forced = await server("GET", "Patient/7?_format=application/fhir+xml&_pretty=true", accept="text/turtle")
    pretty = await server("GET", "Patient/7?_pretty=true")

    assert xml.headers["content-type"] == "application/fhir+xml;charset=utf-8"
    assert b'<Patient xmlns="http://hl7.org/fhir"><id value="7"/>' in xml.content
    assert b'\n  <id value="7"/>' in forced.content
    assert pretty.content == json.dumps(json.loads(BODY), indent=2).encode()


async def test_a_pretty_answer_keeps_the_digits() -> None:
    body = b'{"resourceType":"Observation","valueQuantity":{"value":1.10},"n":12345678901234567890123}'

    response = await Server(Reply(200, body))("GET", "Observation/1?_pretty=true")

    assert b'"value": 1.10\n' in response.content
    assert b'"n": 12345678901234567890123\n' in response.content


async def test_an_error_comes_in_the_form_that_was_asked_for() -> None:
    server = Server(NotFound("Patient/7 is not known here"))

    known = await server("GET", "Patient/7", accept="application/fhir+xml")
    unknown = await server("GET", "Nothing/7?_format=xml")

    assert known.status_code == unknown.status_code == 404
    for response in (known, unknown):
        assert response.headers["content-type"] == "application/fhir+xml;charset=utf-8"
        assert b"<OperationOutcome" in response.content


async def test_a_refusal_that_xml_cannot_hold_is_told_in_json() -> None:
    response = await Server(NotFound("a\x01b"))("GET", "Patient/7", accept="application/fhir+xml")

    assert response.status_code == 404
    assert issue_of(response)["code"] == "not-found"


async def test_summary_and_elements_cut_a_resource_and_each_entry() -> None:
    server = Server()

    one = await server("GET", "Patient/7?_elements=active")
    server.reply = Reply(
        200,
        b'{"resourceType":"Bundle","type":"searchset","entry":[{"resource":%s,"search":{"mode":"match"}}]}'
        % BODY,
    )
    page = await server("GET", "Patient?_summary=text")
    whole = await server("GET", "Patient?_summary=false")
    server.reply = CREATED
    written = await server("POST", "Patient?_summary=text", BODY, **FHIR_JSON)

    assert list(one.json()) == ["resourceType", "id", "meta", "active"]
    assert one.json()["meta"]["tag"][0]["code"] == "SUBSETTED"
    assert list(page.json()["entry"][0]["resource"]) == ["resourceType", "id", "meta"]
    assert b"SUBSETTED" not in whole.content
    assert written.content == BODY


@pytest.mark.parametrize(
    ("accept", "path", "raw"),
    [
        ("*/*", "Binary/b", True),
        ("application/pdf", "Binary/b", True),
        ("text/html,*/*;q=0.8", "Binary/b/_history/1", True),
        ("application/json", "Binary/b", True),
        ("application/fhir+json", "Binary/b", False),
        ("application/fhir+xml", "Binary/b", False),
        ("application/pdf", "Binary/b?_format=json", False),
        ("*/*", "Binary/b?_summary=true", False),
    ],
)
async def test_a_binary_is_served_as_its_content_unless_fhir_is_asked_for(
    accept: str, path: str, raw: bool
) -> None:
    server = Server(Reply(200, BINARY % b64encode(b"%PDF-1.7"), Key("Binary", "b"), 1, UPDATED))

    response = await server("GET", path, accept=accept)

    assert response.status_code == 200
    assert response.headers["etag"] == 'W/"1"'
    if raw:
        assert response.content == b"%PDF-1.7"
        assert response.headers["content-type"] == "application/pdf"
        assert response.headers["x-security-context"] == "Patient/7"
        assert response.headers["content-security-policy"].endswith("sandbox")
        assert response.headers["x-content-type-options"] == "nosniff"
    else:
        assert response.headers["content-type"].startswith("application/fhir+")
        assert b"Binary" in response.content


async def test_a_binary_that_is_not_there_is_an_outcome() -> None:
    response = await Server(Gone("gone", version=2))("GET", "Binary/b", accept="application/pdf")

    assert response.status_code == 410
    assert issue_of(response)["code"] == "deleted"
    assert response.headers["etag"] == 'W/"2"'


async def test_options_lists_the_methods_of_an_address() -> None:
    response = await Server()("OPTIONS", "Patient/7", origin="https://app.org")

    assert response.status_code == 204
    assert response.headers["allow"] == "GET, HEAD, PUT, PATCH, DELETE, OPTIONS"
    assert "access-control-allow-origin" not in response.headers


async def test_a_resource_that_xml_cannot_hold_is_422_and_a_write_of_it_is_told_in_json() -> None:
    body = b'{"resourceType":"Patient","id":"7","language":"a\\u0001b"}'
    server = Server(Reply(200, body, Key("Patient", "7"), 1, UPDATED))

    read = await server("GET", "Patient/7", accept="application/fhir+xml")
    written = await server("PUT", "Patient/7", body, accept="application/fhir+xml", **FHIR_JSON)

    assert read.status_code == 422
    assert (written.status_code, written.content) == (200, body)
    assert written.headers["content-type"].startswith("application/fhir+json")


async def test_a_binary_whose_data_cannot_be_decoded_is_served_as_the_resource() -> None:
    response = await Server(Reply(200, BINARY % b"YWJ"))("GET", "Binary/b")

    assert response.content == BINARY % b"YWJ"
