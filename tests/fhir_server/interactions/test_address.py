from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_server.interactions.address import place_of, segments_of
from fhir_server.kernel.errors import Malformed, MethodNotAllowed, NotFound
from fhir_server.kernel.keys import Key


@pytest.mark.parametrize(
    ("path", "method", "action"),
    [
        ("", "GET", "search"),
        ("", "POST", "bundle"),
        ("metadata", "GET", "capabilities"),
        ("metadata", "HEAD", "capabilities"),
        ("_history", "GET", "history"),
        ("_search", "POST", "search"),
        ("$convert", "POST", "operation"),
        ("Patient", "GET", "search"),
        ("Patient", "POST", "create"),
        ("Patient", "PUT", "update"),
        ("Patient", "PATCH", "patch"),
        ("Patient", "DELETE", "delete"),
        ("Patient/_search", "POST", "search"),
        ("Patient/_history", "GET", "history"),
        ("Patient/$match", "POST", "operation"),
        ("Patient/1", "GET", "read"),
        ("Patient/1", "HEAD", "read"),
        ("Patient/1", "PUT", "update"),
        ("Patient/1", "PATCH", "patch"),
        ("Patient/1", "DELETE", "delete"),
        ("Patient/1/", "GET", "read"),
        ("Patient/1/_history", "GET", "history"),
        ("Patient/1/_history/2", "GET", "vread"),
        ("Patient/1/_history/2", "HEAD", "vread"),
        ("Patient/1/$everything", "GET", "operation"),
        ("Patient/1/_history/2/$meta", "GET", "operation"),
        ("Patient/1/Observation", "GET", "search"),
        ("Patient/1/Observation/_search", "POST", "search"),
        ("Patient/1/*", "GET", "search"),
    ],
)
def test_an_address_and_a_method_make_an_interaction(path: str, method: str, action: str) -> None:
    assert place_of(segments_of(f"/fhir/{path}", None), method).action(method) == action


def test_a_place_says_what_it_is_about() -> None:
    vread = place_of(["Patient", "a.b-1", "_history", "2"], "GET")
    operation = place_of(["Patient", "1", "$everything"], "GET")
    compartment = place_of(["Patient", "1", "Observation"], "GET")
    everything = place_of(["Patient", "1", "*"], "GET")

    assert (vread.type, vread.id, vread.version) == ("Patient", "a.b-1", "2")
    assert (operation.type, operation.id, operation.operation) == ("Patient", "1", "$everything")
    assert (compartment.type, compartment.id, compartment.compartment) == (
        "Observation",
        None,
        Key("Patient", "1"),
    )
    assert (everything.type, everything.compartment) == (None, Key("Patient", "1"))


@pytest.mark.parametrize(
    ("path", "method", "allow"),
    [
        ("", "DELETE", "GET, HEAD, POST, OPTIONS"),
        ("metadata", "POST", "GET, HEAD, OPTIONS"),
        ("Patient", "TRACE", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"),
        ("Patient/_search", "GET", "POST, OPTIONS"),
        ("Patient/1", "POST", "GET, HEAD, PUT, PATCH, DELETE, OPTIONS"),
        ("Patient/1", "FOO", "GET, HEAD, PUT, PATCH, DELETE, OPTIONS"),
        ("Patient/1/_history/2", "PUT", "GET, HEAD, OPTIONS"),
        ("Patient/1/_history/2", "DELETE", "GET, HEAD, OPTIONS"),
    ],
)
def test_a_method_that_does_not_work_is_refused_with_those_that_do(
    path: str, method: str, allow: str
) -> None:
    place = place_of(segments_of(f"/fhir/{path}", None), method)

    with pytest.raises(MethodNotAllowed) as refused:
        place.action(method)

    assert ", ".join(refused.value.allow) == allow


@pytest.mark.parametrize(
    ("path", "suggestion"),
    [
        ("patient", "'Patient'"),
        ("Observations", "'Observation'"),
        ("Zzzzzzz", "metadata"),
        ("Patinet/1", "'Patient'"),
    ],
)
def test_an_unknown_type_is_not_found_and_the_nearest_one_named(path: str, suggestion: str) -> None:
    with pytest.raises(NotFound, match=suggestion) as refused:
        place_of(path.split("/"), "GET")

    assert refused.value.issues[0].code == "not-supported"


@pytest.mark.parametrize(
    "path",
    [
        "Patient/1/2",
        "Patient/1/_history/2/3",
        "Patient/_history/2",
        "Patient//1",
        "/Patient",
        "metadata/1",
        "_history/1",
        "Patient/1/Unknown",
        "Observation/1/Patient",  # there is no compartment of an Observation
        "Patient/1/$",
        "Patient/" + "a" * 65,
        "Patient/a_b",
        "Patient/..",
        "Patient/.",
        "../etc/passwd",
    ],
)
def test_nothing_is_found_where_nothing_can_be(path: str) -> None:
    with pytest.raises(NotFound):
        place_of(segments_of(f"/fhir/{path}", None), "GET")


@pytest.mark.parametrize("id", ["a" * 65, "a_b", "..", "é"])
@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_a_write_to_what_is_no_id_is_a_bad_request(id: str, method: str) -> None:
    with pytest.raises(Malformed):
        place_of(["Patient", id], method)


@pytest.mark.parametrize("raw", [b"/fhir/Patient/..%2Fx", b"/fhir/Patient%2F1", b"/fhir/Patient/%FF"])
def test_an_encoded_slash_or_broken_encoding_is_refused(raw: bytes) -> None:
    with pytest.raises(Malformed):
        segments_of("/fhir/Patient/x", raw)


def test_segments_are_decoded_one_by_one() -> None:
    assert segments_of("/fhir/Patient/a-1", b"/fhir/P%61tient/a%2D1/") == ["Patient", "a-1"]


@given(
    st.lists(st.sampled_from(["Patient", "1", "_history", "_search", "$x", "metadata", "", "*", "é", ".."]))
)
def test_every_address_is_a_place_or_a_refusal(segments: list[str]) -> None:
    with suppress(NotFound):
        assert place_of(segments, "GET").allow
