"""https://hl7.org/fhir/R4/search.html#token"""

from __future__ import annotations

import pytest

from fhir_server.kernel.keys import Key
from fhir_server.search.query import (
    AnyOf,
    Coded,
    Not,
    Nothing,
    Predicate,
    StringValue,
    Terms,
    Tokens,
    TokenValue,
)
from tests.fhir_server.search.asking import either, folded, name, only, refused

GENDER = "http://hl7.org/fhir/administrative-gender"
BOOLEANS = "http://hl7.org/fhir/special-values"
CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("identifier=AB1", [folded("ab1")]),
        ("identifier=urn:x|1", [folded("1", "urn:x")]),
        ("identifier=urn:x%7C1", [folded("1", "urn:x")]),
        ("identifier=|1", [folded("1", "")]),
        ("identifier=urn:x|", [TokenValue("urn:x", None)]),
        ("identifier=1,urn:x|2", [folded("1"), folded("2", "urn:x")]),
        ("identifier=1,,2,1,", [folded("1"), folded("2")]),
        (r"identifier=a\,b,c\|d\$e\\", [folded("a,b"), folded("c|d$e\\")]),
        (r"identifier=urn\|x|a", [folded("a", "urn|x")]),
        ("identifier=" + "x" * 6000, [folded("x" * 6000)]),
        ("identifier=http://hl7.org/fhir/administrative-gender|X", [folded("x", GENDER)]),
        ("telecom=Me@Example.org", [folded("me@example.org")]),
    ],
)
def test_a_token_has_four_forms(text: str, values: list[TokenValue]) -> None:
    code = text.partition("=")[0]

    assert only("Patient", text) == Tokens(name(code), tuple(values))


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("code=8480-6", either("8480-6")),
        ("code=AbC", either("AbC")),
        ("code=http://loinc.org|8480-6", [folded("8480-6", "http://loinc.org")]),
        ("code=http://loinc.org|LP1", [folded("lp1", "http://loinc.org")]),
        ("code=http://unitsofmeasure.org|mG", [TokenValue("http://unitsofmeasure.org", "mG")]),
        ("code=|AbC", [folded("abc", "")]),
        (f"category={CATEGORY}|Vital-signs", [TokenValue(CATEGORY, "Vital-signs")]),
    ],
)
def test_case_matters_where_the_code_system_says_so(text: str, values: list[TokenValue]) -> None:
    assert only("Observation", text) == Tokens(name(text.partition("=")[0], "Observation"), tuple(values))


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("gender=male", [TokenValue(GENDER, "male")]),
        ("gender=male,female", [TokenValue(GENDER, "male"), TokenValue(GENDER, "female")]),
        (f"gender={GENDER}|male", [TokenValue(GENDER, "male")]),
        ("active=true", [TokenValue(BOOLEANS, "true")]),
        ("deceased=false", [TokenValue(BOOLEANS, "false")]),
    ],
)
def test_a_code_that_only_one_system_has_is_asked_with_it(text: str, values: list[TokenValue]) -> None:
    assert only("Patient", text) == Tokens(name(text.partition("=")[0]), tuple(values))


def test_a_code_that_no_resource_can_have_matches_none() -> None:
    assert only("Patient", "gender=MALE") == Nothing()
    assert only("Patient", "active=1") == Nothing()
    assert only("Patient", "gender:not=MALE") == Not(Nothing())


def test_a_code_in_several_systems_of_its_value_set_is_asked_with_each() -> None:
    predicate = only("ServiceRequest", "status=active")

    assert isinstance(predicate, Tokens)
    assert {value.code for value in predicate.values} == {"active"}
    assert None not in {value.system for value in predicate.values}


@pytest.mark.parametrize(
    ("type", "text", "predicate"),
    [
        ("Patient", "gender:not=male", Not(Tokens(name("gender"), (TokenValue(GENDER, "male"),)))),
        (
            "Condition",
            "code:text=Ma%20T%C3%AAte,%2D",
            Terms(name("code:text", "Condition"), (StringValue("ma tete"),)),
        ),
        (
            "Condition",
            "code:code-text=t%C3%AAte",
            Terms(name("code:text", "Condition"), (StringValue("tete"),)),
        ),
        ("Condition", "code:text=-", Nothing()),
        (
            "Patient",
            "identifier:of-type=http://x|MR|A5,http://x|SS|1",
            Tokens(name("identifier:of-type"), (folded("mr|a5", "http://x"), folded("ss|1", "http://x"))),
        ),
        (
            "Patient",
            "identifier:ofType=http://x|MR|A5",
            Tokens(name("identifier:of-type"), (folded("mr|a5", "http://x"),)),
        ),
        (
            "Observation",
            "subject:identifier=urn:x|A",
            Tokens(name("subject:identifier", "Observation"), (folded("a", "urn:x"),)),
        ),
        (
            "Condition",
            "code:in=ValueSet/1",
            Coded(name("code", "Condition"), "in", None, "ValueSet/1", Key("ValueSet", "1")),
        ),
        (
            "Condition",
            "code:in=http://a,http://b",
            AnyOf(
                (
                    Coded(name("code", "Condition"), "in", None, "http://a"),
                    Coded(name("code", "Condition"), "in", None, "http://b"),
                )
            ),
        ),
        (
            "Condition",
            "code:not-in=http://a",
            Not(Coded(name("code", "Condition"), "in", None, "http://a")),
        ),
        (
            "Condition",
            "code:below=http://snomed.info/sct|235862008",
            Coded(name("code", "Condition"), "below", "http://snomed.info/sct", "235862008"),
        ),
        ("Condition", "code:above=x", Coded(name("code", "Condition"), "above", None, "x")),
        (
            "DocumentReference",
            "contenttype:below=text/XML,image",
            Terms(
                name("contenttype", "DocumentReference"),
                (
                    StringValue("text/xml", "exact"),
                    StringValue("text/xml;"),
                    StringValue("image/"),
                ),
            ),
        ),
        ("Patient", "gender:in=http://a", Coded(name("gender"), "in", None, "http://a")),
    ],
)
def test_modifiers_ask_for_more_than_the_code(type: str, text: str, predicate: Predicate) -> None:
    assert only(type, text) == predicate


def test_a_union_is_asked_part_by_part() -> None:
    tokens = tuple(Tokens(name(code, "Observation"), either("8480-6")) for code in ("code", "component-code"))

    assert only("Observation", "combo-code=8480-6") == AnyOf(tokens)
    assert only("Observation", "combo-code:not=8480-6") == Not(AnyOf(tokens))


@pytest.mark.parametrize(
    ("type", "text", "part"),
    [
        ("Patient", "identifier=|", "neither a system nor a code"),
        ("Patient", "identifier:of-type=a|b", "system|code|value"),
        ("Patient", "identifier:of-type=a||b", "system|code|value"),
        ("Condition", "code:below=http://x|", "only a code is above or below"),
    ],
)
def test_a_token_that_says_nothing_is_refused(type: str, text: str, part: str) -> None:
    assert part in refused(type, text, lenient=True)[0]
