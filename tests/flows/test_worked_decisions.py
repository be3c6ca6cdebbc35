"""The fifteen decisions that the domain works out (18.4), over HTTP, with tokens signed by us and by another issuer.

Decisions 1–5, 8–12, 14 and 15 assume a circle whose members are recognised and a person who was informed (18.9).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import httpx
import pytest
import pytest_asyncio

from fhir_server.access.caller import Caller
from fhir_server.access.marks import CATEGORY_SYSTEM, LABEL_SYSTEM, VISIBILITY_SYSTEM
from fhir_server.kernel.wire import Tree
from tests.circles import (
    CITIZEN,
    COORDINATOR,
    DIRECTORY,
    GP,
    HELPER,
    NURSE,
    PERSON,
    PHARMACIST,
    ROLE_CLASS,
    caller,
    circle,
    citizen,
    coding,
    member,
    organisation,
    patient,
    practitioner,
    relative,
    role,
    to,
)
from tests.flows.asking import issue_of
from tests.flows.callers import Issuer, door, found, numbered
from tests.guarded import SINCE, decided

pytestmark = pytest.mark.asyncio(loop_scope="session")

Ask = Callable[[Caller], Awaitable[httpx.AsyncClient]]

LOINC: Final = "http://loinc.org"
CONFIDENTIALITY: Final = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
LIAISON: Final = "https://mos.esante.gouv.fr/NOS/TRE_R234-TypeNote/FHIR/TRE-R234-TypeNote"
OURS: Final = "https://cordee.example/fhir/CodeSystem"
YESTERDAY: Final = (datetime.now(UTC) - timedelta(days=1)).date().isoformat()

CARDIOLOGIST: Final = caller("cardiologist", "hospital", "medecin")
KINE: Final = caller("kine", "msp", "auxiliaire-medical")
SOCIAL_WORKER: Final = caller("social", "ccas", "travailleur-social")
FORMER_NURSE: Final = caller("former", "practice", "infirmier")
NEIGHBOURING: Final = caller("neighbour", "beffroi", "pharmacien")  # has the consent of the person
DAUGHTER: Final = citizen("daughter", "aidant")
FRIEND: Final = citizen("friend", "aidant")


def observation(id: str, system: str, code: str, performer: str = "gp", **more: Any) -> Tree:
    return {
        "resourceType": "Observation",
        "id": id,
        "status": "final",
        "code": coding(system, code),
        "subject": to(PERSON),
        "performer": [to(f"PractitionerRole/{performer}")],
        **more,
    }


def document(id: str, code: str, author: str, *visibility: str, system: str = LOINC) -> Tree:
    tree: Tree = {
        "resourceType": "DocumentReference",
        "id": id,
        "status": "current",
        "type": coding(system, code),
        "subject": to(PERSON),
        "author": [to(f"PractitionerRole/{author}")],
        "content": [{"attachment": {"contentType": "text/plain", "data": "dGV4dGU="}}],
    }
    return tree | labelled(*((VISIBILITY_SYSTEM, code) for code in visibility)) if visibility else tree


def labelled(*labels: tuple[str, str]) -> Tree:
    return {"meta": {"security": [{"system": system, "code": code} for system, code in labels]}}


def plan(id: str, **more: Any) -> Tree:
    return {
        "resourceType": "CarePlan",
        "id": id,
        "status": "active",
        "intent": "plan",
        "category": [coding(f"{OURS}/categorie-plan", "ppcs")],
        "subject": to(PERSON),
        "author": to("PractitionerRole/coordinator"),
        **more,
    }


def action(id: str, owner: str) -> Tree:
    return {
        "resourceType": "Task",
        "id": id,
        "status": "accepted",
        "intent": "order",
        "code": coding(f"{OURS}/type-action", "prevention"),
        "focus": to("Goal/walk"),
        "for": to(PERSON),
        "requester": to("PractitionerRole/coordinator"),
        "owner": to(f"PractitionerRole/{owner}"),
    }


WORLD: Final = (
    *DIRECTORY,
    organisation("practice", site=True),
    organisation("ccas", site=True),
    organisation("beffroi", "620", site=True),
    role("kine", "msp", "G15_70"),
    role("former", "practice", "G15_60"),
    role("neighbour", "beffroi", "G15_21"),
    role("social", "ccas", "300"),
    *(practitioner(one) for one in ("kine", "former", "neighbour", "social")),
    patient(),
    *(relative(one, (ROLE_CLASS, "CAREGIVER")) for one in ("daughter", "friend", "brother")),
    circle(
        member("PractitionerRole/gp", SINCE, pcp=True),
        *(member(f"PractitionerRole/{one}", SINCE) for one in ("nurse", "helper", "coordinator")),
        *(member(f"PractitionerRole/{one}", SINCE) for one in ("cardiologist", "kine")),
        member("PractitionerRole/former", SINCE, YESTERDAY),
        *(member(f"RelatedPerson/{one}", SINCE) for one in ("daughter", "friend", "brother")),
        period={"start": SINCE},
    ),
    decided("reconnaissance-equipe", "CareTeam/payet", dated=f"{SINCE}T12:00:00Z"),
    decided("information-dossier"),
    decided("consentement-hors-equipe", "Organization/beffroi"),
    decided("acces-aidant", "RelatedPerson/daughter", data=("liaison", "plan"), id="of-daughter"),
    decided("acces-aidant", "RelatedPerson/friend", data=("coordination",), id="of-friend"),
    observation("weight", LOINC, "29463-7"),
    observation("pressure", LOINC, "85354-9", "nurse"),
    observation("virus", "http://hl7.org/fhir/sid/icd-10", "B20"),
    observation("secret", LOINC, "8302-2", **labelled((CONFIDENTIALITY, "R"))),
    observation("pulse", LOINC, "8867-4", "former"),
    document("discharge", "11490-0", "cardiologist"),
    document("stay", "34112-3", "cardiologist"),
    document("summary", "60591-5", "gp"),
    document("masked", "11488-4", "nurse", "MASQUE_PS"),
    document("announced", "11488-4", "gp", "INVISIBLE_PATIENT"),
    document("note", "OBS", "former", system=LIAISON),
    {
        "resourceType": "AllergyIntolerance",
        "id": "penicillin",
        "criticality": "high",
        "patient": to(PERSON),
        "clinicalStatus": coding(
            "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical", "active"
        ),
    },
    {
        "resourceType": "AllergyIntolerance",
        "id": "pollen",
        "criticality": "low",
        "patient": to(PERSON),
        "clinicalStatus": coding(
            "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical", "active"
        ),
    },
    {
        "resourceType": "MedicationStatement",
        "id": "tablets",
        "status": "active",
        "medicationCodeableConcept": {"text": "bisoprolol 2,5 mg"},
        "subject": to(PERSON),
        "informationSource": to("PractitionerRole/gp"),
    },
    {
        "resourceType": "Goal",
        "id": "walk",
        "lifecycleStatus": "active",
        "category": [coding(f"{OURS}/categorie-objectif", "attente")],
        "description": {"text": "Marcher sans tomber"},
        "subject": to(PERSON),
    },
    plan("shared", **labelled((LABEL_SYSTEM, "audience:aidants"))),
    plan("internal"),
    action("exercises", "kine"),
    action("dressing", "nurse"),
)


@pytest_asyncio.fixture(scope="module", loop_scope="session", params=["our tokens", "another issuer's"])
async def ask(
    request: pytest.FixtureRequest,
    databases: Any,
    migrated: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Ask]:
    """Gives a client of a server on which the world above is, with a token of whoever is named."""
    url = databases.create(migrated)
    issuer = Issuer(tmp_path_factory.mktemp("issuer"))
    async with door(url, issuer=issuer) as opened:
        await opened.keep(*(numbered(tree) for tree in WORLD))
        for person in (PERSON, *DAUGHTER.actors, *FRIEND.actors):
            opened.bind(person)

        async def by(caller: Caller) -> httpx.AsyncClient:
            if request.param == "our tokens":
                return await opened.by(caller)
            return await opened.with_token(issuer.token(caller))

        yield by
    databases.drop(url)


READS: Final = (
    (2, "the home help and a letter of discharge", HELPER, "DocumentReference/discharge", 404),
    (3, "the home help and an allergy of high criticality", HELPER, "AllergyIntolerance/penicillin", 200),
    (3, "the home help and any other allergy", HELPER, "AllergyIntolerance/pollen", 404),
    (4, "the coordinator and the report of a stay", COORDINATOR, "DocumentReference/stay", 404),
    (5, "the coordinator and the medical summary", COORDINATOR, "DocumentReference/summary", 200),
    (6, "a pharmacist outside the circle", PHARMACIST, "Patient/payet", 404),
    (6, "a pharmacist outside the circle and the treatment", PHARMACIST, "MedicationStatement/tablets", 404),
    (7, "the pharmacist of a consent", NEIGHBOURING, "MedicationStatement/tablets", 200),
    (7, "the pharmacist of a consent", NEIGHBOURING, "Patient/payet", 200),
    (8, "a nurse who left yesterday", FORMER_NURSE, "Patient/payet", 404),
    (8, "a nurse who left yesterday and what others wrote", FORMER_NURSE, "Observation/weight", 404),
    (8, "a nurse who left yesterday and what they measured", FORMER_NURSE, "Observation/pulse", 404),
    (8, "a nurse who left yesterday and their own note", FORMER_NURSE, "DocumentReference/note", 404),
    (9, "the daughter and the plan that is open to carers", DAUGHTER, "CarePlan/shared", 200),
    (9, "the daughter and a goal: minimal view", DAUGHTER, "Goal/walk", 200),
    (9, "the daughter and a plan that is not open", DAUGHTER, "CarePlan/internal", 404),
    (9, "the daughter and what the grant does not list", DAUGHTER, "Patient/payet", 404),
    (10, "the specialist and what another one masked", CARDIOLOGIST, "DocumentReference/masked", 404),
    (11, "the médecin traitant and what another one masked", GP, "DocumentReference/masked", 200),
    (12, "the person and what waits to be announced", CITIZEN, "DocumentReference/announced", 404),
    (12, "the person and what does not", CITIZEN, "DocumentReference/summary", 200),
    (13, "a social worker of another team", SOCIAL_WORKER, "CarePlan/shared", 404),
    (13, "a social worker of another team", SOCIAL_WORKER, "Patient/payet", 404),
)


@pytest.mark.parametrize(
    ("who", "address", "status"),
    [pytest.param(*rest, id=f"{number}: {text}: {rest[1]}") for number, text, *rest in READS],
)
async def test_a_read_is_answered_as_worked_out(ask: Ask, who: Caller, address: str, status: int) -> None:
    client = await ask(who)

    answer = await client.get(address)
    history = await client.get(f"{address}/_history/1")
    listed = await found(client, f"{address.partition('/')[0]}?_id={address.partition('/')[2]}")

    assert (answer.status_code, history.status_code) == (status, status)
    assert listed == ({address} if status == 200 else set())
    if status == 200:
        assert answer.json()["id"] == address.partition("/")[2]
    else:
        assert issue_of(answer, 404)["code"] == "not-found"
        assert answer.text.replace(address, "") == (await client.get(unknown(address))).text.replace(
            unknown(address), ""
        )


def unknown(address: str) -> str:
    """One of the same type, of which there is none."""
    return f"{address.partition('/')[0]}/nobody"


async def test_1_the_nurse_of_the_circle_finds_all_health_but_what_is_sensitive(ask: Ask) -> None:
    nurse = await ask(NURSE)

    page = (await nurse.get("Observation?patient=Patient/payet")).json()

    assert page["total"] == 3
    assert {one["resource"]["id"] for one in page["entry"]} == {"weight", "pressure", "pulse"}
    categories = [category_of(one["resource"]) for one in page["entry"]]
    assert categories == ["sante"] * 3


def category_of(tree: Tree) -> str:
    [code] = [one["code"] for one in tree["meta"]["security"] if one["system"] == CATEGORY_SYSTEM]
    assert isinstance(code, str)
    return code


async def test_8_whoever_left_finds_nothing_and_no_total_tells(ask: Ask) -> None:
    former = await ask(FORMER_NURSE)

    for type_ in ("Patient", "Observation", "DocumentReference", "CareTeam", "CarePlan", "Consent"):
        page = (await former.get(type_)).json()
        assert (page["total"], page.get("entry", [])) == (0, []), type_


async def test_9_the_daughter_finds_what_is_open_to_carers_or_in_the_minimal_view(ask: Ask) -> None:
    daughter = await ask(DAUGHTER)

    assert await found(daughter, "CarePlan?subject=Patient/payet") == {"CarePlan/shared"}
    assert await found(daughter, "Task?patient=Patient/payet") == {"Task/exercises", "Task/dressing"}
    assert await found(daughter, "DocumentReference?patient=Patient/payet") == set()


async def test_14_the_owner_of_an_action_moves_it_and_nobody_elses(ask: Ask) -> None:
    kine = await ask(KINE)
    own = (await kine.get("Task/exercises")).json()
    others = (await kine.get("Task/dressing")).json()

    moved = await kine.put("Task/exercises", json={**own, "status": "in-progress"})
    refused = await kine.put("Task/dressing", json={**others, "status": "in-progress"})
    patched = await kine.patch(
        "Task/dressing",
        json=[{"op": "replace", "path": "/status", "value": "in-progress"}],
        headers={"Content-Type": "application/json-patch+json"},
    )

    assert moved.status_code == 200
    assert moved.json()["status"] == "in-progress"
    assert issue_of(refused, 403)["code"] == "forbidden"
    assert issue_of(patched, 403)["code"] == "forbidden"
    assert (await kine.get("Task/dressing")).json() == others


async def test_15_a_circle_brings_along_the_directory_and_the_persons_that_are_visible(ask: Ask) -> None:
    address = "CareTeam?subject=Patient/payet&_include=CareTeam:participant"
    professionals = {"gp", "nurse", "helper", "coordinator", "cardiologist", "kine", "former"}
    directory = {f"PractitionerRole/{one}" for one in professionals}
    family = {f"RelatedPerson/{one}" for one in ("daughter", "friend", "brother")}

    assert await found(await ask(NURSE), address) == {"CareTeam/payet", *directory, *family}
    # Of the circle, and granted coordination alone: identities are not visible.
    assert await found(await ask(FRIEND), address) == {"CareTeam/payet", *directory}
    assert await found(await ask(PHARMACIST), address) == set()


async def test_11_the_person_finds_who_read_the_masked_document(ask: Ask) -> None:
    doctor, person = await ask(GP), await ask(CITIZEN)

    assert (await doctor.get("DocumentReference/masked")).status_code == 200
    page = (await person.get("AuditEvent?entity=DocumentReference/masked")).json()

    traces = [one["resource"] for one in page["entry"] if one["search"]["mode"] == "match"]
    agents = {agent["who"]["reference"] for trace in traces for agent in trace["agent"]}
    assert "PractitionerRole/gp" in agents
