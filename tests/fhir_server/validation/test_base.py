from __future__ import annotations

from typing import Any

import pytest

from fhir_server.kernel.wire import Tree
from fhir_server.validation.base import base_issues, constraints_at, keeps_them
from tests.worlds import world

REPEATED = {"repeat": {"duration": 1}}
HASH = "2jmj7l5rSw0yVb/vlWAYkK/YBwk="  # SHA-1 of nothing

WRONG: list[tuple[Tree, list[tuple[str, str]]]] = [
    (
        {"resourceType": "Encounter", "period": {"start": "2024-02-01", "end": "2024-01-01"}},
        [("Encounter.period", "per-1")],
    ),
    ({"resourceType": "Patient", "telecom": [{"value": "1"}]}, [("Patient.telecom[0]", "cpt-2")]),
    ({"resourceType": "Patient", "contact": [{"gender": "male"}]}, [("Patient.contact[0]", "pat-1")]),
    (
        {"resourceType": "Organization", "name": "x", "telecom": [{"use": "home"}]},
        [("Organization.telecom[0]", "org-3")],
    ),
    (
        {
            "resourceType": "Observation",
            "referenceRange": [{"low": {"value": 1, "comparator": "<"}}, {"age": {"low": {"value": 1}}}],
        },
        [("Observation.referenceRange[0].low", "sqty-1"), ("Observation.referenceRange[1]", "obs-3")],
    ),
    (
        {"resourceType": "Patient", "extension": [{"url": "http://x", "valueTiming": REPEATED}]},
        [("Patient.extension[0].value.repeat", "tim-1")],
    ),
    (
        {
            "resourceType": "Bundle",
            "type": "collection",
            "entry": [
                {"resource": {"resourceType": "Patient", "telecom": [{"value": "1"}]}},
                {"resource": {"resourceType": "Patient"}},
            ],
        },
        [("Bundle.entry[0].resource.telecom[0]", "cpt-2")],
    ),
    (
        {"resourceType": "CareTeam", "participant": [{"onBehalfOf": {"display": "x"}}]},
        [],
    ),
    # rules of values
    (
        {"resourceType": "Media", "content": {"contentType": "a/b", "data": "QUJD", "size": 4}},
        [("Media.content", "Attachment.size")],
    ),
    (
        {"resourceType": "Media", "content": {"contentType": "a/b", "data": "QUJD", "hash": HASH}},
        [("Media.content", "Attachment.hash")],
    ),
    (
        {"resourceType": "Patient", "maritalStatus": {"coding": [{"system": "local", "code": "a"}]}},
        [("Patient.maritalStatus.coding[0].system", "Coding.system")],
    ),
    (
        {"resourceType": "Patient", "identifier": [{"system": "local", "value": "a"}]},
        [("Patient.identifier[0]", "Identifier.system")],
    ),
    (
        {"resourceType": "Patient", "identifier": [{"system": "urn:ietf:rfc:3986", "value": "a"}]},
        [("Patient.identifier[0]", "a whole URI")],
    ),
    (
        {
            "resourceType": "Patient",
            "maritalStatus": {"coding": [{"system": "http://hl7.org/fhir/ValueSet/marital-status"}]},
        },
        [("Patient.maritalStatus.coding[0].system", "value set")],
    ),
    ({"resourceType": "Library", "library": ["Library/1"], "url": "oid:1.2"}, [("Library.url", "urn:oid:")]),
    (
        {"resourceType": "QuestionnaireResponse", "questionnaire": "Questionnaire/1"},
        [("QuestionnaireResponse.questionnaire", "canonical is an absolute")],
    ),
    (
        {"resourceType": "Patient", "meta": {"profile": ["#a", "http://x|1", "urn:uuid:1"]}},
        [("Patient.meta.profile[2]", "urn:uuid:")],
    ),
]


@pytest.mark.parametrize(("tree", "expected"), WRONG)
def test_what_is_broken_is_told_at_its_place(tree: Tree, expected: list[tuple[str, str]]) -> None:
    issues = list(base_issues(tree, world()))

    assert [issue.expression for issue in issues] == [place for place, _ in expected]
    for issue, (_, words) in zip(issues, expected, strict=True):
        assert words in issue.text
        assert issue.french
        assert issue.severity == "error"
    if expected:
        assert not keeps_them(tree)


@pytest.mark.parametrize(
    "tree",
    [
        {"resourceType": "Patient", "name": "x", "telecom": {"value": 1}, "contact": [None, 3]},
        {"resourceType": "Encounter", "period": {"start": 1, "end": {}}},
        {"resourceType": "Bundle", "type": 1, "entry": [3, {"resource": []}]},
        {"resourceType": "Nothing"},
        {"resourceType": "Observation", "component": 3, "valueString": "x", "code": []},
    ],
)
def test_a_resource_of_no_sound_shape_does_no_harm(tree: Any) -> None:
    for issue in base_issues(tree, world()):
        assert issue.text


@pytest.mark.parametrize(
    ("option", "expected"), [("ignore", []), ("warn", ["warning"]), ("error", ["error"])]
)
def test_advice_is_given_as_the_options_want_it(option: str, expected: list[str]) -> None:
    issues = base_issues({"resourceType": "Patient"}, world(best_practice=option))

    assert [issue.severity for issue in issues] == expected


def test_no_narrative_is_asked_of_what_cannot_have_one() -> None:
    bundle = {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [{"resource": {"resourceType": "Patient"}}, {"resource": {"resourceType": "Binary"}}],
    }

    issues = list(base_issues(bundle, world(best_practice="warn")))

    assert [issue.expression for issue in issues] == ["Bundle.entry[0].resource"]


def test_the_constraints_of_an_element_are_those_of_its_type_and_of_its_place() -> None:
    found = constraints_at("ContactPoint", "Organization", "telecom")

    assert {constraint.key for constraint in found} == {"cpt-2", "org-3"}
