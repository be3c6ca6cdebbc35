from __future__ import annotations

from typing import Any

import pytest

from fhir_server.kernel.keys import Key
from fhir_server.kernel.wire import Tree, decode, encode
from fhir_server.search.entries import Hasher
from fhir_server.search.extract import entries_of
from fhir_server.search.match import SortKey, matches, needs_body, sort_key
from fhir_server.search.parse import criteria_of
from fhir_server.search.query import Name, Query, Sort
from fhir_server.search.spans import span_of

HASHER = Hasher(b"a secret of tests")
BASE = "https://here.example/fhir"
UPDATED = span_of("2024-03-09T10:00:00.123Z")[0]


def found(tree: Tree, text: str, *, body: bool = True) -> bool:
    """Whether a search of the tree's type finds it."""
    tree = decode(encode(tree))
    return matches(
        criteria_of(tree["resourceType"], text, BASE),
        entries_of(tree, HASHER, BASE),
        key=Key(tree["resourceType"], "p1"),
        updated=UPDATED,
        hasher=HASHER,
        tree=tree if body else None,
    )


PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "id": "p1",
    "meta": {"tag": [{"system": "urn:t", "code": "x"}], "profile": ["http://p.example/a|1"]},
    "identifier": [{"system": "urn:x", "value": "1"}, {"value": "2"}],
    "name": [{"family": "Léger", "given": ["Marie", "Anne-Sophie"]}],
    "telecom": [{"system": "phone", "value": "+33 1"}],
    "gender": "female",
    "birthDate": "1941-05",
    "generalPractitioner": [
        {"reference": "Practitioner/9"},
        {"reference": "https://x.example/fhir/Organization/7"},
        {"reference": f"{BASE}/PractitionerRole/3/_history/2"},
    ],
    "managingOrganization": {"identifier": {"value": "1"}},
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("identifier=1", True),
        ("identifier=urn:x|1", True),
        ("identifier=|1", False),
        ("identifier=|2", True),
        ("identifier=urn:x|2", False),
        ("identifier=urn:x|", True),
        ("identifier=urn:y|", False),
        ("identifier=5,2", True),
        ("identifier=1&identifier=2", True),
        ("identifier=1&identifier=3", False),
        ("gender=female", True),
        ("gender=http://hl7.org/fhir/administrative-gender|female", True),
        ("gender=http://hl7.org/fhir/administrative-gender|", True),
        ("gender=urn:x|female", False),
        ("gender=Female", False),
        ("gender:not=male", True),
        ("gender:not=female,male", False),
        ("language:not=fr", True),  # absent is not the code either
        ("deceased=false", True),
        ("deceased=true", False),
        ("phone=%2B33+1", True),
        ("email=%2B33+1", False),
        ("_tag=urn:t|x", True),
        ("_profile=http://p.example/a", True),
        ("_profile=http://p.example/a|1", True),
        ("_profile=http://p.example/a|2", False),
        ("_profile=http://p.example", False),
        ("family=leg", True),
        ("family=LÉGER", True),
        ("family=ger", False),
        ("family:contains=GÉ", True),
        ("family:exact=Léger", True),
        ("family:exact=Leger", False),
        ("family:exact=Lég", False),
        ("name=anne+sophie", True),
        ("name=sophie", False),
        ("phonetic=marie", True),
        ("given=marie&given=anne", True),
        ("birthdate=1941", True),
        ("birthdate=1941-05-03", False),
        ("birthdate=lt1941-05-03", True),
        ("birthdate=gt1941-05-03", True),
        ("birthdate=ge1942,le1940", False),
        ("birthdate=ne1941", False),
        ("death-date=ne1941", False),
        ("general-practitioner=Practitioner/9", True),
        ("general-practitioner=9", True),
        ("general-practitioner:Practitioner=9", True),
        ("general-practitioner:Organization=9", False),
        (f"general-practitioner={BASE}/Practitioner/9", True),
        ("general-practitioner=https://x.example/fhir/Organization/7", True),
        ("general-practitioner=Organization/7", False),
        ("general-practitioner=PractitionerRole/3", True),
        (f"general-practitioner={BASE}/PractitionerRole/3/_history/2", True),
        (f"general-practitioner={BASE}/PractitionerRole/3/_history/1", False),
        ("organization=1", False),
        ("organization:missing=false", True),
        ("organization:missing=true", False),
        ("birthdate:missing=false", True),
        ("death-date:missing=true", True),
        ("phonetic:missing=true", False),
        ("_id=p1", True),
        ("_id=p2,p1", True),
        ("_id=p2", False),
        ("_id:not=p2", True),
        ("_id:missing=true", False),
        ("_id:missing=false", True),
        ("_lastUpdated=2024-03-09", True),
        ("_lastUpdated=2024-03-09T10:00:00.123Z", True),
        ("_lastUpdated=gt2024-03-09T10:00:00.123Z", False),
        ("_lastUpdated=lt2024-03-09T11:00:00%2B01:00", False),
        ("_lastUpdated=ge2024-03-09T11:00:00%2B01:00", True),
        ("family=-", False),
    ],
)
def test_a_patient_is_found_by_what_it_says(text: str, expected: bool) -> None:
    assert found(PATIENT, text) is expected


OBSERVATION: dict[str, Any] = {
    "resourceType": "Observation",
    "id": "p1",
    "status": "final",
    "code": {"coding": [{"system": "http://loinc.org", "code": "1"}]},
    "subject": {"reference": "Patient/1"},
    "effectivePeriod": {"start": "2024-01-10", "end": "2024-01-20"},
    "component": [{"code": {"coding": [{"system": "http://loinc.org", "code": "2"}]}}],
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("patient=Patient/1", True),
        ("patient=1", True),
        ("patient=2", False),
        ("subject=Patient/1", True),
        ("subject=Group/1", False),
        ("patient:missing=false", True),
        ("code=1&patient=1&date=ge2024", True),
        ("combo-code=2", True),
        ("code=2", False),
        ("date=2024-01", True),
        ("date=2024-01-15", False),
        ("date=ap2024-01-15", True),
        ("date=sa2024-01-09", True),
        ("date=sa2024-01-10", False),
        ("date=eb2024-01-21", True),
        ("status=http://hl7.org/fhir/observation-status|final", True),
    ],
)
def test_an_observation_is_found_by_what_it_says(text: str, expected: bool) -> None:
    assert found(OBSERVATION, text) is expected


def test_a_group_is_found_as_subject_only() -> None:
    group = OBSERVATION | {"subject": {"reference": "Group/1"}}

    assert found(group, "subject=Group/1")
    assert found(group, "patient:missing=true")
    assert not found(group, "patient=1")


def test_another_type_never_matches() -> None:
    entries = entries_of(PATIENT, HASHER)

    assert not matches(Query("Person"), entries, key=Key("Patient", "p1"), updated=0, hasher=HASHER)
    assert matches(Query("Patient"), entries, key=Key("Patient", "p1"), updated=0, hasher=HASHER)


def test_what_the_index_cannot_decide_needs_the_body() -> None:
    long = {"resourceType": "Patient", "name": [{"family": "a" * 300}]}

    for text in ("family:exact=Leger", "family=" + "a" * 250 + "b"):
        assert needs_body(criteria_of("Patient", text))
    assert needs_body(criteria_of("Patient", "family:exact=x&gender=male"))
    assert not needs_body(criteria_of("Patient", "family=x&gender:not=male"))
    assert found(PATIENT, "family:exact=Leger", body=False)  # perhaps
    assert not found(PATIENT, "family:exact=Leg", body=False)
    assert found(long, "family=" + "a" * 250)
    assert not found(long, "family=" + "a" * 250 + "b")
    assert found(long, "family=" + "a" * 250 + "b", body=False)
    assert not found(PATIENT, "family=" + "a" * 250)


def test_a_long_identifier_is_found() -> None:
    tree = {"resourceType": "Patient", "identifier": [{"value": "x" * 6000}]}

    assert found(tree, "identifier=" + "x" * 6000)
    assert not found(tree, "identifier=" + "x" * 5999)


def key_of(tree: Tree, *sort: Sort) -> SortKey:
    return sort_key(
        sort,
        entries_of(tree, HASHER),
        key=Key(tree["resourceType"], tree["id"]),
        updated=UPDATED,
        hasher=HASHER,
    )


def order(trees: list[Tree], *sort: Sort) -> list[str]:
    return [tree["id"] for tree in sorted(trees, key=lambda tree: key_of(tree, *sort))]


def patient(id: str, families: tuple[str, ...] = (), birth: str | None = None) -> Tree:
    tree: Tree = {"resourceType": "Patient", "id": id, "name": [{"family": family} for family in families]}
    return tree | ({"birthDate": birth} if birth else {})


FAMILY = Name("Patient", "family")
BIRTH = Name("Patient", "birthdate")


def test_strings_sort_by_their_folded_text_and_absent_ones_come_last() -> None:
    patients = [patient("none"), patient("b", ("Élan",)), patient("c", ("fable",)), patient("a", ("DUPONT",))]

    assert order(patients, Sort("string", FAMILY)) == ["a", "b", "c", "none"]
    assert order(patients, Sort("string", FAMILY, descending=True)) == ["c", "b", "a", "none"]


def test_the_smallest_of_several_values_counts_ascending_and_the_largest_descending() -> None:
    patients = [patient("wide", ("a", "z")), patient("mid", ("m",))]

    assert order(patients, Sort("string", FAMILY)) == ["wide", "mid"]
    assert order(patients, Sort("string", FAMILY, descending=True)) == ["wide", "mid"]


def test_dates_sort_by_their_start_or_by_their_end() -> None:
    patients = [patient("year", birth="2024"), patient("day", birth="2024-06-01"), patient("none")]

    assert order(patients, Sort("date", BIRTH)) == ["year", "day", "none"]
    assert order(patients, Sort("date", BIRTH, descending=True)) == ["year", "day", "none"]


def test_further_keys_decide_between_equals() -> None:
    patients = [patient("a", ("x",), "2024"), patient("b", ("x",), "2023"), patient("c", ("w",), "2025")]

    assert order(patients, Sort("string", FAMILY), Sort("date", BIRTH)) == ["c", "b", "a"]
    assert order(patients, Sort("string", FAMILY, True), Sort("date", BIRTH, True)) == ["a", "b", "c"]
    assert order(patients, Sort("string", FAMILY, True), Sort("id", None)) == ["a", "b", "c"]
    assert order(patients, Sort("updated", None), Sort("id", None, descending=True)) == ["c", "b", "a"]


def test_numbers_have_an_order_and_hashes_have_none() -> None:
    tree: Tree = {"resourceType": "Observation", "id": "1", "status": "final", "valueQuantity": {"value": 1}}

    assert key_of(tree, Sort("quantity", Name("Observation", "value-quantity"))) == ((False, 0.5),)
    assert key_of(tree, Sort("token", Name("Observation", "status"))) == ((True, None),)
