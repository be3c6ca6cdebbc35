"""Decisions: who may create, update and delete what, and why a read is allowed or not."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fhir_server.access.caller import Caller, CallerKind
from fhir_server.access.categories import ACTORS, PRODUCTS
from fhir_server.access.cells import PARTIES, Part
from fhir_server.access.decisions import CONSENT, LABELS, LINK, MATRIX, WHO, WRITING
from fhir_server.access.matrix import ROLES
from fhir_server.access.policy import Action, shipped_policy
from fhir_server.kernel.keys import Key
from fhir_server.search.sight import FOREVER, OPERATORS, PUBLIC, Label, Link, Stamp, Tie, sees

POLICY = shipped_policy()
CELLS = POLICY.cells
ONE, TWO = Key("Patient", "1"), Key("Patient", "2")
ME, OTHER = Key("PractitionerRole", "me"), Key("PractitionerRole", "other")
TEAM = Key("Organization", "team")
EVERYTHING = CELLS.all
SENSITIVE = int(Label.SENSITIVE)


def caller(*roles: str, kind: CallerKind = "professional", **fields: Any) -> Caller:
    return Caller(kind, roles=roles, **{"actors": (ME, TEAM), **fields})


NURSE, DOCTOR, COORDINATOR = caller("infirmier"), caller("medecin"), caller("coordonnateur")
HOME_HELP, CITIZEN = caller("aide-domicile"), caller("personne", kind="citizen", actors=(ONE,))
SECRETARY, FEEDER = caller("secretariat", delegator=OTHER), caller("trace-feeder", kind="system")
MDPH, PHARMACIST = caller("agent-mdph"), caller("pharmacien")
OPERATOR, DIRECTORY = Caller("operator"), caller("annuaire", kind="system")
ANYONE = Caller("anyone")


def stamp(
    category: str, *authors: Key, part: Part = Part.WHOLE, labels: int = 0, of: tuple[Key, ...] = (ONE,)
) -> Stamp:
    several = int(Label.SEVERAL) if len(of) > 1 else 0
    return Stamp(CELLS.of(category, (), part), labels | several, of, authors, authors)


def tied(tie: Tie = Tie.TEAM_INFORMED, person: Key = ONE, actor: Key = ME, **more: Any) -> Link:
    return Link(person, actor, tie, **{"allow": EVERYTHING, **more})


LINKS = [tied()]
BOTH = [*LINKS, tied(person=TWO)]
AS_WELL = "sensitive: sante-sensible is needed as well"


def test_without_authentication_everything_is_allowed() -> None:
    assert POLICY.sight_of(ANYONE, 0) is None
    for action in get_args(Action):
        assert POLICY.decision_of(ANYONE, stamp("sante"), [], action, 0)


def test_the_sight_is_of_the_moment_and_of_who_counts_as_the_caller() -> None:
    delegate = caller("secretariat", delegator=OTHER)
    himself = caller("secretariat", delegator=ME)

    sights = [POLICY.sight_of(one, 7) for one in (NURSE, delegate, himself)]

    assert [sight and sight.actors for sight in sights] == [(ME, TEAM), (ME, TEAM, OTHER), (ME, TEAM)]
    assert [sight and sight.now for sight in sights] == [7, 7, 7]
    assert sights[0] is not None
    assert sights[0].sensitive == CELLS.sensitive


KEYS = [ME, OTHER, TEAM, ONE, TWO]
MASKS = st.one_of(st.just(0), st.just(EVERYTHING), st.integers(0, 2**27 - 1))
KEPT = st.lists(st.sampled_from(KEYS), max_size=2, unique=True).map(tuple)


@st.composite
def stamps(draw: st.DrawFn) -> Stamp:
    persons = draw(st.lists(st.sampled_from([ONE, TWO]), max_size=2, unique=True).map(tuple))
    authors = draw(KEPT)
    parties = tuple({*authors, *draw(KEPT)})
    return Stamp(
        draw(st.integers(0, 26)),
        draw(st.integers(0, 2047)),
        persons,
        parties,
        authors,
        draw(st.sampled_from([None, TEAM, OTHER])),
    )


LINK_VALUES = st.builds(
    Link,
    st.sampled_from([ONE, TWO]),
    st.sampled_from(KEYS),
    st.sampled_from(Tie),
    allow=MASKS,
    named=MASKS,
    deny=st.sampled_from([0, 0, 0, 1 << 4]),
    oppose=st.sampled_from([0, 0, 1 << 4]),
    since=st.sampled_from([0, 10]),
    until=st.sampled_from([5, FOREVER]),
)
CALLERS = st.builds(
    Caller,
    st.sampled_from([kind for kind in get_args(CallerKind) if kind != "anyone"]),
    roles=st.lists(
        st.sampled_from([*ROLES, "operateur", "identitovigilance", "regulateur", "annuaire"]),
        max_size=3,
        unique=True,
    ).map(lambda roles: tuple(sorted(roles))),
    actors=KEPT,
    purpose=st.sampled_from(["", "TREAT"]),
    delegator=st.sampled_from([None, None, OTHER]),
)


@settings(max_examples=400, deadline=None)
@given(CALLERS, stamps(), st.lists(LINK_VALUES, max_size=4), st.sampled_from([0, 7, 12]))
def test_a_decision_about_a_read_is_what_the_sight_shows(
    who: Caller, one: Stamp, links: list[Link], now: int
) -> None:
    sight = POLICY.sight_of(who, now)

    assert sight is not None
    decision = POLICY.decision_of(who, one, links, "read", now)
    assert decision.allowed is sees(sight, one, links)
    assert WHO <= decision.gate <= WRITING
    assert decision.rule


@settings(max_examples=200, deadline=None)
@given(CALLERS, stamps(), st.lists(LINK_VALUES, max_size=4), st.sampled_from(["update", "delete"]))
def test_nobody_changes_what_they_do_not_see(
    who: Caller, one: Stamp, links: list[Link], action: Action
) -> None:
    sight = POLICY.sight_of(who, 7)

    assert sight is not None
    if POLICY.decision_of(who, one, links, action, 7):
        assert sees(sight, one, links)


SHARED = stamp("sante", labels=int(Label.PARTAGE_SOCIAL))


@pytest.mark.parametrize(
    ("who", "one", "links", "gate", "rule"),
    [
        (NURSE, Stamp(PUBLIC), [], MATRIX, "public: seen without a link"),
        (NURSE, stamp("message", ME), [], LINK, "message: one's own"),
        (NURSE, stamp("sante"), LINKS, MATRIX, "sante: all, by team_informed"),
        (NURSE, stamp("sante-sensible", ME), LINKS, MATRIX, "sante-sensible: own, by team_informed"),
        (HOME_HELP, SHARED, LINKS, LABELS, "sante: minimal view, by team_informed"),
    ],
)  # fmt: skip
def test_what_is_allowed_says_why(who: Caller, one: Stamp, links: list[Link], gate: int, rule: str) -> None:
    decision = POLICY.decision_of(who, one, links, "read", 0)

    assert (decision.allowed, decision.gate, decision.rule) == (True, gate, rule)


MASKED = int(Label.MASQUE_PS)


@pytest.mark.parametrize(
    ("who", "one", "links", "gate", "rule"),
    [
        (caller("stranger"), stamp("sante"), LINKS, WHO, "no role of the matrix"),
        (NURSE, stamp("sante"), [], LINK, "no link to the person"),
        (NURSE, stamp("sante"), [tied(person=TWO)], LINK, "no link to the person"),
        (NURSE, stamp("sante"), [tied(until=0)], LINK, "no link to the person"),
        (NURSE, stamp("sante", of=()), LINKS, LINK, "sante: about nobody"),
        (NURSE, stamp("sante"), [*LINKS, tied(Tie.DENIAL, deny=EVERYTHING)], CONSENT, "exclusion-acteur"),
        (NURSE, stamp("sante", ME), [*LINKS, tied(Tie.DENIAL, deny=EVERYTHING)], CONSENT, "exclusion-acteur"),
        (NURSE, stamp("sante"), [*LINKS, tied(Tie.DENIAL, oppose=EVERYTHING)], CONSENT, "opposition-partage"),
        (NURSE, stamp("sante"), [tied(Tie.OTHER, allow=0, named=2)], CONSENT, "sante: not opened by other"),
        (NURSE, stamp("sante-sensible"), LINKS, CONSENT, "sante-sensible: not opened by team_informed"),
        (HOME_HELP, stamp("social"), LINKS, MATRIX, "social: not for this role by team_informed"),
        (NURSE, stamp("sante", labels=MASKED), LINKS, LABELS, "masked"),
        (NURSE, stamp("liaison", labels=SENSITIVE), LINKS, LABELS, AS_WELL),
        (HOME_HELP, stamp("sante"), LINKS, LABELS, "sante: outside the minimal view, by team_informed"),
        (NURSE, Stamp(4, int(Label.INTERNE), (ONE,), (), (), OTHER), LINKS, LABELS, "interne-structure"),
        (NURSE, stamp("sante", of=(ONE, TWO)), LINKS, LINK, "no link to the person"),
    ],
)  # fmt: skip
def test_what_is_refused_says_by_which_gate(
    who: Caller, one: Stamp, links: list[Link], gate: int, rule: str
) -> None:
    decision = POLICY.decision_of(who, one, links, "read", 0)

    assert (decision.allowed, decision.gate, decision.rule) == (False, gate, rule)


def test_an_opposition_does_not_bind_the_author() -> None:
    links = [*LINKS, tied(Tie.DENIAL, oppose=EVERYTHING)]

    assert POLICY.decision_of(NURSE, stamp("sante", ME), links, "read", 0)
    assert POLICY.may_create(NURSE, stamp("sante", ME), links, 0)
    assert POLICY.may_update(NURSE, stamp("sante", ME), links, 0)


@pytest.mark.parametrize(
    ("who", "one", "links", "type", "gate", "rule"),
    [
        (NURSE, stamp("sante", ME), LINKS, "", MATRIX, "sante: create, by team_informed"),
        (NURSE, stamp("message", of=()), [], "", MATRIX, "message: create"),
        (NURSE, stamp("sollicitation", of=()), [], "", MATRIX, "sollicitation: create"),
        (NURSE, stamp("coordination", part=Part.AGENDA, of=()), [], "Slot", MATRIX, "coordination: create"),
        (NURSE, Stamp(PARTIES), [], "Binary", MATRIX, "parties: create"),
        (NURSE, stamp("plan", ME, part=Part.ACTION), LINKS, "Task", MATRIX, "plan: create, by team_informed"),
        (NURSE, stamp("sante", of=(ONE, TWO)), BOTH, "", MATRIX, "sante: create, by team_informed"),
        (NURSE, stamp("liaison", labels=SENSITIVE), LINKS, "", MATRIX, "liaison: create, by team_informed"),
        (OPERATOR, Stamp(OPERATORS), [], "Basic", WRITING, "an operator"),
        (OPERATOR, Stamp(PUBLIC), [], "ValueSet", WRITING, "an operator"),
        (caller("operateur"), Stamp(PUBLIC), [], "ValueSet", WRITING, "an operator"),
        (DIRECTORY, Stamp(PUBLIC), [], "Organization", WRITING, "the directory"),
        (NURSE, Stamp(PUBLIC), [], "Practitioner", WRITING, "unverified: it grants nothing"),
        (NURSE, Stamp(PUBLIC), [], "Medication", WRITING, "unverified: it grants nothing"),
        (FEEDER, stamp("trace"), [], "AuditEvent", WRITING, "a trace feeder"),
        (SECRETARY, stamp("sante", OTHER), LINKS, "DocumentReference", WRITING, "in the name of the delegator"),
    ],
)  # fmt: skip
def test_who_may_create(who: Caller, one: Stamp, links: list[Link], type: str, gate: int, rule: str) -> None:
    decision = POLICY.decision_of(who, one, links, "create", 0, type=type)

    assert (decision.allowed, decision.gate, decision.rule) == (True, gate, rule)


@pytest.mark.parametrize(
    ("who", "one", "links", "type", "gate", "rule"),
    [
        (NURSE, stamp("sante"), [], "", LINK, "no link to the person"),
        (NURSE, stamp("sante"), [tied(Tie.DENIAL, allow=0, oppose=EVERYTHING)], "", LINK, "no link to the person"),
        (NURSE, stamp("sante", of=(ONE, TWO)), LINKS, "", LINK, "no link to the person"),
        (NURSE, stamp("coordination", of=()), LINKS, "CareTeam", LINK, "coordination: about nobody"),
        (NURSE, stamp("sante"), [*LINKS, tied(Tie.DENIAL, deny=EVERYTHING)], "", CONSENT, "exclusion-acteur"),
        (NURSE, stamp("sante"), [tied(Tie.OTHER, allow=2)], "", CONSENT, "sante: not opened"),
        (NURSE, stamp("identite"), LINKS, "", MATRIX, "identite: create"),
        (NURSE, stamp("plan", ME), LINKS, "CarePlan", MATRIX, "plan: create"),
        (NURSE, stamp("plan", OTHER, part=Part.ACTION), LINKS, "Task", MATRIX, "plan: create"),
        (MDPH, stamp("coordination", part=Part.AGENDA, of=()), [], "Slot", MATRIX, "coordination: create"),
        (PHARMACIST, stamp("liaison", labels=SENSITIVE), LINKS, "", LABELS, AS_WELL),
        (caller("stranger"), stamp("sante"), LINKS, "", WHO, "no role of the matrix creates anything"),
        (caller("dpo"), stamp("consentement"), LINKS, "", WHO, "no role of the matrix creates anything"),
        (OPERATOR, stamp("sante"), LINKS, "", WHO, "no role of the matrix creates anything"),
        (NURSE, Stamp(OPERATORS), LINKS, "Basic", WRITING, "for operators"),
        (NURSE, Stamp(PUBLIC), LINKS, "ValueSet", WRITING, "for operators"),
        (DIRECTORY, Stamp(PUBLIC), [], "ValueSet", WRITING, "for operators"),
        (DIRECTORY, Stamp(PUBLIC), [], "Medication", WRITING, "for the directory and operators"),
        (CITIZEN, Stamp(PUBLIC), [], "Practitioner", WRITING, "for the directory and operators"),
        (caller("stranger"), Stamp(PUBLIC), [], "Practitioner", WRITING, "for the directory and operators"),
        (NURSE, stamp("trace"), LINKS, "AuditEvent", MATRIX, "trace: create"),
        (FEEDER, stamp("trace"), LINKS, "Provenance", WHO, "no role of the matrix creates anything"),
        (SECRETARY, stamp("sante", OTHER), LINKS, "Observation", MATRIX, "sante: create"),
        (SECRETARY, stamp("sante", ME), LINKS, "DocumentReference", MATRIX, "sante: create"),
        (SECRETARY, stamp("consentement", OTHER), LINKS, "DocumentReference", MATRIX, "consentement: create"),
        (caller("secretariat"), stamp("sante", ME), LINKS, "DocumentReference", MATRIX, "sante: create"),
    ],
)  # fmt: skip
def test_who_may_not_create(
    who: Caller, one: Stamp, links: list[Link], type: str, gate: int, rule: str
) -> None:
    decision = POLICY.decision_of(who, one, links, "create", 0, type=type)

    assert (decision.allowed, decision.gate, decision.rule) == (False, gate, rule)


@pytest.mark.parametrize(
    ("who", "one", "type", "may"),
    [
        (
            DOCTOR,
            stamp("identite"),
            "Patient",
            True,
        ),  # by the closed table, whatever the matrix says of identity
        (caller("encadrement"), stamp("coordination"), "CareTeam", True),
        (NURSE, stamp("sante"), "Encounter", True),
        (NURSE, stamp("sante"), "Observation", True),
        (NURSE, stamp("identite"), "DocumentReference", False),
        (HOME_HELP, stamp("sante"), "Observation", False),
        (NURSE, stamp("sante", of=(ONE, TWO)), "Observation", False),
    ],
)
def test_what_comes_with_a_new_person(who: Caller, one: Stamp, type: str, may: bool) -> None:
    assert POLICY.may_create(who, one, [], 0, type=type, born=(ONE,)).allowed is may


def test_whoever_changes_something_may_say_so_in_a_provenance() -> None:
    supervisor = caller("encadrement")

    assert POLICY.may_create(supervisor, stamp("identite"), LINKS, 0, type="Provenance")
    assert not POLICY.may_create(supervisor, stamp("identite"), LINKS, 0, type="Patient")
    assert POLICY.may_create(
        CITIZEN, stamp("identite", ONE), [tied(Tie.PERSON, actor=ONE)], 0, type="Provenance"
    )
    assert not POLICY.may_create(NURSE, stamp("mdph"), LINKS, 0, type="Provenance")


@pytest.mark.parametrize(
    ("who", "one", "links", "type", "gate", "rule"),
    [
        (NURSE, stamp("sante", ME), LINKS, "", WRITING, "sante: update"),
        (COORDINATOR, stamp("plan"), LINKS, "", WRITING, "plan: update"),
        (NURSE, stamp("coordination", part=Part.NOTE), LINKS, "", WRITING, "coordination: update"),
        (NURSE, stamp("plan", ME, part=Part.ACTION), LINKS, "", WRITING, "plan: update"),
        (NURSE, stamp("message", ME), [], "", WRITING, "message: own"),
        (NURSE, stamp("message", ME, of=()), [], "", WRITING, "message: own"),
        (NURSE, Stamp(PARTIES, 0, (), (ME,), (ME,)), [], "", WRITING, "parties: own"),
        (CITIZEN, stamp("identite", ONE), [tied(Tie.PERSON, actor=ONE)], "", WRITING, "identite: update"),
        (OPERATOR, Stamp(OPERATORS), [], "Basic", WRITING, "an operator"),
        (DIRECTORY, Stamp(PUBLIC, int(Label.VERIFIED)), [], "Location", WRITING, "the directory"),
        (NURSE, Stamp(PUBLIC, 0, (), (ME,), (ME,)), [], "Practitioner", WRITING, "one's own, unverified"),
    ],
)
def test_who_may_update(who: Caller, one: Stamp, links: list[Link], type: str, gate: int, rule: str) -> None:
    decision = POLICY.decision_of(who, one, links, "update", 0, type=type)

    assert (decision.allowed, decision.gate, decision.rule) == (True, gate, rule)


VERIFIED = Stamp(PUBLIC, int(Label.VERIFIED), (), (ME,), (ME,))
RECEIVED = Stamp(CELLS.of("message"), 0, (ONE,), (ME,), (OTHER,))


@pytest.mark.parametrize(
    ("who", "one", "links", "type", "gate", "rule"),
    [
        (NURSE, stamp("sante", ME), [], "", LINK, "no link to the person"),
        (NURSE, stamp("sante", OTHER), LINKS, "", WRITING, "sante: not one's own"),
        (NURSE, stamp("plan", OTHER, part=Part.ACTION), LINKS, "", WRITING, "plan: not one's own"),
        (NURSE, stamp("mdph", ME), LINKS, "", MATRIX, "mdph: update"),
        (NURSE, RECEIVED, LINKS, "", WRITING, "message: not one's own"),
        (NURSE, Stamp(CELLS.of("message"), 0, (), (ME,), (OTHER,)), [], "", WRITING, "message: not one's own"),
        (NURSE, Stamp(PARTIES, 0, (), (ME,), ()), [], "", WRITING, "parties: not one's own"),
        (NURSE, VERIFIED, [], "Practitioner", WRITING, "for the directory and operators"),
        (NURSE, Stamp(PUBLIC), [], "Practitioner", WRITING, "for the directory and operators"),
        (NURSE, Stamp(PUBLIC, 0, (), (ME,), (ME,)), [], "ValueSet", WRITING, "for operators"),
    ],
)  # fmt: skip
def test_who_may_not_update(
    who: Caller, one: Stamp, links: list[Link], type: str, gate: int, rule: str
) -> None:
    decision = POLICY.decision_of(who, one, links, "update", 0, type=type)

    assert (decision.allowed, decision.gate, decision.rule) == (False, gate, rule)


def test_of_two_persons_both_must_let_it_be_changed() -> None:
    both = stamp("sante", ME, of=(ONE, TWO))

    assert POLICY.may_update(NURSE, both, [*LINKS, tied(person=TWO)], 0)
    assert not POLICY.may_update(NURSE, both, LINKS, 0)


def test_what_becomes_of_another_category_or_person_must_be_ones_to_create() -> None:
    before = stamp("liaison", ME)

    assert POLICY.may_update(NURSE, before, LINKS, 0, after=before)
    assert POLICY.may_update(NURSE, before, LINKS, 0, after=stamp("sante", ME))
    assert not POLICY.may_update(NURSE, before, LINKS, 0, after=stamp("mdph", ME))
    assert not POLICY.may_update(NURSE, before, LINKS, 0, after=stamp("liaison", ME, of=(TWO,)))
    assert not POLICY.may_update(NURSE, stamp("sante", OTHER), LINKS, 0, after=stamp("liaison", ME))


def test_an_owner_does_not_hand_an_action_over() -> None:
    mine, theirs = stamp("plan", ME, part=Part.ACTION), stamp("plan", OTHER, part=Part.ACTION)

    refused = POLICY.may_update(NURSE, mine, LINKS, 0, after=theirs)

    assert (refused.allowed, refused.gate) == (False, WRITING)
    assert POLICY.may_update(NURSE, mine, LINKS, 0, after=mine)
    assert POLICY.may_update(COORDINATOR, theirs, LINKS, 0, after=stamp("plan", TEAM, part=Part.ACTION))
    assert POLICY.may_update(COORDINATOR, mine, LINKS, 0, after=theirs)


NOTE = stamp("coordination", ME, part=Part.NOTE)


@pytest.mark.parametrize(
    ("who", "one", "links", "type", "may"),
    [
        (NURSE, stamp("liaison", ME), LINKS, "DocumentReference", True),
        (NURSE, NOTE, LINKS, "DocumentReference", True),
        (NURSE, stamp("coordination", ME), LINKS, "Appointment", True),
        (NURSE, Stamp(PARTIES, 0, (), (ME,), (ME,)), [], "Subscription", True),
        (NURSE, stamp("liaison", OTHER), LINKS, "DocumentReference", False),
        (NURSE, stamp("sante", ME), LINKS, "DocumentReference", False),
        (NURSE, stamp("sante", ME), LINKS, "Observation", False),
        (NURSE, stamp("liaison", ME), [], "DocumentReference", False),
        (OPERATOR, Stamp(PUBLIC), [], "ValueSet", True),
        (OPERATOR, Stamp(PUBLIC), [], "Practitioner", False),  # others may refer to it
        (NURSE, Stamp(PUBLIC), [], "Practitioner", False),
        (ANYONE, stamp("sante"), [], "Observation", True),
    ],
)
def test_what_may_be_deleted(who: Caller, one: Stamp, links: list[Link], type: str, may: bool) -> None:
    assert POLICY.decision_of(who, one, links, "delete", 0, type=type).allowed is may


def test_the_types_of_directories_are_known() -> None:
    assert {"Practitioner", "Organization", "Endpoint"} <= ACTORS
    assert "Medication" in PRODUCTS
