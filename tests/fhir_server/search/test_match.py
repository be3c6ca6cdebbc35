from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from fhir_server.kernel.keys import Key
from fhir_server.kernel.wire import Tree, decode, encode
from fhir_server.search.entries import Entries, Hasher
from fhir_server.search.extract import entries_of
from fhir_server.search.match import Known, distance, matches, needs_body
from fhir_server.search.order import SortKey, sort_key
from fhir_server.search.parse import criteria_of
from fhir_server.search.query import Name, Query, Sort
from fhir_server.search.sight import Sight
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

    assert not matches(Query(("Person",)), entries, key=Key("Patient", "p1"), updated=0, hasher=HASHER)
    assert matches(Query(("Patient",)), entries, key=Key("Patient", "p1"), updated=0, hasher=HASHER)


def test_what_the_index_cannot_decide_needs_the_body() -> None:
    for text in ("family:exact=Leger", "family:exact=x&gender=male", "_text=x"):
        assert needs_body(criteria_of("Patient", text))
    assert not needs_body(criteria_of("Patient", "family=x&gender:not=male"))
    assert found(PATIENT, "family:exact=Leger", body=False)  # perhaps
    assert not found(PATIENT, "family:exact=Leg", body=False)


def test_of_a_text_the_first_200_characters_count() -> None:
    long = {"resourceType": "Patient", "name": [{"family": "a" * 300}]}

    assert found(long, "family=" + "a" * 250)
    assert found(long, "family=" + "a" * 250 + "b")
    assert not found(long, "family=" + "a" * 199 + "b")
    assert not found(PATIENT, "family=" + "a" * 250)
    assert found(long, "family:exact=" + "a" * 300)
    assert not found(long, "family:exact=" + "a" * 299)


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
        tree=tree,
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


def test_numbers_sort_in_their_canonical_unit() -> None:
    def weighed(id: str, value: int, **unit: str) -> Tree:
        quantity = {"value": value, **unit}
        return {"resourceType": "Observation", "id": id, "status": "final", "valueQuantity": quantity}

    ucum = "http://unitsofmeasure.org"
    trees = [
        {"resourceType": "Observation", "id": "none", "status": "final"},
        weighed("heavy", 5, system=ucum, code="kg"),
        weighed("light", 20, system=ucum, code="g"),
        weighed("bare", 1),
    ]
    value = Name("Observation", "value-quantity")

    assert order(trees, Sort("number", value)) == ["bare", "light", "heavy", "none"]
    assert order(trees, Sort("number", value, descending=True)) == ["heavy", "light", "bare", "none"]


def test_texts_sort_as_they_are_written() -> None:
    trees: list[Tree] = [
        {"resourceType": "Patient", "id": "none"},
        {"resourceType": "Patient", "id": "b", "identifier": [{"value": "b"}, {"value": "z"}]},
        {"resourceType": "Patient", "id": "capital", "identifier": [{"value": "C"}]},
        {"resourceType": "Patient", "id": "a", "identifier": [{"value": "a"}]},
    ]
    identifier = Name("Patient", "identifier")

    assert order(trees, Sort("text", identifier)) == ["capital", "a", "b", "none"]
    assert order(trees, Sort("text", identifier, descending=True)) == ["b", "a", "capital", "none"]
    assert sort_key(
        (Sort("text", identifier),), entries_of(trees[1], HASHER), key=A, updated=0, hasher=HASHER
    ) == ((True, None),)


# Other kinds of values ----------------------------------------------------------------------------------------------


UCUM = "http://unitsofmeasure.org"
MEASURED: dict[str, Any] = {
    "resourceType": "Observation",
    "id": "p1",
    "text": {
        "status": "generated",
        "div": '<div xmlns="http://www.w3.org/1999/xhtml">Tension <b>&eacute;lev&eacute;e</b></div>',
    },
    "status": "final",
    "code": {
        "coding": [{"system": "http://loinc.org", "code": "85354-9", "display": "Blood pressure"}],
        "text": "Tension",
    },
    "subject": {"identifier": {"system": "urn:nir", "value": "1A"}},
    "valueQuantity": {"value": 5, "unit": "milligrammes", "system": UCUM, "code": "mg"},
    "component": [
        {
            "code": {"coding": [{"system": "http://loinc.org", "code": "8480-6"}]},
            "valueQuantity": {"value": 140, "unit": "mmHg", "system": UCUM, "code": "mm[Hg]"},
        },
        {
            "code": {"coding": [{"system": "http://loinc.org", "code": "8462-4"}]},
            "valueQuantity": {"value": 90, "unit": "mmHg", "system": UCUM, "code": "mm[Hg]"},
        },
    ],
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("value-quantity=5", True),
        ("value-quantity=5.0", True),
        ("value-quantity=5.1", False),
        (f"value-quantity=5|{UCUM}|mg", True),
        (f"value-quantity=0.005|{UCUM}|g", True),
        (f"value-quantity=gt4|{UCUM}|g", False),
        (f"value-quantity=lt4|{UCUM}|g", True),
        (f"value-quantity=5|{UCUM}|kg", False),
        ("value-quantity=5||mg", True),
        ("value-quantity=5||milligrammes", True),
        ("value-quantity=5||grammes", False),
        ("value-quantity=ne5", False),
        ("value-quantity=sa4.9", True),
        ("value-quantity=ap5.4", True),
        ("value-quantity=ap6", False),
        ("combo-value-quantity=140", True),
        ("code-value-quantity=85354-9$5", True),
        ("component-code-value-quantity=8480-6$140", True),
        ("component-code-value-quantity=8480-6$90", False),
        ("component-code-value-quantity=http://loinc.org|8462-4$lt100", True),
        ("combo-code-value-quantity=8480-6$gt130", True),
        ("code:text=ten", True),
        ("code:text=blood", True),
        ("code:text=pressure", True),
        ("code:text=ressure", False),
        ("subject:identifier=urn:nir|1a", True),
        ("subject:identifier=1A", True),
        ("subject:identifier=urn:ipp|1A", False),
        ("_text=tension", True),
        ("_text=blood", False),
        ("_content=blood", True),
        ("_content=tension NOT blood", False),
    ],
)
def test_an_observation_is_found_by_what_was_measured(text: str, expected: bool) -> None:
    assert found(MEASURED, text.replace(" ", "+")) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("near=-20.9|55.46|2|km", True),
        ("near=-20.9|55.46|0.5|km", False),
        ("near=-20.9|55.46|0.5|km,-20.9|55.45|1|m", True),
        ("name:contains=denis", True),
    ],
)
def test_a_location_is_found_by_where_it_is(text: str, expected: bool) -> None:
    location = {
        "resourceType": "Location",
        "id": "p1",
        "name": "Saint-Denis",
        "position": {"latitude": -20.9, "longitude": 55.45},
    }

    assert found(location, text) is expected


def test_a_great_circle_is_the_shortest_way() -> None:
    assert distance(0, 0, 0, 0) == 0
    assert distance(0, 0, 0, 180) == pytest.approx(3.14159265 * 6_371_008.8)
    assert distance(0, 179.5, 0, -179.5) == pytest.approx(distance(0, 0, 0, 1))
    assert distance(48.8566, 2.3522, -20.8823, 55.4504) == pytest.approx(9_371_000, rel=1e-3)


# Others around it ---------------------------------------------------------------------------------------------------


@dataclass
class Resource:
    """What `match.py` looks at."""

    tree: Tree
    updated: int = UPDATED

    @property
    def key(self) -> Key:
        return Key(self.tree["resourceType"], self.tree["id"])

    @property
    def entries(self) -> Entries:
        return entries_of(self.tree, HASHER, BASE)


class Neighbours:
    def __init__(self, *trees: Tree) -> None:
        self.all = [Resource(tree) for tree in trees]

    def at(self, key: Key) -> Resource | None:
        return next((one for one in self.all if one.key == key), None)

    def pointing(self, seed: int, key: Key) -> list[Resource]:
        return [one for one in self.all if (seed, key) in one.entries.references]

    def sees(self, sight: Sight, resource: Known) -> bool:
        return True


A = Key("Patient", "a")
AROUND = Neighbours(
    {"resourceType": "Organization", "id": "o", "name": "Nord"},
    {
        "resourceType": "Patient",
        "id": "a",
        "name": [{"family": "Payet"}],
        "managingOrganization": {"reference": "Organization/o"},
    },
    {"resourceType": "Observation", "id": "x", "status": "final", "subject": {"reference": "Patient/a"}},
    {
        "resourceType": "CarePlan",
        "id": "c",
        "contained": [
            {
                "resourceType": "CareTeam",
                "id": "t",
                "participant": [{"member": {"reference": "Patient/a"}}],
            }
        ],
        "careTeam": [{"reference": "#t"}],
    },
    {
        "resourceType": "Observation",
        "id": "y",
        "status": "final",
        "contained": [{"resourceType": "Patient", "id": "who", "name": [{"given": ["Zoé"]}]}],
        "subject": {"reference": "#who"},
    },
    {
        "resourceType": "List",
        "id": "l",
        "entry": [
            {"item": {"reference": "Patient/a"}},
            {"deleted": True, "item": {"reference": "Observation/x"}},
        ],
    },
)


@pytest.mark.parametrize(
    ("type", "id", "text", "expected"),
    [
        ("Observation", "x", "subject.name=payet", True),
        ("Observation", "x", "subject:Patient.name=payet", True),
        ("Observation", "x", "patient.organization.name=nord", True),
        ("Observation", "x", "patient.organization.name=sud", False),
        ("Observation", "x", "patient.name:exact=payet", False),
        ("Observation", "x", "patient._id=a", True),
        ("Observation", "x", "_list=l", False),
        ("Patient", "a", "_has:Observation:subject:status=final", True),
        ("Patient", "a", "_has:Observation:subject:status=amended", False),
        ("Patient", "a", "_list=l", True),
        ("Patient", "a", "_list=m", False),
        ("Organization", "o", "_has:Patient:organization:_has:Observation:patient:_id=x", True),
        ("Observation", "y", "subject.name=zoe", True),
        ("Observation", "y", "subject.name:exact=Zoé", True),
        ("Observation", "y", "subject.name:exact=zoé", False),
        ("CarePlan", "c", "care-team.participant=Patient/a", True),
        ("CarePlan", "c", "care-team.participant:Patient.name=payet", True),
        ("CarePlan", "c", "care-team.participant:Patient.name=hoarau", False),
    ],
)
def test_what_is_around_decides(type: str, id: str, text: str, expected: bool) -> None:
    one = AROUND.at(Key(type, id))
    assert one is not None

    query = criteria_of(type, text, BASE)
    judged = matches(
        query,
        one.entries,
        key=one.key,
        updated=one.updated,
        hasher=HASHER,
        tree=one.tree if needs_body(query) else None,
        around=AROUND,
    )

    assert judged is expected


def test_who_stands_alone_meets_nothing_that_is_said_of_others() -> None:
    assert not found(OBSERVATION, "subject.name=payet")
    assert not found(PATIENT, "_has:Observation:subject:status=final")
    assert not found(PATIENT, "_list=l")


def test_terminology_is_asked_before() -> None:
    with pytest.raises(ValueError, match="Terminology"):
        found(OBSERVATION, "code:in=http://x.example/valueset")
