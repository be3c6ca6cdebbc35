"""What every answer carries: its size, whose pages may read it, its ids."""

from __future__ import annotations

from fhir_server.interactions.call import Reply
from tests.fhir_server.web.answering import Server


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


async def test_a_request_has_the_id_of_its_trace_in_the_answer_and_in_the_call() -> None:
    server, trace = Server(), "4bf92f3577b34da6a3ce929d0e0e4736"

    given = await server("GET", "Patient/7", traceparent=f"00-{trace}-00f067aa0ba902b7-01")
    made = await server("GET", "Patient/7")

    assert given.headers["x-request-id"] == trace
    assert len(made.headers["x-request-id"]) == 32
    assert [call.request for call in server.calls] == [trace, made.headers["x-request-id"]]


async def test_an_id_of_the_client_s_own_only_comes_back() -> None:
    server = Server()

    answer = await server("GET", "Patient/7", x_request_id="hoarau-1939")
    odd = await server("GET", "Patient/7", x_request_id="a b<script>")

    assert answer.headers["x-correlation-id"] == "hoarau-1939"
    assert "x-correlation-id" not in odd.headers
    assert not {"hoarau-1939", "a b<script>"} & {answer.headers["x-request-id"], odd.headers["x-request-id"]}
    assert "hoarau" not in str(server.calls)
