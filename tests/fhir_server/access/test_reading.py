"""What a resource says of itself."""

from __future__ import annotations

from fhir_server.access.reading import codes_of, codings, extensions, keys, profiles, values
from fhir_server.kernel.keys import Key

TREE = {
    "resourceType": "DocumentReference",
    "meta": {
        "profile": [
            "https://interop.esante.gouv.fr/ig/fhir/cdl/StructureDefinition/cdl-document-reference|1.0",
            "https://cordee.example/fhir/StructureDefinition/note-coordination",
            "https://elsewhere.example/StructureDefinition/ppcs-action",
        ]
    },
    "type": {"coding": [{"system": "a", "code": "1"}, {"code": "2"}, {"system": "a", "display": "no code"}]},
    "author": [
        {"reference": "Practitioner/1"},
        {"display": "somebody"},
        {"reference": "https://x.example/Patient/2"},
    ],
    "content": [{"format": {"system": "b", "code": "3"}}, {"format": {"system": "b", "code": "4"}}, "odd"],
    "masterIdentifier": {"type": {"text": "no coding"}},
}


def test_values_walk_lists() -> None:
    assert list(values(TREE, "content.format.code")) == ["3", "4"]
    assert list(values(TREE, "nothing.here")) == []
    assert list(values(TREE, "resourceType.deeper")) == []


def test_codings_are_found_in_concepts_and_codings() -> None:
    assert list(codings(TREE, "type")) == [("a", "1"), ("", "2")]
    assert list(codings(TREE, "content.format")) == [("b", "3"), ("b", "4")]
    assert list(codings(TREE, "masterIdentifier.type")) == []
    assert list(codings(TREE, "resourceType")) == []


def test_a_code_that_is_no_text_is_no_coding() -> None:
    substance = {
        "code": [{"code": {"coding": [{"code": "1"}]}}, {"coding": [None, {"code": 7}, {"code": "2"}]}]
    }

    assert list(codings(substance, "code")) == [("", "2")]


def test_codes_of_one_system() -> None:
    assert codes_of(TREE, "type", "a") == {"1"}


def test_only_profiles_of_the_country_and_our_own_count() -> None:
    assert profiles(TREE) == {"cdl-document-reference", "note-coordination"}
    assert profiles({"resourceType": "Patient"}) == frozenset()
    assert profiles({"resourceType": "Patient", "meta": {"versionId": "1"}}) == frozenset()


def test_a_profile_may_be_an_extension_alone() -> None:
    declared = [None, "https://cordee.example/fhir/StructureDefinition/note-coordination"]

    assert profiles({"meta": {"profile": declared, "_profile": [{"extension": []}, None]}}) == {
        "note-coordination"
    }


def test_extensions_are_those_of_one_definition() -> None:
    one, other = {"url": "a", "valueString": "1"}, {"url": "b", "valueInteger": 2}

    assert list(extensions({"extension": [one, other, {"url": "a"}]}, "a")) == [one, {"url": "a"}]
    assert list(extensions({}, "a")) == []


def test_references_are_keys_where_they_are_of_this_server() -> None:
    assert list(keys(TREE, "author")) == [Key("Practitioner", "1")]
    assert list(keys(TREE, "author", ("https://x.example",))) == [
        Key("Practitioner", "1"),
        Key("Patient", "2"),
    ]
    assert list(keys(TREE, "resourceType")) == []
