"""https://hl7.org/fhir/R4/http.html#Status-Codes"""

from __future__ import annotations

import pytest

from fhir_server.interactions.outcome import outcome_body, reply_of
from fhir_server.kernel import errors
from fhir_server.kernel.errors import FhirError
from fhir_server.kernel.issues import Issue
from fhir_server.kernel.wire import decode
from fhir_server.validation.validator import check


def every_error() -> list[FhirError]:
    listed: list[FhirError] = [errors.Invalid([Issue("required", "text", "Patient.name")])]
    for kind in vars(errors).values():
        if isinstance(kind, type) and issubclass(kind, FhirError) and kind is not errors.Invalid:
            listed.append(kind("text"))
    return listed


@pytest.mark.parametrize("error", every_error(), ids=lambda error: type(error).__name__)
def test_an_error_becomes_its_status_and_a_valid_outcome(error: FhirError) -> None:
    reply = reply_of(error)

    tree = decode(reply.body)
    assert reply.status == error.status
    assert check(tree) == []
    assert tree["issue"][0]["diagnostics"] == "text"
    assert tree["issue"][0]["code"] == error.issues[0].code


@pytest.mark.parametrize(
    ("trace", "text"),
    [("t-1", "The server failed. Its log has the cause under trace t-1"), ("", "The server failed")],
)
def test_a_defect_tells_nothing_of_itself(trace: str, text: str) -> None:
    reply = reply_of(ValueError("Mme Payet, 0612345678"), trace)

    assert reply.status == 500
    assert decode(reply.body)["issue"] == [{"severity": "fatal", "code": "exception", "diagnostics": text}]


def test_what_is_gone_tells_its_version_and_a_wrong_method_the_right_ones() -> None:
    assert reply_of(errors.Gone("text", version=3)).version == 3
    assert reply_of(errors.NotFound("text")).version is None
    assert reply_of(errors.MethodNotAllowed("text", allow=("GET",))).allow == ("GET",)
    assert reply_of(errors.NotFound("text")).allow == ()


def test_all_issues_are_told_with_their_places() -> None:
    issues = [Issue("required", "one", "Patient.name"), Issue("value", "two", severity="warning")]

    assert decode(reply_of(errors.Invalid(issues)).body)["issue"] == [
        {"severity": "error", "code": "required", "diagnostics": "one", "expression": ["Patient.name"]},
        {"severity": "warning", "code": "value", "diagnostics": "two"},
    ]


def test_nothing_to_say_is_said() -> None:
    assert decode(outcome_body([]))["issue"] == [
        {"severity": "information", "code": "informational", "diagnostics": "Done"}
    ]
