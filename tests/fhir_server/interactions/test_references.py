"""https://hl7.org/fhir/R4/references.html"""

from __future__ import annotations

import pytest

from fhir_server.interactions.references import conditional_in, places_of, references_in, targets_of
from fhir_server.kernel.keys import Key
from fhir_server.kernel.wire import Tree
from tests.builders import bundle, entry, extension, fhirpath_patch, observation, patient
from tests.fhir_server.interactions.performing import BASE, refused


def test_every_reference_is_found_wherever_it_stands() -> None:
    tree = observation(
        "Patient/1",
        contained=[observation("Patient/2", id="c")],
        extension=[extension(valueReference={"reference": "Patient/3"})],
        performer=[{"reference": "Patient/4"}, {"display": "nobody"}, {"reference": {"not": "a text"}}],
        component=[[{"reference": "Patient/5"}]],
    )

    assert {literal for _, literal in references_in(tree)} == {f"Patient/{number}" for number in range(1, 6)}
    node, _ = references_in(observation("Patient/1"))[0]
    assert node == {"reference": "Patient/1"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Patient/1", [Key("Patient", "1")]),
        ("Patient/1/_history/2", [Key("Patient", "1")]),
        ("Patient/1#part", [Key("Patient", "1")]),
        (f"{BASE}/Patient/1", [Key("Patient", "1")]),
        ("https://elsewhere.example/fhir/Patient/1", []),
        (f"{BASE}er/Patient/1", []),
        ("Shoe/1", []),
        ("#contained", []),
        ("urn:uuid:0b9bd1b6-6c1b-4e4a-a3f7-1d2d4b7c8e01", []),
        ("Shoe?size=1", []),
        ("https://elsewhere.example/fhir/Patient?identifier=1", []),
    ],
)
def test_local_references_are_targets(text: str, expected: list[Key]) -> None:
    assert list(targets_of(observation(text), BASE)) == expected


def test_a_target_is_named_once_in_the_order_of_the_tree() -> None:
    tree = observation(
        "Patient/2", performer=[{"reference": "Patient/1"}, {"reference": f"{BASE}/Patient/2"}]
    )

    assert targets_of(tree, BASE) == (Key("Patient", "2"), Key("Patient", "1"))


@pytest.mark.parametrize(
    "tree", [bundle("collection", entry("GET", "x", observation("Patient/1"))), fhirpath_patch({"name": "x"})]
)
def test_what_carries_other_resources_has_no_targets(tree: Tree) -> None:
    assert targets_of(tree, BASE) == ()


@pytest.mark.parametrize(
    ("tree", "place"),
    [
        (observation("Patient?identifier=1"), "Observation.subject.reference"),
        (
            observation(performer=[{"reference": "Patient/1"}, {"reference": "Patient?identifier=1"}]),
            "Observation.performer[1].reference",
        ),
        (
            patient(name=[{"given": ["x"]}], managingOrganization={"reference": "Organization?name=a"}),
            "Patient.managingOrganization.reference",
        ),
    ],
)
def test_a_conditional_reference_is_refused_by_its_place(tree: Tree, place: str) -> None:
    with refused(422, "value", place):
        targets_of(tree, BASE)

    assert Key("Patient", "identifier") not in targets_of(tree, BASE, stored=True)


@pytest.mark.parametrize(
    ("literal", "expected"),
    [
        ("Patient?identifier=a|b", ("Patient", "identifier=a|b")),
        ("Patient?name=a?b", ("Patient", "name=a?b")),
        ("Patient?", ("Patient", "")),
        ("Patient/1", None),
        ("patient?name=a", None),
        ("Shoe?size=1", None),
        ("http://x.example/Patient?name=a", None),
        ("?name=a", None),
    ],
)
def test_a_conditional_reference_is_a_type_and_criteria(
    literal: str, expected: tuple[str, str] | None
) -> None:
    assert conditional_in(literal) == expected


def test_nothing_is_found_in_a_value() -> None:
    assert list(places_of("Patient/1", {Key("Patient", "1")}, BASE, "x")) == []


def test_places_of_wanted_targets() -> None:
    tree = bundle(
        "transaction",
        entry(
            "POST", "Observation", observation(f"{BASE}/Patient/1", performer=[{"reference": "Patient/2"}])
        ),
        entry("POST", "Patient", patient(extension=[extension(valueReference={"reference": "Patient/1"})])),
    )

    assert list(places_of(tree, {Key("Patient", "1")}, BASE, "Bundle")) == [
        (Key("Patient", "1"), "Bundle.entry[0].resource.subject.reference"),
        (Key("Patient", "1"), "Bundle.entry[1].resource.extension[0].valueReference.reference"),
    ]
