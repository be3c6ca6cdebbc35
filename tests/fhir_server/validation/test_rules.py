from __future__ import annotations

from typing import Any

import pytest

from fhir_server.kernel.wire import Tree
from fhir_server.validation.implied import implied_profiles
from fhir_server.validation.rules import issues_of
from tests.worlds import NoCodes, world

UUID = "urn:uuid:00000000-0000-4000-8000-000000000000"
BASE = "http://server.example/fhir"
XHTML = 'xmlns="http://www.w3.org/1999/xhtml"'


def bundle(type_: str, *entries: Tree, **more: Any) -> Tree:
    return {"resourceType": "Bundle", "type": type_, "entry": list(entries), **more}


def entry(name: str, url: str | None = None, **elements: Any) -> Tree:
    """The entry of `Patient/1`, addressed on the server unless told otherwise."""
    type_, _, id_ = name.partition("/")
    resource = {"resourceType": type_, **({"id": id_} if id_ else {}), **elements}
    full = f"{BASE}/{name}" if url is None else url
    return {"resource": resource, **({"fullUrl": full} if full else {})}


def composition(**elements: Any) -> Tree:
    return entry("Composition/1", **elements)


def ref(link: str) -> Tree:
    return {"reference": link}


def told(tree: Any, severity: str = "error", **options: Any) -> list[tuple[str, str]]:
    issues = [issue for issue in issues_of(tree, world(**options)) if issue.severity == severity]
    assert all(issue.french for issue in issues)
    return [(issue.expression, issue.text) for issue in issues]


def places(tree: Any, severity: str = "error", **options: Any) -> list[str]:
    return [place for place, _ in told(tree, severity, **options)]


PATIENT = entry("Patient/1")
PAIR = {"link": [{"relation": "self", "url": "x"}, {"relation": "self", "url": "y"}]}


@pytest.mark.parametrize(
    "tree",
    [
        bundle("document", composition(subject=ref("Patient/1")), PATIENT),
        bundle("document", composition(subject=ref(f"{BASE}/Patient/1")), PATIENT),
        bundle("document", composition(), entry("Observation/1", subject=ref("Composition/1"))),
        bundle("collection", entry("Patient", UUID)),
        bundle("transaction", entry("Patient/1", "", managingOrganization=ref("Organization/1"))),
        bundle(
            "searchset", entry("Patient/1") | {"search": {"mode": "match"}}, link=[{"relation": "next", "url": "x"}]
        ),
        bundle("message", entry("MessageHeader/1", focus=[ref("Patient/1")]), PATIENT),
        bundle("collection", entry("Patient/1", link=[{"other": ref("Patient/1/_history/1"), "type": "seealso"}])),
        bundle(
            "document",
            composition(),
            entry("Binary/css"),
            link=[{"relation": "stylesheet", "url": "Binary/css"}],
        ),
    ],
)  # fmt: skip
def test_a_bundle_that_hangs_together_is_taken(tree: Tree) -> None:
    assert told(tree) == []


@pytest.mark.parametrize(
    ("tree", "expected"),
    [
        # addresses
        (bundle("collection", entry("Patient/1", "Patient/1")), ["Bundle.entry[0]"]),
        (bundle("collection", PATIENT, entry("Patient/2", "")), ["Bundle.entry[1]"]),
        (bundle("collection", entry("Patient", f"{BASE}/Patient/1")), ["Bundle.entry[0]"]),
        (bundle("collection", entry("Patient/2", f"{BASE}/Patient/1")), ["Bundle.entry[0]"]),
        # references between entries
        (
            bundle("collection", PATIENT, PATIENT, entry("Observation/1", subject=ref("Patient/1"))),
            ["Bundle.entry[2].resource.subject"],
        ),
        (
            bundle(
                "collection",
                entry("Observation", "urn:uuid:1", subject=ref("Patient/2")),
                entry("Device", "urn:uuid:2"),
            ),
            ["Bundle.entry[0].resource.subject"],
        ),
        (
            bundle("collection", entry("Observation/1", "", subject=ref("Patient/1"))),
            ["Bundle.entry[0].resource.subject", "Bundle.entry[0]"],
        ),
        # documents and messages
        ({"resourceType": "Bundle", "type": "document"}, ["Bundle"]),
        (
            bundle("document", composition(section=[{"section": [{"entry": [ref("Patient/2")]}]}])),
            ["Bundle.entry[0].resource.section[0].section[0].entry[0]"],
        ),
        (
            bundle("document", composition(author=[ref("Patient/1")]), entry("Patient/1", UUID)),
            ["Bundle.entry[0].resource.author[0]", "Bundle.entry[1]"],
        ),
        (bundle("document", composition(), PATIENT), ["Bundle.entry[1]"]),
        (
            bundle("message", entry("MessageHeader/1", focus=[ref("Patient/2")])),
            ["Bundle.entry[0].resource.focus[0]"],
        ),
        # links
        (bundle("collection", link=[{"relation": "next", "url": "x"}]), ["Bundle.link[0].relation"]),
        (bundle("searchset", **PAIR), ["Bundle.link[1]"]),
        (
            bundle("document", composition(), link=[{"relation": "stylesheet", "url": "Binary/css"}]),
            ["Bundle.link[0].url"],
        ),
        # searches
        (bundle("searchset", {"fullUrl": "http://x/y"}), ["Bundle.entry[0]"]),
        (
            bundle("searchset", entry("Patient", UUID) | {"search": {"mode": "match"}}),
            ["Bundle.entry[0].resource"],
        ),
        (
            bundle(
                "searchset",
                PATIENT | {"search": {"mode": "match"}},
                link=[{"relation": "self", "url": f"{BASE}/Observation?code=x"}],
            ),
            ["Bundle.entry[0].resource"],
        ),
        (
            bundle("searchset", PATIENT | {"search": {"mode": "outcome"}}),
            ["Bundle.entry[0].resource"],
        ),
    ],
)  # fmt: skip
def test_a_bundle_that_does_not_is_told_where(tree: Tree, expected: list[str]) -> None:
    assert places(tree) == expected


def test_an_entry_of_a_message_that_nothing_leads_to_is_worth_a_warning() -> None:
    tree = bundle("message", entry("MessageHeader/1"), PATIENT)

    assert places(tree, "warning") == ["Bundle.entry[1]"]


@pytest.mark.parametrize(
    ("div", "wrong"),
    [
        ('<a href="http://x">a</a>', False),
        ('<a href="#">a</a>', False),
        ('<a href="#inside">a</a><p id="inside">b</p>', False),
        ('<a href="#1">a</a>', False),  # the id of a name
        ('<a href="#nothing">a</a>', True),
        ('<a href="">a</a>', True),
        ('<a href="urn:uuid:1">a</a>', True),
        ('<a name="x">a</a>', False),
        ("<a href=", False),  # told as a narrative that is not well-formed
    ],
)
def test_links_of_a_narrative_lead_somewhere(div: str, wrong: bool) -> None:
    tree = {
        "resourceType": "Patient",
        "text": {"status": "generated", "div": f"<div {XHTML}>{div}</div>"},
        "name": [{"id": "1", "text": "a"}],
    }

    assert places(tree) == (["Patient.text.div"] if wrong else [])


def test_ids_of_elements_are_there_once_in_a_resource() -> None:
    twice = {"resourceType": "Patient", "id": "a", "name": [{"id": "a"}, {"id": "b"}], "_active": {"id": "b"}}
    apart = {
        "resourceType": "Patient",
        "name": [{"id": "a"}],
        "contained": [{"resourceType": "Patient", "id": "x", "name": [{"id": "a"}]}],
    }

    assert places(twice) == ["Patient.active"]
    assert places(apart) == []


def test_examples_and_markup_are_refused_only_where_that_is_asked() -> None:
    tree = {
        "resourceType": "DocumentReference",
        "description": "<b>x</b> a < b",
        "identifier": [{"system": "http://example.org/ids"}],
        "content": [{"attachment": {"url": "http://files.example.org/1"}}],
    }

    assert places(tree) == []
    assert places(tree, examples=False) == ["DocumentReference.content[0].attachment.url"]
    assert places(tree, no_markup=True) == ["DocumentReference.description"]


@pytest.mark.parametrize(
    ("tree", "expected"),
    [
        ({"resourceType": "ValueSet", "url": "ValueSet/1"}, ["ValueSet.url"]),
        (
            {
                "resourceType": "SearchParameter",
                "base": ["Patient"],
                "type": "composite",
                "expression": "Organization.name | Patient.name",
                "derivedFrom": "http://hl7.org/fhir/SearchParameter/Organization-name",
            },
            [
                "SearchParameter.expression",
                "SearchParameter",
                "SearchParameter",
                "SearchParameter",
            ],
        ),
        ({"resourceType": "SearchParameter", "expression": "Patient..name"}, ["SearchParameter.expression"]),
        (
            {
                "resourceType": "CapabilityStatement",
                "rest": [
                    {
                        "resource": [
                            {
                                "searchParam": [
                                    {
                                        "definition": "http://hl7.org/fhir/SearchParameter/Patient-active",
                                        "type": "date",
                                    }
                                ]
                            }
                        ]
                    }
                ],
            },
            ["CapabilityStatement.rest[0].resource[0].searchParam[0]"],
        ),
        (
            {
                "resourceType": "ValueSet",
                "compose": {
                    "include": [
                        {"system": "local"},
                        {"system": "#a"},
                        {"system": "http://hl7.org/fhir/ValueSet/administrative-gender"},
                    ]
                },
            },
            ["ValueSet.compose.include[0]", "ValueSet.compose.include[1]", "ValueSet.compose.include[2]"],
        ),
        ({"resourceType": "CodeSystem", "content": "supplement"}, ["CodeSystem"]),
        (
            {"resourceType": "CodeSystem", "content": "not-present", "concept": [{"code": "a"}]},
            ["CodeSystem.concept[0]"],
        ),
        (
            {
                "resourceType": "CodeSystem",
                "content": "complete",
                "count": 1,
                "concept": [{"code": "a", "concept": [{"code": "b"}]}],
            },
            ["CodeSystem.count"],
        ),
        (
            {"resourceType": "CodeSystem", "property": [{"code": "a", "uri": "x"}, {"code": "a"}]},
            ["CodeSystem.property[0]", "CodeSystem.property[1]"],
        ),
        ({"resourceType": "ConceptMap", "group": [{"source": "a"}]}, ["ConceptMap.group[0].source"]),
    ],
)  # fmt: skip
def test_definitions_are_told_what_makes_them_useless(tree: Tree, expected: list[str]) -> None:
    assert places(tree) == expected


def profile(*elements: Tree, **more: Any) -> Tree:
    return {
        "resourceType": "StructureDefinition",
        "url": "http://x/p",
        "kind": "resource",
        "type": "Observation",
        "baseDefinition": "http://hl7.org/fhir/StructureDefinition/Observation",
        "derivation": "constraint",
        "differential": {"element": list(elements)},
        **more,
    }


@pytest.mark.parametrize(
    ("tree", "expected"),
    [
        (profile({"path": "Observation.status", "min": 1}), []),
        (profile(type="Patient"), ["StructureDefinition"]),
        (profile(kind="complex-type"), ["StructureDefinition"]),
        (profile(derivation="specialization"), ["StructureDefinition"]),
        (profile({"path": "Observation.nothing"}), ["StructureDefinition"]),
        (profile({"path": "Patient.name"}), ["StructureDefinition.differential.element[0]", "StructureDefinition"]),
        (
            profile({"path": "Observation.issued", "type": [{"code": "instant"}], "binding": {}}),
            ["StructureDefinition.differential.element[0]"],
        ),
        (
            profile({"path": "Observation.value[x]", "type": [{"code": "Quantity", "targetProfile": ["http://x"]}]}),
            ["StructureDefinition.differential.element[0].type[0]"],
        ),
        (
            profile(
                {
                    "path": "Observation.value[x]",
                    "type": [{"code": "Quantity", "profile": ["http://hl7.org/fhir/StructureDefinition/Count"]}],
                }
            ),
            ["StructureDefinition.differential.element[0].type[0].profile[0]"],
        ),
        (
            profile({"path": "Observation.status", "constraint": [{"key": "a", "expression": "a +"}]}),
            ["StructureDefinition.differential.element[0].constraint[0]"],
        ),
        (profile(context=[{"type": "element", "expression": "Patient"}]), ["StructureDefinition.context[0]"]),
        (
            profile(
                kind="complex-type",
                type="Extension",
                baseDefinition="http://hl7.org/fhir/StructureDefinition/Extension",
                differential={"element": [{"path": "Extension.url", "fixedUri": "http://x/other"}]},
            ),
            ["StructureDefinition"],
        ),
    ],
)  # fmt: skip
def test_a_profile_that_cannot_be_used_is_told_why(tree: Tree, expected: list[str]) -> None:
    assert places(tree) == expected


def test_parameters_of_a_value_set_may_have_hyphens_in_their_names() -> None:
    parameter = "http://hl7.org/fhir/tools/StructureDefinition/valueset-parameter"
    expression = "http://hl7.org/fhir/StructureDefinition/cqf-expression"

    def value_set(text: str, language: str = "text/fhirpath") -> Tree:
        said = {"language": language, "expression": text}
        return {
            "resourceType": "ValueSet",
            "extension": [{"url": parameter, "extension": [{"url": "name", "valueCode": "p-a"}]}],
            "compose": {
                "include": [
                    {
                        "system": "http://x",
                        "filter": [{"_value": {"extension": [{"url": expression, "valueExpression": said}]}}],
                    }
                ]
            },
        }

    place = "ValueSet.compose.include[0].filter[0].value.extension[0].value"
    assert places(value_set("%p-a")) == []
    assert places(value_set("%p-b")) == [place]
    assert places(value_set("$ and %p-a")) == [place]
    assert places(value_set("%p-a", "text/cql")) == [place]


def test_codes_that_a_value_set_lists_are_those_of_the_code_system() -> None:
    tree = {
        "resourceType": "ValueSet",
        "compose": {"include": [{"system": "http://x", "concept": [{"code": "a"}, {"code": "b"}]}]},
    }

    issues = list(issues_of(tree, world(NoCodes({"http://x": {"a"}}))))

    assert [issue.expression for issue in issues] == ["ValueSet.compose.include[0].concept[1]"]


def test_vital_signs_are_asked_for_their_profile_by_their_codes() -> None:
    temperature = {
        "resourceType": "Observation",
        "code": {"coding": [{"system": "http://snomed.info/sct", "code": "276885007"}]},
    }

    assert implied_profiles(temperature) == ("http://hl7.org/fhir/StructureDefinition/bodytemp",)
    assert implied_profiles({"resourceType": "Observation", "code": {"coding": [{"code": "8310-5"}]}}) == ()
    assert implied_profiles({"resourceType": "Patient"}) == ()


@pytest.mark.parametrize(
    "tree",
    [
        3,
        {"resourceType": "Bundle", "type": "document", "entry": {"a": 1}, "link": [3]},
        bundle("document", {"resource": {"resourceType": "Composition", "section": 3, "author": [{"reference": 3}]}}),
        {"resourceType": "Questionnaire", "item": [{"enableWhen": [3], "item": {"linkId": 3}}]},
        {
            "resourceType": "StructureDefinition",
            "baseDefinition": 3,
            "differential": {"element": [{"path": 3, "type": [{"code": []}]}]},
        },
        {"resourceType": "ValueSet", "compose": {"include": [{"system": 3, "filter": 3}]}},
        {"resourceType": "SearchParameter", "base": 3, "expression": 3, "derivedFrom": []},
        {"resourceType": "Patient", "text": {"div": 3}, "name": [{"id": 3}]},
    ],
)  # fmt: skip
def test_a_resource_of_no_sound_shape_does_no_harm(tree: Any) -> None:
    for issue in issues_of(tree, world()):
        assert issue.text
