"""What roles are worth under each tie, cell by cell of the matrix, and again under other matrices."""

from __future__ import annotations

import random
from collections.abc import Iterable

import pytest

from fhir_server.access.caller import Caller, CallerKind
from fhir_server.access.cells import CATEGORIES, PARTIES, Part
from fhir_server.access.decisions import CONSENT, LABELS, LINK, MATRIX
from fhir_server.access.matrix import ROLES, Matrix, Rights, shipped_matrix
from fhir_server.access.policy import Policy
from fhir_server.access.tables import shipped_tables
from fhir_server.kernel.keys import Key
from fhir_server.search.sight import OPERATORS, PUBLIC, Label, Link, Stamp, Tie, sees

TABLES = shipped_tables()
CELLS = TABLES.cells()
PERSON = Key("Patient", "1")
ACTOR, OTHER = Key("PractitionerRole", "me"), Key("PractitionerRole", "other")
EVERYTHING = CELLS.all
HEALTH = ("sante", "sante-sensible")


def mutated(seed: int) -> Matrix:
    """Another matrix: what a region might load, and what a test of the engine must obey as well."""
    chance = random.Random(seed)
    return Matrix(
        str(seed),
        {
            (role, category): Rights(
                chance.choice(("none", "own", "minimal", "consent", "all")),
                "no"
                if category == "trace"
                else chance.choice(("no", "yes", *(("action",) if category == "plan" else ()))),
                "none" if category == "trace" else chance.choice(("none", "own", "all")),
            )
            for role in ROLES
            for category in CATEGORIES
        },
    )


MATRICES = {"shipped": shipped_matrix(), **{f"mutated {seed}": mutated(seed) for seed in range(3)}}
CITIZENS = {
    "personne": Tie.PERSON,
    "representant-legal": Tie.REPRESENTATIVE,
    "aidant": Tie.CARER,
    "personne-confiance": Tie.TRUSTED,
}


def held(role: str) -> tuple[Caller, Tie]:
    """A caller who has a role, and the tie by which its row holds."""
    kind: CallerKind = "citizen" if role in CITIZENS else "professional"
    if role == "medecin-traitant":
        return Caller(kind, roles=("medecin",), actors=(ACTOR,)), Tie.PCP
    tie = {**CITIZENS, "agent-mdph": Tie.MDPH, "mjpm": Tie.OTHER_INFORMED}.get(role, Tie.TEAM_INFORMED)
    return Caller(kind, roles=(role,), actors=(ACTOR,)), tie


def rows(role: str, category: str, matrix: Matrix) -> list[Rights]:
    """What the roles of `held` have in one category: a médecin traitant is a médecin too."""
    return [matrix.of(one, category) for one in ({role, "medecin"} if role == "medecin-traitant" else {role})]


def stamp(category: str, *parties: Key, labels: int = 0, part: Part = Part.WHOLE) -> Stamp:
    return Stamp(CELLS.of(category, (), part), labels, (PERSON,), parties, parties)


def link(tie: Tie, allow: int = EVERYTHING, named: int = 0, deny: int = 0) -> Link:
    return Link(PERSON, ACTOR, tie, allow, named, deny)


def policy_of(matrix: Matrix) -> Policy:
    return Policy(matrix, CELLS, TABLES)


def reads(policy: Policy, caller: Caller, one: Stamp, links: Iterable[Link]) -> bool:
    """Whether it is seen, asked in both ways."""
    links = list(links)
    sight = policy.sight_of(caller, 0)
    assert sight is not None
    seen = sees(sight, one, links)
    assert policy.decision_of(caller, one, links, "read", 0).allowed is seen
    return seen


EXPECTED = {  # of others, own, in the minimal view, with a consent that names the caller
    "all": (True, True, True, True),
    "consent": (False, True, False, True),
    "minimal": (False, True, True, False),
    "own": (False, True, False, False),
    "none": (False, False, False, False),
}


@pytest.mark.parametrize("matrix", MATRICES.values(), ids=MATRICES)
@pytest.mark.parametrize("role", ROLES)
def test_each_cell_of_the_matrix_is_read_as_it_says(role: str, matrix: Matrix) -> None:
    policy = policy_of(matrix)
    caller, tie = held(role)
    for category in CATEGORIES:
        all_rows = rows(role, category, matrix)
        expected = [any(EXPECTED[one.read][place] for one in all_rows) for place in range(4)]
        if any(one.update == "own" for one in all_rows):
            expected[1] = True  # what one may update one may read
        if role == "mjpm" and all_rows[0].read in {"all", "consent"}:
            expected = [False, True, False, True]  # only what a measure names it for
        if role == "dpo":
            kept = category in {"message", "sollicitation"} and expected[1]
            expected = [all_rows[0].read == "all"] * 4
            expected[1] = expected[1] or kept
        found = (
            reads(policy, caller, stamp(category, OTHER), [link(tie)]),
            reads(policy, caller, stamp(category, ACTOR), [link(tie)]),
            reads(policy, caller, stamp(category, OTHER, labels=Label.PARTAGE_SOCIAL), [link(tie)]),
            reads(policy, caller, stamp(category, OTHER), [link(tie, named=EVERYTHING)]),
        )
        assert list(found) == expected, category


@pytest.mark.parametrize("matrix", MATRICES.values(), ids=MATRICES)
@pytest.mark.parametrize("role", ROLES)
def test_each_cell_of_the_matrix_is_written_as_it_says(role: str, matrix: Matrix) -> None:
    policy = policy_of(matrix)
    caller, tie = held(role)
    links = [link(tie, named=EVERYTHING)]
    for category in CATEGORIES:
        all_rows = rows(role, category, matrix)
        creates = any(one.create == "yes" for one in all_rows) and role != "dpo"
        assert policy.may_create(caller, stamp(category, ACTOR), links, 0).allowed is creates, category
        for party in (OTHER, ACTOR):
            one = stamp(category, party)
            updates = reads(policy, caller, one, links) and any(
                right.update == "all" or (right.update == "own" and party == ACTOR) for right in all_rows
            )
            if role == "dpo":
                updates = updates and category in {"message", "sollicitation"} and party == ACTOR
            assert policy.may_update(caller, one, links, 0).allowed is updates, (category, party)


@pytest.mark.parametrize("matrix", MATRICES.values(), ids=MATRICES)
@pytest.mark.parametrize("role", ROLES)
def test_an_action_of_a_plan_is_created_by_its_owner(role: str, matrix: Matrix) -> None:
    policy = policy_of(matrix)
    caller, tie = held(role)
    words = {one.create for one in rows(role, "plan", matrix)} if role != "dpo" else {"no"}
    mine = policy.may_create(caller, stamp("plan", ACTOR, part=Part.ACTION), [link(tie)], 0)
    others = policy.may_create(caller, stamp("plan", OTHER, part=Part.ACTION), [link(tie)], 0)

    assert mine.allowed is not words.isdisjoint({"yes", "action"})
    assert others.allowed is ("yes" in words)


@pytest.mark.parametrize("role", ROLES)
def test_a_row_holds_by_its_tie_and_by_no_other(role: str) -> None:
    """Without the tie, nothing but one's own messages; and a role of citizens gives a professional nothing."""
    policy = policy_of(shipped_matrix())
    caller, _ = held(role)
    denied = [link(Tie.DENIAL)]
    strange = [link(tie) for tie in (CITIZENS.values() if caller.kind != "citizen" else (Tie.TEAM, Tie.PCP))]
    for category in CATEGORIES:
        if role == "dpo" and category in {"consentement", "trace"}:
            continue
        assert not reads(policy, caller, stamp(category, OTHER), []), category
        assert not reads(policy, caller, stamp(category, OTHER), denied), category
        assert not reads(policy, caller, stamp(category, OTHER), strange), category


def professional(*roles: str, kind: CallerKind = "professional", **fields: object) -> Caller:
    return Caller(kind, roles=roles, actors=(ACTOR,), **fields)  # type: ignore[arg-type]


SHIPPED = policy_of(shipped_matrix())


@pytest.mark.parametrize("role", ["travailleur-social", "accompagnement", "aide-domicile", "encadrement"])
@pytest.mark.parametrize(
    ("before", "after"), [(Tie.TEAM, Tie.TEAM_INFORMED), (Tie.OTHER, Tie.OTHER_INFORMED)]
)
def test_social_roles_see_nothing_of_health_before_the_person_is_told(
    role: str, before: Tie, after: Tie
) -> None:
    caller, allergy = professional(role), stamp("sante", OTHER, labels=Label.PARTAGE_SOCIAL)

    assert not reads(SHIPPED, caller, allergy, [link(before)])
    assert reads(SHIPPED, caller, allergy, [link(after)])
    assert reads(SHIPPED, caller, stamp("sante", ACTOR), [link(before)])  # their own
    assert reads(SHIPPED, caller, stamp("identite", OTHER), [link(before)])


@pytest.mark.parametrize("matrix", MATRICES.values(), ids=MATRICES)
def test_whatever_the_matrix_social_roles_wait_for_the_information(matrix: Matrix) -> None:
    for role in ("travailleur-social", "accompagnement", "aide-domicile", "encadrement"):
        for category in HEALTH:
            one = stamp(category, OTHER, labels=Label.PARTAGE_SOCIAL)
            assert not reads(policy_of(matrix), professional(role), one, [link(Tie.TEAM, named=EVERYTHING)])


def test_health_roles_do_not_wait_for_the_information() -> None:
    shared = stamp("sante", OTHER, labels=Label.PARTAGE_SOCIAL)

    assert reads(SHIPPED, professional("infirmier"), stamp("sante", OTHER), [link(Tie.TEAM)])
    assert reads(SHIPPED, professional("aide-soignant"), shared, [link(Tie.TEAM)])
    assert reads(SHIPPED, professional("infirmier", "travailleur-social"), shared, [link(Tie.TEAM)])


def test_several_roles_are_worth_their_union() -> None:
    nurse, coordinator = professional("infirmier"), professional("coordonnateur")
    idec = professional("coordonnateur", "infirmier")
    stay = Stamp(CELLS.of("sante", ("coordonnateur",)), 0, (PERSON,))
    social = stamp("social", OTHER)
    links = [link(Tie.TEAM_INFORMED)]

    assert [reads(SHIPPED, one, stay, links) for one in (nurse, coordinator, idec)] == [True, False, True]
    assert [reads(SHIPPED, one, social, links) for one in (nurse, coordinator, idec)] == [False, True, True]


def test_several_roles_lift_no_mask() -> None:
    masked = stamp("sante", OTHER, labels=Label.MASQUE_PS)

    assert not reads(SHIPPED, professional("coordonnateur", "infirmier", "medecin"), masked, [link(Tie.TEAM)])


def test_types_refused_to_a_role_are_refused_to_write_as_well() -> None:
    stay = Stamp(CELLS.of("autonomie", ("coordonnateur",)), 0, (PERSON,), (ACTOR,), (ACTOR,))
    links = [link(Tie.TEAM_INFORMED)]

    assert not SHIPPED.may_create(professional("coordonnateur"), stay, links, 0)
    assert SHIPPED.may_create(professional("infirmier"), stay, links, 0)
    assert not reads(SHIPPED, professional("coordonnateur"), stay, links)


def test_only_a_doctor_is_a_medecin_traitant() -> None:
    sensitive = stamp("sante-sensible", OTHER)
    masked = stamp("sante", OTHER, labels=Label.MASQUE_PS)
    links = [link(Tie.PCP)]

    assert reads(SHIPPED, professional("medecin"), sensitive, links)
    assert reads(SHIPPED, professional("medecin"), masked, links)
    assert not reads(SHIPPED, professional("infirmier"), sensitive, links)
    assert not reads(SHIPPED, professional("infirmier"), masked, links)
    assert reads(SHIPPED, professional("infirmier"), stamp("sante", OTHER), links)
    assert not reads(SHIPPED, professional("medecin-traitant"), sensitive, links)  # never from a token
    assert not reads(SHIPPED, professional("medecin"), sensitive, [link(Tie.TEAM_INFORMED)])


def test_the_medecin_traitant_reads_a_request_of_which_they_were_told() -> None:
    told, untold = stamp("sollicitation", OTHER, part=Part.TOLD), stamp("sollicitation", OTHER)

    assert reads(SHIPPED, professional("medecin"), told, [link(Tie.PCP)])
    assert not reads(SHIPPED, professional("medecin"), untold, [link(Tie.PCP)])
    assert not reads(SHIPPED, professional("medecin"), told, [link(Tie.TEAM_INFORMED)])


def test_who_is_asked_for_help_sees_whom_it_is_about_and_the_request() -> None:
    caller, links = professional("coordonnateur"), [link(Tie.SOLLICITATION)]

    seen = [category for category in CATEGORIES if reads(SHIPPED, caller, stamp(category, OTHER), links)]
    made = [
        category for category in CATEGORIES if SHIPPED.may_create(caller, stamp(category, ACTOR), links, 0)
    ]

    assert seen == ["identite", "consentement", "sollicitation"]
    assert made == ["identite", "coordination", "consentement", "sollicitation"]


def test_a_request_to_an_mdph_opens_the_row_of_its_agents_alone() -> None:
    links = [link(Tie.MDPH)]

    assert reads(SHIPPED, professional("agent-mdph"), stamp("mdph", OTHER), links)
    assert not reads(SHIPPED, professional("medecin"), stamp("mdph", OTHER), links)
    assert not reads(SHIPPED, professional("agent-mdph"), stamp("mdph", OTHER), [link(Tie.TEAM_INFORMED)])


def test_the_row_of_an_mjpm_is_opened_by_a_measure_that_names_it() -> None:
    caller, budget = professional("mjpm"), stamp("administratif", OTHER)
    named = CELLS.bits(("administratif",))

    assert reads(SHIPPED, caller, budget, [link(Tie.OTHER, allow=named, named=named)])
    assert not reads(SHIPPED, caller, budget, [link(Tie.OTHER)])
    assert not reads(SHIPPED, caller, budget, [link(Tie.TEAM_INFORMED)])
    assert not SHIPPED.may_create(caller, budget, [link(Tie.TEAM_INFORMED)], 0)
    assert SHIPPED.may_create(caller, stamp("message", ACTOR), [link(Tie.TEAM_INFORMED)], 0)


@pytest.mark.parametrize("role", ["medecin", "infirmier", "maieutique-dentaire", "regulateur"])
def test_the_glass_is_broken_for_health_and_nothing_that_is_hidden(role: str) -> None:
    caller, links = professional(role), [link(Tie.EMERGENCY)]
    shared, urgent = int(Label.PARTAGE_SOCIAL), int(Label.URGENCE)

    whole = [category for category in CATEGORIES if reads(SHIPPED, caller, stamp(category, OTHER), links)]
    least = [
        category
        for category in CATEGORIES
        if reads(SHIPPED, caller, stamp(category, OTHER, labels=shared), links)
    ]

    assert whole == ["identite", "sante", "autonomie"]
    assert set(CATEGORIES) - set(least) == {"sante-sensible", "message", "trace"}
    assert reads(SHIPPED, caller, stamp("sante-sensible", OTHER, part=Part.URGENT), links)
    assert reads(SHIPPED, caller, stamp("liaison", OTHER, labels=urgent), links)
    assert not reads(SHIPPED, caller, stamp("sante", OTHER, labels=Label.MASQUE_PS), links)
    assert not reads(SHIPPED, caller, stamp("message", OTHER, labels=urgent), links)
    assert reads(SHIPPED, caller, stamp("sante", OTHER, labels=Label.INVISIBLE_PATIENT), links)


def test_the_glass_is_not_broken_by_others() -> None:
    links = [link(Tie.EMERGENCY)]

    assert not reads(SHIPPED, professional("coordonnateur"), stamp("sante", OTHER), links)
    assert not reads(SHIPPED, professional("medecin", delegator=OTHER), stamp("sante", OTHER), links)


def test_an_identity_feed_is_of_identity() -> None:
    caller, links = professional("secretariat", kind="system", purpose="TREAT"), [link(Tie.FEED)]

    seen = [category for category in CATEGORIES if reads(SHIPPED, caller, stamp(category, OTHER), links)]

    assert seen == ["identite"]


def test_a_system_acts_for_a_purpose() -> None:
    links = [link(Tie.TEAM_INFORMED)]

    assert reads(SHIPPED, professional("infirmier", kind="system", purpose="TREAT"), stamp("sante"), links)
    assert not reads(SHIPPED, professional("infirmier", kind="system"), stamp("sante"), links)
    assert not reads(SHIPPED, professional("infirmier", kind="system"), stamp("message", ACTOR), links)


def test_a_secretary_has_the_rights_of_a_secretary() -> None:
    caller, links = (
        professional("medecin", delegator=OTHER),
        [Link(PERSON, OTHER, Tie.TEAM_INFORMED, EVERYTHING)],
    )

    assert reads(SHIPPED, caller, stamp("identite"), links)  # by the tie of the one they act for
    assert not reads(SHIPPED, caller, stamp("sante"), links)


MASKS = {
    Label.MASQUE_PS: {Tie.PCP, *CITIZENS.values()},
    Label.INVISIBLE_PATIENT: {Tie.TEAM, Tie.TEAM_INFORMED, Tie.OTHER, Tie.PCP, Tie.EMERGENCY},
    Label.INVISIBLE_REPRESENTANTS: {
        Tie.TEAM,
        Tie.TEAM_INFORMED,
        Tie.OTHER,
        Tie.PCP,
        Tie.EMERGENCY,
        Tie.PERSON,
    },
    Label.ARCHIVED: {Tie.PERSON},
    Label.INTERNE: set(),
}


@pytest.mark.parametrize("label", MASKS)
@pytest.mark.parametrize(
    "tie", [Tie.TEAM, Tie.TEAM_INFORMED, Tie.OTHER, Tie.PCP, Tie.EMERGENCY, *CITIZENS.values()]
)
def test_a_mask_hides_from_whom_it_says(label: Label, tie: Tie) -> None:
    citizen = tie in CITIZENS.values()
    kind: CallerKind = "citizen" if citizen else "professional"
    caller = professional(*(CITIZENS if citizen else ("medecin",)), kind=kind)
    one = stamp("identite", OTHER, labels=int(label | Label.PARTAGE_SOCIAL))

    assert reads(SHIPPED, caller, one, [link(tie)]) is (tie in MASKS[label])


def test_what_stays_inside_an_organisation_is_seen_inside_it() -> None:
    inner = Stamp(CELLS.of("liaison"), int(Label.INTERNE), (PERSON,), (), (), ACTOR)

    assert reads(SHIPPED, professional("infirmier"), inner, [link(Tie.TEAM)])


def test_carers_see_what_is_for_carers() -> None:
    carer = professional("aidant", kind="citizen")
    note = stamp("liaison", OTHER, labels=Label.AIDANTS)
    asked = CELLS.bits(("liaison", "plan"))

    assert reads(SHIPPED, carer, note, [link(Tie.CARER, allow=asked)])
    assert not reads(SHIPPED, carer, note, [link(Tie.CARER, allow=CELLS.bits(("plan",)))])
    assert not reads(SHIPPED, carer, note, [link(Tie.TRUSTED)])
    assert not reads(SHIPPED, carer, stamp("liaison", OTHER), [link(Tie.CARER)])


def test_roles_of_a_token_do_not_make_a_citizen_anything() -> None:
    claims = professional("medecin", "personne", kind="citizen")

    assert not reads(SHIPPED, claims, stamp("sante"), [link(Tie.TEAM_INFORMED)])
    assert not reads(SHIPPED, claims, stamp("sante"), [link(Tie.CARER)])
    assert reads(SHIPPED, claims, stamp("sante"), [link(Tie.PERSON)])


def unlinked(caller: Caller) -> list[str]:
    sight = SHIPPED.sight_of(caller, 0)
    assert sight is not None
    numbers = [number for number in range(62) if sight.unlinked >> number & 1]
    return [CELLS.name(number) for number in numbers if number != CELLS.of("coordination", (), Part.AGENDA)]


@pytest.mark.parametrize(
    ("caller", "cells"),
    [
        (professional("infirmier"), ["public"]),
        (professional("unheard-of"), ["public"]),
        (Caller("operator", roles=("medecin",)), ["public", "operators"]),
        (professional("operateur", "medecin", kind="system"), ["public", "operators"]),
        (professional("dpo"), ["public", "consentement", "trace"]),
        (professional("identitovigilance", "infirmier"), ["public", "identite"]),
        (professional("annuaire", kind="system"), ["public"]),
        (professional("personne", kind="citizen"), ["public"]),
    ],
)
def test_what_is_seen_without_a_link(caller: Caller, cells: list[str]) -> None:
    assert unlinked(caller) == cells


@pytest.mark.parametrize("role", ["operateur", "dpo", "identitovigilance"])
def test_some_roles_go_with_no_other(role: str) -> None:
    caller = professional(role, "infirmier")

    assert not reads(SHIPPED, caller, stamp("sante"), [link(Tie.TEAM_INFORMED)])
    assert not reads(SHIPPED, caller, stamp("message", ACTOR), [link(Tie.TEAM_INFORMED)])
    assert not SHIPPED.may_create(caller, stamp("sante"), [link(Tie.TEAM_INFORMED)], 0)


def test_availability_is_seen_by_who_coordinates() -> None:
    agenda = Stamp(CELLS.of("coordination", (), Part.AGENDA))

    assert reads(SHIPPED, professional("infirmier"), agenda, [])
    assert reads(SHIPPED, professional("personne", kind="citizen"), agenda, [])
    assert not reads(SHIPPED, professional("agent-mdph"), agenda, [])
    assert not reads(SHIPPED, professional("dpo"), agenda, [])


def test_messages_and_requests_stay_with_who_takes_part_in_them() -> None:
    for category in ("message", "sollicitation"):
        mine = stamp(category, ACTOR)
        assert reads(SHIPPED, professional("infirmier"), mine, [])  # whoever left the circle keeps them
        assert reads(SHIPPED, professional("aidant", kind="citizen"), mine, [])
    assert not reads(SHIPPED, professional("infirmier"), stamp("liaison", ACTOR), [])
    assert reads(SHIPPED, professional("infirmier"), Stamp(PARTIES, parties=(ACTOR,)), [])
    assert not reads(SHIPPED, professional("unheard-of"), Stamp(PARTIES, parties=(ACTOR,)), [])
    assert reads(SHIPPED, professional("unheard-of"), Stamp(PUBLIC), [])
    assert not reads(SHIPPED, professional("infirmier"), Stamp(OPERATORS), [])


def test_the_gate_that_refuses_is_the_furthest_that_is_reached() -> None:
    caller = professional("aide-domicile")
    letter = stamp("sante", OTHER)
    asked = [
        ([], LINK),
        ([link(Tie.TEAM_INFORMED, allow=0, named=1)], CONSENT),
        ([link(Tie.TEAM)], MATRIX),
        ([link(Tie.TEAM_INFORMED)], LABELS),
        ([link(Tie.TEAM), link(Tie.TEAM_INFORMED)], LABELS),
        ([link(Tie.TEAM_INFORMED), link(Tie.DENIAL, deny=EVERYTHING)], CONSENT),
    ]

    for links, gate in asked:
        decision = SHIPPED.decision_of(caller, letter, links, "read", 0)
        assert (decision.allowed, decision.gate) == (False, gate), links
