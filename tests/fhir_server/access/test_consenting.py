"""Who may record a consent: what is in favour of somebody, until when, and which proof it takes."""

from __future__ import annotations

from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_server.access.consenting import judge_consent
from fhir_server.access.consents import CARER, EXCLUSION, NO_EMERGENCY, OPPOSITION, PROTECTION
from fhir_server.access.decisions import CONSENT, WRITING, Decision, allowed, refused
from fhir_server.kernel.keys import Key
from fhir_server.kernel.wire import Tree
from tests.circles import (
    CELLS,
    CITIZEN,
    DAY,
    NOW,
    NURSE,
    PERSON,
    consent,
    facts,
    moment,
    outside,
    relative,
    to,
)

DAUGHTER: Final = Key("RelatedPerson", "daughter")
DAUGHTERS: Final = CELLS.all & ~CELLS.bits(("sante-sensible",))  # what she speaks for the person about
PHARMACY: Final = "Organization/pharmacy"
FORM: Final = {"sourceReference": to("DocumentReference/1")}
OTHER_FORM: Final = {"sourceReference": to("DocumentReference/2")}
UNPROVEN: Final = "consent: without proof of whoever gives it (source or verification)"
NOT_GIVEN: Final = "consent: Consent.performer is neither the person nor who represents them in this"


def judge(
    old: Tree | None, new: Tree | None, *, actors: tuple[Key, ...] = NURSE.actors, now: int = NOW
) -> tuple[Decision, bool]:
    """Judged where the person and their daughter speak for the person, she of some data, and nobody else."""
    return judge_consent(
        old,
        new,
        actors=actors,
        facts=facts(relative("daughter")),
        cells=CELLS,
        now=now,
        represents=lambda key, cells: key == PERSON or (key == DAUGHTER and not cells & ~DAUGHTERS),
    )


def favours(old: Tree | None, new: Tree | None, *, now: int = NOW) -> bool:
    return judge(old, new, now=now)[1]


# In favour of somebody


CATEGORIES = st.sets(st.sampled_from(["sante", "plan", "social"]), min_size=1).map(sorted)
DAYS = st.integers(2, 28).map("2026-10-{:02}".format)


@given(CATEGORIES, CATEGORIES)
def test_a_permit_of_more_is_a_favour_and_so_is_a_denial_of_less(old: list[str], new: list[str]) -> None:
    permit = [outside(PHARMACY, data=one) for one in (old, new)]
    denial = [consent(OPPOSITION, type="deny", data=one) for one in (old, new)]

    assert favours(*permit) is (not set(new) <= set(old))
    assert favours(*denial) is (not set(old) <= set(new))


@given(DAYS, DAYS)
def test_a_permit_for_longer_is_a_favour_and_so_is_a_shorter_denial(old: str, new: str) -> None:
    permit = [outside(PHARMACY, start="2026-09-01", end=one) for one in (old, new)]
    denial = [consent(OPPOSITION, type="deny", start="2026-09-01", end=one) for one in (old, new)]

    assert favours(*permit) is (new > old)
    assert favours(*denial) is (new < old)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("2026-07-01", "2026-07-01", (False, False)),
        ("2026-07-01", "2026-07-02", (True, False)),
        ("2026-07-02", "2026-07-01", (False, True)),
    ],
)
def test_a_stronger_permit_is_a_favour_and_so_is_a_weaker_denial(
    old: str, new: str, expected: tuple[bool, bool]
) -> None:
    permit = [outside(PHARMACY, start="2026-08-01", dated=one) for one in (old, new)]
    denial = [consent(OPPOSITION, type="deny", dated=one) for one in (old, new)]

    assert (favours(*permit), favours(*denial)) == expected


@pytest.mark.parametrize(
    ("now", "expected"), [(moment("2026-10-06") - 1, True), (moment("2026-10-06"), False)]
)
def test_what_has_ended_favours_nobody(now: int, *, expected: bool) -> None:
    ending: dict[str, Any] = {"start": "2026-10-01", "end": "2026-10-05"}

    assert favours(None, outside(PHARMACY, **ending), now=now) is expected
    assert favours(consent(OPPOSITION, type="deny", **ending), None, now=now) is expected


YEAR: Final = {"dataPeriod": {"start": "2026", "end": "2026"}}
JUNE: Final = {"dataPeriod": {"start": "2026-06", "end": "2026-06"}}


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [(YEAR, JUNE, False), (JUNE, YEAR, True), ({}, YEAR, False), (YEAR, {}, True), (JUNE, JUNE, False)],
)
def test_a_permit_of_data_of_a_wider_time_is_a_favour(old: Tree, new: Tree, *, expected: bool) -> None:
    assert favours(outside(PHARMACY, provision=old), outside(PHARMACY, provision=new)) is expected


# What would do nothing


@pytest.mark.parametrize(
    ("tree", "rule"),
    [
        (consent(EXCLUSION, type="deny"), "Consent.provision.actor names nobody known here"),
        (outside("Group/1"), "Consent.provision.actor cannot be obeyed"),
        (
            outside(PHARMACY, start="2026-09-02", end="2026-09-01"),
            "Consent.provision.period cannot be obeyed",
        ),
        (outside(PHARMACY, provision={"data": [{}]}), "Consent.provision.data cannot be obeyed"),
        (consent(CARER, str(DAUGHTER)), "Consent.provision.code cannot be obeyed"),
        (outside(PHARMACY, proof=False), UNPROVEN.removeprefix("consent: ")),
    ],
)
def test_what_would_do_nothing_is_refused_by_the_name_of_its_fault(tree: Tree, rule: str) -> None:
    assert judge(None, tree) == (refused(CONSENT, f"consent: {rule}"), False)


@pytest.mark.parametrize(
    "tree",
    [
        outside(PHARMACY, proof=False, status="draft"),
        consent(EXCLUSION, type="deny", status="draft"),
        outside("Group/1", type="deny"),
        consent(OPPOSITION, type="deny", proof=False),
        consent(NO_EMERGENCY, type="deny", proof=False),
    ],
)
def test_what_is_not_meant_to_open_anything_is_taken_without_proof(tree: Tree) -> None:
    assert judge(None, tree) == (allowed(WRITING, "consent: nothing opened"), False)


# Which proof


@pytest.mark.parametrize(
    ("dated", "expected"),
    [
        ("2026-10-02T08:00:00Z", True),
        ("2026-10-02T08:00:00.000001Z", False),
        ("2026-10-02", True),
        ("2026-10-03", False),
    ],
)
def test_a_consent_is_dated_no_more_than_a_day_ahead(dated: str, *, expected: bool) -> None:
    decision, _ = judge(None, outside(PHARMACY, dated=dated))

    assert decision.allowed is expected
    assert expected or decision.rule == "consent: Consent.dateTime is yet to come"
    assert judge(None, outside(PHARMACY, dated=dated), now=NOW + DAY)[0]


@pytest.mark.parametrize(
    ("actors", "more", "expected"),
    [
        (NURSE.actors, {}, allowed(WRITING, "consent: with proof")),
        (NURSE.actors, {"proof": False, **FORM}, allowed(WRITING, "consent: with proof")),
        (CITIZEN.actors, {}, allowed(WRITING, "consent: by whoever gives it")),
        (
            (DAUGHTER,),
            {"performer": DAUGHTER, "data": ["sante"]},
            allowed(WRITING, "consent: by whoever gives it"),
        ),
        ((DAUGHTER,), {"performer": DAUGHTER}, refused(CONSENT, NOT_GIVEN)),  # of all data
        ((DAUGHTER,), {}, allowed(WRITING, "consent: with proof")),
        (NURSE.actors, {"performer": "PractitionerRole/nurse"}, refused(CONSENT, NOT_GIVEN)),
        (NURSE.actors, {"performer": "Patient/other"}, refused(CONSENT, NOT_GIVEN)),
    ],
)
def test_a_permit_carries_the_proof_of_who_gave_it(
    actors: tuple[Key, ...], more: dict[str, Any], expected: Decision
) -> None:
    assert judge(None, outside(PHARMACY, **more), actors=actors) == (expected, True)


@pytest.mark.parametrize(
    ("performers", "verified", "expected"),
    [
        ([DAUGHTER], DAUGHTER, refused(CONSENT, NOT_GIVEN)),
        ([DAUGHTER, PERSON], DAUGHTER, refused(CONSENT, UNPROVEN)),
        ([DAUGHTER, PERSON], PERSON, allowed(WRITING, "consent: with proof")),
        ([], PERSON, refused(CONSENT, NOT_GIVEN)),
    ],
)
def test_whom_a_permit_favours_does_not_give_it(
    performers: list[Key], verified: Key, expected: Decision
) -> None:
    tree = consent(CARER, str(DAUGHTER), data=["plan"], performer=verified)

    decision, _ = judge(None, tree | {"performer": [*map(to, performers)]})

    assert decision == expected


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ({}, FORM, True),
        (FORM, FORM, False),
        (FORM, OTHER_FORM, True),
        (FORM, {**FORM, "sourceAttachment": {"title": "Form"}}, True),
        (FORM, {}, False),
    ],
)
def test_a_denial_is_lifted_by_a_source_that_the_version_before_had_not(
    old: Tree, new: Tree, *, expected: bool
) -> None:
    denial = consent(OPPOSITION, type="deny")

    assert judge({**denial, **old}, {**denial, **new, "status": "inactive"})[0].allowed is expected


@pytest.mark.parametrize(
    ("actors", "more", "expected"),
    [
        (NURSE.actors, FORM, True),
        (NURSE.actors, {}, False),  # the person's word is no judgment
        ((DAUGHTER,), FORM, False),  # their own
    ],
)
def test_a_measure_of_protection_is_recorded_by_others_with_its_source(
    actors: tuple[Key, ...], more: Tree, *, expected: bool
) -> None:
    measure = consent(PROTECTION, str(DAUGHTER), **more)

    assert judge(None, measure, actors=actors)[0].allowed is expected
    assert not judge({**measure, "status": "inactive"}, measure, actors=actors)[
        0
    ]  # not by the source of before


@pytest.mark.parametrize(
    "denial", [consent(OPPOSITION, type="deny"), consent(EXCLUSION, str(NURSE.actors[0]), type="deny")]
)
@pytest.mark.parametrize(("performer", "expected"), [(PERSON, True), ("PractitionerRole/nurse", False)])
def test_a_denial_that_becomes_a_measure_of_protection_is_lifted_by_whoever_speaks_for_the_person(
    denial: Tree, performer: Key | str, *, expected: bool
) -> None:
    measure = {**consent(PROTECTION, str(DAUGHTER), performer=performer), **FORM}

    assert judge(denial, measure)[0].allowed is expected
