from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_server.definitions.catalogue import resource_types
from fhir_server.definitions.parameters import parameters_of
from fhir_server.kernel.errors import Malformed
from fhir_server.kernel.keys import Key
from fhir_server.search.parse import Parsed, Presentation, criteria_of, query_of, searchable
from fhir_server.search.query import (
    Dates,
    DateValue,
    Ids,
    Include,
    Missing,
    Name,
    Not,
    Nothing,
    Predicate,
    References,
    Sort,
    Strings,
    StringValue,
    Tokens,
    TokenValue,
    Updated,
)
from fhir_server.search.spans import span_of

BASE = "https://here.example/fhir"


@dataclass(frozen=True)
class Limits:
    page: int = 20
    max_page: int = 100


def parsed(resource_type: str, text: str, *, lenient: bool = False) -> Parsed:
    return query_of(resource_type, text, lenient=lenient, limits=Limits(), base=BASE, now=0)


def only(resource_type: str, text: str) -> Predicate:
    (predicate,) = parsed(resource_type, text).query.where
    return predicate


def refused(resource_type: str, text: str, *, lenient: bool = False) -> list[str]:
    with pytest.raises(Malformed) as caught:
        parsed(resource_type, text, lenient=lenient)
    return [issue.text for issue in caught.value.issues]


def name(code: str, type: str = "Patient") -> Name:
    return Name(type, code)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("identifier=1", [TokenValue(None, "1")]),
        ("identifier=urn:x|1", [TokenValue("urn:x", "1")]),
        ("identifier=urn:x%7C1", [TokenValue("urn:x", "1")]),
        ("identifier=|1", [TokenValue("", "1")]),
        ("identifier=urn:x|", [TokenValue("urn:x", None)]),
        ("identifier=1,urn:x|2", [TokenValue(None, "1"), TokenValue("urn:x", "2")]),
        ("identifier=1,,2,", [TokenValue(None, "1"), TokenValue(None, "2")]),
        (r"identifier=a\,b,c\|d\$e\\", [TokenValue(None, "a,b"), TokenValue(None, "c|d$e\\")]),
        ("identifier=" + "x" * 6000, [TokenValue(None, "x" * 6000)]),
    ],
)
def test_a_token_has_four_forms(text: str, values: list[TokenValue]) -> None:
    assert only("Patient", text) == Tokens(name("identifier"), tuple(values))


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("family=Payet", [StringValue("payet")]),
        ("family=PAYET,d%27Hoarau", [StringValue("payet"), StringValue("d hoarau")]),
        ("family=L%C3%A9a+Marie", [StringValue("lea marie")]),
        ("family:exact=L%C3%A9a+Marie", [StringValue("Léa Marie", "exact")]),
        ("family:contains=Aye", [StringValue("aye", "contains")]),
        ("family=-,Payet", [StringValue("payet")]),
    ],
)
def test_a_string_is_folded_unless_it_is_to_be_exact(text: str, values: list[StringValue]) -> None:
    assert only("Patient", text) == Strings(name("family"), tuple(values))


def test_a_text_that_folds_to_nothing_matches_nothing() -> None:
    assert only("Patient", "family=-") == Nothing()


def test_a_date_has_a_prefix_and_a_span() -> None:
    march = span_of("2024-03")

    assert only("Patient", "birthdate=2024-03,gt2024-03") == Dates(
        name("birthdate"), (DateValue("eq", *march), DateValue("gt", *march))
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
        ("subject:Patient=Patient/1", References(name("subject", "Observation"), (ONE,))),
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


@pytest.mark.parametrize(
    ("text", "predicate"),
    [
        ("_id=a,b", Ids(("a", "b"))),
        ("_id=a,../b", Ids(("a",))),
        ("_id=../b", Nothing()),
        ("_id:not=a", Not(Ids(("a",)))),
        ("_id:missing=true", Nothing()),
        ("_id:missing=false", Not(Nothing())),
        ("_lastUpdated=gt2024", Updated((DateValue("gt", *span_of("2024")),))),
        ("_profile=http://x|1", Tokens(name("_profile"), (TokenValue(None, "http://x|1"),))),
        (
            "gender:not=male,female",
            Not(Tokens(name("gender"), (TokenValue(None, "male"), TokenValue(None, "female")))),
        ),
        ("gender:missing=true", Missing(name("gender"), True)),
        ("phonetic:missing=false", Missing(name("phonetic"), False)),
        ("phonetic=Payet", Strings(name("name"), (StringValue("payet"),))),
    ],
)
def test_the_other_forms_of_a_criterion(text: str, predicate: Predicate) -> None:
    assert only("Patient", text) == predicate


def test_a_repeated_parameter_means_and() -> None:
    assert len(parsed("Patient", "given=Marie&given=Th%C3%A9r%C3%A8se").query.where) == 2


def test_results_are_shaped() -> None:
    found = parsed(
        "Patient",
        "_sort=-birthdate,family,_id&_sort=-_lastUpdated&_count=7&_total=accurate&_cursor=abc&_summary=true"
        "&_elements=id,name&_include=Patient:organization&_revinclude=Observation:subject:Patient&_format=json",
    )

    assert found.query.sort == (
        Sort("date", name("birthdate"), True),
        Sort("string", name("family")),
        Sort("id", None),
        Sort("updated", None, True),
    )
    assert (found.query.count, found.query.total, found.query.cursor) == (7, "accurate", "abc")
    assert found.query.includes == (
        Include(name("organization")),
        Include(Name("Observation", "subject"), "Patient", reverse=True),
    )
    assert found.presentation == Presentation("true", ("id", "name"))


@pytest.mark.parametrize(
    ("text", "count"),
    [("", 20), ("_count=0", 0), ("_count=99", 99), ("_count=1000000", 100), ("_count=" + "9" * 5000, 100)],
)
def test_a_page_is_as_long_as_asked_within_the_limit(text: str, count: int) -> None:
    assert parsed("Patient", text).query.count == count


def test_only_counting_is_an_exact_total() -> None:
    query = parsed("Patient", "_summary=count").query

    assert (query.count, query.total) == (0, "accurate")


def test_everything_can_be_included() -> None:
    found = parsed("Patient", "_include=*&_revinclude=Observation:*&_include=*").query.includes

    assert found == (Include(name("*")), Include(Name("Observation", "*"), reverse=True))


def test_the_self_link_shows_what_was_understood() -> None:
    found = parsed(
        "Patient",
        "familly=x&family:exact=L%C3%A9a%20B&_count=5000&identifier=a|b%26c&_cursor=x&_format=json",
        lenient=True,
    )

    assert found.understood == "family:exact=L%C3%A9a%20B&_count=100&identifier=a%7Cb%26c&_format=json"
    assert parsed("Patient", found.understood).query.where == found.query.where


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("familly=x", "Patient has no search parameter 'familly'. Did you mean 'family'?"),
        ("_lastupdated=2024", "Patient has no search parameter '_lastupdated'. Did you mean '_lastUpdated'?"),
        ("zzzz=x", "Patient has no search parameter 'zzzz'"),
        ("organization.name=x", "This server does not support chained parameters"),
        ("general-practitioner:Practitioner.name=x", "This server does not support chained parameters"),
        ("family.x=x", "Patient has no search parameter 'family.x'. Did you mean 'family'?"),
        ("_has:Observation:patient:code=1", "This server does not support '_has'"),
        ("_filter=x", "This server does not support '_filter'"),
        ("_text=x", "This server does not support '_text'"),
        ("age=3", "This server does not support searching by 'age', a number parameter"),
        ("family=", "The parameter 'family' has no value"),
        ("_sort=nothing", "Patient has no search parameter 'nothing'"),
        ("_sort=gender", "This server does not support sorting by 'gender', a token parameter"),
        ("_include:iterate=Patient:link", "This server does not support '_include:iterate'"),
        ("_include=Elephant:link", "'_include' names a resource type that FHIR R4 does not know"),
        ("_include=Patient:gender", "Patient has no reference parameter of the name that '_include' gives"),
    ],
)
def test_what_is_not_known_is_ignored_with_a_warning_or_refused(text: str, message: str) -> None:
    found = parsed("Patient", text, lenient=True)

    assert [(issue.severity, issue.text) for issue in found.issues] == [("warning", message)]
    assert found.query.where == ()
    assert found.understood == ""
    assert refused("Patient", text) == [message]


@pytest.mark.parametrize(
    ("resource_type", "text", "part"),
    [
        ("Patient", "birthdate=1980-13", "no such day"),
        ("Patient", "birthdate=xx1980", "Not a date"),
        ("Patient", "birthdate=", "no value"),
        ("Patient", "family=,", "no value"),
        ("Patient", "_lastUpdated=yesterday", "Not a date"),
        ("Patient", "_count=-1", "'_count'"),
        ("Patient", "_count=ten", "'_count'"),
        ("Patient", "_count=1&_count=2", "more than once"),
        ("Patient", "_cursor=1&_cursor=2", "more than once"),
        ("Patient", "_count:exact=1", "no modifier"),
        ("Patient", "_sort:desc=family", "no modifier"),
        ("Patient", "_total=some", "'_total' is one of none, estimate, accurate"),
        ("Patient", "_summary=some", "'_summary' is one of"),
        ("Patient", "_include=Patient", "Type:parameter"),
        ("Patient", "_include:x=Patient:link", "modifier"),
        ("Patient", "identifier=|", "neither a system nor a code"),
        ("Patient", "gender:missing=yes", "true or false"),
        ("Patient", "gender:exact=male", "does not take the modifier ':exact'"),
        ("Patient", "gender:in=http://x", "does not take the modifier ':in'"),
        ("Patient", "family:not=x", "does not take the modifier ':not'"),
        ("Patient", "family:foo=x", "does not know"),
        ("Patient", "birthdate:exact=1980", "does not take the modifier"),
        ("Observation", "subject:Organization=1", "never points to a Organization"),
        ("Observation", "patient:Group=1", "never points to a Group"),
        ("Observation", "subject:Elephant=1", "does not know"),
        ("Patient", "family=%00", "NUL"),
        ("Patient", "family=a\x00", "NUL"),
        ("Patient", "family=%ff", "UTF-8"),
        ("Patient", "family=\ud800", "UTF-8"),
    ],
)
def test_a_bad_value_or_modifier_is_always_refused(resource_type: str, text: str, part: str) -> None:
    if not text.endswith("="):
        assert part in refused(resource_type, text, lenient=True)[0]
    assert part in refused(resource_type, text)[0]


def test_everything_wrong_is_told_at_once() -> None:
    assert len(refused("Patient", "birthdate=x&_count=-1&foo=1&gender:in=x")) == 4


def test_no_message_repeats_a_value() -> None:
    for text in ("birthdate=Payet", "_count=Payet", "gender:missing=Payet", "_total=Payet", "_include=Payet"):
        assert "Payet" not in " ".join(refused("Patient", text))


def read_or_refused(text: str) -> bool:
    """Whether the text gives a Query or a refusal with something to say."""
    try:
        query_of("Patient", text, lenient=True, limits=Limits())
    except Malformed as refusal:
        return bool(refusal.issues)
    return True


@given(st.text(max_size=40))
def test_no_query_text_breaks_the_reader(text: str) -> None:
    assert read_or_refused(text)


@given(
    st.sampled_from(sorted(searchable("Patient"))),
    st.text(max_size=20),
    st.sampled_from(["", ":not", ":exact"]),
)
def test_no_value_breaks_the_reader(code: str, value: str, modifier: str) -> None:
    assert read_or_refused(f"{code}{modifier}={value}")


def test_criteria_of_a_conditional_interaction() -> None:
    query = criteria_of("Patient", "?identifier=urn:x|1&_format=json", BASE)

    assert query.where == (Tokens(name("identifier"), (TokenValue("urn:x", "1"),)),)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "?",
        "_format=json",
        "_count=1",
        "_sort=family&family=x",
        "familly=x",
        "family=",
        "family=x&age=3",
        "_cursor=x",
        "_include:iterate=x",
    ],
)
def test_criteria_are_never_guessed(text: str) -> None:
    with pytest.raises(Malformed):
        criteria_of("Patient", text)


def test_criteria_about_no_type_are_refused() -> None:
    with pytest.raises(Malformed):
        criteria_of("Elephant", "_id=1")


def test_what_is_searchable_is_what_is_answered() -> None:
    assert {"_id", "_lastUpdated", "family", "birthdate", "identifier", "organization"} <= set(
        searchable("Patient")
    )
    assert "age" not in searchable("Patient")
    assert not {"code-value-quantity", "value-quantity"} & set(searchable("Observation"))
    for resource_type in resource_types():
        for code in searchable(resource_type):
            text = "2024" if parameters_of(resource_type)[code].kind == "date" else "1"

            assert parsed(resource_type, f"{code}={text}").query.where
