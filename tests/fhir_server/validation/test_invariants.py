from __future__ import annotations

from typing import Any

import orjson
import pytest

import profiles
from fhir_server.definitions.model import R4
from fhir_server.fhirpath.tree import root_of
from fhir_server.fhirpath.values import Node
from fhir_server.kernel.wire import Tree
from fhir_server.validation.invariants import Constraint, constraint_of, surroundings_of
from fhir_server.validation.world import LATER
from tests.worlds import NoCodes, world

VALUE_SET = "http://example.org/ValueSet/x"


def constraint(expression: str, key: str = "x-1", **more: Any) -> Constraint:
    return constraint_of(
        {"key": key, "severity": "error", "human": "It holds.", "expression": expression, **more}, "Patient"
    )


def patient(**elements: Any) -> Node:
    return root_of({"resourceType": "Patient", **elements}, R4)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("active.exists()", True),
        ("active = false", False),
        ("gender = 'male'", False),  # no answer is no fulfilment
        ("", True),
        ("name.where(", None),
        ("name.nonsense()", None),
        ("name + 1", None),
    ],
)
def test_a_constraint_holds_fails_or_cannot_be_evaluated(expression: str, expected: bool | None) -> None:
    node = patient(active=True, name=[{"text": "a"}])

    assert constraint(expression).holds(node, world()) is expected


def test_an_expression_that_would_never_end_is_not_evaluated() -> None:
    bomb = constraint("repeat(name | $this).count() > " + " + ".join(["descendants().count()"] * 400))
    node = patient(name=[{"given": ["a"] * 2000}] * 20)

    assert bomb.holds(node, world()) in {None, False}


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        (NoCodes({VALUE_SET: {"M"}}), True),
        (NoCodes({VALUE_SET: {"S"}}), False),
        (NoCodes(), None),
        (NoCodes(later=True), True),
    ],
)
def test_codes_are_asked_of_whoever_knows_them(codes: NoCodes, expected: bool | None) -> None:
    node = patient(maritalStatus={"coding": [{"system": "s", "code": "M"}]})

    assert constraint(f"maritalStatus.memberOf('{VALUE_SET}')").holds(node, world(codes)) is expected


def test_references_lead_to_what_the_world_has_and_wait_for_what_it_looks_up() -> None:
    asked: list[str] = []

    def resolve(reference: str) -> Tree | None:
        asked.append(reference)
        return {"resourceType": "Organization", "name": "a"}

    node = patient(managingOrganization={"reference": "Organization/1"})
    named = constraint("managingOrganization.resolve().name = 'a'")

    assert named.holds(node, world(resolve=resolve)) is True
    assert asked == ["Organization/1"]
    assert named.holds(node, world(resolve=lambda _: LATER)) is False


def test_profiles_are_asked_of_whoever_judges() -> None:
    here = world()
    around = surroundings_of(here, lambda node, profile: profile.endswith("yes"))

    assert constraint("conformsTo('http://p/yes')").holds(patient(), here, around) is True
    assert constraint("conformsTo('http://p/no')").holds(patient(), here, around) is False
    assert constraint("conformsTo('http://p/no')").holds(patient(), here) is None


def test_subsumption_is_asked_of_whoever_knows_codes() -> None:
    node = patient(
        maritalStatus={"coding": [{"system": "s", "code": "M"}, {"system": "s", "code": "M1"}]},
    )
    general = constraint("maritalStatus.coding[0].subsumes(maritalStatus.coding[1])")

    assert general.holds(node, world()) is True


def test_advice_knows_that_it_is_only_that() -> None:
    best: Tree = {
        "extension": [
            {
                "url": "http://hl7.org/fhir/StructureDefinition/elementdefinition-bestpractice",
                "valueBoolean": True,
            }
        ]
    }

    assert constraint("true", **best).best_practice
    assert not constraint("true").best_practice


def test_a_constraint_is_told_in_both_languages() -> None:
    own, known = (
        constraint("true"),
        constraint_of(structure_constraint("Period", "per-1"), "Period"),
    )

    assert own.text == "It holds (x-1)"
    assert own.french == "La contrainte x-1 n'est pas respectée : It holds"
    assert known.french == "Le début d'une période, s'il est présent, précède sa fin (per-1)"


def structure_constraint(type_: str, key: str) -> Tree:
    definition = orjson.loads(profiles.member(f"StructureDefinition/{type_}.json"))
    found: Tree = next(
        one
        for element in definition["snapshot"]["element"]
        for one in element.get("constraint", ())
        if one["key"] == key
    )
    return found


def questionnaire(**item: Any) -> Node:
    tree: Tree = {"resourceType": "Questionnaire", "item": [{"linkId": "1", "type": "string", **item}]}
    return Node(tree["item"][0], "Questionnaire.item", root_of(tree, R4))


@pytest.mark.parametrize(
    ("type_", "key", "node", "expected"),
    [
        ("ValueSet", "vsd-0", root_of({"resourceType": "ValueSet"}, R4), True),
        ("ValueSet", "vsd-0", root_of({"resourceType": "ValueSet", "name": "A name"}, R4), False),
        ("ElementDefinition", "eld-19", Node({"path": "Patient.name"}, "ElementDefinition"), True),
        ("ElementDefinition", "eld-19", Node({"path": "Patient...name"}, "ElementDefinition"), False),
        ("ElementDefinition", "eld-20", Node({"path": "Patient.value[x]"}, "ElementDefinition"), True),
        ("Questionnaire", "que-12", questionnaire(enableWhen=[{}, {}]), False),
        ("Questionnaire", "que-12", questionnaire(enableWhen=[{}]), True),
        (
            "Questionnaire",
            "que-7",
            Node({"operator": "exists", "answerBoolean": True}, "Questionnaire.item.enableWhen"),
            True,
        ),
        (
            "RiskAssessment",
            "ras-1",
            Node({"predictionDecimal": 1}, "RiskAssessment.prediction"),
            True,
        ),
        (
            "OperationDefinition",
            "opd-3",
            Node({"type": "Patient", "targetProfile": ["a"]}, "OperationDefinition.parameter"),
            True,
        ),
    ],
)  # fmt: skip
def test_expressions_of_r4_mean_what_their_texts_say(
    type_: str, key: str, node: Node, expected: bool
) -> None:
    found = constraint_of(structure_constraint(type_, key), type_)

    assert found.holds(node, world()) is expected
    assert found.evaluated(node) is expected
