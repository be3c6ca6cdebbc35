from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_server.kernel.keys import Key
from fhir_server.kernel.wire import Tree
from tests.fhir_server.search.extracting import (
    BOOLEANS,
    HASHER,
    LOINC,
    UCUM,
    entries,
    folded,
    present,
    target,
    token,
    words,
)

V2 = "http://terminology.hl7.org/CodeSystem/v2-0203"
STATUS = "http://hl7.org/fhir/observation-status"


@pytest.mark.parametrize(
    ("elements", "parameter", "exact", "lower"),
    [
        (
            {
                "resourceType": "Observation",
                "code": {
                    "coding": [
                        {"system": LOINC, "code": "LA6-A"},
                        {"system": UCUM, "code": "mL"},
                        {"code": "B"},
                    ]
                },
            },
            "code",
            [("mL", UCUM)],
            [("la6-a", LOINC), ("b", "")],
        ),
        (
            {"resourceType": "Observation", "identifier": [{"system": UCUM, "value": "A"}, {"value": "B"}]},
            "identifier",
            [],
            [("a", UCUM), ("b", "")],
        ),
        ({"resourceType": "Observation", "identifier": [{"system": LOINC}]}, "identifier", [], []),
        ({"resourceType": "Observation", "status": "final"}, "status", [("final", STATUS)], []),
        (
            {"resourceType": "Patient", "gender": "female"},
            "gender",
            [("female", "http://hl7.org/fhir/administrative-gender")],
            [],
        ),
        ({"resourceType": "Endpoint", "payloadMimeType": ["text/HTML"]}, "status", [], []),
        ({"resourceType": "Patient", "active": True}, "active", [("true", BOOLEANS)], []),
        ({"resourceType": "Patient"}, "deceased", [("false", BOOLEANS)], []),
        ({"resourceType": "Patient", "deceasedDateTime": "2024"}, "deceased", [("true", BOOLEANS)], []),
        (
            {
                "resourceType": "Patient",
                "telecom": [{"system": "email", "value": "A@b.Example"}, {"system": "phone"}],
            },
            "email",
            [],
            [("a@b.example", "")],
        ),
        (
            {"resourceType": "Patient", "telecom": [{"system": "email", "value": "A@b.Example"}]},
            "phone",
            [],
            [],
        ),
        (
            {"resourceType": "Patient", "meta": {"tag": [{"system": LOINC, "code": "A"}]}},
            "_tag",
            [],
            [("a", LOINC)],
        ),
        ({"resourceType": "ValueSet", "version": "V2"}, "version", [], [("v2", "")]),
        (
            {
                "resourceType": "Device",
                "extension": [
                    {"url": "http://hl7.org/fhir/SearchParameter/device-extensions-Device-din"},
                    {
                        "url": "http://hl7.org/fhir/SearchParameter/device-extensions-Device-din",
                        "valueIdentifier": {"system": LOINC, "value": "A"},
                    },
                ],
            },
            "din",
            [],
            [("a", LOINC)],
        ),
    ],
)
def test_a_token_has_its_code_under_its_system(
    elements: Tree, parameter: str, exact: list[tuple[str, str]], lower: list[tuple[str, str]]
) -> None:
    resource_type = elements["resourceType"]
    found = entries(**elements)

    expected = {token(resource_type, parameter, *one) for one in exact}
    expected |= {folded(resource_type, parameter, *one) for one in lower}
    assert expected <= set(found.tokens)
    if not expected:
        without = entries(resourceType=resource_type)
        others = {row for row in found.tokens if row not in without.tokens}
        assert not others & {folded(resource_type, parameter, code) for code in ("text/html", "a@b.example")}


def test_a_token_is_there_in_one_way_only() -> None:
    unit = entries(resourceType="Observation", code={"coding": [{"system": UCUM, "code": "ml"}]})
    code = entries(resourceType="Observation", code={"coding": [{"system": LOINC, "code": "a"}]})

    assert unit.tokens == [token("Observation", "code", "ml", UCUM)]
    assert code.tokens == [folded("Observation", "code", "a", LOINC)]


@given(st.text(min_size=1, max_size=20))
def test_every_way_to_write_a_code_gives_the_same_row(code: str) -> None:
    upper = entries(resourceType="Patient", identifier=[{"value": code.upper()}])
    lower = entries(resourceType="Patient", identifier=[{"value": code.upper().casefold()}])

    assert set(upper.tokens) == set(lower.tokens)


def test_the_systems_of_a_parameter_are_among_what_is_present() -> None:
    found = entries(
        resourceType="Observation",
        code={"coding": [{"system": LOINC, "code": "1"}, {"system": "http://only.system"}]},
        identifier=[{"system": "urn:x"}],
    )

    for parameter, system in [("code", LOINC), ("code", "http://only.system"), ("identifier", "urn:x")]:
        assert HASHER.system(HASHER.seed("Observation", parameter), system) in found.present
    assert HASHER.system(HASHER.seed("Observation", "code"), "urn:x") not in found.present
    assert found.present == sorted(set(found.present))


@pytest.mark.parametrize(
    ("elements", "name", "expected"),
    [
        (
            {
                "resourceType": "Condition",
                "code": {
                    "coding": [{"code": "1", "display": "Fièvre"}, {"display": "Élevée"}],
                    "text": "A chaud !",
                },
            },
            "code:text",
            {"fievre", "elevee", "a chaud", "chaud"},
        ),
        ({"resourceType": "Condition", "code": {"text": " - "}}, "code:text", set()),
        ({"resourceType": "Condition", "code": {"text": "é" * 300}}, "code:text", {"e" * 200}),
        (
            {"resourceType": "Condition", "code": {"text": "a " * 300}},
            "code:text",
            {"a " * words for words in range(1, 101)},
        ),
        (
            {
                "resourceType": "Patient",
                "identifier": [{"type": {"text": "INS", "coding": [{"display": "x"}]}}],
            },
            "identifier:text",
            {"ins"},
        ),
        ({"resourceType": "Patient", "meta": {"tag": [{"display": "Draft"}]}}, "_tag:text", {"draft"}),
        ({"resourceType": "Patient", "meta": {"profile": ["http://X.y/p"]}}, "_profile", {"http://X.y/p"}),
        ({"resourceType": "ValueSet", "url": "urn:A"}, "url", {"urn:A"}),
        ({"resourceType": "ValueSet", "url": "urn:" + "a" * 600}, "url", set()),
    ],
)
def test_words_and_uris_are_in_the_dictionary(elements: Tree, name: str, expected: set[str]) -> None:
    assert words(entries(**elements), elements["resourceType"], name) == expected


def test_an_identifier_is_found_by_its_type() -> None:
    kinds = {"coding": [{"system": V2, "code": "MR"}, {"code": "x"}, {"system": V2}]}
    found = entries(resourceType="Patient", identifier=[{"type": kinds, "value": "A1"}, {"type": kinds}])

    assert set(found.tokens) >= {
        folded("Patient", "identifier", "a1"),
        folded("Patient", "identifier:of-type", "mr|a1", V2),
        folded("Patient", "identifier:of-type", "x|a1"),
    }
    assert len(found.tokens) == 4  # and that the patient is not dead


@pytest.mark.parametrize(
    ("text", "keys", "others"),
    [
        ("Patient/1", [Key("Patient", "1")], []),
        ("https://here.example/fhir/Patient/1", [Key("Patient", "1")], []),
        ("http://localhost/fhir/Patient/1", [Key("Patient", "1")], []),
        ("Patient/1/_history/2", [Key("Patient", "1")], ["Patient/1/_history/2"]),
        (
            "https://here.example/fhir/Patient/1/_history/2",
            [Key("Patient", "1")],
            ["Patient/1/_history/2"],
        ),
        ("https://there.example/Patient/1", [], ["https://there.example/Patient/1"]),
        (
            "https://there.example/Patient/1/_history/2",
            [],
            ["https://there.example/Patient/1", "https://there.example/Patient/1/_history/2"],
        ),
        ("urn:uuid:1", [], ["urn:uuid:1"]),
        ("#inside", [], []),
    ],
)
def test_a_reference_is_found_by_key_or_by_text(text: str, keys: list[Key], others: list[str]) -> None:
    found = entries(resourceType="Observation", subject={"reference": text})

    expected = {target("Observation", "subject", key) for key in keys}
    expected |= {token("Observation", "subject", other) for other in others}
    assert set(found.tokens) == expected
    assert "subject" in present(found, "Observation")


def test_a_reference_is_there_for_each_parameter_to_include_it() -> None:
    found = entries(resourceType="Observation", subject={"reference": "Patient/1"})

    one = Key("Patient", "1")
    assert set(found.references) == {
        (HASHER.seed("Observation", "subject"), one),
        (HASHER.seed("Observation", "patient"), one),
    }
    assert len(found.tokens) == 1  # `patient` shares the row of `subject`
    assert present(found, "Observation") == {"subject", "patient"}


def test_a_group_is_a_subject_and_no_patient() -> None:
    found = entries(resourceType="Observation", subject={"reference": "Group/1"})

    assert present(found, "Observation") == {"subject"}


def test_a_purely_logical_reference_is_found_by_its_identifier() -> None:
    identifier = {"system": "urn:x", "value": "A", "type": {"text": "INS"}}
    found = entries(resourceType="Observation", subject={"type": "Patient", "identifier": identifier})

    assert found.tokens == [folded("Observation", "subject:identifier", "a", "urn:x")]
    assert present(found, "Observation") == {"subject", "patient"}
    assert HASHER.system(HASHER.seed("Observation", "subject:identifier"), "urn:x") in found.present


def test_a_canonical_is_found_with_its_version_and_without() -> None:
    found = entries(resourceType="QuestionnaireResponse", questionnaire="http://x.example/q|2")

    assert set(found.tokens) == {
        token("QuestionnaireResponse", "questionnaire", "http://x.example/q"),
        token("QuestionnaireResponse", "questionnaire", "http://x.example/q|2"),
    }
    assert words(found, "QuestionnaireResponse", "questionnaire") == {
        "http://x.example/q",
        "http://x.example/q|2",
    }


def test_a_uri_is_found_with_its_version_and_without() -> None:
    found = entries(resourceType="Observation", meta={"profile": ["http://x.example/P|2"]})

    assert set(found.tokens) == {
        token("Observation", "_profile", "http://x.example/P"),
        token("Observation", "_profile", "http://x.example/P|2"),
    }
    assert words(found, "Observation", "_profile") == {"http://x.example/P", "http://x.example/P|2"}


def test_a_local_canonical_is_found_by_its_key() -> None:
    found = entries(
        resourceType="QuestionnaireResponse", questionnaire="https://here.example/fhir/Questionnaire/q"
    )

    assert found.tokens == [target("QuestionnaireResponse", "questionnaire", Key("Questionnaire", "q"))]
