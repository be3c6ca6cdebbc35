from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_server.interactions.call import NONE
from fhir_server.kernel.errors import Malformed, UnsupportedMediaType
from fhir_server.web.negotiation import (
    PLAIN,
    Controls,
    conditions_of,
    controls_of,
    form_of,
    kind_of,
    preferences_of,
    takes_gzip,
    without_controls,
)


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("", "application/fhir+json;charset=utf-8"),
        ("*/*", "application/fhir+json;charset=utf-8"),
        ("*; q=.2", "application/fhir+json;charset=utf-8"),
        ("application/*", "application/fhir+json;charset=utf-8"),
        ("application/fhir+json", "application/fhir+json;charset=utf-8"),
        ("Application/FHIR+JSON; Charset=UTF-8", "application/fhir+json;charset=utf-8"),
        ("application/json", "application/json;charset=utf-8"),
        ("text/json", "text/json;charset=utf-8"),
        ("application/fhir+xml", "application/fhir+xml;charset=utf-8"),
        ("application/xml", "application/xml;charset=utf-8"),
        ("text/xml", "text/xml;charset=utf-8"),
        ("text/html", "application/fhir+json;charset=utf-8"),
        (
            "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
            "application/fhir+json;charset=utf-8",
        ),
        ("application/fhir+json;q=0.5, application/fhir+xml;q=0.9", "application/fhir+xml;charset=utf-8"),
        ("application/fhir+xml;q=0.5, */*", "application/fhir+json;charset=utf-8"),
        ("application/fhir+xml, */*;q=0.1", "application/fhir+xml;charset=utf-8"),
        ("application/fhir+json;q=0, */*", "application/fhir+xml;charset=utf-8"),
        ("*/*, application/fhir+xml", "application/fhir+xml;charset=utf-8"),
        ("application/fhir+xml, application/fhir+json", "application/fhir+xml;charset=utf-8"),
        ("application/pdf, application/fhir+json;q=0.1", "application/fhir+json;charset=utf-8"),
        ("application/fhir+json; fhirVersion=4.0", "application/fhir+json;charset=utf-8;fhirVersion=4.0"),
        (
            'application/fhir+json; fhirVersion="3.0", application/fhir+xml; fhirVersion=4.0;q=0.2',
            "application/fhir+xml;charset=utf-8;fhirVersion=4.0",
        ),
    ],
)
def test_the_best_form_that_accept_allows_is_answered_under_its_name(accept: str, content_type: str) -> None:
    form = form_of(accept.encode())

    assert form is not None
    assert form.content_type.decode() == content_type
    assert form.syntax == ("xml" if "xml" in content_type else "json")


@pytest.mark.parametrize(
    "accept",
    [
        "text/turtle",
        "application/pdf",
        "image/*",
        "nonsense",
        "application/fhir+json;q=0",
        "application/fhir+json;fhirVersion=3.0",
        "application/fhir+json;fhirVersion=5.0",
        "application/fhir+json;charset=iso-8859-1",
    ],
)
def test_an_accept_that_nothing_of_ours_fits_has_no_form(accept: str) -> None:
    assert form_of(accept.encode()) is None


@pytest.mark.parametrize(
    ("format", "content_type"),
    [
        ("json", "application/fhir+json"),
        ("JSON", "application/fhir+json"),
        ("xml", "application/fhir+xml"),
        ("application/fhir+json", "application/fhir+json"),
        ("application/fhir json", "application/fhir+json"),  # an unescaped + of a query
        ("application/fhir xml", "application/fhir+xml"),
        ("text/xml", "text/xml"),
        ("application/json", "application/json"),
    ],
)
def test_format_goes_before_accept(format: str, content_type: str) -> None:
    form = form_of(b"text/turtle", format)

    assert form is not None
    assert form.content_type.decode() == f"{content_type};charset=utf-8"


@pytest.mark.parametrize("format", ["ttl", "html", "text/turtle", "*/*", "yaml"])
def test_a_format_that_is_not_ours_has_no_form_whatever_accept_says(format: str) -> None:
    assert form_of(b"application/fhir+json", format) is None


@pytest.mark.parametrize(
    ("accept", "fhir"),
    [
        ("", False),
        ("*/*", False),
        ("text/html", False),
        ("application/json", False),
        ("application/xml", False),
        ("application/fhir+json", True),
        ("application/fhir+xml, */*;q=0.1", True),
        ("image/png, application/fhir+json;q=0.5", False),
    ],
)
def test_only_a_fhir_media_type_asks_for_the_resource_around_a_binary(accept: str, fhir: bool) -> None:
    form = form_of(accept.encode())

    assert form is not None
    assert form.fhir is fhir


@pytest.mark.parametrize(
    ("content_type", "kind"),
    [
        ("", ""),
        ("application/fhir+json", "json"),
        ("application/fhir+json; charset=UTF-8", "json"),
        ("application/fhir+json; fhirVersion=4.0", "json"),
        ("application/json", "json"),
        ("text/xml;charset=utf-8", "xml"),
        ("application/fhir+xml", "xml"),
        ("application/json-patch+json", "json-patch"),
        ("application/x-www-form-urlencoded", "form"),
        ("text/plain;charset=iso-8859-1", "other"),
        ("application/json, text/xml", "other"),
        ("nonsense", "other"),
    ],
)
def test_a_content_type_announces_a_kind_of_body(content_type: str, kind: str) -> None:
    assert kind_of(content_type.encode()) == kind


@pytest.mark.parametrize(
    "content_type",
    [
        "application/fhir+json; charset=iso-8859-1",
        "application/fhir+xml; charset=utf-16",
        "application/fhir+json; fhirVersion=3.0",
        "application/x-www-form-urlencoded; charset=latin1",
    ],
)
def test_another_character_set_or_version_is_refused(content_type: str) -> None:
    with pytest.raises(UnsupportedMediaType):
        kind_of(content_type.encode())


@pytest.mark.parametrize(
    ("query", "controls"),
    [
        ("", PLAIN),
        ("name=x&_count=3", PLAIN),
        ("_format=application/fhir+xml", Controls("application/fhir xml")),
        ("_format=application%2Ffhir%2Bxml&_pretty=true", Controls("application/fhir+xml", True)),
        ("%5Fformat=xml", Controls("xml")),
        ("_format=xml&_format=json", Controls("xml")),
        ("_pretty=false", PLAIN),
        ("_summary=data", Controls(summary="data")),
        ("_elements=id,%20name,", Controls(elements=("id", "name"))),
    ],
)
def test_controls_are_read_from_the_query(query: str, controls: Controls) -> None:
    assert controls_of(query) == controls


@pytest.mark.parametrize("query", ["_summary=yes", "_summary=TRUE", "_pretty=1"])
def test_a_control_with_a_value_that_it_does_not_have_is_refused(query: str) -> None:
    with pytest.raises(Malformed):
        controls_of(query)


def test_the_criteria_keep_their_writing_when_the_controls_go() -> None:
    query = "_format=json&identifier=a%7Cb&_pretty=true&name=x+y"

    assert without_controls(query) == "identifier=a%7Cb&name=x+y"


@pytest.mark.parametrize(
    ("prefer", "preferences"),
    [
        ("", ("", "")),
        ("return=minimal", ("minimal", "")),
        ("return=OperationOutcome", ("OperationOutcome", "")),
        ("Return=representation, handling=strict", ("representation", "strict")),
        ('return="minimal"; handling=lenient', ("minimal", "lenient")),
        ("return=minimal, return=representation", ("minimal", "")),
        ("respond-async, wait=10, return=everything", ("", "")),
    ],
)
def test_prefer_is_read_and_what_is_unknown_ignored(prefer: str, preferences: tuple[str, str]) -> None:
    assert preferences_of(prefer.encode()) == preferences


def test_without_conditional_headers_there_are_no_conditions() -> None:
    assert conditions_of({b"accept": b"*/*"}) is NONE


@pytest.mark.parametrize("tag", ['W/"3"', '"3"', "*", 'W/"1", W/"2"'])
def test_entity_tags_pass_as_they_were_sent(tag: str) -> None:
    assert conditions_of({b"if-match": tag.encode()}).if_match == tag
    assert conditions_of({b"if-none-match": tag.encode()}).if_none_match == tag


def test_a_bare_version_is_an_entity_tag_where_a_mistake_does_no_harm() -> None:
    assert conditions_of({b"if-none-match": b"3"}).if_none_match == 'W/"3"'


@pytest.mark.parametrize(
    "headers",
    [
        {b"if-match": b"3"},
        {b"if-match": b""},
        {b"if-match": b'W/"3'},
        {b"if-none-match": b"W/3"},
        {b"if-match": b'W/"3"', b"if-none-match": b"*"},
        {b"if-none-exist": b""},
        {b"if-none-exist": b" ? "},
        {b"if-none-exist": b"\xff"},
    ],
)
def test_malformed_or_contradictory_conditions_are_refused(headers: dict[bytes, bytes]) -> None:
    with pytest.raises(Malformed):
        conditions_of(headers)


def test_if_none_exist_is_a_query_without_its_question_mark() -> None:
    assert conditions_of({b"if-none-exist": b"?identifier=a|b"}).if_none_exist == "identifier=a|b"


@pytest.mark.parametrize(
    ("accept_encoding", "taken"),
    [("", False), ("gzip", True), ("br, gzip;q=0.5", True), ("gzip;q=0", False), ("*", True), ("br", False)],
)
def test_gzip_is_used_when_it_is_accepted(accept_encoding: str, taken: bool) -> None:
    assert takes_gzip(accept_encoding.encode()) is taken


@given(st.binary(max_size=60), st.text(max_size=40))
def test_no_header_and_no_query_breaks_the_parsing(header: bytes, query: str) -> None:
    form_of(header, query)
    preferences_of(header)
    takes_gzip(header)
    for read in (
        lambda: kind_of(header),
        lambda: controls_of("_format=" + query),
        lambda: controls_of("_summary=" + query),
    ):
        with suppress(UnsupportedMediaType, Malformed):
            read()
