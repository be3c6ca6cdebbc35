"""What the person decided: which Consent counts, for whom, for what, and which of two wins."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_server.access.consents import (
    CARER,
    EXCLUSION,
    INFORMATION,
    NO_EMERGENCY,
    OPPOSITION,
    OUTSIDE,
    PROTECTION,
    RECOGNITION,
    Consents,
    code_of,
    statements_of,
    unread,
)
from fhir_server.definitions.elements import shape_of
from fhir_server.kernel.keys import Key
from fhir_server.kernel.wire import Tree
from fhir_server.search.spans import span_of
from tests.circles import (
    ALL,
    CELLS,
    PERSON,
    bits,
    circle,
    coding,
    consent,
    facts,
    member,
    moment,
    outside,
    recognition,
    role,
    to,
)

EXAMPLES = Path(__file__).parents[3] / "profiles/source/cordee.coordination/examples/valid"
PHARMACY = Key("Organization", "pharmacy")
CONFIDENTIALITY = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
REASON = "http://terminology.hl7.org/CodeSystem/v3-ActReason"


def consents(*trees: Tree, others: tuple[Tree, ...] = ()) -> Consents:
    known = facts(*trees, *others)
    return Consents(statement for tree in trees for statement in statements_of(tree, known, CELLS))


def permitted(*trees: Tree, code: str = OUTSIDE, actor: Key | None = PHARMACY, at: str = "2026-10-01") -> int:
    return consents(*trees).at(moment(at), code, actor)[0]


def denied(*trees: Tree, code: str = OPPOSITION, actor: Key | None = None, at: str = "2026-10-01") -> int:
    return consents(*trees).at(moment(at), code, actor)[1]


@pytest.mark.parametrize(
    ("dates", "expected"),
    [
        ((("2026-07-01", "permit"),), ALL),
        ((("2026-07-01", "deny"),), 0),
        ((("2026-07-01", "permit"), ("2026-07-02", "deny")), 0),
        ((("2026-07-01", "deny"), ("2026-07-02", "permit")), ALL),
        ((("2026-07-01", "permit"), ("2026-07-01", "deny")), 0),  # equal date: the denial
        ((("2026-07-01", "deny"), ("2026-07-01", "permit")), 0),
        ((("2026-07-02", "permit"), ("2026-07-01", "deny"), ("2026-06-01", "permit")), ALL),
        ((("2026-07-02", "permit"), ("", "deny")), ALL),  # without date: older than any other
    ],
)
def test_of_two_consents_of_the_same_code_the_most_recent_counts(
    dates: tuple[tuple[str, str], ...], expected: int
) -> None:
    trees = [
        outside(str(PHARMACY), dated=dated, type=kind, id=str(place))
        for place, (dated, kind) in enumerate(dates)
    ]

    assert permitted(*trees) == expected


def test_the_most_recent_counts_for_each_category_by_itself() -> None:
    all_of_it = outside(str(PHARMACY), dated="2026-07-01")
    not_the_plan = outside(str(PHARMACY), dated="2026-07-02", type="deny", data=["plan"])

    assert permitted(all_of_it, not_the_plan) == ALL & ~bits("plan")


def test_the_most_recent_counts_while_it_holds() -> None:
    lasting = outside(str(PHARMACY), dated="2026-07-01", type="deny")
    passing = outside(str(PHARMACY), dated="2026-07-02", start="2026-09-01", end="2026-10-31")

    assert permitted(lasting, passing, at="2026-08-31") == 0
    assert permitted(lasting, passing, at="2026-10-31") == ALL
    assert permitted(lasting, passing, at="2026-11-01") == 0


def test_consents_about_different_actors_do_not_compete() -> None:
    permit = outside(str(PHARMACY), dated="2026-07-01")
    other = outside("Organization/msp", dated="2026-07-02", type="deny")

    assert permitted(permit, other) == ALL


@pytest.mark.parametrize("status", ["draft", "proposed", "rejected", "inactive", "entered-in-error"])
@pytest.mark.parametrize("code", [OUTSIDE, EXCLUSION])
def test_only_active_consents_count(status: str, code: str) -> None:
    tree = consent(code, str(PHARMACY), type="deny" if code == EXCLUSION else "permit", status=status)

    assert consents(tree).statements == ()


@pytest.mark.parametrize(
    "code", ["opposition-messagerie", "opposition-dmp", "accord-projet", "non-opposition"]
)
def test_decisions_about_other_things_say_nothing_here(code: str) -> None:
    assert consents(consent(code, str(PHARMACY))).statements == ()


@pytest.mark.parametrize(
    "narrowed",
    [
        {"dataPeriod": {"start": "2026-08-01", "end": "2026-07-01"}},
        {"provision": [{"type": "deny"}]},
        {"data": [{"meaning": "related", "reference": to("DocumentReference/1")}]},
        {"modifierExtension": [{"url": "https://x.example"}]},
        {"purpose": [{"system": REASON, "code": "HRESCH"}]},
        {"action": [coding("http://terminology.hl7.org/CodeSystem/consentaction", "collect")]},
        {"code": [coding("http://loinc.org", "34133-9")]},
        {"securityLabel": [{"system": "https://x.example", "code": "secret"}]},
        {"period": {"start": "never"}},
        {"period": {"start": "2026-09-01", "end": "2026-08-01"}},
        {"type": "unknown"},
    ],
    ids=lambda narrowed: next(iter(narrowed)),
)
def test_a_permit_that_no_link_can_carry_opens_nothing(narrowed: Tree) -> None:
    assert permitted(outside(str(PHARMACY), provision=narrowed)) == 0


@pytest.mark.parametrize(
    "narrowed",
    [
        {"dataPeriod": {"start": "soon"}},
        {"provision": [{"type": "permit"}]},
        {"purpose": [{"system": REASON, "code": "HRESCH"}]},
        {"code": [coding("http://loinc.org", "34133-9")]},
        {"period": {"start": "never"}},
        {"type": "unknown"},
    ],
    ids=lambda narrowed: next(iter(narrowed)),
)
def test_a_denial_that_no_link_can_carry_closes_everything(narrowed: Tree) -> None:
    assert denied(consent(OPPOSITION, type="deny", provision=narrowed)) == ALL


@pytest.mark.parametrize("more", [{"scope": coding("x", "research")}, {"modifierExtension": [{"url": "x"}]}])
def test_a_permit_of_another_scope_opens_nothing(more: Tree) -> None:
    assert permitted(outside(str(PHARMACY), **more)) == 0


def test_a_permit_without_proof_opens_nothing() -> None:
    assert permitted(outside(str(PHARMACY), proof=False)) == 0
    assert permitted(outside(str(PHARMACY), proof=False, sourceReference=to("DocumentReference/1"))) == ALL


def test_care_is_a_purpose_that_opens() -> None:
    assert (
        permitted(outside(str(PHARMACY), provision={"purpose": [{"system": REASON, "code": "COC"}]})) == ALL
    )


@pytest.mark.parametrize(
    ("lists", "opened", "closed"),
    [
        ({"code": ["plan", "sante"]}, bits("plan", "sante"), bits("plan", "sante")),
        ({"class": ["plan"]}, bits("plan"), bits("plan")),
        ({"securityLabel": ["plan"]}, bits("plan"), bits("plan")),
        ({"securityLabel": ["R"]}, bits("sante-sensible"), bits("sante-sensible")),
        ({"code": ["plan"], "securityLabel": ["sante"]}, 0, bits("plan", "sante")),
        ({}, ALL, ALL),
    ],
)
def test_categories_may_stand_in_three_places(lists: dict[str, list[str]], opened: int, closed: int) -> None:
    system = "https://cordee.example/fhir/CodeSystem/categorie-donnee"
    codes: Tree = {
        name: [{"system": CONFIDENTIALITY if code == "R" else system, "code": code} for code in values]
        for name, values in lists.items()
    }
    if "code" in codes:
        codes["code"] = [{"coding": [one]} for one in codes["code"]]

    assert permitted(outside(str(PHARMACY), provision=codes)) == opened
    assert denied(consent(OPPOSITION, type="deny", provision=codes)) == closed


def test_a_carers_access_opens_nothing_but_what_it_lists() -> None:
    daughter = Key("RelatedPerson", "daughter")

    assert permitted(consent(CARER, daughter), code=CARER, actor=daughter) == 0
    assert permitted(consent(CARER, daughter, data=["plan"]), code=CARER, actor=daughter) == bits("plan")


def test_a_permit_holds_from_its_day_on() -> None:
    tree = outside(str(PHARMACY), dated="2026-10-05T10:00:00Z")

    assert permitted(tree, at="2026-10-05T09:59:00Z") == 0
    assert permitted(tree, at="2026-10-05T10:00:00Z") == ALL


def test_information_is_about_everybody() -> None:
    assert permitted(consent(INFORMATION), code=INFORMATION, actor=None) == ALL
    assert permitted(consent(INFORMATION, provision={"type": None}), code=INFORMATION, actor=None) == ALL
    assert permitted(consent(INFORMATION, type="deny"), code=INFORMATION, actor=None) == 0


def test_an_opposition_that_names_nobody_we_know_is_about_everybody() -> None:
    assert denied(consent(OPPOSITION, "Device/1", type="deny")) == ALL
    assert denied(consent(OPPOSITION, str(PHARMACY), type="deny")) == 0


DOCTORS = role("x", "y", "G15_10")["code"]


@pytest.mark.parametrize(
    ("inner", "opened", "closed"),
    [
        ({"code": role("x", "y", "G15_21")["code"]}, {"class/pharmacien"}, {"class/pharmacien"}),
        ({"code": role("x", "y", "330")["code"]}, {"class/coordonnateur"}, {"class/coordonnateur"}),
        (
            {"code": role("x", "y", "G15_60", "330")["code"]},
            set(),
            {"class/infirmier", "class/coordonnateur"},
        ),
        ({"organization": to("Organization/msp")}, {"Organization/msp"}, {"Organization/msp"}),
        ({"practitioner": to("Practitioner/gp")}, {"Practitioner/gp"}, {"Practitioner/gp"}),
        (
            {"organization": to("Organization/msp"), "code": role("x", "y", "G15_21")["code"]},
            set(),
            {"Organization/msp", "class/pharmacien"},
        ),
        ({"code": [{"text": "everybody"}]}, set(), set()),
        (
            {"code": DOCTORS, "text": {"status": "empty"}, "active": True},
            {"class/medecin"},
            {"class/medecin"},
        ),
        ({"code": DOCTORS, "active": False}, set(), {"class/medecin"}),
        ({"code": DOCTORS, "specialty": [{"text": "cardiologie"}]}, set(), {"class/medecin"}),
        ({"code": DOCTORS, "extension": [{"url": "https://example.org/only"}]}, set(), {"class/medecin"}),
        ({"code": role("x", "y", "G15_10/SM04")["code"]}, set(), {"class/medecin"}),
        ({"code": [{"coding": [*DOCTORS[0]["coding"], {"code": "cardiologue"}]}]}, set(), {"class/medecin"}),
        (
            {"organization": to("Organization/msp"), "specialty": [{"text": "cardiologie"}]},
            set(),
            {"Organization/msp"},
        ),
    ],
)
def test_a_class_is_a_contained_role_without_a_person(
    inner: Tree, opened: set[str], closed: set[str]
) -> None:
    contained = [{"resourceType": "PractitionerRole", "id": "all", **inner}]
    permit = outside("#all", contained=contained)
    denial = consent(EXCLUSION, "#all", type="deny", contained=contained)

    assert {str(one.actor) for one in consents(permit).statements} == opened
    assert {str(one.actor) for one in consents(denial).statements} == closed


@pytest.mark.parametrize("element", sorted(shape_of("PractitionerRole").children))
def test_a_permit_to_a_class_that_anything_narrows_is_to_nobody(element: str) -> None:
    inner = {
        "resourceType": "PractitionerRole",
        "code": DOCTORS,
        element: DOCTORS if element == "code" else [{}],
        "id": "all",
    }
    found = {str(one.actor) for one in consents(outside("#all", contained=[inner])).statements}

    says_nothing = {"id", "meta", "text", "language", "code"}
    assert found == ({"class/medecin"} if element in says_nothing else set())


def test_an_exclusion_of_a_circle_is_about_all_who_are_in_it() -> None:
    team = circle(member("PractitionerRole/nurse"), member("PractitionerRole/gp", "2030-01-01"))
    excluded = consent(EXCLUSION, "CareTeam/payet", type="deny")

    actors = {str(one.actor) for one in consents(excluded, others=(team,)).statements}

    assert actors == {"PractitionerRole/nurse", "PractitionerRole/gp"}


@pytest.mark.parametrize(
    ("more", "permitted", "denied"),
    [
        ({}, {"PractitionerRole/nurse"}, {"PractitionerRole/nurse", "PractitionerRole/gp"}),
        ({"status": "inactive"}, set(), {"PractitionerRole/nurse", "PractitionerRole/gp"}),
        ({"status": "entered-in-error"}, set(), {"PractitionerRole/nurse", "PractitionerRole/gp"}),
        ({"period": {"start": "2026-09-01"}}, set(), {"PractitionerRole/nurse", "PractitionerRole/gp"}),
    ],
    ids=["in force", "ended", "in error", "of another time"],
)
def test_what_is_denied_to_a_circle_outlives_it_and_what_is_permitted_does_not(
    more: Tree, permitted: set[str], denied: set[str]
) -> None:
    team = circle(member("PractitionerRole/nurse"), member("PractitionerRole/gp", "2026-09-15"), **more)

    for tree, expected in (
        (outside("CareTeam/payet"), permitted),
        (consent(EXCLUSION, "CareTeam/payet", type="deny"), denied),
    ):
        assert {str(one.actor) for one in consents(tree, others=(team,)).statements} == expected


@pytest.mark.parametrize(
    ("tree", "place"),
    [
        (outside(str(PHARMACY)), ""),
        (outside(str(PHARMACY), status="inactive", provision={"dataPeriod": {}}), ""),
        (outside(str(PHARMACY), provision={"dataPeriod": {}}), "Consent.provision.dataPeriod"),
        (outside(str(PHARMACY), provision={"dataPeriod": {"start": "2026-01"}}), ""),
        (outside(str(PHARMACY), provision={"provision": []}), "Consent.provision.provision"),
        (outside(str(PHARMACY), modifierExtension=[]), "Consent.modifierExtension"),
        (outside("Group/1"), "Consent.provision.actor"),
        (outside(), "Consent.provision.actor"),
        (outside("#nobody"), "Consent.provision.actor"),
        (
            outside(
                "#all",
                contained=[
                    {"resourceType": "PractitionerRole", "id": "all", "code": DOCTORS, "location": []}
                ],
            ),
            "Consent.provision.actor",
        ),
        (outside(str(PHARMACY), data=["secrets"]), "Consent.provision.code"),
        (outside(str(PHARMACY), provision={"period": {"end": "soon"}}), "Consent.provision.period"),
        (consent(CARER, "RelatedPerson/daughter"), "Consent.provision.code"),
        (consent(OPPOSITION, type="deny"), ""),
        (consent(INFORMATION), ""),
        (consent(NO_EMERGENCY, type="deny"), ""),
    ],
)
def test_what_cannot_be_obeyed_to_the_letter_is_named(tree: Tree, place: str) -> None:
    assert unread(tree, facts(tree)) == place


def test_the_examples_of_our_guide_are_read() -> None:
    read = {
        path.stem: json.loads(path.read_text(encoding="utf-8"))
        for path in sorted(EXAMPLES.glob("consentement-*.json"))
    }
    known = {
        name: [(one.code, one.permits, str(one.actor)) for one in statements_of(tree, facts(), CELLS)]
        for name, tree in read.items()
    }

    assert known["consentement-exclusion"] == [(EXCLUSION, False, "PractitionerRole/ancien-kine")]
    assert known["consentement-opposition"] == [(OPPOSITION, False, "None")]
    assert known["consentement-information"] == [(INFORMATION, True, "None")]
    assert known["consentement-retire"] == []
    assert [code for code, _, _ in known["consentement-acces-aidant"]] == [CARER]
    assert {code_of(tree) for tree in read.values()} <= {EXCLUSION, OPPOSITION, INFORMATION, OUTSIDE, CARER}


def test_the_person_needs_no_consent_of_their_own() -> None:
    assert consents(outside(str(PERSON)), recognition(str(PERSON))).statements == ()
    assert permitted(consent(PROTECTION, str(PHARMACY)), code=PROTECTION) == ALL
    assert permitted(recognition(str(PHARMACY)), code=RECOGNITION) == ALL


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["permit", "deny"]),
            st.integers(1, 5),
            st.lists(st.sampled_from(["plan", "sante"]), max_size=2),
        ),
        max_size=6,
    )
)
def test_the_winner_is_that_of_the_most_recent_about_each_category(
    said: list[tuple[str, int, list[str]]],
) -> None:
    trees = [
        outside(str(PHARMACY), id=str(place), type=kind, dated=f"2026-07-0{day}", data=data)
        for place, (kind, day, data) in enumerate(said)
    ]

    for category in ("plan", "sante", "liaison"):
        about = [(day, kind) for kind, day, data in said if not data or category in data]
        wins = max(about, key=lambda one: (one[0], one[1] == "deny"), default=(0, "deny"))[1] == "permit"
        assert (permitted(*trees) & bits(category) == bits(category)) is wins


def test_a_consent_about_data_of_some_time_says_nothing_of_others() -> None:
    year = {"dataPeriod": {"start": "2025", "end": "2025"}}
    decided = consents(
        outside(str(PHARMACY), provision=year), consent(EXCLUSION, str(PHARMACY), type="deny", provision=year)
    )
    spans = decided.spans()

    assert spans[1] == span_of("2025")
    about = [decided.about(span) for span in spans]
    assert [one.at(moment("2026-10-01T08:00:00Z"), OUTSIDE, PHARMACY) for one in about] == [
        (0, 0),
        (ALL, 0),
        (0, 0),
    ]
    assert [one.at(moment("2026-10-01T08:00:00Z"), EXCLUSION, PHARMACY) for one in about] == [
        (0, 0),
        (0, ALL),
        (0, 0),
    ]
    assert decided.opening().at(moment("2026-10-01T08:00:00Z"), OUTSIDE, PHARMACY) == (0, 0)
    assert decided.opening().at(moment("2026-10-01T08:00:00Z"), EXCLUSION, PHARMACY) == (0, ALL)
    assert decided.closing().at(moment("2026-10-01T08:00:00Z"), EXCLUSION, PHARMACY) == (0, 0)


def test_consents_about_data_of_any_time_have_no_times() -> None:
    assert consents(outside(str(PHARMACY))).spans() == []
