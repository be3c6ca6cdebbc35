"""What belongs to the dossier of an episode of care, and of a team. `docs/operations.md` has the rules."""

from __future__ import annotations

import pytest

from fhir_server.kernel.keys import Key
from fhir_server.kernel.wire import Tree
from fhir_server.operations.dossier import Focus, Known, members
from tests.builders import observation, patient
from tests.fhir_server.interactions.performing import BASE, refused
from tests.fhir_server.operations.asking import Operator, keys_in, reference

PATIENT, THIS, OTHER, TEAM = (
    Key("Patient", "p"),
    Key("EpisodeOfCare", "this"),
    Key("EpisodeOfCare", "other"),
    Key("CareTeam", "team"),
)


def record(**links: str) -> dict[Key, Known]:
    """`Encounter_a="EpisodeOfCare/this"`: resources, and what they refer to; a `!` behind: outside of the period."""
    found = {}
    for name, text in links.items():
        refers = frozenset(Key(*one.split("/")) for one in text.rstrip("!").split())
        found[Key(*name.split("_"))] = Known(refers, during=not text.endswith("!"), dated=True, wanted=True)
    return found


@pytest.mark.parametrize(
    ("links", "expected"),
    [
        ({"Encounter_a": "EpisodeOfCare/this !"}, {"Encounter/a"}),
        ({"Encounter_a": "EpisodeOfCare/this !", "Observation_b": "Encounter/a !"}, {"Encounter/a", "Observation/b"}),
        ({"CarePlan_a": "CareTeam/team !", "Task_b": "CarePlan/a !"}, {"CarePlan/a", "Task/b"}),
        ({"CarePlan_a": "CareTeam/team Goal/b !", "Goal_b": "!"}, {"CarePlan/a", "Goal/b"}),
        ({"CarePlan_a": "CareTeam/team Goal/b !", "Goal_b": "ServiceRequest/c !", "ServiceRequest_c": "!"},
         {"CarePlan/a", "Goal/b", "ServiceRequest/c"}),
        ({"Observation_a": ""}, {"Observation/a"}),
        ({"Observation_a": "!"}, set()),
        ({"Condition_a": "!", "AllergyIntolerance_b": "!"}, {"Condition/a", "AllergyIntolerance/b"}),
        ({"Encounter_a": "EpisodeOfCare/other", "Observation_b": "Encounter/a"}, set()),
        ({"Encounter_a": "EpisodeOfCare/other EpisodeOfCare/this"}, {"Encounter/a"}),
        # What many supports share ties nothing further, and through an encounter no way leads on.
        ({"Procedure_a": "EpisodeOfCare/this Condition/c !", "Condition_c": "!", "Procedure_b": "Condition/c !"},
         {"Procedure/a", "Condition/c"}),
        ({"Procedure_a": "EpisodeOfCare/this Encounter/old !", "Encounter_old": "Appointment/old !",
          "Appointment_old": "!", "Observation_old": "Encounter/old !"}, {"Procedure/a", "Encounter/old"}),
        ({"Observation_a": "Patient/p !"}, set()),
    ],
)  # fmt: skip
def test_what_belongs_to_the_dossier_of_an_episode(links: dict[str, str], expected: set[str]) -> None:
    focus = Focus((THIS, TEAM), PATIENT, (0, 1), alone=True)
    known = record(
        Patient_p="", EpisodeOfCare_this="Patient/p CareTeam/team", CareTeam_team="!",
        EpisodeOfCare_other="Patient/p CareTeam/team", **links,
    )  # fmt: skip

    found = {str(key) for key in members(focus, known)}

    assert found == {"Patient/p", "EpisodeOfCare/this", "CareTeam/team"} | expected


def test_the_dossier_of_a_team_has_all_its_episodes() -> None:
    known = record(
        Patient_p="", CareTeam_team="Patient/p", EpisodeOfCare_this="CareTeam/team !",
        EpisodeOfCare_other="CareTeam/team !", Encounter_a="EpisodeOfCare/other !", Encounter_b="!",
    )  # fmt: skip

    found = members(Focus((TEAM,), PATIENT, (0, 1), alone=False), known)

    assert {str(key) for key in known} - {str(key) for key in found} == {"Encounter/b"}


def test_a_team_that_is_not_here_ties_nothing() -> None:
    known = record(EpisodeOfCare_this="CareTeam/team", Patient_p="")

    assert members(Focus((THIS, TEAM), PATIENT, None, alone=True), known) == {THIS, PATIENT}


@pytest.fixture
async def support(server: Operator) -> Operator:
    """Mme Payet's coordination: an episode with a team, a plan and what was done; a dental episode beside it."""
    p = reference("Patient/p")
    home = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "HH"}
    await server.keep(
        {"resourceType": "Organization", "id": "dac", "name": "DAC"},
        {"resourceType": "Practitioner", "id": "nurse"},
        patient(id="p"),
        patient(id="q"),
        {"resourceType": "CareTeam", "id": "circle", "subject": p,
         "participant": [{"member": reference("Practitioner/nurse")}], "period": {"start": "2023-06"}},
        {"resourceType": "EpisodeOfCare", "id": "dac", "status": "active", "patient": p,
         "team": [reference("CareTeam/circle")], "managingOrganization": reference("Organization/dac"),
         "period": {"start": "2024-01-10", "end": "2024-06-30"}},
        {"resourceType": "EpisodeOfCare", "id": "dental", "status": "active", "patient": p,
         "period": {"start": "2024"}},
        {"resourceType": "Encounter", "id": "visit", "status": "finished", "class": home, "subject": p,
         "episodeOfCare": [reference("EpisodeOfCare/dac")], "period": {"start": "2023-12-20", "end": "2023-12-20"}},
        {"resourceType": "Encounter", "id": "dentist", "status": "finished", "class": home, "subject": p,
         "episodeOfCare": [reference("EpisodeOfCare/dental")], "period": {"start": "2024-02-01", "end": "2024-02-01"}},
        {"resourceType": "Condition", "id": "falls", "subject": p, "onsetDateTime": "2010"},
        {"resourceType": "Goal", "id": "walk", "lifecycleStatus": "active", "description": {"text": "walk"},
         "subject": p, "startDate": "2023-01-01", "addresses": [reference("Condition/falls")]},
        {"resourceType": "CarePlan", "id": "ppcs", "status": "active", "intent": "plan", "subject": p,
         "careTeam": [reference("CareTeam/circle")], "goal": [reference("Goal/walk")]},
        {"resourceType": "Task", "id": "rail", "status": "requested", "intent": "order", "for": p,
         "basedOn": [reference("CarePlan/ppcs")]},
    )  # fmt: skip
    await server.keep(
        observation("Patient/p", id="at-visit", encounter=reference("Encounter/visit"), effectiveDateTime="2023-12-20"),
        observation(
            "Patient/p", id="at-dentist", encounter=reference("Encounter/dentist"), effectiveDateTime="2024-02-01"
        ),
        observation("Patient/p", id="alone", effectiveDateTime="2024-03-01"),
        observation("Patient/p", id="before", effectiveDateTime="2019"),
        observation("Patient/q", id="of-q", effectiveDateTime="2024-03-01"),
    )  # fmt: skip
    return server


EPISODE = [
    "EpisodeOfCare/dac", "Patient/p", "CarePlan/ppcs", "CareTeam/circle", "Condition/falls", "Encounter/visit",
    "Goal/walk", "Observation/alone", "Observation/at-visit", "Task/rail",
]  # fmt: skip


async def test_the_whole_dossier_of_an_episode(support: Operator) -> None:
    found = await support.bundle("EpisodeOfCare/dac/$everything")

    assert keys_in(found, "match") == EPISODE
    assert keys_in(found, "include") == ["Organization/dac", "Practitioner/nurse"]
    assert found["total"] == len(EPISODE)


async def test_the_whole_dossier_of_a_team(support: Operator) -> None:
    found = await support.bundle("CareTeam/circle/$everything")

    assert set(keys_in(found, "match")) == {
        *EPISODE, "EpisodeOfCare/dental", "Encounter/dentist", "Observation/at-dentist",
    }  # fmt: skip
    assert keys_in(found, "match")[:2] == ["CareTeam/circle", "Patient/p"]


@pytest.mark.parametrize("count", [1, 2, 9, 10, 11, 12, 13])
async def test_pages_of_a_dossier_lead_through_it_once(support: Operator, count: int) -> None:
    pages = await support.pages(f"EpisodeOfCare/dac/$everything?_count={count}")

    assert [key for page in pages for key in keys_in(page)] == [
        *EPISODE,
        "Organization/dac",
        "Practitioner/nurse",
    ]
    assert all(len(page["entry"]) <= count for page in pages)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("_type=Observation", ["Observation/alone", "Observation/at-visit"]),
        (
            "_type=Observation,Practitioner",
            ["Observation/alone", "Observation/at-visit", "Practitioner/nurse"],
        ),
        ("_type=Observation&start=2024", ["Observation/alone"]),
        ("_type=Organization", ["Organization/dac"]),
        ("_since=2999-01-01T00:00:00Z", []),
    ],
)
async def test_a_dossier_narrows_like_a_record(support: Operator, query: str, expected: list[str]) -> None:
    assert keys_in(await support.bundle(f"EpisodeOfCare/dac/$everything?{query}")) == expected


@pytest.mark.parametrize(
    ("tree", "expected"),
    [
        ({"subject": reference("Group/g")}, ["CareTeam/x"]),
        ({}, ["CareTeam/x"]),
        ({"subject": reference("https://elsewhere.example/fhir/Patient/p")}, ["CareTeam/x"]),
        ({"subject": reference(f"{BASE}/Patient/q")}, ["CareTeam/x", "Patient/q", "Observation/of-q"]),
    ],
)
async def test_the_dossier_of_a_team_without_a_patient_here_is_the_team(
    support: Operator, tree: Tree, expected: list[str]
) -> None:
    await support.keep({"resourceType": "Group", "id": "g", "type": "person", "actual": True})
    await support.keep({"resourceType": "CareTeam", "id": "x", **tree})

    assert keys_in(await support.bundle("CareTeam/x/$everything"), "match") == expected


async def test_a_dossier_that_is_not_there_is_404_or_410(support: Operator) -> None:
    await support.keep({"resourceType": "CareTeam", "id": "gone"})
    await support.delete(Key("CareTeam", "gone"))

    with refused(404):
        await support.ask("EpisodeOfCare/never/$everything")
    with refused(410):
        await support.ask("CareTeam/gone/$everything")
    for cursor in ("x", "Shoe/1", "included:x", "Patient/"):
        with refused(400):
            await support.ask(f"CareTeam/circle/$everything?_cursor={cursor}")
