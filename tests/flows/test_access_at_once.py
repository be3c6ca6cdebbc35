"""What somebody decides holds from the next request on, whichever worker of the server that request comes to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import httpx
import pytest

from fhir_server.access.caller import Caller
from fhir_server.kernel.keys import Key
from fhir_server.kernel.times import instant_text, now
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
    circle,
    coding,
    dossier,
    member,
    role,
    to,
)
from tests.flows.callers import Door, door, found
from tests.guarded import decided, recognised

pytestmark = pytest.mark.asyncio

WORKERS: Final = 2
YESTERDAY: Final = (datetime.now(UTC) - timedelta(days=1)).date().isoformat()
ANNUAIRE: Final = Caller("system", client="annuaire", roles=("annuaire",), purpose="HOPERAT")


def measured(id: str, by: str) -> Tree:
    return {
        "resourceType": "Observation",
        "id": id,
        "status": "final",
        "code": coding("http://loinc.org", "29463-7"),
        "subject": to(PERSON),
        "performer": [to(f"PractitionerRole/{by}")],
    }


@pytest.fixture
async def shown(url: str) -> AsyncIterator[Door]:
    """Two workers. The GP, the nurse, the home help and the coordinator are of the circle; the pharmacist is not."""
    members = ("gp", "nurse", "helper", "coordinator")
    team = recognised(*(f"PractitionerRole/{one}" for one in members), pcp="PractitionerRole/gp")
    async with door(url, workers=WORKERS) as opened:
        await opened.keep(*DIRECTORY, *team, measured("by-gp", "gp"), measured("by-nurse", "nurse"))
        yield opened


class Watch:
    """What one caller is answered, by each worker."""

    def __init__(self, clients: Sequence[httpx.AsyncClient]) -> None:
        self._clients = clients

    async def reads(self, address: str) -> list[int]:
        return [(await client.get(address)).status_code for client in self._clients]

    async def finds(self, address: str) -> list[int]:
        return [len(await found(client, address)) for client in self._clients]


async def watched(shown: Door, caller: Caller) -> Watch:
    return Watch([await shown.by(caller, worker=worker) for worker in range(WORKERS)])


def said(tree: Tree) -> Tree:
    """As somebody sends it to be created."""
    return {name: value for name, value in tree.items() if name != "id"}


async def recorded(shown: Door, consent: Tree, by: Caller = CITIZEN, worker: int = 0) -> Tree:
    """The Consent as it is kept, once somebody has recorded it."""
    client = await shown.by(by, worker=worker)
    answer = await client.post("Consent", json=said(consent))
    assert answer.status_code == 201, answer.text
    kept: Tree = answer.json()
    return kept


async def test_a_consent_opens_and_its_withdrawal_closes(shown: Door) -> None:
    pharmacist = await watched(shown, PHARMACIST)
    assert await pharmacist.reads("Observation/by-gp") == [404, 404]

    consent = await recorded(shown, decided("consentement-hors-equipe", "Organization/pharmacy"))
    assert await pharmacist.reads("Observation/by-gp") == [200, 200]
    assert await pharmacist.finds("Observation?patient=Patient/payet") == [2, 2]

    person = await shown.by(CITIZEN, worker=1)
    withdrawn = await person.put(f"Consent/{consent['id']}", json={**consent, "status": "inactive"})
    assert withdrawn.status_code == 200, withdrawn.text
    assert await pharmacist.reads("Observation/by-gp") == [404, 404]
    assert await pharmacist.reads("Observation/by-gp/_history/1") == [404, 404]
    assert await pharmacist.reads("Patient/payet") == [404, 404]
    assert await pharmacist.finds("Observation?patient=Patient/payet") == [0, 0]


async def test_a_consent_ends_by_itself_when_its_time_is_over(shown: Door) -> None:
    pharmacist = await watched(shown, PHARMACIST)
    end = now() + 1_500_000
    consent = decided(
        "consentement-hors-equipe", "Organization/pharmacy", start="2020-01-01", end=instant_text(end)
    )

    await recorded(shown, consent)
    assert await pharmacist.reads("Observation/by-gp") == [200, 200]

    await asyncio.sleep((end - now()) / 1_000_000 + 0.1)
    assert await pharmacist.reads("Observation/by-gp") == [404, 404]
    assert await pharmacist.finds("Observation") == [0, 0]


async def test_whoever_leaves_the_circle_sees_nothing_any_more(shown: Door) -> None:
    nurse = await watched(shown, NURSE)
    assert await nurse.reads("Observation/by-nurse") == [200, 200]

    doctor = await shown.by(GP, worker=1)
    circle = (await doctor.get("CareTeam/payet")).json()
    for participant in circle["participant"]:
        if participant["member"]["reference"] == "PractitionerRole/nurse":
            participant["period"]["end"] = YESTERDAY
    assert (await doctor.put("CareTeam/payet", json=circle)).status_code == 200

    assert await nurse.reads("Observation/by-nurse") == [404, 404]
    assert await nurse.reads("CareTeam/payet") == [404, 404]
    assert await nurse.finds("Observation") == [0, 0]
    assert (await doctor.get("Observation/by-nurse")).status_code == 200


async def test_somebody_whom_the_person_excludes_sees_not_even_their_own(shown: Door) -> None:
    nurse, doctor = await watched(shown, NURSE), await watched(shown, GP)

    await recorded(shown, decided("exclusion-acteur", "PractitionerRole/nurse", type="deny"), worker=1)

    assert await nurse.reads("Observation/by-nurse") == [404, 404]
    assert await nurse.reads("Patient/payet") == [404, 404]
    assert await nurse.finds("Observation") == [0, 0]
    assert await doctor.reads("Observation/by-nurse") == [200, 200]


async def test_an_opposition_hides_its_class_from_all_but_the_author_until_it_is_lifted(shown: Door) -> None:
    nurse, doctor = await watched(shown, NURSE), await watched(shown, GP)
    person = await watched(shown, CITIZEN)

    opposition = await recorded(shown, decided("opposition-partage", type="deny", data=("sante",)))

    assert await nurse.reads("Observation/by-gp") == [404, 404]
    assert await nurse.reads("Observation/by-nurse") == [200, 200]
    assert await nurse.finds("Observation") == [1, 1]
    assert await doctor.reads("Observation/by-nurse") == [404, 404]
    assert await nurse.reads("CareTeam/payet") == [200, 200]
    assert await person.finds("Observation") == [2, 2]

    lifted = {**opposition, "status": "inactive"}
    client = await shown.by(CITIZEN, worker=1)
    assert (await client.put(f"Consent/{opposition['id']}", json=lifted)).status_code == 200
    assert await nurse.finds("Observation") == [2, 2]


async def test_a_recognition_that_is_withdrawn_leaves_what_any_member_of_a_circle_sees(shown: Door) -> None:
    nurse = await watched(shown, NURSE)
    person = await shown.by(CITIZEN)
    [bundle] = [(await person.get("Consent?category=reconnaissance-equipe")).json()]
    [consent] = [one["resource"] for one in bundle["entry"]]

    assert (
        await person.put(f"Consent/{consent['id']}", json={**consent, "status": "inactive"})
    ).status_code == 200

    assert await nurse.reads("Observation/by-gp") == [404, 404]
    assert await nurse.reads("Patient/payet") == [200, 200]
    assert await nurse.reads("CareTeam/payet") == [200, 200]


async def test_a_professional_whom_the_directory_closes_is_of_no_circle(shown: Door) -> None:
    nurse = await watched(shown, NURSE)
    assert await nurse.reads("Observation/by-gp") == [200, 200]

    directory = await shown.by(ANNUAIRE, worker=1)
    closed = {**role("nurse", "ssiad", "G15_60"), "active": False}
    answer = await directory.put("PractitionerRole/nurse", json=closed)

    assert answer.status_code == 200, answer.text
    assert await nurse.reads("Observation/by-gp") == [404, 404]
    assert await nurse.finds("Observation") == [0, 0]


@pytest.mark.parametrize("by", [HELPER, COORDINATOR], ids=["the home help", "the coordinator"])
async def test_what_others_may_not_record_changes_nothing(shown: Door, by: Caller) -> None:
    pharmacist = await watched(shown, PHARMACIST)
    client = await shown.by(by)
    unproven = decided("consentement-hors-equipe", "Organization/pharmacy", proof=False)

    answer = await client.post("Consent", json=said(unproven))

    assert answer.status_code == 403, answer.text
    assert await pharmacist.reads("Observation/by-gp") == [404, 404]


async def test_of_two_circles_that_begin_at_a_time_one_is_there(shown: Door) -> None:
    """One person has one circle, and who may make one is told so: one bit, and no more."""
    newcomer = {"resourceType": "Patient", "id": "new", "birthDate": "1950-01-01"}
    begun = dossier("ssiad", id="new", patient=to("Patient/new"))
    await shown.keep(newcomer, begun)
    clients = [await shown.by(NURSE, worker=worker) for worker in range(WORKERS)]
    tree = said(circle(member("PractitionerRole/gp", YESTERDAY), subject=to("Patient/new")))

    answers = await asyncio.gather(*(client.post("CareTeam", json=tree) for client in clients))

    assert sorted(one.status_code for one in answers) == [201, 409]
    refusal = next(one for one in answers if one.status_code == 409)
    assert "CareTeam/" not in refusal.text.replace("CareTeam/$join", "")
    assert await found(clients[0], "CareTeam?subject=Patient/new") == {
        str(Key("CareTeam", one.json()["id"])) for one in answers if one.status_code == 201
    }


async def test_who_may_not_make_a_circle_is_not_told_that_there_is_one(shown: Door) -> None:
    newcomer = {"resourceType": "Patient", "id": "new", "birthDate": "1950-01-01"}
    await shown.keep(newcomer)
    helper, pharmacist = await shown.by(HELPER), await shown.by(PHARMACIST)
    tree = said(circle(subject=to("Patient/new")))
    before = [(await client.post("CareTeam", json=tree)).status_code for client in (helper, pharmacist)]
    await shown.keep(circle(member("PractitionerRole/gp"), subject=to("Patient/new"), id="new"))
    answers = [await client.post("CareTeam", json=tree) for client in (helper, pharmacist)]
    assert [one.status_code for one in answers] == before
    assert 409 not in before
