"""https://hl7.org/fhir/R4/search.html#ptypes"""

from __future__ import annotations

import pytest

from fhir_server.kernel.keys import Key
from fhir_server.search.query import (
    AllOf,
    AnyOf,
    Dates,
    DateValue,
    Ids,
    Listed,
    Missing,
    Near,
    Not,
    Nothing,
    Predicate,
    References,
    Strings,
    StringValue,
    Terms,
    Tokens,
    TokenValue,
    Updated,
    Words,
)
from fhir_server.search.spans import span_of
from tests.fhir_server.search.asking import BASE, name, only, refused


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("address=Payet", [StringValue("payet")]),
        ("address=PAYET,d%27Hoarau", [StringValue("payet"), StringValue("d hoarau")]),
        ("address=L%C3%A9a+Marie", [StringValue("lea marie")]),
        ("address:exact=L%C3%A9a+Marie", [StringValue("Léa Marie", "exact")]),
        ("address:contains=Aye", [StringValue("aye", "contains")]),
        ("address=-,Payet", [StringValue("payet")]),
        (r"address=a\,b", [StringValue("a b")]),
    ],
)
def test_a_string_is_folded_unless_it_is_to_be_exact(text: str, values: list[StringValue]) -> None:
    assert only("Patient", text) == Strings(name("address"), tuple(values))


def test_each_word_of_a_family_name_is_a_beginning() -> None:
    words = (StringValue("payet"),)

    assert only("Patient", "family=Payet") == AnyOf(
        (Strings(name("family"), words), Strings(name("family:parts"), words))
    )
    assert only("Patient", "name:contains=Payet") == Strings(
        name("name"), (StringValue("payet", "contains"),)
    )


def test_a_text_that_folds_to_nothing_matches_nothing() -> None:
    assert only("Patient", "family=-") == Nothing()


@pytest.mark.parametrize("prefix", ["eq", "ne", "gt", "lt", "ge", "le", "sa", "eb"])
def test_a_date_has_a_prefix_and_a_span(prefix: str) -> None:
    march = span_of("2024-03")

    assert only("Patient", f"birthdate=2024-03,{prefix}2024-03") == Dates(
        name("birthdate"),
        (DateValue("eq", *march), DateValue(prefix, *march)),  # type: ignore[arg-type]  # of the table
    )


def test_a_plus_that_was_not_encoded_is_read_as_one() -> None:
    assert only("Patient", "death-date=2024-03-01T10:00:00+01:00") == Dates(
        name("death-date"), (DateValue("eq", *span_of("2024-03-01T10:00:00+01:00")),)
    )


def test_about_is_wider_the_further_away_it_lies() -> None:
    low, high = span_of("2024")

    assert only("Patient", "birthdate=ap2024") == Dates(
        name("birthdate"), (DateValue("ap", low - low // 10, high + low // 10),)
    )


ONE = Key("Patient", "1")


@pytest.mark.parametrize(
    ("text", "predicate"),
    [
        ("subject=Patient/1", References(name("subject", "Observation"), (ONE,))),
        (f"subject={BASE}/Patient/1", References(name("subject", "Observation"), (ONE,))),
        ("subject:Patient=1", References(name("subject", "Observation"), (ONE,))),
        ("subject:Patient=Patient/1,Patient/1", References(name("subject", "Observation"), (ONE,))),
        ("subject:Patient=Group/1", Nothing()),
        (
            "subject=1",
            References(
                name("subject", "Observation"),
                (Key("Device", "1"), Key("Group", "1"), Key("Location", "1"), Key("Patient", "1")),
            ),
        ),
        ("patient=1", References(name("subject", "Observation"), (ONE,))),
        ("patient=Patient/1,Group/1", References(name("subject", "Observation"), (ONE,))),
        ("patient=Group/1", Nothing()),
        ("patient=https://x.example/Group/1", Nothing()),
        (
            "patient=https://x.example/Patient/1",
            References(name("subject", "Observation"), (), ("https://x.example/Patient/1",)),
        ),
        (
            "subject=Patient/1/_history/2,urn:uuid:1",
            References(name("subject", "Observation"), (), ("Patient/1/_history/2", "urn:uuid:1")),
        ),
    ],
)
def test_a_reference_names_a_resource_in_many_ways(text: str, predicate: Predicate) -> None:
    assert only("Observation", text) == predicate


def test_a_canonical_is_asked_with_its_version_or_without() -> None:
    url = "http://acme.org/Questionnaire/phq"

    assert only("QuestionnaireResponse", f"questionnaire={url},{url}|1.0") == References(
        name("questionnaire", "QuestionnaireResponse"), (), (url, f"{url}|1.0")
    )


def test_below_a_canonical_are_its_versions() -> None:
    url, of = "http://acme.org/Questionnaire/phq", name("questionnaire", "QuestionnaireResponse")

    assert only("QuestionnaireResponse", f"questionnaire:below={url}") == Tokens(of, (TokenValue(None, url),))
    assert only("QuestionnaireResponse", f"questionnaire:below={url}|1") == Terms(
        of, (StringValue(f"{url}|1", "exact"), StringValue(f"{url}|1.", "starts"))
    )


def test_behind_the_url_of_a_resource_is_its_version() -> None:
    url, version = name("url", "ValueSet"), name("version", "ValueSet")

    assert only("ValueSet", "url=http://x|1.0B,http://y") == AnyOf(
        (
            Tokens(url, (TokenValue(None, "http://y"),)),
            AllOf(
                (
                    Tokens(url, (TokenValue(None, "http://x"),)),
                    Tokens(version, (TokenValue(None, "1.0b", True),)),
                )
            ),
        )
    )
    assert only("Device", "url=http://x|1") == Tokens(
        name("url", "Device"), (TokenValue(None, "http://x|1"),)
    )


@pytest.mark.parametrize(
    ("text", "predicate"),
    [
        (
            "url=http://acme.org/fhir/ValueSet/1",
            Tokens(name("url", "ValueSet"), (TokenValue(None, "http://acme.org/fhir/ValueSet/1"),)),
        ),
        ("url=urn:oid:1.2", Tokens(name("url", "ValueSet"), (TokenValue(None, "urn:oid:1.2"),))),
        (
            "url:below=http://acme.org/fhir",
            Terms(
                name("url", "ValueSet"),
                (
                    StringValue("http://acme.org/fhir", "exact"),
                    *(StringValue(f"http://acme.org/fhir{sign}") for sign in "/?#"),
                ),
            ),
        ),
        (
            "url:below=http://acme.org/fhir/",
            Terms(name("url", "ValueSet"), (StringValue("http://acme.org/fhir/"),)),
        ),
        (
            "url:above=http://acme.org/fhir/ValueSet",
            Tokens(
                name("url", "ValueSet"),
                tuple(
                    TokenValue(None, url)
                    for url in (
                        "http://acme.org/fhir/ValueSet",
                        "http://acme.org/fhir/",
                        "http://acme.org/fhir",
                        "http://acme.org/",
                        "http://acme.org",
                    )
                ),
            ),
        ),
    ],
)
def test_a_uri_is_exact_or_along_its_path(text: str, predicate: Predicate) -> None:
    assert only("ValueSet", text) == predicate


@pytest.mark.parametrize(
    ("text", "metres"),
    [
        ("near=-20.9|55.5|11.2|km", 11_200),
        ("near=-20.9|55.5|11.2", 11_200),
        ("near=-20.9|55.5|500|m", 500),
        ("near=-20.9|55.5|1|[mi_i]", 1609.344),
        ("near=-20.9|55.5|1|[mi_us]", 1609.3472186944374),
        ("near=-20.9|55.5", 50_000),
        ("near=-20.9|55.5||km", 50_000),
        ("near=-20.9|55.5|0", 0),
    ],
)
def test_near_is_a_position_and_a_distance(text: str, metres: float) -> None:
    assert only("Location", text) == Near(name("near", "Location"), -20.9, 55.5, metres)


@pytest.mark.parametrize(
    "value", ["x", "1", "91|0", "0|181", "0|0|-1", "0|0|1|parsec", "0|0|1|km|x", "1e1|0", "|0|1", "0|0|x"]
)
def test_a_place_that_does_not_exist_is_refused(value: str) -> None:
    assert "'near' of Location" in refused("Location", f"near={value}", lenient=True)[0]


def test_the_words_of_a_resource_are_asked_as_they_are() -> None:
    assert only("Patient", "_text=chute") == Words("narrative", "chute")
    assert only("Patient", r"_content=%22a%20b%22%20or%20c\,d,e") == AnyOf(
        (Words("content", '"a b" or c,d'), Words("content", "e"))
    )
    assert only("Patient", "_content=-") == Nothing()


@pytest.mark.parametrize(
    ("text", "predicate"),
    [
        ("_list=42", Listed(Key("List", "42"))),
        ("_list=List/42", Listed(Key("List", "42"))),
        (f"_list={BASE}/List/42", Listed(Key("List", "42"))),
        ("_list=1,2", AnyOf((Listed(Key("List", "1")), Listed(Key("List", "2"))))),
    ],
)
def test_a_list_is_asked_by_its_id(text: str, predicate: Predicate) -> None:
    assert only("Patient", text) == predicate


@pytest.mark.parametrize("value", ["$current-problems", "Patient/1", "https://x.example/List/1", "a b"])
def test_other_lists_are_refused(value: str) -> None:
    assert "'_list' takes the id of a List" in refused("Patient", f"_list={value}", lenient=True)[0]


@pytest.mark.parametrize(
    ("text", "predicate"),
    [
        ("_id=a,b,a", Ids(("a", "b"))),
        ("_id=a,../b", Ids(("a",))),
        ("_id=../b", Nothing()),
        ("_id:not=a", Not(Ids(("a",)))),
        ("_id:missing=true", Nothing()),
        ("_id:missing=false", Not(Nothing())),
        ("_lastUpdated=gt2024", Updated((DateValue("gt", *span_of("2024")),))),
        ("_lastUpdated:missing=true", Nothing()),
        ("_profile=http://x|1", Tokens(name("_profile"), (TokenValue(None, "http://x|1"),))),
        ("_source=http://x#1", Tokens(name("_source"), (TokenValue(None, "http://x#1"),))),
        ("_tag=http://x|A", Tokens(name("_tag"), (TokenValue("http://x", "a", True),))),
        ("_security=http://x|", Tokens(name("_security"), (TokenValue("http://x", None),))),
        ("gender:missing=true", Missing(name("gender"), True)),
        ("phonetic:missing=false", Missing(name("phonetic"), False)),
        ("phonetic:exact=Payet", Strings(name("name"), (StringValue("Payet", "exact"),))),
    ],
)
def test_the_parameters_of_all_resources(text: str, predicate: Predicate) -> None:
    assert only("Patient", text) == predicate


def test_a_union_is_missing_when_all_its_parts_are() -> None:
    parts = [name(code, "Observation") for code in ("code", "component-code")]

    assert only("Observation", "combo-code:missing=true") == AllOf(tuple(Missing(p, True) for p in parts))
    assert only("Observation", "combo-code:missing=false") == AnyOf(tuple(Missing(p, False) for p in parts))


@pytest.mark.parametrize(
    ("resource_type", "text", "part"),
    [
        ("Patient", "birthdate=1980-13", "no such day"),
        ("Patient", "birthdate=xx1980", "Not a date"),
        ("Patient", "birthdate=gt", "Not a date"),
        ("Patient", "family=,", "no value between"),
        ("Patient", r"family=a\b", "before none of"),
        ("Patient", "family:exact=a\\", "before none of"),
        ("Patient", r"_content=a\b", "before none of"),
        ("Patient", "_lastUpdated=yesterday", "Not a date"),
        ("Patient", "gender:missing=yes", "true or false"),
        ("Patient", "gender:missing=true,false", "true or false"),
        ("ValueSet", "url:below=urn:oid:1.2", "only a URL"),
        ("ValueSet", "url:above=x", "only a URL"),
        ("ValueSet", "url:above=http://" + "a/" * 200, "more than 100 steps"),
    ],
)
def test_a_value_that_cannot_be_read_is_refused(resource_type: str, text: str, part: str) -> None:
    assert part in refused(resource_type, text, lenient=True)[0]
