from __future__ import annotations

from typing import Any

import pytest

from fhir_server.validation.references import local_of, unused_names, wrong_with_reference

LOCAL = {"#": "Observation", "#p1": "Patient"}
TARGETS = ("Patient", "Group")


@pytest.mark.parametrize(
    "reference",
    [
        {"reference": "Patient/1"},
        {"reference": "Patient/1/_history/2"},
        {"reference": "https://example.org/fhir/Group/g.1"},
        {"reference": "http://example.org/fhir/Patient/1/_history/7"},
        {"reference": "urn:uuid:0f2b2bd0-1a5a-4c3c-9d8e-1f5f5c6d7e8f"},
        {"reference": "urn:oid:1.2.3"},
        {"reference": "http://example.org/somewhere"},
        {"reference": "http://example.org/Thing/1"},
        {"reference": "Patient?identifier=http://a|b"},
        {"reference": "#p1"},
        {"reference": "Patient/1", "type": "Patient"},
        {"reference": "Patient/1", "type": "http://hl7.org/fhir/StructureDefinition/Patient"},
        {"type": "Group", "identifier": {"value": "1"}},
        {"type": "http://example.org/Logical", "display": "x"},
        {"identifier": {"value": "1"}},
        {"display": "somebody"},
        {},
    ],
)
def test_a_reference_to_an_allowed_type_or_of_unknown_type_is_taken(reference: dict[str, Any]) -> None:
    assert wrong_with_reference(reference, TARGETS, LOCAL) is None


@pytest.mark.parametrize(
    ("reference", "code", "words"),
    [
        ({"reference": "Device/1"}, "structure", "may point to Patient or Group only"),
        ({"reference": "http://example.org/Device/1"}, "structure", "Patient or Group only"),
        ({"reference": "Device?identifier=x"}, "structure", "Patient or Group only"),
        ({"reference": "urn:uuid:1", "type": "Device"}, "structure", "Patient or Group only"),
        ({"type": "Device"}, "structure", "Patient or Group only"),
        ({"reference": "#"}, "structure", "Patient or Group only"),
        ({"reference": "Patient/1", "type": "Group"}, "structure", "differ"),
        ({"reference": "#nobody"}, "invariant", "ref-1"),
        ({"reference": "Patient"}, "value", "[type]/[id]"),
        ({"reference": "Patient/"}, "value", "[type]/[id]"),
        ({"reference": "Patient/a_b"}, "value", "[type]/[id]"),
        ({"reference": "Patient/" + "1" * 65}, "value", "[type]/[id]"),
        ({"reference": "Person1/7"}, "value", "[type]/[id]"),
        ({"reference": "Unknown/7"}, "value", "[type]/[id]"),
        ({"reference": "/Patient/1"}, "value", "[type]/[id]"),
        ({"reference": "http://a b"}, "value", "white space"),
    ],
)
def test_a_wrong_reference_is_refused_with_the_reason(
    reference: dict[str, Any], code: str, words: str
) -> None:
    found = wrong_with_reference(reference, TARGETS, LOCAL)

    assert found is not None
    assert found[0] == code
    assert words in found[1]


def test_without_targets_any_type_of_r4_may_be_pointed_to() -> None:
    assert wrong_with_reference({"reference": "Device/1"}, (), LOCAL) is None
    assert wrong_with_reference({"reference": "#"}, (), LOCAL) is None


def test_local_names_are_those_of_contained_resources_with_an_id() -> None:
    resource = {
        "resourceType": "Observation",
        "contained": [{"resourceType": "Patient", "id": "p1"}, {"resourceType": "Device"}, "no", {"id": 7}],
    }

    assert local_of(resource) == LOCAL
    assert local_of({"resourceType": "Observation", "contained": "no"}) == {"#": "Observation"}


@pytest.mark.parametrize(
    ("contained", "around"),
    [
        ({"id": "a"}, {"subject": {"reference": "#a"}}),
        ({"id": "a"}, {"instantiatesCanonical": ["#a"]}),
        ({"id": "a"}, {"text": {"div": '<div><img alt="x" src="#a"/></div>'}}),
        ({"id": "a", "managingOrganization": {"reference": "#"}}, {}),
    ],
)
def test_a_contained_resource_that_is_named_is_used(
    contained: dict[str, Any], around: dict[str, Any]
) -> None:
    assert unused_names({"contained": [contained], **around}) == []


def test_a_contained_resource_that_nobody_names_is_unused() -> None:
    resource = {"contained": [{"id": "a"}, {"id": "b"}], "subject": {"reference": "#b"}, "note": "about #a"}

    assert unused_names(resource) == [0]
