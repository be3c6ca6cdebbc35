"""Which id a request has: that of its trace, where `traceparent` is one, else a new one."""

from __future__ import annotations

import re

import pytest

from fhir_server.web.tracing import ids_of, trace_of

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = "00f067aa0ba902b7"
GOOD = f"00-{TRACE}-{PARENT}-01"


@pytest.mark.parametrize(
    "sent", [GOOD, f"00-{TRACE}-{PARENT}-00", f"cc-{TRACE}-{PARENT}-01", f"cc-{TRACE}-{PARENT}-01-x"]
)
def test_a_trace_that_the_client_is_part_of_goes_on(sent: str) -> None:
    assert trace_of([(b"accept", b"*/*"), (b"traceparent", sent.encode())]) == TRACE


@pytest.mark.parametrize(
    "sent",
    [
        "",
        TRACE,
        f"ff-{TRACE}-{PARENT}-01",
        f"00-{'0' * 32}-{PARENT}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{PARENT}-01",
        f"00-{TRACE}-{PARENT}-01-x",
        f"cc-{TRACE}-{PARENT}-01x",
        f"00-{TRACE}-{PARENT}",
        f"00-{TRACE[:-1]}-{PARENT}-01",
        f"{GOOD}\n",
        f" {GOOD}",
        "00-hoarau-1939-01",
    ],
)
def test_what_is_no_trace_is_not_taken(sent: str) -> None:
    made = trace_of([(b"traceparent", sent.encode())])

    assert made != TRACE
    assert re.fullmatch("[0-9a-f]{32}", made)


def test_two_of_them_are_none() -> None:
    assert trace_of([(b"traceparent", GOOD.encode())] * 2) != TRACE


def test_requests_that_are_part_of_none_have_ids_of_their_own() -> None:
    assert len({trace_of([]) for _ in range(100)}) == 100


@pytest.mark.parametrize(
    ("sent", "correlation"),
    [
        ({}, None),
        ({b"x-request-id": b"abc-1"}, b"abc-1"),
        ({b"x-correlation-id": b"flow-7", b"x-request-id": b"abc-1"}, b"flow-7"),
        ({b"x-request-id": TRACE.encode()}, None),
        ({b"x-request-id": b"a b"}, None),
        ({b"x-request-id": b"x" * 129}, None),
    ],
)
def test_an_answer_has_our_id_and_sends_back_that_of_the_client(
    sent: dict[bytes, bytes], correlation: bytes | None
) -> None:
    found = dict(ids_of(TRACE, sent))

    assert found[b"x-request-id"] == TRACE.encode()
    assert found.get(b"x-correlation-id") == correlation
