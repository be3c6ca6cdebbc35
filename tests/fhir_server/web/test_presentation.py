from __future__ import annotations

import pytest

from fhir_server.interactions.subsetted import SUBSETTED
from fhir_server.kernel.errors import Malformed
from fhir_server.kernel.wire import Tree, number
from fhir_server.web.negotiation import Summary
from fhir_server.web.presentation import check_elements, cut_of, page

TAGGED = {"versionId": "1", "tag": [SUBSETTED]}


def patient() -> Tree:
    return {
        "resourceType": "Patient",
        "id": "1",
        "meta": {"versionId": "1"},
        "implicitRules": "urn:rules",
        "language": "fr",
        "text": {"status": "generated", "div": "<div/>"},
        "contained": [{"resourceType": "Organization", "id": "o", "name": "x"}],
        "extension": [{"url": "urn:e", "valueString": "x"}],
        "modifierExtension": [{"url": "urn:m", "valueBoolean": True}],
        "identifier": [
            {"system": "urn:s", "value": "1", "extension": [{"url": "urn:e", "valueString": "x"}]}
        ],
        "name": [{"id": "n", "family": "A", "given": ["B"], "_given": [{"id": "g"}]}],
        "_birthDate": {"extension": [{"url": "urn:absent", "valueCode": "unknown"}]},
        "contact": [{"gender": "male"}],
        "photo": [{"contentType": "image/png", "data": "YWJj"}],
        "link": [{"other": {"reference": "Patient/2"}, "type": "seealso"}],
    }


def observation() -> Tree:
    return {
        "resourceType": "Observation",
        "id": "2",
        "meta": {"versionId": "1"},
        "status": "final",
        "code": {"text": "x"},
        "valueQuantity": {"value": number("1.10"), "unit": "kg"},
        "note": [{"text": "a"}],
        "component": [{"code": {"text": "y"}, "valueString": "z", "interpretation": [{"text": "H"}]}],
    }


def shown(tree: Tree, summary: Summary = "", *elements: str) -> Tree:
    cut = cut_of(summary, elements)
    assert cut is not None
    return cut.of(tree)


def test_a_summary_has_the_elements_that_r4_marks_at_every_level() -> None:
    assert shown(patient(), "true") == {
        "resourceType": "Patient",
        "id": "1",
        "meta": TAGGED,
        "implicitRules": "urn:rules",
        "modifierExtension": [{"url": "urn:m", "valueBoolean": True}],
        "identifier": [{"system": "urn:s", "value": "1"}],
        "name": [{"family": "A", "given": ["B"], "_given": [{"id": "g"}]}],
        "_birthDate": {"extension": [{"url": "urn:absent", "valueCode": "unknown"}]},
        "link": [{"other": {"reference": "Patient/2"}, "type": "seealso"}],
    }


def test_a_summary_keeps_choices_and_digits() -> None:
    found = shown(observation(), "true")

    assert str(found["valueQuantity"]["value"]) == "1.10"
    assert "note" not in found
    assert found["component"] == [{"code": {"text": "y"}, "valueString": "z"}]


def test_the_summary_of_a_stored_bundle_reaches_its_resources() -> None:
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": observation()}]}

    found = shown(bundle, "true")

    assert "note" not in found["entry"][0]["resource"]
    assert found["meta"] == {"tag": [SUBSETTED]}


def test_text_is_the_narrative_and_what_is_mandatory() -> None:
    assert list(shown(patient(), "text")) == [
        "resourceType",
        "id",
        "meta",
        "implicitRules",
        "text",
        "modifierExtension",
    ]
    assert list(shown(observation(), "text")) == ["resourceType", "id", "meta", "status", "code"]


def test_data_is_all_but_the_narrative() -> None:
    expected = patient()
    del expected["text"]

    assert shown(patient(), "data") == {**expected, "meta": TAGGED}


@pytest.mark.parametrize(
    ("elements", "kept"),
    [
        (["note"], ["status", "code", "note"]),
        (["value"], ["status", "code", "valueQuantity"]),
        (["value[x]"], ["status", "code", "valueQuantity"]),
        (["valueQuantity"], ["status", "code", "valueQuantity"]),
        (["Observation.note", "Patient.name"], ["status", "code", "note"]),
    ],
)
def test_elements_are_those_named_and_what_is_mandatory(elements: list[str], kept: list[str]) -> None:
    assert list(shown(observation(), "", *elements)) == ["resourceType", "id", "meta", *kept]


def test_the_companion_of_a_primitive_goes_with_it() -> None:
    assert "_birthDate" in shown(patient(), "", "birthDate")
    assert "_birthDate" not in shown(patient(), "", "name")


def test_a_part_is_tagged_once_and_the_original_left_alone() -> None:
    original = patient()

    once = shown(original, "true")

    assert shown(once, "true") == once
    assert original == patient()


def test_a_page_has_its_resources_cut_and_its_outcome_whole() -> None:
    outcome = {
        "resourceType": "OperationOutcome",
        "issue": [],
        "text": {"status": "generated", "div": "<div/>"},
    }
    bundle = {
        "resourceType": "Bundle",
        "total": 1,
        "entry": [
            {"resource": observation(), "search": {"mode": "match"}},
            {"resource": patient(), "search": {"mode": "include"}},
            {"resource": outcome, "search": {"mode": "outcome"}},
            {"request": {"method": "DELETE", "url": "Patient/3"}},
        ],
    }
    cut = cut_of("", ("note",))
    typed = cut_of("", ("note", "Patient.name"))
    assert cut is not None
    assert typed is not None

    found = page(bundle, cut)
    more = page(bundle, typed)

    assert "valueQuantity" not in found["entry"][0]["resource"]
    assert found["entry"][1]["resource"] == patient()
    assert found["entry"][2]["resource"] is outcome
    assert found["entry"][3] == bundle["entry"][3]  # type: ignore[index]  # a literal of mixed values
    assert "identifier" not in more["entry"][1]["resource"]
    assert page({"resourceType": "Bundle"}, cut) == {"resourceType": "Bundle"}


@pytest.mark.parametrize("summary", ["", "false", "count"])
def test_nothing_is_cut_where_nothing_is_asked(summary: Summary) -> None:
    assert cut_of(summary, ()) is None


def test_summary_and_elements_exclude_each_other() -> None:
    with pytest.raises(Malformed):
        cut_of("true", ("name",))


@pytest.mark.parametrize(
    "elements", [("nam",), ("Patient.nam",), ("Nobody.name",), ("name", "Observation.nothing")]
)
def test_an_element_that_does_not_exist_is_refused(elements: tuple[str, ...]) -> None:
    with pytest.raises(Malformed):
        check_elements("Patient", elements)


@pytest.mark.parametrize("elements", [(), ("name", "deceased", "deceased[x]", "Observation.status", "id")])
def test_elements_that_exist_pass(elements: tuple[str, ...]) -> None:
    check_elements("Patient", elements)
    check_elements(None, elements)
