"""What an authority finds out about a caller, narrowed by what their client may do; and whose stamps are taken."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_server.access.authority import Authority, Denied, require
from fhir_server.access.caller import ANYONE, Caller
from fhir_server.access.cells import PARTIES
from fhir_server.access.decisions import CONSENT, LABELS, MATRIX, allowed, refused
from fhir_server.access.facts import written
from fhir_server.access.grants import LETTERS, grants_of
from fhir_server.access.matrix import shipped_matrix
from fhir_server.access.policy import Policy, shipped_policy
from fhir_server.access.standing import Write
from fhir_server.definitions.parameters import CORE
from fhir_server.kernel import times
from fhir_server.kernel.keys import Key
from fhir_server.kernel.wire import Tree
from fhir_server.search.parse import criteria_of
from fhir_server.search.query import AllOf, Nothing, Predicate, Visible
from fhir_server.search.scopes import scope_of
from fhir_server.search.sight import Label, Stamp
from fhir_server.search.view import View
from tests.circles import CITIZEN, NOW, NURSE, PERSON, PHARMACIST, circle, facts, member, outside, to
from tests.fhir_server.access.stamping import CELLS, TABLES, TEAM

AUTHORITY: Final = Authority(shipped_policy())
RELEASING: Final = Authority(Policy(shipped_matrix(), CELLS, TABLES, released=(TEAM,)))
BASES: Final = ("https://fhir.example/r4",)
LABORATORY: Final = criteria_of("Observation", "category=laboratory").where[0]


def client(scope: str, patient: Key | None = None) -> Caller:
    """A nurse, whose client was granted these scopes."""
    return replace(NURSE, grants=grants_of(scope), patient=patient)


def seen(caller: Caller, by: Authority = AUTHORITY) -> View:
    view = by.view_of(caller)
    assert view is not None
    return view


# What a client may do at all


@pytest.mark.parametrize(
    ("caller", "letters"),
    [
        (ANYONE, "cruds"),
        (NURSE, "cruds"),  # no client that was granted anything stands between
        (client(""), ""),
        (client("user/Patient.cruds"), ""),
        (client("user/Observation.rs"), "rs"),
        (client("user/Observation.rs user/*.c"), "crs"),
        (client("patient/Observation.u"), "u"),
    ],
)
def test_a_client_may_do_what_it_was_granted(caller: Caller, letters: str) -> None:
    assert "".join(one for one in LETTERS if AUTHORITY.permits(caller, "Observation", one)) == letters


QUESTIONS = st.tuples(st.sampled_from(["Observation", "Patient"]), st.sampled_from(LETTERS))


@given(st.lists(st.tuples(st.sampled_from(["user/Patient.rs", "user/*.cu", ""]), QUESTIONS)))
def test_what_was_answered_before_answers_nothing_else(asked: list[tuple[str, tuple[str, str]]]) -> None:
    callers = {scope: client(scope) for scope, _ in asked}

    for scope, question in asked:
        assert AUTHORITY.permits(callers[scope], *question) is grants_of(scope).permits(*question)


# What a caller may see


def test_everything_is_seen_where_nobody_is_known() -> None:
    assert AUTHORITY.view_of(ANYONE) is None


@pytest.mark.parametrize("caller", [CITIZEN, NURSE, Caller("operator"), Caller("system")])
def test_without_grants_a_caller_sees_what_the_policy_gives(caller: Caller) -> None:
    sight = AUTHORITY.policy.sight_of(caller)

    assert sight is not None
    assert seen(caller) == View(sight)


def test_a_view_is_made_once_and_is_of_whatever_time_it_is_asked_about() -> None:
    caller = client("user/*.rs")

    view = seen(caller)
    begun = times.now()

    assert seen(caller) is view
    assert begun <= view.sight.moment <= times.now()


def test_another_policy_gives_another_view() -> None:
    released = [seen(CITIZEN, by=by).sight.released for by in (AUTHORITY, RELEASING, AUTHORITY)]

    assert released == [(), (TEAM,), ()]


def test_a_copy_with_other_grants_is_looked_at_anew() -> None:
    narrow = client("user/Observation.rs")
    assert not seen(narrow).reads("Patient")
    assert not AUTHORITY.permits(narrow, "Patient", "r")

    wide = replace(narrow, grants=grants_of("user/*.rs"))

    assert seen(wide).reads("Patient")
    assert AUTHORITY.permits(wide, "Patient", "r")


@pytest.mark.parametrize(
    ("scope", "types"),
    [
        ("user/*.rs", None),
        ("user/*.r", None),
        ("user/Observation.r", {"Observation"}),
        ("user/Observation.s patient/Patient.r", {"Observation", "Patient"}),
        ("user/Observation.cud", set()),
        ("", set()),
    ],
)
def test_a_client_sees_the_types_that_it_may_read_or_find(scope: str, types: set[str] | None) -> None:
    assert seen(client(scope)).types == types


def of_patient(type: str) -> Predicate:
    within = scope_of(type, PERSON, (), CORE).within
    assert within is not None
    return within


@pytest.mark.parametrize(
    ("scope", "patient", "expected"),
    [
        ("user/Patient.rs", None, (Nothing(),)),
        ("user/Observation.rs", None, (Visible(),)),
        ("user/Observation.rs", PERSON, (Visible(),)),
        ("user/Observation.rs?category=laboratory", None, (Visible(), LABORATORY)),
        ("patient/Observation.rs", PERSON, (Visible(), of_patient("Observation"))),
        ("patient/Observation.rs", None, (Visible(), Nothing())),  # launched for nobody
        ("patient/Observation.r user/Observation.r", PERSON, (Visible(),)),
        ("patient/Observation.r user/Observation.s", PERSON, (Visible(), of_patient("Observation"))),
        (
            "patient/Observation.rs?category=laboratory",
            PERSON,
            (Visible(), AllOf((of_patient("Observation"), LABORATORY))),
        ),
        ("patient/Observation.c user/Observation.rs", PERSON, (Visible(),)),
    ],
)
def test_of_a_type_a_client_sees_what_its_scopes_are_about(
    scope: str, patient: Key | None, expected: tuple[Predicate, ...]
) -> None:
    assert seen(client(scope, patient)).criteria("Observation") == expected


@pytest.mark.parametrize(
    ("type", "whole"),
    [("Organization", True), ("Questionnaire", True), ("Patient", False), ("CareTeam", False)],
)
def test_a_client_of_one_patient_reads_whole_what_is_in_nobodys_record(type: str, *, whole: bool) -> None:
    assert seen(client("patient/*.rs", PERSON)).reads(type) is whole


# Whose stamps are taken


@pytest.mark.parametrize(
    ("resource", "sources"),
    [
        ({"resourceType": "Provenance"}, []),
        ({"resourceType": "Provenance", "target": [to("Patient/1"), to("Goal/1")]}, ["Patient/1", "Goal/1"]),
        ({"resourceType": "Provenance", "target": [to("Goal/1"), to("Goal/1/_history/2")]}, ["Goal/1"]),
        ({"resourceType": "Provenance", "target": [to(f"{BASES[0]}/Goal/1")]}, ["Goal/1"]),
        ({"resourceType": "Provenance", "target": [to("https://x.example/Goal/1")]}, []),
        ({"resourceType": "Provenance", "target": [{"identifier": {"value": "1"}}, to("#a")]}, []),
        ({"resourceType": "Provenance", "partOf": [to("Goal/1")]}, []),
        ({"resourceType": "Media", "partOf": [to("Communication/1")]}, ["Communication/1"]),
        ({"resourceType": "Media", "target": [to("Communication/1")]}, []),
        ({"resourceType": "Observation", "partOf": [to("Procedure/1")]}, []),
    ],
)
def test_a_provenance_takes_after_its_targets_and_a_media_after_what_it_is_part_of(
    resource: Tree, sources: list[str]
) -> None:
    assert [*map(str, AUTHORITY.sources_of(resource, BASES))] == sources


SOCIAL, HEALTH = (Stamp(CELLS.of(one), 0, (PERSON,)) for one in ("social", "sante"))
SENSITIVE = Stamp(CELLS.of("sante-sensible"), 0, (PERSON,))
MASKED = replace(HEALTH, labels=int(Label.MASQUE_PS))


@pytest.mark.parametrize(
    ("stamp", "referrer", "expected"),
    [
        (Stamp(PARTIES), HEALTH, HEALTH),  # until then it is its creator's alone
        (Stamp(PARTIES, parties=(TEAM,), authors=(TEAM,)), MASKED, MASKED),
        (HEALTH, SENSITIVE, SENSITIVE),
        (SENSITIVE, HEALTH, SENSITIVE),
        (MASKED, HEALTH, MASKED),
        (HEALTH, SOCIAL, replace(HEALTH, cell=PARTIES)),
        (replace(HEALTH, cell=PARTIES), SOCIAL, replace(SOCIAL, cell=PARTIES)),  # not anew
    ],
)
def test_what_stands_behind_is_as_strict_as_all_that_ever_referred_to_it(
    stamp: Stamp, referrer: Stamp, expected: Stamp
) -> None:
    assert AUTHORITY.behind(stamp, referrer) == expected


# Refusals


def test_a_refusal_is_raised_with_whom_the_act_was_about() -> None:
    require(allowed(MATRIX, "plan: all"), (PERSON,))
    with pytest.raises(Denied, match="This is not allowed here: masked") as error:
        require(refused(LABELS, "masked"), [PERSON])

    assert error.value.decision == refused(LABELS, "masked")
    assert error.value.persons == (PERSON,)
    assert error.value.challenge == ""


def test_a_refusal_that_a_surer_login_would_change_asks_for_one() -> None:
    with pytest.raises(Denied) as error:
        require(refused(CONSENT, "emergency", level="eidas2"))

    assert 'acr_values="eidas2 eidas3"' in error.value.challenge


BEFORE: Final = facts(circle(member("PractitionerRole/nurse")))
WRITE: Final = Write(None, outside("Organization/pharmacy"))
LATER: Final = written(BEFORE, [(WRITE.old, WRITE.new)])


def test_a_tie_that_the_table_of_links_refuses_is_refused_about_the_person() -> None:
    AUTHORITY.require_tying(NURSE, BEFORE, LATER, [WRITE], NOW)
    with pytest.raises(Denied) as error:
        AUTHORITY.require_tying(PHARMACIST, BEFORE, LATER, [WRITE], NOW)

    assert error.value.persons == (PERSON,)


def test_nothing_is_announced_where_nobody_is_known() -> None:
    assert AUTHORITY.announcement_of(NURSE, BEFORE, LATER, [WRITE], "1", NOW) is not None
    assert AUTHORITY.announcement_of(ANYONE, BEFORE, LATER, [WRITE], "1", NOW) is None
