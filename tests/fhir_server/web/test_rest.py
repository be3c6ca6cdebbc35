"""A request becomes a Call, or is refused before it is one."""

from __future__ import annotations

import json
import logging
from io import StringIO
from typing import Any

import httpx
import pytest

from fhir_server.interactions.call import Action, Call, Reply
from fhir_server.kernel.errors import FhirError, MethodNotAllowed, NotFound, Unavailable
from fhir_server.kernel.keys import Key
from fhir_server.kernel.logs import JsonLines
from tests.fhir_server.web.answering import BODY, CREATED, FHIR_JSON, VERSION, Server, issue_of


async def test_a_read_gives_the_stored_bytes_and_says_which_version_they_are() -> None:
    server = Server()

    response = await server("GET", "Patient/7")

    assert response.status_code == 200
    assert response.content == BODY
    assert server.call == Call(Action.READ, "Patient", "7", safe=True, base="http://test/fhir")
    assert response.headers["etag"] == 'W/"3"'
    assert response.headers["last-modified"] == "Sat, 09 Mar 2024 10:00:00 GMT"
    assert response.headers["content-location"] == VERSION
    assert response.headers["content-type"] == "application/fhir+json;charset=utf-8"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert "no-cache" in response.headers["cache-control"]
    assert "Accept" in response.headers["vary"]
    assert "location" not in response.headers


async def test_head_is_get_without_the_body() -> None:
    server = Server()

    got, head = await server("GET", "Patient/7"), await server("HEAD", "Patient/7")

    assert head.content == b""
    assert head.headers["content-length"] == str(len(BODY))
    assert {**got.headers, "x-request-id": ""} == {**head.headers, "x-request-id": ""}


@pytest.mark.parametrize(
    ("path", "call"),
    [
        ("Patient/7/_history/3", Call(Action.VREAD, "Patient", "7", "3")),
        ("Patient/7/_history?_count=1", Call(Action.HISTORY, "Patient", "7", query="_count=1")),
        ("_history?_since=2024", Call(Action.HISTORY, query="_since=2024")),
        ("Patient?name=a%20b&name=c+d", Call(Action.SEARCH, "Patient", query="name=a%20b&name=c+d")),
        ("?_type=Patient", Call(Action.SEARCH, query="_type=Patient")),
        ("metadata?mode=terminology", Call(Action.CAPABILITIES, query="mode=terminology")),
        (
            "Patient/7/Observation?a=b",
            Call(Action.SEARCH, "Observation", query="a=b", compartment=Key("Patient", "7")),
        ),
        ("Patient/7/$everything", Call(Action.OPERATION, "Patient", "7", operation="$everything")),
    ],
)
async def test_an_address_becomes_a_call(path: str, call: Call) -> None:
    server = Server()

    await server("GET", path)

    assert server.call == Call(
        call.action,
        call.type,
        call.id,
        call.version,
        call.query,
        base="http://test/fhir",
        operation=call.operation,
        safe=True,
        compartment=call.compartment,
    )


async def test_conditional_headers_reach_the_handler_as_they_were_sent() -> None:
    server = Server()

    await server("GET", "Patient/7", if_none_match='W/"3"', if_modified_since="Sat, 09 Mar 2024 10:00:00 GMT")

    assert server.call.conditions.if_none_match == 'W/"3"'
    assert server.call.conditions.if_modified_since == "Sat, 09 Mar 2024 10:00:00 GMT"


async def test_the_criteria_of_a_conditional_write_come_without_the_controls() -> None:
    server = Server()

    await server("PUT", "Patient?_format=json&identifier=a%7Cb", BODY, **FHIR_JSON)

    assert (server.call.id, server.call.query) == (None, "identifier=a%7Cb")


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("path", ["Patient", "Patient?", "Patient?_format=json&_pretty=true"])
async def test_a_conditional_write_without_criteria_is_refused(method: str, path: str) -> None:
    server = Server()

    response = await server(method, path, BODY, **FHIR_JSON)

    assert response.status_code == 400
    assert issue_of(response)["code"] == "required"
    assert server.calls == []


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "Nothing", 404),
        ("GET", "Patient/7/unknown", 404),
        ("GET", "Patient/" + "a" * 65, 404),
        ("PUT", "Patient/" + "a" * 65, 400),
        ("GET", "Patient/a%2Fb", 400),
        ("GET", "Patient/%2E%2E%2Fx", 400),
        ("GET", "Patient/7?_summary=maybe", 400),
        ("GET", "Patient/7?_summary=count", 400),
        ("GET", "Patient/7?_elements=nothing", 400),
        ("GET", "Patient?_elements=name&_summary=true", 400),
        ("GET", "Patient/7?_format=ttl", 406),
        ("POST", "Patient/7", 405),
        ("TRACE", "Patient/7", 405),
        ("FOO", "Patient", 405),
        ("DELETE", "", 405),
        ("GET", "Patient/_search", 405),
    ],
)
async def test_what_cannot_be_is_refused_before_it_reaches_the_engine(
    method: str, path: str, status: int
) -> None:
    server = Server()

    response = await server(method, path)

    assert response.status_code == status
    assert issue_of(response)["severity"] == "error"
    assert server.calls == []


async def test_a_refused_method_is_told_with_those_that_work() -> None:
    response = await Server()("POST", "Patient/7")
    by_handler = await Server(MethodNotAllowed("no", allow=("POST",)))("PUT", "Patient/7", BODY, **FHIR_JSON)

    assert response.headers["allow"] == "GET, HEAD, PUT, PATCH, DELETE, OPTIONS"
    assert by_handler.headers["allow"] == "POST"


async def test_nothing_acceptable_is_406_and_nothing_happens() -> None:
    server = Server()

    response = await server("POST", "Patient", BODY, accept="text/turtle", **FHIR_JSON)

    assert response.status_code == 406
    assert issue_of(response)["code"] == "not-supported"
    assert server.calls == []


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("PUT", {"if_match": "3"}),
        ("PUT", {"if_match": 'W/"3"', "if_none_match": "*"}),
        ("PUT", {"if_none_exist": "a=b"}),
        ("DELETE", {"if_none_exist": "a=b"}),
        ("GET", {"if_none_match": "three"}),
        ("GET", {"host": "a b"}),
    ],
)
async def test_malformed_and_contradictory_headers_are_400(method: str, headers: dict[str, str]) -> None:
    server = Server()

    response = await server(method, "Patient/7", BODY, **headers)

    assert response.status_code == 400
    assert server.calls == []


async def test_a_header_with_two_values_contradicts_itself() -> None:
    server = Server()
    twice = [("Content-Type", "application/json"), ("Content-Type", "text/xml")]

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=server.app)) as client:
        response = await client.post("http://test/fhir/Patient", content=BODY, headers=twice)
        several = await client.get(
            "http://test/fhir/Patient/7",
            headers=[("Prefer", "return=minimal"), ("Prefer", "handling=strict"), ("Accept", "text/xml")],
        )

    assert response.status_code == 400
    assert several.status_code == 200
    assert (server.call.conditions.prefer_return, server.call.conditions.prefer_handling) == (
        "minimal",
        "strict",
    )


async def test_a_posted_search_joins_its_form_to_the_query() -> None:
    server = Server(Reply(200, b'{"resourceType":"Bundle","type":"searchset"}'))

    form = {"content_type": "application/x-www-form-urlencoded"}
    both = await server("POST", "Patient/_search?_count=2", b"name=a%20b&_format=xml", **form)
    empty = await server("POST", "_search")
    broken = await server("POST", "Patient/_search", b"name=\xff", **form)

    assert [(call.action, call.type, call.query) for call in server.calls] == [
        (Action.SEARCH, "Patient", "_count=2&name=a%20b&_format=xml"),
        (Action.SEARCH, None, ""),
    ]
    assert b"<Bundle" in both.content
    assert empty.status_code == 200
    assert broken.status_code == 400


async def test_a_defect_is_500_with_a_trace_and_the_log_has_its_cause() -> None:
    server = Server(KeyError("a secret"))

    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    stream = StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())

    logging.getLogger().addHandler(handler)
    response = await server("GET", "Patient/7", traceparent=f"00-{trace}-00f067aa0ba902b7-01")
    logging.getLogger().removeHandler(handler)

    assert response.status_code == 500
    assert trace in issue_of(response)["diagnostics"]
    assert "secret" not in response.text
    [line] = stream.getvalue().splitlines()
    assert json.loads(line)["trace"] == trace
    assert "Traceback" in json.loads(line)["error"]


async def test_a_server_that_cannot_now_says_when_to_come_back() -> None:
    response = await Server(Unavailable("The database is away"))("GET", "Patient/7")

    assert response.status_code == 503
    assert response.headers["retry-after"] == "1"


async def test_the_public_base_shows_in_the_call_and_in_locations() -> None:
    server = Server(CREATED, base_url="https://fhir.example.org/r4")

    response = await server("POST", "Patient", BODY, **FHIR_JSON)

    assert server.call.base == "https://fhir.example.org/r4"
    assert response.headers["location"] == "https://fhir.example.org/r4/Patient/7/_history/3"


async def test_a_client_that_leaves_while_sending_gets_no_answer_and_makes_no_noise(
    caplog: pytest.LogCaptureFixture,
) -> None:
    server = Server()
    sent: list[Any] = []
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/fhir/Patient",
        "query_string": b"",
        "scheme": "http",
        "headers": [(b"host", b"test")],
    }

    async def receive() -> dict[str, str]:
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    await server.app(scope, receive, send)

    assert sent == []
    assert server.calls == []
    assert caplog.text == ""


@pytest.mark.parametrize("error", [FhirError("x"), NotFound("x")])
async def test_every_refusal_is_an_outcome(error: FhirError) -> None:
    response = await Server(error)("GET", "Patient/7")

    assert response.status_code == error.status
    assert issue_of(response)["diagnostics"] == "x"


async def test_a_query_that_is_not_utf8_is_400() -> None:
    server = Server()
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/fhir/Patient",
        "query_string": b"name=\xff",
        "scheme": "http",
        "headers": [(b"host", b"test")],
    }
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    await server.app(scope, receive, send)

    assert sent[0]["status"] == 400
