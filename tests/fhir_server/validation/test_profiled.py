from __future__ import annotations

import json
from pathlib import Path
from time import process_time
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_server.definitions.model import R4
from fhir_server.definitions.packaged import SHIPPED
from fhir_server.fhirpath.tree import root_of
from fhir_server.kernel.wire import Tree, decode
from fhir_server.validation.judge import conforms, judge
from fhir_server.validation.world import LATER, Later, Options, World
from profiles.registry import Entry, Registry
from terminology.codes import KnownCodes
from terminology.stock import stock_of
from tests.small_profiles import (
    BASE,
    OWN,
    element,
    entry_of,
    errors,
    extension,
    judged,
    place_of,
    profile,
    registry_of,
    slice_of,
    sliced,
    world_of,
)
from tests.worlds import NoCodes

URN = "urn:uuid:00000000-0000-0000-0000-000000000001"
OFFICIAL = Path(__file__).parents[4] / "shared/fhir-fr"


def patient(**elements: Any) -> Tree:
    return {"resourceType": "Patient", **elements}


def observation(**elements: Any) -> Tree:
    return {"resourceType": "Observation", "status": "final", "code": {"text": "x"}, **elements}


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


class TestExtensions:
    COLOUR = extension(
        "colour",
        element("Extension.value[x]", min=1, type=[{"code": "code"}]),
        on=["Patient", "HumanName.family"],
    )

    @pytest.mark.parametrize(
        ("tree", "places"),
        [
            (patient(extension=[{"url": OWN + "colour", "valueCode": "red"}]), []),
            (
                patient(
                    name=[
                        {"family": "A", "_family": {"extension": [{"url": OWN + "colour", "valueCode": "x"}]}}
                    ]
                ),
                [],
            ),
            (
                patient(extension=[{"url": OWN + "colour", "valueString": "red"}]),
                ["Patient.extension[0].value"],
            ),
            (
                patient(name=[{"extension": [{"url": OWN + "colour", "valueCode": "red"}], "family": "A"}]),
                ["Patient.name[0]"],
            ),
            (
                patient(modifierExtension=[{"url": OWN + "colour", "valueCode": "red"}]),
                ["Patient.modifierExtension[0]"],
            ),
            (patient(extension=[{"url": "colour", "valueCode": "red"}]), ["Patient.extension[0]"]),
            (
                patient(extension=[{"url": OWN + "colour|1", "valueCode": "red"}]),
                ["Patient.extension[0]", "Patient.extension[0].url"],
            ),
        ],
    )
    def test_each_is_judged_by_its_definition(self, tree: Tree, places: list[str]) -> None:
        assert errors(tree, world_of(self.COLOUR)) == places

    def test_one_that_changes_meaning_stands_among_the_modifiers(self) -> None:
        negated = extension("negated", {"path": "Extension", "isModifier": True}, on=["Patient"])
        world = world_of(negated)
        item = {"url": OWN + "negated", "valueBoolean": True}

        assert errors(patient(modifierExtension=[item]), world) == []
        assert errors(patient(extension=[item]), world) == ["Patient.extension[0]"]

    def test_the_maturity_of_a_definition_stands_on_definitions_of_every_kind(self) -> None:
        mature = {"url": BASE + "structuredefinition-normative-version", "valueCode": "4.0.0"}
        operation: Tree = {
            "resourceType": "OperationDefinition",
            "extension": [mature],
            "name": "A",
            "status": "draft",
            "kind": "operation",
            "code": "a",
            "system": True,
            "type": False,
            "instance": False,
        }

        assert errors(operation, world_of()) == []
        assert errors(patient(extension=[mature]), world_of()) == ["Patient"]

    def test_one_may_ask_for_a_condition_of_where_it_stands(self) -> None:
        adult = extension("adult", on=["Patient"], contextInvariant=["birthDate.exists()"])
        item = {"url": OWN + "adult", "valueBoolean": True}

        assert errors(patient(birthDate="2000", extension=[item]), world_of(adult)) == []
        assert errors(patient(extension=[item]), world_of(adult)) == ["Patient"]

    def test_parts_have_the_names_that_the_definition_gives(self) -> None:
        whole = extension(
            "whole",
            sliced("Extension.extension", ("value", "url")),
            slice_of("Extension.extension", "part"),
            element("Extension.extension.url", fixedUri="part"),
        )
        world = world_of(whole)

        def made(url: str) -> Tree:
            return patient(
                extension=[{"url": OWN + "whole", "extension": [{"url": url, "valueString": "x"}]}]
            )

        assert errors(made("part"), world) == []
        assert errors(made("other"), world) == ["Patient.extension[0].extension[0]"]

    @pytest.mark.parametrize(
        ("option", "severities"), [("ignore", []), ("warn", ["warning"]), ("error", ["error"])]
    )
    def test_unknown_ones_weigh_as_the_options_say(self, option: str, severities: list[str]) -> None:
        tree = patient(extension=[{"url": "http://absent.test/x", "valueString": "x"}])

        assert [one.severity for one in judged(tree, world_of(unknown_extensions=option))] == severities

    def test_elements_of_later_versions_are_known_without_definition(self) -> None:
        url = "http://hl7.org/fhir/5.0/StructureDefinition/extension-Encounter.plannedStartDate"

        assert (
            judged(
                patient(extension=[{"url": url, "valueDateTime": "2020"}]),
                world_of(unknown_extensions="error"),
            )
            == []
        )


class TestDeclared:
    def test_a_declared_profile_is_asked_for(self) -> None:
        world = world_of(profile("p", "Patient", element("Patient.birthDate", min=1)))

        assert errors(patient(meta={"profile": [OWN + "p"]}), world) == ["Patient.birthDate"]

    def test_an_unknown_one_is_a_warning_and_an_unknown_one_that_is_asked_for_an_error(self) -> None:
        issues = judged(patient(meta={"profile": [OWN + "absent"]}), world_of(), "other")

        assert [(one.severity, one.expression) for one in issues] == [
            ("error", "Patient"),
            ("warning", "Patient.meta.profile[0]"),
        ]

    def test_a_version_means_that_version(self) -> None:
        old = profile("p", "Patient", element("Patient.birthDate", min=1), version="1.0.0")
        new = profile("p", "Patient", element("Patient.gender", min=1), version="2.0.0")
        world = world_of(old, new)

        assert errors(patient(meta={"profile": [OWN + "p|1.0.0"]}), world) == ["Patient.birthDate"]
        assert errors(patient(meta={"profile": [OWN + "p"]}), world) == ["Patient.gender"]

    def test_either_generation_of_a_national_profile_will_do_and_is_named(self) -> None:
        url = "https://hl7.fr/test/p"
        old = profile("old", "Patient", element("Patient.birthDate", min=1), version="1.0.0", url=url)
        new = profile("new", "Patient", element("Patient.gender", min=1), version="2.0.0", url=url)
        world = world_of(old, new)

        (issue,) = judged(patient(birthDate="2000", meta={"profile": [url]}), world)

        assert (issue.severity, url + "|1.0.0" in issue.text) == ("information", True)
        assert errors(patient(meta={"profile": [url]}), world) == ["Patient.gender"]

    @pytest.mark.parametrize(
        "tree",
        [
            {
                "resourceType": "Bundle",
                "type": "collection",
                "entry": [{"fullUrl": URN, "resource": patient(meta={"profile": [OWN + "p"]})}],
            },
            {
                "resourceType": "Parameters",
                "parameter": [{"name": "x", "resource": patient(meta={"profile": [OWN + "p"]})}],
            },
        ],
    )
    def test_resources_inside_are_asked_for_their_own_profiles(self, tree: Tree) -> None:
        world = world_of(profile("p", "Patient", element("Patient.birthDate", min=1)))

        (place,) = errors(tree, world)

        assert place.endswith(".resource.birthDate")

    def test_a_logical_model_is_declined(self) -> None:
        model = profile("m", OWN + "m", kind="logical", derivation="specialization")

        (issue,) = judged(patient(active=True), world_of(model), "m")

        assert issue.code == "not-supported"

    def test_a_profile_of_another_type_is_not_kept(self) -> None:
        assert errors(observation(), world_of(profile("p", "Patient")), "p") == ["Observation"]

    def test_a_vital_sign_conforms_to_the_profile_of_its_code(self) -> None:
        code = {"coding": [{"system": "http://loinc.org", "code": "29463-7"}]}

        assert "Observation.subject" in errors(observation(code=code), world_of())


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


# Examples that the publishers' own definitions refuse, each for a reason that was looked at: see docs/conformance.md.
REFUSED = {
    "annuaire/Organization-158480", "annuaire/Organization-example-organization-fictive",
    "annuaire/Organization-example-organization-nancy", "annuaire/Person-pp19dr-person",
    "annuaire/Practitioner-334081", "cdl/Bundle-cdl-bundle-creation-note", "cds/CareTeam-cds-careteam-example",
    "cds/Organization-cds-organization-example", "cds/Patient-cds-patient-example",
    "fr-core-2.1.0/Patient-ExampleFRCorePatient001", "nde/CommunicationRequest-com1", "nde/Subscription-sub1",
    "pdsm/Bundle-bundle-exemple-comprehensiveprovidedocument-replace",
    "pdsm/DocumentReference-PDSmSimplifiedExample", "pdsm/DocumentReference-doc-old",
    "pdsm/Organization-org-example", "pdsm4dmp/Bundle-example-td2-1-remplacement",
    "pdsm4dmp/Bundle-example-td2-iti65-lot-soumission", "pdsm4dmp/DocumentReference-doc-x-id",
    "pdsm4dmp/DocumentReference-example-annexe-docref-fhir",
    "pdsm4dmp/DocumentReference-example-td2-iti105-publication-simplifiee",
    "pdsm4dmp/DocumentReference-example-td3-1a-cr-consultation",
}  # fmt: skip


@pytest.fixture(scope="module")
def official() -> World:
    if not OFFICIAL.is_dir():
        pytest.skip("the official French definitions are not here")
    found = []
    for path in sorted(OFFICIAL.glob("definitions/*/*.json")):
        body = path.read_bytes()
        tree = orjson.loads(body)
        if "url" in tree:
            kind, version = tree["resourceType"], tree.get("version", "")
            found.append(
                Entry(kind, tree["url"], version, tree["id"], path.parent.name, lambda body=body: body)
            )
    core = [one for one in SHIPPED.entries() if one.package.startswith("hl7.fhir.r4.core")]
    registry = Registry([core, found])
    return World(registry, KnownCodes(stock_of(registry)), options=Options(best_practice="ignore"))


def test_every_national_example_gets_the_verdict_of_the_national_definitions(official: World) -> None:
    refused = set()
    for path in sorted(OFFICIAL.glob("examples/*/*.json")):
        issues = judge(decode(path.read_bytes()), official)
        if any(one.severity == "error" for one in issues):
            refused.add(f"{path.parent.name}/{path.stem}")

    assert refused == REFUSED


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
