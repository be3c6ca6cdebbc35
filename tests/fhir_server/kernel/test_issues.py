"""Issues and OperationOutcomes."""

from __future__ import annotations

from fhir_server.kernel.issues import Issue, outcome_of


def test_an_outcome_says_what_and_where() -> None:
    assert outcome_of([Issue("required", "Missing", "Patient.name")]) == {
        "resourceType": "OperationOutcome",
        "issue": [
            {
                "severity": "error",
                "code": "required",
                "diagnostics": "Missing",
                "expression": ["Patient.name"],
            }
        ],
    }


def test_an_issue_without_a_place_has_no_expression() -> None:
    assert "expression" not in outcome_of([Issue("invalid", "Wrong")])["issue"][0]


def test_an_issue_seen_from_a_bundle_starts_at_the_entry() -> None:
    place = "Bundle.entry[3].resource"

    assert Issue("value", "x", "Patient.name[0].use").within(place).expression == f"{place}.name[0].use"
    assert Issue("value", "x", "Patient").within(place).expression == place
