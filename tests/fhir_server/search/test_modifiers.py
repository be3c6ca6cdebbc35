"""https://hl7.org/fhir/R4/search.html#modifiers"""

from __future__ import annotations

import pytest

from fhir_server.definitions.parameters import parameters_of
from fhir_server.search.modifiers import modifiers_of
from fhir_server.search.values import is_answered
from tests.fhir_server.search.asking import parsed, refused


@pytest.mark.parametrize(
    ("parameter", "modifiers"),
    [
        ("Patient.family", {"missing", "exact", "contains"}),
        ("Patient.birthdate", {"missing"}),
        ("Patient.gender", {"missing", "not", "in", "not-in", "above", "below"}),
        ("Patient.active", {"missing", "not"}),
        ("Patient.telecom", {"missing", "not"}),
        ("Patient.identifier", {"missing", "not", "text", "of-type"}),
        ("Patient._id", {"missing", "not"}),
        ("Observation.code", {"missing", "not", "text", "in", "not-in", "above", "below"}),
        ("Observation.combo-code", {"missing", "not", "text", "in", "not-in", "above", "below"}),
        ("Observation.subject", {"missing", "identifier"}),
        ("Observation.value-quantity", {"missing"}),
        ("Observation.code-value-quantity", set()),
        ("QuestionnaireResponse.questionnaire", {"missing", "below"}),
        ("RiskAssessment.probability", {"missing"}),
        ("ValueSet.url", {"missing", "above", "below"}),
        ("Location.near", {"missing"}),
        ("Patient._text", set()),
        ("Patient._content", set()),
    ],
)
def test_a_parameter_takes_the_modifiers_of_its_kind_and_its_elements(
    parameter: str, modifiers: set[str]
) -> None:
    of, _, code = parameter.partition(".")

    assert modifiers_of(parameters_of(of)[code]) == modifiers


@pytest.mark.parametrize(
    ("resource_type", "text", "part"),
    [
        ("Patient", "gender:exact=male", "does not take the modifier ':exact'"),
        ("Patient", "active:in=http://x", "does not take the modifier ':in'"),
        ("Patient", "gender:text=x", "does not take the modifier ':text'"),
        ("Observation", "code:of-type=a|b|c", "does not take the modifier ':of-type'"),
        ("Observation", "code:ofType=a|b|c", "does not take the modifier ':ofType'"),
        ("Patient", "family:not=x", "does not take the modifier ':not'"),
        ("Patient", "family:code-text=x", "does not take the modifier ':code-text'"),
        ("Patient", "family:Patient=x", "does not know"),
        ("Patient", "family:foo=x", "does not know"),
        ("Patient", "family:exact:contains=x", "does not know"),
        ("Patient", "birthdate:exact=1980", "does not take the modifier"),
        ("Patient", "_text:exact=x", "does not take the modifier"),
        ("Patient", "_content:missing=true", "does not take the modifier"),
        ("Patient", "_list:not=1", "does not take the modifier"),
        ("Patient", "_id:exact=1", "does not take the modifier"),
        ("Observation", "code-value-quantity:missing=true", "does not take the modifier"),
        ("Observation", "combo-code-value-quantity:missing=true", "does not take the modifier"),
        ("QuestionnaireResponse", "questionnaire:identifier=x", "does not take the modifier"),
        ("QuestionnaireResponse", "questionnaire:above=http://x", "does not follow hierarchies"),
        ("Patient", "_type:not=Patient", "takes no modifier"),
        ("Patient", "_filter:not=x", "takes no modifier"),
        ("Observation", "value-quantity:above=1", "does not take the modifier"),
        ("Observation", "subject:Organization=1", "never points to the type Organization"),
        ("Observation", "patient:Group=1", "never points to the type Group"),
        ("Observation", "subject:Elephant=1", "does not know"),
        ("Observation", "subject:exact=1", "does not take the modifier"),
        ("Location", "partof:below=1", "does not follow hierarchies"),
        ("Location", "partof:above=1", "does not follow hierarchies"),
        ("Location", "near:exact=1|1", "does not take the modifier"),
        ("Patient", "gender:=male", "'gender:' has a colon and no modifier behind it"),
        ("Observation", "subject:=Patient/1", "no modifier behind it"),
        ("Observation", "subject:.name=x", "no modifier behind it"),
        ("Observation", "subject:Patient.name:=x", "no modifier behind it"),
        ("Patient", "_has:Observation:patient:code:=x", "no modifier behind it"),
        ("Patient", "_id:=1", "no modifier behind it"),
        ("Patient", "_sort:=family", "no modifier behind it"),
        ("Patient", "_include:=Patient:link", "no modifier behind it"),
        ("Patient", "_filter:=gender eq male", "takes no modifier"),
    ],
)
def test_a_modifier_that_does_not_apply_is_refused_whatever_prefer_says(
    resource_type: str, text: str, part: str
) -> None:
    assert part in refused(resource_type, text, lenient=True)[0]


def test_every_modifier_of_a_parameter_can_be_read() -> None:
    values = {
        "missing": "true",
        "of-type": "a|b|c",
        "above": "http://x/y",
        "below": "http://x/y",
        "identifier": "a|b",
    }
    for of in ("Patient", "Observation", "ValueSet", "Location", "RiskAssessment"):
        for parameter in parameters_of(of).values():
            for modifier in modifiers_of(parameter) if is_answered(parameter) else ():
                text = f"{parameter.code}:{modifier}={values.get(modifier, 'http://x')}"

                assert len(parsed(of, text).query.where) == 1
