"""Patient/$emergency-access: who may take it, what they see then, for how long, and who is told."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import orjson
import pytest

from fhir_server.access.audit import trace_of
from fhir_server.access.authority import Denied
from fhir_server.interactions.call import Action, Call, Reply
from fhir_server.kernel.errors import Throttled
from fhir_server.kernel.keys import Key
from fhir_server.kernel.times import now
from fhir_server.kernel.wire import Tree, decode
from fhir_server.search.sight import Link, Tie
from fhir_server.validation.validator import check
from tests.builders import observation
from tests.circles import CITIZEN, GP, HELPER, NURSE, PERSON, PHARMACIST, caller, circle, member, to
from tests.fhir_server.interactions.performing import refused
from tests.fhir_server.operations.asking import Operator, parameters
from tests.guarded import CIRCLE, SINCE, Guarded, decided, everywhere, identified, recognised

HOUR: Final = 3600 * 1_000_000
REASON: Final = "Détresse respiratoire, personne inconsciente"
ADDRESS: Final = "Patient/$emergency-access"
CARDIOLOGIST: Final = caller("cardiologist", "hospital", "medecin")


def because(reason: str = REASON, **more: Any) -> Tree:
    """The inputs of somebody who has the person before them; without a person where `patient` is None."""
    named = {"patient": {"resource": identified()}, **more}
    listed = [{"name": name, **value} for name, value in named.items() if value]
    return parameters({"name": "reason", "valueString": reason}, *listed)


async def keep(guarded: Guarded, *trees: Tree) -> None:
    await guarded.keep(*CIRCLE, *trees)
    await guarded.put(identified())


async def grants(guarded: Guarded) -> list[Link]:
    links = await guarded.store.links([PERSON], CARDIOLOGIST.actors)
    return [link for link in links if link.tie is Tie.EMERGENCY]


@everywhere
async def test_access_is_for_four_hours_and_of_what_an_emergency_needs(guarded: Guarded) -> None:
    await keep(guarded)
    weight = await guarded.made(observation(PERSON))
    assert not await guarded.by(CARDIOLOGIST).sees(weight)
    began = now()
    answer = decode((await guarded.by(CARDIOLOGIST).ask(ADDRESS, because())).body)
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
    await keep(guarded)
    await guarded.by(CARDIOLOGIST).ask(ADDRESS, because())
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
    await keep(guarded, decided("opposition-urgence", type="deny"))
    with refused(403, "forbidden"):
        await guarded.by(CARDIOLOGIST).ask(ADDRESS, because())
    assert not await guarded.by(CARDIOLOGIST).sees(PERSON)


@everywhere
async def test_an_opposition_ends_it_at_once(guarded: Guarded) -> None:
    await keep(guarded)
    await guarded.by(CARDIOLOGIST).ask(ADDRESS, because())
    await guarded.put(decided("opposition-urgence", type="deny"))
    assert not await guarded.by(CARDIOLOGIST).sees(PERSON)


@everywhere
async def test_whoever_may_not_is_refused_whether_the_person_is_known_or_not(guarded: Guarded) -> None:
    await keep(guarded)
    low = replace(CARDIOLOGIST, level="eidas1")
    secretary = replace(CARDIOLOGIST, delegator=Key("Practitioner", "gp"))
    unknown = {"resource": identified("239027621899999")}
    for who in (PHARMACIST, HELPER, CITIZEN, low, secretary):
        answers = set()
        for address, inputs in (
            ("Patient/payet/$emergency-access", because(patient=None)),
            ("Patient/nobody/$emergency-access", because(patient=None)),
            (ADDRESS, because()),
            (ADDRESS, because(patient=unknown)),
        ):
            with refused(403, "forbidden") as texts:
                await guarded.by(who).ask(address, inputs)
            answers.add(tuple(texts))
        assert len(answers) == 1
    assert not await guarded.by(PHARMACIST).sees(PERSON)


@everywhere
async def test_whoever_logged_in_too_weakly_is_told_how_to_come_again(guarded: Guarded) -> None:
    await keep(guarded)
    with pytest.raises(Denied) as error:
        await guarded.by(replace(CARDIOLOGIST, level="eidas1")).ask(ADDRESS, because())
    assert 'error="insufficient_user_authentication"' in error.value.challenge
    assert 'acr_values="eidas2 eidas3"' in error.value.challenge
    with pytest.raises(Denied) as error:  # another level would not change it
        await guarded.by(PHARMACIST).ask(ADDRESS, because())
    assert error.value.challenge == ""


@everywhere
async def test_an_id_opens_somebody_whom_the_caller_does_not_see(guarded: Guarded) -> None:
    await keep(guarded)
    asked = guarded.by(CARDIOLOGIST)
    assert not await asked.sees(PERSON)
    await asked.ask("Patient/payet/$emergency-access", because(patient=None))
    assert await asked.sees(PERSON)


@everywhere
async def test_an_id_that_there_is_not_is_a_guess(guarded: Guarded) -> None:
    few = guarded.with_settings(limits={"wrong_presentations_per_hour": 3}, workers=1)
    await keep(few)
    asked = few.by(CARDIOLOGIST)
    for name in ("nobody", "somebody", "anybody"):
        with refused(404, "not-found"):
            await asked.ask(f"Patient/{name}/$emergency-access", because(patient=None))
    for name in ("nobody", "payet"):
        with pytest.raises(Throttled):
            await asked.ask(f"Patient/{name}/$emergency-access", because(patient=None))
    assert not await asked.sees(PERSON)


@everywhere
async def test_an_id_opens_more_of_somebody_whom_the_caller_sees(guarded: Guarded) -> None:
    await keep(guarded)
    weight = await guarded.made(observation(PERSON))
    # In the circle, and not of a team that the person recognised: identity alone.
    await guarded.put(
        circle(
            *(member(one, SINCE) for one in ("PractitionerRole/gp", "PractitionerRole/cardiologist")),
            period={"start": SINCE},
        )
    )
    asked = guarded.by(CARDIOLOGIST)
    assert await asked.sees(PERSON)
    assert not await asked.sees(weight)
    await asked.ask("Patient/payet/$emergency-access", because(patient=None))
    assert await asked.sees(weight)
    await asked.ask(
        "Patient/payet/$emergency-access", because("Arrêt cardiaque en salle d'attente", patient=None)
    )


@everywhere
async def test_whoever_guesses_is_not_listened_to_any_more(guarded: Guarded) -> None:
    few = guarded.with_settings(limits={"wrong_presentations_per_hour": 3}, workers=1)
    await keep(few)
    asked = few.by(CARDIOLOGIST)
    for number in range(3):
        await asked.ask(ADDRESS, because(f"{REASON} {number}"))  # what is right is no guess
    for day in range(1, 4):
        with refused(404):
            wrong = {**identified(), "birthDate": f"1939-02-{day:02}"}
            await asked.ask(ADDRESS, because(patient={"resource": wrong}))
    answers = set()
    for shown in (identified(), identified("239027621899999")):
        with pytest.raises(Throttled) as error:
            await asked.ask(ADDRESS, because("Une autre raison encore", patient={"resource": shown}))
        answers.add(str(error.value))
        assert 1100 < error.value.seconds <= 1200
    assert len(answers) == 1
    with pytest.raises(Throttled):  # whatever it is for
        await asked.ask("CareTeam/$join", parameters({"name": "patient", "resource": identified()}))
    await few.by(NURSE).ask(ADDRESS, because())


@everywhere
async def test_it_takes_a_reason_and_another_one_the_next_time(guarded: Guarded) -> None:
    await keep(guarded)
    asked = guarded.by(CARDIOLOGIST)
    with refused(400, "required"):
        await asked.ask(ADDRESS, {})
    with refused(403):
        await asked.ask(ADDRESS, because("Urgence          !"))
    await asked.ask(ADDRESS, because())
    with refused(403):
        await asked.ask(ADDRESS, because(f" {REASON.upper()}"))
    await asked.ask(ADDRESS, because("Arrêt cardiaque en salle d'attente"))


@everywhere
async def test_a_person_is_found_by_the_ins_and_the_traits(guarded: Guarded) -> None:
    await keep(guarded)
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
    await guarded.by(CARDIOLOGIST).ask("Patient/payet/$emergency-access", because(patient=None))
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
    await keep(few)
    asked = few.by(CARDIOLOGIST)
    for number in range(2):
        await asked.ask(ADDRESS, because(f"{REASON} {number}"))
    with pytest.raises(Throttled):
        await asked.ask(ADDRESS, because())
    with pytest.raises(Throttled):  # and is told no more about who is not known
        await asked.ask("Patient/nobody/$emergency-access", because(patient=None))
    await few.by(NURSE).ask(ADDRESS, because())


@everywhere
async def test_it_has_one_purpose(guarded: Guarded) -> None:
    await keep(guarded)
    with refused(400, "value"):
        await guarded.by(CARDIOLOGIST).ask(ADDRESS, because(purpose={"valueCode": "HRESCH"}))


def test_its_trace_says_what_it_was_for() -> None:
    call = Call(Action.OPERATION, "Patient", "payet", operation="$emergency-access")
    said = orjson.loads(trace_of(call, Reply(200), replace(CARDIOLOGIST, purpose="TREAT"), at=1).data)
    assert said["agent"]["purpose"] == "BTG"


async def test_on_a_server_without_authentication_there_is_nothing_to_break(server: Operator) -> None:
    await server.keep({"resourceType": "Patient", "id": "payet"})
    with refused(422, "not-supported"):
        await server.ask(ADDRESS, because())
