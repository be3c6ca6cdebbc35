from __future__ import annotations

from typing import Any

import pytest

from fhir_server.kernel.wire import Tree
from tests.small_profiles import BASE, OWN, element, errors, extension, profile, slice_of, sliced, world_of

LOINC = "http://loinc.org"
URN = "urn:uuid:00000000-0000-0000-0000-000000000001"


def patient(**elements: Any) -> Tree:
    return {"resourceType": "Patient", **elements}


def identifier(system: str, value: str = "1", **more: Any) -> Tree:
    return {"system": system, "value": value, **more}


BY_SYSTEM = sliced("Patient.identifier", ("value", "system"))
NATIONAL = profile(
    "national",
    "Patient",
    BY_SYSTEM,
    slice_of("Patient.identifier", "ins", min=1, max="1"),
    element("Patient.identifier.system", patternUri="urn:oid:1.2.3"),
    element("Patient.identifier.use", min=1),
)


@pytest.mark.parametrize(
    ("identifiers", "wrong"),
    [
        ([identifier("urn:oid:1.2.3", use="official")], []),
        ([identifier("urn:x"), identifier("urn:oid:1.2.3", use="official")], []),
        ([identifier("urn:oid:1.2.3")], ["Patient.identifier[0].use"]),
        ([identifier("urn:x")], ["Patient.identifier"]),
        ([identifier("urn:oid:1.2.3", use="official")] * 2, ["Patient.identifier"]),
        ([], ["Patient.identifier"]),
    ],
)
def test_items_are_judged_by_the_slice_that_their_value_names(
    identifiers: list[Tree], wrong: list[str]
) -> None:
    tree = patient(identifier=identifiers) if identifiers else patient()

    assert errors(tree, world_of(NATIONAL), "national") == wrong


@pytest.mark.parametrize(
    ("rules", "order", "wrong"),
    [
        ("open", ["a", "x"], []),
        ("closed", ["a", "x"], ["Patient.identifier[1]"]),
        ("openAtEnd", ["a", "x"], []),
        ("openAtEnd", ["x", "a"], ["Patient.identifier[1]"]),
    ],
)
def test_items_of_no_slice_are_allowed_as_the_slicing_says(
    rules: str, order: list[str], wrong: list[str]
) -> None:
    own = profile(
        "p",
        "Patient",
        sliced("Patient.identifier", ("value", "system"), rules=rules),
        slice_of("Patient.identifier", "a"),
        element("Patient.identifier.system", fixedUri="urn:a"),
    )

    assert (
        errors(patient(identifier=[identifier(f"urn:{one}") for one in order]), world_of(own), "p") == wrong
    )


def test_an_ordered_slicing_keeps_the_order_of_its_slices() -> None:
    own = profile(
        "p",
        "Patient",
        sliced("Patient.identifier", ("value", "system"), ordered=True),
        slice_of("Patient.identifier", "a"),
        element("Patient.identifier.system", fixedUri="urn:a"),
        slice_of("Patient.identifier", "b"),
        element("Patient.identifier.system", fixedUri="urn:b"),
    )
    world = world_of(own)

    assert errors(patient(identifier=[identifier("urn:a"), identifier("urn:b")]), world, "p") == []
    assert errors(patient(identifier=[identifier("urn:b"), identifier("urn:a")]), world, "p") == [
        "Patient.identifier[1]"
    ]


def test_several_discriminators_must_all_agree() -> None:
    own = profile(
        "p",
        "Patient",
        sliced("Patient.telecom", ("value", "system"), ("value", "use")),
        slice_of("Patient.telecom", "work-phone", min=1),
        element("Patient.telecom.system", fixedCode="phone"),
        element("Patient.telecom.use", fixedCode="work"),
    )
    world = world_of(own)

    assert errors(patient(telecom=[{"system": "phone", "use": "work", "value": "1"}]), world, "p") == []
    assert errors(patient(telecom=[{"system": "phone", "use": "home", "value": "1"}]), world, "p") == [
        "Patient.telecom"
    ]


def test_a_pattern_tells_slices_apart_by_what_is_inside() -> None:
    ins = {"coding": [{"system": "urn:types", "code": "INS"}]}
    own = profile(
        "p",
        "Patient",
        sliced("Patient.identifier", ("pattern", "type")),
        slice_of("Patient.identifier", "ins", min=1),
        element("Patient.identifier.type", patternCodeableConcept=ins),
    )
    world = world_of(own)
    typed = {
        "coding": [{"system": "urn:types", "code": "INS", "display": "INS"}, {"code": "x"}],
        "text": "INS",
    }

    assert errors(patient(identifier=[{"type": typed, "value": "1"}]), world, "p") == []
    assert errors(patient(identifier=[{"type": {"text": "INS"}, "value": "1"}]), world, "p") == [
        "Patient.identifier"
    ]


def test_the_values_of_a_slice_may_stand_deeper_than_the_discriminator_says() -> None:
    own = profile(
        "p",
        "Observation",
        sliced("Observation.component", ("value", "code")),
        slice_of("Observation.component", "systolic", min=1),
        element("Observation.component.code.coding.code", fixedCode="8480-6"),
    )
    world = world_of(own)

    def observation(code: str) -> Tree:
        component = {"code": {"coding": [{"system": LOINC, "code": code}]}}
        return {
            "resourceType": "Observation",
            "status": "final",
            "code": {"text": "x"},
            "component": [component],
        }

    assert errors(observation("8480-6"), world, "p") == []
    assert errors(observation("8462-4"), world, "p") == ["Observation.component"]


def test_the_type_of_a_choice_tells_slices_apart() -> None:
    own = profile(
        "p",
        "Observation",
        sliced("Observation.value[x]", ("type", "$this")),
        slice_of("Observation.value[x]", "valueQuantity", type=[{"code": "Quantity"}]),
        element("Observation.value[x].unit", min=1),
    )
    world = world_of(own)
    observation = {"resourceType": "Observation", "status": "final", "code": {"text": "x"}}

    assert errors({**observation, "valueString": "x"}, world, "p") == []
    assert errors({**observation, "valueQuantity": {"value": 1}}, world, "p") == ["Observation.value.unit"]


def test_what_is_there_tells_slices_apart() -> None:
    own = profile(
        "p",
        "Patient",
        sliced("Patient.name", ("exists", "period")),
        slice_of("Patient.name", "old"),
        element("Patient.name.period", min=1),
        element("Patient.name.use", min=1),
    )
    world = world_of(own)

    assert errors(patient(name=[{"family": "A"}]), world, "p") == []
    assert errors(patient(name=[{"family": "A", "period": {"start": "2020"}}]), world, "p") == [
        "Patient.name[0].use"
    ]


def test_the_profile_of_an_entry_tells_slices_apart() -> None:
    named = profile("named", "Patient", element("Patient.name", min=1))
    own = profile(
        "p",
        "Bundle",
        sliced("Bundle.entry", ("profile", "resource")),
        slice_of("Bundle.entry", "patient", min=1),
        element("Bundle.entry.resource", min=1, type=[{"code": "Patient", "profile": [OWN + "named"]}]),
    )
    world = world_of(named, own)

    def bundle(resource: Tree) -> Tree:
        return {
            "resourceType": "Bundle",
            "type": "collection",
            "entry": [{"fullUrl": URN, "resource": resource}],
        }

    assert errors(bundle(patient(name=[{"text": "A"}])), world, "p") == []
    assert errors(bundle(patient(active=True)), world, "p") == ["Bundle.entry"]


def test_what_a_reference_leads_to_tells_slices_apart() -> None:
    own = profile(
        "p",
        "Patient",
        sliced("Patient.generalPractitioner", ("type", "resolve()")),
        slice_of(
            "Patient.generalPractitioner",
            "organization",
            max="1",
            type=[{"code": "Reference", "targetProfile": [BASE + "Organization"]}],
        ),
    )
    contained = [{"resourceType": "Organization", "id": str(i), "name": "x"} for i in range(2)]
    tree = patient(contained=contained, generalPractitioner=[{"reference": "#0"}, {"reference": "#1"}])

    assert errors(tree, world_of(own), "p") == ["Patient.generalPractitioner"]


def test_an_extension_tells_slices_apart() -> None:
    kind = extension("kind", element("Extension.value[x]", min=1, type=[{"code": "code"}]))
    own = profile(
        "p",
        "Patient",
        sliced("Patient.contact", ("value", f"extension('{OWN}kind').value")),
        slice_of("Patient.contact", "family"),
        slice_of(
            "Patient.contact.extension",
            "kind",
            min=1,
            type=[{"code": "Extension", "profile": [OWN + "kind"]}],
        ),
        element("Patient.contact.extension.value[x]", fixedCode="family"),
        element("Patient.contact.name", min=1),
    )
    own["differential"]["element"][2]["id"] = "Patient.contact:family.extension:kind"
    own["differential"]["element"][3] |= {"id": "Patient.contact:family.extension:kind.value[x]"}
    own["differential"]["element"][4] |= {"id": "Patient.contact:family.name"}
    world = world_of(kind, own)

    def contact(code: str) -> Tree:
        return patient(contact=[{"extension": [{"url": OWN + "kind", "valueCode": code}], "gender": "male"}])

    own_errors = errors(contact("family"), world, "p")
    assert "Patient.contact[0].name" in own_errors
    assert "Patient.contact[0].name" not in errors(contact("other"), world, "p")


def test_slices_of_a_slice_judge_its_items_only() -> None:
    own = profile(
        "p",
        "Patient",
        BY_SYSTEM,
        slice_of("Patient.identifier", "ins"),
        {
            **sliced("Patient.identifier.x", ("value", "use"), rules="closed"),
            "path": "Patient.identifier",
            "sliceName": "ins",
            "id": "Patient.identifier:ins",
        },
        element("Patient.identifier.system", id="Patient.identifier:ins.system", fixedUri="urn:ins"),
        slice_of("Patient.identifier", "ins/old", id="Patient.identifier:ins/old", max="1"),
        element("Patient.identifier.use", id="Patient.identifier:ins/old.use", fixedCode="old"),
    )
    world = world_of(own)

    assert (
        errors(
            patient(identifier=[identifier("urn:ins", use="old"), identifier("urn:x", use="usual")]),
            world,
            "p",
        )
        == []
    )
    assert errors(patient(identifier=[identifier("urn:ins", use="usual")]), world, "p") == [
        "Patient.identifier[0]"
    ]
    assert errors(patient(identifier=[identifier("urn:ins", use="old")] * 2), world, "p") == [
        "Patient.identifier"
    ]


def test_the_default_slice_takes_what_no_other_does() -> None:
    own = profile(
        "p",
        "Patient",
        BY_SYSTEM,
        slice_of("Patient.identifier", "ins"),
        element("Patient.identifier.system", fixedUri="urn:ins"),
        slice_of("Patient.identifier", "@default", max="1"),
        element("Patient.identifier.use", id="Patient.identifier:@default.use", min=1),
    )
    world = world_of(own)

    assert (
        errors(patient(identifier=[identifier("urn:ins"), identifier("urn:x", use="usual")]), world, "p")
        == []
    )
    assert errors(patient(identifier=[identifier("urn:ins"), identifier("urn:x")]), world, "p") == [
        "Patient.identifier[1].use"
    ]


def test_a_slicing_that_says_nothing_of_how_slices_are_told_apart_takes_those_that_keep_the_rules() -> None:
    own = profile(
        "p",
        "Patient",
        {"path": "Patient.identifier", "slicing": {"rules": "open"}},
        slice_of("Patient.identifier", "with-use", min=1),
        element("Patient.identifier.use", min=1),
    )
    world = world_of(own)

    assert (
        errors(patient(identifier=[identifier("urn:x"), identifier("urn:x", use="usual")]), world, "p") == []
    )
    assert errors(patient(identifier=[identifier("urn:x")]), world, "p") == ["Patient.identifier"]
