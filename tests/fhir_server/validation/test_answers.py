from __future__ import annotations

from typing import Any

import pytest

from fhir_server.kernel.wire import Tree, number
from fhir_server.validation.rules import issues_of
from fhir_server.validation.world import LATER
from tests.worlds import NoCodes, world

EXTENSION = "http://hl7.org/fhir/StructureDefinition/"
VALUE_SET = "http://x/ValueSet/a"
MAX_OCCURS = f"{EXTENSION}questionnaire-maxOccurs"
URL = "http://x/Questionnaire/q"


def question(link_id: str, type_: str = "string", **more: Any) -> Tree:
    return {"linkId": link_id, "type": type_, **more}


def answered(link_id: str, *values: Tree, **more: Any) -> Tree:
    return {"linkId": link_id, **({"answer": list(values)} if values else {}), **more}


def told(
    items: list[Tree], answers: list[Tree], status: str = "completed", codes: NoCodes | None = None
) -> list[str]:
    """`severity place` of what is wrong with answers to a contained Questionnaire."""
    tree = {
        "resourceType": "QuestionnaireResponse",
        "status": status,
        "questionnaire": "#q",
        "contained": [
            {
                "resourceType": "Questionnaire",
                "id": "q",
                "item": items,
                "contained": [
                    {
                        "resourceType": "ValueSet",
                        "id": "inside",
                        "compose": {"include": [{"system": "http://s", "concept": [{"code": "a"}]}]},
                    }
                ],
            }
        ],
        "item": answers,
    }
    issues = list(issues_of(tree, world(codes)))
    assert all(issue.french for issue in issues)
    return [
        f"{issue.severity} {issue.expression.removeprefix('QuestionnaireResponse').removeprefix('.')}"
        for issue in issues
    ]


A = {"valueString": "a"}
YES = {"valueBoolean": True}
IN_VALUE = ["error item[0].answer[0].value"]
CODING = {"valueCoding": {"system": "http://s", "code": "a"}}
OTHER = {"valueCoding": {"system": "http://s", "code": "b"}}
WHEN: dict[str, Any] = {"enableWhen": [{"question": "1", "operator": "=", "answerBoolean": True}]}


@pytest.mark.parametrize(
    ("items", "answers", "expected"),
    [
        ([question("1")], [answered("1", A)], []),
        ([question("1", required=True)], [answered("1", A)], []),
        ([question("1", required=True)], [], ["error "]),
        ([question("1", required=True)], [answered("1")], ["error item[0]"]),
        ([question("1")], [answered("2", A)], ["error "]),
        ([question("1"), question("2")], [answered("2", A), answered("1", A)], ["error "]),
        ([question("1")], [answered("1", A, A)], ["error item[0]"]),
        ([question("1", repeats=True)], [answered("1", A, A)], []),
        ([question("1")], [answered("1", A), answered("1", A)], ["error "]),
        ([question("1", text="What?")], [answered("1", A, text="Why?")], ["error item[0]"]),
        ([question("1", "integer")], [answered("1", A)], ["error item[0].answer[0]"]),
        ([question("1", "url")], [answered("1", {"valueUri": "x"})], []),
        ([question("1", "group")], [answered("1", A)], ["error item[0]"]),
        ([question("1", "display")], [answered("1", A)], ["error item[0]"]),
        ([question("1", item=[question("2")])], [answered("1", A, item=[answered("2", A)])], ["error item[0]"]),
        ([question("1", item=[question("2")])], [answered("1", A | {"item": [answered("2", A)]})], []),
        ([question("1", "group", item=[question("2")])], [answered("2", A)], ["error "]),
        ([question("1", "group", item=[question("2", required=True)])], [answered("1")], ["error item[0]"]),
        # whether a question is asked
        ([question("1", "boolean"), question("2", required=True, **WHEN)], [answered("1", YES)], ["error "]),
        ([question("1", "boolean"), question("2", required=True, **WHEN)], [], []),
        ([question("1", "boolean"), question("2", **WHEN)], [answered("2", A)], ["error item[0]"]),
        # options and value sets
        ([question("1", "choice", answerOption=[CODING])], [answered("1", CODING)], []),
        ([question("1", "choice", answerOption=[CODING])], [answered("1", OTHER)], IN_VALUE),
        ([question("1", "open-choice", answerOption=[CODING])], [answered("1", A)], []),
        ([question("1", "choice", answerValueSet="#inside")], [answered("1", CODING)], []),
        ([question("1", "choice", answerValueSet="#inside")], [answered("1", OTHER)], IN_VALUE),
        ([question("1", "choice", answerValueSet=VALUE_SET)], [answered("1", CODING)], []),
        ([question("1", "choice", answerValueSet=VALUE_SET)], [answered("1", OTHER)], IN_VALUE),
        (
            [question("1", "choice", answerValueSet="http://unknown")],
            [answered("1", CODING)],
            ["warning item[0].answer[0].value"],
        ),
        # limits
        ([question("1", maxLength=1)], [answered("1", {"valueString": "ab"})], IN_VALUE),
        (
            [question("1", extension=[{"url": f"{EXTENSION}minLength", "valueInteger": 2}])],
            [answered("1", A)],
            IN_VALUE,
        ),
        (
            [question("1", "integer", extension=[{"url": f"{EXTENSION}minValue", "valueInteger": 2}])],
            [answered("1", {"valueInteger": 1})],
            IN_VALUE,
        ),
        (
            [question("1", "date", extension=[{"url": f"{EXTENSION}maxValue", "valueDate": "2024-01-01"}])],
            [answered("1", {"valueDate": "2024-01-02"})],
            IN_VALUE,
        ),
        (
            [question("1", "decimal", extension=[{"url": f"{EXTENSION}maxDecimalPlaces", "valueInteger": 1}])],
            [answered("1", {"valueDecimal": number("1.25")})],
            IN_VALUE,
        ),
        (
            [question("1", repeats=True, extension=[{"url": MAX_OCCURS, "valueInteger": 1}])],
            [answered("1", A, A)],
            ["error item[0]"],
        ),
    ],
)  # fmt: skip
def test_answers_are_held_against_the_questionnaire(
    items: list[Tree], answers: list[Tree], expected: list[str]
) -> None:
    assert told(items, answers, codes=NoCodes({VALUE_SET: {"a"}})) == expected


def test_what_is_missing_in_an_unfinished_response_is_worth_a_warning() -> None:
    assert told([question("1", required=True)], [], status="in-progress") == ["warning "]


@pytest.mark.parametrize(
    ("operator", "wanted", "given", "expected"),
    [
        ("exists", {"answerBoolean": True}, A, True),
        ("exists", {"answerBoolean": False}, A, False),
        ("=", {"answerString": "a"}, A, True),
        ("!=", {"answerString": "a"}, A, False),
        (">", {"answerInteger": 3}, {"valueInteger": 4}, True),
        ("<=", {"answerDecimal": number("3.0")}, {"valueDecimal": number("3.00")}, True),
        (">=", {"answerDate": "2024-01-02"}, {"valueDate": "2024-01-01"}, False),
        (
            "<",
            {"answerQuantity": {"value": 1, "system": "http://unitsofmeasure.org", "code": "kg"}},
            {"valueQuantity": {"value": 900, "system": "http://unitsofmeasure.org", "code": "g"}},
            True,
        ),
        ("=", {"answerCoding": {"code": "a"}}, CODING, True),
        ("=", {"answerCoding": {"system": "http://t", "code": "a"}}, CODING, False),
        ("=", {"answerReference": {"reference": "Patient/1"}}, {"valueReference": {"reference": "Patient/1"}}, True),
    ],
)  # fmt: skip
def test_a_condition_compares_the_answer(operator: str, wanted: Tree, given: Tree, expected: bool) -> None:
    value = next(iter(given)).removeprefix("value")
    types = {"Coding": "choice", "String": "string"}
    asked = question("1", types.get(value, value[:1].lower() + value[1:]))
    depends = question("2", enableWhen=[{"question": "1", "operator": operator, **wanted}], required=True)

    assert told([asked, depends], [answered("1", given)]) == (["error "] if expected else [])


@pytest.mark.parametrize(("behaviour", "expected"), [("all", []), ("any", ["error "])])
def test_several_conditions_count_as_the_questionnaire_says(behaviour: str, expected: list[str]) -> None:
    conditions = [
        {"question": "1", "operator": "exists", "answerBoolean": True},
        {"question": "1", "operator": "=", "answerString": "b"},
    ]
    depends = question("2", enableWhen=conditions, enableBehavior=behaviour, required=True)

    assert told([question("1"), depends], [answered("1", A)]) == expected


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ({"resourceType": "Questionnaire", "url": URL, "item": [question("1")]}, ["error"]),
        (None, ["warning"]),
        (LATER, ["warning"]),
    ],
)
def test_the_questionnaire_may_be_looked_up(found: Any, expected: list[str]) -> None:
    response = {
        "resourceType": "QuestionnaireResponse",
        "status": "completed",
        "questionnaire": URL,
        "item": [answered("2", A)],
    }

    issues = list(issues_of(response, world(resolve=lambda _: found)))

    assert [issue.severity for issue in issues] == expected


def test_the_questionnaire_may_stand_in_the_same_bundle() -> None:
    response = {
        "resourceType": "QuestionnaireResponse",
        "id": "1",
        "status": "completed",
        "questionnaire": f"{URL}|1",
        "item": [answered("2", A)],
    }
    asked = {"resourceType": "Questionnaire", "id": "1", "url": URL, "version": "1", "item": [question("1")]}
    tree = {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [
            {"fullUrl": f"http://x/{resource['resourceType']}/1", "resource": resource}
            for resource in (response, asked)
        ],
    }

    issues = list(issues_of(tree, world()))

    assert [issue.expression for issue in issues] == ["Bundle.entry[0].resource"]


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("before", []),
        ("self", ["error"]),
        ("inner", ["error"]),
        ("nothing", ["error"]),
        ("after", ["warning"]),
    ],
)
def test_conditions_of_a_questionnaire_name_questions_there_are(condition: str, expected: list[str]) -> None:
    here = question("self", "group", enableWhen=[{"question": condition}], item=[question("inner")])
    tree = {"resourceType": "Questionnaire", "item": [question("before"), here, question("after")]}

    issues = list(issues_of(tree, world()))

    assert [issue.severity for issue in issues] == expected
    assert all(issue.expression == "Questionnaire.item[1]" for issue in issues)
