from __future__ import annotations

import psycopg
import pytest

from fhir_server.definitions.catalogue import resource_types
from fhir_server.definitions.parameters import Parameters, parameters_of
from fhir_server.kernel.wire import Tree, encode
from fhir_server.search.texts import json_paths, texts_of

PATIENT: Tree = {
    "resourceType": "Patient",
    "meta": {
        "tag": [{"system": "urn:s", "code": "Aé"}, {"display": "x"}],
        "profile": ["http://x/p|1", "http://x/q"],
    },
    "identifier": [{"system": "urn:s", "value": "1"}, {"value": "2"}, {"system": "urn:t"}],
    "active": False,
    "gender": "female",
    "deceasedDateTime": "2024",
    "name": [
        {"family": "Payet", "given": ["Marie", None, "Thérèse"], "prefix": ["Mme"]},
        {"text": "d'Hoarau"},
    ],
    "address": [{"line": ['12 rue "x"'], "city": "Saint-Denis", "period": {"start": "2024"}}],
    "telecom": [{"system": "email", "value": "a@b"}, {"system": "phone", "value": "1"}, {"system": "email"}],
    "generalPractitioner": [{"reference": "Practitioner/1"}, {"identifier": {"value": "3"}}],
    "communication": [
        {"language": {"coding": [{"code": "fr"}, {"code": "en"}], "text": "y"}},
        {"language": {}},
    ],
}
OBSERVATION: Tree = {
    "resourceType": "Observation",
    "status": "final",
    "code": {"coding": [{"code": "8480-6"}]},
    "component": [{"code": {"coding": [{"code": "8462-4"}]}}],
    "valueQuantity": {"value": 1},
}


def observed(subject: Tree) -> Tree:
    return {
        "resourceType": "Observation",
        "contained": [{"resourceType": "Patient", "id": "p"}],
        "subject": subject,
    }


CASES: list[tuple[Tree, str, set[str]]] = [
    (PATIENT, "_tag", {"Aé"}),
    (PATIENT, "_profile", {"http://x/p|1", "http://x/q"}),
    (PATIENT, "identifier", {"1", "2"}),
    (PATIENT, "active", {"false"}),
    (PATIENT, "gender", {"female"}),
    (PATIENT, "deceased", {"true"}),
    ({"resourceType": "Patient"}, "deceased", {"false"}),
    ({"resourceType": "Patient", "deceasedBoolean": True}, "deceased", {"true"}),
    ({"resourceType": "Patient", "deceasedBoolean": False}, "deceased", {"false"}),
    ({"resourceType": "Patient"}, "gender", set()),
    (PATIENT, "email", {"a@b"}),
    (PATIENT, "telecom", {"a@b", "1"}),
    (PATIENT, "general-practitioner", {"Practitioner/1"}),
    (PATIENT, "language", {"fr", "en"}),
    (PATIENT, "family", {"Payet"}),
    (PATIENT, "given", {"Marie", "Thérèse"}),
    (PATIENT, "name", {"Payet", "Marie", "Thérèse", "Mme", "d'Hoarau"}),
    (PATIENT, "address", {'12 rue "x"', "Saint-Denis"}),
    (OBSERVATION, "combo-code", {"8480-6", "8462-4"}),
    (OBSERVATION, "status", {"final"}),
    (observed({"reference": "Patient/1"}), "patient", {"Patient/1"}),
    (observed({"reference": "Patient/1/_history/2"}), "patient", {"Patient/1/_history/2"}),
    (observed({"reference": "https://x.example/Patient/1"}), "patient", {"https://x.example/Patient/1"}),
    (observed({"reference": "Patient/Group/1"}), "patient", set()),
    (observed({"reference": "Group/1"}), "patient", set()),
    (observed({"reference": "#p"}), "patient", set()),
    (observed({"type": "Patient", "identifier": {"value": "1"}}), "patient", set()),
    (observed({"reference": "Group/1"}), "subject", {"Group/1"}),
    (
        {"resourceType": "QuestionnaireResponse", "questionnaire": "http://q|1"},
        "questionnaire",
        {"http://q|1"},
    ),
]


@pytest.mark.parametrize(("tree", "code", "expected"), CASES)
def test_texts_are_given_as_they_are_written(tree: Tree, code: str, expected: set[str]) -> None:
    assert set(texts_of(tree, code)) == expected


@pytest.mark.parametrize("code", ["value-quantity", "date", "code-value-quantity", "_text"])
def test_numbers_dates_and_composites_have_no_texts(code: str) -> None:
    assert list(texts_of(OBSERVATION, code)) == []
    assert json_paths(parameters_of("Observation")[code]) is None


def test_the_texts_of_an_evaluated_parameter_are_found_by_fhirpath_alone() -> None:
    definition = {
        "url": "urn:x",
        "code": "x",
        "type": "token",
        "base": ["Patient"],
        "expression": "Patient.identifier.first() | Patient.active.not()"
        " | Patient.communication.language.where(text.exists())",
    }
    added = Parameters([definition])

    assert set(texts_of(PATIENT, "x", added)) == {"1", "fr", "en", "true"}
    assert json_paths(added.of("Patient")["x"]) is None


def test_postgresql_reads_the_same_texts(database_url: str) -> None:
    """And takes every path of R4."""
    path = "select array(select v #>> '{}' from jsonb_path_query(%s::text::jsonb, %s::text::jsonpath) v)"
    with psycopg.connect(database_url) as connection:
        for tree, code, expected in CASES:
            found: set[str] = set()
            for text in json_paths(parameters_of(tree["resourceType"])[code]) or ():
                row = connection.execute(path, (encode(tree).decode(), text)).fetchone()
                assert row is not None
                found.update(row[0])
            assert (code, found) == (code, expected)

        every = {
            text
            for name in resource_types()
            for parameter in parameters_of(name).values()
            for text in json_paths(parameter) or ()
        }
        connection.execute("select count(p::jsonpath) from unnest(%s::text[]) p", (sorted(every),))
