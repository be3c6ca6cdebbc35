"""Patient/$emergency-access: who may take it, what they see then, for how long, and who is told."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import orjson
import pytest

from fhir_server.access.audit import trace_of
from fhir_server.interactions.call import Action, Call, Reply
from fhir_server.kernel.errors import Throttled
from fhir_server.kernel.keys import Key
from fhir_server.kernel.times import now
from fhir_server.kernel.wire import Tree, decode
from fhir_server.search.sight import Link, Tie
from fhir_server.validation.validator import check
from tests.builders import observation
from tests.circles import CITIZEN, GP, HELPER, NURSE, PERSON, PHARMACIST, caller, to
from tests.fhir_server.interactions.performing import refused
from tests.fhir_server.operations.asking import Operator, parameters
from tests.guarded import CIRCLE, Guarded, decided, everywhere, identified, recognised

HOUR: Final = 3600 * 1_000_000
REASON: Final = "Détresse respiratoire, personne inconsciente"
CARDIOLOGIST: Final = caller("cardiologist", "hospital", "medecin")


def because(reason: str = REASON, **more: Any) -> Tree:
    listed = [{"name": name, **value} for name, value in more.items()]
    return parameters({"name": "reason", "valueString": reason}, *listed)


async def grants(guarded: Guarded) -> list[Link]:
    links = await guarded.store.links([PERSON], CARDIOLOGIST.actors)
    return [link for link in links if link.tie is Tie.EMERGENCY]


@everywhere
async def test_access_is_for_four_hours_and_of_what_an_emergency_needs(guarded: Guarded) -> None:
    await guarded.keep(*CIRCLE)
    weight = await guarded.made(observation(PERSON))
    assert not await guarded.by(CARDIOLOGIST).sees(weight)
    began = now()
    answer = decode((await guarded.by(CARDIOLOGIST).ask("Patient/payet/$emergency-access", because())).body)
    assert check(answer) == []
    assert await guarded.by(CARDIOLOGIST).sees(PERSON)
    assert await guarded.by(CARDIOLOGIST).sees(weight)
    [link] = await grants(guarded)
    assert began + 4 * HOUR <= link.until <= now() + 4 * HOUR
    grant = await guarded.at(
        Key("Basic", answer["parameter"][1]["valueReference"]["reference"].split("/")[1])
    )
    assert check(grant) == []
    assert grant["author"] == to("PractitionerRole/cardiologist")


@everywhere
async def test_the_person_and_the_gp_are_told_who_and_why(guarded: Guarded) -> None:
    await guarded.keep(*CIRCLE)
    await guarded.by(CARDIOLOGIST).ask("Patient/payet/$emergency-access", because())
    for who in (GP, CITIZEN):
        [announcement] = await guarded.by(who).told()
        assert check(announcement) == []
        [note] = announcement["note"]
        assert note["authorReference"] == to("Practitioner/cardiologist")
        assert note["text"] == REASON
        assert announcement["category"][1]["coding"][0]["code"] == "ACC"
    for who in (NURSE, CARDIOLOGIST):  # who did it learns nothing of whom it was told
        assert await guarded.by(who).told() == []


@everywhere
async def test_a_person_who_opposed_it_is_obeyed(guarded: Guarded) -> None:
    await guarded.keep(*CIRCLE, decided("opposition-urgence", type="deny"))
    with refused(403, "forbidden"):
        await guarded.by(CARDIOLOGIST).ask("Patient/payet/$emergency-access", because())
    assert not await guarded.by(CARDIOLOGIST).sees(PERSON)


@everywhere
async def test_an_opposition_ends_it_at_once(guarded: Guarded) -> None:
    await guarded.keep(*CIRCLE)
    await guarded.by(CARDIOLOGIST).ask("Patient/payet/$emergency-access", because())
    await guarded.put(decided("opposition-urgence", type="deny"))
    assert not await guarded.by(CARDIOLOGIST).sees(PERSON)


@everywhere
async def test_whoever_may_not_is_refused_whether_the_person_is_known_or_not(guarded: Guarded) -> None:
    await guarded.keep(*CIRCLE)
    low = replace(CARDIOLOGIST, level="eidas1")
    secretary = replace(CARDIOLOGIST, delegator=Key("Practitioner", "gp"))
    for who in (PHARMACIST, HELPER, CITIZEN, low, secretary):
        answers = set()
        for name in ("payet", "nobody"):
            with refused(403, "forbidden") as texts:
                await guarded.by(who).ask(f"Patient/{name}/$emergency-access", because())
            answers.add(tuple(texts))
        assert len(answers) == 1
    assert not await guarded.by(PHARMACIST).sees(PERSON)


@everywhere
async def test_it_takes_a_reason_and_another_one_the_next_time(guarded: Guarded) -> None:
    await guarded.keep(*CIRCLE)
    asked = guarded.by(CARDIOLOGIST)
    with refused(400, "required"):
        await asked.ask("Patient/payet/$emergency-access", {})
    with refused(403):
        await asked.ask("Patient/payet/$emergency-access", because("Urgence          !"))
    await asked.ask("Patient/payet/$emergency-access", because())
    with refused(403):
        await asked.ask("Patient/payet/$emergency-access", because(f" {REASON.upper()}"))
    await asked.ask("Patient/payet/$emergency-access", because("Arrêt cardiaque en salle d'attente"))


@everywhere
async def test_a_person_is_found_by_the_ins_and_the_traits(guarded: Guarded) -> None:
    await guarded.keep(*CIRCLE)
    await guarded.put(identified())
    asked = guarded.by(CARDIOLOGIST)
    answers = set()
    for wrong in (identified("239027621899999"), identified(family="HOARAU")):
        with refused(404) as texts:
            await asked.ask("Patient/$emergency-access", because(patient={"resource": wrong}))
        answers.add(tuple(texts))
    assert len(answers) == 1
    answer = decode(
        (await asked.ask("Patient/$emergency-access", because(patient={"resource": identified()}))).body
    )
    assert answer["parameter"][0]["valueReference"] == to(PERSON)
    assert await guarded.by(CARDIOLOGIST).sees(PERSON)


@everywhere
async def test_nobody_makes_a_grant_by_hand(guarded: Guarded) -> None:
    await guarded.keep(*recognised("PractitionerRole/gp", "PractitionerRole/cardiologist"))
    await guarded.by(CARDIOLOGIST).ask("Patient/payet/$emergency-access", because())
    found = await guarded.bundle(f"Basic?patient={PERSON}")
    grant = found["entry"][0]["resource"]
    longer = {**grant, "author": to("PractitionerRole/helper")}
    for who in (CARDIOLOGIST, GP, CITIZEN):
        with refused(403):
            await guarded.by(who).create({**longer, "id": "x"})
        with refused(403):
            await guarded.by(who).put(longer)


@everywhere
async def test_a_caller_takes_no_more_than_so_many_in_an_hour(guarded: Guarded) -> None:
    few = guarded.with_settings(limits={"emergencies_per_hour": 2})
    await few.keep(*CIRCLE)
    asked = few.by(CARDIOLOGIST)
    for number in range(2):
        await asked.ask("Patient/payet/$emergency-access", because(f"{REASON} {number}"))
    with pytest.raises(Throttled):
        await asked.ask("Patient/payet/$emergency-access", because())
    with pytest.raises(Throttled):  # and is told no more about who is not known
        await asked.ask("Patient/nobody/$emergency-access", because())
    await few.by(NURSE).ask("Patient/payet/$emergency-access", because())


@everywhere
async def test_it_has_one_purpose(guarded: Guarded) -> None:
    await guarded.keep(*CIRCLE)
    with refused(400, "value"):
        await guarded.by(CARDIOLOGIST).ask(
            "Patient/payet/$emergency-access", because(purpose={"valueCode": "HRESCH"})
        )


def test_its_trace_says_what_it_was_for() -> None:
    call = Call(Action.OPERATION, "Patient", "payet", operation="$emergency-access")
    said = orjson.loads(trace_of(call, Reply(200), replace(CARDIOLOGIST, purpose="TREAT"), at=1).data)
    assert said["agent"]["purpose"] == "BTG"


async def test_on_a_server_without_authentication_there_is_nothing_to_break(server: Operator) -> None:
    await server.keep({"resourceType": "Patient", "id": "payet"})
    with refused(422, "not-supported"):
        await server.ask("Patient/payet/$emergency-access", because())
