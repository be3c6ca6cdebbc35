"""https://hl7.org/fhir/R4/http.html#trules · https://hl7.org/fhir/R4/bundle.html#references"""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_server.interactions.rewriting import Links, rewrite, without_linked_urns
from fhir_server.kernel.keys import Key
from fhir_server.kernel.wire import Tree
from tests.builders import bundle, extension, narrative, observation, patient, urn

WHO = urn(1)
SOURCE = "http://source.example/fhir"
LINKS = Links(
    {
        WHO: Key("Patient", "new"),
        "urn:oid:1.2.3": Key("Device", "new"),
        f"{SOURCE}/Patient/1": Key("Patient", "one"),
    },
    {Key("Patient", "one"): 1},
)


def rewritten(tree: Tree, full_url: str = "") -> Tree:
    tree = deepcopy(tree)
    rewrite(tree, LINKS, full_url)
    return tree


@pytest.mark.parametrize(
    ("tree", "expected"),
    [
        (observation(WHO), observation("Patient/new")),
        (observation("urn:oid:1.2.3"), observation("Device/new")),
        (observation(f"{SOURCE}/Patient/1"), observation("Patient/one")),
        (
            patient(contained=[observation(WHO, id="c")]),
            patient(contained=[observation("Patient/new", id="c")]),
        ),
        (
            patient(extension=[extension(valueReference={"reference": WHO})]),
            patient(extension=[extension(valueReference={"reference": "Patient/new"})]),
        ),
        (
            patient(extension=[extension(extension=[extension("a", valueUri=WHO)])]),
            patient(extension=[extension(extension=[extension("a", valueUri="Patient/new")])]),
        ),
        (
            patient(_birthDate={"extension": [extension(valueUrl=WHO)]}),
            patient(_birthDate={"extension": [extension(valueUrl="Patient/new")]}),
        ),
        (
            patient(name=[{"_given": [None, {"extension": [extension(valueUuid=WHO)]}]}]),
            patient(name=[{"_given": [None, {"extension": [extension(valueUuid="Patient/new")]}]}]),
        ),
        (
            patient(photo=[{"url": "urn:oid:1.2.3"}, {"url": WHO}]),
            patient(photo=[{"url": "Device/new"}, {"url": "Patient/new"}]),
        ),
        (
            {"resourceType": "CarePlan", "instantiatesUri": [WHO, "x"], "instantiatesCanonical": [WHO]},
            {
                "resourceType": "CarePlan",
                "instantiatesUri": ["Patient/new", "x"],
                "instantiatesCanonical": [WHO],
            },
        ),
        (
            {"resourceType": "Parameters", "parameter": [{"name": "a", "resource": observation(WHO)}]},
            {
                "resourceType": "Parameters",
                "parameter": [{"name": "a", "resource": observation("Patient/new")}],
            },
        ),
        (
            bundle("collection", {"fullUrl": WHO, "resource": observation(WHO)}),
            bundle("collection", {"fullUrl": WHO, "resource": observation("Patient/new")}),
        ),
    ],
)
def test_links_are_replaced_wherever_they_stand(tree: Tree, expected: Tree) -> None:
    assert rewritten(tree) == expected


@pytest.mark.parametrize(
    "tree",
    [
        patient(extension=[extension(WHO, valueString="a")]),
        patient(extension=[extension(valueCanonical=WHO)]),
        patient(extension=[extension(valueString=WHO)]),
        patient(extension=[extension(valueMarkdown=WHO)]),
        patient(meta={"profile": [WHO]}),
        patient(name=[{"text": WHO, "given": [WHO]}]),
        {"resourceType": "QuestionnaireResponse", "questionnaire": WHO},
        observation(urn(2)),
        observation(f"{WHO}0"),
        observation("Patient/1"),
        observation("#contained"),
        {"resourceType": "Shoe", "subject": {"reference": WHO}},
        {"resourceType": ["Patient"], "subject": {"reference": WHO}},
        {"subject": {"reference": WHO}},
        {"resourceType": "Patient", "contained": [{"resourceType": "Shoe", "a": {"reference": WHO}}]},
        {"resourceType": "Patient", "nonsense": {"reference": WHO}, "birthDate": {"reference": {"url": WHO}}},
    ],
)
def test_everything_else_stays(tree: Tree) -> None:
    assert rewritten(tree) == tree


@pytest.mark.parametrize(
    ("inside", "expected"),
    [
        (f'<a href="{WHO}">x</a>', '<a href="Patient/new">x</a>'),
        (f"<img alt='' src='{WHO}'/>", "<img alt='' src='Patient/new'/>"),
        (f'<a href = "{WHO}"\n name="{WHO}">{WHO}</a>', f'<a href = "Patient/new"\n name="{WHO}">{WHO}</a>'),
        (f'<a href="{WHO}#x">x</a>', f'<a href="{WHO}#x">x</a>'),
        (f"<a title=\"href='{WHO}'\">x</a>", f"<a title=\"href='{WHO}'\">x</a>"),
    ],
)
def test_links_of_narratives_are_replaced(inside: str, expected: str) -> None:
    assert rewritten(patient(text=narrative(inside))) == patient(text=narrative(expected))


@pytest.mark.parametrize(
    ("text", "full_url", "expected"),
    [
        ("Patient/1", f"{SOURCE}/Observation/9", "Patient/one"),
        ("Patient/1", "http://other.example/fhir/Observation/9", "Patient/1"),
        ("Patient/1", urn(9), "Patient/1"),
        ("Patient/1", "", "Patient/1"),
        ("Patient/1/_history/7", f"{SOURCE}/Observation/9", "Patient/one/_history/1"),
        (f"{SOURCE}/Patient/1/_history/7", urn(9), "Patient/one/_history/1"),
        (f"{WHO}/_history/7", urn(9), "Patient/new/_history/7"),
        ("Patient/2/_history/7", f"{SOURCE}/Observation/9", "Patient/2/_history/7"),
        ("Patient/2", f"{SOURCE}/Observation/9", "Patient/2"),
    ],
)
def test_a_relative_reference_belongs_to_the_base_of_its_entry(
    text: str, full_url: str, expected: str
) -> None:
    assert rewritten(observation(text), full_url) == observation(expected)


def test_without_full_urls_nothing_is_looked_at() -> None:
    tree = observation(WHO)

    rewrite(tree, Links({}), "")

    assert tree == observation(WHO)


names = st.sampled_from(
    ["resourceType", "reference", "url", "text", "div", "contained", "_given", "name", "birthDate", "extension",
     "valueUri", "entry", "resource", "item", "subject", "meta", "given"]
)  # fmt: skip
leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.text(max_size=4),
    st.sampled_from([WHO, "Patient", "Observation"]),
)
trees = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4),
    max_leaves=25,
)


@given(
    st.sampled_from(["Patient", "Bundle", "Questionnaire", "Parameters"]),
    st.dictionaries(names, trees, max_size=6),
)
def test_no_tree_is_too_strange(resource_type: str, elements: dict[str, Any]) -> None:
    tree = {**elements, "resourceType": resource_type}

    rewrite(tree, LINKS, f"{SOURCE}/Patient/1")

    assert tree.keys() == {*elements, "resourceType"}


def test_a_uuid_that_became_a_link_is_judged_as_a_uuid() -> None:
    tree = patient(
        extension=[
            extension(valueUuid="Patient/1"),
            extension(valueOid="Patient/1"),
            extension(valueUri="Patient/1"),
            extension(valueUuid="nonsense"),
        ]
    )

    plain = without_linked_urns(tree)

    assert [list(one.values())[1] for one in plain["extension"]] == [
        "urn:uuid:00000000-0000-0000-0000-000000000000",
        "urn:oid:1.2",
        "Patient/1",
        "nonsense",
    ]
    assert tree["extension"][0]["valueUuid"] == "Patient/1"
    assert without_linked_urns(patient("1")) == patient("1")
