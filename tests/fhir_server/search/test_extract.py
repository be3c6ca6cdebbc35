from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_server.definitions.catalogue import resource_types
from fhir_server.definitions.compartments import patient_of
from fhir_server.definitions.parameters import Parameters, parameters_of
from fhir_server.kernel.keys import Key
from fhir_server.kernel.times import moment_of
from fhir_server.kernel.wire import Tree, decode
from fhir_server.search.entries import Hasher
from fhir_server.search.extract import MAIN_DATES, entries_of
from fhir_server.search.main_codes import MAIN_CODES
from fhir_server.search.rows import Rows, slot_of
from fhir_server.search.spans import END
from fhir_server.search.writers import WRITERS
from tests.fhir_server.search.extracting import (
    BASES,
    HASHER,
    LOINC,
    entries,
    folded,
    numbers,
    present,
    spans,
    target,
    texts,
    token,
    words,
)

EXAMPLES = Path(__file__).parents[3] / "../shared/conformance/r4-examples"


def day(text: str) -> int:
    return moment_of(datetime.fromisoformat(text).replace(tzinfo=UTC))


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


def test_the_main_date_is_where_its_latest_value_ends() -> None:
    found = entries(resourceType="Observation", effectivePeriod={"start": "2024-01-02", "end": "2024-01-05"})
    open_start = entries(resourceType="Observation", effectivePeriod={"end": "2024-01-05"})

    assert found.moment == day("2024-01-06")
    assert open_start.moment == day("2024-01-06")
    assert open_start.dates[0][2] == day("2024-01-06")
    assert entries(resourceType="Observation", effectivePeriod={"start": "2024"}).dates[0][2] == END
    assert entries(resourceType="Patient", birthDate="1941").moment is None


def test_every_main_date_is_a_date_parameter() -> None:
    assert {parameters_of(name)[code].kind for name, code in MAIN_DATES.items()} == {"date"}


def test_main_codes_are_those_of_the_resource_itself_without_the_words_beside_them() -> None:
    coding = {"system": LOINC, "code": "1", "display": "a word"}
    inner = {"resourceType": "Observation", "id": "i", "status": "final", "code": {"coding": [{"code": "2"}]}}
    found = entries(
        resourceType="Observation",
        code={"coding": [coding], "text": "another"},
        category=[{"coding": [{"code": "3"}]}],
        contained=[inner],
        hasMember=[{"reference": "#i"}],
    )

    (code,) = found.codes
    assert code in {token("Observation", "code", "1", LOINC), folded("Observation", "code", "1", LOINC)}
    assert code in found.tokens
    assert entries(resourceType="Patient", maritalStatus={"coding": [coding]}).codes == []


@pytest.mark.parametrize(
    ("type", "value"),
    [
        ("CodeableConcept", {"coding": [{"system": LOINC, "code": "1"}]}),
        ("Coding", {"system": LOINC, "code": "1"}),
        ("Identifier", {"system": LOINC, "value": "1"}),
        ("ContactPoint", {"value": "1"}),
        ("boolean", True),
        ("code", "1"),
        ("string", "1"),
        ("integer", 1),
    ],
)
def test_a_main_code_is_one_of_whatever_type_it_is_defined_to_be(type: str, value: object) -> None:
    rows = Rows(HASHER, BASES)

    WRITERS["token", type](rows, slot_of(HASHER, "Observation", "code", "token"), value)

    assert len(rows.codes) == 1
    assert rows.codes == rows.tokens


def test_every_main_code_is_a_token_parameter() -> None:
    assert {parameters_of(name)[code].kind for name, code in MAIN_CODES.items()} == {"token"}


def test_what_is_said_twice_is_written_once() -> None:
    coding = {"system": LOINC, "code": "1"}
    once = entries(resourceType="Observation", category=[{"coding": [coding]}])
    twice = entries(resourceType="Observation", category=[{"coding": [coding, coding]}, {"coding": [coding]}])

    assert once == twice


# Contained resources -------------------------------------------------------------------------------------------------

TEAM = {
    "resourceType": "CareTeam",
    "id": "t",
    "status": "active",
    "participant": [{"member": {"reference": "Practitioner/1"}, "role": [{"text": "Médecin"}]}],
}


def test_a_contained_resource_is_found_by_the_parameter_that_points_to_it() -> None:
    found = entries(resourceType="CarePlan", contained=[TEAM], careTeam=[{"reference": "#t"}])
    group = "CarePlan.care-team#CareTeam"

    assert target(group, "participant", Key("Practitioner", "1")) in found.tokens
    assert token(group, "status", "active", "http://hl7.org/fhir/care-team-status") in found.tokens
    assert (HASHER.seed(group, "participant"), Key("Practitioner", "1")) in found.references
    assert HASHER.seed(group, "participant") in found.present
    assert HASHER.seed(group, "") in found.present
    assert HASHER.seed(group, "date") not in found.present
    assert target("CareTeam", "participant", Key("Practitioner", "1")) not in found.tokens
    assert HASHER.seed("CarePlan.#CareTeam", "") not in found.present


def test_a_contained_resource_is_found_by_each_parameter_that_points_to_it_but_not_by_those_without_rows() -> (
    None
):
    patient = {"resourceType": "Patient", "id": "p", "name": [{"family": "Payet"}]}
    found = entries(
        resourceType="DocumentReference",
        contained=[patient],
        subject={"reference": "#p"},
        author=[{"reference": "#p"}],
    )

    for code in ("author", "subject"):
        assert texts(found, f"DocumentReference.{code}#Patient", "family") == {"payet"}
    assert texts(found, "DocumentReference.patient#Patient", "family") == set()  # `subject` has its rows
    assert texts(found, "DocumentReference", "family") == texts(found, "Patient", "family") == set()


@pytest.mark.parametrize("contained", [TEAM, {key: TEAM[key] for key in TEAM if key != "id"}])
def test_a_contained_resource_that_no_parameter_points_to_is_found_without_one(contained: Tree) -> None:
    found = entries(resourceType="Patient", contained=[contained], link=[{"other": {"reference": "#x"}}])

    assert HASHER.seed("Patient.#CareTeam", "") in found.present
    assert words(found, "Patient.#CareTeam", "role:text") == set()  # CareTeam has no such parameter
    assert target("Patient.#CareTeam", "participant", Key("Practitioner", "1")) in found.tokens


def test_contained_resources_point_to_one_another_through_their_container() -> None:
    patient = {"resourceType": "Patient", "id": "p"}
    encounter = {"resourceType": "Encounter", "id": "e", "subject": {"reference": "#p"}}
    found = entries(resourceType="Observation", contained=[patient, encounter], encounter={"reference": "#e"})

    group = "Observation.encounter#Encounter"
    assert HASHER.seed(group, "patient") in found.present  # `where(resolve() is Patient)`


def test_composites_and_quantities_of_contained_resources_are_theirs() -> None:
    inner = {
        "resourceType": "Observation",
        "id": "o",
        "code": {"coding": [{"system": LOINC, "code": "8480-6"}], "text": "Systolique"},
        "valueQuantity": {"value": 16},
    }
    found = entries(resourceType="DiagnosticReport", contained=[inner], result=[{"reference": "#o"}])
    group = "DiagnosticReport.result#Observation"

    assert numbers(found, group, "code-value-quantity$8480-6") == {(16.0, 16.0)}
    assert folded(group, "code", "8480-6", LOINC) in found.tokens
    assert words(found, group, "code:text") == {"systolique"}
    assert found.moment is None


def test_the_first_resource_of_a_document_is_found_by_its_key_and_by_its_values() -> None:
    composition = {
        "resourceType": "Composition",
        "id": "c",
        "title": "Lettre",
        "subject": {"reference": "Patient/1"},
    }
    found = entries(
        resourceType="Bundle",
        type="document",
        entry=[{"resource": composition}, {"resource": {"resourceType": "Patient"}}],
    )

    assert target("Bundle", "composition", Key("Composition", "c")) in found.tokens
    assert texts(found, "Bundle.composition#Composition", "title") == {"lettre"}
    assert target("Bundle.composition#Composition", "subject", Key("Patient", "1")) in found.tokens
    assert "composition" in present(found, "Bundle")
    assert "message" not in present(found, "Bundle")


def test_the_first_resource_of_another_bundle_is_nothing_to_a_search() -> None:
    found = entries(
        resourceType="Bundle", type="batch", entry=[{"resource": {"resourceType": "Patient", "id": "p"}}]
    )

    assert {"composition", "message"}.isdisjoint(present(found, "Bundle"))


# Search parameters of operators --------------------------------------------------------------------------------------


def defined(code: str, kind: str, expression: str) -> Parameters:
    return Parameters(
        [{"url": f"urn:{code}", "code": code, "type": kind, "base": ["Patient"], "expression": expression}]
    )


PATIENT: Tree = {
    "resourceType": "Patient",
    "gender": "female",
    "birthDate": "1941-05",
    "name": [{"use": "official", "given": ["Marie", "Thérèse"]}, {"given": ["Ti'Marie"]}],
    "generalPractitioner": [{"reference": "Practitioner/1"}, {"reference": "#x"}],
}


def test_a_parameter_that_was_added_has_rows_under_its_own_name() -> None:
    found = entries(defined("nickname", "string", "Patient.name.given"), **PATIENT)

    assert texts(found, "Patient", "nickname") == {"marie", "therese", "ti marie"}
    assert texts(entries(**PATIENT), "Patient", "nickname") == set()


@pytest.mark.parametrize(
    ("kind", "expression", "expected"),
    [
        ("string", "Patient.name.first().given.first()", {"marie"}),
        ("string", "Patient.name.where(use.exists()).given", {"marie", "therese"}),
        ("string", "Patient.name.given.select($this & '!')", {"marie", "therese", "ti marie"}),
        ("string", "Patient.name.given.single()", set()),  # does not fit: there are three
    ],
)
def test_an_expression_outside_the_subset_is_evaluated(
    kind: str, expression: str, expected: set[str]
) -> None:
    found = entries(defined("x", kind, expression), **PATIENT)

    assert texts(found, "Patient", "x") == expected
    assert (HASHER.seed("Patient", "x") in found.present) == bool(expected)


def test_what_an_expression_makes_is_indexed_as_the_element_that_it_is_like() -> None:
    truth = entries(defined("x", "token", "Patient.name.count() > 1"), **PATIENT)
    count = entries(defined("x", "number", "Patient.name.count()"), **PATIENT)
    date = entries(defined("x", "date", "iif(Patient.active, @2024, @2023-05)"), **PATIENT)
    link = entries(defined("x", "reference", "Patient.generalPractitioner.first()"), **PATIENT)

    assert token("Patient", "x", "true", "http://hl7.org/fhir/special-values") in truth.tokens
    assert numbers(count, "Patient", "x") == {(2.0, 2.0)}
    assert spans(date, "Patient", "x") == {(day("2023-05-01"), day("2023-06-01"))}
    assert target("Patient", "x", Key("Practitioner", "1")) in link.tokens


def test_a_contained_resource_has_evaluated_values_too() -> None:
    found = entries(
        defined("x", "string", "Patient.name.first().given.first()"),
        resourceType="Observation",
        contained=[{**PATIENT, "id": "p"}],
        subject={"reference": "#p"},
    )

    assert texts(found, "Observation.subject#Patient", "x") == {"marie"}


# All of R4 -----------------------------------------------------------------------------------------------------------


def test_every_type_compiles() -> None:
    for name in resource_types():
        found = entries(resourceType=name, id="1", meta={"tag": [{"code": "1"}]})

        assert folded(name, "_tag", "1") in found.tokens


def test_another_secret_gives_other_numbers() -> None:
    tree: Tree = {"resourceType": "Patient", "gender": "female"}

    assert not set(entries_of(tree, Hasher(b"another secret of tests")).tokens) & set(
        entries_of(tree, HASHER).tokens
    )


@given(st.permutations(list(PATIENT)))
def test_the_order_of_elements_is_of_no_importance(names: list[str]) -> None:
    found, usual = entries_of({name: PATIENT[name] for name in names}, HASHER), entries_of(PATIENT, HASHER)

    assert set(found.tokens) == set(usual.tokens)
    assert set(found.strings) == set(usual.strings)
    assert found.present == usual.present


@pytest.mark.skipif(not EXAMPLES.is_dir(), reason="the R4 examples are not beside the repository")
def test_every_r4_example_is_extracted() -> None:
    read = 0
    for path in sorted(EXAMPLES.glob("*.json")):
        tree = decode(path.read_bytes())
        found = entries_of(tree, HASHER, BASES)
        patient_of(tree, BASES)

        positions = HASHER.seed("Location", "near")
        assert all(-(2**63) <= key < 2**63 and -(2**63) <= space < 2**63 for key, space in found.tokens)
        assert all(low < high for _, low, high in found.dates)
        assert all(low <= high for seed, _, low, high in found.quantities if seed != positions)
        assert all((key, 0) in found.tokens for _, _, key in found.terms)
        read += 1
    assert read > 400


@pytest.mark.skipif(not EXAMPLES.is_dir(), reason="the R4 examples are not beside the repository")
def test_a_known_example_has_the_rows_a_reader_expects() -> None:
    found = entries_of(decode((EXAMPLES / "AllergyIntolerance-medication.json").read_bytes()), HASHER, BASES)

    assert target("AllergyIntolerance", "patient", Key("Patient", "example")) in found.tokens
    assert {"patient", "code", "criticality", "clinical-status", "verification-status"} <= present(
        found, "AllergyIntolerance"
    )
