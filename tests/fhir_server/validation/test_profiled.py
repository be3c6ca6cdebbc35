from __future__ import annotations

import json
from time import process_time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_server.definitions.model import R4
from fhir_server.fhirpath.tree import root_of
from fhir_server.kernel.wire import Tree
from fhir_server.validation.judge import conforms, judge
from fhir_server.validation.world import LATER, Later, World
from tests.small_profiles import (
    BASE,
    OWN,
    element,
    entry_of,
    errors,
    judged,
    observation,
    patient,
    place_of,
    profile,
    registry_of,
    slice_of,
    sliced,
    world_of,
)
from tests.worlds import NoCodes

URN = "urn:uuid:00000000-0000-0000-0000-000000000001"


def quantity(value: float, **more: Any) -> Tree:
    return {"value": value, "unit": "kg", "system": "http://unitsofmeasure.org", "code": "kg", **more}


INVARIANT = {
    "key": "t-1",
    "severity": "error",
    "human": "A name has a family",
    "expression": "name.all(family.exists())",
}

CASES: list[tuple[str, Tree, Tree, Tree, list[str]]] = [
    (
        "an element that is required",
        element("Patient.birthDate", min=1),
        patient(birthDate="2000"),
        patient(active=True),
        ["Patient.birthDate"],
    ),
    (
        "an element that is there too often",
        element("Patient.name", max="1"),
        patient(name=[{"text": "A"}]),
        patient(name=[{"text": "A"}, {"text": "B"}]),
        ["Patient.name"],
    ),
    (
        "an element that is not allowed",
        element("Patient.photo", max="0"),
        patient(active=True),
        patient(photo=[{"title": "x"}]),
        ["Patient.photo"],
    ),
    (
        "a fixed value, which is all there is",
        element("Patient.maritalStatus", fixedCodeableConcept={"text": "M"}),
        patient(maritalStatus={"text": "M"}),
        patient(maritalStatus={"text": "M", "coding": [{"code": "M"}]}),
        ["Patient.maritalStatus"],
    ),
    (
        "a pattern, which may be filled up",
        element("Patient.maritalStatus", patternCodeableConcept={"text": "M"}),
        patient(maritalStatus={"text": "M", "coding": [{"code": "M"}]}),
        patient(maritalStatus={"text": "S"}),
        ["Patient.maritalStatus"],
    ),
    (
        "a longest text",
        element("Patient.name.family", maxLength=3),
        patient(name=[{"family": "Lee"}]),
        patient(name=[{"family": "Payet"}]),
        ["Patient.name[0].family"],
    ),
    (
        "a first date",
        element("Patient.birthDate", minValueDate="1900-01-01"),
        patient(birthDate="1900-01-01"),
        patient(birthDate="1899-12-31"),
        ["Patient.birthDate"],
    ),
    (
        "a greatest quantity",
        element("Observation.valueQuantity", maxValueQuantity=quantity(300)),
        observation(valueQuantity=quantity(300)),
        observation(valueQuantity=quantity(300.5)),
        ["Observation.value"],
    ),
    (
        "a type of a choice",
        element("Observation.value[x]", type=[{"code": "Quantity"}]),
        observation(valueQuantity=quantity(1)),
        observation(valueString="x"),
        ["Observation.value"],
    ),
    (
        "a constraint",
        element("Patient", constraint=[INVARIANT]),
        patient(name=[{"family": "A"}]),
        patient(name=[{"given": ["A"]}]),
        ["Patient"],
    ),
    (
        "a required code",
        element("Patient.gender", binding={"strength": "required", "valueSet": "urn:set"}),
        patient(gender="male"),
        patient(gender="other"),
        ["Patient.gender"],
    ),
    (
        "a type of resource that a reference leads to",
        element(
            "Patient.generalPractitioner",
            type=[{"code": "Reference", "targetProfile": [BASE + "Practitioner"]}],
        ),
        patient(generalPractitioner=[{"reference": "Practitioner/1"}]),
        patient(generalPractitioner=[{"reference": "Organization/1"}]),
        ["Patient.generalPractitioner[0]"],
    ),
    (
        "a form, as a regular expression",
        element(
            "Patient.name.family",
            extension=[{"url": BASE + "regex", "valueString": "[A-Z]+"}],
        ),
        patient(name=[{"family": "PAYET"}]),
        patient(name=[{"family": "Payet"}]),
        ["Patient.name[0].family"],
    ),
]


@pytest.mark.parametrize(
    ("said", "right", "wrong", "places"), [case[1:] for case in CASES], ids=[c[0] for c in CASES]
)
def test_a_profile_may_ask_for(said: Tree, right: Tree, wrong: Tree, places: list[str]) -> None:
    world = world_of(profile("p", right["resourceType"], said), sets={"urn:set": {"male"}})

    assert errors(right, world, "p") == []
    assert errors(wrong, world, "p") == places


def test_an_issue_names_the_profile_that_asks_and_speaks_two_languages() -> None:
    world = world_of(profile("p", "Patient", element("Patient.birthDate", min=1), version="1.2"))

    (issue,) = judged(patient(active=True), world, "p")

    assert issue.profile == OWN + "p|1.2"
    assert issue.text == "Element 'Patient.birthDate' is required (1..1) and is missing"
    assert issue.french == "L'élément « Patient.birthDate » est obligatoire (1..1) et absent"


@pytest.mark.parametrize(
    ("strength", "severity"), [("required", "error"), ("extensible", "warning"), ("preferred", "information")]
)
def test_a_code_outside_its_value_set_weighs_as_the_binding_does(strength: str, severity: str) -> None:
    binding = {"strength": strength, "valueSet": "urn:set"}
    world = world_of(
        profile("p", "Patient", element("Patient.maritalStatus", binding=binding)), sets={"urn:set": {"M"}}
    )

    issues = judged(patient(maritalStatus={"coding": [{"system": "urn:s", "code": "S"}]}), world, "p")

    assert [one.severity for one in issues if "urn:set" in one.text] == [severity]


def test_an_unknown_value_set_is_said_once_to_be_unchecked() -> None:
    binding = {"strength": "required", "valueSet": "urn:absent"}
    world = world_of(profile("p", "Patient", element("Patient.name.use", binding=binding)))

    issues = judged(patient(name=[{"use": "usual"}, {"use": "old"}]), world, "p")

    assert [(one.severity, one.code) for one in issues] == [("warning", "not-found")]


def test_a_code_outside_the_greatest_value_set_is_an_error_whatever_the_strength() -> None:
    limit = {"url": BASE + "elementdefinition-maxValueSet", "valueCanonical": "urn:most"}
    binding = {"strength": "preferred", "valueSet": "urn:set", "extension": [limit]}
    world = world_of(
        profile("p", "Patient", element("Patient.maritalStatus", binding=binding)),
        sets={"urn:set": {"M"}, "urn:most": {"M", "S"}},
    )

    def coded(code: str) -> Tree:
        return patient(maritalStatus={"coding": [{"system": "urn:s", "code": code}]})

    assert errors(coded("S"), world, "p") == []
    assert errors(coded("X"), world, "p") == ["Patient.maritalStatus"]


def test_the_system_of_a_national_code_may_be_misspelt_with_a_warning() -> None:
    proper = "https://mos.esante.gouv.fr/NOS/TRE_R1-X/FHIR/TRE-R1-X"

    class Nos(NoCodes):
        def within(self, value_set: str, code: Any) -> Any:
            found = super().within(value_set, code)
            return (
                found if code.system == proper else super().within(value_set, type(code)(code.system, "none"))
            )

    binding = {"strength": "required", "valueSet": "urn:set"}
    own = profile("p", "Patient", element("Patient.maritalStatus", binding=binding))
    world = World(registry_of(own), Nos({"urn:set": {"1"}}))
    coding = {"system": "https://mos.esante.gouv.fr/NOS/TRE_R1-X/", "code": "1"}

    issues = judged(patient(maritalStatus={"coding": [coding]}), world, "p")

    assert [one.severity for one in issues if one.expression == "Patient.maritalStatus" and one.profile] == [
        "warning"
    ]


def test_the_profile_of_a_type_is_asked_of_its_items() -> None:
    name = profile("name", "HumanName", element("HumanName.family", min=1), kind="complex-type")
    own = profile(
        "p", "Patient", element("Patient.name", type=[{"code": "HumanName", "profile": [OWN + "name"]}])
    )
    world = world_of(name, own)

    (issue,) = judged(patient(name=[{"given": ["A"]}]), world, "p")

    assert (place_of(issue), issue.profile) == ("Patient.name[0].family", OWN + "name")


def test_what_a_reference_leads_to_is_judged_where_it_can_be_had() -> None:
    named = profile("named", "Organization", element("Organization.name", min=1))
    target = [{"code": "Reference", "targetProfile": [OWN + "named"]}]
    own = profile("p", "Patient", element("Patient.managingOrganization", type=target))
    found: dict[str, Tree | Later] = {
        "Organization/good": {"resourceType": "Organization", "name": "x"},
        "Organization/bad": {"resourceType": "Organization", "active": True},
        "Organization/later": LATER,
    }
    world = world_of(named, own, resolve=found.get)

    def at(id: str) -> list[str]:
        return errors(patient(managingOrganization={"reference": f"Organization/{id}"}), world, "p")

    assert at("bad") == ["Patient.managingOrganization"]
    assert at("good") == at("later") == at("absent") == []


def test_profiles_that_refer_to_one_another_come_to_an_end() -> None:
    target = [{"code": "Reference", "targetProfile": [OWN + "p"]}]
    own = profile("p", "Patient", element("Patient.link.other", type=target))
    found = {"Patient/1": patient(link=[{"type": "refer", "other": {"reference": "Patient/1"}}])}

    assert errors(found["Patient/1"], world_of(own, resolve=found.get), "p") == []


class TestBombs:
    def test_a_circle_of_definitions_is_told(self) -> None:
        own = profile("p", "Patient", baseDefinition=OWN + "p")

        (issue,) = judged(patient(active=True), world_of(own), "p")

        assert (issue.severity, "circle" in issue.text) == ("error", True)

    @pytest.mark.parametrize("broken", [{"element": [{"path": 7}]}, {"element": "x"}, {"element": [{}]}, 7])
    def test_what_is_no_definition_is_told(self, broken: Any) -> None:
        own = {**profile("p", "Patient"), "differential": broken}

        (issue,) = judged(patient(active=True), world_of(own), "p")

        assert issue.severity == "error"

    def test_a_regular_expression_that_explodes_is_stopped(self) -> None:
        bomb = [{"url": BASE + "regex", "valueString": "(a+)+(a+)+(a+)+b"}]
        own = profile("p", "Patient", element("Patient.name.family", extension=bomb))
        started = process_time()

        judged(patient(name=[{"family": "a" * 20_000}]), world_of(own), "p")

        assert process_time() - started < 10

    def test_what_costs_too_much_ends_with_a_word(self) -> None:
        slices: list[Tree] = []
        for number in range(400):
            slices += [
                slice_of("Patient.identifier", str(number)),
                element("Patient.identifier.system", fixedUri=f"urn:{number}"),
            ]
        own = profile("p", "Patient", sliced("Patient.identifier", ("value", "system")), *slices)
        tree = patient(identifier=[{"system": "urn:other", "value": "1"}] * 3000)

        assert "too-costly" in {one.code for one in judged(tree, world_of(own), "p")}


def test_what_is_wrongly_built_is_told_once_and_the_rest_is_judged() -> None:
    world = world_of(
        profile("p", "Patient", element("Patient.birthDate", min=1), element("Patient.gender", min=1))
    )
    tree = patient(name={"family": "A"}, gender=7, nonsense=[1], contact="x")

    assert errors(tree, world, "p") == [
        "Patient", "Patient.name", "Patient.gender", "Patient.contact", "Patient.birthDate",
    ]  # fmt: skip


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.sampled_from(["", "x", "2000", "male", OWN + "p"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["name", "family", "identifier", "extension", "url", "value", "_family", "coding", "profile"]
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=12,
)


@given(
    st.dictionaries(
        st.sampled_from(
            ["name", "gender", "meta", "identifier", "extension", "contained", "_gender", "maritalStatus"]
        ),
        JSON,
        max_size=4,
    )
)
def test_whatever_is_sent_is_judged(elements: dict[str, Any]) -> None:
    world = _SMALL_WORLD

    assert isinstance(judge({**elements, "resourceType": "Patient"}, world, [OWN + "p"]), list)


_SMALL_WORLD = world_of(
    profile(
        "p",
        "Patient",
        sliced("Patient.identifier", ("value", "system")),
        slice_of("Patient.identifier", "a", min=1),
    )
)


def test_conformance_of_an_item_is_known_or_not() -> None:
    world = world_of(profile("p", "Patient", element("Patient.birthDate", min=1)))

    def asked(tree: Tree, name: str) -> bool | None:
        return conforms(root_of(tree, R4), OWN + name, world)

    assert asked(patient(birthDate="2000"), "p") is True
    assert asked(patient(active=True), "p") is False
    assert asked(patient(active=True), "absent") is None


def test_entries_are_read_as_their_registry_keeps_them() -> None:
    own = profile("p", "Patient", version="1")

    assert json.loads(entry_of(own).body()) == own


@pytest.mark.parametrize(
    ("link", "places"),
    [
        ("#a", []),
        ("Practitioner/1", ["Patient.generalPractitioner[0]"]),
        ("https://elsewhere.test/Practitioner/1", ["Patient.generalPractitioner[0]"]),
    ],
)
def test_a_profile_may_want_targets_to_be_contained(link: str, places: list[str]) -> None:
    kind = [{"code": "Reference", "targetProfile": [BASE + "Practitioner"], "aggregation": ["contained"]}]
    world = world_of(profile("p", "Patient", element("Patient.generalPractitioner", type=kind)))
    inside = [{"resourceType": "Practitioner", "id": "a"}] if link == "#a" else []
    tree = patient(generalPractitioner=[{"reference": link}], **({"contained": inside} if inside else {}))

    assert errors(tree, world, "p") == places
