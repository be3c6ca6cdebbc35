from __future__ import annotations

from datetime import UTC, datetime
from math import inf
from pathlib import Path
from typing import Any

import pytest

from fhir_server.definitions.catalogue import resource_types
from fhir_server.definitions.compartments import patient_of
from fhir_server.definitions.parameters import parameters_of
from fhir_server.kernel.keys import Key
from fhir_server.kernel.times import moment_of
from fhir_server.kernel.wire import Tree, decode, encode
from fhir_server.search.entries import Entries, Hasher
from fhir_server.search.extract import MAIN_DATES, entries_of, is_indexed, texts_of
from fhir_server.search.rows import range_of
from fhir_server.search.spans import END

EXAMPLES = Path(__file__).parents[3] / "../shared/conformance/r4-examples"
HASHER = Hasher(b"a secret of tests")
BASES = ("https://here.example/fhir", "http://localhost/fhir")


def entries(**elements: Any) -> Entries:
    return entries_of(decode(encode(elements)), HASHER, BASES)


def token(resource_type: str, parameter: str, code: str, system: str = "") -> tuple[int, int]:
    return HASHER.code(HASHER.seed(resource_type, parameter), code), HASHER.space(system)


def target(resource_type: str, parameter: str, key: Key) -> tuple[int, int]:
    return HASHER.reference(HASHER.seed(resource_type, parameter), HASHER.self_of(key)), 0


def tokens_of(
    found: Entries, resource_type: str, parameter: str, candidates: list[tuple[str, str]]
) -> set[Any]:
    """Which of (system, code) the entries hold for a parameter."""
    return {
        (system, code)
        for system, code in candidates
        if token(resource_type, parameter, code, system) in found.tokens
    }


def texts(found: Entries, resource_type: str, parameter: str) -> set[str]:
    seed = HASHER.seed(resource_type, parameter)
    return {text for row, text in found.strings if row == seed}


def spans(found: Entries, resource_type: str, parameter: str) -> set[tuple[int, int]]:
    seed = HASHER.seed(resource_type, parameter)
    return {(low, high) for row, low, high in found.dates if row == seed}


def present(found: Entries, resource_type: str) -> set[str]:
    return {
        code for code in parameters_of(resource_type) if HASHER.seed(resource_type, code) in found.present
    }


def day(text: str) -> int:
    return moment_of(datetime.fromisoformat(text).replace(tzinfo=UTC))


LOINC = "http://loinc.org"


@pytest.mark.parametrize(
    ("elements", "parameter", "expected"),
    [
        (
            {
                "resourceType": "Observation",
                "code": {"coding": [{"system": LOINC, "code": "1"}, {"code": "2"}]},
            },
            "code",
            {(LOINC, "1"), ("", "2")},
        ),
        (
            {"resourceType": "Observation", "identifier": [{"system": LOINC, "value": "1"}, {"value": "2"}]},
            "identifier",
            {(LOINC, "1"), ("", "2")},
        ),
        (
            {"resourceType": "Observation", "identifier": [{"system": LOINC}]},
            "identifier",
            set(),
        ),
        (
            {"resourceType": "Observation", "status": "final"},
            "status",
            {("http://hl7.org/fhir/observation-status", "final")},
        ),
        (
            {"resourceType": "Patient", "gender": "female"},
            "gender",
            {("http://hl7.org/fhir/administrative-gender", "female")},
        ),
        (
            {"resourceType": "Patient", "active": True},
            "active",
            {("http://hl7.org/fhir/special-values", "true")},
        ),
        ({"resourceType": "Patient"}, "deceased", {("http://hl7.org/fhir/special-values", "false")}),
        (
            {"resourceType": "Patient", "deceasedDateTime": "2024"},
            "deceased",
            {("http://hl7.org/fhir/special-values", "true")},
        ),
        (
            {"resourceType": "Patient", "telecom": [{"system": "email", "value": "2"}, {"system": "phone"}]},
            "email",
            {("", "2")},
        ),
        (
            {"resourceType": "Patient", "telecom": [{"system": "email", "value": "2"}]},
            "phone",
            set(),
        ),
        (
            {
                "resourceType": "Patient",
                "meta": {"tag": [{"system": LOINC, "code": "1"}], "profile": ["2|3"]},
            },
            "_tag",
            {(LOINC, "1")},
        ),
        (
            {"resourceType": "Patient", "meta": {"profile": ["2|3"]}},
            "_profile",
            {("", "2"), ("", "2|3")},
        ),
        ({"resourceType": "ValueSet", "url": "2"}, "url", {("", "2")}),
        ({"resourceType": "ValueSet", "version": "2"}, "version", {("", "2")}),
        (
            {
                "resourceType": "Device",
                "extension": [
                    {"url": "http://hl7.org/fhir/SearchParameter/device-extensions-Device-din"},
                    {
                        "url": "http://hl7.org/fhir/SearchParameter/device-extensions-Device-din",
                        "valueIdentifier": {"system": LOINC, "value": "1"},
                    },
                ],
            },
            "din",
            {(LOINC, "1")},
        ),
    ],
)
def test_a_token_has_its_code_under_its_system(
    elements: Tree, parameter: str, expected: set[tuple[str, str]]
) -> None:
    systems = [LOINC, "", *(f"http://hl7.org/fhir/{s}" for s in ("special-values", "observation-status"))]
    systems.append("http://hl7.org/fhir/administrative-gender")
    codes = ["1", "2", "2|3", "final", "female", "true", "false"]
    candidates = [(system, code) for system in systems for code in codes]

    assert tokens_of(entries(**elements), elements["resourceType"], parameter, candidates) == expected


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
    ("text", "keys", "others"),
    [
        ("Patient/1", [Key("Patient", "1")], []),
        ("https://here.example/fhir/Patient/1", [Key("Patient", "1")], []),
        ("http://localhost/fhir/Patient/1", [Key("Patient", "1")], []),
        ("Patient/1/_history/2", [Key("Patient", "1")], ["Patient/1/_history/2"]),
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


def test_a_purely_logical_reference_is_present_and_has_no_row() -> None:
    found = entries(resourceType="Observation", subject={"identifier": {"value": "1"}})

    assert found.tokens == []
    assert present(found, "Observation") == {"subject"}


def test_a_canonical_is_found_with_its_version_and_without() -> None:
    found = entries(resourceType="QuestionnaireResponse", questionnaire="http://x.example/q|2")

    assert set(found.tokens) == {
        token("QuestionnaireResponse", "questionnaire", "http://x.example/q"),
        token("QuestionnaireResponse", "questionnaire", "http://x.example/q|2"),
    }


def test_a_local_canonical_is_found_by_its_key() -> None:
    found = entries(
        resourceType="QuestionnaireResponse", questionnaire="https://here.example/fhir/Questionnaire/q"
    )

    assert found.tokens == [target("QuestionnaireResponse", "questionnaire", Key("Questionnaire", "q"))]


def test_the_first_resource_of_a_document_is_found_by_its_key() -> None:
    found = entries(
        resourceType="Bundle",
        type="document",
        entry=[
            {"resource": {"resourceType": "Composition", "id": "c"}},
            {"resource": {"resourceType": "Patient"}},
        ],
    )

    assert target("Bundle", "composition", Key("Composition", "c")) in found.tokens
    assert found.references == []


NAME = {
    "use": "official",
    "text": "Mme Payet",
    "family": "Payet",
    "given": ["Marie", None, "Thérèse"],
    "prefix": ["Mme"],
    "suffix": ["Dr."],
    "period": {"start": "2024"},
}


def test_every_part_of_a_name_can_be_found() -> None:
    found = entries(resourceType="Patient", name=[NAME])

    assert texts(found, "Patient", "name") == {"mme payet", "payet", "marie", "therese", "mme", "dr"}
    assert texts(found, "Patient", "family") == {"payet"}
    assert texts(found, "Patient", "given") == {"marie", "therese"}
    assert texts(found, "Patient", "phonetic") == set()  # answered by the rows of `name`


def test_every_part_of_an_address_can_be_found() -> None:
    address = {
        "use": "home",
        "type": "both",
        "line": ["12 rue de l'Église"],
        "city": "Saint-Denis",
        "postalCode": "97400",
        "country": "FR",
    }
    found = entries(resourceType="Patient", address=[address])

    assert texts(found, "Patient", "address") == {"12 rue de l eglise", "saint denis", "97400", "fr"}
    assert texts(found, "Patient", "address-city") == {"saint denis"}


def test_a_text_without_letters_is_present_and_has_no_row() -> None:
    found = entries(resourceType="Patient", name=[{"family": "-"}])

    assert found.strings == []
    assert {"name", "family"} <= present(found, "Patient")


def test_texts_are_given_as_they_are_written() -> None:
    tree: Tree = {"resourceType": "Patient", "name": [NAME, {"family": "d'Hoarau"}]}

    assert list(texts_of(tree, "family")) == ["Payet", "d'Hoarau"]
    assert set(texts_of(tree, "name")) == {"Mme Payet", "Payet", "Marie", "Thérèse", "Mme", "Dr.", "d'Hoarau"}


@pytest.mark.parametrize(
    ("elements", "parameter", "expected"),
    [
        ({"resourceType": "Patient", "birthDate": "1941-05"}, "birthdate", ("1941-05-01", "1941-06-01")),
        (
            {"resourceType": "Observation", "effectivePeriod": {"start": "2024-01", "end": "2024-02-03"}},
            "date",
            ("2024-01-01", "2024-02-04"),
        ),
        (
            {"resourceType": "Observation", "effectiveTiming": {"event": ["2024-01-01", "2024-03-01"]}},
            "date",
            ("2024-01-01", "2024-03-02"),
        ),
        (
            {"resourceType": "Observation", "effectiveInstant": "2024-01-01T00:00:00.000+00:00"},
            "date",
            ("2024-01-01", "2024-01-01T00:00:00.001"),
        ),
    ],
)
def test_a_date_covers_its_span(elements: Tree, parameter: str, expected: tuple[str, str]) -> None:
    found = entries(**elements)

    assert spans(found, elements["resourceType"], parameter) == {(day(expected[0]), day(expected[1]))}


def test_a_string_where_a_date_may_stand_is_no_date() -> None:
    found = entries(resourceType="Procedure", performedString="last summer")

    assert found.dates == []
    assert "date" not in present(found, "Procedure")


def test_the_main_date_is_where_its_earliest_value_starts() -> None:
    found = entries(resourceType="Observation", effectivePeriod={"start": "2024-01-02", "end": "2024-01-05"})
    open_start = entries(resourceType="Observation", effectivePeriod={"end": "2024-01-05"})

    assert found.moment == day("2024-01-02")
    assert open_start.moment is None
    assert open_start.dates[0][2] == day("2024-01-06")
    assert entries(resourceType="Observation", effectivePeriod={"start": "2024"}).dates[0][2] == END
    assert entries(resourceType="Patient", birthDate="1941").moment is None


def test_every_main_date_is_a_date_parameter() -> None:
    assert {parameters_of(name)[code].kind for name, code in MAIN_DATES.items()} == {"date"}


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("100", 99.5, 100.5),
        ("100.00", 99.995, 100.005),
        ("5.40", 5.395, 5.405),
        ("-1", -1.5, -0.5),
        ("1e2", 50.0, 150.0),
        ("1e999999999", inf, inf),
        ("-1e99999999999999999999", -inf, -inf),
        ("1e-99999999999999999999", 0.0, 0.0),
        ("0", -0.5, 0.5),
    ],
)
def test_a_number_stands_for_what_its_digits_leave_open(text: str, low: float, high: float) -> None:
    assert range_of(decode(b'{"v":' + text.encode() + b"}")["v"]) == (low, high)


@pytest.mark.parametrize(
    ("element", "unit", "low", "high"),
    [
        ({"value": 5, "system": "urn:u", "code": "mg", "unit": "milli"}, "urn:u|mg", 4.5, 5.5),
        ({"value": 5, "unit": "milli"}, "milli", 4.5, 5.5),
        ({"value": 5}, "", 4.5, 5.5),
        ({"value": 5, "comparator": "<"}, "", -inf, 5.5),
        ({"value": 5, "comparator": ">="}, "", 4.5, inf),
    ],
)
def test_a_quantity_is_a_range_in_its_unit(element: Tree, unit: str, low: float, high: float) -> None:
    found = entries(resourceType="Observation", valueQuantity=element)

    seed = HASHER.seed("Observation", "value-quantity")
    assert (seed, HASHER.space(unit), low, high) in found.quantities


def test_a_quantity_without_value_has_no_row() -> None:
    assert entries(resourceType="Observation", valueQuantity={"unit": "mg"}).quantities == []


def test_ranges_money_and_numbers_are_ranges_too() -> None:
    money = entries(resourceType="Invoice", totalNet={"value": 5, "currency": "EUR"})
    bare = entries(resourceType="Invoice", totalNet={"value": 5})
    risk = entries(resourceType="RiskAssessment", prediction=[{"probabilityDecimal": 1}])
    age = entries(resourceType="Condition", onsetRange={"low": {"value": 5, "code": "a", "system": "urn:u"}})

    assert [row[1:] for row in money.quantities] == [(HASHER.space("urn:iso:std:iso:4217|EUR"), 4.5, 5.5)]
    assert [row[1:] for row in bare.quantities] == [(0, 4.5, 5.5)]
    assert [row[1:] for row in risk.quantities] == [(0, 0.5, 1.5)]
    assert [row[1:] for row in age.quantities] == [(HASHER.space("urn:u|a"), 4.5, inf)]


def test_what_is_said_twice_is_written_once() -> None:
    coding = {"system": LOINC, "code": "1"}
    once = entries(resourceType="Observation", category=[{"coding": [coding]}])
    twice = entries(resourceType="Observation", category=[{"coding": [coding, coding]}, {"coding": [coding]}])

    assert once == twice


def test_contained_resources_are_not_indexed() -> None:
    alone = entries(resourceType="Observation", status="final")
    found = entries(
        resourceType="Observation", status="final", contained=[{"resourceType": "Patient", "gender": "male"}]
    )

    assert found == alone


def test_composite_and_special_parameters_are_not_indexed_yet() -> None:
    assert not is_indexed(parameters_of("Observation")["code-value-quantity"])
    assert not is_indexed(parameters_of("Location")["near"])
    assert not is_indexed(parameters_of("Patient")["_text"])
    assert not is_indexed(parameters_of("Patient")["age"])
    assert is_indexed(parameters_of("Patient")["birthdate"])


def test_every_type_compiles() -> None:
    for name in resource_types():
        found = entries(resourceType=name, id="1", meta={"tag": [{"code": "1"}]})

        assert token(name, "_tag", "1") in found.tokens


def test_another_secret_gives_other_numbers() -> None:
    tree: Tree = {"resourceType": "Patient", "gender": "female"}

    assert not set(entries_of(tree, Hasher(b"another secret of tests")).tokens) & set(
        entries_of(tree, HASHER).tokens
    )


@pytest.mark.skipif(not EXAMPLES.is_dir(), reason="the R4 examples are not beside the repository")
def test_every_r4_example_is_extracted() -> None:
    read = 0
    for path in sorted(EXAMPLES.glob("*.json")):
        tree = decode(path.read_bytes())
        found = entries_of(tree, HASHER, BASES)
        patient_of(tree, BASES)

        assert all(-(2**63) <= key < 2**63 and -(2**63) <= space < 2**63 for key, space in found.tokens)
        assert all(low < high for _, low, high in found.dates)
        assert all(low <= high for *_, low, high in found.quantities)
        read += 1
    assert read > 400


@pytest.mark.skipif(not EXAMPLES.is_dir(), reason="the R4 examples are not beside the repository")
def test_a_known_example_has_the_rows_a_reader_expects() -> None:
    found = entries_of(decode((EXAMPLES / "AllergyIntolerance-medication.json").read_bytes()), HASHER, BASES)

    assert target("AllergyIntolerance", "patient", Key("Patient", "example")) in found.tokens
    assert {"patient", "code", "criticality", "clinical-status", "verification-status"} <= present(
        found, "AllergyIntolerance"
    )
