from __future__ import annotations

import gzip
import json
import logging
from base64 import b64encode
from typing import Any

import httpx
import pytest

from fhir_server.interactions.call import Action, Call, Reply
from fhir_server.kernel.errors import FhirError, Gone, MethodNotAllowed, NotFound, Unavailable
from fhir_server.kernel.issues import Issue
from fhir_server.kernel.keys import Key
from fhir_server.web.rest import Rest, RestOptions

BODY = b'{"resourceType":"Patient","id":"7","meta":{"versionId":"3"},"active":true,"birthDate":"1980"}'
UPDATED = 1_709_978_400_123_000  # 2024-03-09T10:00:00.123Z
READ = Reply(200, BODY, Key("Patient", "7"), 3, UPDATED)
CREATED = Reply(201, BODY, Key("Patient", "7"), 3, UPDATED)
FHIR_JSON = {"content-type": "application/fhir+json"}
VERSION = "http://test/fhir/Patient/7/_history/3"


class Server:
    """The REST application over an engine that remembers its calls and always says the same."""

    def __init__(self, reply: Reply | Exception = READ, **options: Any) -> None:
        self.reply = reply
        self.calls: list[Call] = []
        self.app = Rest(self.perform, RestOptions(**options))

    async def perform(self, call: Call) -> Reply:
        self.calls.append(call)
        if isinstance(self.reply, Exception):
            raise self.reply
        return self.reply

    @property
    def call(self) -> Call:
        assert len(self.calls) == 1
        return self.calls[0]

    async def __call__(
        self, method: str, path: str, content: bytes | None = None, **headers: str
    ) -> httpx.Response:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app=self.app), base_url="http://test/fhir/"
        ) as client:
            return await client.request(method, path, content=content, headers=sent)


def issue_of(response: httpx.Response) -> dict[str, Any]:
    """The first issue of the OperationOutcome that an answer must be."""
    tree = response.json()
    assert tree["resourceType"] == "OperationOutcome"
    issue: dict[str, Any] = tree["issue"][0]
    return issue


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


BINARY = (
    b'{"resourceType":"Binary","id":"b","contentType":"application/pdf",'
    b'"securityContext":{"reference":"Patient/7"},"data":"%s"}'
)


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
        assert response.headers["content-security-policy"].startswith("sandbox")
        assert response.headers["x-content-type-options"] == "nosniff"
    else:
        assert response.headers["content-type"].startswith("application/fhir+")
        assert b"Binary" in response.content


async def test_a_binary_that_is_not_there_is_an_outcome() -> None:
    response = await Server(Gone("gone", version=2))("GET", "Binary/b", accept="application/pdf")

    assert response.status_code == 410
    assert issue_of(response)["code"] == "deleted"
    assert response.headers["etag"] == 'W/"2"'


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


async def test_options_lists_the_methods_of_an_address() -> None:
    response = await Server()("OPTIONS", "Patient/7", origin="https://app.org")

    assert response.status_code == 204
    assert response.headers["allow"] == "GET, HEAD, PUT, PATCH, DELETE, OPTIONS"
    assert "access-control-allow-origin" not in response.headers


async def test_allowed_origins_may_call_from_a_browser() -> None:
    server = Server(cors_origins=("https://app.org",))

    preflight = await server(
        "OPTIONS", "Patient/7", origin="https://app.org", access_control_request_method="PUT"
    )
    actual = await server("GET", "Patient/7", origin="https://app.org")
    failed = await server("GET", "Nothing", origin="https://app.org")
    foreign = await server("GET", "Patient/7", origin="https://evil.org")

    assert "PUT" in preflight.headers["access-control-allow-methods"]
    assert "If-Match" in preflight.headers["access-control-allow-headers"]
    for response in (preflight, actual, failed):
        assert response.headers["access-control-allow-origin"] == "https://app.org"
    assert "ETag" in actual.headers["access-control-expose-headers"]
    assert "Origin" in foreign.headers["vary"]
    assert "access-control-allow-origin" not in foreign.headers


async def test_any_origin_may_when_the_setting_says_so() -> None:
    response = await Server(cors_origins=("*",))("GET", "Patient/7", origin="https://app.org")

    assert response.headers["access-control-allow-origin"] == "*"


async def test_large_answers_are_compressed_for_those_who_can() -> None:
    body = b'{"resourceType":"Bundle","x":"%s"}' % (b"a" * 10_000)
    huge = b'{"resourceType":"Bundle","x":"%s"}' % (b"a" * 2_000_000)

    packed = await Server(Reply(200, body))("GET", "Patient", accept_encoding="gzip")
    threaded = await Server(Reply(200, huge))("GET", "Patient", accept_encoding="gzip")
    plain = await Server(Reply(200, body))("GET", "Patient", accept_encoding="identity")
    never = await Server(Reply(200, body), compress_from_bytes=0)("GET", "Patient", accept_encoding="gzip")

    assert packed.headers["content-encoding"] == threaded.headers["content-encoding"] == "gzip"
    assert int(packed.headers["content-length"]) < len(body)
    assert (packed.content, threaded.content) == (body, huge)
    assert "content-encoding" not in plain.headers
    assert "content-encoding" not in never.headers


async def test_a_request_has_an_id_given_or_made() -> None:
    server = Server()

    given = await server("GET", "Patient/7", x_request_id="a-1")
    odd = await server("GET", "Patient/7", x_request_id="a b<script>")
    made = await server("GET", "Patient/7")

    assert given.headers["x-request-id"] == "a-1"
    assert len({odd.headers["x-request-id"], made.headers["x-request-id"], "a b<script>", ""}) == 4


async def test_a_defect_is_500_with_a_trace_and_the_log_has_its_cause(
    caplog: pytest.LogCaptureFixture,
) -> None:
    server = Server(KeyError("a secret"))

    with caplog.at_level(logging.ERROR):
        response = await server("GET", "Patient/7", x_request_id="trace-9")

    assert response.status_code == 500
    assert "trace-9" in issue_of(response)["diagnostics"]
    assert "secret" not in response.text
    assert "trace-9" in caplog.text
    assert "Traceback" in caplog.text


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


async def test_content_for_a_binary_may_be_in_any_character_set() -> None:
    server = Server(CREATED)

    await server("POST", "Binary", b"<a>\xe9</a>", content_type="text/xml;charset=iso-8859-1")

    assert json.loads(server.call.body)["contentType"] == "text/xml;charset=iso-8859-1"
