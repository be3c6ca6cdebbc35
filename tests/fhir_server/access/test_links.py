"""Who is tied to a person, how, and from when until when."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_server.access.cells import Part
from fhir_server.access.consents import EXCLUSION, INFORMATION, NO_EMERGENCY, OPPOSITION
from fhir_server.access.emergency import DURATION, grant_of
from fhir_server.access.facts import Facts
from fhir_server.access.links import links_of
from fhir_server.kernel.keys import Key
from fhir_server.kernel.wire import Tree
from fhir_server.search.sight import FOREVER, Link, Tie
from fhir_server.search.spans import BEGINNING, span_of
from tests.circles import (
    ALL,
    CELLS,
    DAY,
    DIRECTORY,
    GP,
    NOW,
    PERSON,
    ROLE_CLASS,
    affiliation,
    bits,
    circle,
    coding,
    consent,
    denials,
    dossier,
    facts,
    links,
    mdph_request,
    member,
    moment,
    organisation,
    outside,
    patient,
    recognition,
    relative,
    request,
    role,
    stay,
    ties,
    to,
)

ADMITTED = CELLS.bits(("identite", "coordination"), Part.WHOLE)
INFORMED = consent(INFORMATION)
NURSE = "PractitionerRole/nurse"


def test_a_person_is_tied_to_themselves_for_ever() -> None:
    assert links() == (Link(PERSON, PERSON, Tie.PERSON, allow=ALL, since=0, until=FOREVER),)


def test_somebody_who_is_not_here_has_no_links() -> None:
    gone = Facts(
        PERSON, trees={key: tree for key, tree in facts(circle(member(NURSE))).trees.items() if key != PERSON}
    )

    assert links_of(gone, CELLS, NOW) == ()


# Circles


@pytest.mark.parametrize(
    ("trees", "expected"),
    [
        ([], {Tie.OTHER: ADMITTED}),
        ([recognition(NURSE)], {Tie.TEAM: ALL}),
        ([recognition("Organization/ssiad")], {Tie.TEAM: ALL}),
        ([recognition("Practitioner/nurse")], {Tie.TEAM: ALL}),
        ([recognition("CareTeam/payet")], {Tie.TEAM: ALL}),
        ([recognition(NURSE, data=["plan"])], {Tie.TEAM: bits("plan"), Tie.OTHER: ADMITTED}),
        ([recognition("Organization/saad")], {Tie.OTHER: ADMITTED}),
        ([recognition(NURSE, proof=False)], {Tie.OTHER: ADMITTED}),
        ([recognition(NURSE, status="inactive")], {Tie.OTHER: ADMITTED}),
        ([recognition("Organization/ssiad"), recognition(NURSE, type="deny")], {Tie.OTHER: ADMITTED}),
        ([INFORMED], {Tie.OTHER_INFORMED: ADMITTED}),
        ([INFORMED, recognition(NURSE)], {Tie.TEAM_INFORMED: ALL}),
    ],
)
def test_a_member_is_of_the_team_once_the_person_recognised_them(
    trees: list[Tree], expected: dict[Tie, int]
) -> None:
    assert ties(links(circle(member(NURSE)), *trees), NURSE) == expected


def test_a_class_is_recognised_as_one() -> None:
    nurses = recognition(
        "#nurses",
        contained=[
            {"resourceType": "PractitionerRole", "id": "nurses", "code": role("x", "y", "G15_60")["code"]}
        ],
    )

    found = links(circle(member(NURSE), member("PractitionerRole/helper")), nurses)

    assert ties(found, NURSE) == {Tie.TEAM: ALL}
    assert ties(found, "PractitionerRole/helper") == {Tie.OTHER: ADMITTED}


def test_being_recognised_without_being_in_the_circle_ties_nobody() -> None:
    assert ties(links(recognition(NURSE)), NURSE) == {}


def test_a_circle_that_a_consent_names_is_as_it_was_on_that_day() -> None:
    team = circle(member(NURSE), member("PractitionerRole/helper", start="2026-07-02"))

    found = links(team, recognition("CareTeam/payet", dated="2026-07-01T10:00:00Z"))

    assert ties(found, NURSE) == {Tie.TEAM: ALL}
    assert ties(found, "PractitionerRole/helper") == {Tie.OTHER: ADMITTED}


@pytest.mark.parametrize("status", ["proposed", "suspended", "inactive", "entered-in-error"])
def test_only_an_active_circle_ties(status: str) -> None:
    assert ties(links(circle(member(NURSE), status=status)), NURSE) == {}


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        ("2026-06-01", "", (moment("2026-06-01"), FOREVER)),
        ("2026-11-01", "", (moment("2026-11-01"), FOREVER)),
        ("2026-06-01", "2026-12-24", (moment("2026-06-01"), moment("2026-12-25"))),
        ("2026-05-01", "2026-12-24", (moment("2026-06-01"), moment("2026-12-25"))),  # the circle is younger
    ],
)
def test_a_link_starts_and_ends_by_itself(start: str, end: str, expected: tuple[int, int]) -> None:
    [link] = [link for link in links(circle(member(NURSE, start, end))) if link.tie is Tie.OTHER]

    assert (link.since, link.until) == expected


def test_what_is_over_is_no_link() -> None:
    assert ties(links(circle(member(NURSE, "2026-06-01", "2026-09-29"))), NURSE, NOW - 90 * DAY) == {}


def test_somebody_who_comes_back_is_tied_twice() -> None:
    team = circle(member(NURSE, "2026-10-02", "2026-10-03"), member(NURSE, "2026-10-10"))

    spells = [(link.since, link.until) for link in links(team) if str(link.actor) == NURSE]

    assert spells == [(moment("2026-10-02"), moment("2026-10-04")), (moment("2026-10-10"), FOREVER)]


def test_the_medecin_traitant_is_of_the_team_as_such() -> None:
    found = links(circle(member("PractitionerRole/gp", pcp=True)))

    assert ties(found, "PractitionerRole/gp") == {Tie.PCP: ALL, Tie.TEAM: ALL}


def test_an_organisation_is_nobodys_medecin_traitant() -> None:
    assert ties(links(circle(member("Organization/msp", pcp=True))), "Organization/msp") == {
        Tie.OTHER: ADMITTED
    }


def test_a_dac_in_the_circle_is_of_the_team_after_information_but_for_health() -> None:
    team = circle(member("PractitionerRole/coordinator"))

    assert ties(links(team), "PractitionerRole/coordinator") == {Tie.OTHER: ADMITTED}
    assert ties(links(team, INFORMED), "PractitionerRole/coordinator") == {
        Tie.TEAM_INFORMED: ALL & ~bits("sante", "sante-sensible", "trace")
    }


def test_being_in_the_circle_opens_nothing_to_the_family() -> None:
    daughter = relative("daughter", (ROLE_CLASS, "CAREGIVER"))

    assert ties(links(circle(member("RelatedPerson/daughter")), daughter), "RelatedPerson/daughter") == {}


@pytest.mark.parametrize(
    "directory",
    [
        [tree for tree in DIRECTORY if (tree["resourceType"], tree["id"]) != ("PractitionerRole", "nurse")],
        [*DIRECTORY, role("nurse", "ssiad", active=False)],
        [*DIRECTORY, role("nurse", "ssiad", period={"end": "2026-09-01"})],
    ],
    ids=["unverified", "inactive", "no longer there"],
)
def test_actors_that_the_directory_does_not_vouch_for_are_tied_to_nobody(directory: list[Tree]) -> None:
    found = links(circle(member(NURSE, pcp=True)), recognition(NURSE), outside(NURSE), directory=directory)

    assert ties(found, NURSE) == {}


def test_two_organisations_of_a_formal_team_are_one_team() -> None:
    team = circle(member("PractitionerRole/helper"), member(NURSE))
    formal = [affiliation("msp", of="dac"), affiliation("msp", of="saad")]

    assert ties(links(team, dossier("dac"), *formal), "PractitionerRole/helper") == {Tie.TEAM: ALL}
    assert ties(links(team, dossier("dac"), *formal), NURSE) == {Tie.OTHER: ADMITTED}
    assert ties(links(team, *formal), "PractitionerRole/helper") == {Tie.OTHER: ADMITTED}
    assert ties(links(team, dossier("dac", "planned"), *formal), "PractitionerRole/helper") == {
        Tie.OTHER: ADMITTED
    }


def test_a_formal_team_alone_ties_nobody() -> None:
    found = links(dossier("dac"), affiliation("msp", of="dac"), affiliation("msp", of="saad"))

    assert ties(found, "Organization/saad") == {}


# Stays and records


@pytest.mark.parametrize(
    ("tree", "actor", "expected"),
    [
        (stay("hospital"), "hospital", {Tie.TEAM: ALL}),
        (stay("geriatrics"), "hospital", {Tie.TEAM: ALL}),  # the establishment is one team
        (stay("geriatrics"), "group", {}),  # a legal entity is none
        (stay("group"), "group", {Tie.TEAM: ALL}),
        (stay("hospital", "onleave"), "hospital", {Tie.TEAM: ALL}),
        (stay("hospital", "finished"), "hospital", {}),
        (stay("hospital", "cancelled"), "hospital", {}),
        (stay("hospital", end="2026-09-30"), "hospital", {}),
        (stay("hospital", start="2026-10-02"), "hospital", {}),
        (dossier("dac"), "dac", {Tie.TEAM: ALL}),
        (dossier("dac", "onhold"), "dac", {Tie.TEAM: ALL}),
        (dossier("dac", "finished"), "dac", {}),
    ],
)
def test_the_institution_of_a_stay_is_a_team(tree: Tree, actor: str, expected: dict[Tie, int]) -> None:
    assert ties(links(tree), f"Organization/{actor}") == expected


@pytest.mark.parametrize(
    "tree", [stay("dac", "planned"), dossier("dac", "planned"), dossier("dac", "waitlist")]
)
def test_what_is_being_prepared_opens_what_preparing_needs(tree: Tree) -> None:
    allowed = ties(links(tree), "Organization/dac")[Tie.OTHER]

    assert not allowed & bits("sante", "sante-sensible", "social", "autonomie", "plan", "liaison")
    assert not bits("identite", "consentement") & ~allowed


def test_an_unverified_institution_is_no_team() -> None:
    assert ties(links(stay("stranger")), "Organization/stranger") == {}


# Consents


def test_a_consent_ties_whom_it_names() -> None:
    found = links(outside("Organization/pharmacy", data=["sante"]))

    [link] = [link for link in found if link.tie is Tie.OTHER]
    assert (str(link.actor), link.allow, link.named) == (
        "Organization/pharmacy",
        bits("sante"),
        bits("sante"),
    )


def test_a_consent_may_name_a_class() -> None:
    pharmacists = {"resourceType": "PractitionerRole", "id": "all", "code": role("x", "y", "G15_21")["code"]}

    found = links(outside("#all", contained=[pharmacists]))

    assert ties(found, str(Key("class", "pharmacien"))) == {Tie.OTHER: ALL}


def test_naming_a_member_of_the_team_opens_what_needs_a_consent() -> None:
    found = links(circle(member(NURSE)), recognition(NURSE), outside(NURSE, data=["sante-sensible"]))

    assert ties(found, NURSE) == {Tie.TEAM: ALL, Tie.OTHER: bits("sante-sensible")}
    assert {link.named for link in found if link.tie is Tie.OTHER} == {bits("sante-sensible")}


def test_a_measure_of_protection_names_a_professional() -> None:
    measure = consent(
        "mesure-protection", "PractitionerRole/guardian", data=["administratif"], end="2030-01-31"
    )

    [link] = [link for link in links(measure) if link.tie is Tie.OTHER]

    assert (link.allow, link.named) == (bits("administratif"), bits("administratif"))
    assert (link.since, link.until) == (moment("2026-07-01T10:00:00Z"), moment("2030-02-01"))


def test_information_that_comes_later_changes_the_tie_then() -> None:
    told = consent(INFORMATION, dated="2026-10-05T09:00:00Z")

    spells = [
        (link.tie, link.since, link.until)
        for link in links(circle(member(NURSE)), recognition(NURSE), told)
        if str(link.actor) == NURSE and link.until > NOW and link.tie is not Tie.OTHER
    ]

    assert spells == [
        (Tie.TEAM, moment("2026-07-01T10:00:00Z"), moment("2026-10-05T09:00:00Z")),
        (Tie.TEAM_INFORMED, moment("2026-10-05T09:00:00Z"), FOREVER),
    ]


def test_information_that_leaves_health_out_informs_of_nothing_here() -> None:
    assert Tie.OTHER in ties(links(circle(member(NURSE)), consent(INFORMATION, data=["social"])), NURSE)


# Requests


@pytest.mark.parametrize("status", ["requested", "received", "accepted", "in-progress", "on-hold"])
def test_who_is_asked_for_help_sees_whom_it_is_about(status: str) -> None:
    allowed = ties(links(request("Organization/dac", status=status)), "Organization/dac")[Tie.SOLLICITATION]

    assert not bits("identite", "sollicitation") & ~allowed
    assert not allowed & bits("sante", "plan", "liaison", "social", "autonomie", "message")


@pytest.mark.parametrize("status", ["completed", "rejected", "cancelled", "entered-in-error", "draft"])
def test_a_request_that_is_answered_ties_nobody_any_more(status: str) -> None:
    assert ties(links(request("Organization/dac", status=status)), "Organization/dac") == {}


def test_a_request_to_a_mdph_ties_the_mdph_and_nobody_else() -> None:
    assert ties(links(mdph_request("Organization/mdph")), "Organization/mdph") == {Tie.MDPH: ALL}
    assert ties(links(mdph_request("Organization/dac")), "Organization/dac") == {}


def test_an_identity_feed_is_tied_to_the_identity() -> None:
    fed = patient(
        managingOrganization=to("Organization/hospital"),
        identifier=[
            {"value": "1", "assigner": to("Organization/ssiad")},
            {"value": "2", "assigner": to("Organization/saad"), "period": {"end": "2026-01-01"}},
        ],
    )
    found = links(fed)

    assert ties(found, "Organization/hospital") == {Tie.FEED: bits("identite")}
    assert ties(found, "Organization/ssiad") == {Tie.FEED: bits("identite")}
    assert ties(found, "Organization/saad") == {}


# Emergencies


def grant(at: int = NOW, reason: str = "Chute, personne inconsciente", id: str = "1") -> Tree:
    return grant_of(GP, PERSON, id, reason, at)


def test_an_emergency_lasts_four_hours() -> None:
    found = links(grant())
    [link] = [link for link in found if link.tie is Tie.EMERGENCY]

    assert (str(link.actor), link.since, link.until) == ("PractitionerRole/gp", NOW, NOW + DURATION)
    assert not link.allow & bits("message", "trace", "sollicitation")


def test_a_grant_that_says_it_lasts_longer_does_not() -> None:
    forged = grant()
    forged["extension"][0]["extension"][0]["valuePeriod"]["end"] = "2030-01-01"

    [link] = [link for link in links(forged) if link.tie is Tie.EMERGENCY]

    assert link.until == NOW + DURATION


@pytest.mark.parametrize("name", ["start", "end"])
def test_a_grant_without_start_or_end_opens_nothing(name: str) -> None:
    forged = grant()
    del forged["extension"][0]["extension"][0]["valuePeriod"][name]

    assert ties(links(forged), "PractitionerRole/gp") == {}


def test_an_opposition_to_emergency_access_ends_it_at_once() -> None:
    opposed = consent(NO_EMERGENCY, type="deny", start="2026-10-01T09:00:00Z")
    found = links(grant(), opposed)

    assert Tie.EMERGENCY in ties(found, "PractitionerRole/gp")
    assert ties(found, "PractitionerRole/gp", moment("2026-10-01T09:00:00Z")) == {}


# Denials


def test_an_exclusion_stands_above_everything_and_holds_in_every_function() -> None:
    kept_out = consent(EXCLUSION, "PractitionerRole/gp", type="deny")
    found = links(circle(member("PractitionerRole/gp", pcp=True)), kept_out)

    assert denials(found, "PractitionerRole/gp") == (ALL, 0)
    assert denials(found, "Practitioner/gp") == (ALL, 0)


def test_an_exclusion_needs_no_verified_actor() -> None:
    stranger = "PractitionerRole/stranger"

    assert denials(links(consent(EXCLUSION, stranger, type="deny")), stranger) == (ALL, 0)


def test_nobody_is_excluded_from_their_own_record() -> None:
    found = links(consent(EXCLUSION, PERSON, type="deny"), consent(OPPOSITION, PERSON, type="deny"))

    assert denials(found, str(PERSON)) == (0, 0)


def test_an_opposition_binds_everybody_who_is_tied_but_the_person_and_who_represents_them() -> None:
    child = patient(birthDate="2015-03-01")
    found = links(
        child,
        circle(member(NURSE)),
        stay("hospital"),
        outside("Organization/pharmacy"),
        relative("mother", (ROLE_CLASS, "GUARD")),
        relative("aunt"),
        consent("acces-aidant", "RelatedPerson/aunt", data=["plan"], start="2026-01-01"),
        consent(OPPOSITION, type="deny", data=["plan"]),
    )

    for actor in (NURSE, "Organization/hospital", "Organization/pharmacy", "RelatedPerson/aunt"):
        assert denials(found, actor) == (0, bits("plan"))
    for actor in (str(PERSON), "RelatedPerson/mother"):
        assert denials(found, actor) == (0, 0)


def test_an_opposition_may_name_one_organisation() -> None:
    found = links(
        circle(member(NURSE)), stay("hospital"), consent(OPPOSITION, "Organization/hospital", type="deny")
    )

    assert denials(found, "Organization/hospital") == (0, ALL)
    assert denials(found, NURSE) == (0, 0)


def test_an_opposition_that_starts_later_binds_later() -> None:
    found = links(circle(member(NURSE)), consent(OPPOSITION, type="deny", start="2026-12-01"))

    assert denials(found, NURSE) == (0, 0)
    assert denials(found, NURSE, moment("2026-12-01")) == (0, ALL)


# Whatever the facts

SPELLS = st.tuples(st.integers(1, 28), st.integers(0, 40)).map(
    lambda days: (f"2026-09-{days[0]:02d}", f"2026-10-{min(days[1], 28):02d}" if days[1] else "")
)
CODES = st.sampled_from(
    ["consentement-hors-equipe", "reconnaissance-equipe", EXCLUSION, OPPOSITION, INFORMATION, NO_EMERGENCY]
)
ACTORS = ["PractitionerRole/nurse", "PractitionerRole/gp", "Organization/ssiad", "Organization/hospital"]


@st.composite
def decisions(draw: st.DrawFn) -> Tree:
    start, end = draw(SPELLS)
    return consent(
        draw(CODES),
        draw(st.sampled_from(ACTORS)),
        id=str(draw(st.integers(0, 9))),
        type=draw(st.sampled_from(["permit", "deny"])),
        data=draw(st.lists(st.sampled_from(["sante", "plan", "identite"]), max_size=2)),
        dated=draw(st.sampled_from(["2026-08-01", "2026-08-02", "2026-09-15"])),
        start=start,
        end=end,
    )


MOMENTS = [moment(f"2026-{month:02d}-{day:02d}") for month in (9, 10, 11) for day in (1, 2, 9, 15, 16, 29)]


@st.composite
def records(draw: st.DrawFn) -> list[Tree]:
    members = [member(actor, *draw(SPELLS)) for actor in draw(st.lists(st.sampled_from(ACTORS), max_size=4))]
    start, end = draw(SPELLS)
    return [
        circle(*members),
        stay("hospital", start=start, end=end),
        *draw(st.lists(decisions(), max_size=5)),
    ]


@given(records())
def test_links_of_one_actor_and_kind_never_overlap_and_say_something(trees: list[Tree]) -> None:
    found = links(*trees, now=0)

    for one, other in pairwise(found):
        assert (one.actor, one.tie) != (other.actor, other.tie) or one.until <= other.since
    for link in found:
        assert 0 <= link.since < link.until <= FOREVER
        assert link.allow | link.named | link.deny | link.oppose


@given(records(), st.sampled_from(MOMENTS))
def test_time_alone_never_changes_what_the_links_say(trees: list[Tree], now: int) -> None:
    """Links written yesterday are those of today, but for what is over: expiry needs nobody."""
    written = [link for link in links(*trees, now=0) if link.until > now]

    assert list(links(*trees, now=now)) == written


@given(records())
def test_the_order_of_the_facts_does_not_matter(trees: list[Tree]) -> None:
    unique = {(tree["resourceType"], tree["id"]): tree for tree in trees}

    assert links(*unique.values()) == links(*reversed(unique.values()))


@given(records(), decisions().filter(lambda tree: tree["provision"]["type"] == "deny"))
def test_a_denial_more_never_opens_anything(trees: list[Tree], denial: Tree) -> None:
    more = [*trees, {**denial, "id": "one-more"}]
    before, after = links(*trees, now=0), links(*more, now=0)
    for now in MOMENTS:
        for actor in ACTORS:
            had, has = ties(before, actor, now), ties(after, actor, now)
            assert all(not reach & ~_reach(had) for reach in has.values())


def _reach(found: dict[Tie, int]) -> int:
    reach = 0
    for mask in found.values():
        reach |= mask
    return reach


def test_organisations_below_one_another_do_not_loop() -> None:
    ring = [organisation("one", above="two"), organisation("two", above="one")]

    assert ties(links(stay("one"), directory=ring), "Organization/one") == {Tie.TEAM: ALL}


def test_a_role_that_the_circle_gives_is_not_a_profession() -> None:
    helper = member("PractitionerRole/helper") | {"role": [coding(ROLE_CLASS, "PROV")]}

    assert ties(links(circle(helper)), "PractitionerRole/helper") == {Tie.OTHER: ADMITTED}


def test_a_permit_about_data_of_some_time_is_a_tie_of_its_own_for_that_time() -> None:
    year = {"dataPeriod": {"start": "2025", "end": "2025"}}
    always = outside("PractitionerRole/pharmacist", data=("plan",))
    found = links(always, outside("PractitionerRole/pharmacist", data=("sante",), provision=year, id="year"))
    mine = {one.data: one.allow for one in found if str(one.actor) == "PractitionerRole/pharmacist"}

    assert mine == {None: bits("plan"), span_of("2025"): bits("plan", "sante")}


def test_a_denial_about_data_of_some_time_leaves_the_rest() -> None:
    early = {"dataPeriod": {"end": "2024"}}
    opposed = consent("opposition-partage", "PractitionerRole/nurse", type="deny", provision=early)
    found = links(circle(member("PractitionerRole/nurse")), recognition("PractitionerRole/nurse"), opposed)
    denied = [one for one in found if one.tie is Tie.DENIAL]

    assert [(str(one.actor), one.oppose, one.data) for one in denied] == [
        (actor, ALL, (BEGINNING, span_of("2024")[1]))
        for actor in ("Practitioner/nurse", "PractitionerRole/nurse")
    ]
    assert all(one.data is None for one in found if one.tie is not Tie.DENIAL)


def test_where_several_consents_are_about_data_of_some_time_the_most_recent_counts_in_each() -> None:
    def said(dated: str, years: tuple[str, str], **more: Any) -> Tree:
        period = dict(zip(("start", "end"), years, strict=True))
        return outside("PractitionerRole/pharmacist", dated=dated, provision={"dataPeriod": period}, **more)

    found = links(
        said("2026-07-01T10:00:00Z", ("2020", "2025")),
        said("2026-08-01T10:00:00Z", ("2022", "2022"), type="deny"),
    )
    mine = [one.data for one in found if str(one.actor) == "PractitionerRole/pharmacist" and one.allow]

    assert mine == [
        (span_of("2020")[0], span_of("2021")[1]),
        (span_of("2023")[0], span_of("2025")[1]),
    ]
