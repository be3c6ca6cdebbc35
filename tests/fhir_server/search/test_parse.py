"""https://hl7.org/fhir/R4/search.html"""

from __future__ import annotations

from contextlib import suppress
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_server.definitions.catalogue import resource_types
from fhir_server.definitions.parameters import parameters_of
from fhir_server.kernel.errors import Malformed
from fhir_server.search.parse import Parsed, criteria_of, query_of, searchable
from fhir_server.search.query import Tokens
from tests.fhir_server.search.asking import BASE, Limits, folded, name, parsed, refused


def test_a_repeated_parameter_means_and() -> None:
    assert len(parsed("Patient", "given=Marie&given=Th%C3%A9r%C3%A8se").query.where) == 2


def test_the_same_search_is_read_once_for_those_who_ask_alike() -> None:
    def asked(text: str, *, lenient: bool = True, base: str = BASE) -> Parsed:
        return query_of("Patient", text, lenient=lenient, limits=Limits(), base=base)

    text = "organization=https://a.example/fhir/Organization/o"
    here, there = (asked(text, base=base) for base in ("https://a.example/fhir", "https://b.example/fhir"))
    assert here.query != there.query
    assert asked(text, base="https://a.example/fhir") is here

    assert asked("familly=x").issues
    with pytest.raises(Malformed):
        asked("familly=x", lenient=False)


def test_a_search_that_is_measured_from_now_is_read_each_time() -> None:
    first, second = (query_of("Patient", "birthdate=ap2020", lenient=True, limits=Limits()) for _ in range(2))
    assert first is not second


def test_the_self_link_shows_what_was_understood() -> None:
    found = parsed(
        "Patient",
        "familly=x&family:exact=L%C3%A9a%20B&_count=5000&identifier=a|b%26c&_cursor=x&_format=json&_pretty=true",
        lenient=True,
    )

    assert (
        found.understood
        == "family:exact=L%C3%A9a%20B&_count=100&identifier=a%7Cb%26c&_format=json&_pretty=true"
    )
    assert parsed("Patient", found.understood).query.where == found.query.where


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("familly=x", "Patient has no search parameter 'familly'. Did you mean 'family'?"),
        ("familly:exact=x", "Patient has no search parameter 'familly'. Did you mean 'family'?"),
        ("_lastupdated=2024", "Patient has no search parameter '_lastupdated'. Did you mean '_lastUpdated'?"),
        ("_cont=2024", "Patient has no search parameter '_cont'. Did you mean '_count'?"),
        ("zzzz=x", "Patient has no search parameter 'zzzz'"),
        ("age=3", "This server does not support searching by 'age', a number parameter"),
        ("family=", "The parameter 'family' has no value"),
        ("family", "The parameter 'family' has no value"),
        ("_type=", "The parameter '_type' has no value"),
    ],
)
def test_what_is_not_known_is_ignored_with_a_warning_or_refused(text: str, message: str) -> None:
    found = parsed("Patient", text, lenient=True)

    assert [(issue.severity, issue.text) for issue in found.issues] == [("warning", message)]
    assert found.query.where == ()
    assert found.understood == ""
    assert refused("Patient", text) == [message]


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("_query=x", "no named queries"),
        ("family=%00", "NUL"),
        ("family=a\x00", "NUL"),
        ("family=%ff", "UTF-8"),
        ("family=\ud800", "UTF-8"),
        ("&".join(["family=x"] * 101), "at most 100 criteria"),
        ("&".join(["x=x"] * 600), "more than 500 parameters"),
        ("family=" + "x" * 1_000_000, "longer than 1000000 characters"),
        ("x" * 2001 + "=1", "longer than 2000 characters"),
        ("&".join(["identifier=" + ",".join(map(str, range(1000)))] * 60), "too many values together"),
    ],
)
def test_a_query_that_is_none_or_too_much_is_always_refused(text: str, part: str) -> None:
    assert part in refused("Patient", text, lenient=True)[0]


def test_a_hundred_criteria_are_fine() -> None:
    assert len(parsed("Patient", "&".join(["family=x"] * 100)).query.where) == 100


def test_everything_wrong_is_told_at_once() -> None:
    assert len(refused("Patient", "birthdate=x&_count=-1&foo=1&gender:exact=x")) == 4


def test_the_same_is_told_once() -> None:
    assert len(refused("Patient", "&".join(["family=x"] * 120))) == 1


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


TYPES = st.sampled_from(["Patient", "Observation", "ValueSet", "Location", "RiskAssessment", "List", None])
CODES = st.sampled_from(sorted({code for of in resource_types() for code in searchable(of)}))
MODIFIERS = st.sampled_from(
    [
        "",
        "",
        "",
        ":not",
        ":missing",
        ":exact",
        ":text",
        ":in",
        ":below",
        ":of-type",
        ":identifier",
        ":Patient",
    ]
)
LINKS = st.sampled_from(["", "", "", "subject.", "subject:Patient.", "_has:Observation:subject:", "item."])
VALUES = st.sampled_from(
    [
        "1",
        "true",
        "a|b",
        "a|b|c",
        "gt1.5|u|v",
        "2024-02",
        "ap2024",
        "a$b",
        "Patient/1",
        "http://x/y",
        "1|1|1|km",
    ]
) | st.text('ab|$,\\ 1:é"()', max_size=12)


@given(TYPES, LINKS, CODES, MODIFIERS, VALUES)
def test_any_criterion_is_read_or_refused(
    resource_type: str | None, link: str, code: str, modifier: str, value: str
) -> None:
    text = f"{quote(link + code + modifier)}={quote(value)}"
    with suppress(Malformed):
        found = parsed(resource_type, text)

        assert len(found.query.where) == 1
        assert parsed(resource_type, found.understood).query == found.query


def test_criteria_of_a_conditional_interaction() -> None:
    query = criteria_of("Patient", "?identifier=urn:x|1&_format=json", BASE)

    assert query.where == (Tokens(name("identifier"), (folded("1", "urn:x"),)),)


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
        "_type=Patient&family=x",
        "__explain=true",
        "_contained=true",
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


def test_criteria_may_follow_chains() -> None:
    assert criteria_of("Observation", "subject:Patient.identifier=1").types == ("Observation",)


_VALUES = {
    "date": "2024",
    "number": "1",
    "quantity": "1",
    "composite": "",
    "special": "1|1",
}


def test_what_is_searchable_is_what_is_answered() -> None:
    known = searchable("Patient")
    assert {"_id", "_lastUpdated", "_text", "_content", "_filter", "family", "organization"} <= set(known)
    assert "age" not in known
    assert {"code-value-quantity", "value-quantity", "combo-code"} <= set(searchable("Observation"))
    assert "near" in searchable("Location")
    for resource_type in resource_types():
        for code, parameter in searchable(resource_type).items():
            text = "_id eq 1" if code == "_filter" else _VALUES.get(parameter.kind, "http://x/1")
            if parameter.kind == "composite":
                text = "$".join(_VALUES.get(part.kind, "a") for part in parameter.components)

            assert parsed(resource_type, f"{code}={text}").query.where, (resource_type, code)


def test_nearly_all_parameters_of_r4_are_answered() -> None:
    every = {(of, code) for of in resource_types() for code in parameters_of(of)}

    assert every - {(of, code) for of in resource_types() for code in searchable(of)} == {
        ("Patient", "age"),
        ("Patient", "birthOrderBoolean"),
    }
