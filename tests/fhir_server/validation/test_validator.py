from __future__ import annotations

from typing import Any

import pytest

from fhir_server.kernel.issues import Issue
from fhir_server.kernel.wire import Tree, number
from fhir_server.validation.validator import MAX_ISSUES, check, check_shell

PATIENT: Tree = {
    "resourceType": "Patient",
    "id": "p",
    "active": True,
    "name": [{"use": "official", "family": "Payet", "given": ["Marie"]}],
    "gender": "female",
    "birthDate": "1940-02-29",
}
OBSERVATION: Tree = {"resourceType": "Observation", "status": "final", "code": {"text": "weight"}}
CONDITION: Tree = {"resourceType": "Condition", "subject": {"reference": "Patient/1"}}
EXTENSION = {"url": "http://example.org/e", "valueString": "x"}
ABSENT = {
    "extension": [
        {"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown"}
    ]
}
CLINICAL = "http://terminology.hl7.org/CodeSystem/condition-clinical"


def patient(**elements: Any) -> Tree:
    return {**PATIENT, **elements}


def observation(**elements: Any) -> Tree:
    return {**OBSERVATION, **elements}


def contained(*resources: Any, **elements: Any) -> Tree:
    return {**CONDITION, "contained": list(resources), **elements}


def nested(depth: int) -> Tree:
    extension: Tree = dict(EXTENSION)
    for _ in range(depth):
        extension = {"url": "http://example.org/e", "extension": [extension]}
    return extension


RIGHT: list[Tree] = [
    PATIENT,
    OBSERVATION,
    {"resourceType": "Patient"},
    patient(_birthDate=ABSENT),
    patient(_birthDate={"id": "b"}),
    patient(_id={"id": "b"}),
    {"resourceType": "Patient", "_birthDate": ABSENT},
    patient(name=[{"given": ["A", "B"], "_given": [None, ABSENT]}]),
    patient(name=[{"given": [None, "B"], "_given": [ABSENT, None]}]),
    patient(name=[{"given": ["A"], "_given": [{"id": "g"}]}]),
    patient(name=[{"_given": [ABSENT]}]),
    patient(name=[{"id": "n", "extension": [EXTENSION]}]),
    patient(meta={}),
    patient(deceasedBoolean=False, _deceasedBoolean=ABSENT),
    patient(_deceasedDateTime=ABSENT),
    patient(multipleBirthInteger=2),
    patient(extension=[{"url": "http://example.org/e", "extension": [EXTENSION]}]),
    patient(extension=[{"id": "e", "url": "u", "_valueString": ABSENT}]),
    patient(photo=[{"contentType": "not checked", "data": "QUJD"}]),
    patient(extension=[nested(90)]),
    observation(valueQuantity={"value": number("1.10")}),
    observation(_status=ABSENT) | {"status": "final"},
    {"resourceType": "Observation", "_status": ABSENT, "code": {"text": "x"}},
    observation(valueSampledData={"origin": {"value": 0}, "period": 1, "dimensions": 1, "data": "E"}),
    contained({"resourceType": "Patient", "id": "a"}, subject={"reference": "#a"}),
    contained(
        {"resourceType": "Patient", "id": "a", "link": [{"other": {"reference": "#a"}, "type": "seealso"}]}
    )
    | {"recorder": {"reference": "#a"}},
    contained(
        {
            "resourceType": "Encounter",
            "id": "a",
            "status": "planned",
            "class": {"code": "x"},
            "diagnosis": [{"condition": {"reference": "#"}}],
        }
    ),
    {**CONDITION, "clinicalStatus": {"coding": [{"system": CLINICAL, "code": "active"}, {"code": "x"}]}},
    {
        "resourceType": "Medication",
        "ingredient": [{"itemCodeableConcept": {"text": "x"}}],
    },
    {
        "resourceType": "Parameters",
        "parameter": [{"name": "a", "resource": PATIENT}, {"name": "b", "part": []}],
    }
    | {"parameter": [{"name": "a", "resource": PATIENT}]},
    {"resourceType": "Binary", "contentType": "text/plain", "data": "QUJD"},
]

# The resource, then for each problem: code, expression, words of the sentence.
WRONG: list[tuple[Any, list[tuple[str, str, str]]]] = [
    # the resource itself
    ({}, [("required", "", "'resourceType' is required")]),
    ({"resourceType": "Patiant"}, [("structure", "", "Did you mean 'Patient'?")]),
    ({"resourceType": "HumanName"}, [("structure", "", "not a resource type")]),
    ({"resourceType": "DomainResource"}, [("structure", "", "not a resource type")]),
    ({"resourceType": 7}, [("structure", "", "not a resource type")]),
    ({"resourceType": ["Patient"]}, [("structure", "", "not a resource type")]),
    (patient(id="a_b"), [("value", "Patient.id", "Not an id")]),
    # unknown elements
    (
        patient(nmae=[]),
        [("structure", "Patient", "Patient has no element 'nmae'. Did you mean 'name'?")],
    ),
    (
        patient(fhir_comments=["x"]),
        [("structure", "Patient", "has no element 'fhir_comments'")],
    ),
    (patient(_name=[None]), [("structure", "Patient", "no element '_name'")]),
    (patient(**{"Payet, 12 rue": 1}), [("structure", "Patient", "Patient has no element of this name")]),
    (
        patient(name=[{"family": "x", "resourceType": "HumanName"}]),
        [("structure", "Patient.name[0]", "HumanName has no element 'resourceType'")],
    ),
    (observation(value=1), [("structure", "Observation", "Did you mean 'valueQuantity'?")]),
    (
        observation(valueMoney={"value": 1}),
        [("structure", "Observation", "no element 'valueMoney'")],
    ),
    (
        patient(extension=[EXTENSION | {"_url": ABSENT}]),
        [("structure", "Patient.extension[0]", "'_url'")],
    ),
    (
        patient(contact=[{"nam": {}}]),
        [("structure", "Patient.contact[0]", "Patient.contact has no element")],
    ),
    # cardinality
    (
        {"resourceType": "Observation", "code": {"text": "x"}},
        [
            (
                "required",
                "Observation",
                "Element 'Observation.status' is required (1..1) and is missing",
            )
        ],
    ),
    (
        {"resourceType": "Observation"},
        [("required", "Observation", "(1..1)"), ("required", "Observation", "(1..1)")],
    ),
    (
        {"resourceType": "Medication", "ingredient": [{"isActive": True}]},
        [("required", "Medication.ingredient[0]", "'Medication.ingredient.item[x]' is required")],
    ),
    (patient(name={"family": "x"}), [("structure", "Patient.name", "An array is expected")]),
    (patient(birthDate=["1940"]), [("structure", "Patient.birthDate", "An array is not expected")]),
    (
        patient(maritalStatus=[{"text": "x"}]),
        [("structure", "Patient.maritalStatus", "An array is not expected")],
    ),
    (patient(name=[{"given": "A"}]), [("structure", "Patient.name[0].given", "An array is expected")]),
    (
        observation(valueString="x", valueInteger=1),
        [("structure", "Observation.value", "Only one type of 'Observation.value[x]' may be present")],
    ),
    (
        observation(valueString="x", _valueInteger=ABSENT),
        [("structure", "Observation.value", "Only one type")],
    ),
    # nothing is empty, and null is rare
    (patient(name=[]), [("structure", "Patient.name", "never empty")]),
    (patient(name=[{}]), [("structure", "Patient.name[0]", "never empty")]),
    (patient(maritalStatus={}), [("structure", "Patient.maritalStatus", "never empty")]),
    (patient(name=[{"given": []}]), [("structure", "Patient.name[0].given", "never empty")]),
    (patient(name=None), [("structure", "Patient.name", "An array is expected")]),
    (patient(name=[None]), [("structure", "Patient.name[0]", "object is expected")]),
    (patient(birthDate=None), [("structure", "Patient.birthDate", "null stands only inside arrays")]),
    (
        patient(birthDate=None, _birthDate=ABSENT),
        [("structure", "Patient.birthDate", "null stands only inside")],
    ),
    (patient(name=[{"given": ["A", None]}]), [("structure", "Patient.name[0].given[1]", "'_given'")]),
    (patient(contained=[]), [("structure", "Patient.contained", "never empty")]),
    (patient(meta={"tag": [{}]}), [("structure", "Patient.meta.tag[0]", "never empty")]),
    (patient(maritalStatus={"id": "x"}), [("invariant", "Patient.maritalStatus", "ele-1")]),
    # primitives and what stands beside them
    (patient(active="true"), [("structure", "Patient.active", "true or false, without quotes")]),
    (patient(birthDate="1941-02-29"), [("value", "Patient.birthDate", "the month has no such day")]),
    (patient(birthDate={"value": "1940"}), [("structure", "Patient.birthDate", "Not a JSON string")]),
    (patient(name=[{"given": ["A", ""]}]), [("value", "Patient.name[0].given[1]", "Not a string")]),
    (patient(_birthDate="x"), [("structure", "Patient.birthDate", "object is expected")]),
    (patient(_birthDate={}), [("structure", "Patient.birthDate", "never empty")]),
    (
        patient(_birthDate={"value": "x"}),
        [("structure", "Patient.birthDate", "Element has no element")],
    ),
    (patient(_birthDate={"id": ""}), [("value", "Patient.birthDate.id", "Not a string")]),
    ({"resourceType": "Patient", "_birthDate": {"id": "x"}}, [("invariant", "Patient.birthDate", "ele-1")]),
    (
        patient(name=[{"given": ["A", "B"], "_given": [ABSENT]}]),
        [("structure", "Patient.name[0].given", "same length")],
    ),
    (
        patient(name=[{"given": ["A"], "_given": ABSENT}]),
        [("structure", "Patient.name[0].given", "An array is expected")],
    ),
    (
        patient(name=[{"given": [None], "_given": [None]}]),
        [("structure", "Patient.name[0].given[0]", "null needs")],
    ),
    (patient(name=[{"_given": [None, ABSENT]}]), [("structure", "Patient.name[0].given[0]", "null needs")]),
    (
        patient(name=[{"given": [None], "_given": [{"id": "x"}]}]),
        [("invariant", "Patient.name[0].given[0]", "ele-1")],
    ),
    # bindings
    (patient(gender="f"), [("code-invalid", "Patient.gender", "female, male, other, unknown")]),
    (patient(gender=1), [("structure", "Patient.gender", "Not a JSON string")]),
    (patient(gender=["female"]), [("structure", "Patient.gender", "An array is not expected")]),
    (
        {**CONDITION, "clinicalStatus": {"coding": [{"system": "http://other", "code": "active"}]}},
        [("code-invalid", "Condition.clinicalStatus", "No coding is of the required value set")],
    ),
    (
        {**CONDITION, "clinicalStatus": {"text": "active"}},
        [("code-invalid", "Condition.clinicalStatus", "No coding")],
    ),
    (
        {**CONDITION, "clinicalStatus": {"codin": []}},
        [("structure", "Condition.clinicalStatus", "Did you mean 'coding'?")],
    ),
    # references
    (
        observation(subject={"reference": "Practitioner/1"}),
        [("structure", "Observation.subject", "may point to Patient or Group or Device or Location only")],
    ),
    (observation(subject={"reference": "#p"}), [("invariant", "Observation.subject", "ref-1")]),
    (observation(subject={"reference": "nowhere"}), [("value", "Observation.subject", "[type]/[id]")]),
    (
        observation(subject={"reference": 5}),
        [("structure", "Observation.subject.reference", "Not a JSON string")],
    ),
    (observation(subject="Patient/1"), [("structure", "Observation.subject", "object is expected")]),
    # contained resources
    (
        contained({"resourceType": "Patient", "id": "a"}),
        [("invariant", "Condition.contained[0]", "dom-3")],
    ),
    (
        contained({"resourceType": "Patient"}, subject={"reference": "#"}),
        [
            ("structure", "Condition.subject", "may point to Patient or Group only"),
            ("required", "Condition.contained[0]", "has an id"),
            ("invariant", "Condition.contained[0]", "dom-3"),
        ],
    ),
    (
        contained(
            {"resourceType": "Patient", "id": "a"},
            {"resourceType": "Patient", "id": "a"},
            subject={"reference": "#a"},
        ),
        [("invariant", "Condition.contained[1].id", "the same id")],
    ),
    (
        contained(
            {
                "resourceType": "Patient",
                "id": "a",
                "meta": {
                    "versionId": "1",
                    "lastUpdated": "2024-01-01T00:00:00Z",
                    "security": [{"code": "R"}],
                    "profile": ["http://example.org/p"],
                },
            },
            subject={"reference": "#a"},
        ),
        [
            ("invariant", "Condition.contained[0].meta.versionId", "dom-4"),
            ("invariant", "Condition.contained[0].meta.lastUpdated", "dom-4"),
            ("invariant", "Condition.contained[0].meta.security", "dom-5"),
        ],
    ),
    (
        contained(
            {"resourceType": "Patient", "id": "a", "contained": [{"resourceType": "Group", "id": "b"}]},
            subject={"reference": "#a"},
        ),
        [
            ("required", "Condition.contained[0].contained[0]", "Group.type"),
            ("required", "Condition.contained[0].contained[0]", "Group.actual"),
            ("invariant", "Condition.contained[0].contained", "dom-2"),
        ],
    ),
    (contained("x"), [("structure", "Condition.contained[0]", "A resource is a JSON object")]),
    (
        contained({"id": "a"}, subject={"reference": "#a"}),
        [("required", "Condition.contained[0]", "'resourceType'")],
    ),
    (
        contained({"resourceType": "Group", "id": 7, "type": "person", "actual": True}),
        [
            ("structure", "Condition.contained[0].id", "string"),
            ("invariant", "Condition.contained[0]", "dom-3"),
        ],
    ),
    # extensions
    (patient(extension=[{"valueString": "x"}]), [("required", "Patient.extension[0]", "Extension.url")]),
    (patient(extension=[{"url": "http://e"}]), [("extension", "Patient.extension[0]", "ext-1")]),
    (
        patient(extension=[EXTENSION | {"extension": [EXTENSION]}]),
        [("extension", "Patient.extension[0]", "ext-1")],
    ),
    (
        patient(extension=[{"url": "", "valueString": "x"}]),
        [("value", "Patient.extension[0].url", "Not a uri")],
    ),
    (
        patient(extension=[EXTENSION | {"valueCode": "y"}]),
        [("structure", "Patient.extension[0].value", "Only one type of 'Extension.value[x]'")],
    ),
    (
        patient(extension=[{"url": "u", "extension": [{"url": "v"}]}]),
        [("extension", "Patient.extension[0].extension[0]", "ext-1")],
    ),
    # narrative
    (patient(text={"status": "generated", "div": "<div/>"}), [("value", "Patient.text.div", "namespace")]),
    (
        patient(text={"div": "x"}),
        [("required", "Patient.text", "1..1"), ("value", "Patient.text.div", "<div")],
    ),
    (
        {"resourceType": "Patient", "text": {"status": "empty", "_div": ABSENT}},
        [("structure", "Patient.text", "'_div'"), ("required", "Patient.text", "(1..1)")],
    ),
    # resources inside resources
    (
        {"resourceType": "Parameters", "parameter": [{"name": "a", "resource": patient(gender="x")}]},
        [("code-invalid", "Parameters.parameter[0].resource.gender", "required value set")],
    ),
    (
        {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": patient(meta={})}]},
        [("structure", "Bundle.entry[0].resource.meta", "never empty")],
    ),
    (
        {
            "resourceType": "Bundle",
            "type": "collection",
            "entry": [{"resource": PATIENT}, {"resource": {"resourceType": "Nothing"}}, {"resource": []}],
        },
        [
            ("structure", "Bundle.entry[1].resource", "not a resource type"),
            ("structure", "Bundle.entry[2].resource", "A resource is a JSON object"),
        ],
    ),
    (
        {
            "resourceType": "Bundle",
            "type": "collection",
            "entry": [
                {"resource": PATIENT},
                {"resource": patient(name=[{"use": "x"}, {"use": "usual", "text": 1}])},
            ],
        },
        [
            ("code-invalid", "Bundle.entry[1].resource.name[0].use", "usual"),
            ("structure", "Bundle.entry[1].resource.name[1].text", "Not a JSON string"),
        ],
    ),
]


@pytest.mark.parametrize("tree", RIGHT)
def test_what_r4_allows_is_taken(tree: Tree) -> None:
    assert check(tree) == []


@pytest.mark.parametrize(("tree", "expected"), WRONG)
def test_every_problem_is_told_with_its_place_and_what_would_be_right(
    tree: Tree, expected: list[tuple[str, str, str]]
) -> None:
    issues = check(tree)

    assert [(issue.code, issue.expression) for issue in issues] == [
        (code, place) for code, place, _ in expected
    ]
    for issue, (_, _, words) in zip(issues, expected, strict=True):
        assert words in issue.text
        assert issue.french
        assert issue.french != issue.text


def test_the_resource_given_is_left_as_it_was() -> None:
    tree = patient(meta={}, gender="x")

    check(tree)

    assert tree == patient(meta={}, gender="x")


def test_no_sentence_repeats_what_the_sender_wrote() -> None:
    secret = "Zaphod"
    tree = {
        "resourceType": "Patient",
        "id": f"_{secret}",
        "gender": secret,
        "birthDate": secret,
        "active": secret,
        "link": [{"other": {"reference": secret}, "type": secret}],
        "generalPractitioner": [{"reference": f"Device/{secret}"}, {"reference": f"#{secret}"}],
        "text": {"status": secret, "div": f"<div>{secret}</div>"},
        "contained": [{"resourceType": secret, "id": secret}],
        f"{secret} Beeblebrox": 1,
    }

    issues = check(tree)

    assert len(issues) >= 9
    assert not [issue for issue in issues if secret in issue.text or secret in issue.expression]


def test_after_a_thousand_problems_the_rest_is_only_counted_as_more() -> None:
    issues = check(patient(name=[{"use": "x"}] * (MAX_ISSUES + 5)))

    assert len(issues) == MAX_ISSUES + 1
    assert {issue.severity for issue in issues[:-1]} == {"error"}
    assert issues[-1] == Issue(
        "too-costly",
        "There are more problems than the 1000 told here",
        severity="information",
        french="Il y a plus de problèmes que les 1000 signalés ici",
    )


def test_the_shell_of_a_bundle_is_judged_without_what_its_entries_carry() -> None:
    bundle = {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [
            {"resource": {"resourceType": "Nothing"}, "request": {"method": "POST", "url": "Patient"}},
            {"resource": {}, "request": {"method": "FETCH", "url": "Patient"}},
            {"resource": "x", "request": {"method": "POST", "url": "Patient"}},
            {"response": {"status": "200", "outcome": {"resourceType": "Nothing"}}},
            {"response": {"outcome": {}}},
            "x",
            {},
        ],
    }

    issues = check_shell(bundle)

    assert [(issue.code, issue.expression) for issue in issues] == [
        ("code-invalid", "Bundle.entry[1].request.method"),
        ("structure", "Bundle.entry[2].resource"),
        ("required", "Bundle.entry[4].response"),
        ("structure", "Bundle.entry[5]"),
        ("structure", "Bundle.entry[6]"),
    ]


@pytest.mark.parametrize("entry", [None, "x", {"a": 1}])
def test_entries_that_are_no_array_are_told(entry: Any) -> None:
    issues = check_shell({"resourceType": "Bundle", "type": "batch", "entry": entry})

    assert [(issue.code, issue.expression) for issue in issues] == [("structure", "Bundle.entry")]
