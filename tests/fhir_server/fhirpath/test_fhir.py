"""https://hl7.org/fhir/R4/fhirpath.html#functions"""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from fhir_server.definitions.model import R4
from fhir_server.fhirpath.errors import CannotEvaluate
from fhir_server.fhirpath.evaluator import evaluate, evaluate_on
from fhir_server.fhirpath.surroundings import Surroundings
from fhir_server.fhirpath.values import Budget, Node, system_of
from fhir_server.kernel.wire import Tree

PATIENT: Tree = {
    "resourceType": "Patient",
    "id": "p",
    "contained": [
        {"resourceType": "Organization", "id": "o", "name": "Inside", "partOf": {"reference": "#"}},
        {"resourceType": "Practitioner", "id": "g", "active": True},
    ],
    "managingOrganization": {"reference": "#o"},
    "generalPractitioner": [{"reference": "#g"}, {"reference": "Practitioner/away"}, {"display": "nobody"}],
    "text": {"status": "generated", "div": "<div>x</div>"},
    "gender": "female",
    "modifierExtension": [{"url": "urn:m", "valueBoolean": True}],
}
BUNDLE: Tree = {
    "resourceType": "Bundle",
    "type": "collection",
    "entry": [
        {"fullUrl": "urn:uuid:1", "resource": PATIENT},
        {
            "fullUrl": "http://x/fhir/Observation/1",
            "resource": {
                "resourceType": "Observation",
                "subject": {"reference": "urn:uuid:1"},
                "encounter": {"reference": "Encounter/1"},
            },
        },
        {
            "fullUrl": "http://x/fhir/Encounter/1",
            "resource": {"resourceType": "Encounter", "status": "planned"},
        },
    ],
}


def found(expression: str, tree: Tree = PATIENT, around: Surroundings | None = None) -> list[object]:
    nodes = evaluate(expression, tree, R4, surroundings=around or Surroundings())
    return [system_of(node) if system_of(node) is not None else node.type for node in nodes]


@pytest.mark.parametrize(
    ("expression", "tree", "wanted"),
    [
        ("managingOrganization.resolve().name", PATIENT, ["Inside"]),
        ("contained.partOf.resolve().id", PATIENT, ["p"]),
        ("generalPractitioner.resolve().active", PATIENT, [True]),
        ("generalPractitioner.where(resolve() is Practitioner).count()", PATIENT, [1]),
        ("'#o'.resolve().name", PATIENT, ["Inside"]),
        ("gender.resolve()", PATIENT, []),
        ("entry.resource.subject.resolve().id", BUNDLE, ["p"]),
        ("entry.resource.encounter.resolve().status", BUNDLE, ["planned"]),
        ("entry.resource.managingOrganization.resolve().name", BUNDLE, ["Inside"]),
        ("'urn:uuid:1'.resolve().id", BUNDLE, ["p"]),
    ],
)
def test_a_reference_leads_to_what_is_contained_or_in_the_bundle(
    expression: str, tree: Tree, wanted: list[object]
) -> None:
    assert found(expression, tree) == wanted


def test_other_references_are_the_surroundings_to_resolve() -> None:
    asked = []

    def resolve(link: str, node: Node) -> Tree | None:
        asked.append((link, node.place))
        return {"resourceType": "Practitioner", "active": False}

    assert found("generalPractitioner.resolve().active", around=Surroundings(resolve=resolve)) == [
        True,
        False,
    ]
    assert asked == [("Practitioner/away", "Patient.generalPractitioner[1]")]


def test_the_surroundings_answer_what_a_resource_cannot() -> None:
    traced: list[tuple[str, int]] = []

    def trace(name: str, items: Sequence[Node]) -> None:
        traced.append((name, len(items)))

    around = Surroundings(
        member_of=lambda node, url: node.value == "female" and url == "urn:v",
        conforms_to=lambda node, url: node.type == "Patient" if url == "urn:p" else None,
        subsumes=lambda general, special: general.value == special.value,
        is_safe=lambda text: "script" not in text,
        definition_of=lambda node: {"path": node.place, "min": 0},
        is_in_slice=lambda node, url, name: name == "a",
        trace=trace,
    )

    assert found("gender.memberOf('urn:v')", around=around) == [True]
    assert found("conformsTo('urn:p')", around=around) == [True]
    assert found("gender.subsumes('female') and gender.subsumedBy('female')", around=around) == [True]
    assert found("text.div.htmlChecks()", around=around) == [True]
    assert found("gender.elementDefinition().path", around=around) == ["Patient.gender"]
    assert found("gender.slice('urn:p', 'a') | gender.slice('urn:p', 'b')", around=around) == ["female"]
    assert found("contained.trace('all').trace('ids', id).count()", around=around) == [2]
    assert traced == [("all", 2), ("ids", 2)]


@pytest.mark.parametrize(
    "expression",
    [
        "gender.memberOf('urn:x')",
        "conformsTo('urn:x')",
        "gender.subsumes('male')",
        "gender.slice('urn:x', 'a')",
        "checkModifiers()",
        "contained.conformsTo('urn:x')",
        "contained.subsumes('male')",
    ],
)
def test_what_cannot_be_told_ends_the_evaluation(expression: str) -> None:
    around = Surroundings(
        member_of=lambda node, url: None,
        conforms_to=lambda node, url: None,
        subsumes=lambda general, special: None,
        is_in_slice=lambda node, url, name: None,
    )

    with pytest.raises(CannotEvaluate):
        found(expression, around=around)


def test_of_nothing_nothing_is_asked() -> None:
    around = Surroundings(
        member_of=lambda node, url: 1 / 0 > 0,
        conforms_to=lambda node, url: 1 / 0 > 0,
        subsumes=lambda general, special: 1 / 0 > 0,
        is_safe=lambda text: 1 / 0 > 0,
        is_in_slice=lambda node, url, name: 1 / 0 > 0,
    )
    questions = [
        "memberOf('u')",
        "conformsTo('u')",
        "htmlChecks()",
        "subsumes('a')",
        "resolve()",
        "slice({}, 'a')",
    ]

    assert [found(f"{{}}.{one}", around=around) for one in questions] == [[]] * len(questions)


def test_from_an_element_the_resources_around_it_are_known() -> None:
    (organization,) = evaluate("contained.ofType(Organization)", PATIENT, R4)
    (name,) = evaluate("contained.name", PATIENT, R4)

    assert [node.type for node in evaluate_on("%resource | %rootResource | %context", name, R4)] == [
        "Organization",
        "Patient",
        "string",
    ]
    assert organization.resource is organization
    assert organization.container.type == "Patient"


def test_an_evaluation_ends_with_its_time() -> None:
    with pytest.raises(CannotEvaluate) as refusal:
        evaluate(
            "Patient" + ".select(%resource.descendants())" * 8,
            PATIENT,
            R4,
            budget=Budget(10**9, seconds=0.05),
        )

    assert refusal.value.issues[0].code == "too-costly"
