"""Scopes of SMART, as what they grant."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_server.access.grants import CONTEXTS, LETTERS, MOST_SCOPES, Grant, Grants, grants_of
from fhir_server.kernel.keys import Key
from fhir_server.search.entries import Hasher
from fhir_server.search.extract import entries_of
from fhir_server.search.match import matches
from fhir_server.search.query import Nothing, Query

CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
HASHER = Hasher(b"0123456789abcdef")


def observation(category: str) -> dict[str, object]:
    return {
        "resourceType": "Observation",
        "id": "1",
        "status": "final",
        "category": [{"coding": [{"system": CATEGORY, "code": category}]}],
        "code": {"text": "anything"},
    }


def is_among(grants: Grants, category: str, letters: str = "rs") -> bool:
    predicate = grants.among("Observation", letters)
    if predicate is None:
        return True
    return matches(
        Query(("Observation",), (predicate,)),
        entries_of(observation(category), HASHER, ()),
        key=Key("Observation", "1"),
        updated=0,
        hasher=HASHER,
    )


@pytest.mark.parametrize(
    ("scope", "permitted"),
    [
        ("user/Observation.rs", "rs"),
        ("user/Observation.cruds", "cruds"),
        ("user/*.d", "d"),
        ("user/Observation.read", "rs"),
        ("user/Observation.write", "cud"),
        ("user/*.*", "cruds"),
        ("user/Patient.cruds", ""),
        ("user/Patient.cruds user/Observation.c user/*.s", "cs"),
    ],
)
def test_scopes_of_both_versions_permit_what_their_letters_say(scope: str, permitted: str) -> None:
    grants = grants_of(scope)

    assert "".join(letter for letter in LETTERS if grants.permits("Observation", letter)) == permitted


@pytest.mark.parametrize(
    "scope",
    [
        "user/Observation.sr",  # not in the order of the specification
        "user/Observation.",
        "user/Observation.x",
        "user/Observation",
        "admin/Observation.r",
        "user/Nothing.r",
        "User/Observation.r",
        "user/observation.r",
        "user/Observation.read?category=laboratory",  # version 1 has no criteria
        "user/Observation.r?",
        "user/Observation.r?zork=1",
        "user/Observation.r?_count=1",
        "user/Observation.r?category:in=http://example.org/ValueSet/a",
        "user/Observation.r?subject.name=a",
        "user/Observation.r?_has:Provenance:target:agent=a",
        "user/Observation.r?category=%00",
        "user/Observation.r?category=%ff",
    ],
)
def test_a_scope_that_cannot_be_read_grants_nothing_and_is_listed(scope: str) -> None:
    grants = grants_of(scope)

    assert not any(grants.permits("Observation", letter) for letter in LETTERS)
    assert grants.ignored == (scope,)


def test_scopes_that_say_how_a_client_starts_are_known_and_grant_nothing() -> None:
    assert grants_of("openid fhirUser launch/patient offline_access") == Grants()


def test_no_scope_grants_nothing() -> None:
    assert grants_of("").among("Patient") == Nothing()
    assert not grants_of("").permits("Patient", "r")


def test_criteria_narrow_what_a_scope_grants() -> None:
    grants = grants_of(f"patient/Observation.rs?category={CATEGORY}|laboratory")

    assert is_among(grants, "laboratory")
    assert not is_among(grants, "vital-signs")
    assert grants.among("Patient") == Nothing()


def test_several_scopes_grant_what_any_of_them_grants() -> None:
    grants = grants_of(
        "patient/Observation.rs?category=laboratory patient/Observation.rs?category=vital-signs"
    )

    assert is_among(grants, "laboratory")
    assert is_among(grants, "vital-signs")
    assert not is_among(grants, "survey")


def test_a_scope_without_criteria_beside_one_that_has_them_narrows_nothing() -> None:
    grants = grants_of("patient/Observation.rs?category=laboratory patient/*.read")

    assert grants.among("Observation") is None


def test_criteria_of_one_letter_do_not_narrow_another() -> None:
    grants = grants_of("user/Observation.r user/Observation.s?category=laboratory user/Observation.c")

    assert grants.among("Observation", "r") is None
    assert grants.among("Observation", "c") is None
    assert not is_among(grants, "survey", "s")
    assert not is_among(grants, "survey", "rs")
    assert grants.among("Observation", "d") == Nothing()


def test_criteria_on_all_types_leave_out_those_that_have_no_such_parameter() -> None:
    grants = grants_of("system/*.rs?category=laboratory")

    assert is_among(grants, "laboratory")
    assert grants.among("Patient") == Nothing()


def test_criteria_side_by_side_must_all_be_met() -> None:
    grants = grants_of("user/Observation.rs?category=laboratory&status=amended")

    assert not is_among(grants, "laboratory")


def test_only_scopes_of_a_patient_keep_a_client_to_that_patient() -> None:
    grants = grants_of("patient/Observation.rs patient/Patient.r user/Patient.rs")

    assert grants.of_patient("Observation", "r")
    assert not grants.of_patient("Patient", "r")
    assert not grants.patient
    assert grants_of("patient/*.rs").patient
    assert not grants_of("").patient


def test_a_system_has_nothing_of_the_scopes_of_persons() -> None:
    grants = grants_of("user/*.cruds patient/*.rs system/Patient.r").within(("system",))

    assert str(grants) == "system/Patient.r"


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        ("system/*.rs", "system/Observation.cruds", "system/Observation.rs"),
        ("system/Observation.r", "system/Observation.s", ""),
        ("system/Observation.rs", "user/Observation.rs", ""),
        ("system/Observation.rs", "system/Patient.rs", ""),
        (
            "system/Observation.rs?category=laboratory",
            "system/*.rs?status=final",
            "system/Observation.rs?category=laboratory&status=final",
        ),
        (
            "system/*.rs",
            "system/Observation.r?category=a system/Patient.s",
            "system/Observation.r?category=a system/Patient.s",
        ),
    ],
)
def test_what_a_client_gets_is_what_it_asks_for_and_may_have(one: str, other: str, both: str) -> None:
    assert str(grants_of(one).meet(grants_of(other))) == both
    assert str(grants_of(other).meet(grants_of(one))) in {
        both,
        "system/Observation.rs?status=final&category=laboratory",
    }


def test_scopes_beyond_the_most_of_a_token_grant_nothing() -> None:
    grants = grants_of(" ".join([*["user/Patient.r"] * MOST_SCOPES, "user/*.cruds"]))

    assert not grants.permits("Patient", "c")
    assert grants.ignored == ("user/*.cruds",)


grant_values = st.builds(
    Grant,
    st.sampled_from(CONTEXTS),
    st.sampled_from(["*", "Patient", "Observation"]),
    st.sets(st.sampled_from(LETTERS), min_size=1).map(lambda some: "".join(sorted(some, key=LETTERS.index))),
    st.sampled_from(["", "category=laboratory", "status=final"]),
)


@given(st.lists(grant_values, max_size=5))
def test_what_is_granted_can_be_written_as_scopes_and_read_again(grants: list[Grant]) -> None:
    scope = str(Grants(tuple(dict.fromkeys(grants))))

    read = grants_of(scope)

    assert set(read.of) == {grant for grant in grants if not (grant.type == "Patient" and grant.criteria)}


@given(st.lists(grant_values, max_size=4), st.lists(grant_values, max_size=4), st.sampled_from(LETTERS))
def test_nothing_is_in_both_that_is_not_in_each(one: list[Grant], other: list[Grant], letter: str) -> None:
    mine, theirs = Grants(tuple(one)), Grants(tuple(other))

    both = mine.meet(theirs)

    for type_ in ("Patient", "Observation"):
        if both.permits(type_, letter):
            assert mine.permits(type_, letter)
            assert theirs.permits(type_, letter)


@given(st.text(max_size=60))
def test_any_text_is_read_as_a_scope(text: str) -> None:
    grants_of(text)
