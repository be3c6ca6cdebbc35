from __future__ import annotations

from typing import Any

from fhir_server.kernel.keys import Key
from fhir_server.search.entries import Entries
from tests.fhir_server.search.extracting import (
    HASHER,
    LOINC,
    UCUM,
    entries,
    folded,
    numbers,
    present,
    spans,
    target,
    texts,
    token,
)

SYSTOLIC = {"coding": [{"system": LOINC, "code": "8480-6"}, {"system": UCUM, "code": "A"}, {"code": "X"}]}
DIASTOLIC = {"coding": [{"system": LOINC, "code": "8462-4"}]}
PRESSURE = {"system": UCUM, "code": "kPa", "unit": "kilo"}
NAME = "code-value-quantity"


def under(found: Entries, name: str, unit: str = "") -> set[tuple[float, float]]:
    return numbers(found, "Observation", name, unit)


def test_a_value_stands_under_every_code_beside_it_as_its_token_has_it() -> None:
    found = entries(resourceType="Observation", code=SYSTOLIC, valueQuantity={"value": 16, **PRESSURE})

    for code in ("8480-6", "A", "x"):
        assert under(found, f"{NAME}${code}") == {(16.0, 16.0)}
        assert under(found, f"{NAME}${code}", f"{UCUM}|g1.m-1.s-2") == {(16e6, 16e6)}
        assert under(found, f"{NAME}${code}:unit", "|kilo") == {(16.0, 16.0)}
    assert under(found, f"{NAME}$a") == under(found, f"{NAME}$X") == set()
    assert NAME in present(found, "Observation")


def test_values_of_two_components_are_kept_apart() -> None:
    found = entries(
        resourceType="Observation",
        code={"coding": [{"code": "panel"}]},
        component=[
            {"code": SYSTOLIC, "valueQuantity": {"value": 16}},
            {"code": DIASTOLIC, "valueQuantity": {"value": 9}},
        ],
    )

    assert under(found, f"component-{NAME}$8480-6") == {(16.0, 16.0)}
    assert under(found, f"component-{NAME}$8462-4") == {(9.0, 9.0)}
    assert under(found, f"component-{NAME}$panel") == set()
    assert f"component-{NAME}" in present(found, "Observation")
    assert NAME not in present(found, "Observation")


def test_every_kind_of_value_may_stand_beside_a_code() -> None:
    def observed(**value: Any) -> Entries:
        return entries(resourceType="Observation", code=DIASTOLIC, **value)

    concept = observed(
        valueCodeableConcept={"coding": [{"system": LOINC, "code": "B", "display": "b"}], "text": "c"}
    )
    date = observed(valueDateTime="1970")
    period = observed(valuePeriod={"start": "1970", "end": "1970"})
    text = observed(valueString="Élevée")

    assert folded("Observation", "code-value-concept$8462-4", "b", LOINC) in concept.tokens
    year = {(0, 365 * 86_400_000_000)}
    assert spans(date, "Observation", "code-value-date$8462-4") == year
    assert spans(period, "Observation", "code-value-date$8462-4") == year
    assert texts(text, "Observation", "code-value-string$8462-4") == {"elevee"}
    words = {
        HASHER.seed("Observation", f"{code}:text") for code in ("value-concept", "code-value-concept$8462-4")
    }
    assert {seed for seed, _, _ in concept.terms} & words == {
        HASHER.seed("Observation", "value-concept:text")
    }


def test_a_parameter_with_parts_has_no_rows() -> None:
    found = entries(resourceType="Observation", code=SYSTOLIC, valueQuantity={"value": 16})

    assert under(found, f"combo-{NAME}$8480-6") == under(found, "combo-value-quantity") == set()
    assert folded("Observation", "combo-code", "8480-6", LOINC) not in found.tokens


def test_a_value_without_a_code_stands_nowhere() -> None:
    assert NAME not in present(
        entries(resourceType="Observation", code={"text": "x"}, valueQuantity={"value": 16}), "Observation"
    )
    assert NAME not in present(entries(resourceType="Observation", code=SYSTOLIC), "Observation")


def test_a_document_is_found_by_how_it_relates_to_another() -> None:
    found = entries(
        resourceType="DocumentReference",
        relatesTo=[
            {"code": "replaces", "target": {"reference": "DocumentReference/1"}},
            {"code": "signs", "target": {"reference": "DocumentReference/2"}},
            {"code": "signs", "target": {"reference": "#x"}},
        ],
    )

    first, second = Key("DocumentReference", "1"), Key("DocumentReference", "2")
    assert target("DocumentReference", "relationship$replaces", first) in found.tokens
    assert target("DocumentReference", "relationship$signs", second) in found.tokens
    assert target("DocumentReference", "relationship$signs", first) not in found.tokens


def test_a_group_is_found_by_a_characteristic_and_its_value() -> None:
    found = entries(
        resourceType="Group",
        characteristic=[
            {"code": {"coding": [{"code": "gender"}]}, "valueCodeableConcept": {"coding": [{"code": "F"}]}},
            {"code": {"coding": [{"code": "smoker"}]}, "valueBoolean": False},
            {"code": {"coding": [{"code": "age"}]}, "valueQuantity": {"value": 3}},
        ],
    )

    assert folded("Group", "characteristic-value$gender", "f") in found.tokens
    assert (
        token("Group", "characteristic-value$smoker", "false", "http://hl7.org/fhir/special-values")
        in found.tokens
    )
    assert found.quantities == []


def test_the_context_of_a_definition_is_found_by_its_type() -> None:
    found = entries(
        resourceType="Library",
        useContext=[
            {"code": {"code": "age"}, "valueRange": {"low": {"value": 18}}},
            {"code": {"code": "focus"}, "valueCodeableConcept": {"coding": [{"code": "a"}]}},
        ],
    )

    assert {low for low, _ in numbers(found, "Library", "context-type-quantity$age")} == {18.0}
    assert folded("Library", "context-type-value$focus", "a") in found.tokens


def test_the_coordinates_of_a_sequence_are_the_ends_of_one_row() -> None:
    chromosome = {"coding": [{"code": "12"}]}
    found = entries(
        resourceType="MolecularSequence",
        coordinateSystem=0,
        referenceSeq={
            "chromosome": chromosome,
            "referenceSeqId": {"coding": [{"code": "NC"}]},
            "windowStart": 100,
            "windowEnd": 200,
        },
        variant=[{"start": 110, "end": 120}, {"start": 130}, {"start": 140, "end": 150}],
    )

    def between(name: str) -> set[tuple[float, float]]:
        return numbers(found, "MolecularSequence", name)

    assert between("chromosome-window-coordinate$12") == {(100.0, 200.0)}
    assert between("referenceseqid-window-coordinate$nc") == {(100.0, 200.0)}
    assert between("chromosome-variant-coordinate$12") == {(110.0, 120.0), (140.0, 150.0)}
    assert between("referenceseqid-variant-coordinate$nc") == {(110.0, 120.0), (140.0, 150.0)}
