"""https://hl7.org/fhir/R4/search.html#modifyingresults"""

from __future__ import annotations

import pytest

from fhir_server.search.parse import Presentation
from fhir_server.search.query import Include, Name, Sort
from tests.fhir_server.search.asking import name, parsed, refused


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
    ("type", "key", "sort"),
    [
        ("Patient", "gender", Sort("text", name("gender"))),
        ("Patient", "-identifier", Sort("text", name("identifier"), True)),
        ("Patient", "organization", Sort("text", name("organization"))),
        ("Patient", "phonetic", Sort("string", name("name"))),
        ("Patient", "_tag", Sort("text", name("_tag"))),
        ("ValueSet", "-url", Sort("text", name("url", "ValueSet"), True)),
        ("Observation", "patient", Sort("text", name("patient", "Observation"))),
        ("Observation", "value-quantity", Sort("number", name("value-quantity", "Observation"))),
        ("RiskAssessment", "-probability", Sort("number", name("probability", "RiskAssessment"), True)),
    ],
)
def test_every_kind_of_value_sorts(type: str, key: str, sort: Sort) -> None:
    assert parsed(type, f"_sort={key}").query.sort == (sort,)


@pytest.mark.parametrize(
    ("text", "count"),
    [("", 20), ("_count=0", 0), ("_count=99", 99), ("_count=1000000", 100), ("_count=" + "9" * 5000, 100)],
)
def test_a_page_is_as_long_as_asked_within_the_limit(text: str, count: int) -> None:
    assert parsed("Patient", text).query.count == count


def test_the_self_link_shows_the_limit() -> None:
    assert parsed("Patient", "_count=1000000").understood == "_count=100"


def test_only_counting_is_an_exact_total() -> None:
    query = parsed("Patient", "_summary=count").query

    assert (query.count, query.total) == (0, "accurate")


def test_no_resources_on_a_page_are_the_same_as_only_counting() -> None:
    assert parsed("Patient", "_count=0").query == parsed("Patient", "_summary=count").query


@pytest.mark.parametrize("total", ["none", "estimate", "accurate"])
def test_a_total_is_asked_for(total: str) -> None:
    assert parsed("Patient", f"_total={total}").query.total == total


@pytest.mark.parametrize(
    ("text", "includes"),
    [
        ("_include=*", [Include(name("*"))]),
        ("_include=*&_include=*", [Include(name("*"))]),
        ("_include=Observation:*", [Include(Name("Observation", "*"))]),
        (
            "_include=Patient:general-practitioner:Organization",
            [Include(name("general-practitioner"), "Organization")],
        ),
        ("_revinclude=Observation:*", [Include(Name("Observation", "*"), reverse=True)]),
        ("_revinclude=*", [Include(Name("*", "*"), reverse=True)]),
        ("_revinclude=Provenance:target", [Include(Name("Provenance", "target"), reverse=True)]),
        (
            "_include=Patient:link&_include:iterate=Patient:link",
            [Include(name("link")), Include(name("link"), iterate=True)],
        ),
        ("_include:iterate=*", [Include(Name("*", "*"), iterate=True)]),
        (
            "_revinclude:iterate=Observation:has-member:Observation",
            [Include(Name("Observation", "has-member"), "Observation", reverse=True, iterate=True)],
        ),
    ],
)
def test_other_resources_come_along(text: str, includes: list[Include]) -> None:
    found = parsed("Patient", text)

    assert found.query.includes == tuple(includes)
    assert found.understood == text


def test_anything_of_any_type_comes_along_to_several() -> None:
    assert parsed(None, "_include=*").query.includes == (Include(Name("*", "*")),)


def test_a_summary_of_the_text_brings_nothing_along() -> None:
    query = "_summary=text&_include=Patient:link&_revinclude:iterate=Observation:subject&family=x"
    found = parsed("Patient", query, lenient=True)

    assert (found.query.includes, found.understood) == ((), "_summary=text&family=x")
    assert len(found.issues) == 1
    assert "'_summary=text'" in refused("Patient", query)[0]


def test_an_operator_may_ask_how() -> None:
    assert parsed("Patient", "__explain=true").explain
    assert not parsed("Patient", "__explain=false").explain
    assert not parsed("Patient", "").explain


@pytest.mark.parametrize(
    ("type", "text", "message"),
    [
        ("Patient", "_sort=nothing", "Patient has no search parameter 'nothing' to sort by"),
        ("Patient", "_sort=family,nothing", "Patient has no search parameter 'nothing' to sort by"),
        ("Patient", "_sort=_score", "This server gives matches no score to sort by"),
        ("Patient", "_sort=_text", "This server does not support sorting by '_text', a string parameter"),
        ("Patient", "_sort=age", "This server does not support sorting by 'age', a number parameter"),
        ("Location", "_sort=near", "This server does not support sorting by 'near', a special parameter"),
        (
            "Observation",
            "_sort=combo-code",
            "This server does not support sorting by 'combo-code', a token parameter",
        ),
        (
            "Observation",
            "_sort=code-value-quantity",
            "This server does not support sorting by 'code-value-quantity', a composite parameter",
        ),
        (None, "_sort=_tag", "A search of several types is sorted by '_id' and '_lastUpdated' only"),
        ("Patient", "_include=Elephant:link", "'_include' names a resource type that FHIR R4 does not know"),
        (
            "Patient",
            "_include=Patient:link:Elephant",
            "'_include' names a resource type that FHIR R4 does not know",
        ),
        (
            "Patient",
            "_include=Patient:gender",
            "Patient has no reference parameter of the name that '_include' gives",
        ),
        (
            "Patient",
            "_include=Patient:organization:Group",
            "Patient.organization, which '_include' names, never points to the type Group",
        ),
    ],
)
def test_what_shapes_nothing_is_ignored_whole_with_a_warning_or_refused(
    type: str | None, text: str, message: str
) -> None:
    found = parsed(type, text, lenient=True)

    assert [(issue.severity, issue.text) for issue in found.issues] == [("warning", message)]
    assert (found.query.sort, found.query.includes, found.understood) == ((), (), "")
    assert refused(type, text) == [message]


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("_count=-1", "'_count'"),
        ("_count=ten", "'_count'"),
        ("_count=1.5", "'_count'"),
        ("_count=²", "'_count'"),
        ("_count=1&_count=2", "more than once"),
        ("_total=none&_total=none", "more than once"),
        ("_cursor=1&_cursor=2", "more than once"),
        ("_count:exact=1", "no modifier"),
        ("_sort:desc=family", "no modifier"),
        ("_total=some", "'_total' is one of none, estimate, accurate"),
        ("_summary=some", "'_summary' is one of"),
        ("__explain=yes", "'__explain' is one of"),
        ("_include=Patient", "Type:parameter"),
        ("_include=Patient:", "Type:parameter"),
        ("_include:x=Patient:link", "does not know"),
        ("_include:recurse=Patient:link", "'_include:iterate' would be right"),
        ("_revinclude:recurse=Patient:link", "'_revinclude:iterate' would be right"),
        ("_sort=" + ",".join(["family"] * 17), "more than 16 keys"),
        ("&".join(["_include=*"] * 101), "More than 100 includes"),
    ],
)
def test_a_shape_that_cannot_be_read_is_refused(text: str, part: str) -> None:
    assert part in refused("Patient", text, lenient=True)[0]
