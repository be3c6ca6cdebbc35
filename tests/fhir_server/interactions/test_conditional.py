"""https://hl7.org/fhir/R4/http.html#concurrency"""

from __future__ import annotations

import pytest

from fhir_server.interactions.call import NONE, Action, Call, Conditions
from fhir_server.interactions.conditional import guards_of, many, not_modified, require_match, tags_in
from fhir_server.kernel.errors import Malformed, PreconditionFailed
from fhir_server.kernel.keys import Key
from fhir_server.search.parse import criteria_of
from fhir_server.store.contract import Stored

THIRD = Stored(Key("Patient", "a"), 3, 1_700_000_000_500_000, b"{}")
DELETED = Stored(Key("Patient", "a"), 3, 1_700_000_000_500_000, b"", deleted=True)


@pytest.mark.parametrize(
    ("header", "tags"),
    [
        ('W/"1"', {"1"}),
        ('"1"', {"1"}),
        (' W/"1" , "2"', {"1", "2"}),
        ('W/""', {""}),
        ('W/"a b"', {"a b"}),
    ],
)
def test_weak_and_strong_tags_are_the_same(header: str, tags: set[str]) -> None:
    assert tags_in(header, "If-Match") == tags


@pytest.mark.parametrize("header", ["1", "W/1", 'W/"1', 'w/"1"', "", 'W/"1",', '"1" "2"'])
def test_what_is_no_tag_is_refused(header: str) -> None:
    with pytest.raises(Malformed, match="If-Match is not an entity tag"):
        tags_in(header, "If-Match")


@pytest.mark.parametrize(
    ("conditions", "current", "text"),
    [
        (Conditions(if_match='W/"2"'), THIRD, "is at version 3, and If-Match asked for version 2"),
        (Conditions(if_match='W/"2", W/"1"'), THIRD, "asked for version 1 or 2"),
        (Conditions(if_match='W/"Duval"'), THIRD, "asked for another version"),
        (Conditions(if_match='W/"2"'), DELETED, "is at version 3, and If-Match asked for version 2"),
        (Conditions(if_match='W/"3"'), None, "does not exist"),
        (Conditions(if_match="*"), None, "there is none"),
        (Conditions(if_none_match="*"), THIRD, "exists at version 3"),
        (Conditions(if_none_match='"3"'), THIRD, "which If-None-Match excludes"),
    ],
)
def test_a_refusal_says_what_is_and_what_was_asked(
    conditions: Conditions, current: Stored | None, text: str
) -> None:
    with pytest.raises(PreconditionFailed, match=text) as caught:
        require_match(Call(Action.UPDATE, "Patient", "a", conditions=conditions), current)

    assert "Duval" not in str(caught.value)


@pytest.mark.parametrize(
    ("conditions", "current"),
    [
        (NONE, THIRD),
        (NONE, None),
        (Conditions(if_match='W/"3"'), THIRD),
        (Conditions(if_match="*"), THIRD),
        (Conditions(if_match='W/"3"'), DELETED),  # a deletion is a version too
        (Conditions(if_none_match="*"), DELETED),
        (Conditions(if_none_match="*"), None),
        (Conditions(if_none_match='W/"2"'), THIRD),
        (Conditions(if_none_match='W/"2"', if_match='W/"3"'), THIRD),
    ],
)
def test_preconditions_that_hold(conditions: Conditions, current: Stored | None) -> None:
    require_match(Call(Action.UPDATE, "Patient", "a", conditions=conditions), current)


@pytest.mark.parametrize(
    ("date", "expected"),
    [
        ("Tue, 14 Nov 2023 22:13:20 GMT", True),  # the second it changed in
        ("Tue, 14 Nov 2023 22:13:19 GMT", False),
        ("Tue, 14 Nov 2023 23:13:20 +0100", True),
        ("Tue, 14 Nov 2023 22:13:20", False),
        ("Tue, 14 Nov 2023 22:13:20 +99999999999999999999", False),
        ("soon", False),
        ("", False),
    ],
)
def test_a_date_is_compared_to_the_second(date: str, expected: bool) -> None:
    assert not_modified(Conditions(if_modified_since=date), THIRD) == expected


def test_guards_do_not_depend_on_the_order_of_criteria() -> None:
    one = criteria_of("Patient", "identifier=urn:a|1&family=x")
    other = criteria_of("Patient", "family=x&identifier=urn:a|1&family=x")

    assert guards_of(one) == guards_of(other)
    assert len(guards_of(one)) == 2


def test_guards_of_different_types_differ() -> None:
    assert guards_of(criteria_of("Patient", "identifier=1")) != guards_of(
        criteria_of("Person", "identifier=1")
    )


def test_many_names_the_type_and_not_the_criteria() -> None:
    error = many("Patient")

    assert (error.status, error.issues[0].code) == (412, "multiple-matches")
    assert "Patient" in str(error)
