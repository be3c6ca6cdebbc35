from __future__ import annotations

import pytest

from fhir_server.definitions.elements import Child, is_primitive, resource_types, shape_of


def child(path: str) -> Child:
    shape, _, name = path.rpartition(".")
    return shape_of(shape).children[name]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("Patient", "resource"),
        ("Patient.contact", "backbone"),
        ("HumanName", "complex"),
        ("Timing.repeat", "backbone"),
        ("date", "primitive"),
    ],
)
def test_a_shape_knows_its_kind(name: str, kind: str) -> None:
    assert shape_of(name).kind == kind
    assert shape_of(name).name == name


@pytest.mark.parametrize("name", ["Nothing", "Patient.nothing", "Patient.name", "patient"])
def test_an_unknown_name_has_no_shape(name: str) -> None:
    with pytest.raises(KeyError):
        shape_of(name)


@pytest.mark.parametrize(
    ("path", "type_"),
    [
        ("Patient.birthDate", "date"),
        ("Patient.name", "HumanName"),
        ("Patient.contact", "Patient.contact"),
        ("Patient.contact.name", "HumanName"),
        ("Patient.contained", "Resource"),
        ("Patient.id", "id"),
        ("Bundle.id", "id"),
        ("HumanName.id", "string"),
        ("Extension.url", "uri"),
        ("Narrative.div", "xhtml"),
        (
            "Observation.component.referenceRange",
            "Observation.referenceRange",
        ),  # defined elsewhere in the type
        ("Questionnaire.item.item", "Questionnaire.item"),
    ],
)
def test_a_child_knows_its_type(path: str, type_: str) -> None:
    assert child(path).type == type_


@pytest.mark.parametrize(
    ("path", "array", "min_", "max_"),
    [
        ("Patient.name", True, 0, None),
        ("Patient.birthDate", False, 0, 1),
        ("Observation.status", False, 1, 1),
        ("Composition.author", True, 1, None),
        ("HumanName.given", True, 0, None),
    ],
)
def test_a_child_knows_how_often_it_may_stand(path: str, array: bool, min_: int, max_: int | None) -> None:
    found = child(path)

    assert (found.array, found.min, found.max) == (array, min_, max_)


def test_a_choice_has_one_child_for_each_type_and_they_share_the_element() -> None:
    alternatives = [c for c in shape_of("Observation").children.values() if c.path == "Observation.value[x]"]

    assert [c.property for c in alternatives] == [
        "valueQuantity",
        "valueCodeableConcept",
        "valueString",
        "valueBoolean",
        "valueInteger",
        "valueRange",
        "valueRatio",
        "valueSampledData",
        "valueTime",
        "valueDateTime",
        "valuePeriod",
    ]
    assert {c.element for c in alternatives} == {"value"}
    assert all(c.choice for c in alternatives)
    assert len({c.position for c in alternatives}) == 1
    assert not child("Observation.status").choice


def test_references_know_the_types_they_may_point_to_and_any_is_empty() -> None:
    assert child("Observation.subject").targets == ("Patient", "Group", "Device", "Location")
    assert child("Observation.focus").targets == ()
    assert child("Extension.valueReference").targets == ()


def test_required_bindings_alone_give_a_value_set() -> None:
    assert child("Patient.gender").value_set == "http://hl7.org/fhir/ValueSet/administrative-gender"
    assert child("Patient.maritalStatus").value_set is None
    assert child("Patient.birthDate").value_set is None


def test_attributes_of_xml_are_marked() -> None:
    assert child("HumanName.id").attribute
    assert child("Extension.url").attribute
    assert not child("Patient.id").attribute
    assert not child("Identifier.system").attribute


def test_primitives_are_marked() -> None:
    assert child("Patient.birthDate").primitive
    assert not child("Patient.name").primitive
    assert not child("Patient.contact").primitive
    assert [is_primitive(name) for name in ("date", "HumanName", "Patient.contact", "")] == [
        True,
        False,
        False,
        False,
    ]


def test_the_summary_is_marked() -> None:
    assert child("Patient.name").summary
    assert not child("Patient.photo").summary


def test_children_keep_the_order_of_the_definition() -> None:
    positions = [c.position for c in shape_of("Patient").children.values()]

    assert positions == sorted(positions)
    assert list(shape_of("Patient").children)[:4] == ["id", "meta", "implicitRules", "language"]


def test_an_element_that_is_forbidden_is_no_child() -> None:
    assert "extension" not in shape_of("xhtml").children


def test_every_type_that_a_resource_can_reach_has_a_shape() -> None:
    waiting, met = [*resource_types()], set(resource_types())
    while waiting:
        for found in shape_of(waiting.pop()).children.values():
            if found.type not in met and found.type != "Resource":
                met.add(found.type)
                waiting.append(found.type)

    assert len(met) == 678
